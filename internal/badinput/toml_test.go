package badinput

import (
	"fmt"
	"strings"
	"testing"
)

// sound is an experiment that runs in a moment, with no cells; every test spoils it in one place.
const sound = `name = "sound"
seed = 3
[solver]
plugin = "analytic"
map = "quadratic"
[prior]
plugin = "gmm"
width = 0.05
[prior.schedule]
steps = 20
beta_last = 0.5
[prior.data]
kind = "gaussian"
examples = 10
held_out = 4
mean = [0.5, -0.3]
covariance = [[1.0, 0.4], [0.4, 0.6]]
[observation]
truth = "held-out"
noise_std = 0.3
[sampler]
plugin = "dps"
chains = 3
`

// line is where a line of text stands in a file, from 1.
func line(t *testing.T, file, text string) int {
	t.Helper()
	for i, l := range strings.Split(file, "\n") {
		if l == text {
			return i + 1
		}
	}
	t.Fatalf("no line %q", text)
	return 0
}

func TestTOML(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		old, new string // in sound; old "": new is put at the end
		at       string // the line that is named: its text; "": none
		want     []string
	}{
		{"not TOML", `seed = 3`, `seed = = 3`, `seed = = 3`, []string{"not valid TOML"}},
		{"unknown key at the top", `seed = 3`, `sead = 3`, `sead = 3`, []string{"sead", "unknown key", "seed"}},
		{"unknown table", `[observation]`, `[observations]`, `[observations]`, []string{"observations", "observation"}},
		{"unknown option of a plugin", `width = 0.05`, `widht = 0.05`, `widht = 0.05`, []string{"prior.widht", "width"}},
		{"unknown option in a table of a plugin", `beta_last = 0.5`, `beta_lst = 0.5`, `beta_lst = 0.5`, []string{"prior.schedule.beta_lst", "beta_last"}},
		{"unknown option of a generator", `examples = 10`, `example = 10`, `example = 10`, []string{"prior.data.example", "examples"}},
		{"wrong type", `chains = 3`, `chains = "three"`, `chains = "three"`, []string{"sampler.chains", "int", `"three"`}},
		{"wrong type of a seed", `seed = 3`, `seed = 3.5`, `seed = 3.5`, []string{"seed", "int", "3.5"}},
		{"wrong type of a list", `mean = [0.5, -0.3]`, `mean = [0.5, "x"]`, `mean = [0.5, "x"]`, []string{"prior.data.mean[1]", `"x"`}},
		{"out of range", `chains = 3`, `chains = 0`, `chains = 0`, []string{"sampler.chains", ">= 1", "0"}},
		{"out of range, exclusive", `beta_last = 0.5`, `beta_last = 1`, `beta_last = 1`, []string{"prior.schedule.beta_last", "< 1", "1"}},
		{"not allowed", `map = "quadratic"`, `map = "quadratik"`, `map = "quadratik"`, []string{"solver.map", "quadratic", "sine-square"}},
		{"not allowed, host's own", `truth = "held-out"`, `truth = "heldout"`, `truth = "heldout"`, []string{"observation.truth", "held-out", "training"}},
		{"infinite", `noise_std = 0.3`, `noise_std = inf`, `noise_std = inf`, []string{"observation.noise_std", "inf"}},
		{"missing option", `map = "quadratic"`, ``, `[solver]`, []string{"solver.map", "cubic"}},
		{"missing plugin", `plugin = "gmm"`, ``, `[prior]`, []string{"prior.plugin", `plugin = "..."`}},
		{"missing table", "[solver]\nplugin = \"analytic\"\nmap = \"quadratic\"\n", "", "name = \"sound\"", []string{"solver", "[solver]"}},
		{"a value where a table belongs", "[solver]\nplugin = \"analytic\"\nmap = \"quadratic\"\n", "solver = 3\n", "solver = 3", []string{"solver", "must be a table"}},
		{"unknown plugin", `plugin = "analytic"`, `plugin = "analytik"`, `plugin = "analytik"`, []string{"solver.plugin", "waveprior-solver-analytik", "analytic", "WAVEPRIOR_PLUGINS"}},
		{"unknown generator", `kind = "gaussian"`, `kind = "gausian"`, `kind = "gausian"`, []string{"prior.data.kind", `"gausian"`, "allowed:", "gaussian"}},
		{"no generator", `kind = "gaussian"`, ``, `[prior.data]`, []string{"prior.data.kind", "allowed:"}},
		{"noise and noise_std", `noise_std = 0.3`, "noise_std = 0.3\nnoise = 0.1", "noise = 0.1", []string{"observation.noise", "either noise", "noise_std"}},
		{"neither noise nor noise_std", `noise_std = 0.3`, "", "[observation]", []string{"observation.noise", "either noise", "noise_std"}},
		{"no noise", `noise_std = 0.3`, "noise_std = 0", "noise_std = 0", []string{"observation.noise", "above 0"}},
		{"more truths than held out", `noise_std = 0.3`, "noise_std = 0.3\ncount = 5", `truth = "held-out"`, []string{"count = 5", "held_out = 4"}},
		{"a model without its truth", `noise_std = 0.3`, "noise_std = 0.3\nmodel = [[0, 0]]", `model = [[0, 0]]`, []string{"observation.model", `truth = "model"`, `"held-out"`}},
		{"a name that is no folder", `name = "sound"`, `name = "../sound"`, `name = "../sound"`, []string{"name", "../sound", "allowed"}},
		{"no name", `name = "sound"`, ``, ``, []string{"name"}},
		{"no training set", "[prior.data]\nkind = \"gaussian\"\nexamples = 10\nheld_out = 4\nmean = [0.5, -0.3]\ncovariance = [[1.0, 0.4], [0.4, 0.6]]\n[observation]\ntruth = \"held-out\"", "[observation]\ntruth = \"model\"\nmodel = [[0, 0]]", "[prior]", []string{"prior.data", "checkpoint"}},
		{"checkpoint is not there", `width = 0.05`, "width = 0.05\ncheckpoint = \"gone\"", `checkpoint = "gone"`, []string{"prior.checkpoint", "no such folder", "/gone"}},
		{"checkpoint is a file", `width = 0.05`, "width = 0.05\ncheckpoint = \"x.toml\"", `checkpoint = "x.toml"`, []string{"prior.checkpoint", "x.toml is a file"}},
		{"observation file is not there", `truth = "held-out"`, "truth = \"file\"\nfile = \"gone.npy\"", `file = "gone.npy"`, []string{"observation.file", "gone.npy", "no such file"}},
		{"sampler's option", `chains = 3`, "chains = 3\nvariant = \"ful\"", `variant = "ful"`, []string{"sampler.variant", "published", "full"}},
		{"missing prior", "[prior]\nplugin = \"gmm\"\nwidth = 0.05\n[prior.schedule]\nsteps = 20\nbeta_last = 0.5\n[prior.data]\nkind = \"gaussian\"\nexamples = 10\nheld_out = 4\nmean = [0.5, -0.3]\ncovariance = [[1.0, 0.4], [0.4, 0.6]]\n[observation]\ntruth = \"held-out\"", "[observation]\ntruth = \"model\"\nmodel = [[0, 0]]", "[sampler]", []string{"sampler dps needs a [prior]"}},
		{"missing observation", "[observation]\ntruth = \"held-out\"\nnoise_std = 0.3\n", "", "[sampler]", []string{"sampler dps needs an [observation]"}},
		{"missing capability", "plugin = \"gmm\"", "plugin = \"poor\"", "[prior]", []string{"sampler dps", "needs prior capability decode-vjp; prior poor has: denoise, denoise-vjp, decode"}},
		{"option of the host's name", "plugin = \"analytic\"", "plugin = \"threads\"", "plugin = \"threads\"", []string{"solver.plugin", `"threads"`, "key of the host"}},
		{"sweep of an unknown key", "", "[sweep]\n\"prior.wdth\" = [\n0.1,\n0.2]\n", "0.1,", []string{"prior.wdth", "width", "set by sweep"}},
		{"sweep out of range", "", "[sweep]\n\"sampler.chains\" = [\n3,\n-2,\n5]\n", "-2,", []string{"sampler.chains", ">= 1", "-2"}},
		{"sweep of a type", "", "[sweep]\n\"prior.data.examples\" = [10,\n\"many\"]\n", `"many"]`, []string{"prior.data.examples", `"many"`}},
		{"sweep of a scalar", "", "[sweep]\n\"sampler.chains\" = 3\n", `"sampler.chains" = 3`, []string{"must be a list"}},
		{"sweep of nothing", "", "[sweep]\n\"sampler.chains\" = []\n", `"sampler.chains" = []`, []string{"must be a list"}},
		{"sweep without quotes", "", "[sweep]\nsampler.chains = [3]\n", `sampler.chains = [3]`, []string{"quotes"}},
		{"sweep through a scalar", "", "[sweep]\n\"seed.x\" = [3]\n", `"seed.x" = [3]`, []string{"seed"}},
		{"sweep too large", "", "[sweep]\n\"seed\" = [" + strings.Repeat("1,", 200) + "]\n\"sampler.chains\" = [" + strings.Repeat("1,", 200) + "]\n", "\"sampler.chains\" = [" + strings.Repeat("1,", 200) + "]", []string{"more than 10000 cells"}},
		{"sweep with two cells of one name", "", "[sweep]\n\"seed\" = [1, 1]\n", `[sweep]`, []string{`two cells are both called "seed=1"`}},
		{"case without a label", "", "[sweep]\ncases = [{ seed = 3 }]\n", `cases = [{ seed = 3 }]`, []string{"label"}},
		{"error in a case", "", "[[sweep.cases]]\nlabel = \"a\"\nseed = -1\n", `seed = -1`, []string{"seed", ">= 0", "-1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := sound + c.new
			if c.old != "" {
				if strings.Count(sound, c.old) != 1 {
					t.Fatalf("%q stands %d times in the file", c.old, strings.Count(sound, c.old))
				}
				text = strings.Replace(sound, c.old, c.new, 1)
			}
			b := newBench(t, fixtures()...)
			b.write("x.toml", text)
			r := b.run("run", "-q", "-o", "run", "x.toml")
			where := "x.toml:"
			if c.at != "" {
				where = fmt.Sprintf("x.toml:%d: ", line(t, text, c.at))
			}
			r.fails(t, 2, append(c.want, where)...)
			r.one(t)
			b.nothingStarted()
		})
	}
}

