package experiment_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/session"
)

// TestLock: what is loaded from the lock of an experiment is the experiment, and its lock is the same file. Paths are
// absolute in it, because it lies in another folder.
func TestLock(t *testing.T) {
	for name, text := range map[string]string{
		"no sweep":     base,
		"sweep":        base + "[sweep]\nseed = [1, 2]\nprior = [{ label = \"a\", width = 0.5 }, { label = \"b\", schedule = { last = 0.5 } }]\ncases = [{ label = \"x\" }, { label = \"y\", sampler = { chains = 9 } }]\n",
		"checkpoint":   strings.Replace(base, "[prior.schedule]", "checkpoint = \"ck\"\npath = \"bin/prior\"\n[prior.schedule]", 1),
		"generator":    strings.Replace(base, "[observation]\ntruth = \"model\"\nmodel = [[1, 2]]", "[prior.data]\nkind = \"gaussian\"\nexamples = 5\nheld_out = 3\nmean = [0, 1]\ncovariance = [[1, 0], [0, 2]]\n[observation]\ncount = 2", 1),
		"two solvers":  base + "[observation.solver]\nplugin = \"plain\"\norder = 8\n",
		"judge":        base + "[judge.exact]\ncells = 30\n[judge.effective_components]\ncounts = [2, 3]\n",
		"memorisation": base + "[judge.memorisation]\nnearest = 5\nadapt = [{ kind = \"clamp\", lower = -1 }, { kind = \"affine\", scale = 2.0 }]\n",
		"stages":       staged,
		"drawn":        strings.Replace(base, "truth = \"model\"\nmodel = [[1, 2]]", "truth = { rule = \"drawn\", data = { kind = \"gaussian\", mean = [0, 1] } }\ncount = 2", 1),
		"a rule":       ruled(`{ rule = "mean-of-most-memorised", sampler = { steps = 20, threads = 2 }, prior = { plugin = "trained", width = 0.5 } }`),
		"farthest":     ruled(`{ rule = "farthest", data = { std = [3.0] } }`) + "[sweep]\nseed = [1, 2]\n",
		"another kind": ruled(`{ rule = "farthest", data = { kind = "gaussian-mixture", means = [[1, 2]] } }`),
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, text)
			if err := os.Mkdir(filepath.Join(filepath.Dir(path), "ck"), 0o755); err != nil {
				t.Fatal(err)
			}
			e, err := experiment.Load(t.Context(), path, nil, known())
			if err != nil {
				t.Fatal(err)
			}
			sum := func(r session.Ref) string { return "sum of " + r.Name }
			lock, err := config.Encode(e.LockTree(sum), "lock")
			if err != nil {
				t.Fatal(err)
			}
			again, err := experiment.Load(t.Context(), write(t, string(lock)), nil, known())
			if err != nil {
				t.Fatalf("%v\n%s", err, lock)
			}
			if !again.Lock || e.Lock {
				t.Errorf("lock %v, experiment %v", again.Lock, e.Lock)
			}
			if len(again.Cells) != len(e.Cells) {
				t.Fatalf("%d cells, %d in the lock", len(e.Cells), len(again.Cells))
			}
			for i := range e.Cells {
				if !reflect.DeepEqual(e.Cells[i], again.Cells[i]) {
					t.Errorf("cell %d:\n%+v\nfrom the lock:\n%+v", i, e.Cells[i], again.Cells[i])
				}
			}
			if !reflect.DeepEqual(e.File, again.File) {
				t.Errorf("head %+v\nfrom the lock %+v", e.File, again.File)
			}
			second, err := config.Encode(again.LockTree(sum), "lock")
			if err != nil || string(second) != string(lock) {
				t.Errorf("%v: the lock of the lock is\n%s\nwant\n%s", err, second, lock)
			}
			other := known()
			d := other["solver wave"]
			d.Numerics = "2"
			other["solver wave"] = d
			if _, err := experiment.Load(t.Context(), write(t, string(lock)), nil, other); err == nil || !strings.Contains(err.Error(), `was "1" when this run was made, the plugin that is here has "2"`) {
				t.Errorf("other numerics: %v", err)
			}
		})
	}
}

