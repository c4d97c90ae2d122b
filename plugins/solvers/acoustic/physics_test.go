package acoustic

import (
	"fmt"
	"math"
	"math/cmplx"
	"testing"

	"github.com/waveprior/waveprior/core/gradcheck"
	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/plugins/solvers/internal/solvertest"
)

// greens is the field at distance r of a point source q in a homogeneous plane, at dt, 2 dt, ..., n dt, of the equation that is
// discrete in time and continuous in space: per frequency P = Q (i/4) H0(w r/v), w = 2/dt sin(omega dt/2), so that what a
// solver's data differ by is its error in space alone.
func greens(q []float64, dt, r, v float64) []float64 {
	n := len(q)
	long := 256 * n // what comes round again, as t^-3, is gone
	out := make([]float64, n)
	for k := 1; k < long/2; k++ {
		omega := 2 * math.Pi * float64(k) / float64(long) / dt
		var spectrum complex128
		turn, at := cmplx.Exp(complex(0, omega*dt)), complex(1, 0)
		for _, x := range q {
			spectrum += complex(x, 0) * at
			at *= turn
		}
		if k > long/64 && cmplx.Abs(spectrum) < 1e-14 {
			break
		}
		z := 2 / dt * math.Sin(omega*dt/2) * r / v
		p := spectrum * complex(0, 0.25) * complex(math.J0(z), math.Y0(z))
		p *= complex(2/float64(long), 0)
		for i := range out {
			p *= cmplx.Conj(turn)
			out[i] += real(p)
		}
	}
	return out
}

// instants is the same of the equation that is continuous in time too: 1/(2 pi) times the integral over theta >= 0 of
// q(t - r/v cosh theta).
func instants(f, delay, dt float64, n int, r, v float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		t := float64(i+1) * dt
		if t <= r/v {
			continue
		}
		const points = 4000
		end := math.Acosh(t * v / r)
		for k := range points {
			theta := end * (float64(k) + 0.5) / points
			b := math.Pow(math.Pi*f*(t-r/v*math.Cosh(theta)-delay), 2)
			out[i] += (1 - 2*b) * math.Exp(-b) * end / points / (2 * math.Pi)
		}
	}
	return out
}

