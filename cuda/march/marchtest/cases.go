package marchtest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
)

// Plan has the methods of march.Plan.
type Plan[T cuda.Float] interface {
	Nodes() int
	Data() int
	Forward(m, d []T) error
	Gradient(m, observed []T, which []int, d []T, g []float64) error
	JVP(m, dm []T, many int, dd []T) error
	VJP(m, w []T, many int, g []float64) error
	Close() error
}

// How is the part of a configuration that must not change a result: march.Scheme says what the numbers are.
type How struct {
	Batched         bool
	Segment, Memory int
}

// Family is one configuration in one precision.
type Family[T cuda.Float] struct {
	New        func(d cuda.Device, how How) (Plan[T], error)
	Model      func(r Draws) []T                      // draws one, every node by itself
	Directions func(r Draws, n int, size float64) []T // draws n, of about that size in m/s
	Observed   float64                                // the size of observed data, about that of the data
}

// Case is a configuration by name, in both precisions.
type Case struct {
	Name   string
	Steps  int
	Single Family[float32]
	Double Family[float64]
	// Summed: a gradient has a sum over nodes, which a GPU takes by another tree than the CPU.
	Summed bool
}

// Everything is what all calls give on a device for some models out of four drawn ones, with two directions each: "data 0" and so on,
// and gradients and transposes in float64.
func Everything[T cuda.Float](t *testing.T, d cuda.Device, f Family[T], how How, models ...int) map[string][]byte {
	t.Helper()
	const drawn, many = 4, 2
	p, err := f.New(d, how)
	Must(t, err)
	defer func() { Must(t, p.Close()) }()
	r, n, m := From(17), p.Nodes(), p.Data()
	var allE []T
	for range drawn {
		allE = append(allE, f.Model(r)...)
	}
	allD, allW, allO := f.Directions(r, drawn*many, 10), Normals[T](r, drawn*many*m, 1), Normals[T](r, 2*m, f.Observed)
	var e, de, w []T
	var which []int
	for _, i := range models {
		e, de, w = append(e, allE[i*n:][:n]...), append(de, allD[i*many*n:][:many*n]...), append(w, allW[i*many*m:][:many*m]...)
		which = append(which, i%2)
	}
	k := len(models)
	data, again, g := make([]T, k*m), make([]T, k*m), make([]float64, k*n)
	dd, gg := make([]T, k*many*m), make([]float64, k*many*n)
	Must(t, p.Forward(e, data))
	Must(t, p.Gradient(e, allO, which, again, g))
	Must(t, p.JVP(e, de, many, dd))
	Must(t, p.VJP(e, w, many, gg))
	if !bytes.Equal(cuda.BytesOf(data), cuda.BytesOf(again)) {
		t.Errorf("%T, %+v: the data beside a gradient are others than those of Forward", T(0), how)
	}
	out := map[string][]byte{}
	for j, i := range models {
		out[fmt.Sprint("data ", i)] = cuda.BytesOf(data[j*m:][:m])
		out[fmt.Sprint("gradient ", i)] = cuda.BytesOf(g[j*n:][:n])
		out[fmt.Sprint("tangent ", i)] = cuda.BytesOf(dd[j*many*m:][:many*m])
		out[fmt.Sprint("transpose ", i)] = cuda.BytesOf(gg[j*many*n:][:many*n])
	}
	return out
}

// inDoubles tells whether Everything gives this in float64.
func inDoubles(what string) bool {
	return strings.HasPrefix(what, "gradient") || strings.HasPrefix(what, "transpose")
}

func numbersOf[T cuda.Float](b []byte) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), len(b)/cuda.SizeOf[T]())
}

// equal compares all that Everything gave on two ways: 0 and -0 are equal.
func equal[T cuda.Float](t *testing.T, how string, got, want map[string][]byte) {
	t.Helper()
	for what, x := range got {
		if inDoubles(what) {
			equalNumbers(t, how+", "+what, numbersOf[float64](x), numbersOf[float64](want[what]))
		} else {
			equalNumbers(t, how+", "+what, numbersOf[T](x), numbersOf[T](want[what]))
		}
	}
}

func equalNumbers[T cuda.Float](t *testing.T, what string, got, want []T) {
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
