package run_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/host/run"
	maximum "github.com/waveprior/waveprior/plugins/samplers/map"
	"github.com/waveprior/waveprior/plugins/solvers/acoustic"
)

// silent is solver acoustic that does not say at what depths its points lie.
type silent struct{ *acoustic.Solver }

func (s silent) Describe() contract.Description {
	d := s.Solver.Describe()
	d.Name = "silent"
	return d
}

func (s silent) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	conf, err := s.Solver.Configure(ctx, c)
	if err == nil {
		data := *conf.Data
		data.Axes = slices.Clone(data.Axes)
		for i := range data.Axes {
			data.Axes[i].Depths = nil
		}
		conf.Data = &data
	}
	return conf, err
}

// TestGeometry: data that another solver records elsewhere than the one that explains them are refused with both numbers before anything is
// computed, by plan as by run; the same places and other physics, another order or time step are a study of model error; places that one
// of the two does not say are said to be unknown, in the plan and in the report.
func TestGeometry(t *testing.T) {
	b := newBench(t)
	b.plugins["solver/acoustic"] = func() contract.Plugin { return acoustic.New() }
	b.plugins["solver/silent"] = func() contract.Plugin { return silent{acoustic.New()} }
	b.plugins["sampler/map"] = func() contract.Plugin { return maximum.New() }
	const rest = `[observation]
truth = { rule = "drawn", data = { kind = "gaussian", mean = [3000.0], std = [10.0] } }
noise = 0.05
[sampler]
plugin = "map"
chains = 1
iterations = 1
evaluations = 2
[sampler.start]
model = "truth"
`
	solver, _, _ := strings.Cut(wavesExperiment, "[prior]")
	_, solver, _ = strings.Cut(solver, "[solver]\n")
	text := func(from, to string) string {
		t.Helper()
		if !strings.Contains(solver, from) {
			t.Fatalf("no %q in the solver's table", from)
		}
		return "name = \"waves\"\n[solver]\n" + solver + rest + "[observation.solver]\n" + strings.Replace(solver, from, to, 1)
	}
	const fits = "observed data: made by solver acoustic, explained by solver acoustic"
	const unknown = "The data are made by solver silent and explained by solver acoustic: whether both have shots and receivers at the same places was not compared (not said by one of them: depths of axis shot, depths of axis receiver)."
	for _, c := range []struct {
		name, from, to string
		refused        []string
		notes          []string
	}{
		{"deeper receivers", "z_m = 50.0", "z_m = 60.0", []string{"observation.solver: its data do not fit the solver's", "axis receiver: index 0 lies at a depth of 60 m against 50 m"}, nil},
		{"other receivers", "x_last_m = 110.0", "x_last_m = 99.0", []string{"axis receiver: index 1 lies at 9 m against 10 m"}, nil},
		{"fewer receivers", "count = 12", "count = 6", []string{"axis receiver has 6 positions against 12"}, nil},
		{"a shallower source", "[20.0, 30.0]", "[15.0, 30.0]", []string{"axis shot: index 0 lies at a depth of 15 m against 20 m"}, nil},
		{"a longer record", "nt = 60", "nt = 90", []string{"axis time covers 0.001..0.09 s", "against 0.001..0.06"}, nil},
		{"another place of the model", "nz = 10", "nz = 14", []string{"observation.solver: ", "axis z covers 0..90 m", "against 0..130"}, nil},
		{"another order", "dt_s = 1e-3", "dt_s = 1e-3\norder = 8", nil, []string{fits}},
		{"a finer time step", "dt_s = 1e-3\nnt = 60", "dt_s = 0.5e-3\nnt = 120", nil, []string{fits + "; in between: resample time 120 to 60"}},
		{"unsaid depths", `"acoustic"`, `"silent"`, nil, []string{"observed data: made by solver silent, explained by solver acoustic", unknown}},
	} {
		o, done, err := b.load(text(c.from, c.to))
		if err != nil {
			t.Fatal(err)
		}
		plans, err := run.Plan(t.Context(), o)
		if len(c.refused) == 0 && (err != nil || !slices.Equal(plans[0].Notes, c.notes)) {
			t.Errorf("%s: the plan says %+v, %v, want %q", c.name, plans, err, c.notes)
		}
		errs := map[string]error{"plan": err}
		if len(c.refused) > 0 {
			_, errs["run"] = run.Run(t.Context(), o)
		}
		done()
		for _, want := range c.refused {
			for way, err := range errs {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s, %s: %v, want %s", c.name, way, err, want)
				}
			}
		}
	}
	if n := b.entries("*"); n != 0 {
		t.Errorf("%d stages were computed", n)
	}
	if res := b.run(text(`"acoustic"`, `"silent"`)); !slices.Contains(res.Cells[0].Notes, unknown) {
		t.Errorf("the report's notes: %q", res.Cells[0].Notes)
	}
	if res := b.run(text("nt = 60", "nt = 60\norder = 8")); len(res.Cells[0].Notes) != 0 {
		t.Errorf("notes on data of the same places: %q", res.Cells[0].Notes)
	}
}
