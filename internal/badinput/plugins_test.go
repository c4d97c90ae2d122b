package badinput

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPlugins: a plugin that cannot be used, named in an experiment. The error says where it looked and what to type.
func TestPlugins(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		plugin string // the [solver] table's plugin
		path   string // its path, if any
		want   []string
	}{
		{"not found", "absent", "", []string{"plugin not found: solver absent", "no file waveprior-solver-absent in", fixtureDirMark, binDirMark, "WAVEPRIOR_PLUGINS", `path = "..."`, "analytic"}},
		{"path not found", "analytic", "gone/solver", []string{"plugin not found: solver analytic", "no file", "gone/solver"}},
		{"path is a folder", "analytic", "tmp", []string{"/tmp is a folder"}},
		{"not executable", "analytic", "x.toml", []string{"x.toml is not executable", "chmod +x"}},
		{"not a program", "analytic", "script", []string{"solver analytic", "script", "exec format error"}},
		{"garbage on stdout", "garbage", "", []string{"waveprior-solver-garbage", `"loading weights ..."`, "stdout where the handshake belongs", "--help"}},
		{"flood on stdout", "flood", "", []string{"waveprior-solver-flood", "stdout", "--help"}},
		{"ends at once", "exits", "", []string{"waveprior-solver-exits", "exit status 3", "cannot find libphysics.so", "--help"}},
		{"another version", "v0", "", []string{"waveprior-solver-v0", "does not speak the contract waveprior.v1", "build the plugin against"}},
		{"another kind", "gmm", "", []string{"waveprior-solver-gmm", "it is a prior (gmm), wanted is a solver", "[prior]"}},
		{"another name", "renamed", "", []string{"waveprior-solver-renamed", "it says that it is analytic, wanted is renamed", `plugin = "analytic"`}},
		{"wrong option table", "badtable", "", []string{"solver badtable", "frequency_hz", `unknown type "flaots"`, "floats"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, fixtures()...)
			text := strings.Replace(sound, `plugin = "analytic"`, `plugin = "`+c.plugin+`"`, 1)
			if c.path != "" {
				text = strings.Replace(text, `map = "quadratic"`, "map = \"quadratic\"\npath = \""+c.path+`"`, 1)
			}
			b.write("x.toml", text)
			b.write("script", "echo no\n")
			if err := os.Chmod(b.path("script"), 0o755); err != nil {
				t.Fatal(err)
			}
			for i, w := range c.want {
				c.want[i] = strings.NewReplacer(fixtureDirMark, fixtureDir, binDirMark, binDir).Replace(w)
			}
			for _, args := range [][]string{{"run", "-q", "-o", "run", "x.toml"}, {"plan", "-q", "x.toml"}} {
				r := b.run(args...)
				r.fails(t, 2, append(c.want, "x.toml:4: solver.plugin: ")...)
				if r.stdout != "" || strings.Count(r.stderr, "waveprior: ") != 1 {
					t.Errorf("%v\nwant one error", r)
				}
				if r.maxRSS > 200<<20 {
					t.Errorf("%d MiB were in memory", r.maxRSS>>20)
				}
				b.nothingStarted()
			}
		})
	}
}

const fixtureDirMark, binDirMark = "FIXTURES", "BIN"

// TestDevices: a GPU that cannot be had is one clear error, and nothing crashes.
func TestDevices(t *testing.T) {
	t.Parallel()
	const cpu = `device = "cpu" computes without a GPU`
	for _, c := range []struct {
		name, plugin, table, top string
		line                     int
		want                     []string
	}{
		{"no such device", "analytic", `device = "gpu"`, "", 5, []string{`solver.device: no such device: "gpu"`, `"cuda:N"`}},
		{"no build", "helmholtz", `device = "cuda:0"`, "", 5, []string{"solver.device: plugin not found: solver helmholtz: no file waveprior-solver-helmholtz-cuda in", binDirMark, "make cuda", `device = "cuda:0" needs a CUDA build (of solvers there are: analytic, nodriver, nogpu)`, cpu}},
		{"no build, the file's device", "helmholtz", "", `device = "cuda:1"`, 1, []string{": device: plugin not found: solver helmholtz: no file waveprior-solver-helmholtz-cuda", "make cuda", cpu}},
		{"a build for the CPU", "analytic", "device = \"cuda:0\"\npath = \"" + binDirMark + "/waveprior-solver-analytic\"", "", 5, []string{"solver.device: solver analytic", "it computes on the CPU", "-cuda that make cuda builds"}},
		{"no driver", "nodriver", `device = "cuda:0"`, "", 5, []string{"waveprior-solver-nodriver-cuda", "there is no CUDA driver: libcuda.so.1: cannot open shared object file", cpu}},
		{"no GPU", "nogpu", `device = "cuda:0"`, "", 5, []string{"waveprior-solver-nogpu-cuda", "the CUDA driver finds no GPU that it can use: NoDevice", cpu}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, fixtures()...)
			marks := strings.NewReplacer(fixtureDirMark, fixtureDir, binDirMark, binDir)
			text := strings.Replace(sound, `plugin = "analytic"`, `plugin = "`+c.plugin+"\"\n"+marks.Replace(c.table), 1)
			if c.top != "" {
				text = c.top + "\n" + text
			}
			b.write("x.toml", text)
			for i, w := range c.want {
				c.want[i] = marks.Replace(w)
			}
			for _, args := range [][]string{{"run", "-q", "-o", "run", "x.toml"}, {"plan", "-q", "x.toml"}} {
				r := b.run(args...)
				r.fails(t, 2, append(c.want, fmt.Sprintf("x.toml:%d: ", c.line))...)
				if r.stdout != "" || strings.Count(r.stderr, "waveprior: ") != 1 {
					t.Errorf("%v\nwant one error", r)
				}
				b.nothingStarted()
			}
		})
	}
	b := newBench(t, fixtures()...)
	b.write("x.toml", strings.Replace(sound, `plugin = "analytic"`, "plugin = \"analytic\"\ndevice = \"cuda:7\"", 1))
	b.run("run", "-q", "-o", "run", "x.toml").fails(t, 2, `solver analytic: device "cuda:7"`)
	b.run("plugin", "check", "nogpu-cuda").fails(t, 2, "finds no GPU")
	b.run("plugin", "check", filepath.Join(fixtureDir, "waveprior-solver-nodriver-cuda")).fails(t, 2, "no CUDA driver")
	b.run("plugin", "check", "nogpu").fails(t, 2, "no plugin called nogpu")
}

// TestPluginList: broken plugins are shown as such, and the others are listed all the same.
func TestPluginList(t *testing.T) {
	t.Parallel()
	b := newBench(t, fixtures()...)
	r := b.run("plugin", "list")
	if r.code != 0 {
		t.Fatal(r)
	}
	for _, want := range []string{"garbage", "broken:", "cannot start here: solver nogpu", "gmm-posterior", filepath.Join(fixtureDir, "waveprior-solver-analytic")} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("%v\nwant %q in it", r, want)
		}
	}
	r = b.run("plugin", "list", "absent")
	r.fails(t, 2, `no plugin called "absent"`, "waveprior plugin list")
}
