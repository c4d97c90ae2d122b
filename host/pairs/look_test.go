package pairs_test

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/figure"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/openfwi"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/pairs"
)

// ramp writes a file of 0, 1, 2, ...
func ramp(t *testing.T, path string, dt tensor.DType, shape ...int) string {
	t.Helper()
	x := tensor.New(dt, shape...)
	if dt != tensor.Int64 {
		v := make([]float64, x.Reals())
		for i := range v {
			v[i] = float64(i)
		}
		x.SetReals(v)
	}
	if err := npy.Write(path, x); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLook: which samples are drawn, as what, and what the sheet says of them.
func TestLook(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name     string
		dt       tensor.DType
		shape    []int
		o        pairs.LookOptions
		panels   int
		title    string // of the figure
		panel    string // of the last panel
		x, y     string
		summary  string
		scale    string
		barRange [2]float64
	}{
		{"model1.npy", tensor.Float32, []int{20, 1, 7, 5}, pairs.LookOptions{}, 12, "model1.npy, samples 0 to 11 of 20: velocity from 0 to 419 m/s, mean 210, standard deviation 121",
			"sample 11", "x (m)", "z (m)", "20 samples of [1 7 5], float32; shown: 0 to 419, mean 209.5", "velocity", [2]float64{}},
		{"vs_3.npy", tensor.Float64, []int{4, 7, 5}, pairs.LookOptions{First: 3, Count: 9}, 1, "vs_3.npy, sample 3 of 4: S velocity from 105 to 139 m/s, mean 122",
			"sample 3", "x (m)", "z (m)", "4 samples of [7 5], float64; shown: 105 to 139, mean 122", "S velocity", [2]float64{}},
		{"vel2_1_0.npy", tensor.Float32, []int{4, 1, 7, 5}, pairs.LookOptions{Spacing: 1000, Count: 2}, 2, "velocity", "sample 1", "x (km)", "z (km)", "", "velocity", [2]float64{}},
		// Gathers: 0..599, of which the largest 5 % exceed 569.
		{"data2.npy", tensor.Float32, []int{3, 5, 10, 4}, pairs.LookOptions{Count: 3}, 15, "data2.npy, samples 0 to 2 of 3: 5 shots, largest amplitude 599; colours end at 569, which 5 % of the numbers exceed",
			"sample 2, shot 4", "receiver (m)", "time (s)", "shown: 0 to 599, RMS 345.", "recorded amplitude", [2]float64{-569, 569}},
		{"any.npy", tensor.Float32, []int{3, 5, 10, 4}, pairs.LookOptions{}, 5, "sample 0 of 3", "shot 4", "receiver (m)", "time (s)", "", "recorded amplitude", [2]float64{-189, 189}},
		{"any.npy", tensor.Float32, []int{3, 1, 10, 4}, pairs.LookOptions{}, 3, "samples 0 to 2 of 3: value", "sample 2", "x (m)", "z (m)", "", "value", [2]float64{}},
		{"any.npy", tensor.Float32, []int{3, 1, 10, 4}, pairs.LookOptions{Kind: openfwi.Data}, 1, "1 shot,", "shot 0", "receiver (m)", "time (s)", "", "recorded amplitude", [2]float64{-37, 37}},
	} {
		path := ramp(t, filepath.Join(dir, c.name), c.dt, c.shape...)
		s, err := pairs.Look(path, c.o)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		f := s.Figure
		last := f.Panels[len(f.Panels)-1]
		axis := func(label, unit string) string { return label + " (" + unit + ")" }
		if len(f.Panels) != c.panels || !strings.HasPrefix(f.Title, c.name) || !strings.Contains(f.Title, c.title) || last.Title != c.panel ||
			axis(last.X.Label, last.X.Unit) != c.x || axis(last.Y.Label, last.Y.Unit) != c.y || !last.Y.Flip || !strings.Contains(s.Summary, c.summary) {
			t.Errorf("%s %+v: %d panels, the last %q with %q and %q\n%s\n%s", c.name, c.o, len(f.Panels), last.Title, axis(last.X.Label, last.X.Unit), axis(last.Y.Label, last.Y.Unit), f.Title, s.Summary)
		}
		label, lo, hi := scaleOf(t, last)
		if label != c.scale || c.barRange != [2]float64{} && (math.Abs(lo-c.barRange[0]) > 1 || math.Abs(hi-c.barRange[1]) > 1) {
			t.Errorf("%s: colours of %q from %g to %g", c.name, label, lo, hi)
		}
		b, err := f.PNG()
		if err != nil {
			t.Fatal(err)
		}
		if img, err := png.Decode(bytes.NewReader(b)); err != nil || img.Bounds().Dx() < 300 {
			t.Errorf("%s: no picture: %v", c.name, err)
		}
	}
}

