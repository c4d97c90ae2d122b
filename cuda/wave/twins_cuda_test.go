//go:build cuda

package wave_test

import (
	"math"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/wave"
)

func gpu(t testing.TB) cuda.Device {
	t.Helper()
	d, err := cuda.Open("cuda:0", 1)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

// TestTwins runs every kernel on the CPU and on the first GPU, which may be the emulated one, and compares what they wrote.
func TestTwins(t *testing.T) {
	p := compareTwins(t, device(t, 1), gpu(t), some(6))
	for name, e := range p.Ran {
		t.Logf("%s: normalised mean square error at most %.2g", name, e)
	}
}

// Whole calls on the GPU give the numbers of whole shots on the CPU; the sponge's gradient has one more sum, by another tree.
func TestGPUAsShots(t *testing.T) {
	for _, s := range some(12) {
		want, got := everything[float32](t, s.Config, 1, 0, 1), everythingOn[float32](t, gpu(t), s.Config, 0, 1)
		for what, x := range want {
			what := s.name + ", " + what
			if s.Sponge && (strings.Contains(what, "gradient") || strings.Contains(what, "transpose")) {
				near(t, what, numbersOf[float64](got[strings.TrimPrefix(what, s.name+", ")]), numbersOf[float64](x))
				continue
			}
			equalNumbers[float32](t, what, got[strings.TrimPrefix(what, s.name+", ")], x)
		}
	}
}

func near(t *testing.T, what string, got, want []float64) {
	t.Helper()
	off, size := 0.0, 0.0
	for i, x := range want {
		off += (got[i] - x) * (got[i] - x)
		size += x * x
	}
	if !(off <= 1e-24*size) || size == 0 {
		t.Errorf("%s: off by %.3g of %.3g", what, math.Sqrt(off), math.Sqrt(size))
	}
}

// Nothing but models, data and gradients crosses the bus, however many steps there are.
func TestTransfers(t *testing.T) {
	d := gpu(t)
	count := func(steps int) int {
		c := large(steps).Config
		counted := &transfers{Device: d}
		p, err := wave.New[float32](counted, c)
		must(t, err)
		before := counted.n
		v := rough[float32](draws{seededWith(3)}, p.Nodes())
		must(t, p.Gradient(v, make([]float32, p.Data()), []int{0}, make([]float32, p.Data()), make([]float64, p.Nodes())))
		must(t, p.Close())
		return counted.n - before
	}
	if few, many := count(2), count(5); few != many || few > 6 {
		t.Errorf("%d transfers with 2 steps, %d with 5", few, many)
	}
}

// transfers counts uploads, downloads and waits.
type transfers struct {
	cuda.Device
	n int
}

func (c *transfers) Upload(b cuda.Buffer, x []byte) error   { c.n++; return c.Device.Upload(b, x) }
func (c *transfers) Download(x []byte, b cuda.Buffer) error { c.n++; return c.Device.Download(x, b) }
func (c *transfers) Synchronise() error                     { c.n++; return c.Device.Synchronise() }
