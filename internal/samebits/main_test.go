package samebits

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// seed repeats a run of the tests that draw lots; they print it.
var seed = flag.Int64("seed", time.Now().UnixNano(), "seed of the random kills")

// built is where the command and the plugins are; made on first use.
type built struct {
	sync.Once
	dir string
	err error
}

// instrument puts the processes under the race detector, too: it finds races between calls and kills, and takes many times
// as long, most of it to draw the figures of a hundred reports. This process has the host and all plugins in some rows of the
// table, which go test -race watches.
var instrument = flag.Bool("instrument", false, "build the command and the plugins with -race")

// hooked binaries have hooks; plain ones are as they are shipped.
var hooked, plain built

// plugins are the binaries beside the command.
var plugins = []string{
	"solvers/analytic/cmd/waveprior-solver-analytic", "priors/gmm/cmd/waveprior-prior-gmm", "samplers/dps/cmd/waveprior-sampler-dps",
	"samplers/ddpm/cmd/waveprior-sampler-ddpm", "samplers/gmm-posterior/cmd/waveprior-sampler-gmm-posterior",
	"solvers/helmholtz/cmd/waveprior-solver-helmholtz", "priors/kl-mlp/cmd/waveprior-prior-kl-mlp",
	"solvers/acoustic/cmd/waveprior-solver-acoustic", "solvers/elastic/cmd/waveprior-solver-elastic", "samplers/map/cmd/waveprior-sampler-map",
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	for _, b := range []*built{&hooked, &plain} {
		if b.dir != "" {
			os.RemoveAll(b.dir)
		}
	}
	os.Exit(code)
}

// binaries returns the folder of the hooked binaries.
func binaries(t testing.TB) string {
	t.Helper()
	flags := []string{"-tags", "hooks"}
	if *instrument {
		flags = append(flags, "-race")
	}
	return hooked.get(t, flags...)
}

// get builds the command and the plugins, once.
func (b *built) get(t testing.TB, flags ...string) string {
	t.Helper()
	b.Do(func() {
		if b.dir, b.err = os.MkdirTemp("", "sbin"); b.err == nil {
			b.err = build(b.dir, flags)
		}
	})
	if b.err != nil {
		t.Fatal(b.err)
	}
	return b.dir
}

func build(dir string, flags []string) error {
	const module = "github.com/waveprior/waveprior/"
	flags = append([]string{"build", "-trimpath", "-buildvcs=false"}, flags...)
	var packages []string
	for _, p := range plugins {
		packages = append(packages, module+"plugins/"+p)
	}
	for _, args := range [][]string{
		append([]string{"-o", dir + string(filepath.Separator)}, packages...),
		{"-o", filepath.Join(dir, "waveprior"), module + "host"}, // its folder has another name than the command
	} {
		cmd := exec.Command("go", append(flags[:len(flags):len(flags)], args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
		}
	}
	return nil
}

var pluginsEnv sync.Once

// withPlugins lets sessions in this process find the plugins. It is the same folder for all tests, which run in parallel.
func withPlugins(t testing.TB, bin string) {
	pluginsEnv.Do(func() {
		if err := os.Setenv("WAVEPRIOR_PLUGINS", bin); err != nil {
			t.Fatal(err)
		}
	})
}
