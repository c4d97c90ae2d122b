package marchtest

import (
	"math"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/internal/twin"
)

// CompareTwins runs all kernels of a batch on both devices, in segments of which the first is done again, and returns how far apart
// they are; table has every kernel's outputs.
func CompareTwins(t *testing.T, first, second cuda.Device, table map[string][]twin.Written, cases []Case) *twin.Pair {
	t.Helper()
	p := twin.NewPair(t, first, second, table)
	for _, c := range cases {
		compareTwins(t, p, c)
	}
	return p
}

func compareTwins(t *testing.T, p *twin.Pair, c Case) {
	t.Helper()
	before := t.Failed()
	defer func() { // also where a kernel's comparison ends the test
		if t.Failed() && !before {
			t.Logf("in case %q", c.Name)
		}
	}()
	how := How{Batched: true, Segment: c.Steps / 2}
	Everything(t, p, c.Single, how, 0, 1)
	Everything(t, p, c.Double, how, 1)
}

// GPUAsShots wants of a GPU the numbers of whole shots on the CPU, in float32; but for a gradient with another sum, to 1e-12.
func GPUAsShots(t *testing.T, gpu cuda.Device, c Case) {
	t.Run(c.Name, func(t *testing.T) {
		want, got := Everything(t, twin.CPU(t, 1), c.Single, How{}, 0, 1), Everything(t, gpu, c.Single, How{}, 0, 1)
		if c.Summed {
			for what := range want {
				if inDoubles(what) {
					near(t, what, numbersOf[float64](got[what]), numbersOf[float64](want[what]))
					delete(got, what)
				}
			}
		}
		equal[float32](t, "on a GPU", got, want)
	})
}

func near(t *testing.T, what string, got, want []float64) {
	t.Helper()
	off, size := 0.0, 0.0
	for i, x := range want {
		off += (got[i] - x) * (got[i] - x)
		size += x * x
	}
	if !(off <= 1e-24*size) || size == 0 {
		t.Errorf("on a GPU, %s: off by %.3g of %.3g", what, math.Sqrt(off), math.Sqrt(size))
	}
}

// Transfers wants nothing but a model, data and a gradient to cross the bus, in at most six transfers, however many steps there are; cases
// are the same with few steps and with many.
func Transfers(t *testing.T, gpu cuda.Device, few, many Case) {
	t.Helper()
	count := func(c Case) int {
		counted := &transfers{Device: gpu}
		p, err := c.Single.New(counted, How{})
		Must(t, err)
		before := counted.n
		Must(t, p.Gradient(c.Single.Model(From(3)), make([]float32, p.Data()), []int{0}, make([]float32, p.Data()), make([]float64, p.Nodes())))
		Must(t, p.Close())
		return counted.n - before
	}
	if a, b := count(few), count(many); a != b || a > 6 {
		t.Errorf("%s: %d transfers with %d steps, %d with %d; want the same, at most 6", few.Name, a, few.Steps, b, many.Steps)
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