func apart(a, b []float64) float64 {
	d := make([]float64, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	return gradcheck.Norm(d) / gradcheck.Norm(b)
}

// plane is a homogeneous square of 1.6 km, source in its middle and a receiver r away at an angle of 3:4, recorded until the
// boundary could answer.
func plane(order int, h, dt float64, nt int) options {
	n := int(1600/h) + 1
	return options{
		"preset": "none", "precision": "float64", "order": order,
		"grid": section{"nz": n, "nx": n, "spacing_m": h}, "dt_s": dt, "nt": nt,
		"wavelet":   section{"peak_hz": 6, "delay_s": 0.2},
		"sources":   section{"positions_m": [][]float64{{800, 800}}},
		"receivers": section{"positions_m": [][]float64{{980, 1040}}}, // 300 m
		"boundary":  section{"cells": 10},
	}
}

// The two-dimensional Green's function: the error at 300 m (0.9 wavelengths of the peak) for each order, and how it falls with
// the spacing. Of 6 Hz the highest frequency is 15 Hz: 6.7 nodes per wavelength at 20 m; of 10 Hz 4.
func TestGreensFunction(t *testing.T) {
	const dt, nt, v = 2e-3, 240, 2000.0
	for _, c := range []struct {
		order  int
		hz     float64 // the peak
		at20   float64 // largest error allowed at 20 m
		slopes [2]float64
	}{
		{2, 6, 0.05, [2]float64{1.8, 2.2}}, {4, 6, 0.002, [2]float64{3.7, 4.3}},
		{6, 6, 0.0002, [2]float64{5.5, 6.3}}, {8, 10, 0.001, [2]float64{7.3, 8.3}},
	} {
		var e [2]float64
		want := greens(seismic.Ricker(nt, dt, c.hz, 0.2), dt, 300, v)
		for i, h := range []float64{20, 10} {
			s, conf := configure(t, plane(c.order, h, dt, nt).With(options{"wavelet": section{"peak_hz": c.hz, "delay_s": 0.2}}), 2)
			e[i] = apart(solvertest.Forward(t, s, &conf, solvertest.Uniform(&conf, v)), want)
		}
		slope := math.Log2(e[0] / e[1])
		t.Logf("order %d: error %.1e at 20 m, %.2e at 10 m: order of convergence %.2f", c.order, e[0], e[1], slope)
		if !(e[0] <= c.at20) || !(slope >= c.slopes[0] && slope <= c.slopes[1]) {
			t.Errorf("order %d: error %.3g at 20 m (allowed %g), slope %.2f (allowed %v)", c.order, e[0], c.at20, slope, c.slopes)
		}
	}
	// Against the continuous equation the error in time shows, of second order.
	var e [2]float64
	for i, dt := range []float64{2e-3, 1e-3} {
		s, conf := configure(t, plane(8, 10, dt, int(0.48/dt)), 2)
		e[i] = apart(solvertest.Forward(t, s, &conf, solvertest.Uniform(&conf, v)), instants(6, 0.2, dt, int(0.48/dt), 300, v))
	}
	t.Logf("continuous time: %.2e at 2 ms, %.2e at 1 ms", e[0], e[1])
	if slope := math.Log2(e[0] / e[1]); !(e[0] < 5e-3) || math.Abs(slope-2) > 0.2 {
		t.Errorf("continuous time: errors %v, slope %.2f, want 2", e, slope)
	}
}

// The particle velocity of an explosion: minus the slope of the Green's function along r over rho c^2, of which a component takes its
// part by the direction. It is off by the interpolation's window (half-width 4, the default, and 8), and in the second order by the
// difference.
func TestParticleVelocity(t *testing.T) {
	const dt, nt, v, rho, e = 2e-3, 240, 2000.0, 1800.0, 0.1
	q := seismic.Ricker(nt, dt, 6, 0.2)
	slope := greens(q, dt, 300+e, v)
	for i, near := range greens(q, dt, 300-e, v) {
		slope[i] = (slope[i] - near) / (-2 * e) / (rho * v * v)
	}
	for quantity, part := range map[string]float64{"vz": 180.0 / 300, "vx": 240.0 / 300} {
		want := make([]float64, nt)
		for i := range want {
			want[i] = part * slope[i]
		}
		var off [3]float64
		for i, o := range []struct {
			h     float64
			width int
		}{{20, 8}, {10, 8}, {20, 4}} {
			s, c := configure(t, plane(8, o.h, dt, nt).With(options{"sinc_half_width": o.width,
				"record": section{"quantity": quantity, "density_kg_m3": rho, "source_velocity_m_s": v}}), 2)
			if q := c.Data.Quantities[0]; q.Name != quantity || q.Unit != "m/s" {
				t.Errorf("data of %v", q)
			}
			off[i] = apart(solvertest.Forward(t, s, &c, solvertest.Uniform(&c, v)), want)
		}
		t.Logf("%s: error %.2e at 20 m, %.2e at 10 m; %.2e at 20 m with half-width 4", quantity, off[0], off[1], off[2])
		if order := math.Log2(off[0] / off[1]); !(off[0] < 0.01) || !(off[2] < 0.01) || math.Abs(order-2) > 0.3 {
			t.Errorf("%s: errors %v (allowed 0.01 at 20 m: (k h)^2/24), order %.2f, want 2", quantity, off, order)
		}
	}
}

// A source between nodes gives the same wave as one on a node, as far as the window carries (Hicks).
func TestPositionsBetweenNodes(t *testing.T) {
	const dt, nt, v = 2e-3, 240, 2000.0
	want := greens(seismic.Ricker(nt, dt, 6, 0.2), dt, 300, v)
	for _, c := range []struct {
		width int
		bound float64
	}{{2, 0.25}, {4, 0.01}, {8, 5e-5}} {
		s, conf := configure(t, plane(8, 20, dt, nt).With(options{
			"sources":   section{"positions_m": [][]float64{{807, 793}}},
			"receivers": section{"positions_m": [][]float64{{987, 1033}}},
		}).With(options{"sinc_half_width": c.width}), 1)
		e := apart(solvertest.Forward(t, s, &conf, solvertest.Uniform(&conf, v)), want)
		t.Logf("half-width %d: error %.2e", c.width, e)
		if e > c.bound {
			t.Errorf("half-width %d: error %.3g, allowed %g", c.width, e, c.bound)
		}
	}
}

// roughModel is a model with every node of its own.
func roughModel(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 1900 + 1100*math.Mod(float64(i*i)*0.618034, 1)
	}
	return v
}

