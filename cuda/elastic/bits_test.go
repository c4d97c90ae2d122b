package elastic_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/elastic"
)

// everything is what all calls give for some models out of four drawn ones, with two directions each.
func everything[T cuda.Float](t *testing.T, c elastic.Config, threads int, models ...int) map[string][]byte {
	t.Helper()
	return everythingOn[T](t, device(t, threads), c, models...)
}

func everythingOn[T cuda.Float](t *testing.T, dev cuda.Device, c elastic.Config, models ...int) map[string][]byte {
	t.Helper()
	const many = 2
	r := draws{seededWith(17)}
	p, err := elastic.New[T](dev, c)
	must(t, err)
	defer func() { must(t, p.Close()) }()
	n, m := p.Nodes(), p.Data()
	var allM []T
	for range 4 {
		allM = append(allM, rough[T](r, &c)...)
	}
	allD, allW, allO := directions[T](r, &c, 4*many, 10), normals[T](r, 4*many*m, 1), normals[T](r, 2*m, 1e-9)
	var e, de, w []T
	var which []int
	for _, i := range models {
		e, de, w = append(e, allM[i*n:][:n]...), append(de, allD[i*many*n:][:many*n]...), append(w, allW[i*many*m:][:many*m]...)
		which = append(which, i%2)
	}
	k := len(models)
	d, d2, g := make([]T, k*m), make([]T, k*m), make([]float64, k*n)
	dd, gg := make([]T, k*many*m), make([]float64, k*many*n)
	must(t, p.Forward(e, d))
	must(t, p.Gradient(e, allO, which, d2, g))
	must(t, p.JVP(e, de, many, dd))
	must(t, p.VJP(e, w, many, gg))
	if !bytes.Equal(cuda.BytesOf(d), cuda.BytesOf(d2)) {
		t.Error("the data beside a gradient are others than those of Forward")
	}
	out := map[string][]byte{}
	for j, i := range models {
		out[fmt.Sprint("data ", i)] = cuda.BytesOf(d[j*m:][:m])
		out[fmt.Sprint("gradient ", i)] = cuda.BytesOf(g[j*n:][:n])
		out[fmt.Sprint("tangent ", i)] = cuda.BytesOf(dd[j*many*m:][:many*m])
		out[fmt.Sprint("transpose ", i)] = cuda.BytesOf(gg[j*many*n:][:many*n])
	}
	return out
}

// The bits do not depend on the threads, the batch, the instruction set, or how many steps are kept at a time.
func TestSameBits(t *testing.T) {
	far := small(4, 11) // a state that no near cache holds: steps go together, except in segments of one
	far.NX, far.Each = 2200, 1
	far.Receivers[1][0][0].IX = 1700
	for _, s := range append(settings(40), setting{"order 4, a far state", far}) {
		t.Run(s.name, func(t *testing.T) {
			sameBits[float32](t, s.Config)
			sameBits[float64](t, s.Config)
		})
	}
}

func sameBits[T cuda.Float](t *testing.T, c elastic.Config) {
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
	same("alone, on two threads", everything[T](t, c, 2, 1))
	same("in another order on three threads", everything[T](t, c, 3, 2, 0))
	for _, m := range []int{1, 7, 39} {
		c := c
		c.Segment = m
		same(fmt.Sprintf("in segments of %d steps", m), everything[T](t, c, 2, 0, 2))
	}
	c.Memory = 1
	same("with no memory", everything[T](t, c, 2, 1))
	best := cuda.ISA()
	defer func() { must(t, cuda.SetISA(best)) }()
	must(t, cuda.SetISA(3))
	same("with AVX2", everything[T](t, c, 1, 0, 1))
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(c *elastic.Config)
		want   string
	}{
		"one row":            {func(c *elastic.Config) { c.NZ = 1 }, "1 x 15 nodes"},
		"spacing":            {func(c *elastic.Config) { c.SpacingM = 0 }, "spacing 0 m"},
		"no steps":           {func(c *elastic.Config) { c.Steps = 0 }, "0 steps"},
		"half a sample":      {func(c *elastic.Config) { c.Steps = 21 }, "21 steps, 2 to a row of data"},
		"order":              {func(c *elastic.Config) { c.Order = 8 }, "order 8"},
		"negative layer":     {func(c *elastic.Config) { c.Left = -1 }, "none may be negative"},
		"layer in the air":   {func(c *elastic.Config) { c.FreeSurface = true }, "a layer of 6 nodes above it"},
		"few rows":           {func(c *elastic.Config) { c.NZ, c.Top, c.FreeSurface = 3, 0, true }, "at least 4 are needed"},
		"speed":              {func(c *elastic.Config) { c.LayerSpeed = 0 }, "the speed must be above 0"},
		"no sources":         {func(c *elastic.Config) { c.Sources, c.Wavelets = nil, nil }, "0 sources"},
		"short wavelet":      {func(c *elastic.Config) { c.Wavelets = [][]float64{{1}, {1}, {1}} }, "wavelet 0 has 1 numbers for 20 steps"},
		"receiver elsewhere": {func(c *elastic.Config) { c.Receivers[0][0][0].IZ = 18 }, "receiver 0 acts on node (iz 18, ix 1)"},
		"receiver of stress": {func(c *elastic.Config) { c.Receivers[0][0][0].Field = elastic.SXX }, "receiver 0 acts on field 2, allowed are 0 to 1"},
		"source of shear":    {func(c *elastic.Config) { c.Sources[2][0].Field = elastic.SXZ }, "source 2 acts on field 4, allowed are 0 to 3"},
		"source in the air": {func(c *elastic.Config) {
			c.Top, c.FreeSurface = 0, true
			c.Sources[1][1].IZ = 0
			c.Receivers[3][0][0].IZ, c.Receivers[3][1][0].IZ = 1, 1
		}, "source 1 acts on szz of the free surface"},
	} {
		config := small(4, 20)
		c.change(&config)
		if _, err := elastic.New[float32](device(t, 1), config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	p := plan[float64](t, small(2, 20), 1)
	m, d, g := make([]float64, p.Nodes()), make([]float64, p.Data()), make([]float64, p.Nodes())
	for name, err := range map[string]error{
		"no model":             p.Forward(nil, d),
		"half a model":         p.Forward(m[:5], d),
		"data of two":          p.Forward(m, append(d, d...)),
		"observation 1 of one": p.Gradient(m, d, []int{1}, d, g),
		"no observation":       p.Gradient(m, nil, []int{0}, d, g),
		"gradient of half":     p.Gradient(m, d, []int{0}, d, g[1:]),
		"no directions":        p.VJP(m, d, 0, g),
		"half a direction":     p.JVP(m, g[1:], 1, d),
		"tangent of half":      p.JVP(m, g, 1, d[1:]),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "elastic: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
