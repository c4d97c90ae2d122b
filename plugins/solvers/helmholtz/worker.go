package helmholtz

import (
	"fmt"
	"math"

	fronts "github.com/waveprior/waveprior/cuda/helmholtz"
)

// A factorisation without pivoting across its tiles loses digits where a part of the grid, cut off from the rest, comes
// near a resonance: in single precision mostly none that matter, 1e-6 to 1e-5 of the data (a relative residual of 4e-6 at
// the median of the study's small set-up, 2.5e-5 of its published one), in one model of twenty or ten some more, once in a
// while nearly all. The residual |b - S u|/|b| of the first shot shows it: the data are off by about as much, five times as
// much at worst. Where it is above singleResidual, that model and frequency is factorised and solved in double precision;
// what is above it then, or above doubleResidual with precision = "float64", is a failure.
const (
	singleResidual = 5e-5
	doubleResidual = 1e-6
)

// worker solves for one model and one frequency at a time. It belongs to one goroutine at a time. Fields in the grid's
// order are (count, pz, px).
type worker struct {
	*setup
	own    *engine // of the solver's precision
	wide   *engine // in double precision, made where the first one is found wanting
	used   *engine // the one that S was factorised with last
	matrix fronts.Matrix
	op     *operator

	shots   []fronts.Source // their right-hand sides
	sum     []complex128    // one field
	grid    []complex128    // background fields in the grid's order, where they are there
	ready   bool            // grid is there
	a, b    []complex128    // right-hand sides and solutions; right-hand sides of a refinement
	pads    [][]float64
}

// engine is a factorisation with room for the background and the adjoint fields of all shots.
type engine struct {
	factor *fronts.Factor
	u, a   *fronts.Fields
}

func newEngine(s *setup, precision fronts.Precision) (*engine, error) {
	f, err := fronts.NewFactor(s.plan, precision)
	if err != nil {
		return nil, err
	}
	e := &engine{factor: f}
	if e.u, err = f.NewFields(len(s.sources)); err != nil {
		return nil, err
	}
	e.a, err = f.NewFields(len(s.sources))
	return e, err
}

func newWorker(s *setup) (*worker, error) {
	own, err := newEngine(s, s.precision)
	if err != nil {
		return nil, err
	}
	n := s.len()
	pz, px := s.size()
	return &worker{setup: s, own: own, sum: make([]complex128, n),
		matrix: fronts.Matrix{NZ: pz, NX: px, Diagonal: make([]complex128, n)}}, nil
}

// padded returns scratch for count padded fields; another call may give the same memory.
func (w *worker) padded(count int) [][]float64 {
	for len(w.pads) < count {
		w.pads = append(w.pads, make([]float64, w.len()))
	}
	return w.pads[:count]
}

// prepare assembles S for a model (padded, s2/km2) and frequency number f, factorises it, and computes the fields u of all
// shots, S u = D b.
func (w *worker) prepare(m []float64, f int) error {
	w.op = w.operators[f]
	w.matrix.Right, w.matrix.Down = w.op.acrossX, w.op.acrossZ
	w.op.diagonal(m, w.matrix.Diagonal)
	w.shots = w.shots[:0]
	for s, node := range w.sources { // D is 1 within the grid
		w.shots = append(w.shots, fronts.Source{RHS: s, Node: node, Value: complex(w.op.perH2, 0)})
	}
	if w.precision == fronts.Double {
		return w.background(w.own, doubleResidual)
	}
	if w.background(w.own, singleResidual) == nil {
		return nil
	}
	if w.wide == nil {
		var err error
		if w.wide, err = newEngine(w.setup, fronts.Double); err != nil {
			return err
		}
	}
	return w.background(w.wide, singleResidual)
}

// background computes u with an engine, which later solves use too. The error is that of the factorisation, or says by how
// much the residual is above the limit.
func (w *worker) background(e *engine, limit float64) error {
	w.used, w.ready = e, false
	if err := e.factor.Factorise(&w.matrix); err != nil {
		return err
	}
	n, first := w.len(), w.sum
	if w.refine == 0 {
		if err := e.factor.SolveSources(e.u, w.shots, nil); err != nil {
			return err
		}
		if err := e.u.Vector(0, first); err != nil {
			return err
		}
	} else {
		w.grid = room(w.grid, len(w.shots)*n)
		clear(w.grid)
		for _, s := range w.shots {
			w.grid[s.RHS*n+s.Node] = s.Value
		}
		if err := w.solve(w.grid, len(w.shots)); err != nil {
			return err
		}
		first, w.ready = w.grid[:n], true
	}
	if r := residual(&w.matrix, first, w.shots[0].Node, w.op.perH2); !(r <= limit) {
		return fmt.Errorf("the residual of shot 0 is %.2g of its source, %.0e is allowed", r, limit)
	}
	return nil
}

