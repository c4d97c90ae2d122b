package experiment_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/host/experiment"
)

// cellText is what the sweep tests compare: label, and the values that they swept.
func cellText(c experiment.Cell) string {
	return fmt.Sprintf("%s: seed %d, steps %v, last %v, width %v, %s %s, order %v, chains %d", c.Label, c.Seed,
		c.Prior.Options["schedule"].(map[string]any)["steps"], c.Prior.Options["schedule"].(map[string]any)["last"], c.Prior.Options["width"],
		c.Sampler.Ref.Name, c.Sampler.Options["variant"], c.Solver.Options["order"], c.Chains.Chains)
}

// TestSweep: which cells a sweep has, in which order, what they are called, and what is in them.
func TestSweep(t *testing.T) {
	for _, c := range []struct {
		name, sweep string
		want        []string
		values      []experiment.Value // of the last cell
	}{
		{"none", "", []string{": seed 1, steps 10, last 0.02, width 0.1, free simple, order 4, chains 2"}, nil},
		{"one key", "[sweep]\nseed = [3, 1, 2]", []string{
			"seed=3: seed 3, steps 10, last 0.02, width 0.1, free simple, order 4, chains 2",
			"seed=1: seed 1, steps 10, last 0.02, width 0.1, free simple, order 4, chains 2",
			"seed=2: seed 2, steps 10, last 0.02, width 0.1, free simple, order 4, chains 2"}, []experiment.Value{{Key: "seed", Value: int64(2)}}},
		{"the first line turns slowest", "[sweep]\n\"sampler.chains\" = [5, 6]\n\"prior.width\" = [0.5, 0.25]", []string{
			"chains=5, width=0.5: seed 1, steps 10, last 0.02, width 0.5, free simple, order 4, chains 5",
			"chains=5, width=0.25: seed 1, steps 10, last 0.02, width 0.25, free simple, order 4, chains 5",
			"chains=6, width=0.5: seed 1, steps 10, last 0.02, width 0.5, free simple, order 4, chains 6",
			"chains=6, width=0.25: seed 1, steps 10, last 0.02, width 0.25, free simple, order 4, chains 6"},
			[]experiment.Value{{Key: "sampler.chains", Value: int64(6)}, {Key: "prior.width", Value: 0.25}}},
		{"lines, not the alphabet", "[sweep]\n\"prior.width\" = [0.5, 0.25]\n\"sampler.chains\" = [5, 6]", []string{
			"width=0.5, chains=5: seed 1, steps 10, last 0.02, width 0.5, free simple, order 4, chains 5",
			"width=0.5, chains=6: seed 1, steps 10, last 0.02, width 0.5, free simple, order 4, chains 6",
			"width=0.25, chains=5: seed 1, steps 10, last 0.02, width 0.25, free simple, order 4, chains 5",
			"width=0.25, chains=6: seed 1, steps 10, last 0.02, width 0.25, free simple, order 4, chains 6"}, nil},
		{"a table of values is merged", "[sweep]\n\"prior.schedule\" = [{ label = \"short\", steps = 5 }, { label = \"long\", steps = 50, last = 0.5 }]", []string{
			"short: seed 1, steps 5, last 0.02, width 0.1, free simple, order 4, chains 2",
			"long: seed 1, steps 50, last 0.5, width 0.1, free simple, order 4, chains 2"}, []experiment.Value{{Key: "prior.schedule", Value: "long"}}},
		{"tables within tables", "[sweep]\nprior = [{ label = \"a\", width = 0.5, schedule = { last = 0.5 } }, { label = \"b\", schedule = { steps = 7 } }]", []string{
			"a: seed 1, steps 10, last 0.5, width 0.5, free simple, order 4, chains 2",
			"b: seed 1, steps 7, last 0.02, width 0.1, free simple, order 4, chains 2"}, nil},
		{"cases first", "[sweep]\n\"sampler.chains\" = [5, 6]\ncases = [{ label = \"a\", seed = 8, solver = { order = 2 } }, { label = \"b\", prior = { width = 0.5 } }]", []string{
			"a, chains=5: seed 8, steps 10, last 0.02, width 0.1, free simple, order 2, chains 5",
			"a, chains=6: seed 8, steps 10, last 0.02, width 0.1, free simple, order 2, chains 6",
			"b, chains=5: seed 1, steps 10, last 0.02, width 0.5, free simple, order 4, chains 5",
			"b, chains=6: seed 1, steps 10, last 0.02, width 0.5, free simple, order 4, chains 6"},
			[]experiment.Value{{Key: "case", Value: "b"}, {Key: "sampler.chains", Value: int64(6)}}},
		{"a case with a sweep of its own", "[[sweep.cases]]\nlabel = \"a\"\n[sweep.cases.sweep]\n\"solver.order\" = [2, 8]\n[[sweep.cases]]\nlabel = \"b\"\nseed = 9", []string{
			"a, order=2: seed 1, steps 10, last 0.02, width 0.1, free simple, order 2, chains 2",
			"a, order=8: seed 1, steps 10, last 0.02, width 0.1, free simple, order 8, chains 2",
			"b: seed 9, steps 10, last 0.02, width 0.1, free simple, order 4, chains 2"}, []experiment.Value{{Key: "case", Value: "b"}}},
		{"another plugin", "[sweep]\nsampler = [{ label = \"free\" }, { label = \"guided linear\", plugin = \"guided\", variant = \"linear\" }]", []string{
			"free: seed 1, steps 10, last 0.02, width 0.1, free simple, order 4, chains 2",
			"guided linear: seed 1, steps 10, last 0.02, width 0.1, guided linear, order 4, chains 2"}, nil},
		{"a list as a value", "[sweep]\n\"solver.frequency_hz\" = [[4.0], [4.0, 5.0]]", []string{
			"frequency_hz=[4]: seed 1, steps 10, last 0.02, width 0.1, free simple, order 4, chains 2",
			"frequency_hz=[4 5]: seed 1, steps 10, last 0.02, width 0.1, free simple, order 4, chains 2"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := mustLoad(t, base+c.sweep+"\n")
			var got []string
			for _, cell := range e.Cells {
				got = append(got, cellText(cell))
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if last := e.Cells[len(e.Cells)-1].Values; c.values != nil && !reflect.DeepEqual(last, c.values) {
				t.Errorf("values of the last cell: %#v, want %#v", last, c.values)
			}
		})
	}
}

// TestSlugs: every cell has a folder name of its own that is one.
func TestSlugs(t *testing.T) {
	long := strings.Repeat("x", 150)
	e := mustLoad(t, base+"[sweep]\nprior = [{ label = \"α = 1\", width = 0.1 }, { label = \"β = 1\", width = 0.2 }, { label = \"..\", width = 0.3 }, { label = \"a/../../b\", width = 0.4 }, { label = \""+
		long+"1\", width = 0.5 }, { label = \""+long+"2\", width = 0.6 }]\n")
	want := []string{"__=_1", "__=_1~2", "_.", "a_.._.._b", long[:100], long[:100] + "~2"}
	for i, c := range e.Cells {
		if c.Slug != want[i] {
			t.Errorf("%q has the folder %q, want %q", c.Label, c.Slug, want[i])
		}
	}
	_, err := load(t, base+"[sweep]\nprior = [{ label = \"a\", width = 0.1 }, { label = \"a\", width = 0.2 }]\n")
	if err == nil || !strings.Contains(err.Error(), `x.toml:20: sweep: two cells are both called "a"`) {
		t.Errorf("two cells of one label: %v", err)
	}
}

// TestSweepIsNested: a sweep is the product of its lines, and cell i differs from cell j where their values do.
func TestSweepIsNested(t *testing.T) {
	e := mustLoad(t, base+"[sweep]\nseed = [1, 2]\n\"prior.width\" = [0.1, 0.2, 0.3]\n\"sampler.chains\" = [4, 5, 6, 7]\n")
	if len(e.Cells) != 24 {
		t.Fatalf("%d cells", len(e.Cells))
	}
	for i, c := range e.Cells {
		if want := []float64{0.1, 0.2, 0.3}[i/4%3]; c.Seed != uint64(1+i/12) || c.Chains.Chains != 4+i%4 || c.Prior.Options["width"] != want {
			t.Errorf("cell %d: %s", i, cellText(c))
		}
		for _, v := range c.Values {
			if got, ok := c.Lookup(v.Key); !ok || got != v.Value {
				t.Errorf("cell %d: %s = %v, the values say %v", i, v.Key, got, v.Value)
			}
		}
	}
}
