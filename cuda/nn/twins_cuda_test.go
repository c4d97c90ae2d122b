//go:build cuda

package nn_test

import (
	"math"
	"testing"

	"github.com/waveprior/waveprior/cuda"
)

// TestTwins runs every kernel on the CPU and on the first GPU, which may be the emulated one, and compares what they wrote.
func TestTwins(t *testing.T) {
	for _, w := range twins {
		t.Run(w.kernel+"_f32", func(t *testing.T) { compare(t, w.f32, w.equal, 1e-7) })
		t.Run(w.kernel+"_f64", func(t *testing.T) { compare(t, w.f64, w.equal, 1e-24) })
	}
}

func compare(t *testing.T, run func(testing.TB, cuda.Device) output, equal bool, bound float64) {
	cpu, err := cuda.NewCPU(2)
	must(t, err)
	t.Cleanup(func() { must(t, cpu.Close()) })
	gpu, err := cuda.Open("cuda:0", 1)
	must(t, err)
	t.Cleanup(func() { must(t, gpu.Close()) })
	want, got := run(t, cpu), run(t, gpu)
	if len(want) != len(got) {
		t.Fatalf("%d arrays, the CPU gave %d", len(got), len(want))
	}
	worst := 0.0
	for k := range want {
		off, size := 0.0, 0.0
		for i := range want[k] {
			if equal && math.Float64bits(got[k][i]) != math.Float64bits(want[k][i]) {
				t.Fatalf("array %d of %d, number %d: %.17g, the CPU gave %.17g: want the same bits", k, len(want), i, got[k][i], want[k][i])
			}
			off += (got[k][i] - want[k][i]) * (got[k][i] - want[k][i])
			size += want[k][i] * want[k][i]
		}
		if equal {
			continue
		}
		if e := off / size; !(e <= bound) {
			t.Fatalf("array %d of %d: normalised mean square error %.3g, at most %g is allowed", k, len(want), e, bound)
		} else if e > worst {
			worst = e
		}
	}
	if !equal {
		t.Logf("normalised mean square error at most %.3g over %d arrays", worst, len(want))
	}
}
