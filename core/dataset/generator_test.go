package dataset

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/tensor"
)

func generator4(t *testing.T, kind, options string, seed uint64, d int) Generator {
	t.Helper()
	g, err := NewGenerator(kind, json.RawMessage(options), seed, plane(tensor.Float64, d))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// draw returns n items (n x d) from first on.
func draw(t *testing.T, g Generator, first, n int, heldOut bool) []float64 {
	t.Helper()
	s := g.Space()
	b := s.New(n)
	if err := g.Fill(first, b, heldOut); err != nil {
		t.Fatal(err)
	}
	return b.Float64s()
}

// TestLists: the training points of the memorization study, section 2, and linspace as numpy makes it.
func TestLists(t *testing.T) {
	tests := []struct {
		kind, options string
		d             int
		want          []float64
	}{
		{"points", `{"values": [[-1.5], [-0.4], [0.4], [1.2], [2.5]]}`, 1, []float64{-1.5, -0.4, 0.4, 1.2, 2.5}},
		{"points", `{"values": [[1, 2], [3, 4], [5, 6]], "examples": 2}`, 2, []float64{1, 2, 3, 4}},
		// cos 72, sin 72 degrees = (sqrt 5 - 1)/4, sqrt(10 + 2 sqrt 5)/4; the pentagon of radius 2 from angle 0.
		{"regular-polygon", `{}`, 2, []float64{2, 0,
			(math.Sqrt(5) - 1) / 2, math.Sqrt(10+2*math.Sqrt(5)) / 2,
			-(math.Sqrt(5) + 1) / 2, math.Sqrt(10-2*math.Sqrt(5)) / 2,
			-(math.Sqrt(5) + 1) / 2, -math.Sqrt(10-2*math.Sqrt(5)) / 2,
			(math.Sqrt(5) - 1) / 2, -math.Sqrt(10+2*math.Sqrt(5)) / 2}},
		{"regular-polygon", `{"vertices": 4, "radius": 1, "first_angle": 1.5707963267948966}`, 2, []float64{0, 1, -1, 0, 0, -1, 1, 0}},
		{"linspace", `{"first": -3, "last": 3, "examples": 5}`, 1, []float64{-3, -1.5, 0, 1.5, 3}},
		{"linspace", `{"first": -3, "last": 3, "examples": 1}`, 1, []float64{-3}},
		// np.linspace(-3, 3, 100)[np.linspace(0, 99, N).astype(int)]: indices 0, 49, 99 and 0, 24, 49, 74, 99.
		{"linspace", `{"first": -3, "last": 3, "examples": 3, "of": 100}`, 1, []float64{-3, -3 + 6*49./99, 3}},
		{"linspace", `{"first": -3, "last": 3, "examples": 5, "of": 100}`, 1,
			[]float64{-3, -3 + 6*24./99, -3 + 6*49./99, -3 + 6*74./99, 3}},
	}
	for _, test := range tests {
		g := generator4(t, test.kind, test.options, 1, test.d)
		if got, want := g.Examples(), len(test.want)/test.d; got != want {
			t.Errorf("%s %s: %d examples, want %d", test.kind, test.options, got, want)
			continue
		}
		got := draw(t, g, 0, g.Examples(), false)
		for i := range got {
			if math.Abs(got[i]-test.want[i]) > 2e-15 { // roundings of 2 pi i/n, up to 6, and of a product with the radius 2
				t.Errorf("%s %s: %v, want %v", test.kind, test.options, got, test.want)
				break
			}
		}
		s := g.Space()
		if err := g.Fill(0, s.New(1), true); !errors.Is(err, ErrNoHeldOut) || !strings.Contains(err.Error(), "ring") {
			t.Errorf("%s: held-out: %v", test.kind, err)
		}
		if err := g.Fill(g.Examples(), s.New(1), false); test.kind != "points" && err == nil {
			t.Errorf("%s: an item after the last", test.kind)
		}
	}
}

var random = []struct {
	kind, options string
	d             int
	mean, cov     []float64
}{
	{"gaussian", `{"mean": [1, -2, 3], "std": [0.5, 2, 1]}`, 3, []float64{1, -2, 3}, []float64{.25, 0, 0, 0, 4, 0, 0, 0, 1}},
	{"gaussian", `{"mean": [1, -2], "covariance": [[2, -1.2], [-1.2, 1]]}`, 2, []float64{1, -2}, []float64{2, -1.2, -1.2, 1}},
	{"gaussian", `{}`, 2, []float64{0, 0}, []float64{1, 0, 0, 1}},
	// E x x^T = (R^2 + std^2)/2 I on a ring.
	{"ring", `{"radius": 2, "std": 0.5}`, 2, []float64{0, 0}, []float64{2.125, 0, 0, 2.125}},
	// mean = sum w m, covariance = sum w (std^2 + m^2) - mean^2.
	{"gaussian-mixture", `{"means": [[-1], [3], [50]], "std": [0.5, 1, 1], "weights": [3, 1, 0]}`, 1, []float64{0}, []float64{.75*1.25 + .25*10}},
	{"gaussian-mixture", `{"means": [[-1, 0], [1, 0]], "std": [0.1]}`, 2, []float64{0, 0}, []float64{1.01, 0, 0, 0.01}},
}

// TestRandom: moments of many draws against the closed form, for training and held-out items, within 5 standard errors.
func TestRandom(t *testing.T) {
	const n, seed = 40000, 7
	for _, test := range random {
		g := generator4(t, test.kind, test.options, seed, test.d)
		for _, heldOut := range []bool{false, true} {
			x, d := draw(t, g, 0, n, heldOut), test.d
			for i := range d {
				sum := 0.0
				for k := range n {
					sum += x[k*d+i]
				}
				if se := math.Sqrt(test.cov[i*d+i] / n); math.Abs(sum/n-test.mean[i]) > 5*se {
					t.Errorf("seed %d: %s %s: mean[%d] = %g, want %g +- %.2g", seed, test.kind, test.options, i, sum/n, test.mean[i], se)
				}
				for j := range d {
					sum, sq := 0.0, 0.0
					for k := range n {
						v := (x[k*d+i] - test.mean[i]) * (x[k*d+j] - test.mean[j])
						sum += v
						sq += v * v
					}
					se := math.Sqrt((sq/n - sum/n*sum/n) / n)
					if math.Abs(sum/n-test.cov[i*d+j]) > 5*se {
						t.Errorf("seed %d: %s %s: covariance[%d,%d] = %g, want %g +- %.2g", seed, test.kind, test.options, i, j, sum/n, test.cov[i*d+j], se)
					}
				}
			}
		}
	}
}

// TestRing: the angle is uniform (Kolmogorov's distance from it), the radius Gaussian.
func TestRing(t *testing.T) {
	const n, seed = 20000, 3
	x := draw(t, generator4(t, "ring", `{"radius": 2, "std": 0.1}`, seed, 2), 0, n, false)
	angle, radius := make([]float64, n), make([]float64, n)
	for i := range n {
		angle[i] = (math.Atan2(x[2*i+1], x[2*i]) + math.Pi) / (2 * math.Pi)
		radius[i] = 0.5 * math.Erfc(-(math.Hypot(x[2*i], x[2*i+1])-2)/0.1/math.Sqrt2)
	}
	for name, u := range map[string][]float64{"angle": angle, "radius": radius} {
		slices.Sort(u)
		far := 0.0
		for i, v := range u {
			far = max(far, math.Abs(v-(float64(i)+0.5)/n))
		}
		if far > 1.95/math.Sqrt(n) { // 99.9 % quantile of Kolmogorov's distribution
			t.Errorf("seed %d: %s: Kolmogorov distance %g, want below %g", seed, name, far, 1.95/math.Sqrt(n))
		}
	}
}

// TestNested: item i is the same whatever batch it comes in; another seed and held-out items are other numbers.
func TestNested(t *testing.T) {
	for _, test := range random {
		g := generator4(t, test.kind, test.options, 1, test.d)
		all := draw(t, g, 0, 20, false)
		for i := range 20 {
			if got := draw(t, g, i, 1, false); !slices.Equal(got, all[i*test.d:(i+1)*test.d]) {
				t.Errorf("%s: item %d alone is %v, in a batch %v", test.kind, i, got, all[i*test.d:(i+1)*test.d])
			}
		}
		other := generator4(t, test.kind, test.options, 2, test.d)
		for i := range all {
			if all[i] == draw(t, other, 0, 20, false)[i] || all[i] == draw(t, g, 0, 20, true)[i] {
				t.Errorf("%s: number %d is the same under another seed, or held out", test.kind, i)
			}
		}
	}
}

func TestGeneratorErrors(t *testing.T) {
	tests := []struct {
		kind, options string
		d             int
		want          string
	}{
		{"rings", `{}`, 2, "allowed: points, regular-polygon, linspace, gaussian, ring, gaussian-mixture"},
		{"ring", `{"raduis": 1}`, 2, "raduis"},
		{"ring", `{"std": -1}`, 2, "std"},
		{"ring", `{}`, 3, "2 coordinates, the model has 3"},
		{"regular-polygon", `{}`, 1, "2 coordinates, the model has 1"},
		{"linspace", `{"first": 0, "last": 1, "examples": 3}`, 2, "1 coordinate, the model has 2"},
		{"linspace", `{"first": 0, "last": 1}`, 1, "examples"},
		{"linspace", `{"first": 0, "last": 1, "examples": 3, "of": 2}`, 1, "of"},
		{"points", `{"values": [[1], [1, 2]]}`, 1, "point 1 has 2 coordinates"},
		{"points", `{"values": []}`, 1, "values"},
		{"points", `{"values": [[1]], "examples": 2}`, 1, "values has 1 points"},
		{"gaussian", `{"mean": [1, 2]}`, 3, "mean: has 2 numbers, want 3 or 1"},
		{"gaussian", `{"covariance": [[1, 0]]}`, 2, "has 1 rows"},
		{"gaussian", `{"covariance": [[1, 0], [0]]}`, 2, "row 1 has 1 numbers"},
		{"gaussian", `{"covariance": [[1, 0.5], [0.4, 1]]}`, 2, "not symmetric"},
		{"gaussian", `{"covariance": [[1, 2], [2, 1]]}`, 2, "not positive definite: pivot 1 is -3"},
		{"gaussian-mixture", `{"means": [[1], [2]], "weights": [0, 0]}`, 1, "weights: sum to 0"},
		{"gaussian-mixture", `{"means": [[1], [2, 3]]}`, 1, "mean 1 has 2 coordinates"},
	}
	for _, test := range tests {
		_, err := NewGenerator(test.kind, json.RawMessage(test.options), 1, plane(tensor.Float64, test.d))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %s with %d coordinates: error %v, want it to say %q", test.kind, test.options, test.d, err, test.want)
		}
	}
	if _, err := NewGenerator("ring", json.RawMessage(`{}`), 1, plane(tensor.Complex64, 2)); err == nil || !strings.Contains(err.Error(), "complex64") {
		t.Errorf("complex model: %v", err)
	}
	g := generator4(t, "ring", `{}`, 1, 2)
	if err := g.Fill(0, tensor.New(tensor.Float32, 3, 2), false); !errors.Is(err, tensor.ErrShape) {
		t.Errorf("batch of another dtype: %v", err)
	}
	if err := g.Fill(-1, tensor.New(tensor.Float64, 3, 2), false); err == nil {
		t.Error("items from -1")
	}
	for _, k := range GeneratorKinds() {
		if err := config.Check(k.Options); err != nil || k.Doc == "" {
			t.Errorf("%s: %v", k.Name, err)
		}
	}
}

func BenchmarkFill(b *testing.B) {
	for _, test := range random {
		b.Run(test.kind, func(b *testing.B) {
			g, err := NewGenerator(test.kind, json.RawMessage(test.options), 1, plane(tensor.Float64, test.d))
			if err != nil {
				b.Fatal(err)
			}
			batch := tensor.New(tensor.Float64, 1000, test.d)
			for b.Loop() {
				if err := g.Fill(0, batch, false); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "items/s")
		})
	}
}