// TestMovedLines: a value that a sweep put somewhere is blamed where it stands.
func TestMovedLines(t *testing.T) {
	for _, c := range []struct{ sweep, want string }{
		{"[sweep]\nseed = [\n1,\n-1]", `x.toml:23: seed: must be >= 0, got -1 (set by sweep.seed[1])`},
		{"[sweep]\n\"prior.schedule\" = [\n{ label = \"a\", steps = 5 },\n{ label = \"b\", stepz = 5 }]", `x.toml:23: prior.schedule.stepz: unknown key`},
		{"[sweep]\nprior = [\n{ label = \"a\", schedule = { steps = \"many\" } }]", `x.toml:22: prior.schedule.steps: `},
		{"[[sweep.cases]]\nlabel = \"a\"\nsolver.order = 3\n", `x.toml:22: solver.order: `},
		{"[[sweep.cases]]\nlabel = \"a\"\n[sweep.cases.sweep]\n\"solver.order\" = [2,\n3]\n", `x.toml:24: solver.order: `},
		{"[[sweep.cases]]\nlabel = \"a\"\nsweep = 3\n", `x.toml:22: sweep.cases[0].sweep: must be a table`},
		{"[sweep]\nsampler = [{ label = \"a\" }, { label = \"b\", plugin = \"gone\" }]", `x.toml:21: sampler.plugin: plugin not found: sampler gone`},
	} {
		if _, err := load(t, base+c.sweep+"\n"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\ngot  %v\nwant %s", c.sweep, err, c.want)
		}
	}
}

func TestOverrides(t *testing.T) {
	e := mustLoad(t, base+"[sweep]\nseed = [1, 2]\n", "sampler.chains=7", `prior.schedule = { last = 0.5 }`, "sampler.variant = \"linear\"", "sampler.chains = 8")
	if got, want := cellText(e.Cells[1]), "seed=2: seed 2, steps 10, last 0.5, width 0.1, free linear, order 4, chains 8"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if e = mustLoad(t, base, "sweep.\"prior.width\" = [0.5, 0.6]"); len(e.Cells) != 2 || e.Cells[1].Prior.Options["width"] != 0.6 {
		t.Errorf("a sweep by --set: %d cells", len(e.Cells))
	}
	for over, want := range map[string]string{
		"sampler.chains":       "--set sampler.chains: want KEY=VALUE",
		"sampler.chains=x":     "--set sampler.chains=x: want KEY=VALUE",
		"sampler.chains=0":     "sampler.chains: must be >= 1, got 0",
		"sampler.chain=3":      "sampler.chain: unknown key",
		"sampler=3":            "sampler: must be a table",
		"prior.schedule=3":     "prior.schedule: ",
		"seed=\"x\"":           "seed: ",
		"observation.noise=-1": "observation.noise: must be >= 0, got -1",
	} {
		if _, err := load(t, base, over); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("--set %s: got %v, want %q", over, err, want)
		}
	}
}

// TestOverriddenOverrides: a value that the command line sets is never dropped in silence.
func TestOverriddenOverrides(t *testing.T) {
	swept := base + "[sweep]\nseed = [1, 2]\n"
	for over, want := range map[string]string{
		"seed=5":                       `--set seed: the sweep gives it other values`,
		"sweep.\"sampler.chains\"=[3]": "",
		"sampler.chains=5":             "",
	} {
		_, err := load(t, swept, over)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("--set %s: got %v, want %q", over, err, want)
		}
	}
}

