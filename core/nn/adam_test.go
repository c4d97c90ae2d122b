package nn_test

import (
	"math"
	"testing"

	"github.com/waveprior/waveprior/core/nn"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
)

// plainAdam is the optimiser once more, as in Kingma and Ba's algorithm 1, one number at a time in float64.
type plainAdam struct {
	w, m, v, ema []float64
	clipped      int
}

func (p *plainAdam) step(a nn.Adam, k int, g []float64) (norm float64) {
	for _, x := range g {
		norm += x * x
	}
	norm = math.Sqrt(norm)
	c := 1.0
	if a.Clip > 0 && a.Clip/(norm+1e-6) < 1 {
		c = a.Clip / (norm + 1e-6)
		p.clipped++
	}
	d := a.EMADecay
	if a.EMAWarmup && float64(1+k)/float64(10+k) < d {
		d = float64(1+k) / float64(10+k)
	}
	t := float64(k + 1)
	for i := range g {
		h := c * g[i]
		p.m[i] = 0.9*p.m[i] + 0.1*h
		p.v[i] = 0.999*p.v[i] + 0.001*h*h
		mhat, vhat := p.m[i]/(1-math.Pow(0.9, t)), p.v[i]/(1-math.Pow(0.999, t))
		p.w[i] -= a.Schedule.Rate(k) * mhat / (math.Sqrt(vhat) + 1e-8)
		p.ema[i] = d*p.ema[i] + (1-d)*p.w[i]
	}
	return norm
}

// all concatenates an array's parameters.
func all[T cuda.Float](t *testing.T, s *nn.Store[T], w nn.Weights) []float64 {
	t.Helper()
	var x []float64
	for _, p := range s.Params() {
		v, err := s.Get(w, p.Name)
		must(t, err)
		x = v.AppendReals(x)
	}
	return x
}

// 60 steps of the optimiser against the plain loop: with gradients above and below the clipping norm, warm-up of the mean
// and none, no clipping. float64 within 1e-12 of the largest weight, float32 within 1e-5 (60 steps of rounding errors of
// 6e-8, and 1e-3 of a step of 0.02 where a second moment is tiny).
func TestAdam(t *testing.T) {
	for name, a := range map[string]nn.Adam{
		"published":       {Schedule: nn.Cosine{First: 0.02, Last: 0.002, Steps: 60, EpochSteps: 7}, Clip: 1, EMADecay: 0.9999},
		"warm-up":         {Schedule: nn.Constant(0.01), Clip: 1, EMADecay: 0.9, EMAWarmup: true},
		"without a limit": {Schedule: nn.Warmup{Steps: 10, Then: nn.Constant(0.01)}, EMADecay: 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			adamAgainstPlain[float64](t, a, 1e-12)
			adamAgainstPlain[float32](t, a, 1e-5)
		})
	}
}

func adamAgainstPlain[T cuda.Float](t *testing.T, a nn.Adam, tolerance float64) {
	t.Helper()
	s := nn.NewStore[T](device(t, 2))
	s.Linear("a", 37, 11) // gaps between parameters: none of these fills whole cache lines
	s.LayerNorm("n", 5)
	s.Linear("b", 3, 900)
	must(t, s.Allocate(nn.ForTraining))
	must(t, s.Init(3))
	p := &plainAdam{w: all(t, s, nn.Value), ema: all(t, s, nn.EMA)}
	p.m, p.v = make([]float64, len(p.w)), make([]float64, len(p.w))
	const steps = 60
	for k := range steps {
		g := normals[T](uint64(k), s.Count())
		scale := T(0.002 * math.Pow(1.1, float64(k))) // norms from 0.1 to 40
		var wide []float64
		for i := range g {
			g[i] *= scale
			wide = append(wide, float64(g[i]))
		}
		at := 0
		for _, q := range s.Params() {
			x := tensor.New(dtype[T](), q.Shape...)
			x.SetReals(wide[at : at+q.Len()])
			at += q.Len()
			must(t, s.Set(nn.Grad, q.Name, x))
		}
		got, err := s.Step(a, k)
		must(t, err)
		near(t, "norm", got, p.step(a, k, wide), 1e-12)
	}
	if a.Clip > 0 && (p.clipped == 0 || p.clipped == steps) {
		t.Fatalf("%d of %d gradients were clipped: the test wants both", p.clipped, steps)
	}
	for w, want := range map[nn.Weights][]float64{nn.Value: p.w, nn.EMA: p.ema, nn.First: p.m, nn.Second: p.v} {
		got, worst, largest := all(t, s, w), 0.0, 0.0
		for i := range want {
			worst, largest = max(worst, math.Abs(got[i]-want[i])), max(largest, math.Abs(want[i]))
		}
		if !(worst <= tolerance*largest) {
			t.Errorf("%v, %d-byte numbers: differs by %g from the plain loop, largest element %g, at most %g of it", w, cuda.SizeOf[T](), worst, largest, tolerance)
		}
	}
}

func dtype[T cuda.Float]() tensor.DType {
	if cuda.SizeOf[T]() == 4 {
		return tensor.Float32
	}
	return tensor.Float64
}

// A gradient that is not finite changes nothing and is told by the norm; what is wrong in the numbers is an error.
func TestAdamRefuses(t *testing.T) {
	s := nn.NewStore[float32](device(t, 1))
	s.Linear("a", 4, 4)
	must(t, s.Allocate(nn.ForTraining))
	must(t, s.Init(3))
	before := all(t, s, nn.Value)
	g := tensor.New(tensor.Float32, 4)
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
		g.Float32s()[2] = bad
		must(t, s.Set(nn.Grad, "a.bias", g))
		for _, clip := range []float64{0, 1} {
			norm, err := s.Step(nn.Adam{Schedule: nn.Constant(1), Clip: clip}, 0)
			must(t, err)
			if !math.IsNaN(norm) && !math.IsInf(norm, 0) {
				t.Errorf("gradient with %g: norm %g", bad, norm)
			}
		}
	}
	for i, x := range all(t, s, nn.Value) {
		if x != before[i] {
			t.Fatalf("a gradient that is not finite changed weight %d from %g to %g", i, before[i], x)
		}
	}
	for name, a := range map[string]nn.Adam{
		"no schedule": {Clip: 1}, "clip": {Schedule: nn.Constant(1), Clip: -1}, "beta": {Schedule: nn.Constant(1), Beta1: 1.5},
		"decay": {Schedule: nn.Constant(1), EMADecay: 1.1},
	} {
		if _, err := s.Step(a, 0); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
