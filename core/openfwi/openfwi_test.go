package openfwi_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/field"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/openfwi"
	"github.com/waveprior/waveprior/core/tensor"
)

// TestLayout: the published names, and what KindOf reads from them.
func TestLayout(t *testing.T) {
	for _, c := range []struct {
		family  string
		elastic bool
		f       int
		layers  int
		model   string
		data    string
	}{
		{"FlatVel_A", false, 0, 0, "model/model1.npy", "data/data1.npy"},
		{"Style_B", false, 59, 0, "model/model60.npy", "data/data60.npy"},
		{"FlatFault_A", false, 0, 2, "vel2_1_0.npy", "seis2_1_0.npy"},
		{"FlatFault_A", false, 107, 4, "vel4_1_35.npy", "seis4_1_35.npy"}, // 108 files of 500: 54000 samples
		{"CurveFault_B", false, 4, 7, "vel7_1_1.npy", "seis7_1_1.npy"},
		{"FlatFault_A", true, 2, 0, "vp_3.npy", "data_z_3.npy"},
	} {
		f, err := field.FamilyByName(c.family)
		if err != nil {
			t.Fatal(err)
		}
		l := openfwi.NewLayout(f, c.elastic)
		if m, d := l.Model(c.f, "vp"), l.Data(c.f, "z"); m != c.model || d != c.data || l.Layers(c.f) != c.layers {
			t.Errorf("%s, file %d: %s and %s of %d layers, want %s and %s of %d", c.family, c.f, m, d, l.Layers(c.f), c.model, c.data, c.layers)
		}
		if kind, n := openfwi.KindOf(filepath.Join("a", c.model)); kind != openfwi.Model || len(n) == 0 {
			t.Errorf("%s is a %q with the numbers %v", c.model, kind, n)
		}
		if kind, _ := openfwi.KindOf(c.data); kind != openfwi.Data {
			t.Errorf("%s is a %q", c.data, kind)
		}
	}
	for _, name := range []string{"data_1.npy", "data_pressure_2.npy", "data_x3.npy"} {
		if kind, n := openfwi.KindOf(name); kind != openfwi.Data || len(n) != 1 {
			t.Errorf("%s is a %q with the numbers %v", name, kind, n)
		}
	}
	if l := openfwi.NewLayout(field.Families()[0], true); l.Data(0, "") != "data_1.npy" {
		t.Errorf("data without components: %s", l.Data(0, ""))
	}
	for _, name := range []string{"model.npy", "vel2_1.npy", "model1.npz", "xmodel1.npy", "model99999999999999999999.npy", "vs_1.npy"} {
		if kind, _ := openfwi.KindOf(name); kind != openfwi.Unknown {
			t.Errorf("%s is a %q", name, kind)
		}
	}
}

// write makes a file of n samples (1, 2, 3), whose numbers are first, first+1, ...
func write(t *testing.T, path, dtype string, first, n int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	v := make([]float64, 6*n)
	for i := range v {
		v[i] = float64(first + i)
	}
	dt := tensor.Float32
	if dtype == "float64" {
		dt = tensor.Float64
	}
	x := tensor.New(dt, n, 1, 2, 3)
	x.SetReals(v)
	if dtype != "float16" {
		if err := npy.Write(path, x); err != nil {
			t.Fatal(err)
		}
		return
	}
	w, err := npy.CreateHalf(path, 1, 2, 3)
	if err == nil {
		err = errors.Join(w.Append(x), w.Commit())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestSet: files of all precisions are one sequence in the order of their numbers, from the folder, its model folder, or a
// file; data files and others are passed over.
func TestSet(t *testing.T) {
	for _, sub := range []string{"", "model"} {
		dir := filepath.Join(t.TempDir(), "Fla*t[V]el")
		for i, dtype := range []string{"float32", "float16", "float64"} {
			write(t, filepath.Join(dir, sub, fmt.Sprintf("model%d.npy", []int{2, 10, 11}[i])), dtype, 60*i, 10)
		}
		write(t, filepath.Join(dir, sub, "other.npy"), "float32", 0, 1)
		write(t, filepath.Join(dir, sub, "data2.npy"), "float32", 0, 1)
		s, err := openfwi.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if s.Len() != 30 || !slices.Equal(s.Item(), []int{1, 2, 3}) || len(s.Files()) != 3 {
			t.Errorf("%d samples of %v in %v", s.Len(), s.Item(), s.Files())
		}
		for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64} {
			m := tensor.New(dt, 1, 1, 2, 3)
			for _, i := range []int{29, 0, 9, 10, 19, 20} {
				if err := s.Read(i, m); err != nil || m.AppendReals(nil)[5] != float64(6*i+5) {
					t.Errorf("sample %d: %v, %v", i, m.AppendReals(nil), err)
				}
			}
			if err := s.Read(0, tensor.New(dt, 2, 1, 2, 3)); !errors.Is(err, tensor.ErrShape) {
				t.Errorf("two samples at once: %v", err)
			}
		}
		one, err := openfwi.Open(filepath.Join(dir, sub, "other.npy"))
		if err != nil || one.Len() != 1 {
			t.Errorf("a single file: %v", err)
		}
		if err := errors.Join(s.Close(), one.Close()); err != nil {
			t.Error(err)
		}
	}
	dir := t.TempDir()
	for i, name := range []string{"vel3_1_0.npy", "vel2_1_10.npy", "vel2_1_9.npy"} {
		write(t, filepath.Join(dir, name), "float32", i, 1)
	}
	got, err := openfwi.Models(dir)
	if want := []string{"vel2_1_9.npy", "vel2_1_10.npy", "vel3_1_0.npy"}; err != nil || len(got) != 3 || filepath.Base(got[0]) != want[0] || filepath.Base(got[1]) != want[1] || filepath.Base(got[2]) != want[2] {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

func TestSetErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := openfwi.Open(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if _, err := openfwi.Open(dir); err == nil || !strings.Contains(err.Error(), "no model files") || !strings.Contains(err.Error(), dir) {
		t.Errorf("empty: %v", err)
	}
	write(t, filepath.Join(dir, "model1.npy"), "float32", 0, 0)
	if _, err := openfwi.Open(dir); err == nil || !strings.Contains(err.Error(), "no samples in 1 files") {
		t.Errorf("no samples: %v", err)
	}
	if err := npy.Write(filepath.Join(dir, "model2.npy"), tensor.New(tensor.Float32, 2, 3)); err != nil {
		t.Fatal(err)
	}
	if _, err := openfwi.Open(dir); err == nil || !strings.Contains(err.Error(), "shape [3]") || !strings.Contains(err.Error(), "[1 2 3]") {
		t.Errorf("other shapes: %v", err)
	}
	if err := os.Truncate(filepath.Join(dir, "model2.npy"), 130); err != nil {
		t.Fatal(err)
	}
	if _, err := openfwi.Open(dir); !errors.Is(err, npy.ErrFormat) || !strings.Contains(err.Error(), "model2.npy (130 bytes): cut") {
		t.Errorf("cut: %v", err)
	}
}
