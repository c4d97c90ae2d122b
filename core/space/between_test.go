package space_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

func TestBetweenSaysWhyNot(t *testing.T) {
	f32 := tensor.Float32
	from := grid(f32, 70, 70, 10, vp)
	shifted := grid(f32, 70, 70, 10, vp)
	shifted.Axes[1].Origin = 30
	noStep := grid(f32, 35, 70, 0, vp)
	latent := space.Space{Name: "latent", DType: f32, Axes: []space.Axis{{Name: "coordinate", Size: 10}}, Quantities: []space.Quantity{{Name: "latent"}}}
	transposed := grid(f32, 70, 70, 10, vp)
	transposed.Axes[0], transposed.Axes[1] = transposed.Axes[1], transposed.Axes[0]
	complexModel := grid(tensor.Complex64, 70, 70, 10, vp)
	fewer := gather(f32)
	fewer.Axes[0].Size = 3
	for _, c := range []struct {
		from, to space.Space
		want     string
	}{
		{from, grid(f32, 70, 70, 10, space.Quantity{Name: "vs", Unit: "m/s"}), "no adapter from vp to vs"},
		{from, grid(f32, 70, 70, 10, space.Quantity{Name: "vp", Unit: "ft/s"}), "no conversion to vp [ft/s]"},
		{from, grid(f32, 70, 70, 10, space.Quantity{Name: "squared_slowness", Unit: "kg/m3"}), "no known unit of squared_slowness"},
		{from, grid(f32, 70, 70, 20, vp), "axis z covers 0..690 m (70 points, step 10) against 0..1380"},
		{from, shifted, "axis x covers 0..690 m (70 points, step 10) against 30..720"},
		{from, noStep, "no origin and step"},
		{from, latent, "no adapter from vp to latent"},
		{from, transposed, "reorders"},
		{from, complexModel, "complex64"},
		{from, grid(f32, 70, 70, 10, vp, rho), "no adapter from vp to rho"},
		{gather(f32), fewer, "select indices"},
	} {
		_, err := space.Between(c.from, c.to)
		if !errors.Is(err, space.ErrNoAdapter) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v to %v: %v, want %q", &c.from, &c.to, err, c.want)
			continue
		}
		for _, s := range []*space.Space{&c.from, &c.to} {
			if !strings.Contains(err.Error(), s.String()) {
				t.Errorf("%v does not name %v", err, s)
			}
		}
	}
}

