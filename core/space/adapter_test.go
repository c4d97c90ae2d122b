package space_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/waveprior/waveprior/core/field"
	"github.com/waveprior/waveprior/core/gradcheck"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

func grid(dt tensor.DType, nz, nx int, step float64, qs ...space.Quantity) space.Space {
	s := space.Space{Name: "model", DType: dt, Quantities: qs}
	if len(qs) > 1 {
		s.Axes = append(s.Axes, space.Axis{Name: "field", Size: len(qs)})
	}
	s.Axes = append(s.Axes, space.Axis{Name: "z", Unit: "m", Size: nz, Step: step}, space.Axis{Name: "x", Unit: "m", Size: nx, Step: step})
	return s
}

func gather(dt tensor.DType) space.Space {
	return space.Space{Name: "data", DType: dt, Quantities: []space.Quantity{{Name: "pressure", Unit: "Pa"}}, Axes: []space.Axis{
		{Name: "shot", Size: 4, Origin: 5, Step: 20, Unit: "m"}, {Name: "time", Size: 9, Step: 0.004, Unit: "s"},
		{Name: "receiver", Size: 5, Values: []float64{0, 10, 25, 40, 45}, Unit: "m"}}}
}

var (
	vp       = space.Quantity{Name: "vp", Unit: "m/s"}
	vpKm     = space.Quantity{Name: "vp", Unit: "km/s"}
	rho      = space.Quantity{Name: "rho", Unit: "kg/m3"}
	sqs      = space.Quantity{Name: "squared_slowness", Unit: "s2/km2"}
	sqsSI    = space.Quantity{Name: "squared_slowness", Unit: "s2/m2"}
	slowness = space.Quantity{Name: "slowness", Unit: "s/km"}
)

