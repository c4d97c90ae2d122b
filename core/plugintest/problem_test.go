package plugintest_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waveprior/waveprior/core/compose"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugintest"
	"github.com/waveprior/waveprior/core/tensor"
)

// wrongDecoder doubles the decoder's transpose.
type wrongDecoder struct{ contract.FullPrior }

func (w wrongDecoder) DecodeVJP(ctx context.Context, z, wm, wd, dz *tensor.Tensor) ([]contract.Status, error) {
	st, err := w.FullPrior.DecodeVJP(ctx, z, wm, wd, dz)
	for i, v := range dz.Float64s() {
		dz.Float64s()[i] = 2 * v
	}
	return st, err
}

// problem composes the reference prior and solver.
func problem(t *testing.T, change func(contract.FullPrior) contract.FullPrior) *compose.Problem {
	t.Helper()
	ctx := t.Context()
	prior, solver := contract.LocalPrior(&plugintest.ReferencePrior{}), contract.LocalSolver(&plugintest.ReferenceSolver{})
	pc, err := prior.Configure(ctx, contract.Config{Options: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	sc, err := solver.Configure(ctx, contract.Config{Options: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	p, err := compose.Physics(compose.Parts{
		Prior:  &contract.PriorService{Prior: change(prior), Description: prior.Describe(), Configured: pc},
		Solver: &contract.SolverService{Solver: solver, Description: solver.Describe(), Configured: sc},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func failed(list []plugintest.Property) []string {
	var names []string
	for _, p := range plugintest.Failed(list) {
		names = append(names, p.Name)
	}
	return names
}

// TestProblem: a composed problem passes, and a decoder whose transpose is another's fails by name, with the table.
func TestProblem(t *testing.T) {
	plugintest.Report(t, plugintest.CheckProblem(t.Context(), problem(t, func(p contract.FullPrior) contract.FullPrior { return p }), plugintest.Options{}))
	list := plugintest.CheckProblem(t.Context(), problem(t, func(p contract.FullPrior) contract.FullPrior { return wrongDecoder{p} }), plugintest.Options{})
	want := []string{"gradient-taylor", "vjp-taylor", "dot-product"}
	if got := failed(list); !slices.Equal(got, want) {
		t.Errorf("fails %v, want %v", got, want)
	}
	for _, p := range list {
		if p.Name == "vjp-taylor" && !strings.Contains(p.Text, "slope") {
			t.Errorf("vjp-taylor without its table: %s", p.Text)
		}
	}
}

// odd is the reference solver with one fault of a call.
type odd struct {
	plugintest.ReferenceSolver
	fault string
	calls atomic.Int64
}

func (s *odd) Describe() contract.Description {
	d := s.ReferenceSolver.Describe()
	if s.fault == "no numerics" {
		d.Numerics = ""
	}
	return d
}

func (s *odd) Forward(ctx context.Context, m, d *tensor.Tensor) ([]contract.Status, error) {
	switch s.fault {
	case "writes to its input":
		defer func() {
			if len(m.Data) > 0 && m.DType == tensor.Float64 {
				m.Float64s()[0] = 7
			}
		}()
	case "counts its calls":
		s.calls.Add(1)
	}
	st, err := s.ReferenceSolver.Forward(ctx, m, d)
	switch {
	case err != nil:
	case s.fault == "NaN spreads" && st != nil:
		for i := range d.Float64s() {
			d.Float64s()[i] = 0
		}
	case s.fault == "NaN is OK":
		st = nil
	case s.fault == "counts its calls" && d.Batch() > 0:
		d.Float64s()[0] += 1e-15 * float64(s.calls.Load())
	}
	return st, err
}

func (s *odd) Misfit(ctx context.Context, m *tensor.Tensor, which []int, phi []float64, g *tensor.Tensor) ([]contract.Status, error) {
	switch s.fault {
	case "panics":
		panic("odd")
	case "hangs":
		time.Sleep(10 * time.Second)
	}
	if s.fault == "costs 1 ms an item" {
		time.Sleep(time.Duration(m.Batch()) * time.Millisecond)
	}
	st, err := s.ReferenceSolver.Misfit(ctx, m, which, phi, g)
	if s.fault == "phi without half" {
		for i := range phi {
			phi[i] *= 2
		}
	}
	return st, err
}

// TestFaults: faults in this process and the properties that find them; others may fail with them where they must.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		fault string
		finds []string
		only  bool // and no other
	}{
		{"no numerics", []string{"describe"}, true},
		{"writes to its input", []string{"inputs-read-only"}, false},
		{"NaN spreads", []string{"nan-item"}, true},
		{"NaN is OK", []string{"nan-item"}, true},
		{"counts its calls", []string{"item-bits", "repeat"}, false},
		{"phi without half", []string{"misfit", "gradient-taylor"}, true},
		{"panics", []string{"misfit"}, false},
		{"hangs", []string{"answers-in-time"}, true},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			o := plugintest.Options{Dir: t.TempDir()}
			if c.fault == "hangs" {
				o.CallLimit = 300 * time.Millisecond
			}
			target := plugintest.InProcess(func() contract.Plugin { return &odd{fault: c.fault} })
			got := failed(plugintest.CheckSolver(t.Context(), target, o))
			if c.only && !slices.Equal(got, c.finds) {
				t.Errorf("fails %v, want %v", got, c.finds)
			}
			for _, name := range c.finds {
				if !slices.Contains(got, name) {
					t.Errorf("fails %v, want %s among them", got, name)
				}
			}
		})
	}
}

// TestCostly: a solver of which as many items as fill shared memory would take longer than a call may is not blamed, and
// the property says which call it left out.
func TestCostly(t *testing.T) {
	t.Parallel()
	target := plugintest.InProcess(func() contract.Plugin { return &odd{fault: "costs 1 ms an item"} })
	list := plugintest.CheckSolver(t.Context(), target, plugintest.Options{Dir: t.TempDir(), CallLimit: 2 * time.Second})
	if got := failed(list); len(got) > 0 {
		t.Errorf("fails %v", got)
	}
	i := slices.IndexFunc(list, func(p plugintest.Property) bool { return p.Name == "big-batch" })
	if i < 0 || !strings.Contains(list[i].Text, "Misfit not called: 2732 items would take some") || !strings.Contains(list[i].Text, "Forward 4098 items") {
		t.Errorf("big-batch: %+v", list[i])
	}
}

// TestWrite: one line per property, text below failures, counts at the end.
func TestWrite(t *testing.T) {
	list := []plugintest.Property{
		{Name: "a", Doc: "A holds.", Text: "all well\nmore", Duration: time.Second},
		{Name: "b", Doc: "B holds.", Status: plugintest.Fail, Text: "1 and 2"},
		{Name: "c", Doc: "C holds.", Status: plugintest.Skip, Text: "why"},
	}
	var b strings.Builder
	if err := plugintest.Write(&b, list, false); err != nil {
		t.Fatal(err)
	}
	want := "pass  a                        1.00 s  all well\nFAIL  b                        0.00 s\n      B holds.\n      1 and 2\n" +
		"skip  c                        0.00 s  why\n1 passed, 1 failed, 1 skipped\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
