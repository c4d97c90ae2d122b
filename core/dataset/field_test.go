package dataset

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/field"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// earth is the model space of a solver on nz x nx cells of 2 km by 2 km.
func earth(dt tensor.DType, quantity, unit string, nz, nx int) *space.Space {
	return &space.Space{Name: "model", DType: dt,
		Axes: []space.Axis{{Name: "field", Size: 1}, {Name: "z", Unit: "m", Size: nz, Step: 2000 / float64(nz)},
			{Name: "x", Unit: "m", Size: nx, Step: 2000 / float64(nx)}},
		Quantities: []space.Quantity{{Name: quantity, Unit: unit}}}
}

func fields(t testing.TB, options string, model *space.Space) Generator {
	t.Helper()
	g, err := NewGenerator("gaussian-field", json.RawMessage(options), 5, model)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func fill(t testing.TB, g Generator, first, n int, heldOut bool) *tensor.Tensor {
	t.Helper()
	s := g.Space()
	b := s.New(n)
	if err := g.Fill(first, b, heldOut); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestFieldItems: items are fields of the documented streams; with kl_modes they are their projections, whatever the
// exponent and amplitude of the basis.
func TestFieldItems(t *testing.T) {
	model := earth(tensor.Float64, "squared_slowness", "s2/km2", 64, 64)
	a, b := 1/9., 1/2.25
	for _, noise := range []field.Noise{field.Hermitian, field.Real} {
		options := `{"noise": "` + string(noise) + `", "alpha": 2.5, "tau": 3`
		raw, kl := fields(t, options+`}`, model), fields(t, options+`, "kl_modes": 10}`, model)
		other := fields(t, options+`, "kl_modes": 10, "kl_exponent": 0.3, "kl_amplitude": 2}`, model)
		g, err := field.NewGaussian(field.Spectrum{Grid: 64, Alpha: 2.5, Tau: 3, Mean: (a + b) / 2, Std: (b - a) / 6, Noise: noise})
		if err != nil {
			t.Fatal(err)
		}
		basis, err := field.NewKL(field.Published(10), 64, 64)
		if err != nil {
			t.Fatal(err)
		}
		for purpose, heldOut := range map[string]bool{"dataset/training": false, "dataset/held-out": true} {
			want := make([]float64, 64*64)
			g.Draw(want, rng.New(5, purpose).At(0, 7, 0))
			if got := fill(t, raw, 7, 1, heldOut).Float64s(); !slices.Equal(got, want) {
				t.Errorf("%s %s: item 7 is not the field", noise, purpose)
			}
			z, back := make([]float64, 100), make([]float64, 100)
			basis.Project(z, want)
			got := fill(t, kl, 7, 1, heldOut).Float64s()
			basis.Project(back, got)
			for i := range z {
				if math.Abs(back[i]-z[i]) > 1e-10 {
					t.Fatalf("%s %s: coordinate %d of the projected item is %g, of the field %g", noise, purpose, i, back[i], z[i])
				}
			}
			basis.Evaluate(want, z)
			same := fill(t, other, 7, 1, heldOut).Float64s()
			for i := range got {
				if math.Abs(got[i]-want[i]) > 1e-13 || math.Abs(same[i]-got[i]) > 1e-13 {
					t.Fatalf("%s %s: cell %d is %g, with another basis %g, want %g", noise, purpose, i, got[i], same[i], want[i])
				}
			}
		}
	}
}

// TestFieldNested: item i is the same in every batch, alone, and in a batch that several goroutines fill.
func TestFieldNested(t *testing.T) {
	model := earth(tensor.Float32, "squared_slowness", "s2/km2", 64, 64)
	for _, options := range []string{`{"kl_modes": 4, "examples": 30}`, `{"noise": "real"}`} {
		g := fields(t, options, model)
		for _, heldOut := range []bool{false, true} {
			all := fill(t, g, 0, 30, heldOut)
			for _, i := range []int{0, 11, 29} {
				if !slices.Equal(fill(t, g, i, 1, heldOut).Float32s(), all.Item(i).Float32s()) {
					t.Errorf("%s: item %d alone is another one than in a batch of 30", options, i)
				}
			}
			if slices.Equal(all.Item(0).Float32s(), all.Item(1).Float32s()) || slices.Equal(all.Item(0).Float32s(), fill(t, g, 0, 1, !heldOut).Float32s()) {
				t.Errorf("%s: two items are one", options)
			}
		}
	}
	if n := fields(t, `{"examples": 30}`, model).Examples(); n != 30 {
		t.Errorf("%d examples, want 30", n)
	}
}

// TestFieldSpaces: a solver of velocity gets velocities, a solver on another grid the same earth: equal at the cell centres
// that 21 and 63 cells, and a field of 64 and a model of 192, share.
func TestFieldSpaces(t *testing.T) {
	slowness := fill(t, fields(t, `{"kl_modes": 10}`, earth(tensor.Float64, "squared_slowness", "s2/km2", 21, 21)), 3, 1, false).Float64s()
	velocity := fill(t, fields(t, `{"kl_modes": 10}`, earth(tensor.Float32, "vp", "m/s", 63, 63)), 3, 1, false).Float32s()
	for iz := range 21 {
		for ix := range 21 {
			want, got := 1000/math.Sqrt(slowness[iz*21+ix]), float64(velocity[(3*iz+1)*63+3*ix+1])
			if math.Abs(got-want) > 2000*0x1p-23 {
				t.Fatalf("cell (%d, %d): %.9g m/s, want %.9g", iz, ix, got, want)
			}
		}
	}
	raw := fill(t, fields(t, `{}`, earth(tensor.Float64, "squared_slowness", "s2/km2", 64, 64)), 3, 1, false).Float64s()
	fine := fill(t, fields(t, `{}`, earth(tensor.Float64, "squared_slowness", "s2/km2", 192, 64)), 3, 1, false).Float64s()
	for iz := range 64 {
		for ix := range 64 {
			if got, want := fine[(3*iz+1)*64+ix], raw[iz*64+ix]; math.Abs(got-want) > 1e-14 {
				t.Fatalf("cell (%d, %d): %.17g on the finer grid, want %.17g", iz, ix, got, want)
			}
		}
	}
	low := fill(t, fields(t, `{"kl_floor": 0.27}`, earth(tensor.Float64, "squared_slowness", "s2/km2", 64, 64)), 3, 1, false).Float64s()
	for i, v := range low {
		if v != max(raw[i], 0.27) {
			t.Fatalf("cell %d: %g with the floor 0.27, %g without", i, v, raw[i])
		}
	}
}

func TestFieldErrors(t *testing.T) {
	square := earth(tensor.Float32, "squared_slowness", "s2/km2", 32, 32)
	bare := earth(tensor.Float32, "squared_slowness", "s2/km2", 32, 32)
	bare.Axes[1].Step, bare.Axes[2].Step = 0, 0
	for _, test := range []struct {
		options, want string
		model         *space.Space
	}{
		{`{}`, "axes z and x", plane(tensor.Float64, 2)},
		{`{"noise": "pink"}`, "hermitian", square},
		{`{"v_fast": 1500}`, "v_fast: 1500 m/s, v_slow is 1500 m/s", square},
		{`{"kl_modes": 32}`, "below both sides", square},
		{`{"kl_modes": 10, "grid": 8}`, "on 8 x 8 cells", square},
		{`{}`, "cannot be interpolated", bare},
		{`{}`, "rho", earth(tensor.Float32, "rho", "kg/m3", 32, 32)},
		{`{"kl_floor": 0}`, "kl_floor", square},
	} {
		if _, err := NewGenerator("gaussian-field", json.RawMessage(test.options), 1, test.model); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s for %v: %v, want %q", test.options, test.model, err, test.want)
		}
	}
}

func BenchmarkFieldFill(b *testing.B) {
	g := fields(b, `{"kl_modes": 10}`, earth(tensor.Float32, "squared_slowness", "s2/km2", 64, 64))
	s := g.Space()
	batch := s.New(200)
	for b.Loop() {
		if err := g.Fill(0, batch, false); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*200/b.Elapsed().Seconds(), "items/s")
}
