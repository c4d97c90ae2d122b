package samebits

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// computed lists the stages that a run did not take from the cache, "cell: stage" where there are several cells.
func (m manifest) computed() []string {
	var list []string
	for _, c := range m.Cells {
		for _, s := range c.Stages {
			if !s.Cached {
				list = append(list, strings.TrimPrefix(c.Label+": "+s.Stage, "full: "))
			}
		}
	}
	return list
}

func (l *lab) wantComputed(want ...string) {
	l.t.Helper()
	if got := l.manifest().computed(); !slices.Equal(got, want) {
		l.t.Errorf("computed %q, want %q", got, want)
	}
}

// entries counts the stages of a kind in the cache.
func (l *lab) entries(stage string) int {
	l.t.Helper()
	paths, err := filepath.Glob(filepath.Join(l.path, stage, "*", "stage.json"))
	if err != nil {
		l.t.Fatal(err)
	}
	return len(paths)
}

var stages = []string{"data", "train", "observe", "sample", "judge"}

// TestSweepShares: cells that need the same stage compute it once.
func TestSweepShares(t *testing.T) {
	t.Parallel()
	l := newLab(t, small("full", "published"))
	l.start().must(0)
	l.wantComputed("data", "train", "observe", "sample", "judge", "published: sample", "published: judge")
	for stage, want := range map[string]int{"data": 1, "train": 1, "observe": 1, "sample": 2, "judge": 2} {
		if n := l.entries(stage); n != want {
			t.Errorf("%d entries of stage %s, want %d", n, stage, want)
		}
	}
	if n, _ := l.manifest().denoised(); n != 100 { // 10 chains, 10 steps, one denoise each
		t.Errorf("%g denoised, want 100", n)
	}
}

// TestEdits: an edit that changes no number takes everything from the cache; one that does computes the stages that depend on
// it, and those only.
func TestEdits(t *testing.T) {
	t.Parallel()
	text := small("full")
	want := first(t, text)
	l := newLab(t, text)
	l.start().must(0)
	l.wantComputed(stages...)
	swap := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(text) }
	for _, e := range []struct {
		name, text string
		out        string   // "": the same run folder
		computed   []string // nil: everything comes from the cache
	}{
		{"comment", "# a comment\n" + text, "", nil},
		{"title and question", swap("Same bits\"", "Other words\"\nquestion = \"Why?\""), "", nil},
		{"workers", swap(`map =`, "workers = 3\nmap ="), "", nil},
		{"threads", swap(`map =`, "threads = 2\nmap =", `components =`, "threads = 3\ncomponents ="), "", nil},
		{"group", swap(`chains = 5`, "chains = 5\ngroup = 3"), "", nil},
		{"[run]", swap(`checkpoint_s = 0.0`, "checkpoint_s = 3.0\ncall_limit_s = 77.0\nrestarts = 2"), "", nil},
		{"order of keys", swap("plugin = \"analytic\"\nmap = \"quadratic\"", "map = \"quadratic\"\nplugin = \"analytic\"", "mean = [0.5, -0.3]\n", "", "held_out = 4", "held_out = 4\nmean = [0.5, -0.3]"), "", nil},
		{"default written out", swap(`map = "quadratic"`, "map = \"quadratic\"\ncoefficients = [0.3, 0.2]\ndevice = \"cpu\""), "coefficients", []string{"observe", "sample", "judge"}}, // the key does not know a plugin's own defaults
		{"name", swap(`"samebits"`, `"renamed"`), "name", nil},

		{"sampler option", swap(`variant = "full"`, `variant = "full", zeta = 0.2`), "zeta", []string{"sample", "judge"}},
		{"chains", swap("chains = 5", "chains = 4"), "chains", []string{"sample", "judge"}},
		{"snapshots", swap("snapshots = 3", "snapshots = 4"), "snapshots", []string{"sample", "judge"}},
		{"judge option", swap("cells = 40", "cells = 41"), "cells", []string{"judge"}},
		{"noise", swap("noise_std = 0.3", "noise_std = 0.31"), "noise", []string{"observe", "sample", "judge"}},
		{"prior option used after training", swap("width = 0.2", "width = 0.21"), "width", []string{"sample", "judge"}},
		{"prior option of training", swap(`"training"`, `"gaussian"`), "components", []string{"train", "sample", "judge"}},
		{"solver option", swap(`map = "quadratic"`, "map = \"quadratic\"\ncoefficients = [0.3, 0.1]"), "solver", []string{"observe", "sample", "judge"}},
		{"training set", swap("examples = 6", "examples = 7"), "examples", stages},
		{"seed", swap("seed = 7", "seed = 8"), "seed", stages},
	} {
		t.Run(e.name, func(t *testing.T) {
			if e.text == text {
				t.Fatal("no edit")
			}
			l := *l
			l.t = t
			l.write(e.text)
			if e.out != "" {
				l.out = filepath.Join(l.root, e.out)
			}
			l.start().must(0)
			l.wantComputed(e.computed...)
			if e.computed == nil {
				l.same(want)
			} else if d := readSums(t, l.out, l.path).differ(want); d == "" && e.name != "default written out" {
				t.Error("the edit changed nothing")
			}
		})
	}
}