func must(t *testing.T) func(*space.Adapter, error) *space.Adapter {
	return func(a *space.Adapter, err error) *space.Adapter {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
}

type example struct {
	name   string
	a      *space.Adapter
	lo, hi float64 // values of x
	affine bool
}

func examples(t *testing.T) []example {
	m := must(t)
	f64, c128 := tensor.Float64, tensor.Complex128
	g := grid(f64, 6, 7, 10, vp)
	two := grid(f64, 3, 4, 10, vpKm, rho)
	z := m(space.Resample(g, "z", space.Axis{Size: 11, Step: 5}))
	zx := m(space.Chain(z, m(space.Resample(*z.Out(), "x", space.Axis{Size: 4, Origin: 3, Step: 18}))))
	d := gather(f64)
	shots := m(space.Select(d, "shot", []int{3, 0}))
	dt := m(space.Resample(*shots.Out(), "time", space.Axis{Size: 7, Origin: 0.001, Step: 0.005}))
	return []example{
		{"identity", space.Identity(g), -1, 1, true},
		{"vp to squared slowness", m(space.Between(g, grid(f64, 6, 7, 10, sqs))), 1500, 4500, false},
		{"squared slowness to vp", m(space.Between(grid(f64, 6, 7, 10, sqs), g)), 0.05, 0.45, false},
		{"slowness to vp", m(space.Between(grid(f64, 6, 7, 10, slowness), g)), 0.2, 0.6, false},
		{"slowness to its square", m(space.Between(grid(f64, 6, 7, 10, slowness), grid(f64, 6, 7, 10, sqsSI))), 0.2, 0.6, false},
		{"squared slowness to slowness", m(space.Between(grid(f64, 6, 7, 10, sqs), grid(f64, 6, 7, 10, slowness))), 0.05, 0.45, false},
		{"fields, units, order", m(space.Between(two, grid(f64, 3, 4, 10, space.Quantity{Name: "rho", Unit: "g/cm3"}, sqs))), 1, 4, false},
		{"one field of two", m(space.Between(two, grid(f64, 3, 4, 10, vp))), 1, 4, true},
		{"resample z", z, -1, 1, true},
		{"resample x, finely", m(space.Resample(g, "x", space.Axis{Size: 22, Step: 3})), -1, 1, true},
		{"bilinear", zx, -1, 1, true},
		{"bilinear then square", m(space.Between(g, grid(f64, 11, 13, 5, sqs))), 1500, 4500, false},
		{"kl", m(space.KL(grid(f64, 6, 7, 10, sqs), field.KLOptions{Modes: 3, Exponent: 1.1, Background: 0.25, Amplitude: 0.02})), 0.1, 0.4, true},
		{"vp to kl", m(space.FromOptions(g, []map[string]any{{"kind": "convert", "field": "vp", "to": "squared_slowness", "to_unit": "s2/km2"},
			{"kind": "kl", "modes": int64(2)}})), 1500, 4500, false},
		{"affine", m(space.Affine(two, "rho", -0.3, 7, "1")), -1, 1, true},
		{"clamp", m(space.Clamp(g, "", -0.5, math.Inf(1))), -1, 1, false},
		{"shots", shots, -1, 1, true},
		{"shots, time, log", m(space.Chain(shots, dt, m(space.SignedLog(*dt.Out(), 0.1)))), -1, 1, false},
		{"band-pass", m(space.BandPass(d, 5, 30, 3)), -1, 1, true},
		{"complex log", m(space.SignedLog(gather(c128), 0.2)), -1, 1, false},
		{"complex receivers", m(space.Select(gather(c128), "receiver", []int{4, 1, 2})), -1, 1, true},
		{"insert and drop", m(space.Between(g, space.Space{Name: "m", DType: f64, Quantities: []space.Quantity{vpKm},
			Axes: append([]space.Axis{{Name: "field", Size: 1}}, g.Axes...)})), -1, 1, true},
	}
}

func fill(t *tensor.Tensor, r *rand.Rand, lo, hi float64) *tensor.Tensor {
	v := make([]float64, t.Reals())
	for i := range v {
		v[i] = lo + (hi-lo)*r.Float64()
	}
	t.SetReals(v)
	return t
}

func reals(t *tensor.Tensor) []float64 { return t.AppendReals(nil) }

// batched returns a tensor (n, k, item...).
func batched(s *space.Space, n, k int) *tensor.Tensor {
	return tensor.New(s.DType, append([]int{n, k}, s.ItemShape()...)...)
}

// The transpose is exact (dot product, 1e-12) and the derivative right (Taylor slopes 1 and 2) for every adapter.
func TestDerivatives(t *testing.T) {
	for i, e := range examples(t) {
		seed := uint64(100 + i)
		r := rand.New(rand.NewPCG(seed, 1))
		x := fill(e.a.In().New(1), r, e.lo, e.hi)
		dx, w := fill(batched(e.a.In(), 1, 1), r, -1, 1), fill(batched(e.a.Out(), 1, 1), r, -1, 1)
		dy, wx := batched(e.a.Out(), 1, 1), batched(e.a.In(), 1, 1)
		if st, err := e.a.JVP(x, dx, dy); st != nil || err != nil {
			t.Fatalf("%s: JVP %v %v", e.name, st, err)
		}
		if st, err := e.a.VJP(x, w, wx); st != nil || err != nil {
			t.Fatalf("%s: VJP %v %v", e.name, st, err)
		}
		if err := gradcheck.DotProduct(reals(dx), reals(dy), reals(w), reals(wx)).Check(1e-12); err != nil {
			t.Errorf("%s (seed %d): %v", e.name, seed, err)
		}
		if e.a.ConstantJacobian() != e.affine {
			t.Errorf("%s: ConstantJacobian = %v", e.name, !e.affine)
		}
		// Small enough that no clamp changes side within the table: the derivative is only one-sided there.
		h0 := 1e-2 * (e.hi - e.lo)
		if e.name == "clamp" {
			h0 = 1e-4
		}
		table, err := gradcheck.Taylor(func(v []float64) ([]float64, error) {
			x, y := e.a.In().New(1), e.a.Out().New(1)
			x.SetReals(v)
			if st, err := e.a.Apply(x, y); st != nil || err != nil {
				return nil, errors.Join(append(st, err)...)
			}
			return reals(y), nil
		}, reals(x), reals(dx), reals(dy), gradcheck.Options{H0: h0, Rows: 10})
		if err == nil {
			err = table.Check(0.05)
		}
		if err != nil {
			t.Errorf("%s (seed %d): %v", e.name, seed, err)
		}
		if table != nil && e.affine && !table.Affine {
			t.Errorf("%s: not affine\n%v", e.name, table)
		}
	}
}

// Items and directions do not see each other: bits are those of one item and one direction at a time, shared or not.
func TestBatchIndependence(t *testing.T) {
	for i, e := range examples(t) {
		r := rand.New(rand.NewPCG(uint64(i), 2))
		const n, k = 3, 2
		in, out := e.a.In(), e.a.Out()
		x, y := fill(in.New(n), r, e.lo, e.hi), out.New(n)
		dx, dy := fill(batched(in, n, k), r, -1, 1), batched(out, n, k)
		w, wx := fill(batched(out, 1, k), r, -1, 1), batched(in, n, k)
		call := func(st []error, err error) {
			t.Helper()
			if st != nil || err != nil {
				t.Fatalf("%s: %v %v", e.name, st, err)
			}
		}
		call(e.a.Apply(x, y))
		call(e.a.JVP(x, dx, dy))
		call(e.a.VJP(x, w, wx))
		for j := range n {
			y1 := out.New(1)
			call(e.a.Apply(x.Slice(j, j+1), y1))
			same(t, e.name+" Apply", y1.Item(0), y.Item(j))
			for l := range k {
				d1, v1 := batched(out, 1, 1), batched(in, 1, 1)
				call(e.a.JVP(x.Slice(j, j+1), dx.Item(j).Slice(l, l+1).Reshape(d1shape(in)...), d1))
				call(e.a.VJP(x.Slice(j, j+1), w.Item(0).Slice(l, l+1).Reshape(d1shape(out)...), v1))
				same(t, e.name+" JVP", d1.Item(0).Item(0), dy.Item(j).Item(l))
				same(t, e.name+" VJP", v1.Item(0).Item(0), wx.Item(j).Item(l))
			}
		}
	}
}

func d1shape(s *space.Space) []int { return append([]int{1, 1}, s.ItemShape()...) }

func same(t *testing.T, what string, a, b *tensor.Tensor) {
	t.Helper()
	if string(a.Data) != string(b.Data) {
		t.Errorf("%s: bits depend on the batch", what)
	}
}

func apply(t *testing.T, a *space.Adapter, x ...float64) []float64 {
	t.Helper()
	in, out := a.In().New(1), a.Out().New(1)
	in.SetReals(x)
	st, err := a.Apply(in, out)
	if st != nil || err != nil {
		t.Fatal(st, err)
	}
	return reals(out)
}

func TestVelocityFormulas(t *testing.T) {
	m := must(t)
	at := func(q space.Quantity) space.Space { return grid(tensor.Float64, 1, 1, 10, q) }
	for _, c := range []struct {
		from, to space.Quantity
		x, want  float64
	}{
		{vp, sqs, 2000, 0.25}, {vp, sqsSI, 2000, 0.25e-6}, {vpKm, sqs, 2, 0.25}, {sqs, vp, 0.25, 2000}, {sqsSI, vpKm, 0.25e-6, 2},
		{vp, slowness, 2500, 0.4}, {slowness, vp, 0.4, 2500}, {slowness, sqs, 0.5, 0.25}, {sqs, slowness, 0.25, 0.5},
		{vp, vpKm, 2500, 2.5}, {sqs, sqsSI, 0.25, 0.25e-6}, {vpKm, vp, -2.5, -2500},
		{rho, space.Quantity{Name: "rho", Unit: "g/cm3"}, 2400, 2.4},
	} {
		got := apply(t, m(space.Between(at(c.from), at(c.to))), c.x)[0]
		if math.Abs(got-c.want) > 4e-16*math.Abs(c.want) {
			t.Errorf("%s %s to %s %s: %v, want %v", c.from.Name, c.from.Unit, c.to.Name, c.to.Unit, got, c.want)
		}
	}
}

// Bilinear interpolation is exact for a + bz + cx + d zx, and constant beyond the edges.
func TestBilinear(t *testing.T) {
	m := must(t)
	f := func(z, x float64) float64 { return 3 + 0.7*z - 0.2*x + 0.01*z*x }
	in := grid(tensor.Float64, 5, 4, 10, vp)
	out := grid(tensor.Float64, 11, 16, 4, vp)
	out.Axes[1].Step = 2
	x := make([]float64, 20)
	for i := range x {
		x[i] = f(float64(i/4)*10, float64(i%4)*10)
	}
	for i, got := range apply(t, m(space.Between(in, out)), x...) {
		z, x := float64(i/16)*4, float64(i%16)*2
		if want := f(z, x); math.Abs(got-want) > 1e-13 {
			t.Errorf("at (%g, %g): %v, want %v", z, x, got, want)
		}
	}
	shifted := m(space.Resample(in, "x", space.Axis{Size: 2, Origin: -5, Step: 40}))
	got := apply(t, shifted, x...)
	if got[0] != x[0] || got[1] != x[3] {
		t.Errorf("beyond the edges: %v, want %v and %v", got[:2], x[0], x[3])
	}
}

func TestClampAndSignedLog(t *testing.T) {
	m := must(t)
	in := grid(tensor.Float64, 1, 4, 10, vp)
	a := m(space.Clamp(in, "vp", 1500, 4500))
	if got := apply(t, a, 1000, 1500, 4500, 9000); got[0] != 1500 || got[1] != 1500 || got[2] != 4500 || got[3] != 4500 {
		t.Errorf("clamp: %v", got)
	}
	x, w, dx := in.New(1), batched(&in, 1, 1), batched(&in, 1, 1)
	x.SetReals([]float64{1000, 1500, 3000, 9000})
	w.SetReals([]float64{1, 1, 1, 1})
	if _, err := a.VJP(x, w, dx); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0, 1, 1, 0} {
		if reals(dx)[i] != want {
			t.Errorf("clamp: derivative %d is %v, want %v", i, reals(dx)[i], want)
		}
	}
	got := apply(t, m(space.SignedLog(in, 2)), 0, 2*(math.E-1), -2*(math.E*math.E-1), 1e-12)
	for i, want := range []float64{0, 1, -2, 0.5e-12 - 0.125e-24} {
		if math.Abs(got[i]-want) > 1e-15*math.Abs(want) {
			t.Errorf("signed log %d: %v, want %v", i, got[i], want)
		}
	}
}

