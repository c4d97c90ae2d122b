package plugintest

import (
	"bytes"
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

func rms(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := 0.0
	for _, x := range v {
		s += x * x
	}
	return math.Sqrt(s / float64(len(v)))
}

// limits returns the bounds of every real number of an item, infinite where there are none.
func limits(s *space.Space) (lower, upper []float64) {
	inner, fields := s.Len(), 1
	for i, a := range s.Axes {
		if a.Name == "field" || a.Name == "component" {
			fields, inner = a.Size, 1
			for _, b := range s.Axes[i+1:] {
				inner *= b.Size
			}
			break
		}
	}
	per := 1
	if s.DType.IsComplex() {
		per = 2
	}
	lower, upper = make([]float64, s.Reals()), make([]float64, s.Reals())
	for i := range lower {
		q := s.Quantities[(i/per/inner)%fields]
		lower[i], upper[i] = math.Inf(-1), math.Inf(1)
		if q.Lower != nil {
			lower[i] = *q.Lower
		}
		if q.Upper != nil {
			upper[i] = *q.Upper
		}
	}
	return lower, upper
}

// points draws n items of a space: uniformly in the middle of its bounds, scale times a normal where it has none. With
// given points those come first, and more are drawn around them.
func points(s *space.Space, n int, scale float64, given *tensor.Tensor, source func(i int) rng.Source) *tensor.Tensor {
	t := s.New(n)
	lower, upper := limits(s)
	v := make([]float64, s.Reals())
	for i := range n {
		src := source(i)
		for k := range v {
			lo, hi := lower[k], upper[k]
			switch {
			case !math.IsInf(lo, 0) && !math.IsInf(hi, 0):
				v[k] = lo + (0.2+0.6*src.Uniform(k))*(hi-lo)
			case !math.IsInf(lo, 0):
				v[k] = lo + scale*(0.5+src.Uniform(k))
			case !math.IsInf(hi, 0):
				v[k] = hi - scale*(0.5+src.Uniform(k))
			default:
				v[k] = scale * src.Normal(k)
			}
		}
		if given != nil && given.Batch() > 0 {
			base := given.Item(i % given.Batch()).AppendReals(nil)
			if i >= given.Batch() { // a little beside, towards the drawn point, which lies within bounds too
				for k := range v {
					base[k] += 1e-2 * (v[k] - base[k])
				}
			}
			copy(v, base)
		}
		t.Item(i).SetReals(v)
	}
	return t
}

// direction draws a direction at x of a size that a step of length 1 stays within the bounds.
func direction(s *space.Space, x []float64, scale float64, src rng.Source) []float64 {
	lower, upper := limits(s)
	dx := make([]float64, len(x))
	for k := range dx {
		room := 0.2 * scale
		if !math.IsInf(lower[k], 0) && !math.IsInf(upper[k], 0) {
			room = 0.1 * (upper[k] - lower[k])
		}
		n := max(-2, min(2, src.Normal(k))) / 2
		if n < 0 {
			room = min(room, x[k]-lower[k])
		} else {
			room = min(room, upper[k]-x[k])
		}
		dx[k] = n * max(0, room) * 0.9
	}
	t := s.New(1) // as the plugin will see it
	t.SetReals(dx)
	return t.AppendReals(dx[:0])
}

// normals returns a tensor (n, shape...) of normals times scale.
func normals(dt tensor.DType, scale float64, src rng.Source, shape ...int) *tensor.Tensor {
	t := tensor.New(dt, shape...)
	v := make([]float64, t.Reals())
	src.Normals(v)
	for i := range v {
		v[i] *= scale
	}
	t.SetReals(v)
	return t
}

// one returns v as a batch of one item of a space.
func one(s *space.Space, v []float64) *tensor.Tensor {
	t := s.New(1)
	t.SetReals(v)
	return t
}

// pick gathers items of the first axis.
func pick(t *tensor.Tensor, items []int) *tensor.Tensor {
	if t == nil {
		return nil
	}
	g := tensor.New(t.DType, append([]int{len(items)}, t.Shape[1:]...)...)
	for k, i := range items {
		g.Item(k).CopyFrom(t.Item(i))
	}
	return g
}

func pickInts(v, items []int) []int {
	g := make([]int, len(items))
	for k, i := range items {
		g[k] = v[i]
	}
	return g
}

// soil fills a tensor with a pattern: what is still there afterwards was not written.
func soil(t *tensor.Tensor, pattern byte) *tensor.Tensor {
	for i := range t.Data {
		t.Data[i] = pattern
	}
	return t
}

// upTo is 0..n-1.
func upTo(n int) []int {
	v := make([]int, n)
	for i := range v {
		v[i] = i
	}
	return v
}

// setNaN puts a NaN into the middle of item i.
func setNaN(t *tensor.Tensor, i int) {
	item := t.Item(i)
	v := item.AppendReals(nil)
	v[len(v)/2] = math.NaN()
	item.SetReals(v)
}

// outcome is what an operation answered.
type outcome struct {
	out    []*tensor.Tensor
	status []contract.Status
}

// differ compares item i of a with item j of b, bit by bit, unless both failed: then the outputs are unspecified.
func differ(a outcome, i int, b outcome, j int) string {
	sa, sb := contract.StatusAt(a.status, i), contract.StatusAt(b.status, j)
	if sa.Code != sb.Code {
		return fmt.Sprintf("status %v and %v", sa, sb)
	}
	if sa.Code != contract.OK {
		return ""
	}
	for k := range a.out {
		x, y := a.out[k].Item(i), b.out[k].Item(j)
		if bytes.Equal(x.Data, y.Data) {
			continue
		}
		u, v := x.AppendReals(nil), y.AppendReals(nil)
		for e := range u {
			if math.Float64bits(u[e]) != math.Float64bits(v[e]) {
				return fmt.Sprintf("output %d, number %d: %.17g and %.17g", k, e, u[e], v[e])
			}
		}
		return fmt.Sprintf("output %d: other bytes", k)
	}
	return ""
}

// eps is the relative rounding error of a dtype.
func eps(dts ...tensor.DType) float64 {
	e := 0x1p-52
	for _, dt := range dts {
		if dt == tensor.Float32 || dt == tensor.Complex64 {
			e = 0x1p-23
		}
	}
	return e
}
