package claims_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/host/claims"
)

// cells are two samplers at three widths; w2 is a number that each test can work out by eye.
func cells() []claims.Cell {
	var all []claims.Cell
	for s, sampler := range []string{"dps", "exact"} {
		for w, width := range []float64{0.1, 0.2, 0.4} {
			metrics := map[string]float64{"w2": float64(10*(s+1)) + width, "tv": 1 - width, "chi2": 1}
			if sampler == "dps" && w == 2 {
				delete(metrics, "tv")
			}
			all = append(all, claims.Cell{Label: sampler + ", width=" + []string{"0.1", "0.2", "0.4"}[w],
				Values: map[string]any{"sampler": sampler, "prior.width": width, "n": int64(w + 1)}, Metrics: metrics})
		}
	}
	return all
}

// write puts an expected.toml beside an experiment and returns the experiment's path.
func write(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x.expected.toml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "x.toml")
}

// TestEvaluate: every kind of claim, once where it holds and once where it does not. expected is what the report says.
func TestEvaluate(t *testing.T) {
	for _, c := range []struct {
		name, claim        string
		ok                 bool
		cells              int
		expected, observed string
		failures           []string // substrings, one per failure, in order
	}{
		{"min", "metric = \"w2\"\nmin = 10.1", true, 6, "≥ 10.1", "10.1 … 20.4", nil},
		{"min fails", "metric = \"w2\"\nmin = 10.15", false, 6, "≥ 10.15", "10.1 … 20.4", []string{"dps, width=0.1: 10.1"}},
		{"max", "metric = \"w2\"\nmax = 20.4", true, 6, "≤ 20.4", "10.1 … 20.4", nil},
		{"max fails", "metric = \"w2\"\nmax = 20.25", false, 6, "≤ 20.25", "10.1 … 20.4", []string{"exact, width=0.4: 20.4"}},
		{"interval", "metric = \"chi2\"\nmin = 1\nmax = 1", true, 6, "1 … 1", "1", nil},
		{"interval fails on both sides", "metric = \"w2\"\nmin = 10.15\nmax = 20.25", false, 6, "10.15 … 20.25", "10.1 … 20.4", []string{"dps, width=0.1", "exact, width=0.4"}},
		{"where", "metric = \"w2\"\nmax = 11\nwhere = { sampler = \"dps\" }", true, 3, "≤ 11", "10.1 … 10.4", nil},
		{"where, number of another type", "metric = \"w2\"\nmax = 11\nwhere = { sampler = \"dps\", n = 1.0 }", true, 1, "≤ 11", "10.1", nil},
		{"where fails", "metric = \"w2\"\nmax = 11\nwhere = { sampler = \"exact\", \"prior.width\" = 0.2 }", false, 1, "≤ 11", "20.2", []string{"exact, width=0.2: 20.2"}},
		{"where means nothing", "metric = \"w2\"\nmax = 11\nwhere = { sampler = \"mala\" }", false, 0, "≤ 11", "", []string{"no cell of this run is meant by it"}},
		{"where by an unknown key", "metric = \"w2\"\nmax = 11\nwhere = { smapler = \"dps\" }", false, 0, "≤ 11", "", []string{"no cell of this run is meant by it"}},
		{"no such metric", "metric = \"w3\"\nmax = 11", false, 6, "≤ 11", "", []string{"no metric w3", "no metric w3", "no metric w3", "no metric w3", "no metric w3", "no metric w3"}},
		{"metric missing in one cell", "metric = \"tv\"\nmax = 1", false, 6, "≤ 1", "0.6 … 0.9", []string{"dps, width=0.4: there is no metric tv"}},
		{"less than another metric", "metric = \"chi2\"\nless_than = { metric = \"w2\" }", true, 6, "< w2", "1", nil},
		{"less than fails", "metric = \"w2\"\nless_than = { metric = \"chi2\" }\nwhere = { n = 2 }", false, 2, "< chi2", "10.2 … 20.2", []string{"dps, width=0.2: 10.2 against 1 (chi2)", "exact, width=0.2: 20.2 against 1 (chi2)"}},
		{"less than itself fails", "metric = \"chi2\"\nless_than = { metric = \"chi2\" }\nwhere = { n = 2, sampler = \"dps\" }", false, 1, "< chi2", "1", []string{"1 against 1"}},
		{"less than with a factor", "metric = \"w2\"\nless_than = { metric = \"chi2\", factor = 30 }", true, 6, "< 30 × chi2", "10.1 … 20.4", nil},
		{"less than with a factor fails", "metric = \"w2\"\nless_than = { metric = \"chi2\", factor = 20.3 }", false, 6, "< 20.3 × chi2", "10.1 … 20.4", []string{"exact, width=0.4: 20.4 against 20.3"}},
		{"less than in the other cell", "metric = \"w2\"\nwhere = { sampler = \"dps\" }\nless_than = { where = { sampler = \"exact\" } }", true, 3, "< w2 at sampler = exact", "10.1 … 10.4", nil},
		{"the other cell has the same width", "metric = \"w2\"\nwhere = { sampler = \"exact\" }\nless_than = { where = { sampler = \"dps\" }, factor = 2 }", true, 3, "< 2 × w2 at sampler = dps", "20.1 … 20.4", nil},
		{"less than in the other cell fails", "metric = \"w2\"\nwhere = { sampler = \"exact\", n = 3 }\nless_than = { where = { sampler = \"dps\" } }", false, 1, "< w2 at sampler = dps", "20.4", []string{"exact, width=0.4: 20.4 against 10.4 (dps, width=0.4)"}},
		{"no other cell", "metric = \"w2\"\nwhere = { n = 3 }\nless_than = { where = { sampler = \"mala\" } }", false, 2, "< w2 at sampler = mala", "10.4 … 20.4", []string{"no cell to compare with", "no cell to compare with"}},
		{"the other cell lacks the metric", "metric = \"tv\"\nwhere = { sampler = \"exact\", n = 3 }\nless_than = { where = { sampler = \"dps\" } }", false, 1, "< tv at sampler = dps", "0.6", []string{"cell dps, width=0.4 has no metric tv"}},
		{"greater than", "metric = \"w2\"\ngreater_than = { metric = \"chi2\" }", true, 6, "> chi2", "10.1 … 20.4", nil},
		{"greater than fails", "metric = \"chi2\"\ngreater_than = { metric = \"w2\" }\nwhere = { n = 1, sampler = \"dps\" }", false, 1, "> w2", "1", []string{"1 against 10.1"}},
		{"greater than with a factor", "metric = \"w2\"\nwhere = { sampler = \"exact\" }\ngreater_than = { where = { sampler = \"dps\" }, factor = 1.5 }", true, 3, "> 1.5 × w2 at sampler = dps", "20.1 … 20.4", nil},
		{"increases", "metric = \"w2\"\nincreases_with = \"prior.width\"\nwhere = { sampler = \"dps\" }", true, 3, "grows with prior.width", "10.1 … 10.4", nil},
		{"increases fails", "metric = \"tv\"\nincreases_with = \"prior.width\"\nwhere = { sampler = \"exact\" }", false, 3, "grows with prior.width", "0.6 … 0.9", []string{
			"exact, width=0.1: 0.9, and exact, width=0.2: 0.8", "exact, width=0.2: 0.8, and exact, width=0.4: 0.6"}},
		{"increases fails where it stays", "metric = \"chi2\"\nincreases_with = \"prior.width\"\nwhere = { sampler = \"dps\" }", false, 3, "grows with prior.width", "1", []string{"1, and", "1, and"}},
		{"decreases", "metric = \"tv\"\ndecreases_with = \"prior.width\"\nwhere = { sampler = \"exact\" }", true, 3, "falls with prior.width", "0.6 … 0.9", nil},
		{"decreases fails", "metric = \"w2\"\ndecreases_with = \"prior.width\"\nwhere = { sampler = \"exact\" }", false, 3, "falls with prior.width", "20.1 … 20.4", []string{"20.1, and", "20.2, and"}},
		{"only one value", "metric = \"w2\"\nincreases_with = \"prior.width\"\nwhere = { sampler = \"dps\", n = 1 }", false, 1, "grows with prior.width", "10.1", []string{"only one value of prior.width"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, err := claims.Load(write(t, "[[claim]]\ntext = \"a claim\"\nsource = \"theory\"\n"+c.claim+"\n"))
			if err != nil || len(all) != 1 {
				t.Fatalf("%d claims, %v", len(all), err)
			}
			// n and the width go together: leave one out so that "other keys being equal" can be true.
			in := cells()
			if strings.Contains(c.claim, "creases") {
				in = withoutN(in, c.claim)
			}
			got := claims.Evaluate(all, in)[0]
			if got.OK != c.ok || got.Cells != c.cells || got.Expected != c.expected || got.Observed != c.observed {
				t.Errorf("ok %v in %d cells, expected %q, observed %q\nwant %v in %d, %q, %q\n%q", got.OK, got.Cells, got.Expected, got.Observed, c.ok, c.cells, c.expected, c.observed, got.Failures)
			}
			if len(got.Failures) != len(c.failures) {
				t.Fatalf("failures %q, want %q", got.Failures, c.failures)
			}
			for i, want := range c.failures {
				if !strings.Contains(got.Failures[i], want) {
					t.Errorf("failure %d: %q, want %q", i, got.Failures[i], want)
				}
			}
			// The order of the cells is no matter.
			slices.Reverse(in)
			if again := claims.Evaluate(all, in)[0]; again.OK != got.OK || again.Observed != got.Observed || len(again.Failures) != len(got.Failures) {
				t.Errorf("cells in reverse order: %+v", again)
			}
		})
	}
}