// One bad value is its item's error, with the numbers; the others are as without it.
func TestBadItem(t *testing.T) {
	in := grid(tensor.Float32, 1, 2, 10, vp)
	a := must(t)(space.Between(in, grid(tensor.Float64, 1, 2, 10, sqs)))
	for _, bad := range []float32{0, -3, float32(math.NaN()), float32(math.Inf(1))} {
		x, y := in.New(3), a.Out().New(3)
		copy(x.Float32s(), []float32{1000, 2000, 1000, bad, 4000, 5000})
		st, err := a.Apply(x, y)
		if err != nil {
			t.Fatal(err)
		}
		if st == nil || st[0] != nil || st[1] == nil || st[2] != nil || !strings.Contains(st[1].Error(), "vp") || !strings.Contains(st[1].Error(), "[0 1]") {
			t.Errorf("bad value %g: %v", bad, st)
		}
		if y.Float64s()[0] != 1 || y.Float64s()[5] != 0.04 {
			t.Errorf("bad value %g harms others: %v", bad, y.Float64s())
		}
		dx := batched(&in, 1, 1)
		dy := batched(a.Out(), 3, 1)
		if st, err = a.JVP(x, dx, dy); err != nil || st == nil || st[1] == nil || st[0] != nil {
			t.Errorf("JVP with bad value %g: %v %v", bad, st, err)
		}
	}
	if _, err := a.Apply(in.New(2), a.Out().New(3)); !errors.Is(err, tensor.ErrShape) {
		t.Errorf("batches of 2 and 3: %v", err)
	}
	if _, err := a.JVP(nil, batched(&in, 1, 1), batched(a.Out(), 1, 1)); !errors.Is(err, tensor.ErrShape) {
		t.Errorf("no point: %v", err)
	}
	if _, err := a.VJP(in.New(2), batched(a.Out(), 3, 1), batched(&in, 2, 1)); !errors.Is(err, tensor.ErrShape) {
		t.Errorf("3 directions for 2 items: %v", err)
	}
}

