package nn_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/waveprior/waveprior/core/nn"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
)

// device returns a CPU device that ends with the test.
func device(t testing.TB, threads int) cuda.Device {
	t.Helper()
	d, err := cuda.NewCPU(threads)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// normals returns n normal numbers of a seed.
func normals[T cuda.Float](seed uint64, n int) []T {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]T, n)
	for i := range x {
		x[i] = T(r.NormFloat64())
	}
	return x
}

// problem is a small network under test: its store in float64, inputs of the given shapes, and the function to prove.
type problem struct {
	store  *nn.Store[float64]
	shapes [][]int
	net    net
}

// worst is the largest difference between gradients by the tape and by central differences, relative to the largest
// element of the array in question or 1e-3 of the largest of all.
func (p problem) worst(t *testing.T, seed uint64) float64 {
	t.Helper()
	tape, err := nn.NewTape(p.store, nn.Value, true)
	must(t, err)
	t.Cleanup(func() { must(t, tape.Free()) })
	var in []*nn.Var[float64]
	var x [][]float64
	for i, shape := range p.shapes {
		v := tape.Input(true, shape...)
		n, err := tensor.Elements(shape)
		must(t, err)
		in, x = append(in, v), append(x, normals[float64](seed+uint64(i), n))
	}
	root := p.net(tape, in)
	must(t, tape.Err())
	var w, y []float64
	out, _ := root.(*value)
	if out != nil {
		n := out.Rows() * out.Width()
		w, y = normals[float64](seed+100, n), make([]float64, n)
	}

	play := func() float64 {
		for i, v := range in {
			must(t, v.Set(x[i]))
		}
		must(t, tape.Forward())
		if out == nil {
			l, err := root.(*nn.Loss[float64]).Value()
			must(t, err)
			return l
		}
		must(t, out.Get(y))
		sum := 0.0
		for i := range y {
			sum += w[i] * y[i]
		}
		return sum
	}
	play()
	if out != nil {
		must(t, out.SetGrad(w))
	}
	must(t, tape.Backward(root))

	const h = 1e-5 // error of a central difference: h^2/6 f''' + 1e-16 f/h, about 1e-11 of f
	worst, scale := 0.0, 0.0
	compare := func(what string, got []float64, at func(i int) *float64, changed func()) {
		diff, largest := 0.0, 0.0
		for i := range got {
			q := at(i)
			keep := *q
			*q = keep + h
			changed()
			up := play()
			*q = keep - h
			changed()
			down := play()
			*q = keep
			changed()
			want := (up - down) / (2 * h)
			diff, largest = max(diff, math.Abs(got[i]-want)), max(largest, math.Abs(want))
			if math.IsNaN(got[i]) {
				t.Fatalf("%s: element %d is NaN", what, i)
			}
		}
		if largest == 0 {
			t.Fatalf("%s: the gradient is zero everywhere: nothing is proved", what)
		}
		scale = max(scale, largest)
		worst = max(worst, diff/max(largest, 1e-3*scale))
	}
	// All gradients are taken before the first difference, since differences play the tape again.
	var grads [][]float64
	for i, v := range in {
		g := make([]float64, len(x[i]))
		must(t, v.Grad(g))
		grads = append(grads, g)
	}
	var parameters [][]float64
	for _, q := range p.store.Params() {
		g, err := p.store.Get(nn.Grad, q.Name)
		must(t, err)
		parameters = append(parameters, g.Float64s())
	}
	for i := range in {
		compare("input", grads[i], func(k int) *float64 { return &x[i][k] }, func() {})
	}
	for i, q := range p.store.Params() {
		v, err := p.store.Get(nn.Value, q.Name)
		must(t, err)
		compare(q.Name, parameters[i], func(k int) *float64 { return &v.Float64s()[k] }, func() {
			must(t, p.store.Set(nn.Value, q.Name, v))
		})
	}
	return worst
}

// layered makes a problem with one store.
func layered(t *testing.T, declare func(s *store) net, shapes ...[]int) problem {
	t.Helper()
	s := nn.NewStore[float64](device(t, 2))
	net := declare(s)
	must(t, s.Allocate(nn.ForTraining))
	must(t, s.Init(7))
	for _, p := range s.Params() { // off the starting values, whose derivatives may be special (LayerNorm 1 and 0)
		v, err := s.Get(nn.Value, p.Name)
		must(t, err)
		for i, e := range normals[float64](uint64(len(p.Name)), p.Len()) {
			v.Float64s()[i] += 0.3 * e
		}
		must(t, s.Set(nn.Value, p.Name, v))
	}
	return problem{s, shapes, net}
}

