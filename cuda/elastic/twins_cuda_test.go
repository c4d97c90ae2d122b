//go:build cuda

package elastic_test

import (
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/elastic"
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
	p := compareTwins(t, device(t, 1), gpu(t), some(4))
	for name, e := range p.Ran {
		t.Logf("%s: normalised mean square error at most %.2g", name, e)
	}
}

// Whole calls on the GPU give the numbers of whole shots on the CPU.
func TestGPUAsShots(t *testing.T) {
	for _, s := range some(10) {
		want, got := everything[float32](t, s.Config, 1, 0, 1), everythingOn[float32](t, gpu(t), s.Config, 0, 1)
		for what, x := range want {
			equalNumbers[float32](t, s.name+", "+what, got[what], x)
		}
	}
}

// Nothing but models, data and gradients crosses the bus, however many steps there are.
func TestTransfers(t *testing.T) {
	d := gpu(t)
	count := func(steps int) int {
		c := large(steps).Config
		counted := &transfers{Device: d}
		p, err := elastic.New[float32](counted, c)
		must(t, err)
		before := counted.n
		m := rough[float32](draws{seededWith(3)}, &c)
		must(t, p.Gradient(m, make([]float32, p.Data()), []int{0}, make([]float32, p.Data()), make([]float64, p.Nodes())))
		must(t, p.Close())
		return counted.n - before
	}
	if few, many := count(2), count(4); few != many || few > 6 {
		t.Errorf("%d transfers with 2 steps, %d with 4", few, many)
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
