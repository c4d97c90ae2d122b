package helmholtz

import (
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/multifrontal"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
)

// onDevice is what the chunks of all tasks hold: their items, and numbers for each of them that part collects and finish stores.
type onDevice[T cuda.Float] struct {
	*setup
	items []int
}

// complexesOf makes complex numbers of pairs, divided by scale.
func complexesOf[T cuda.Float](pairs []T, scale float64, out []complex128) {
	for i := range out {
		out[i] = complex(float64(pairs[2*i])/scale, float64(pairs[2*i+1])/scale)
	}
}

// forwardChunk is Forward.
type forwardChunk[T cuda.Float] struct {
	onDevice[T]
	d   *tensor.Tensor
	out []complex128 // (items, nf, ns, nr)
}

func (s *setup) forwardTask(d *tensor.Tensor) task {
	return newTask(1, newForward[float32](s, d), newForward[float64](s, d))
}

func newForward[T cuda.Float](s *setup, d *tensor.Tensor) func([]int) chunk[T] {
	return func(items []int) chunk[T] {
		return &forwardChunk[T]{onDevice[T]{s, items}, d, make([]complex128, len(items)*len(s.hz)*s.perFrequency())}
	}
}

func (c *forwardChunk[T]) part(e *multifrontal.Engine[T], first, count, _ int) error {
	n := c.perFrequency()
	pairs := make([]T, 2*len(c.items)*count*n)
	if err := e.Data(pairs); err != nil {
		return err
	}
	for k := range c.items {
		complexesOf(pairs[2*k*count*n:], 1, c.out[(k*len(c.hz)+first)*n:][:count*n])
	}
	return nil
}

func (c *forwardChunk[T]) finish(solved func(int) bool) map[int]contract.Status {
	n := len(c.hz) * c.perFrequency()
	for k, i := range c.items {
		if solved(k) {
			store(c.d.Item(i), 0, c.out[k*n:][:n])
		}
	}
	return nil
}

// misfitChunk is Misfit.
type misfitChunk[T cuda.Float] struct {
	onDevice[T]
	obs      *calls.Observations
	observed []complex128 // obs.D
	which    []int
	phi      []float64
	gradient *tensor.Tensor // or nil
	sums     []float64      // phi (items)
	g        []float64      // (items, nz, nx)
}

func (s *setup) misfitTask(obs *calls.Observations, which []int, phi []float64, gradient *tensor.Tensor) task {
	return newTask(1, newMisfit[float32](s, obs, which, phi, gradient), newMisfit[float64](s, obs, which, phi, gradient))
}

func newMisfit[T cuda.Float](s *setup, obs *calls.Observations, which []int, phi []float64, gradient *tensor.Tensor) func([]int) chunk[T] {
	return func(items []int) chunk[T] {
		c := &misfitChunk[T]{onDevice: onDevice[T]{s, items}, obs: obs, observed: make([]complex128, obs.D.Len()),
			which: which, phi: phi, gradient: gradient, sums: make([]float64, len(items))}
		load(obs.D, 0, c.observed)
		if gradient != nil {
			c.g = make([]float64, len(items)*s.nz*s.nx)
		}
		return c
	}
}

func (c *misfitChunk[T]) part(e *multifrontal.Engine[T], first, count, _ int) error {
	if err := e.SetObservations(c.obs, c.observed, c.obs.Tau); err != nil {
		return err
	}
	which := make([]int, len(c.items))
	for k, i := range c.items {
		which[k] = c.which[i]
	}
	phi := make([]float64, len(c.items)*count)
	if err := e.Misfit(which, phi, c.gradient != nil, c.layer, first > 0); err != nil {
		return err
	}
	for s, p := range phi {
		c.sums[s/count] += p
	}
	if c.gradient == nil || first+count < len(c.hz) {
		return nil
	}
	return e.Gradients(c.g)
}

func (c *misfitChunk[T]) finish(solved func(int) bool) map[int]contract.Status {
	failed := map[int]contract.Status{}
	cells := c.nz * c.nx
	for k, i := range c.items {
		if !solved(k) {
			continue
		}
		c.phi[i] = c.sums[k]
		if c.gradient != nil && !calls.Store(c.gradient.Item(i), c.g[k*cells:][:cells], 1) || !(c.phi[i] <= maxFinite) {
			failed[k] = overflow
		}
	}
	return failed
}

// jvpChunk is JVP.
type jvpChunk[T cuda.Float] struct {
	onDevice[T]
	dm, dd *tensor.Tensor
	k      int
	out    []complex128 // (items, k, nf, ns, nr)
}

func (s *setup) jvpTask(dm, dd *tensor.Tensor, k int) task {
	return newTask(k, newJVP[float32](s, dm, dd, k), newJVP[float64](s, dm, dd, k))
}

