package helmholtz

import (
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

// blockFields is about how many right-hand sides are solved at a time where there are K directions.
const blockFields = 32

// sweep implements worker with fields of type C: complex64 for float32, complex128 for float64 and where float32
// solutions are refined. Arrays of fields are (count, pz, px).
type sweep[C complex64 | complex128] struct {
	*setup
	factor *fronts.Factor
	matrix fronts.Matrix
	op     *operator
	u      []C // background, one field per shot
	a      []C // right-hand sides and solutions
	b      []complex128
	sum    []complex128
	pads   [][]float64
}

func newSweep[C complex64 | complex128](s *setup, f *fronts.Factor) *sweep[C] {
	n := s.len()
	pz, px := s.size()
	return &sweep[C]{setup: s, factor: f,
		matrix: fronts.Matrix{NZ: pz, NX: px, Diagonal: make([]complex128, n)},
		u:      make([]C, len(s.sources)*n), sum: make([]complex128, n)}
}

func (w *sweep[C]) padded(count int) [][]float64 {
	for len(w.pads) < count {
		w.pads = append(w.pads, make([]float64, w.len()))
	}
	return w.pads[:count]
}

func (w *sweep[C]) prepare(m []float64, f int) error {
	w.op = w.operators[f]
	w.matrix.Right, w.matrix.Down = w.op.acrossX, w.op.acrossZ
	w.op.diagonal(m, w.matrix.Diagonal)
	if err := w.factor.Factorise(&w.matrix); err != nil {
		return err
	}
	clear(w.u)
	for s, node := range w.sources {
		w.u[s*w.len()+node] = C(complex(w.op.perH2, 0)) // D is 1 within the grid
	}
	return w.solve(w.u, len(w.sources))
}

// solve overwrites count right-hand sides with their solutions.
func (w *sweep[C]) solve(x []C, count int) error {
	switch v := any(x).(type) {
	case []complex64:
		return w.factor.SolveSingle(v, count)
	case []complex128:
		if w.refine == 0 {
			return w.factor.Solve(v, count)
		}
		w.b = append(w.b[:0], v...)
		if err := w.factor.Solve(v, count); err != nil {
			return err
		}
		return w.factor.Refine(&w.matrix, w.b, v, count, w.refine)
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
	block := max(1, blockFields/ns)
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
	block := max(1, blockFields/ns)
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
