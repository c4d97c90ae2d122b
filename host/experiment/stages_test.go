package experiment_test

import (
	"strings"
	"testing"
)

// TestStages: a stage has the options of the sampler but for what its table says, and its own adapters.
func TestStages(t *testing.T) {
	c := mustLoad(t, staged).Cells[0]
	if c.Start == nil || c.Start.Model != "truth" || c.Start.SmoothM != 100 || len(c.Stages) != 2 {
		t.Fatalf("start %+v, %d stages", c.Start, len(c.Stages))
	}
	for i, want := range []struct {
		label      string
		iterations int64
		rate       float64
		adapters   int
	}{{"low", 5, 0.25, 1}, {"stage 2", 50, 2, 0}} {
		s := c.SamplerStages()[i]
		if s.Label != want.label || s.Sampler.Options["iterations"] != want.iterations || s.Sampler.Options["rate"] != want.rate || len(s.Adapt) != want.adapters {
			t.Errorf("stage %d: %q, %v, %d adapters, want %+v", i, s.Label, s.Sampler.Options, len(s.Adapt), want)
		}
	}
	if c.Sampler.Options["rate"] != 0.25 || c.Sampler.Options["iterations"] != int64(50) {
		t.Errorf("the sampler's own options: %v", c.Sampler.Options)
	}
	plain := mustLoad(t, base).Cells[0]
	if s := plain.SamplerStages(); len(s) != 1 || s[0].Sampler != plain.Sampler || plain.Stages != nil {
		t.Errorf("an experiment without stages has %+v", s)
	}
}

// TestStageErrors: what is wrong with stages, start models and drawn truths is said where it stands.
func TestStageErrors(t *testing.T) {
	for _, tc := range []struct {
		from, to string
		want     string
		line     string
	}{
		{"rate = 2.0", "rte = 2.0", "rte", ":20:"},
		{"rate = 2.0", "rate = \"fast\"", "rate", ":20:"},
		{"rate = 2.0", "chains = 4", "is one for all stages", ":20:"},
		{"kind = \"clamp\"", "kind = \"clip\"", "clip", ":18:"},
		{"smooth_m = 100", "smooth_m = -1", "smooth_m", ":14:"},
		{"smooth_m = 100", "file = \"x.npy\"", "goes with model = \"file\"", ":14:"},
		{"model = \"truth\"\nsmooth_m = 100", "model = \"file\"\nfile = \"gone.npy\"", "gone.npy", ":14:"},
		{"plugin = \"climb\"\nchains = 1\nrate = 0.25", "plugin = \"guided\"\nchains = 1", "unknown key", ""},
		{"model = [[1, 2]]", "model = [[1, 2]]\nadapt = [{ kind = \"clamp\", upper = 3.0 }]", "", ""},
		{"truth = \"model\"\nmodel = [[1, 2]]", "truth = { rule = \"drawn\", data = { kind = \"gaussian\", examples = 3 } }", "observation.count", ":5:"},
		{"truth = \"model\"\nmodel = [[1, 2]]", "truth = { rule = \"drawn\", data = { kind = \"gaussian\", men = [0] } }", "men", ":5:"},
		{"truth = \"model\"\nmodel = [[1, 2]]", "truth = { rule = \"drawn\", data = { kind = \"files\", path = \"x\" } }", "truth = \"file\"", ":5:"},
		{"truth = \"model\"\nmodel = [[1, 2]]", "truth = { rule = \"drawn\" }", "data", ":5:"},
	} {
		if !strings.Contains(staged, tc.from) {
			t.Fatalf("no %q in the experiment", tc.from)
		}
		_, err := load(t, strings.Replace(staged, tc.from, tc.to, 1))
		switch {
		case tc.want == "":
			if err != nil {
				t.Errorf("%s: %v", tc.to, err)
			}
		case err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), tc.line):
			t.Errorf("%s:\n got %v\nwant %s on line %s", tc.to, err, tc.want, tc.line)
		}
	}
	for text, want := range map[string]string{
		base + "[[sampler.stages]]\n[[sampler.stages]]\n": "needs sampler capability start; sampler free has: none",
		base + "[sampler.start]\nmodel = \"truth\"\n":     "needs sampler capability start",
		base + "[[sampler.stages]]\nvariant = \"none\"\n": "variant",
	} {
		if _, err := load(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	with := strings.Replace(staged, "[observation]", "[prior]\nplugin = \"full\"\n[observation]", 1)
	if _, err := load(t, with); err == nil || !strings.Contains(err.Error(), "needs prior capability encode; prior full has") {
		t.Errorf("a prior that does not encode: %v", err)
	}
}
