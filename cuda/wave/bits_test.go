package wave_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/wave"
)

func bytesOf[E float32 | float64](x []E) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), len(x)*int(unsafe.Sizeof(x[0])))
}

// everything is what all calls give for some models out of eight drawn ones, with two directions each.
func everything[T cuda.Float](t *testing.T, c wave.Config, threads int, models ...int) map[string][]byte {
	t.Helper()
	return everythingOn[T](t, device(t, threads), c, models...)
}

func everythingOn[T cuda.Float](t *testing.T, dev cuda.Device, c wave.Config, models ...int) map[string][]byte {
	t.Helper()
	const many = 2
	r := draws{seededWith(17)}
	p, err := wave.New[T](dev, c)
	must(t, err)
	defer func() { must(t, p.Close()) }()
	n, m := p.Nodes(), p.Data()
	allV, allDV, allW, allO := rough[T](r, 8*n), normals[T](r, 8*many*n, 10), normals[T](r, 8*many*m, 1), normals[T](r, 2*m, 1e-3)
	var v, dv, w []T
	var which []int
	for _, i := range models {
		v, dv, w = append(v, allV[i*n:][:n]...), append(dv, allDV[i*many*n:][:many*n]...), append(w, allW[i*many*m:][:many*m]...)
		which = append(which, i%2)
	}
	k := len(models)
	d, d2, g := make([]T, k*m), make([]T, k*m), make([]float64, k*n)
	dd, gg := make([]T, k*many*m), make([]float64, k*many*n)
	must(t, p.Forward(v, d))
	must(t, p.Gradient(v, allO, which, d2, g))
	must(t, p.JVP(v, dv, many, dd))
	must(t, p.VJP(v, w, many, gg))
	if !bytes.Equal(bytesOf(d), bytesOf(d2)) {
		t.Error("the data beside a gradient are others than those of Forward")
	}
	out := map[string][]byte{}
	for j, i := range models {
		out[fmt.Sprint("data ", i)] = bytesOf(d[j*m:][:m])
		out[fmt.Sprint("gradient ", i)] = bytesOf(g[j*n:][:n])
		out[fmt.Sprint("tangent ", i)] = bytesOf(dd[j*many*m:][:many*m])
		out[fmt.Sprint("transpose ", i)] = bytesOf(gg[j*many*n:][:many*n])
	}
	return out
}

// The bits do not depend on the threads, the batch, the instruction set, or how many steps are kept at a time.
func TestSameBits(t *testing.T) {
	for _, s := range settings(70) {
		t.Run(s.name, func(t *testing.T) {
			sameBits[float32](t, s.Config)
			sameBits[float64](t, s.Config)
		})
	}
}

func sameBits[T cuda.Float](t *testing.T, c wave.Config) {
	t.Helper()
	want := everything[T](t, c, 1, 0, 1, 2)
	same := func(how string, got map[string][]byte) {
		t.Helper()
		for what, x := range got {
			if !bytes.Equal(x, want[what]) {
				t.Errorf("%T: %s has other bits %s", T(0), what, how)
			}
		}
	}
	same("alone", everything[T](t, c, 1, 1))
	same("in another order on two threads", everything[T](t, c, 2, 2, 0))
	same("on three threads", everything[T](t, c, 3, 0, 1, 2))
	for _, m := range []int{1, 7, 69} {
		c := c
		c.Segment = m
		same(fmt.Sprintf("in segments of %d steps", m), everything[T](t, c, 2, 0, 2))
	}
	c.Memory = 1
	same("with no memory", everything[T](t, c, 2, 0, 1))
	best := cuda.ISA()
	defer func() { must(t, cuda.SetISA(best)) }()
	must(t, cuda.SetISA(3))
	same("with AVX2", everything[T](t, c, 1, 0, 1))
}

// Fields of many steps go past the caches, those of a segment do not: the same bits. 1400 steps of this grid are 9 MB, and 15 MB
// with the sponge.
func TestSameBitsPastTheCaches(t *testing.T) {
	sponge := small(4, 1400)
	sponge.Top, sponge.Bottom, sponge.Left, sponge.Right, sponge.Sponge = 9, 9, 9, 9, true
	for name, c := range map[string]wave.Config{"order 4": small(4, 1400), "order 8": small(8, 1400), "sponge": sponge} {
		want := everything[float32](t, c, 1, 0)
		c.Segment = 100
		for what, x := range everything[float32](t, c, 2, 0) {
			if !bytes.Equal(x, want[what]) {
				t.Errorf("%s: %s has other bits with all steps kept past the caches", name, what)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(c *wave.Config)
		want   string
	}{
		"one row":                {func(c *wave.Config) { c.NZ = 1 }, "1 x 23 nodes"},
		"spacing":                {func(c *wave.Config) { c.SpacingM = 0 }, "spacing 0 m"},
		"no steps":               {func(c *wave.Config) { c.Steps = 0 }, "0 steps"},
		"order":                  {func(c *wave.Config) { c.Order = 5 }, "order 5"},
		"negative layer":         {func(c *wave.Config) { c.Left = -1 }, "none may be negative"},
		"layer above water":      {func(c *wave.Config) { c.FreeSurface = true }, "a layer of 7 nodes above it"},
		"sponge of order 8":      {func(c *wave.Config) { c.Sponge, c.Order = true, 8 }, "the sponge's is 4"},
		"few rows":               {func(c *wave.Config) { c.NZ, c.Top, c.Bottom, c.Order = 3, 0, 0, 8 }, "order 8 needs more than 4"},
		"few rows above a layer": {func(c *wave.Config) { c.NZ, c.Top, c.FreeSurface, c.Order = 3, 0, true, 8 }, "3 rows between a free surface and a layer: order 8 needs at least 4"},
		"speed":                  {func(c *wave.Config) { c.LayerSpeed = 0 }, "the speed must be above 0"},
		"no sources":             {func(c *wave.Config) { c.Sources, c.Wavelets = nil, nil }, "0 sources"},
		"wavelets":               {func(c *wave.Config) { c.Wavelets = c.Wavelets[:2] }, "3 sources with 2 wavelets"},
		"short wavelet":          {func(c *wave.Config) { c.Wavelets = [][]float64{{1}, {1}, {1}} }, "wavelet 0 has 1 numbers for 20 steps"},
		"receiver elsewhere":     {func(c *wave.Config) { c.Receivers[0][0].IZ = 28 }, "receiver 0 acts on node (iz 28, ix 0)"},
	} {
		config := small(4, 20)
		c.change(&config)
		if _, err := wave.New[float32](device(t, 1), config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	p := plan[float64](t, small(2, 20), 1)
	v, d, g := make([]float64, p.Nodes()), make([]float64, p.Data()), make([]float64, p.Nodes())
	for name, err := range map[string]error{
		"no model":             p.Forward(nil, d),
		"half a model":         p.Forward(v[:5], d),
		"data of two":          p.Forward(v, append(d, d...)),
		"observation 1 of one": p.Gradient(v, d, []int{1}, d, g),
		"no observation":       p.Gradient(v, nil, []int{0}, d, g),
		"gradient of half":     p.Gradient(v, d, []int{0}, d, g[1:]),
		"no directions":        p.VJP(v, d, 0, g),
		"half a direction":     p.JVP(v, g[1:], 1, d),
		"tangent of half":      p.JVP(v, g, 1, d[1:]),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "wave: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