// TestBetweenPlaces: data that were recorded elsewhere are refused with both numbers, whatever else fits; what is not said on one
// side is taken for the same, and Unsaid lists it.
func TestBetweenPlaces(t *testing.T) {
	placed := func(change func(shots, time, receivers *space.Axis)) space.Space {
		s := gather(tensor.Float32)
		s.Axes[0] = space.Axis{Name: "shot", Unit: "m", Size: 4, Values: []float64{0, 30, 60, 90}, Depths: []float64{10, 10, 10, 10}}
		s.Axes[2].Depths = []float64{40, 40, 40, 35, 40}
		if change != nil {
			change(&s.Axes[0], &s.Axes[1], &s.Axes[2])
		}
		return s
	}
	here := placed(nil)
	for _, c := range []struct {
		name   string
		change func(shots, time, receivers *space.Axis)
		want   string // "": they fit
		unsaid []string
	}{
		{"the same", nil, "", nil},
		{"the same but for rounding", func(_, _, r *space.Axis) { r.Depths = []float64{40, 40, 40, 35.000001, 40} }, "", nil},
		{"receivers at 50 m", func(_, _, r *space.Axis) { r.Depths = []float64{50, 50, 50, 50, 50} }, "axis receiver: index 0 lies at a depth of 40 m against 50 m", nil},
		{"one receiver at the surface", func(_, _, r *space.Axis) { r.Depths = []float64{40, 40, 40, 0, 40} }, "axis receiver: index 3 lies at a depth of 35 m against 0 m", nil},
		{"shots one metre down", func(s, _, _ *space.Axis) { s.Depths = []float64{10, 10, 10, 11} }, "axis shot: index 3 lies at a depth of 10 m against 11 m", nil},
		{"shots elsewhere", func(s, _, _ *space.Axis) { s.Values = []float64{0, 30, 61, 90} }, "axis shot: index 2 lies at 60 m against 61 m", nil},
		{"a shot less", func(s, _, _ *space.Axis) { *s = space.Axis{Name: "shot", Size: 3} }, "axis shot has 4 positions against 3", []string{"positions of axis shot", "depths of axis shot"}},
		{"another start in time", func(_, at, _ *space.Axis) { at.Origin = 0.003 }, "axis time covers 0..0.032 s (9 points, step 0.004) against 0.003..0.035", nil},
		{"no depths of receivers", func(_, _, r *space.Axis) { r.Depths = nil }, "", []string{"depths of axis receiver"}},
		{"nothing said of shots", func(s, _, _ *space.Axis) { *s = space.Axis{Name: "shot", Size: 4} }, "", []string{"positions of axis shot", "depths of axis shot"}},
	} {
		there := placed(c.change)
		for w, way := range [][2]space.Space{{here, there}, {there, here}} { // the text is that of the way there
			_, err := space.Between(way[0], way[1])
			if (err == nil) != (c.want == "") || err != nil && !errors.Is(err, space.ErrNoAdapter) || w == 0 && err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", c.name, err, c.want)
			}
			if got := space.Unsaid(&way[0], &way[1]); !slices.Equal(got, c.unsaid) {
				t.Errorf("%s: %q is left open, want %q", c.name, got, c.unsaid)
			}
		}
	}
	picked := must(t)(space.Select(here, "receiver", []int{3, 0})).Out()
	if d := picked.Axes[2].Depths; !slices.Equal(d, []float64{35, 40}) {
		t.Errorf("depths %v of receivers 3 and 0", d)
	}
	for _, bad := range [][]float64{{1, 2}, {1, 2, math.NaN(), 4, 5}} {
		s := placed(func(_, _, r *space.Axis) { r.Depths = bad })
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), "axis receiver has") {
			t.Errorf("depths %v: %v", bad, err)
		}
	}
}

func TestBetweenIdentity(t *testing.T) {
	a := grid(tensor.Float32, 6, 7, 10, vp)
	b := a
	b.Name = "what the prior gives"
	lo := 1500.0
	b.Quantities = []space.Quantity{{Name: "vp", Unit: "m/s", Lower: &lo}}
	if c := must(t)(space.Between(a, b)); !c.IsIdentity() || c.Name() != "identity" || c.Out().Name != b.Name {
		t.Errorf("%s", c.Name())
	}
	if c := must(t)(space.Between(a, grid(tensor.Float64, 6, 7, 10, vp))); c.IsIdentity() || c.Name() != "float64" {
		t.Errorf("cast: %s", c.Name())
	}
	if c := must(t)(space.Between(a, grid(tensor.Float32, 6, 7, 0, vp))); !c.IsIdentity() {
		t.Errorf("without positions: %s", c.Name())
	}
	// Bounds are never imposed.
	if got := apply(t, must(t)(space.Between(a, b)), make([]float64, 42)...); got[0] != 0 {
		t.Errorf("clamped to %v", got[0])
	}
}

func TestChainRefusesWhatDoesNotFit(t *testing.T) {
	m := must(t)
	a := m(space.Between(grid(tensor.Float64, 3, 3, 10, vp), grid(tensor.Float64, 3, 3, 10, sqs)))
	if _, err := space.Chain(a, a); !errors.Is(err, space.ErrNoAdapter) {
		t.Errorf("vp to squared slowness twice: %v", err)
	}
	if _, err := space.Chain(); err == nil {
		t.Error("Chain of nothing")
	}
}