// TestNeeds: what a sampler needs and does not find, before anything starts.
func TestNeeds(t *testing.T) {
	guided := strings.Replace(base, `plugin = "free"`, `plugin = "guided"`, 1)
	noPrior := strings.Replace(guided, "[prior]\nplugin = \"full\"\n[prior.schedule]\nsteps = 10\n", "", 1)
	for _, c := range []struct{ name, text, want string }{
		{"all there", guided, ""},
		{"no prior", noPrior, "x.toml:13: sampler: sampler guided needs a [prior]"},
		{"no observation", strings.Replace(guided, "[observation]\ntruth = \"model\"\nmodel = [[1, 2]]\nnoise = 0.1\n", "", 1), "sampler: sampler guided needs an [observation]"},
		{"prior", strings.Replace(guided, `"full"`, `"poor"`, 1), "x.toml:7: prior: sampler guided needs prior capability decode-vjp; prior poor has: denoise (the physics' gradient"},
		{"solver", strings.Replace(guided, `"wave"`, `"plain"`, 1), "x.toml:4: solver: sampler guided needs solver capability gradient; solver plain has: none"},
		{"only with an option", strings.Replace(strings.Replace(guided, `"wave"`, `"nojvp"`, 1), "chains = 2", "chains = 2\nvariant = \"linear\"", 1), "sampler guided with variant = \"linear\" needs solver capability jvp; solver nojvp has: gradient"},
		{"not without it", strings.Replace(guided, `"wave"`, `"nojvp"`, 1), ""},
		{"truth", strings.Replace(strings.Replace(base, "truth = \"model\"\nmodel = [[1, 2]]", "truth = \"prior\"", 1), `"full"`, `"poor"`, 1), `observation.truth: "prior" needs prior capability mixture; prior poor has: denoise`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := known()
			d := p["solver plain"]
			d.Name, d.Capabilities = "nojvp", []contract.Capability{contract.CapGradient}
			p["solver nojvp"] = d
			_, err := experiment.Load(t.Context(), write(t, c.text), nil, p)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, contract.ErrUnsupported) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestLoadSolver: the [solver] table alone, whatever else stands in the file.
func TestLoadSolver(t *testing.T) {
	text := "seed = 5\n[solver]\nplugin = \"wave\"\norder = 8\nworkers = 3\n[prior]\nplugin = 7\n"
	p, seed, err := experiment.LoadSolver(t.Context(), write(t, text), nil, known())
	if err != nil || seed != 5 || p.Workers != 3 || p.Options["order"] != int64(8) || string(p.OptionsJSON()) != `{"frequency_hz":[4.0],"order":8}` {
		t.Errorf("%v, seed %d, %+v, %s", err, seed, p, p.OptionsJSON())
	}
	for old, c := range map[string][2]string{
		"seed = 5":  {"seed = -5", "x.toml:1: seed: must be an integer >= 0"},
		"order = 8": {"order = 3", "x.toml:4: solver.order: "},
		"[solver]":  {"[salver]", "solver: the table is missing"},
	} {
		if _, _, err := experiment.LoadSolver(t.Context(), write(t, strings.Replace(text, old, c[0], 1)), nil, known()); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: got %v, want %q", c[0], err, c[1])
		}
	}
}

// FuzzLoad: no file panics, lock files among them; an error has file and line; and what loads has a lock that loads to
// the same cells.
func FuzzLoad(f *testing.F) {
	for _, s := range []string{base, base + "[sweep]\nseed = [1, 2]\n", base + "[[sweep.cases]]\nlabel = \"a\"\n[sweep.cases.sweep]\n\"solver.order\" = [2, 8]\n", "lock = 3", "[lock]\n[[cell]]\nlabel = 3\n",
		"name = \"x\"\ncell = [3]\nlock = {}", "name=\"x\"\n[solver]\nplugin=\"plain\"", base + "[judge.exact]\ncells = 4001\n", base + "[observation.solver]\nplugin = \"plain\"\n[prior.data]\nkind = \"gaussian\""} {
		f.Add(s)
	}
	for _, s := range []string{base, base + "[sweep]\nseed = [1, 2]\n"} {
		lock, err := config.Encode(mustLoad(f, s).LockTree(func(session.Ref) string { return "" }), "")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(lock))
	}
	path := filepath.Join(f.TempDir(), "x.toml") // one for all: folders cost more than what is tested
	load := func(t *testing.T, text string) (*experiment.Experiment, error) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return experiment.Load(t.Context(), path, nil, known())
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := load(t, text)
		if err != nil {
			if e != nil {
				t.Fatalf("an experiment beside the error %v", err)
			}
			for _, x := range config.All(err) {
				var at *config.Error
				if !errors.As(x, &at) || !strings.HasSuffix(at.File, "x.toml") || at.Line < 0 || at.Line > 1+strings.Count(text, "\n") || at.Text == "" {
					t.Fatalf("an error without a place: %v", x)
				}
			}
			return
		}
		lock, err := config.Encode(e.LockTree(func(session.Ref) string { return "" }), "")
		if err != nil {
			t.Fatal(err)
		}
		again, err := load(t, string(lock))
		if err != nil {
			t.Fatalf("%v\n%s", err, lock)
		}
		if len(again.Cells) != len(e.Cells) {
			t.Fatalf("%d cells, %d in the lock", len(e.Cells), len(again.Cells))
		}
		for i := range e.Cells {
			if a, b := e.Cells[i], again.Cells[i]; a.Label != b.Label || a.Slug != b.Slug || string(a.Solver.OptionsJSON()) != string(b.Solver.OptionsJSON()) || !reflect.DeepEqual(a.Chains, b.Chains) {
				t.Fatalf("cell %d: %+v\nfrom the lock: %+v", i, a, b)
			}
		}
	})
}
