package elastic

import (
	"math"
	"math/cmplx"
	"testing"

	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/plugins/solvers/internal/solvertest"
)

// point is the coefficients of exp(i k x) of the velocity of a half-space, ux odd in k and uz even, for a source of spectrum 1: of the
// wavenumber k and frequency w, with nu = sqrt(k^2 - w^2/vp^2), shear that of vs, g = 2 k^2 - w^2/vs^2 and R = g^2 - 4 k^2 nu shear.
type point func(k float64, w, nu, shear, g, r complex128) (ux, uz complex128)

// garvin is a point on the surface, an explosion of moment rate 1 at depth d: the potential phi of the full space and its
// reflections. With A = -M exp(-nu d)/(2 rho vp^2 nu), M = 1/(-i w), the displacement is
//
//	ux = -4 i k nu shear (w/vs)^2 A/R,  uz = -2 nu g (w/vs)^2 A/R.
//
// W. W. Garvin, Proc. R. Soc. A 234 (1956) 528.
func (m medium) garvin(d float64) point {
	return func(k float64, w, nu, shear, g, r complex128) (ux, uz complex128) {
		a := -cmplx.Exp(-nu*complex(d, 0)) / (complex(2*m.rho*m.vp*m.vp, 0) * nu) * w * w / complex(m.vs*m.vs, 0) / r
		return complex(0, -4*k) * nu * shear * a, -2 * nu * g * a
	}
}

// lamb is a point at depth z, a vertical force of 1 on the surface: with potentials A exp(-nu z), B exp(-shear z), of which the
// shear stress at the surface is 0 and the normal stress the force, A = -g/(mu R), B = 2 i k nu/(mu R), the displacement is
//
//	ux = i k (-g exp(-nu z) + 2 nu shear exp(-shear z))/(mu R),  uz = nu (g exp(-nu z) - 2 k^2 exp(-shear z))/(mu R).
//
// H. Lamb, Phil. Trans. R. Soc. A 203 (1904) 1.
func (m medium) lamb(z float64) point {
	return func(k float64, w, nu, shear, g, r complex128) (ux, uz complex128) {
		p, s := cmplx.Exp(-nu*complex(z, 0)), cmplx.Exp(-shear*complex(z, 0))
		rate := complex(0, -1) * w / (complex(m.rho*m.vs*m.vs, 0) * r)
		return rate * complex(0, k) * (2*nu*shear*s - g*p), rate * nu * (g*p - complex(2*k*k, 0)*s)
	}
}

// atOffset is the velocity (x, z) of a point at offset x from the source, of which d is the distance in depth, wavenumber by
// wavenumber; samples of q at shift dt, (1 + shift) dt, ... Frequencies have an imaginary part, so that poles lie off the
// axis and what comes round again is gone; they are those of steps that are discrete in time, (2/dt) sin(omega dt/2).
func (m medium) atOffset(of point, q []float64, dt, shift float64, n int, x, d float64) (vx, vz []float64) {
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
			a, b := of(k, w, nu, shear, g, g*g-4*kk*nu*shear)
			ux += a * complex(0, 2*math.Sin(k*x))
			b *= complex(2*math.Cos(k*x), 0)
			if i == 0 {
				b /= 2
			}
			uz += b
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
// than 4 %. And Lamb's: a vertical force on the surface, points 20 m below it, where nearly all is a Rayleigh wave that wants the finer grid for
// that: the force and vz lie half a node below the surface.
func TestHalfSpace(t *testing.T) {
	const dt, nt = 1.25e-3, 520
	for _, c := range []struct {
		name   string
		of     point
		depth  float64 // between source and receivers
		shift  float64
		change options
		bounds map[[2]int][2]float64 // by order and spacing: at 100 and at 550 m
	}{
		{"Garvin", rock.garvin(60), 60, 1, options{"sources": section{"positions_m": [][]float64{{60, 100}}}, "source": section{"kind": "explosion"}},
			map[[2]int][2]float64{{4, 10}: {0.04, 0.04}, {4, 5}: {0.02, 0.02}, {2, 5}: {0.04, 0.04}}},
		{"Lamb", rock.lamb(20), 20, 0.5, options{"sources": section{"positions_m": [][]float64{{0, 100}}}, "receivers": section{"positions_m": [][]float64{{20, 200}, {20, 650}}}},
			map[[2]int][2]float64{{4, 10}: {0.04, 0.1}, {4, 5}: {0.03, 0.04}, {2, 5}: {0.03, 0.04}}},
	} {
		q := seismic.Ricker(nt, dt, 7, 0.2-c.shift*dt)
		var want []float64
		vx0, vz0 := rock.atOffset(c.of, q, dt, c.shift, nt, 100, c.depth)
		vx1, vz1 := rock.atOffset(c.of, q, dt, c.shift, nt, 550, c.depth)
		for _, part := range [][2][]float64{{vx0, vx1}, {vz0, vz1}} {
			for i := range nt {
				want = append(want, part[0][i], part[1][i])
			}
		}
		for grid, bounds := range c.bounds {
			s, conf := configure(t, beach(grid[0], float64(grid[1]), nt).With(c.change), 2)
			d := solvertest.Forward(t, s, &conf, solvertest.Uniform(&conf, rock.values()...))
			for r, x := range []int{100, 550} {
				var got, ref []float64
				for k := r; k < len(d); k += 2 {
					got, ref = append(got, d[k]), append(ref, want[k])
				}
				e := apart(got, ref)
				t.Logf("%s, order %d, %d m: error %.2e at %d m", c.name, grid[0], grid[1], e, x)
				if !(e <= bounds[r]) {
					t.Errorf("%s, order %d, %d m: error %.3g at %d m, allowed %g", c.name, grid[0], grid[1], e, x, bounds[r])
				}
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
