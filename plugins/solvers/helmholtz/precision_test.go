package helmholtz

import (
	"math"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/plugins/solvers/internal/solvertest"
)

// What single precision costs on both set-ups of the study, on smooth models: data and gradient against double precision,
// relative to their norms, and that a refinement step takes the data to the rounding of complex64.
func TestSingleAgainstDouble(t *testing.T) {
	for _, c := range []struct {
		name           string
		o              options
		data, gradient float64 // allowed
		refined        float64
	}{{"small", smallSetup, 2e-5, 5e-5, 1e-7}, {"published", publishedSetup, 1e-4, 2e-4, 1e-6}} {
		n := c.o["grid"].(section)["nz"].(int)
		m, truth := make([]float64, n*n), make([]float64, n*n)
		for i := range m {
			z, x := float64(i/n)/float64(n), float64(i%n)/float64(n)
			m[i] = float64(float32(0.25 - 0.08*z + 0.03*x*z))
			truth[i] = float64(float32(m[i] + 0.02*(x-0.5)*(x-0.5)))
		}
		run := func(more options, obs []float64) (d, g []float64) {
			s, conf := configure(t, c.o.With(more), 2)
			mt, dt, gt := solvertest.Batch(&conf, m), conf.Data.New(1), conf.Model.New(1)
			if obs == nil {
				st, err := s.Forward(ctx, solvertest.Batch(&conf, truth), dt)
				solvertest.OK(t, st, err)
				return dt.AppendReals(nil), nil
			}
			dt.SetReals(obs)
			if err := s.Observe(ctx, dt, []float64{1e-3}); err != nil {
				t.Fatal(err)
			}
			st, err := s.Misfit(ctx, mt, []int{0}, make([]float64, 1), gt)
			solvertest.OK(t, st, err)
			st, err = s.Forward(ctx, mt, dt)
			solvertest.OK(t, st, err)
			return dt.AppendReals(nil), gt.AppendReals(nil)
		}
		obs, _ := run(options{"precision": "float32", "refinement_steps": 1}, nil) // such as complex64 holds
		want, wantG := run(options{"precision": "float64"}, obs)
		d, g := run(options{"precision": "float32"}, obs)
		rd, rg := run(options{"precision": "float32", "refinement_steps": 1}, obs)
		t.Logf("%s: data %.1e, gradient %.1e; with a refinement step %.1e, %.1e", c.name,
			relative(d, want), relative(g, wantG), relative(rd, want), relative(rg, wantG))
		if e := relative(d, want); e > c.data {
			t.Errorf("%s: float32 data are off by %.1e (allowed %.0e)", c.name, e, c.data)
		}
		if e := relative(g, wantG); e > c.gradient {
			t.Errorf("%s: the float32 gradient is off by %.1e (allowed %.0e)", c.name, e, c.gradient)
		}
		if e := relative(rd, want); e > c.refined {
			t.Errorf("%s: refined float32 data are off by %.1e (allowed %.0e)", c.name, e, c.refined)
		}
	}
}

// Slow and rough models, 0.8 to 3.2 s2/km2 node by node, on which single precision without pivoting loses up to all its
// digits: the residual shows which, and they are solved in double precision.
func TestRoughModels(t *testing.T) {
	const seed, models = 31, 12
	single, c := configure(t, smallSetup, 1)
	double, c2 := configure(t, smallSetup.With(options{"precision": "float64"}), 1)
	var m [][]float64
	for k := range models {
		src, v := rng.New(seed, "helmholtz/rough").At(0, uint32(k), 0), make([]float64, c.Model.Len())
		for i := range v {
			v[i] = float64(float32(0.8 + 2.4*src.Uniform(i)))
		}
		m = append(m, v)
	}
	d, want := c.Data.New(models), c2.Data.New(models)
	st, err := single.Forward(ctx, solvertest.Batch(&c, m...), d)
	solvertest.OK(t, st, err)
	st, err = double.Forward(ctx, solvertest.Batch(&c2, m...), want)
	solvertest.OK(t, st, err)
	for k := range models {
		if e := relative(d.Item(k).AppendReals(nil), want.Item(k).AppendReals(nil)); e > 5e-4 {
			t.Errorf("seed %d: model %d: float32 data are off by %.1e (allowed 5e-4)", seed, k, e)
		}
	}
	// That there is something to find: of these models some were not left in single precision, and the study's own is.
	wide := func(v []float64) bool {
		w, err := setupOf(single).take()
		if err != nil {
			t.Fatal(err)
		}
		defer setupOf(single).put(w)
		pad := w.padded(1)[0]
		continueEdges(setupOf(single).padding, v, pad)
		if err := w.prepare(pad, 0); err != nil {
			t.Fatal(err)
		}
		return w.used == w.wide
	}
	found := 0
	for _, v := range m {
		if wide(v) {
			found++
		}
	}
	_, oracle := readOracle(t)
	t.Logf("%d of %d models were solved in double precision", found, models)
	if found == 0 || wide(oracle) {
		t.Errorf("seed %d: %d of %d rough models were solved in double precision, the oracle's: %v; want some, and no", seed, found, models, wide(oracle))
	}
}

// What even double precision does not solve is a status.
func TestUnsolved(t *testing.T) {
	for _, precision := range []string{"float32", "float64"} {
		s, c := configure(t, tiny.With(options{"precision": precision}), 1)
		setupOf(s).operators[1].mass[60] = complex(math.MaxFloat64, 0) // no grid has such a node
		st, err := s.Forward(ctx, solvertest.Batch(&c, randomModel(1, 0, c.Model.Len())), c.Data.New(1))
		if got := contract.StatusAt(st, 0); err != nil || got.Code != contract.Diverged || !strings.Contains(got.Text, "at 5 Hz") {
			t.Errorf("%s: a matrix beyond its precision: %v %v", precision, st, err)
		}
	}
}
