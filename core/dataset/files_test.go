package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/tensor"
)

// folder has 3 files of 4, 5 and 6 samples (1, 3, 3), of three precisions; sample i is filled with 1500 + i.
func folder(t *testing.T) string {
	t.Helper()
	dir, sample := t.TempDir(), 0
	for f, dt := range []string{"float32", "float64", "float16"} {
		n := 4 + f
		v := make([]float64, 0, 9*n)
		for range n {
			for range 9 {
				v = append(v, float64(1500+sample))
			}
			sample++
		}
		x := tensor.New(map[string]tensor.DType{"float32": tensor.Float32, "float64": tensor.Float64, "float16": tensor.Float32}[dt], n, 1, 3, 3)
		x.SetReals(v)
		path := filepath.Join(dir, fmt.Sprintf("model%d.npy", f+1))
		if dt != "float16" {
			if err := npy.Write(path, x); err != nil {
				t.Fatal(err)
			}
			continue
		}
		w, err := npy.CreateHalf(path, 1, 3, 3)
		if err == nil {
			err = errors.Join(w.Append(x), w.Commit())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func fromFiles(t *testing.T, options string, dt tensor.DType) (Generator, error) {
	return NewGenerator("files", json.RawMessage(options), 5, earth(dt, "vp", "m/s", 3, 3))
}

// TestFiles: items are the files' samples, in their order or in that of the seed's permutation; held-out ones come from
// the end and are never training examples, for any number of those.
func TestFiles(t *testing.T) {
	dir := folder(t)
	for _, order := range []string{"files", "shuffled"} {
		want := make([]int, 15)
		for i := range want {
			want[i] = i
		}
		if order == "shuffled" {
			want = rng.New(5, "dataset/files").At(0, 0, 0).Perm(15)
		}
		for _, examples := range []int{0, 1, 10, 15} {
			for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64} {
				g, err := fromFiles(t, fmt.Sprintf(`{"path": %q, "order": %q, "examples": %d}`, dir, order, examples), dt)
				if err != nil {
					t.Fatal(err)
				}
				n := examples
				if n == 0 {
					n = 15
				}
				if g.Examples() != n {
					t.Errorf("%d examples, want %d", g.Examples(), n)
				}
				got := fill(t, g, 0, n, false).AppendReals(nil)
				for i := range n {
					if got[9*i] != float64(1500+want[i]) || got[9*i+8] != got[9*i] {
						t.Fatalf("%s: item %d is %g, want %d", order, i, got[9*i], 1500+want[i])
					}
				}
				if n < 15 {
					held := fill(t, g, 0, 15-n, true).AppendReals(nil)
					for i := range 15 - n {
						if held[9*i] != float64(1500+want[14-i]) {
							t.Fatalf("%s: held-out item %d is %g, want %d", order, i, held[9*i], 1500+want[14-i])
						}
					}
				}
				s := g.Space()
				if err := g.Fill(0, s.New(16-n), true); err == nil || n == 15 && !errors.Is(err, ErrNoHeldOut) || n < 15 && !strings.Contains(err.Error(), fmt.Sprintf("%d are left", 15-n)) {
					t.Errorf("%d of 15 train, %d held-out items: %v", n, 16-n, err)
				}
				if err := g.Fill(n-1, s.New(2), false); err == nil {
					t.Errorf("item %d of %d", n, n)
				}
			}
		}
	}
	// A solver of squared slowness on a finer grid takes them too.
	g, err := NewGenerator("files", json.RawMessage(fmt.Sprintf(`{"path": %q, "order": "files"}`, dir)), 1, earth(tensor.Float64, "squared_slowness", "s2/km2", 9, 9))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fill(t, g, 3, 1, false).Float64s(), 1e6/(1503.*1503); !slices.ContainsFunc(got, func(v float64) bool { return v > want*0.999999 && v < want*1.000001 }) {
		t.Errorf("squared slowness %g, want %g", got[0], want)
	}
}

func TestFilesErrors(t *testing.T) {
	dir := folder(t)
	wide := filepath.Join(dir, "wide.npy")
	if err := npy.Write(wide, tensor.New(tensor.Float32, 2, 5, 3, 3)); err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(dir, "whole.npy")
	if err := npy.Write(whole, tensor.New(tensor.Int64, 2, 3, 3)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ options, want string }{
		{`{}`, "path"},
		{`{"path": "nowhere"}`, "path: openfwi: stat nowhere"},
		{fmt.Sprintf(`{"path": %q, "examples": 16}`, dir), "examples: 16, but the 3 files have 15 samples"},
		{fmt.Sprintf(`{"path": %q}`, wide), "samples of shape [5 3 3], want (1, z, x) or (z, x)"},
		{fmt.Sprintf(`{"path": %q}`, whole), "int64 of shape [2 3 3]; float16, float32 or float64 is needed"},
		{fmt.Sprintf(`{"path": %q, "quantity": "porosity", "unit": "1"}`, dir), "porosity"},
	} {
		if _, err := fromFiles(t, test.options, tensor.Float32); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.options, err, test.want)
		}
	}
	gather := filepath.Join(dir, "data1.npy")
	if err := npy.Write(gather, tensor.New(tensor.Float32, 2, 1, 3, 3)); err != nil {
		t.Fatal(err)
	}
	if _, err := fromFiles(t, fmt.Sprintf(`{"path": %q}`, gather), tensor.Float32); err == nil || !strings.Contains(err.Error(), "data1.npy has the name of a file of data") {
		t.Errorf("data as models: %v", err)
	}
	if err := os.Remove(gather); err != nil {
		t.Fatal(err)
	}
	g, err := fromFiles(t, fmt.Sprintf(`{"path": %q}`, dir), tensor.Float32)
	if err != nil {
		t.Fatal(err)
	}
	s := g.Space()
	if err := os.Truncate(filepath.Join(dir, "model2.npy"), 200); err != nil {
		t.Fatal(err)
	}
	if err := g.Fill(0, s.New(1), false); !errors.Is(err, npy.ErrFormat) || !strings.Contains(err.Error(), "model2.npy (200 bytes): cut") {
		t.Errorf("a file cut since: %v", err)
	}
	if err := npy.Write(filepath.Join(dir, "model2.npy"), tensor.New(tensor.Float32, 4, 1, 3, 3)); err != nil {
		t.Fatal(err)
	}
	if err := g.Fill(0, s.New(1), false); err == nil || !strings.Contains(err.Error(), "14 samples of shape [1 3 3], there were 15") {
		t.Errorf("a file changed since: %v", err)
	}
	if list, err := Files("files", json.RawMessage(fmt.Sprintf(`{"path": %q}`, dir))); err != nil || len(list) != 3 {
		t.Errorf("files %v, %v", list, err)
	}
	if list, err := Files("ring", json.RawMessage(`{}`)); err != nil || list != nil {
		t.Errorf("files of a ring: %v, %v", list, err)
	}
}

// TestFilesWithoutEarth: a number that no rock has is an error with its file, sample and place, not a training example.
func TestFilesWithoutEarth(t *testing.T) {
	for _, x := range []float64{math.NaN(), math.Inf(1), 0, -1500} {
		dir := folder(t)
		v := tensor.New(tensor.Float32, 4, 1, 3, 3)
		for i := range v.Float32s() {
			v.Float32s()[i] = 1500
		}
		v.Float32s()[2*9+5] = float32(x)
		if err := npy.Write(filepath.Join(dir, "model1.npy"), v); err != nil {
			t.Fatal(err)
		}
		g, err := fromFiles(t, fmt.Sprintf(`{"path": %q, "order": "files"}`, dir), tensor.Float32)
		if err != nil {
			t.Fatal(err)
		}
		s := g.Space()
		want := fmt.Sprintf("model1.npy, sample 2: vp is %g", x)
		if err := g.Fill(0, s.New(15), false); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "at (iz 1, ix 2), it must be") {
			t.Errorf("%g: %v, want %q", x, err, want)
		}
		if err := g.Fill(3, s.New(12), false); err != nil {
			t.Errorf("the others: %v", err)
		}
	}
}
