package elastic

import (
	"fmt"
	"math"
	"math/cmplx"
	"testing"

	"github.com/waveprior/waveprior/core/gradcheck"
	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/plugins/solvers/internal/solvertest"
)

// medium is a homogeneous one: vp, vs in m/s, rho in kg/m3.
type medium struct{ vp, vs, rho float64 }

func (m medium) values() []float64 { return []float64{m.vp, m.vs, m.rho} }

// hankel is H0, and H1/(k r), of the first kind at z = k r.
func hankel(z float64) (h0, h1 complex128) {
	return complex(math.J0(z), math.Y0(z)), complex(math.J1(z)/z, math.Y1(z)/z)
}

// force is the velocity (x, z) at (x, z) from a force (fx, fz) at the origin of a full space, per frequency, exp(-i omega t): G_ij =
// (i/4) (delta_ij H0(ks r)/mu + d_i d_j (H0(ks r) - H0(kp r))/(rho omega^2)), near and far field (Eason, Fulton and Sneddon 1956).
func (m medium) force(fx, fz, x, z, omega float64) (vx, vz complex128) {
	r := math.Hypot(x, z)
	kp, ks := omega/m.vp, omega/m.vs
	p0, p1 := hankel(kp * r)
	s0, s1 := hankel(ks * r)
	// d_i d_j H0(k r) = -k^2 (H1/(k r) (delta - n n) + (H0 - H1/(k r)) n n)
	across := complex(ks*ks, 0)*s1 - complex(kp*kp, 0)*p1
	along := complex(ks*ks, 0)*(s0-s1) - complex(kp*kp, 0)*(p0-p1)
	n := [2]float64{x / r, z / r}
	f := [2]float64{fx, fz}
	var v [2]complex128
	for i := range 2 {
		for j := range 2 {
			nn, delta := complex(n[i]*n[j], 0), complex(0, 0)
			if i == j {
				delta = 1
			}
			g := delta*s0/complex(m.rho*m.vs*m.vs, 0) - (across*(delta-nn)+along*nn)/complex(m.rho*omega*omega, 0)
			v[i] += complex(0, 0.25) * g * complex(f[j], 0) * complex(0, -omega)
		}
	}
	return v[0], v[1]
}

// explosion is the velocity from one of moment rate 1: the potential of displacement has phi_tt = vp^2 lap phi - M delta/rho.
func (m medium) explosion(x, z, omega float64) (vx, vz complex128) {
	r, k := math.Hypot(x, z), omega/m.vp
	_, h1 := hankel(k * r)
	// v = -i omega grad phi, M = rate/(-i omega), phi = -M/(rho vp^2) (i/4) H0(k r), H0' = -k H1
	g := complex(0, 0.25) * h1 * complex(k*k*r, 0) / complex(m.rho*m.vp*m.vp, 0)
	return g * complex(x/r, 0), g * complex(z/r, 0)
}

// inTime is the sum over frequencies of the spectrum of q (samples at shift dt, (1 + shift) dt, ...) times response, at dt, 2 dt, ...,
// n dt. The response is asked for at the frequency (2/dt) sin(omega dt/2) of steps that are discrete in time: what a solver's data
// differ by is its error in space alone.
func inTime(q []float64, dt, shift float64, n int, response func(omega float64) (vx, vz complex128)) (vx, vz []float64) {
	long := 128 * n // what comes round again is gone
	vx, vz = make([]float64, n), make([]float64, n)
	for k := 1; k < long/2; k++ {
		omega := 2 * math.Pi * float64(k) / float64(long) / dt
		var spectrum complex128
		turn := cmplx.Exp(complex(0, omega*dt))
		at := cmplx.Exp(complex(0, omega*dt*shift))
		for _, x := range q {
			spectrum += complex(x, 0) * at
			at *= turn
		}
		if k > long/128 && cmplx.Abs(spectrum) < 1e-13 {
			break
		}
		a, b := response(2 / dt * math.Sin(omega*dt/2))
		scale := spectrum * complex(2/float64(long), 0)
		a, b = a*scale, b*scale
		for i := range n {
			a, b = a*cmplx.Conj(turn), b*cmplx.Conj(turn)
			vx[i] += real(a)
			vz[i] += real(b)
		}
	}
	return vx, vz
}