// Sources and receivers may be swapped: on nodes, between them, in a rough model, with each boundary. v^2 q at the source: it
// is p/v^2 per q that is symmetric, q times v^2 at the receiver against that at the source; so both lie where v is the same.
func TestReciprocity(t *testing.T) {
	a, b := []float64{40, 50}, []float64{133, 171}
	for name, o := range map[string]options{
		"cpml": {}, "free surface": {"free_surface": true, "order": 8}, "order 2": {"order": 2},
		"openfwi": {"boundary": section{"kind": "openfwi", "cells": 30}},
	} {
		for _, precision := range []string{"float64", "float32"} {
			var d [2][]float64
			for i, p := range [][2][]float64{{a, b}, {b, a}} {
				s, c := configure(t, tiny.With(options{
					"grid": section{"nz": 20, "nx": 24, "spacing_m": 10}, "nt": 300, "precision": precision,
					"boundary":  section{"cells": 10},
					"sources":   section{"positions_m": [][]float64{p[0]}},
					"receivers": section{"positions_m": [][]float64{p[1]}},
				}).With(o), 1)
				v := roughModel(c.Model.Len())
				// Where the two points act the velocity is one.
				for iz := range 20 {
					for ix := range 24 {
						if (iz <= 8 && ix <= 9) || (iz >= 9 && ix >= 13) {
							v[iz*24+ix] = 2200
						}
					}
				}
				m := c.Model.New(1)
				m.SetReals(v)
				d[i] = solvertest.Forward(t, s, &c, m)
			}
			bound := map[string]float64{"float64": 1e-10, "float32": 1e-5}[precision]
			if e := apart(d[0], d[1]); !(e <= bound) {
				t.Errorf("%s, %s: swapped data differ by %.3g, allowed %g", name, precision, e, bound)
			}
		}
	}
}

// What the layers give back: 70 x 70 nodes of 10 m, five shots and 70 receivers in row 1, against the same grid within one so large
// that its boundary does not answer: the largest difference over the largest datum, and the energy. Of 20 nodes Deepwave
// 0.1.0 leaves 1.5e-8, 2.3e-7 and 1.5e-8 of the energy at the same time step (bench/acoustic_agree.py, docs/performance.md): one and a
// half times that is allowed.
func TestAbsorption(t *testing.T) {
	const n = 70
	layered := func(row int) float64 { return 1500 + 3000*float64(row)/n }
	steady := func(v float64) func(int) float64 { return func(int) float64 { return v } }
	for _, c := range []struct {
		name     string
		v        func(row int) float64
		fastest  float64
		largest  map[int]float64
		deepwave float64
	}{
		{"1500 m/s", steady(1500), 1500, map[int]float64{10: 1e-3, 20: 1e-4, 40: 2e-5}, 1.5e-8},
		{"4000 m/s", steady(4000), 4000, map[int]float64{10: 2e-3, 20: 3e-4, 40: 1.5e-4}, 2.3e-7},
		{"1500 to 4500 m/s", layered, 4500, map[int]float64{10: 1e-3, 20: 1e-4, 40: 2e-5}, 1.5e-8},
	} {
		run := func(cells, margin int) []float64 {
			wide, o := n+2*margin, float64(10*margin)
			var sources [][]float64
			for k := range 5 {
				sources = append(sources, []float64{o + 10, o + 10*float64((n-1)*k/4)})
			}
			s, conf := configure(t, options{
				"preset": "none", "grid": section{"nz": wide, "nx": wide, "spacing_m": 10}, "dt_s": 1e-3, "nt": 500,
				"boundary": section{"cells": cells, "velocity_m_s": 4500}, "wavelet": section{"peak_hz": 15, "delay_s": 0.073},
				"sources":   section{"positions_m": sources},
				"receivers": section{"z_m": o + 10, "x_first_m": o, "x_last_m": o + 690, "count": 70},
			}, 2)
			m, v := conf.Model.New(1), make([]float64, wide*wide)
			for i := range v {
				v[i] = c.v(min(max(i/wide-margin, 0), n-1))
			}
			m.SetReals(v)
			return solvertest.Forward(t, s, &conf, m)
		}
		far := run(20, int(math.Ceil(c.fastest*0.5/20))+5)
		top := 0.0
		for _, x := range far {
			top = max(top, math.Abs(x))
		}
		for _, cells := range []int{10, 20, 40} {
			worst, energy, all := 0.0, 0.0, 0.0
			for i, x := range run(cells, 0) {
				worst = max(worst, math.Abs(x-far[i])/top)
				energy += (x - far[i]) * (x - far[i])
				all += far[i] * far[i]
			}
			what := fmt.Sprintf("%s, %d cells: %.3f %% of the largest datum, %.1e of the energy", c.name, cells, 100*worst, energy/all)
			t.Log(what)
			if !(worst <= c.largest[cells]) || cells == 20 && !(energy/all <= 1.5*c.deepwave) {
				t.Errorf("%s; allowed %g of it, and of 20 cells %.2g of the energy", what, c.largest[cells], 1.5*c.deepwave)
			}
		}
	}
}
