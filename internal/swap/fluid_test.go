package swap_test

import (
	"encoding/json"
	"maps"
	"math"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/plugins/solvers/acoustic"
	"github.com/waveprior/waveprior/plugins/solvers/elastic"
)

// TestFluid: where there are no shear waves, the particle velocities that solver acoustic records of an explosion are those of solver
// elastic, amplitude and half steps included: in a rough earth, with a free surface and without, at points between nodes. The two
// schemes share nothing but the equation; what is left is their dispersion, of second order in time.
func TestFluid(t *testing.T) {
	const nt, nr, nz, nx, rho, v0 = 600, 3, 60, 80, 1800.0, 2500.0
	type table = map[string]any
	data := func(s contract.Solver, base, more table) []float64 {
		o := maps.Clone(base)
		maps.Copy(o, more)
		raw, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		c, err := s.Configure(t.Context(), contract.Config{Options: raw, Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		v := make([]float64, c.Model.Len())
		for i := range v {
			z, x := float64(i/nx), float64(i%nx)
			v[i] = 2000 + 15*z + 200*math.Sin(x/12)*math.Exp(-math.Pow((z-15)/12, 2))
			if math.Hypot(z-30, x-20) < 8 { // around the source: amplitudes are right there
				v[i] = v0
			}
		}
		m, d := c.Model.New(1), c.Data.New(1)
		m.SetReals(v)
		if st, err := s.Forward(t.Context(), m, d); err != nil || st != nil {
			t.Fatal(st, err)
		}
		return d.AppendReals(nil)
	}
	for _, surface := range []bool{false, true} {
		base := table{"preset": "none", "grid": table{"nz": nz, "nx": nx, "spacing_m": 10}, "dt_s": 1e-3, "nt": nt, "precision": "float64", "free_surface": surface,
			"wavelet": table{"peak_hz": 7}, "sources": table{"positions_m": [][]float64{{300, 200}}}, "receivers": table{"positions_m": [][]float64{{200, 500}, {50, 600}, {45, 333}}}}
		both := data(elastic.New(), base, table{"vs": table{"poisson": 0.5}, "rho": table{"constant_kg_m3": rho}, "source": table{"kind": "explosion"}})
		for k, quantity := range []string{"vx", "vz"} {
			one := data(acoustic.New(), base, table{"record": table{"quantity": quantity, "density_kg_m3": rho, "source_velocity_m_s": v0}})
			for r := range nr {
				off, all := 0.0, 0.0
				for it := range nt {
					want := both[(k*nt+it)*nr+r]
					off, all = off+math.Pow(one[it*nr+r]-want, 2), all+want*want
				}
				if e := math.Sqrt(off / all); !(e < 0.005) {
					t.Errorf("free surface %v, %s at receiver %d: %.3g apart, allowed 0.005", surface, quantity, r, e)
				}
			}
		}
	}
}