func newJVP[T cuda.Float](s *setup, dm, dd *tensor.Tensor, k int) func([]int) chunk[T] {
	return func(items []int) chunk[T] {
		return &jvpChunk[T]{onDevice[T]{s, items}, dm, dd, k, make([]complex128, len(items)*k*len(s.hz)*s.perFrequency())}
	}
}

func (c *jvpChunk[T]) part(e *multifrontal.Engine[T], first, count, directions int) error {
	n, cells, nf := c.perFrequency(), c.nz*c.nx, len(c.hz)
	sets := c.items
	if c.dm.Batch() == 1 {
		sets = []int{0}
	}
	for lo := 0; lo < c.k; lo += directions {
		some := min(directions, c.k-lo)
		dm, scales := make([]T, len(sets)*some*cells), make([]float64, len(sets)*some)
		for a, i := range sets {
			set := c.dm.Item(i)
			for j := range some {
				at := a*some + j
				scales[at] = powerOfTwo(largestReal(set, (lo+j)*cells, cells))
				wide := make([]float64, cells)
				readReals(set, (lo+j)*cells, wide)
				for x, v := range wide {
					dm[at*cells+x] = T(v * scales[at])
				}
			}
		}
		pairs := make([]T, 2*len(c.items)*count*some*n)
		if err := e.Tangent(dm, some, pairs); err != nil {
			return err
		}
		for a := range c.items {
			for f := range count {
				for j := range some {
					scale := scales[a%len(sets)*some+j]
					complexesOf(pairs[2*((a*count+f)*some+j)*n:], scale, c.out[((a*c.k+lo+j)*nf+first+f)*n:][:n])
				}
			}
		}
	}
	return nil
}

func (c *jvpChunk[T]) finish(solved func(int) bool) map[int]contract.Status {
	failed := map[int]contract.Status{}
	n, nf := c.perFrequency(), len(c.hz)
	for a, i := range c.items {
		if !solved(a) {
			continue
		}
		all := c.out[a*c.k*nf*n:][:c.k*nf*n]
		for at := 0; at < c.k*nf; at++ {
			if !finite(all[at*n:][:n]) {
				failed[a] = contract.Status{Code: contract.Diverged, Text: fmt.Sprintf("at %g Hz: the data's change along direction %d is not finite", c.hz[at%nf], at/nf)}
				break
			}
		}
		if failed[a].Code == contract.OK {
			store(c.dd.Item(i), 0, all)
		}
	}
	return failed
}

// vjpChunk is VJP.
type vjpChunk[T cuda.Float] struct {
	onDevice[T]
	w, dm *tensor.Tensor
	k     int
	g     []float64 // (items, k, nz, nx)
}

func (s *setup) vjpTask(w, dm *tensor.Tensor, k int) task {
	return newTask(k, newVJP[float32](s, w, dm, k), newVJP[float64](s, w, dm, k))
}

func newVJP[T cuda.Float](s *setup, w, dm *tensor.Tensor, k int) func([]int) chunk[T] {
	return func(items []int) chunk[T] {
		return &vjpChunk[T]{onDevice[T]{s, items}, w, dm, k, make([]float64, len(items)*k*s.nz*s.nx)}
	}
}

func (c *vjpChunk[T]) part(e *multifrontal.Engine[T], first, count, directions int) error {
	n, cells, nf := c.perFrequency(), c.nz*c.nx, len(c.hz)
	r := make([]complex128, n)
	for lo := 0; lo < c.k; lo += directions {
		some := min(directions, c.k-lo)
		pairs, weights := make([]T, 2*len(c.items)*count*some*n), make([]float64, len(c.items)*count*some)
		for a, i := range c.items {
			set := c.w.Item(min(i, c.w.Batch()-1))
			for f := range count {
				for j := range some {
					at := (a*count+f)*some + j
					load(set, ((lo+j)*nf+first+f)*n, r)
					scale := powerOfTwo(largest(r))
					weights[at] = 1 / scale
					to := pairs[2*at*n:]
					for x, v := range r {
						to[2*x], to[2*x+1] = T(real(v)*scale), T(-imag(v)*scale)
					}
				}
			}
		}
		if err := e.Adjoint(pairs, weights, some, c.layer, false); err != nil {
			return err
		}
		g := make([]float64, len(c.items)*some*cells)
		if err := e.Gradients(g); err != nil {
			return err
		}
		for a := range c.items {
			to := c.g[(a*c.k+lo)*cells:]
			for x, v := range g[a*some*cells:][:some*cells] {
				to[x] += v
			}
		}
	}
	return nil
}

func (c *vjpChunk[T]) finish(solved func(int) bool) map[int]contract.Status {
	failed := map[int]contract.Status{}
	n := c.k * c.nz * c.nx
	for a, i := range c.items {
		if solved(a) && !calls.Store(c.dm.Item(i), c.g[a*n:][:n], 1) {
			failed[a] = contract.Status{Code: contract.Diverged, Text: "a gradient overflows"}
		}
	}
	return failed
}