func TestLookErrors(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	cut := ramp(t, path("model1.npy"), tensor.Float32, 20, 1, 7, 5)
	if err := os.Truncate(cut, 1000); err != nil {
		t.Fatal(err)
	}
	nan := tensor.New(tensor.Float64, 1, 2, 2)
	nan.SetReals([]float64{math.NaN(), math.Inf(1), math.NaN(), math.NaN()})
	if err := npy.Write(path("nan.npy"), nan); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, want string
		is         error
		o          pairs.LookOptions
	}{
		{cut, "model1.npy (1000 bytes): cut: float32 [20 1 7 5] takes 2800 bytes", npy.ErrFormat, pairs.LookOptions{}},
		{ramp(t, path("i.npy"), tensor.Int64, 2, 1, 7, 5), "int64 of shape [2 1 7 5]; float16, float32 or float64 is needed", npy.ErrFormat, pairs.LookOptions{}},
		{ramp(t, path("model2.npy"), tensor.Float32, 2, 3, 7, 5), "shape [3 7 5]; models have (1, z, x)", pairs.ErrLook, pairs.LookOptions{}},
		{ramp(t, path("data1.npy"), tensor.Float32, 2, 7, 5), "shape [7 5]; models", pairs.ErrLook, pairs.LookOptions{}},
		{ramp(t, path("line.npy"), tensor.Float32, 5), "shape []", pairs.ErrLook, pairs.LookOptions{}},
		{ramp(t, path("none.npy"), tensor.Float32, 0, 1, 7, 5), "no samples", pairs.ErrLook, pairs.LookOptions{}},
		{ramp(t, path("flat.npy"), tensor.Float32, 2, 1, 0, 5), "shape [1 0 5]", pairs.ErrLook, pairs.LookOptions{}},
		{ramp(t, path("m.npy"), tensor.Float32, 2, 1, 7, 5), "from 2 on are asked for, it has 2 (0..1)", pairs.ErrLook, pairs.LookOptions{First: 2}},
		{path("m.npy"), "-1 samples", pairs.ErrLook, pairs.LookOptions{Count: -1}},
		{ramp(t, path("d.npy"), tensor.Float32, 20, 5, 7, 5), "20 samples of 5 panels are more than the 60", pairs.ErrLook, pairs.LookOptions{Count: 20}},
		{path("nan.npy"), "no finite number", pairs.ErrLook, pairs.LookOptions{}},
		{path("nowhere.npy"), "nowhere.npy", os.ErrNotExist, pairs.LookOptions{}},
	} {
		if _, err := pairs.Look(c.path, c.o); !errors.Is(err, c.is) || !strings.Contains(fmt.Sprint(err), c.want) || !strings.Contains(fmt.Sprint(err), c.path) {
			t.Errorf("%s: %v, want %q", c.path, err, c.want)
		}
	}
}

// TestLookStreams: of a file as large as a published set only the sample that is shown is read: it has a hole of 42 GB.
func TestLookStreams(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data1.npy")
	w, err := npy.Create(path, tensor.Float32, 5, 1000, 70)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const samples, sample = 30000, 5 * 1000 * 70 * 4
	raw = bytes.Replace(raw, []byte("(0, 5, 1000, 70), }    "), []byte(fmt.Sprintf("(%d, 5, 1000, 70), }", samples)), 1)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(int64(len(raw)) + samples*sample); err != nil {
		t.Skipf("no file of 42 GB here: %v", err)
	}
	if _, err := f.WriteAt([]byte{0, 0, 0x80, 0x3f}, int64(len(raw))+29999*sample); err != nil { // 1.0
		t.Fatal(err)
	}
	s, err := pairs.Look(path, pairs.LookOptions{First: 29999})
	if err != nil || !strings.Contains(s.Summary, "30000 samples of [5 1000 70]") || !strings.Contains(s.Figure.Title, "largest amplitude 1;") {
		t.Errorf("%v, %+v", err, s)
	}
}

// scaleOf returns a heat map's colours.
func scaleOf(t *testing.T, p *figure.Panel) (label string, lo, hi float64) {
	t.Helper()
	f, ok := p.Layers[0].(figure.Field)
	if !ok || f.Scale == nil {
		t.Fatalf("panel %q is no heat map with a scale", p.Title)
	}
	return f.Scale.Label, f.Scale.Min, f.Scale.Max
}

// TestLookScale: the axes have the spacing of the set that a file belongs to.
func TestLookScale(t *testing.T) {
	b := newBench(t)
	b.must("set", solved, `solver.model = "elastic"`)
	b.must("vel", vel)
	b.must("waves", waves)
	for name, want := range map[string]float64{"set/vp_1.npy": 69.5 * 5, "waves/data/data1.npy": 12.5 * 25, "waves/model/model1.npy": 69.5 * 5, "vel/model/model1.npy": 69.5 * 10, "set/data_pressure_1.npy": 3.5 * 10} {
		s, err := pairs.Look(filepath.Join(b.dir, name), pairs.LookOptions{})
		if err != nil {
			t.Fatal(err)
		}
		f, ok := s.Figure.Panels[0].Layers[0].(figure.Field)
		if !ok || f.X1 != want {
			t.Errorf("%s: x ends at %g m, want %g", name, f.X1, want)
		}
		if name == "set/data_pressure_1.npy" && math.Abs(f.Z1-2.5*0.001) > 1e-12 {
			t.Errorf("%s: time ends at %g s", name, f.Z1)
		}
	}
}
