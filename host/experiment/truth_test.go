package experiment_test

import (
	"strings"
	"testing"

	"github.com/waveprior/waveprior/host/experiment"
)

// ruled is the sound experiment with a training set and a truth rule, on line 18.
func ruled(truth string) string {
	return strings.Replace(strings.Replace(base, `"free"`, `"guided"`, 1), "[observation]\ntruth = \"model\"\nmodel = [[1, 2]]", "[prior.data]\nkind = \"gaussian\"\nexamples = 200\nheld_out = 3\nmean = [0, 1]\n[observation]\ntruth = "+truth, 1)
}

const mostMemorised = `{ rule = "mean-of-most-memorised" }`

func TestMostMemorised(t *testing.T) {
	e := mustLoad(t, ruled(mostMemorised))
	c := e.Cells[0]
	r := c.Observation.Rule
	if c.Observation.Truth != "mean-of-most-memorised" || r == nil || r.Count != 3 || r.Examples != 50 || r.Run.Chains.Chains != 384 {
		t.Fatalf("%+v, %+v", c.Observation, r)
	}
	if got := string(r.Run.Sampler.OptionsJSON()); got != `{"eta":0.0,"steps":0,"variant":"ddim"}` {
		t.Errorf("the rule samples with %s", got)
	}
	if r.Run.Observation != nil || r.Run.Seed != 1 || r.Run.Data.HeldOut != 3 || string(r.Run.Prior.OptionsJSON()) != string(c.Prior.OptionsJSON()) {
		t.Errorf("the rule's run: %+v", r.Run)
	}
	if !strings.Contains(string(r.Run.Generator), `"examples":50,`) || !strings.Contains(string(c.Generator), `"examples":200,`) {
		t.Errorf("the rule's generator %s, the cell's %s", r.Run.Generator, c.Generator)
	}
	// The same as a cell of a sweep over the size of the training set.
	swept := mustLoad(t, ruled(mostMemorised)+"[sweep]\n\"prior.data.examples\" = [50, 200]\n")
	if a, b := swept.Cells[0].Generator, swept.Cells[1].Observation.Rule.Run.Generator; string(a) != string(b) {
		t.Errorf("the cell's generator %s, that of the rule of another cell %s", a, b)
	}
	r = mustLoad(t, ruled(`{ rule = "mean-of-most-memorised", count = 2, examples = 9, chains = 7, sampler = { eta = 0.25, threads = 3 } }`)).Cells[0].Observation.Rule
	if got := string(r.Run.Sampler.OptionsJSON()); r.Count != 2 || r.Examples != 9 || r.Run.Chains.Chains != 7 || got != `{"eta":0.25,"steps":0,"variant":"ddim"}` || r.Run.Sampler.Threads != 3 {
		t.Errorf("%+v samples with %s", r, got)
	}
	r = mustLoad(t, ruled(`{ rule = "mean-of-most-memorised", sampler = { plugin = "free" } }`)).Cells[0].Observation.Rule
	if got := string(r.Run.Sampler.OptionsJSON()); r.Run.Sampler.Ref.Name != "free" || got != `{"variant":"simple"}` {
		t.Errorf("another sampler: %s", got)
	}
	r = mustLoad(t, ruled(`{ rule = "mean-of-most-memorised", prior = { width = 0.5, schedule = { last = 0.5 } } }`)).Cells[0].Observation.Rule
	if got := string(r.Run.Prior.OptionsJSON()); got != `{"schedule":{"last":0.5,"steps":10},"width":0.5}` {
		t.Errorf("other keys of the prior: %s", got)
	}
	r = mustLoad(t, ruled(`{ rule = "mean-of-most-memorised", prior = { plugin = "trained", width = 0.5 } }`)).Cells[0].Observation.Rule
	if got := string(r.Run.Prior.OptionsJSON()); r.Run.Prior.Ref.Name != "trained" || got != `{"schedule":{"last":0.02,"steps":1000},"width":0.5}` || r.Run.Data == nil {
		t.Errorf("another prior: %s %s", r.Run.Prior.Ref.Name, got)
	}
	// A sweep may set the rule, and a cell without an observation has none.
	e = mustLoad(t, strings.Replace(ruled(mostMemorised), "truth = "+mostMemorised+"\n", "", 1)+"[sweep]\n\"observation.truth\" = [\"held-out\", { label = \"rule\", rule = \"farthest\" }]\n")
	if a, b := e.Cells[0].Observation, e.Cells[1].Observation; a.Truth != "held-out" || a.Rule != nil || b.Truth != experiment.RuleFarthest || b.Rule == nil {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestFarthest(t *testing.T) {
	r := mustLoad(t, ruled(`{ rule = "farthest", data = { std = [3.0] } }`)).Cells[0].Observation.Rule
	if r.Examples != 50 || r.Candidates != 2000 || r.Kind != "gaussian" || r.Run.Sampler != nil {
		t.Errorf("%+v", r)
	}
	if got, want := string(r.Generator), `{"covariance":[],"examples":2000,"mean":[0.0,1.0],"std":[3.0]}`; got != want {
		t.Errorf("candidates %s, want %s", got, want)
	}
	r = mustLoad(t, ruled(`{ rule = "farthest", candidates = 5, data = { kind = "gaussian-mixture", means = [[1, 2]] } }`)).Cells[0].Observation.Rule
	if got, want := string(r.Generator), `{"examples":5,"means":[[1.0,2.0]],"std":[0.1],"weights":[]}`; r.Kind != "gaussian-mixture" || got != want {
		t.Errorf("candidates %s %s, want %s", r.Kind, got, want)
	}
}

func TestRuleErrors(t *testing.T) {
	for _, c := range []struct{ truth, want string }{
		{`{}`, `observation.truth.rule: must be one of mean-of-most-memorised, farthest, drawn, got ""`},
		{`{ rule = "nearest" }`, `observation.truth.rule: must be one of mean-of-most-memorised, farthest, drawn, got "nearest"`},
		{`{ rule = "farthest", count = 3 }`, "observation.truth.count: unknown key"},
		{`{ rule = "mean-of-most-memorised", chains = 0 }`, "observation.truth.chains: must be >= 1, got 0"},
		{`{ rule = "mean-of-most-memorised", count = 60 }`, "observation.truth.count: 60 different examples, the training set has 50"},
		{`{ rule = "mean-of-most-memorised", examples = 1 }`, "observation.truth.examples: must be >= 2, got 1"},
		{`{ rule = "mean-of-most-memorised", sampler = { steps = 1, chains = 5 } }`, "observation.truth.sampler: its number of chains stands beside it"},
		{`{ rule = "mean-of-most-memorised", sampler = { stepz = 1 } }`, "sampler.stepz: unknown key"},
		{`{ rule = "mean-of-most-memorised", sampler = { plugin = "gone" } }`, "sampler.plugin: plugin not found: sampler gone (set by observation.truth.sampler)"},
		{`{ rule = "mean-of-most-memorised", sampler = { plugin = "guided" } }`, "sampler guided needs an [observation]"},
		{`{ rule = "mean-of-most-memorised", prior = { data = { kind = "ring" } } }`, "observation.truth.prior: the training set is that of [prior.data]"},
		{`{ rule = "mean-of-most-memorised", prior = { width = "x" } }`, "prior.width: must be a number, got the string \"x\" (set by observation.truth.prior.width)"},
		{`{ rule = "mean-of-most-memorised", prior = { schedule = 3 } }`, "prior.schedule: is a table"},
		{`{ rule = "farthest", data = { examples = 5 } }`, "observation.truth.data.examples: the candidates are no training set"},
		{`{ rule = "farthest", data = { stdd = 5 } }`, "observation.truth.data.stdd: unknown key"},
		{`{ rule = "farthest", data = { kind = "hexagon" } }`, `observation.truth.data.kind: no such kind of training set: "hexagon"`},
		{`{ rule = "farthest", data = { kind = 3 } }`, `observation.truth.data.kind: must be a string`},
		{`["held-out"]`, "observation.truth: must be a string"},
		{`"farthest"`, "observation.truth: must be one of"},
	} {
		_, err := load(t, ruled(c.truth))
		if err == nil || !strings.Contains(err.Error(), "x.toml:18: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\ngot  %v\nwant %s, on line 18", c.truth, err, c.want)
		}
	}
	for _, c := range []struct{ text, want string }{
		{strings.Replace(base, "truth = \"model\"\nmodel = [[1, 2]]", "truth = "+mostMemorised, 1), "x.toml:13: observation.truth.rule: a truth rule looks for its truth among training examples"},
		{strings.Replace(ruled(mostMemorised), "kind = \"gaussian\"\nexamples = 200\nheld_out = 3\nmean = [0, 1]", "kind = \"regular-polygon\"", 1), `observation.truth.examples: a training set of kind "regular-polygon" has no number of examples`},
		{strings.Replace(ruled(mostMemorised), "\ntruth = "+mostMemorised, "", 1) + "[sweep]\n\"observation.truth\" = [\n{ label = \"a\", rule = \"farthest\" },\n{ label = \"b\", rule = \"mean-of-most-memorised\", sampler = { eta = \"x\" } }]\n", "x.toml:26: sampler.eta: "},
	} {
		if _, err := load(t, c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\ngot  %v\nwant %s", c.text, err, c.want)
		}
	}
}
