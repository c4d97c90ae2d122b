//go:build cuda

package mixture_test

import (
	"math"
	"testing"

	"github.com/waveprior/waveprior/cuda"
)

// twins are the kernels that TestTwins runs on both devices: those of this family, each by its name.
var twins = []string{
	"mixture_weigh_f32", "mixture_weigh_f64",
	"mixture_spread_f32", "mixture_spread_f64",
	"mixture_posterior_f32", "mixture_posterior_f64",
	"mixture_pullback_f32", "mixture_pullback_f64",
	"mixture_log_density_f32", "mixture_log_density_f64",
	"mixture_log_responsibilities_f32", "mixture_log_responsibilities_f64",
}

// TestTwins: the kernels of the GPU and those of the CPU give the same, to a normalised mean square error of 1e-7 in float32
// and 1e-24 in float64. What has no basis to rotate into goes through this family's kernels alone, whose sums have the same
// order on both: there the bits are equal.
func TestTwins(t *testing.T) {
	gpu, cpu := &seen{Device: device(t, "cuda:0", 1), kernels: map[string]bool{}}, device(t, "cpu", 2)
	for _, p := range problems(t) {
		compareTwins[float32](t, gpu, cpu, p, 1e-7)
		compareTwins[float64](t, gpu, cpu, p, 1e-24)
	}
	for _, name := range twins {
		if !gpu.kernels[name] {
			t.Errorf("kernel %s did not run", name)
		}
	}
}

func compareTwins[T cuda.Float](t *testing.T, gpu, cpu cuda.Device, p problem, bound float64) {
	t.Helper()
	a, b := onDevice[T](t, gpu, p.mix), onDevice[T](t, cpu, p.mix)
	_, _, basis := p.mix.Spectral()
	lists := map[string][]float64{}
	ask(t, b, &p, 0, p.items).each(func(name string, x []float64) { lists[name] = x })
	ask(t, a, &p, 0, p.items).each(func(name string, got []float64) {
		off, size := 0.0, 0.0
		for i, want := range lists[name] {
			same := got[i] == want
			if basis == nil && !same {
				t.Fatalf("%s, %d-byte numbers: %s[%d] is %.17g on the GPU, %.17g on the CPU", p.name, cuda.SizeOf[T](), name, i, got[i], want)
			}
			if same { // infinite ones too
				got[i], want = 0, 0
			}
			off += (got[i] - want) * (got[i] - want)
			if !math.IsInf(lists[name][i], 0) {
				size += lists[name][i] * lists[name][i]
			}
		}
		if !(off <= bound*size) {
			t.Errorf("%s, %d-byte numbers: %s: normalised mean square error %.3g, allowed %g", p.name, cuda.SizeOf[T](), name, off/size, bound)
		}
	})
	for _, m := range []interface{ Free() error }{a, b} {
		must(t, m.Free())
	}
}

// seen notes the names of the kernels that run.
type seen struct {
	cuda.Device
	kernels map[string]bool
}

func (s *seen) Run(k *cuda.Kernel, units int, args ...cuda.Arg) error {
	s.kernels[k.Name] = true
	return s.Device.Run(k, units, args...)
}
