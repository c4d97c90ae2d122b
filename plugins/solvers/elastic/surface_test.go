package elastic

import (
	"math"
	"math/cmplx"
	"testing"

	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/plugins/solvers/internal/solvertest"
)

// garvin is the velocity (x, z) on the surface of a half-space, at offset x of an explosion of moment rate q at depth d: the
// potential phi of the full space and its reflections, wavenumber by wavenumber. With nu = sqrt(k^2 - omega^2/vp^2), nu' that of vs,
// g = 2 k^2 - omega^2/vs^2 and R = g^2 - 4 k^2 nu nu' the displacement is
//
//	ux = -4 i k nu nu' (omega/vs)^2 A/R,  uz = -2 nu g (omega/vs)^2 A/R,  A = -M exp(-nu d)/(2 rho vp^2 nu),  M = q/(-i omega).
//
// W. W. Garvin, Proc. R. Soc. A 234 (1956) 528. Frequencies have an imaginary part, so that poles lie off the axis and what comes
// round again is gone; they are those of steps that are discrete in time, (2/dt) sin(omega dt/2).
func (m medium) garvin(q []float64, dt, shift float64, n int, x, d float64) (vx, vz []float64) {
	long := 4 * n
	damping := 14 / (float64(long) * dt)
	dk := 2 * math.Pi / (4 * m.vp * float64(n) * dt)
	vx, vz = make([]float64, n), make([]float64, n)
	for f := range long / 2 {
		omega := complex(2*math.Pi*float64(f)/float64(long)/dt, damping)
		var spectrum complex128
		for k, y := range q {
			spectrum += complex(y, 0) * cmplx.Exp(complex(0, 1)*omega*complex((float64(k)+shift)*dt, 0))
		}
		if f > long/16 && cmplx.Abs(spectrum) < 1e-10 {
			break
		}
		w := complex(2/dt, 0) * cmplx.Sin(omega*complex(dt/2, 0))
		ka, kb := w*w/complex(m.vp*m.vp, 0), w*w/complex(m.vs*m.vs, 0)
		var ux, uz complex128
		for i := 0; ; i++ {
			k := dk * float64(i)
			if k*d > 30+real(w)*d/m.vp {
				break
			}
			kk := complex(k*k, 0)
			nu, shear, g := cmplx.Sqrt(kk-ka), cmplx.Sqrt(kk-kb), 2*kk-kb
			a := -cmplx.Exp(-nu*complex(d, 0)) / (complex(2*m.rho*m.vp*m.vp, 0) * nu)
			r := g*g - 4*kk*nu*shear
			// The transform is odd in k for ux, even for uz.
			ux += complex(0, -4*k) * nu * shear * kb * a / r * complex(0, 2*math.Sin(k*x))
			each := -2 * nu * g * kb * a / r * complex(2*math.Cos(k*x), 0)
			if i == 0 {
				each /= 2
			}
			uz += each
		}
		scale := spectrum * complex(dk/(2*math.Pi)*2/float64(long), 0)
		if f == 0 {
			scale /= 2
		}
		for i := range n {
			turn := scale * cmplx.Exp(complex(0, -1)*omega*complex(float64(i+1)*dt, 0))
			vx[i] += real(ux * turn)
			vz[i] += real(uz * turn)
		}
	}
	return vx, vz
}

// beach is a half-space of rock, an explosion at 60 m depth or a force on the surface, receivers on the surface.
func beach(order int, h float64, nt int) options {
	return options{
		"preset": "none", "precision": "float64", "order": order, "sinc_half_width": 8, "free_surface": true,
		"grid": section{"nz": int(200/h) + 1, "nx": int(700/h) + 1, "spacing_m": h}, "dt_s": 1.25e-3, "nt": nt, "vp_max_m_s": 2400,
		"wavelet":   section{"peak_hz": 7, "delay_s": 0.2},
		"receivers": section{"positions_m": [][]float64{{0, 200}, {0, 650}}},
		"boundary":  section{"cells": 20},
	}
}