func TestSelectAxes(t *testing.T) {
	m := must(t)
	d := gather(tensor.Float64)
	a := m(space.Select(d, "shot", []int{1, 3})).Out().Axes[0]
	if a.Origin != 25 || a.Step != 40 || a.Size != 2 || a.Values != nil {
		t.Errorf("every second shot: %+v", a)
	}
	a = m(space.Select(d, "receiver", []int{4, 0})).Out().Axes[2]
	if len(a.Values) != 2 || a.Values[0] != 45 || a.Values[1] != 0 {
		t.Errorf("receivers: %+v", a)
	}
	for _, index := range [][]int{nil, {4}, {-1}, {1, 1}} {
		if _, err := space.Select(d, "shot", index); err == nil {
			t.Errorf("Select(%v) passes", index)
		}
	}
}

func TestFromOptions(t *testing.T) {
	d := gather(tensor.Float64)
	a, err := space.FromOptions(d, []map[string]any{
		{"kind": "shots", "first": int64(1), "step": int64(2)},
		{"kind": "receivers", "index": []any{int64(2), int64(0)}},
		{"kind": "resample", "axis": "time", "size": int64(5)},
		{"kind": "affine", "scale": 2.0},
		{"kind": "signed-log", "scale": 0.5},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Out().ItemShape(); got[0] != 2 || got[1] != 5 || got[2] != 2 {
		t.Errorf("shape %v", got)
	}
	if step := a.Out().Axes[1].Step; step != 0.008 {
		t.Errorf("time step %v, want 0.008", step)
	}
	x := make([]float64, 4*9*5)
	x[(3*9+4)*5+2] = 0.25 // shot 3, 0.016 s, receiver 2: goes to shot 1, time 2, receiver 0, as log(1 + 0.5/0.5)
	for i, v := range apply(t, a, x...) {
		want := 0.0
		if i == (1*5+2)*2 {
			want = 0.6931471805599453
		}
		if v < want-1e-15 || v > want+1e-15 {
			t.Errorf("datum %d is %v, want %v", i, v, want)
		}
	}
	if a, err = space.FromOptions(grid(tensor.Float32, 2, 2, 10, vp), []map[string]any{
		{"kind": "clamp", "lower": 1500.0}, {"kind": "convert", "field": "vp", "to": "squared_slowness", "to_unit": "s2/km2"}}); err != nil {
		t.Fatal(err)
	}
	if got := apply(t, a, 1000, 1500, 2000, 4000); got[0] != got[1] || got[2] != 0.25 {
		t.Errorf("clamp and convert: %v", got)
	}
	if a, err = space.FromOptions(d, nil); err != nil || !a.IsIdentity() {
		t.Errorf("no tables: %v", err)
	}
}

func TestFromOptionsErrors(t *testing.T) {
	d := gather(tensor.Float64)
	for _, c := range []struct {
		table map[string]any
		want  string
	}{
		{map[string]any{"kind": "smooth"}, ".kind: no adapter of kind"},
		{map[string]any{}, ".kind"},
		{map[string]any{"kind": "signed-log", "scale": -1.0}, ".scale"},
		{map[string]any{"kind": "signed-log", "scale": 1.0, "base": 10.0}, ".base"},
		{map[string]any{"kind": "shots", "index": []any{int64(9)}}, "allowed: 0..3"},
		{map[string]any{"kind": "shots", "count": int64(9)}, "0..3"},
		{map[string]any{"kind": "clamp"}, "without a bound"},
		{map[string]any{"kind": "clamp", "field": "vp", "lower": 1.0}, "no field \"vp\""},
		{map[string]any{"kind": "affine", "scale": 0.0}, "scale not 0"},
		{map[string]any{"kind": "resample", "axis": "time", "size": int64(9), "step": 0.1}, "axis time covers 0..0.032 s, 0..0.8 is wanted"},
		{map[string]any{"kind": "resample", "axis": "z", "size": int64(9)}, "no axis \"z\""},
		{map[string]any{"kind": "convert", "field": "vp", "to_unit": "km/s"}, "no field"},
	} {
		_, err := space.FromOptions(d, []map[string]any{c.table})
		var key *config.KeyError
		if !errors.As(err, &key) || key.Path[0] != "[0]" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.table, err, c.want)
		}
	}
	for _, name := range space.Kinds() {
		if o, err := space.KindOptions(name); err != nil || len(o) < 2 {
			t.Errorf("options of %s: %v %v", name, o, err)
		}
	}
}
