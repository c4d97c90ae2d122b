package helmholtz

import (
	"fmt"
	"math"

	fronts "github.com/waveprior/waveprior/cuda/helmholtz"
)

// worker solves for one model and one frequency at a time. It belongs to one goroutine at a time.
type worker interface {
	// prepare assembles S for a model (padded, s2/km2) and frequency number f, factorises it, and computes the fields u of
	// all shots: S u = D b.
	prepare(m []float64, f int) error
	// record fills d (ns, nr) with u at the receivers.
	record(d []complex128)
	// tangent fills dd[k] (ns, nr) with the change of the data along dm[k] (padded): S du = -mass dm u.
	tangent(dm [][]float64, dd [][]complex128) error
	// adjoint fills g[k] (padded) with the transpose of tangent applied to w[k] (ns, nr): -Re mass sum_s u mu with
	// S mu = P^T conj(w).
	adjoint(w [][]complex128, g [][]float64) error
	// padded returns scratch of padded fields; each call with another number may give the same memory.
	padded(count int) [][]float64
}

// lanes is how many right-hand sides package cuda/helmholtz carries at a time; fewer cost as much.
const lanes = 16

// together returns how many directions of ns right-hand sides each are solved in one call: those of up to 64 right-hand
// sides that fill the lanes best, the fewest of equals.
func together(ns int) int {
	best, fill := 1, 0.0
	for k := 1; k == 1 || k*ns <= 4*lanes; k++ {
		f := float64(k*ns) / float64((k*ns+lanes-1)/lanes*lanes)
		if f > fill {
			best, fill = k, f
		}
	}
	return best
}

// directionsAtOnce is how many directions JVP and VJP prepare at a time: a bound of their memory.
const directionsAtOnce = 32

// sweep implements worker with fields of type C: complex64 for float32, complex128 for float64. Arrays of fields are
// (count, pz, px).
type sweep[C complex64 | complex128] struct {
	*setup
	own    *fronts.Factor // of the solver's precision
	wide   *fronts.Factor // in double precision, made where the first one is found wanting
	factor *fronts.Factor // the one that S was factorised with last
	matrix fronts.Matrix
	op     *operator
	u      []C // background, one field per shot
	a      []C // right-hand sides and solutions
	sum    []complex128
	pads   [][]float64
	b, x   []complex128 // of a refinement
}

func newSweep[C complex64 | complex128](s *setup, f *fronts.Factor) *sweep[C] {
	n := s.len()
	pz, px := s.size()
	return &sweep[C]{setup: s, own: f,
		matrix: fronts.Matrix{NZ: pz, NX: px, Diagonal: make([]complex128, n)},
		u:      make([]C, len(s.sources)*n), sum: make([]complex128, n)}
}

func (w *sweep[C]) padded(count int) [][]float64 {
	for len(w.pads) < count {
		w.pads = append(w.pads, make([]float64, w.len()))
	}
	return w.pads[:count]
}

// A factorisation without pivoting across its tiles loses digits where a part of the grid, cut off from the rest, comes
// near a resonance: in single precision mostly none that matter, 1e-6 to 1e-5 of the data, seldom three, once in a while
// all. The residual |b - S u|/|b| of the first shot shows it, being about the relative error of the data. Where it is
// above singleResidual, that model and frequency is factorised and solved in double precision; what is above it then, or
// above doubleResidual with precision = "float64", is a failure.
const (
	singleResidual = 5e-5
	doubleResidual = 1e-6
)

func (w *sweep[C]) prepare(m []float64, f int) error {
	w.op = w.operators[f]
	w.matrix.Right, w.matrix.Down = w.op.acrossX, w.op.acrossZ
	w.op.diagonal(m, w.matrix.Diagonal)
	if w.precision == fronts.Double {
		return w.background(w.own, doubleResidual)
	}
	if w.background(w.own, singleResidual) == nil {
		return nil
	}
	if w.wide == nil {
		var err error
		if w.wide, err = fronts.NewFactor(w.plan, fronts.Double); err != nil {
			return err
		}
	}
	return w.background(w.wide, singleResidual)
}

// background computes u with a factor, which later solves use too. The error is that of the factorisation, or says by how
// much the residual is above the limit.
func (w *sweep[C]) background(f *fronts.Factor, limit float64) error {
	w.factor = f
	if err := f.Factorise(&w.matrix); err != nil {
		return err
	}
	clear(w.u)
	for s, node := range w.sources {
		w.u[s*w.len()+node] = C(complex(w.op.perH2, 0)) // D is 1 within the grid
	}
	if err := w.solve(w.u, len(w.sources)); err != nil {
		return err
	}
	if r := residual(&w.matrix, w.u[:w.len()], w.sources[0], w.op.perH2); !(r <= limit) {
		return fmt.Errorf("the residual of shot 0 is %.2g of its source, %.0e is allowed", r, limit)
	}
	return nil
}

