package helmholtz

import (
	"bytes"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugintest"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/solvertest"
)

// results are what every call gives for a batch of models drawn from the seed.
func results(t *testing.T, s *Solver, c *contract.Configured, seed uint64, items []int, bad int) []*tensor.Tensor {
	t.Helper()
	const k = 3
	n := len(items)
	shape := func(shape []int) []int { return append([]int{n, k}, shape...) }
	m := c.Model.New(n)
	dm, w := tensor.New(c.Model.DType, shape(c.Model.ItemShape())...), tensor.New(c.Data.DType, shape(c.Data.ItemShape())...)
	for j, i := range items {
		v := randomModel(seed, i, c.Model.Len())
		if i == bad {
			v[len(v)/2] = math.NaN()
		}
		m.Item(j).SetReals(v)
		dm.Item(j).SetReals(randoms(seed, fmt.Sprint("dm", i), k*c.Model.Len()))
		w.Item(j).SetReals(randoms(seed, fmt.Sprint("w", i), k*c.Data.Reals()))
	}
	obs := c.Data.New(2)
	obs.SetReals(randoms(seed, "observation", obs.Reals()))
	if err := s.Observe(ctx, obs, []float64{0.1, 0.3}); err != nil {
		t.Fatal(err)
	}
	which := make([]int, n)
	for j, i := range items {
		which[j] = i % 2
	}
	d, g, phi := c.Data.New(n), c.Model.New(n), tensor.New(tensor.Float64, n)
	dd, gg := tensor.New(c.Data.DType, shape(c.Data.ItemShape())...), tensor.New(c.Model.DType, shape(c.Model.ItemShape())...)
	for name, call := range map[string]func() ([]contract.Status, error){
		"Forward": func() ([]contract.Status, error) { return s.Forward(ctx, m, d) },
		"Misfit":  func() ([]contract.Status, error) { return s.Misfit(ctx, m, which, phi.Float64s(), g) },
		"JVP":     func() ([]contract.Status, error) { return s.JVP(ctx, m, dm, dd) },
		"VJP":     func() ([]contract.Status, error) { return s.VJP(ctx, m, w, gg) },
	} {
		st, err := call()
		if err != nil {
			t.Fatal(err)
		}
		for j, i := range items {
			want := contract.OK
			if i == bad {
				want = contract.OutOfBounds
			}
			if got := contract.StatusAt(st, j); got.Code != want {
				t.Fatalf("%s: item %d: %v, want %v", name, i, got, want)
			}
		}
	}
	return []*tensor.Tensor{d, phi, g, dd, gg}
}

// The bits of an item are the same alone and in a batch, beside a bad item, on any number of threads, and beside other
// calls; several frequencies are their sum in order.
func TestSameBits(t *testing.T) {
	const seed, batch, bad = 21, 7, 4
	items := []int{0, 1, 2, 3, 4, 5, 6}
	for _, precision := range []string{"float32", "float64"} {
		o := tiny.With(options{"precision": precision, "frequency_hz": []float64{3, 5, 4, 2}})
		s, c := configure(t, o, 1)
		want := results(t, s, &c, seed, items, bad)
		same := func(how string, got []*tensor.Tensor, of []int) {
			t.Helper()
			for j, i := range of {
				for k := range want {
					if i != bad && !bytes.Equal(got[k].Item(j).Data, want[k].Item(i).Data) {
						t.Errorf("seed %d: %s: result %d of item %d has other bits %s", seed, precision, k, i, how)
					}
				}
			}
		}
		same("alone", results(t, s, &c, seed, []int{3}, -1), []int{3})
		same("in another order", results(t, s, &c, seed, []int{6, 2, 0}, -1), []int{6, 2, 0})
		for _, threads := range []int{2, 5} {
			s, c := configure(t, o, threads)
			same(fmt.Sprintf("on %d threads", threads), results(t, s, &c, seed, items, bad), items)
			var wg sync.WaitGroup
			for range 3 {
				wg.Add(1)
				go func() {
					defer wg.Done()
					same("beside other calls", results(t, s, &c, seed, items, bad), items)
				}()
			}
			wg.Wait()
		}
	}
}

// Several frequencies are each frequency alone: data to the bit, misfits and gradients their sum.
func TestFrequencies(t *testing.T) {
	const seed = 22
	hz := []float64{5, 2.5, 4}
	all, c := configure(t, tiny.With(options{"frequency_hz": hz, "precision": "float64"}), 2)
	m := solvertest.Batch(&c, randomModel(seed, 0, c.Model.Len()))
	d, g, phi := c.Data.New(1), c.Model.New(1), make([]float64, 1)
	obs := c.Data.New(1)
	obs.SetReals(randoms(seed, "observation", obs.Reals()))
	if err := all.Observe(ctx, obs, []float64{0.2}); err != nil {
		t.Fatal(err)
	}
	st, err := all.Forward(ctx, m, d)
	solvertest.OK(t, st, err)
	st, err = all.Misfit(ctx, m, []int{0}, phi, g)
	solvertest.OK(t, st, err)
	sum, sumG := 0.0, make([]float64, c.Model.Len())
	for f, v := range hz {
		one, c1 := configure(t, tiny.With(options{"frequency_hz": []float64{v}, "precision": "float64"}), 1)
		d1, g1, phi1, obs1 := c1.Data.New(1), c1.Model.New(1), make([]float64, 1), c1.Data.New(1)
		n := len(d1.Data)
		copy(obs1.Data, obs.Data[f*n:])
		if err := one.Observe(ctx, obs1, []float64{0.2}); err != nil {
			t.Fatal(err)
		}
		st, err := one.Forward(ctx, m, d1)
		solvertest.OK(t, st, err)
		if !bytes.Equal(d1.Data, d.Data[f*n:(f+1)*n]) {
			t.Errorf("seed %d: data at %g Hz alone and among %v differ", seed, v, hz)
		}
		st, err = one.Misfit(ctx, m, []int{0}, phi1, g1)
		solvertest.OK(t, st, err)
		sum += phi1[0]
		for i, x := range g1.Float64s() {
			sumG[i] += x
		}
	}
	if sum != phi[0] {
		t.Errorf("seed %d: phi = %.17g, the sum over frequencies %.17g", seed, phi[0], sum)
	}
	for i, x := range g.Float64s() {
		if x != sumG[i] {
			t.Fatalf("seed %d: gradient %d is %.17g, the sum over frequencies %.17g", seed, i, x, sumG[i])
		}
	}
}