// withoutN drops the key n from the cells unless the claim speaks of it.
func withoutN(in []claims.Cell, claim string) []claims.Cell {
	if strings.Contains(claim, "n = 1") {
		in = in[:1]
	}
	for i := range in {
		if !strings.Contains(claim, "n = 1") {
			delete(in[i].Values, "n")
		}
	}
	return in
}

// TestNaN: what is not a number fulfils nothing.
func TestNaN(t *testing.T) {
	nan := []claims.Cell{
		{Label: "a", Values: map[string]any{"n": int64(1)}, Metrics: map[string]float64{"w2": math.NaN(), "tv": 1}},
		{Label: "b", Values: map[string]any{"n": int64(2)}, Metrics: map[string]float64{"w2": math.NaN(), "tv": 2}},
	}
	for _, claim := range []string{"min = 0", "max = 0", "min = 0\nmax = 1", "less_than = { metric = \"tv\" }", "greater_than = { metric = \"tv\" }", "increases_with = \"n\"", "decreases_with = \"n\""} {
		all, err := claims.Load(write(t, "[[claim]]\ntext = \"t\"\nsource = \"theory\"\nmetric = \"w2\"\n"+claim+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		if r := claims.Evaluate(all, nan)[0]; r.OK || len(r.Failures) == 0 {
			t.Errorf("%s holds for NaN: %+v", claim, r)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	head := "[[claim]]\ntext = \"t\"\nsource = \"theory\"\nmetric = \"w2\"\n"
	for _, c := range []struct{ name, text, want string }{
		{"no bound", head, "x.expected.toml:1: claim[0]: a claim has exactly one of"},
		{"two", head + "max = 1\nincreases_with = \"n\"\n", "exactly one of"},
		{"second claim", head + "max = 1\n" + head, "x.expected.toml:6: claim[1]"},
		{"source", strings.Replace(head, "theory", "me", 1) + "max = 1\n", "x.expected.toml:3: claim[0].source"},
		{"no source", strings.Replace(head, "source = \"theory\"\n", "", 1) + "max = 1\n", "claim[0].source"},
		{"unknown key", head + "maximum = 1\n", "x.expected.toml:5: claim[0].maximum: unknown key"},
		{"type", head + "max = \"1\"\n", "x.expected.toml:5: claim[0].max"},
		{"type of where", head + "max = 1\nwhere = 3\n", "x.expected.toml:6: claim[0].where"},
		{"key of another", head + "less_than = { cell = 3 }\n", "claim[0].less_than.cell"},
		{"not TOML", "[[claim]\n", "x.expected.toml:2: not valid TOML"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, err := claims.Load(write(t, c.text))
			var at *config.Error
			if err == nil || !errors.As(err, &at) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%d claims, error %v, want %q", len(all), err, c.want)
			}
		})
	}
	if all, err := claims.Load(filepath.Join(t.TempDir(), "x.toml")); all != nil || err != nil {
		t.Errorf("no file: %v, %v", all, err)
	}
}

// FuzzLoad: no file of claims panics, errors have file and line, and what loads can be judged.
func FuzzLoad(f *testing.F) {
	head := "[[claim]]\ntext = \"t\"\nsource = \"paper\"\nmetric = \"w2\"\n"
	for _, s := range []string{"", head + "max = 1", head + "min = 1\nwhere = { sampler = \"dps\", n = 1 }", head + "less_than = { where = { n = [1] }, factor = nan }",
		head + "increases_with = \"\"", head + "decreases_with = \"n\"", "claim = 3", "claim = [3]", "[claim]\ntext = 3", head + "max = 1e999", head + "greater_than = {}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := claims.Load(write(t, text))
		if err != nil {
			for _, e := range config.All(err) {
				var at *config.Error
				if !errors.As(e, &at) || !strings.HasSuffix(at.File, "x.expected.toml") || at.Line < 1 || at.Text == "" {
					t.Fatalf("error without a place: %#v", e)
				}
			}
			return
		}
		got := claims.Evaluate(all, cells())
		if len(got) != len(all) {
			t.Fatalf("%d results of %d claims", len(got), len(all))
		}
		for _, r := range got {
			if r.OK != (len(r.Failures) == 0) || r.Expected == "" || r.Cells == 0 && r.OK {
				t.Fatalf("%+v", r)
			}
		}
	})
}
