package elastic_test

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/elastic"
)

// The kernels of a batch, half a step at a time for all shots, give the numbers of whole shots one at a time: with all steps kept,
// in segments, which a gradient has of an even number of steps, with no memory, and where a shot has several blocks.
func TestBatchAsShots(t *testing.T) {
	odd := small(4, 23)
	odd.Each = 1
	for _, s := range append(settings(24), large(10), setting{"an odd number of steps", odd}) {
		t.Run(s.name, func(t *testing.T) {
			batchAsShots[float32](t, s.Config)
			batchAsShots[float64](t, s.Config)
		})
	}
}

// large is a grid on which a GPU gives a shot several blocks and a launch for every half step.
func large(steps int) setting {
	c := small(4, steps)
	c.NZ, c.NX, c.Sources, c.Wavelets = 55, 190, c.Sources[:2], c.Wavelets[:2]
	return setting{"a large grid", c}
}

func batchAsShots[T cuda.Float](t *testing.T, c elastic.Config) {
	t.Helper()
	want := everything[T](t, c, 2, 0, 1)
	c.Batched = true
	for _, how := range []struct{ segment, memory int }{{0, 0}, {7, 0}, {1, 0}, {0, 1}, {c.Steps, 1 << 20}} {
		c.Segment, c.Memory = how.segment, how.memory
		for what, x := range everything[T](t, c, 2, 0, 1) {
			equalNumbers[T](t, fmt.Sprintf("%T, %v, %s", T(0), how, what), x, want[what])
		}
	}
}

// A step of a gradient keeps two numbers a node of every shot, one of a tangent five: all steps of both are the largest buffer.
func TestKept(t *testing.T) {
	c := small(4, 400)
	c.Batched = true
	const rows, wide, shots = 13 + 7 + 5, 32, 3 // a layer of 6 above has a node more
	d := &largest{Device: device(t, 1)}
	p, err := elastic.New[float32](d, c)
	must(t, err)
	defer func() { must(t, p.Close()) }()
	m := rough[float32](draws{seededWith(3)}, &c)
	must(t, p.Gradient(m, make([]float32, p.Data()), []int{0}, make([]float32, p.Data()), make([]float64, p.Nodes())))
	if want := 4 * 2 * rows * wide * shots * c.Steps; d.bytes != want {
		t.Errorf("the largest buffer of a gradient has %d bytes, want %d", d.bytes, want)
	}
	must(t, p.JVP(m, m, 1, make([]float32, p.Data())))
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

// equalNumbers compares numbers of T, or of float64 where they are gradients: 0 and -0 are equal.
func equalNumbers[T cuda.Float](t *testing.T, what string, got, want []byte) {
	t.Helper()
	if strings.Contains(what, "gradient") || strings.Contains(what, "transpose") {
		equal(t, what, numbersOf[float64](got), numbersOf[float64](want))
		return
	}
	equal(t, what, numbersOf[T](got), numbersOf[T](want))
}

func numbersOf[T cuda.Float](b []byte) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), len(b)/cuda.SizeOf[T]())
}

func equal[T cuda.Float](t *testing.T, what string, got, want []T) {
	t.Helper()
	some := false
	for i, x := range want {
		if got[i] != x {
			t.Fatalf("%s: number %d of %d is %.17g, want %.17g", what, i, len(want), got[i], x)
		}
		some = some || x != 0
	}
	if !some {
		t.Fatalf("%s: nothing but zeros", what)
	}
}