// More directions than are solved at a time: each alone gives the same bits.
func TestManyDirections(t *testing.T) {
	const seed, k = 23, 2*directionsAtOnce + 5
	s, c := configure(t, tiny, 2)
	m := solvertest.Batch(&c, randomModel(seed, 0, c.Model.Len()))
	shape := func(k int, item []int) []int { return append([]int{1, k}, item...) }
	dm, w := tensor.New(c.Model.DType, shape(k, c.Model.ItemShape())...), tensor.New(c.Data.DType, shape(k, c.Data.ItemShape())...)
	dm.SetReals(randoms(seed, "dm", dm.Reals()))
	w.SetReals(randoms(seed, "w", w.Reals()))
	dd, g := tensor.New(c.Data.DType, w.Shape...), tensor.New(c.Model.DType, dm.Shape...)
	st, err := s.JVP(ctx, m, dm, dd)
	solvertest.OK(t, st, err)
	st, err = s.VJP(ctx, m, w, g)
	solvertest.OK(t, st, err)
	for _, j := range []int{0, 1, directionsAtOnce - 1, directionsAtOnce, k - 1} {
		d1, g1 := tensor.New(c.Data.DType, shape(1, c.Data.ItemShape())...), tensor.New(c.Model.DType, shape(1, c.Model.ItemShape())...)
		st, err := s.JVP(ctx, m, dm.Item(0).Slice(j, j+1).Reshape(g1.Shape...), d1)
		solvertest.OK(t, st, err)
		st, err = s.VJP(ctx, m, w.Item(0).Slice(j, j+1).Reshape(d1.Shape...), g1)
		solvertest.OK(t, st, err)
		if !bytes.Equal(d1.Data, dd.Item(0).Item(j).Data) || !bytes.Equal(g1.Data, g.Item(0).Item(j).Data) {
			t.Errorf("seed %d: direction %d alone and among %d differ", seed, j, k)
		}
	}
}

// The results do not depend on the scale of noise, directions and cotangents, whatever single precision can hold.
func TestScales(t *testing.T) {
	const seed = 24
	s, c := configure(t, tiny, 1)
	n := c.Model.Len()
	m, obs := solvertest.Batch(&c, randomModel(seed, 0, n)), c.Data.New(1)
	obs.SetReals(randoms(seed, "observation", obs.Reals()))
	gradient := func(tau float64) []float64 {
		if err := s.Observe(ctx, obs, []float64{tau}); err != nil {
			t.Fatal(err)
		}
		g := c.Model.New(1)
		st, err := s.Misfit(ctx, m, []int{0}, make([]float64, 1), g)
		solvertest.OK(t, st, err)
		return g.AppendReals(nil)
	}
	one := gradient(1)
	for _, tau := range []float64{0x1p-50, 0x1p40} {
		for i, v := range gradient(tau) {
			if v*tau*tau != one[i] {
				t.Fatalf("seed %d: tau = %g: gradient %d is %g, 1/tau^2 times %g was expected", seed, tau, i, v, one[i])
			}
		}
	}
	op := operatorOf(t, s, &c)
	dx, w := randoms(seed, "dx", n), randoms(seed, "w", c.Data.Reals())
	jdx, _ := op.JVP(m.AppendReals(nil), dx)
	jtw, _ := op.VJP(m.AppendReals(nil), w)
	for _, scale := range []float64{0x1p-60, 0x1p60} {
		times := func(v []float64) []float64 {
			out := make([]float64, len(v))
			for i := range v {
				out[i] = v[i] * scale
			}
			return out
		}
		a, _ := op.JVP(m.AppendReals(nil), times(dx))
		b, _ := op.VJP(m.AppendReals(nil), times(w))
		if relative(a, times(jdx)) != 0 || relative(b, times(jtw)) != 0 {
			t.Errorf("seed %d: directions and cotangents times %g: off by %g and %g", seed, scale, relative(a, times(jdx)), relative(b, times(jtw)))
		}
	}
}

func TestConformance(t *testing.T) {
	for _, precision := range []string{"float32", "float64"} {
		t.Run(precision, func(t *testing.T) {
			plugintest.Solver(t, func() contract.Solver { return New() },
				plugintest.Options{Name: "helmholtz", Options: tiny.With(options{"precision": precision}).JSON(t)})
		})
	}
}