// residual returns |b - S u|/|b|, b the number strength at one node and 0 elsewhere.
func residual[C complex64 | complex128](m *fronts.Matrix, u []C, node int, strength float64) float64 {
	n, nx := len(u), m.NX
	diagonal, right, down := m.Diagonal[:n], m.Right[:n], m.Down[:n]
	sum := 0.0
	for i := range u {
		r := diagonal[i] * complex128(u[i])
		if i%nx > 0 {
			r += right[i-1] * complex128(u[i-1])
		}
		if i%nx < nx-1 {
			r += right[i] * complex128(u[i+1])
		}
		if i >= nx {
			r += down[i-nx] * complex128(u[i-nx])
		}
		if i < n-nx {
			r += down[i] * complex128(u[i+nx])
		}
		if i == node {
			r -= complex(strength, 0)
		}
		sum += real(r)*real(r) + imag(r)*imag(r)
	}
	return math.Sqrt(sum) / strength
}

// solve overwrites count right-hand sides with their solutions.
func (w *sweep[C]) solve(x []C, count int) error {
	if w.setup.refine == 0 {
		switch v := any(x).(type) {
		case []complex64:
			return w.factor.SolveSingle(v, count)
		case []complex128:
			return w.factor.Solve(v, count)
		}
	}
	if cap(w.b) < len(x) {
		w.b, w.x = make([]complex128, len(x)), make([]complex128, len(x))
	}
	wide, b := w.x[:len(x)], w.b[:len(x)]
	for i, v := range x {
		b[i] = complex128(v)
	}
	copy(wide, b)
	if err := w.factor.Solve(wide, count); err != nil {
		return err
	}
	if err := w.factor.Refine(&w.matrix, b, wide, count, w.setup.refine); err != nil {
		return err
	}
	for i, v := range wide {
		x[i] = C(v)
	}
	return nil
}

func (w *sweep[C]) record(d []complex128) {
	for s := range w.sources {
		u := w.u[s*w.len():][:w.len()]
		for r, node := range w.receivers {
			d[s*len(w.receivers)+r] = complex128(u[node])
		}
	}
}

// fields returns room for count fields.
func (w *sweep[C]) fields(count int) []C {
	if n := count * w.len(); cap(w.a) < n {
		w.a = make([]C, n)
	}
	return w.a[:count*w.len()]
}

func (w *sweep[C]) tangent(dm [][]float64, dd [][]complex128) error {
	n, ns := w.len(), len(w.sources)
	block := together(ns)
	for lo := 0; lo < len(dm); lo += block {
		hi := min(lo+block, len(dm))
		a := w.fields((hi - lo) * ns)
		for k := lo; k < hi; k++ {
			w.op.weigh(dm[k], w.sum) // mass dm
			for s := range ns {
				u := w.u[s*n:][:n]
				to := a[((k-lo)*ns+s)*n:][:n]
				for i, v := range w.sum {
					to[i] = -C(v) * u[i]
				}
			}
		}
		if err := w.solve(a, (hi-lo)*ns); err != nil {
			return err
		}
		for k := lo; k < hi; k++ {
			for s := range ns {
				du := a[((k-lo)*ns+s)*n:][:n]
				for r, node := range w.receivers {
					dd[k][s*len(w.receivers)+r] = complex128(du[node])
				}
			}
		}
	}
	return nil
}

func (w *sweep[C]) adjoint(cotangents [][]complex128, g [][]float64) error {
	n, ns, nr := w.len(), len(w.sources), len(w.receivers)
	block := together(ns)
	for lo := 0; lo < len(cotangents); lo += block {
		hi := min(lo+block, len(cotangents))
		a := w.fields((hi - lo) * ns)
		clear(a)
		for k := lo; k < hi; k++ {
			for s := range ns {
				to := a[((k-lo)*ns+s)*n:][:n]
				for r, node := range w.receivers {
					v := cotangents[k][s*nr+r]
					to[node] = C(complex(real(v), -imag(v)))
				}
			}
		}
		if err := w.solve(a, (hi-lo)*ns); err != nil {
			return err
		}
		for k := lo; k < hi; k++ {
			w.correlate(a[(k-lo)*ns*n:][:ns*n], g[k])
		}
	}
	return nil
}

// correlate fills g with -Re mass sum_s u mu, mu (ns, pz, px), the sum over shots in their order in float64.
func (w *sweep[C]) correlate(mu []C, g []float64) {
	n := w.len()
	sum := w.sum[:n]
	for s := range w.sources {
		u, a := w.u[s*n:][:n], mu[s*n:][:n]
		if s == 0 {
			for i := range sum {
				sum[i] = complex128(u[i]) * complex128(a[i])
			}
			continue
		}
		for i := range sum {
			sum[i] += complex128(u[i]) * complex128(a[i])
		}
	}
	mass, g := w.op.mass[:n], g[:n]
	for i, v := range sum {
		g[i] = imag(mass[i])*imag(v) - real(mass[i])*real(v)
	}
}

// maxFinite bounds what is neither NaN nor infinite.
const maxFinite = math.MaxFloat64
