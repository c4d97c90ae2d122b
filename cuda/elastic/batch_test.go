package elastic_test

import (
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/elastic"
	"github.com/waveprior/waveprior/cuda/internal/twin"
	"github.com/waveprior/waveprior/cuda/march/marchtest"
)

// The kernels of a batch, half a step at a time for all shots, give the numbers of whole shots one at a time: with all steps kept,
// in segments, which a gradient has of an even number of steps, with no memory, and where a shot has several blocks.
func TestBatchAsShots(t *testing.T) {
	odd := small(4, 23)
	odd.Each = 1
	for _, s := range append(settings(24), large(10), setting{"an odd number of steps", odd}) {
		marchtest.BatchAsShots(t, s.tried(), 1<<20)
	}
}

// large is a grid on which a GPU gives a shot several blocks and a launch for every half step.
func large(steps int) setting {
	c := small(4, steps)
	c.NZ, c.NX, c.Sources, c.Wavelets = 55, 190, c.Sources[:2], c.Wavelets[:2]
	return setting{"a large grid", c}
}

// A step of a gradient keeps two numbers a node of every shot, one of a tangent five: all steps of both are the largest buffer.
func TestKept(t *testing.T) {
	c := small(4, 400)
	c.Batched = true
	const rows, wide, shots = 13 + 7 + 5, 32, 3 // a layer of 6 above has a node more
	d := &largest{Device: twin.CPU(t, 1)}
	p, err := elastic.New[float32](d, c)
	marchtest.Must(t, err)
	defer func() { marchtest.Must(t, p.Close()) }()
	m := rough[float32](marchtest.From(3), &c)
	marchtest.Must(t, p.Gradient(m, make([]float32, p.Data()), []int{0}, make([]float32, p.Data()), make([]float64, p.Nodes())))
	if want := 4 * 2 * rows * wide * shots * c.Steps; d.bytes != want {
		t.Errorf("the largest buffer of a gradient has %d bytes, want %d", d.bytes, want)
	}
	marchtest.Must(t, p.JVP(m, m, 1, make([]float32, p.Data())))
	if want := 4 * 5 * rows * wide * shots * c.Steps; d.bytes != want {
		t.Errorf("the largest buffer of a tangent has %d bytes, want %d", d.bytes, want)
	}
}

// largest is how many bytes the largest buffer has.
type largest struct {
	cuda.Device
	bytes int
}

func (d *largest) Alloc(bytes int) (cuda.Buffer, error) {
	d.bytes = max(d.bytes, bytes)
	return d.Device.Alloc(bytes)
}