// One adapter serves several goroutines (run with -race).
func TestConcurrentUse(t *testing.T) {
	for _, e := range examples(t) {
		x := fill(e.a.In().New(1), rand.New(rand.NewPCG(3, 3)), e.lo, e.hi)
		want := e.a.Out().New(1)
		if st, err := e.a.Apply(x, want); st != nil || err != nil {
			t.Fatal(st, err)
		}
		var g sync.WaitGroup
		for range 4 {
			g.Go(func() {
				y := e.a.Out().New(1)
				if _, err := e.a.Apply(x, y); err != nil || string(y.Data) != string(want.Data) {
					t.Errorf("%s: other bits (%v)", e.name, err)
				}
			})
		}
		g.Wait()
	}
}

func TestValidate(t *testing.T) {
	ok := grid(tensor.Float32, 3, 4, 10, vp, rho)
	if err := ok.Validate(); err != nil {
		t.Fatal(err)
	}
	lo, hi := 2.0, 1.0
	for want, spoil := range map[string]func(*space.Space){
		"two axes named":      func(s *space.Space) { s.Axes[2].Name = "z" },
		"field and component": func(s *space.Space) { s.Axes[1].Name = "component" },
		"has size 0":          func(s *space.Space) { s.Axes[1].Size = 0 },
		"step >= 0":           func(s *space.Space) { s.Axes[1].Step = -1 },
		"from NaN":            func(s *space.Space) { s.Axes[1].Origin = math.NaN() },
		"3 positions from 0":  func(s *space.Space) { s.Axes[1].Step = math.MaxFloat64 },
		"position +Inf at 1":  func(s *space.Space) { s.Axes[1].Values = []float64{0, math.Inf(1), 2} },
		"2 positions for":     func(s *space.Space) { s.Axes[1].Values = []float64{0, 1} },
		"1 quantities":        func(s *space.Space) { s.Quantities = s.Quantities[:1] },
		"bounds 2..1":         func(s *space.Space) { s.Quantities[1].Lower, s.Quantities[1].Upper = &lo, &hi },
		"dtype(0)":            func(s *space.Space) { s.DType = tensor.Invalid },
	} {
		s := grid(tensor.Float32, 3, 4, 10, vp, rho)
		spoil(&s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