// residual returns |b - S u|/|b|, b the number strength at one node and 0 elsewhere.
func residual(m *fronts.Matrix, u []complex128, node int, strength float64) float64 {
	n, nx := len(u), m.NX
	diagonal, right, down := m.Diagonal[:n], m.Right[:n], m.Down[:n]
	sum := 0.0
	for i := range u {
		r := diagonal[i] * u[i]
		if i%nx > 0 {
			r += right[i-1] * u[i-1]
		}
		if i%nx < nx-1 {
			r += right[i] * u[i+1]
		}
		if i >= nx {
			r += down[i-nx] * u[i-nx]
		}
		if i < n-nx {
			r += down[i] * u[i+nx]
		}
		if i == node {
			r -= complex(strength, 0)
		}
		sum += real(r)*real(r) + imag(r)*imag(r)
	}
	return math.Sqrt(sum) / strength
}

// solve overwrites count right-hand sides in the grid's order with their solutions, refined as the options say.
func (w *worker) solve(x []complex128, count int) error {
	if w.refine == 0 {
		return w.used.factor.Solve(x, count)
	}
	w.b = room(w.b, len(x))
	copy(w.b, x)
	if err := w.used.factor.Solve(x, count); err != nil {
		return err
	}
	return w.used.factor.Refine(&w.matrix, w.b, x, count, w.refine)
}

// room returns n numbers, of v if it has as many.
func room(v []complex128, n int) []complex128 {
	if cap(v) < n {
		return make([]complex128, n)
	}
	return v[:n]
}

// record fills d (ns, nr) with u at the receivers.
func (w *worker) record(d []complex128) {
	for s := range w.shots {
		for r, node := range w.receivers {
			if w.ready {
				d[s*len(w.receivers)+r] = w.grid[s*w.len()+node]
			} else {
				d[s*len(w.receivers)+r] = w.used.u.At(s, node)
			}
		}
	}
}

// adjoint fills each g[k] (padded) with the transpose of tangent applied to w[k] (ns, nr): -Re mass sum_s u mu, mu the
// solution of S mu = P^T conj(w), the sum over shots in their order in float64.
func (w *worker) adjoint(cotangents [][]complex128, g [][]float64) error {
	nr := len(w.receivers)
	at := make([]fronts.Source, 0, len(w.shots)*nr)
	for k, c := range cotangents {
		at = at[:0]
		for s := range w.shots {
			for r, node := range w.receivers {
				v := c[s*nr+r]
				at = append(at, fronts.Source{RHS: s, Node: node, Value: complex(real(v), -imag(v))})
			}
		}
		clear(w.sum)
		if err := w.correlate(at); err != nil {
			return err
		}
		mass, out := w.op.mass[:len(w.sum)], g[k][:len(w.sum)]
		for i, v := range w.sum {
			out[i] = imag(mass[i])*imag(v) - real(mass[i])*real(v)
		}
	}
	return nil
}

// correlate adds sum_s u mu to w.sum, mu the fields of sources at the receivers.
func (w *worker) correlate(at []fronts.Source) error {
	e := w.used
	if w.refine == 0 {
		if err := e.factor.SolveSources(e.a, at, nil); err != nil {
			return err
		}
		return fronts.Products(w.sum, e.u, e.a)
	}
	n := w.len()
	w.a = room(w.a, len(w.shots)*n)
	clear(w.a)
	for _, s := range at {
		w.a[s.RHS*n+s.Node] = s.Value
	}
	if err := w.solve(w.a, len(w.shots)); err != nil {
		return err
	}
	for s := range w.shots {
		u, mu := w.grid[s*n:][:n], w.a[s*n:][:n]
		for i := range w.sum {
			w.sum[i] += u[i] * mu[i]
		}
	}
	return nil
}

// tangent fills each dd[k] (ns, nr) with the change of the data along dm[k] (padded): u's at the receivers, where
// S du = -mass dm u.
func (w *worker) tangent(dm [][]float64, dd [][]complex128) error {
	n, ns := w.len(), len(w.shots)
	if !w.ready {
		w.grid, w.ready = room(w.grid, ns*n), true
		for s := range ns {
			if err := w.used.u.Vector(s, w.grid[s*n:][:n]); err != nil {
				return err
			}
		}
	}
	block := together(ns)
	for lo := 0; lo < len(dm); lo += block {
		hi := min(lo+block, len(dm))
		w.a = room(w.a, (hi-lo)*ns*n)
		for k := lo; k < hi; k++ {
			w.op.weigh(dm[k], w.sum) // mass dm
			for s := range ns {
				u, to := w.grid[s*n:][:n], w.a[((k-lo)*ns+s)*n:][:n]
				for i, v := range w.sum {
					to[i] = -v * u[i]
				}
			}
		}
		if err := w.solve(w.a, (hi-lo)*ns); err != nil {
			return err
		}
		for k := lo; k < hi; k++ {
			for s := range ns {
				du := w.a[((k-lo)*ns+s)*n:][:n]
				for r, node := range w.receivers {
					dd[k][s*len(w.receivers)+r] = du[node]
				}
			}
		}
	}
	return nil
}

// lanes is how many right-hand sides package cuda/helmholtz carries at a time; fewer cost as much, or half.
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
