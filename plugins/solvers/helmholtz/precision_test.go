package helmholtz

import (
	"testing"
)

// What single precision costs on both set-ups of the study, on smooth models: data and gradient against double precision,
// relative to their norms, and that a refinement step takes the data to the rounding of complex64.
func TestSingleAgainstDouble(t *testing.T) {
	for _, c := range []struct {
		name           string
		o              options
		data, gradient float64 // allowed; measured are 
		refined        float64
	}{{"small", smallSetup, 2e-5, 5e-5, 1e-7}, {"published", publishedSetup, 1e-4, 2e-4, 1e-6}} {
		n := c.o["grid"].(map[string]any)["nz"].(int)
		m, truth := make([]float64, n*n), make([]float64, n*n)
		for i := range m {
			z, x := float64(i/n)/float64(n), float64(i%n)/float64(n)
			m[i] = float64(float32(0.25 - 0.08*z + 0.03*x*z))
			truth[i] = float64(float32(m[i] + 0.02*(x-0.5)*(x-0.5)))
		}
		run := func(more options, obs []float64) (d, g []float64) {
			s, conf := configure(t, c.o.with(more), 2)
			mt, dt, gt := batchOf(&conf, m), conf.Data.New(1), conf.Model.New(1)
			if obs == nil {
				st, err := s.Forward(ctx, batchOf(&conf, truth), dt)
				ok(t, st, err)
				return dt.AppendReals(nil), nil
			}
			dt.SetReals(obs)
			if err := s.Observe(ctx, dt, []float64{1e-3}); err != nil {
				t.Fatal(err)
			}
			st, err := s.Misfit(ctx, mt, []int{0}, make([]float64, 1), gt)
			ok(t, st, err)
			st, err = s.Forward(ctx, mt, dt)
			ok(t, st, err)
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