// TestSoundTOML: what the others spoil is sound.
func TestSoundTOML(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("x.toml", sound)
	if r := b.run("run", "-q", "-o", "run", "x.toml"); r.code != 0 {
		t.Fatal(r)
	}
	// A relative path in the lock is none: it runs from where it lies, to the same numbers.
	if r := b.run("run", "-q", "-o", "again", "run/lock.toml"); r.code != 0 {
		t.Fatal(r)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"no file", []string{"run", "gone.toml"}, []string{"gone.toml", "no such file"}},
		{"a folder", []string{"run", "tmp"}, []string{"tmp", "is a directory"}},
		{"no argument", []string{"run"}, []string{"accepts 1 arg"}},
		{"unknown command", []string{"rum"}, []string{`unknown command "rum"`, "run"}},
		{"unknown flag", []string{"run", "--fast", "x.toml"}, []string{"--fast"}},
		{"--set without a value", []string{"run", "--set", "seed", "x.toml"}, []string{"--set seed", "KEY=VALUE"}},
		{"--set unknown", []string{"run", "--set", "sed=3", "x.toml"}, []string{"sed", "seed"}},
		{"--set out of range", []string{"run", "--set", "sampler.chains=0", "x.toml"}, []string{"sampler.chains", ">= 1", "0"}},
		{"--set of a table", []string{"run", "--set", "sampler=0", "x.toml"}, []string{"sampler", "table"}},
		{"--attach", []string{"run", "--attach", "solver", "x.toml"}, []string{"--attach solver", "solver=ADDRESS"}},
		{"--attach of nobody", []string{"run", "--attach", "solver=unix:/gone/socket", "x.toml"}, []string{"/gone/socket", "nothing answers there"}},
		{"forward without a model", []string{"forward", "x.toml", "-o", "d.npy"}, []string{`"model"`}},
		{"gradient without noise", []string{"gradient", "x.toml", "--model", "m.npy", "--data", "d.npy", "--noise-std", "0", "-o", "g.npy"}, []string{"--noise-std is 0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.write("x.toml", sound)
			r := b.run(c.args...)
			r.fails(t, 2, c.want...)
			b.nothingStarted()
		})
	}
}
