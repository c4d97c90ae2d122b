package wave_test

import (
	"math/rand/v2"
	"testing"

	"github.com/waveprior/waveprior/cuda/march/marchtest"
	"github.com/waveprior/waveprior/cuda/wave"
)

// openfwi is the data sets' set-up: n x n nodes with cells more on every side, 5 shots, n receivers, in row 1.
func openfwi(n, cells int) wave.Config {
	c := surface(n, 5, 1000)
	c.Sponge, c.Top, c.Bottom, c.Left, c.Right = true, cells, cells, cells, cells
	return c
}

// BenchmarkOpenFWI: one model of the data sets, forward. The same kernel on a smaller grid, 0.3 MB in all, has it in the
// second cache; a copy between two arrays that together are as large as a shot's is what the caches that hold
// them allow: 20 bytes a node and step (p, p before, courant numbers, profile; p after).
func BenchmarkOpenFWI(b *testing.B) {
	b.Run("forward", func(b *testing.B) { benchmark(b, openfwi(70, 120), false) })
	b.Run("gradient", func(b *testing.B) { benchmark(b, openfwi(70, 120), true) })
	b.Run("forward-in-L2", func(b *testing.B) { benchmark(b, openfwi(70, 30), false) })
	b.Run("copy", func(b *testing.B) {
		const numbers = 4 * 310 * 320 / 2 // half of a shot's four arrays
		from, to := make([]float32, numbers), make([]float32, numbers)
		for i := range from {
			from[i] = rand.Float32()
		}
		before := marchtest.CPUTime(b)
		for b.Loop() {
			for range 100 {
				copy(to, from)
			}
		}
		bytes := 2 * 4 * float64(numbers) * 100 * float64(b.N)
		b.ReportMetric(bytes/(marchtest.CPUTime(b)-before)/1e9, "GB/cpu-s")
		b.ReportMetric(bytes/(marchtest.CPUTime(b)-before)/20/1e9, "Gcell/cpu-s")
	})
}