func apart(a, b []float64) float64 {
	d := make([]float64, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	return gradcheck.Norm(d) / gradcheck.Norm(b)
}

var rock = medium{2400, 1400, 2000}

// plane is a homogeneous square of 1 km, a source in its middle, receivers at (100, 75) m, 0.6 shear wavelengths of the peak, and at
// (180, 135) m, recorded until the boundary could answer.
func plane(order int, h float64) options {
	n := int(1000/h) + 1
	return options{
		"preset": "none", "precision": "float64", "order": order, "sinc_half_width": 10,
		"grid": section{"nz": n, "nx": n, "spacing_m": h}, "dt_s": 1.25e-3, "nt": 360, "vp_max_m_s": 2400,
		"wavelet":   section{"peak_hz": 7, "delay_s": 0.21},
		"sources":   section{"positions_m": [][]float64{{500, 500}}},
		"receivers": section{"positions_m": [][]float64{{575, 600}, {635, 680}}},
		"boundary":  section{"cells": 10},
	}
}

// The full space: near and far field of forces along both axes and of an explosion, their errors for each order, and how they fall
// with the spacing.
func TestFullSpace(t *testing.T) {
	const dt, nt = 1.25e-3, 360
	for _, source := range []section{{"direction_zx": []float64{1, 0}}, {"direction_zx": []float64{0.5, -2}}, {"kind": "explosion"}} {
		shift, response := 0.5, func(x, z float64) func(omega float64) (vx, vz complex128) {
			return func(omega float64) (complex128, complex128) {
				f := source["direction_zx"].([]float64)
				return rock.force(f[1], f[0], x, z, omega)
			}
		}
		if source["kind"] == "explosion" {
			shift, response = 1, func(x, z float64) func(omega float64) (vx, vz complex128) {
				return func(omega float64) (complex128, complex128) { return rock.explosion(x, z, omega) }
			}
		}
		q := seismic.Ricker(nt, dt, 7, 0.21-shift*dt)
		var want []float64 // component, time, receiver
		for _, component := range []int{0, 1} {
			both := make([]float64, 2*nt)
			for r, xz := range [][2]float64{{100, 75}, {180, 135}} {
				vx, vz := inTime(q, dt, shift, nt, response(xz[0], xz[1]))
				for i := range nt {
					both[2*i+r] = [][]float64{vx, vz}[component][i]
				}
			}
			want = append(want, both...)
		}
		for _, c := range []struct {
			order  int
			at10   [2]float64 // largest error allowed at 10 m, near and far: 8 nodes per shear wavelength at 17.5 Hz, 20 at the peak
			slopes [2]float64
		}{{2, [2]float64{0.05, 0.06}, [2]float64{1.9, 2.2}}, {4, [2]float64{2e-3, 2e-3}, [2]float64{3.6, 4.3}}} {
			var errors [2][2]float64 // by spacing and receiver
			for i, h := range []float64{10, 5} {
				s, conf := configure(t, plane(c.order, h).With(options{"source": source}), 2)
				d := solvertest.Forward(t, s, &conf, solvertest.Uniform(&conf, rock.values()...))
				for r := range 2 {
					pick := func(x []float64) (one []float64) {
						for k := r; k < len(x); k += 2 {
							one = append(one, x[k])
						}
						return one
					}
					errors[i][r] = apart(pick(d), pick(want))
				}
			}
			for r, where := range []string{"near", "far"} {
				slope := math.Log2(errors[0][r] / errors[1][r])
				what := fmt.Sprintf("%v, order %d, %s: error %.2e at 10 m, %.2e at 5 m: order of convergence %.2f", source, c.order, where, errors[0][r], errors[1][r], slope)
				t.Log(what)
				if !(errors[0][r] <= c.at10[r]) || !(slope >= c.slopes[0] && slope <= c.slopes[1]) {
					t.Errorf("%s; allowed %g and %v", what, c.at10[r], c.slopes)
				}
			}
		}
	}
}