// Garvin's problem: body waves above the source, and body and Rayleigh waves 550 m away, where the free surface must not err by more
// than 4 %.
func TestGarvin(t *testing.T) {
	const dt, nt = 1.25e-3, 520
	q := seismic.Ricker(nt, dt, 7, 0.2-dt)
	var want []float64
	vx0, vz0 := rock.garvin(q, dt, 1, nt, 100, 60)
	vx1, vz1 := rock.garvin(q, dt, 1, nt, 550, 60)
	for _, part := range [][2][]float64{{vx0, vx1}, {vz0, vz1}} {
		for i := range nt {
			want = append(want, part[0][i], part[1][i])
		}
	}
	for _, c := range []struct {
		order  int
		h      float64
		bounds [2]float64
	}{{4, 10, [2]float64{0.04, 0.04}}, {4, 5, [2]float64{0.02, 0.02}}, {2, 5, [2]float64{0.04, 0.04}}} {
		s, conf := configure(t, beach(c.order, c.h, nt).With(options{"sources": section{"positions_m": [][]float64{{60, 100}}}, "source": section{"kind": "explosion"}}), 2)
		d := solvertest.Forward(t, s, &conf, solvertest.Uniform(&conf, rock.values()...))
		for r, x := range []int{100, 550} {
			var got, ref []float64
			for k := r; k < len(d); k += 2 {
				got, ref = append(got, d[k]), append(ref, want[k])
			}
			e := apart(got, ref)
			t.Logf("order %d, %g m: error %.2e at %d m", c.order, c.h, e, x)
			if !(e <= c.bounds[r]) {
				t.Errorf("order %d, %g m: error %.3g at %d m, allowed %g", c.order, c.h, e, x, c.bounds[r])
			}
		}
	}
}

// rayleigh is the speed of Rayleigh waves: (2 - c^2/vs^2)^2 = 4 sqrt(1 - c^2/vp^2) sqrt(1 - c^2/vs^2), by bisection.
func (m medium) rayleigh() float64 {
	lo, hi := 0.5*m.vs, m.vs
	for range 60 {
		c := (lo + hi) / 2
		a, b := c*c/m.vp/m.vp, c*c/m.vs/m.vs
		if (2-b)*(2-b) < 4*math.Sqrt(1-a)*math.Sqrt(1-b) {
			lo = c
		} else {
			hi = c
		}
	}
	return lo
}

// A vertical force on the surface: between receivers at 300 m and 600 m, three and six wavelengths, the phase at 12 Hz goes with the
// speed of Rayleigh waves, which carry nearly all there.
func TestRayleighSpeed(t *testing.T) {
	const dt, nt, hz = 1.25e-3, 640, 12.0
	want := rock.rayleigh()
	if math.Abs(want/rock.vs-0.919) > 0.002 { // of a Poisson ratio of 0.25 it is 0.9194
		t.Fatalf("the root is %g of vs", want/rock.vs)
	}
	for _, order := range []int{4, 2} {
		s, conf := configure(t, beach(order, 5, nt).With(options{
			"sources":   section{"positions_m": [][]float64{{0, 50}}},
			"receivers": section{"positions_m": [][]float64{{0, 350}, {0, 650}}},
		}), 2)
		d := solvertest.Forward(t, s, &conf, solvertest.Uniform(&conf, rock.values()...))
		vz := d[2*nt:]
		var spectrum [2]complex128
		for i := range nt {
			turn := cmplx.Exp(complex(0, 2*math.Pi*hz*dt*float64(i)))
			for r := range spectrum {
				spectrum[r] += complex(vz[2*i+r], 0) * turn
			}
		}
		phase := cmplx.Phase(spectrum[1] / spectrum[0])
		cycles := math.Round(hz*300/want - phase/(2*math.Pi)) // whole ones
		speed := 2 * math.Pi * hz * 300 / (phase + 2*math.Pi*cycles)
		t.Logf("order %d: %.1f m/s, Rayleigh waves %.1f, shear waves %.1f", order, speed, want, rock.vs)
		if math.Abs(speed/want-1) > 0.01 {
			t.Errorf("order %d: %.1f m/s, Rayleigh waves have %.1f", order, speed, want)
		}
	}
}
