package dataset

import (
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/field"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

func rock(t testing.TB, options string, model *space.Space) Generator {
	t.Helper()
	g, err := NewGenerator("openfwi", json.RawMessage(options), 5, model)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestOpenFWIItems: items are the geology of the documented streams, in whatever order a model has its fields.
func TestOpenFWIItems(t *testing.T) {
	for k, f := range field.Families() {
		geology, err := field.NewGeology(f, field.GeologyOptions{PoissonMin: 0.2, PoissonMax: 0.3})
		if err != nil {
			t.Fatal(err)
		}
		vp, nu := make([]float64, 4900), make([]float64, 4900)
		acoustic := earth(tensor.Float32, "vp", "m/s", 70, 70)
		elastic := earth(tensor.Float64, "rho", "kg/m3", 70, 70)
		elastic.Axes[0].Size = 3
		elastic.Quantities = append(elastic.Quantities, space.Quantity{Name: "vs", Unit: "m/s"}, space.Quantity{Name: "vp", Unit: "km/s"})
		options := fmt.Sprintf(`{"family": %q, "examples": 9, "poisson_min": 0.2, "poisson_max": 0.3, "density": "gardner"}`, f.Name)
		one, three := rock(t, options, acoustic), rock(t, options, elastic)
		if one.Examples() != 9 {
			t.Errorf("%d examples", one.Examples())
		}
		for purpose, heldOut := range map[string]bool{"dataset/training": false, "dataset/held-out": true} {
			geology.Draw(vp, nu, func(draw uint32) rng.Source { return rng.New(5, purpose).At(0, 7, 16*uint32(k)+draw) })
			a, e := fill(t, one, 7, 1, heldOut).Float32s(), fill(t, three, 7, 1, heldOut).Float64s()
			for i, v := range vp {
				vs := v * math.Sqrt((0.5-nu[i])/(1-nu[i]))
				rho := 310 * math.Pow(v, 0.25)
				if a[i] != float32(v) || math.Abs(e[i]-rho) > 1e-9 || math.Abs(e[4900+i]-vs) > 1e-9 || math.Abs(e[9800+i]-v/1000) > 1e-12 {
					t.Fatalf("%s %s: cell %d: %g and (%g, %g, %g), want %g m/s and (%g, %g, %g)", f.Name, purpose, i, a[i], e[i], e[4900+i], e[9800+i], v, rho, vs, v/1000)
				}
			}
		}
	}
}

// TestOpenFWINested: item i is the same in every batch, alone, for every number of examples and of goroutines.
func TestOpenFWINested(t *testing.T) {
	model := earth(tensor.Float32, "vp", "m/s", 70, 70)
	for _, family := range []string{"CurveFault_B", "Style_A"} {
		g := rock(t, `{"family": "`+family+`"}`, model)
		other := rock(t, `{"family": "`+family+`", "examples": 7}`, model)
		for _, heldOut := range []bool{false, true} {
			all := fill(t, g, 0, 13, heldOut)
			old := runtime.GOMAXPROCS(1)
			one := fill(t, g, 0, 13, heldOut)
			runtime.GOMAXPROCS(5)
			five := fill(t, other, 0, 13, heldOut)
			runtime.GOMAXPROCS(old)
			if !slices.Equal(all.Float32s(), one.Float32s()) || !slices.Equal(all.Float32s(), five.Float32s()) {
				t.Errorf("%s: other maps for another number of goroutines or examples", family)
			}
			if !slices.Equal(fill(t, other, 11, 1, heldOut).Float32s(), all.Item(11).Float32s()) {
				t.Errorf("%s: item 11 alone is another one than in a batch of 13", family)
			}
			if slices.Equal(all.Item(0).Float32s(), all.Item(1).Float32s()) || slices.Equal(all.Item(0).Float32s(), fill(t, g, 0, 1, !heldOut).Float32s()) {
				t.Errorf("%s: two items are one", family)
			}
		}
	}
}

// TestOpenFWISpaces: a solver of squared slowness on another grid gets the same earth, stretched.
func TestOpenFWISpaces(t *testing.T) {
	vp := fill(t, rock(t, `{"family": "FlatVel_A", "layers": 3}`, earth(tensor.Float64, "vp", "m/s", 70, 70)), 3, 1, false).Float64s()
	m := fill(t, rock(t, `{"family": "FlatVel_A", "layers": 3}`, earth(tensor.Float32, "squared_slowness", "s2/km2", 210, 70)), 3, 1, false).Float32s()
	speeds := map[float64]bool{}
	for iz := range 70 {
		speeds[vp[iz*70]] = true
		for ix := range 70 { // cell centres of every third row agree
			if want, got := 1e6/(vp[iz*70+ix]*vp[iz*70+ix]), float64(m[(3*iz+1)*70+ix]); math.Abs(got/want-1) > 1e-6 {
				t.Fatalf("cell (%d, %d): %g s2/km2, want %g", iz, ix, got, want)
			}
		}
	}
	if len(speeds) != 3 {
		t.Errorf("%d layers, want 3", len(speeds))
	}
}

func TestOpenFWIErrors(t *testing.T) {
	model := earth(tensor.Float32, "vp", "m/s", 70, 70)
	for _, test := range []struct {
		options, want string
		model         *space.Space
	}{
		{`{}`, "family", model},
		{`{"family": "FlatVelA"}`, "FlatVel_A", model},
		{`{"family": "FlatVel_A", "layers": 9}`, "layers: field: FlatVel_A has 2 to 7 layers, 9 are asked for", model},
		{`{"family": "FlatVel_A", "poisson_min": 0.3, "poisson_max": 0.2}`, "poisson_max: 0.2, poisson_min is 0.3", model},
		{`{"family": "FlatVel_A"}`, "axes z and x", plane(tensor.Float64, 4900)},
		{`{"family": "FlatVel_A"}`, "porosity", earth(tensor.Float32, "porosity", "1", 70, 70)},
	} {
		if _, err := NewGenerator("openfwi", json.RawMessage(test.options), 1, test.model); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s for %v: %v, want %q", test.options, test.model, err, test.want)
		}
	}
}

// TestFamilyOption: the option names the families that there are.
func TestFamilyOption(t *testing.T) {
	for _, k := range GeneratorKinds() {
		for _, o := range k.Options {
			if k.Name == "openfwi" && o.Name == "family" && !slices.Equal(o.Allowed, field.FamilyNames()) {
				t.Errorf("the option allows %v, the families are %v", o.Allowed, field.FamilyNames())
			}
		}
	}
}

func BenchmarkOpenFWIFill(b *testing.B) {
	for _, family := range []string{"CurveFault_B", "Style_A"} {
		b.Run(family, func(b *testing.B) {
			g := rock(b, `{"family": "`+family+`"}`, earth(tensor.Float32, "vp", "m/s", 70, 70))
			s := g.Space()
			batch := s.New(200)
			for b.Loop() {
				if err := g.Fill(0, batch, false); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*200/b.Elapsed().Seconds(), "items/s")
		})
	}
}