type (
	store = nn.Store[float64]
	tape  = nn.Tape[float64]
	value = nn.Var[float64]
	root  = nn.Root[float64]
	net   = func(*tape, []*value) root
)

// Every op's gradient, with respect to its inputs and parameters, is that of central differences in float64, within 1e-8
// of the largest element (the differences themselves are good to about 1e-10). Widths that are no multiples of a vector,
// one row, and many; a variable used twice; a layer used twice.
func TestGradients(t *testing.T) {
	const seed = 20250101
	t.Logf("seed %d", seed)
	for name, c := range map[string]struct {
		declare func(s *store) net
		shapes  [][]int
	}{
		"linear": {func(s *store) net {
			l := s.Linear("l", 5, 7)
			return func(t *tape, in []*value) root { return t.Linear(l, in[0]) }
		}, [][]int{{3, 5}}},
		"linear, one row": {func(s *store) net {
			l := s.Linear("l", 19, 3)
			return func(t *tape, in []*value) root { return t.Linear(l, in[0]) }
		}, [][]int{{1, 19}}},
		"linear, wide": {func(s *store) net {
			l := s.Linear("l", 3, 300)
			return func(t *tape, in []*value) root { return t.Linear(l, in[0]) }
		}, [][]int{{35, 3}}},
		"linear, twice": {func(s *store) net {
			l := s.Linear("l", 6, 6)
			return func(t *tape, in []*value) root { return t.Linear(l, t.GELU(t.Linear(l, in[0]))) }
		}, [][]int{{4, 6}}},
		"layer norm": {func(s *store) net {
			n := s.LayerNorm("n", 9)
			return func(t *tape, in []*value) root { return t.LayerNorm(n, in[0]) }
		}, [][]int{{7, 9}}},
		"layer norm, twice": {func(s *store) net {
			n := s.LayerNorm("n", 17)
			return func(t *tape, in []*value) root { return t.LayerNorm(n, t.Add(in[0], t.LayerNorm(n, in[0]))) }
		}, [][]int{{5, 17}}},
		"gelu": {func(s *store) net {
			return func(t *tape, in []*value) root { return t.GELU(in[0]) }
		}, [][]int{{5, 33}}},
		"residual": {func(s *store) net {
			r := s.Residual("r", 13)
			return func(t *tape, in []*value) root { return t.Residual(r, in[0]) }
		}, [][]int{{6, 13}}},
		"residual, twice and a bypass": {func(s *store) net {
			r := s.Residual("r", 8)
			return func(t *tape, in []*value) root { return t.Add(in[0], t.Residual(r, t.Residual(r, in[0]))) }
		}, [][]int{{4, 8}}},
		"add, itself": {func(s *store) net {
			return func(t *tape, in []*value) root { return t.Add(t.Scale(in[0], 3), t.Add(in[0], in[0])) }
		}, [][]int{{4, 8}}},
		"add, two": {func(s *store) net {
			return func(t *tape, in []*value) root { return t.GELU(t.Add(in[0], in[1])) }
		}, [][]int{{2, 3}, {2, 3}}},
		"scale": {func(s *store) net {
			return func(t *tape, in []*value) root { return t.Scale(t.Scale(in[0], -0.5), 3) }
		}, [][]int{{2, 3}}},
		"concat": {func(s *store) net {
			l := s.Linear("l", 9, 4)
			return func(t *tape, in []*value) root { return t.Linear(l, t.Concat(in[0], in[1], in[0])) }
		}, [][]int{{3, 2}, {3, 5}}},
		"sum of squares": {func(s *store) net {
			return func(t *tape, in []*value) root { return t.SquareError(in[0], in[1], 0.25) }
		}, [][]int{{37, 5}, {37, 5}}},
		"mlp": {func(s *store) net {
			m := declareMLP(s, mlp{dim: 6, embed: 8, width: 12, blocks: 2})
			return func(t *tape, in []*value) root { return m.record(t, in[0], in[1]) }
		}, [][]int{{5, 6}, {5, 8}}},
		"mlp's loss": {func(s *store) net {
			m := declareMLP(s, mlp{dim: 6, embed: 8, width: 16, blocks: 3})
			return func(t *tape, in []*value) root { return t.SquareError(m.record(t, in[0], in[1]), in[2], 1.0/9) }
		}, [][]int{{9, 6}, {9, 8}, {9, 6}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := layered(t, c.declare, c.shapes...).worst(t, seed)
			t.Logf("largest difference %.2g", w)
			if !(w < 1e-8) {
				t.Errorf("a gradient differs from central differences by %g of its largest element, at most 1e-8", w)
			}
		})
	}
}