// TestOtherExperiment: a run folder that belongs to another experiment, or to nothing known, is refused with 2 before
// anything is computed; --force takes it.
func TestOtherExperiment(t *testing.T) {
	t.Parallel()
	l := newLab(t, small("full"))
	l.start().must(0)
	before := l.entries("sample")
	for _, text := range []string{strings.Replace(small("full"), "seed = 7", "seed = 9", 1), strings.Replace(small("full"), `"samebits"`, `"other"`, 1)} {
		l.write(text)
		host := l.start()
		host.must(2)
		if !host.says("--force") {
			t.Errorf("the refusal does not say what to type:\n%s", host.text())
		}
	}
	if n := l.entries("sample"); n != before {
		t.Errorf("%d samples in the cache, there were %d", n, before)
	}
	stranger := *l
	stranger.out = filepath.Join(l.root, "mine")
	if err := os.MkdirAll(stranger.out, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(stranger.out, "thesis.txt"), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	stranger.start().must(2)
	if names, _ := os.ReadDir(stranger.out); len(names) != 1 {
		t.Errorf("a refused folder was written to: %v", names)
	}
	l.args = []string{"--force"}
	l.start().must(0)
	l.args = nil
	l.start().must(0) // now it is its own
	l.nothingLeft()
}

// TestDamage: a stage whose file was cut short, changed or removed is found, said, and computed again to the same bits, and
// it alone.
func TestDamage(t *testing.T) {
	t.Parallel()
	want := first(t, small("full"))
	l := newLab(t, small("full"))
	l.start().must(0)
	flip := func(path string) error {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		b[len(b)-1] ^= 4
		return os.WriteFile(path, b, 0o644)
	}
	cut := func(path string) error { return os.Truncate(path, 100) }
	for _, d := range []struct {
		stage, file string
		how         func(path string) error
	}{
		{"sample", "latent.npy", flip},
		{"sample", "history_misfit.npy", cut},
		{"sample", "model.npy", os.Remove},
		{"sample", "stage.json", os.Remove},
		{"sample", "stage.json", cut},
		{"train", "checkpoint/gmm.safetensors", flip},
		{"train", "checkpoint/gmm.safetensors", cut},
		{"data", "training/00000.npy", flip},
		{"data", "held-out/dataset.json", cut},
		{"observe", "data.npy", flip},
		{"judge", "metrics.json", cut},
	} {
		paths, err := filepath.Glob(filepath.Join(l.path, d.stage, "*[0-9a-f]", d.file))
		if err != nil || len(paths) != 1 {
			t.Fatalf("%s: %v, %v", d.file, paths, err)
		}
		if err := d.how(paths[0]); err != nil {
			t.Fatal(err)
		}
		host := l.start()
		host.must(0)
		if !host.says("is damaged") {
			t.Errorf("%s: the host does not say so:\n%s", d.file, host.text())
		}
		l.wantComputed(d.stage)
		l.same(want)
		aside, err := filepath.Glob(filepath.Join(l.path, d.stage, "*.damaged-*"))
		if err != nil || len(aside) != 1 {
			t.Errorf("%s: moved aside: %v, %v", d.file, aside, err)
		}
		for _, path := range aside {
			if err := os.RemoveAll(path); err != nil {
				t.Error(err)
			}
		}
	}
	l.nothingLeft()
}

// TestRebuilt: a plugin that was built anew gives a note where its old results are used; --strict-cache computes them again.
func TestRebuilt(t *testing.T) {
	t.Parallel()
	want := first(t, small("full"))
	l := newLab(t, small("full"))
	l.start().must(0)
	bin := filepath.Join(l.root, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	names, err := os.ReadDir(l.bin)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join(l.bin, n.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if n.Name() == "waveprior-solver-analytic" {
			b = append(b, "another build"...)
		}
		if err := os.WriteFile(filepath.Join(bin, n.Name()), b, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// Strict with the old binaries: everything again, under keys of its own, in the same run folder.
	l.args = []string{"--strict-cache"}
	l.start().must(0)
	l.same(want)
	l.start().must(0)
	l.wantComputed()
	old := l.bin
	l.bin, l.args = bin, nil
	l.start().must(0)
	l.wantComputed()
	notes := strings.Join(l.manifest().Cells[0].Notes, "\n")
	for _, stage := range []string{"observe", "sample", "judge"} {
		if !strings.Contains(notes, stage+" was taken from the cache; it was computed by another build of solver-analytic") {
			t.Errorf("no note that %s comes from another build of the solver: %q", stage, notes)
		}
	}
	if strings.Contains(notes, "train was") || strings.Contains(notes, "prior-gmm") {
		t.Errorf("the prior is the same build: %q", notes)
	}
	l.args = []string{"--strict-cache"}
	l.start().must(0)
	l.wantComputed("observe", "sample", "judge")
	l.same(want)
	if notes := l.manifest().Cells[0].Notes; len(notes) != 0 {
		t.Errorf("notes of a strict run: %q", notes)
	}
	l.nothingLeft()
	l.bin = old
	l.nothingLeft()
}

// TestLock: the lock file repeats the run: from the cache, and with another cache to the same bits. Neither it nor the manifest
// tells of the machine's folders.
func TestLock(t *testing.T) {
	t.Parallel()
	l := newLab(t, small())
	l.start().must(0)
	want := readSums(t, l.out, l.path)
	text, err := os.ReadFile(filepath.Join(l.out, "experiment.toml"))
	if err != nil {
		t.Fatal(err)
	}
	l.file = filepath.Join(l.out, "lock.toml")
	lock, err := os.ReadFile(l.file)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := os.ReadFile(filepath.Join(filepath.Dir(l.file), "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"lock.toml": lock, "manifest.json": manifest} { // they are put beside studies
		for _, folder := range []string{l.root, l.bin} {
			if bytes.Contains(b, []byte(folder)) {
				t.Errorf("%s tells of this machine's folder %s:\n%s", name, folder, b)
			}
		}
	}
	l.start().must(0)
	l.wantComputed()
	l.same(want)
	for name, was := range map[string][]byte{"experiment.toml": text, "lock.toml": lock} {
		if b, err := os.ReadFile(filepath.Join(l.out, name)); err != nil || string(b) != string(was) {
			t.Errorf("the lock's run changed %s: %v\n%s", name, err, b)
		}
	}
	other := *l
	other.path, other.out = filepath.Join(l.root, "cache2"), filepath.Join(l.root, "run2")
	other.start().must(0)
	if n := len(other.manifest().computed()); n != 3+2*len(cells) {
		t.Errorf("%d stages computed with an empty cache: %q", n, other.manifest().computed())
	}
	other.same(want)
	other.nothingLeft()
}

// TestTwoRuns: two runs at the same time on one cache compute each stage once; when the one that holds a stage is killed, the
// other goes on from its checkpoint.
func TestTwoRuns(t *testing.T) {
	want := first(t, small("full"))
	for _, victim := range []string{"plugin", "host"} {
		t.Run(victim, func(t *testing.T) {
			t.Parallel()
			a, b := newLab(t, small("full")), newLab(t, small("full"))
			b.path = a.path
			holder, stopped := a.stop("solver.Misfit", 5)
			waiter := b.start()
			waiter.until("the other run's wait", func() bool { return strings.Contains(waiter.text(), "another run is computing sample") })
			if victim == "host" {
				a.kill(holder.cmd.Process.Pid)
				holder.must(-1)
				a.nothingLeft()
			} else {
				a.kill(stopped.pid)
				holder.must(0)
				a.same(want)
			}
			waiter.must(0)
			b.same(want)
			a.nothingLeft()
			b.nothingLeft()
			b.tidy()
			for _, s := range stages {
				if n := b.entries(s); n != 1 {
					t.Errorf("%d entries of stage %s", n, s)
				}
			}
			if n, sessions := b.manifest().denoised(); sessions != map[string]int{"plugin": 1, "host": 2}[victim] || n > 110 {
				t.Errorf("%d sessions denoised %g items: 100 are needed, and one step of ten may be repeated", sessions, n)
			}
			if victim == "plugin" {
				done := map[string]int{}
				for _, stage := range append(a.manifest().computed(), b.manifest().computed()...) {
					done[stage]++
				}
				if fmt.Sprint(done) != "map[data:1 judge:1 observe:1 sample:1 train:1]" {
					t.Errorf("stages computed by the two: %v", done)
				}
			}
		})
	}
}
