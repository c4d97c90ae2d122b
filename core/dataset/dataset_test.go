package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// plane is a model space of d coordinates.
func plane(dt tensor.DType, d int) *space.Space {
	return &space.Space{Name: "model", DType: dt, Axes: []space.Axis{{Name: "coordinate", Size: d}},
		Quantities: []space.Quantity{{Name: "coordinate", Unit: "1"}}}
}

func ring(t *testing.T, dt tensor.DType, examples string) Generator {
	t.Helper()
	g, err := NewGenerator("ring", json.RawMessage(`{"examples": `+examples+`}`), 42, plane(dt, 2))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// written makes a dataset and returns its manifest's path.
func written(t *testing.T, path string, g Generator, n, shard int) string {
	t.Helper()
	w, err := Create(path, Plan{Space: g.Space(), Count: n, Shard: shard, Origin: json.RawMessage(`{"kind": "ring"}`)})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Fill(context.Background(), g, false); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(path, ManifestName)
}

func TestRoundTrip(t *testing.T) {
	for _, dt := range []tensor.DType{tensor.Float64, tensor.Float32} {
		for _, shard := range []int{0, 1, 3, 7} {
			g := ring(t, dt, "7")
			d, err := Open(written(t, filepath.Join(t.TempDir(), "set"), g, 7, shard))
			if err != nil {
				t.Fatal(err)
			}
			want := tensor.New(dt, 7, 2)
			if err := g.Fill(0, want, false); err != nil {
				t.Fatal(err)
			}
			all := want.AppendReals(nil)
			for i := range 7 {
				if got := d.Reals(i, nil); !slices.Equal(got, all[2*i:2*i+2]) {
					t.Errorf("%v, shards of %d: item %d = %v, want %v", dt, shard, i, got, all[2*i:2*i+2])
				}
			}
			m, fresh := d.Matrix()
			if !slices.Equal(m, all) {
				t.Errorf("%v, shards of %d: matrix %v, want %v", dt, shard, m, all)
			}
			if wantFresh := dt != tensor.Float64 || shard != 0 && shard < 7; fresh != wantFresh {
				t.Errorf("%v, shards of %d: fresh = %v, want %v", dt, shard, fresh, wantFresh)
			}
			if string(d.Origin()) == "" || d.Len() != 7 || d.Space().DType != dt {
				t.Errorf("origin %s, %d items of %v", d.Origin(), d.Len(), d.Space())
			}
			if err := errors.Join(d.Close(), d.Close()); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestResume: shards that are there are kept to the byte, the rest is made, and the result is that of one run.
func TestResume(t *testing.T) {
	dir := t.TempDir()
	g := ring(t, tensor.Float64, "10")
	plan := Plan{Space: g.Space(), Count: 10, Shard: 3}
	whole := filepath.Dir(written(t, filepath.Join(dir, "whole"), g, 10, 3))

	path := filepath.Join(dir, "parts")
	w, err := Create(path, plan)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []int{2, 0} { // in any order
		first, count := w.Range(k)
		b := w.m.Space.New(count)
		if err := g.Fill(first, b, false); err != nil {
			t.Fatal(err)
		}
		if err := w.Write(k, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit(); err == nil || !strings.Contains(err.Error(), "shard 1 of 4") {
		t.Errorf("Commit of half a dataset: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is there before Commit: %v", err)
	}
	// A shard that was cut does not count.
	cut := filepath.Join(path+".partial", "00002.npy")
	if err := os.Truncate(cut, 150); err != nil {
		t.Fatal(err)
	}
	// Nor is what a killed run was writing kept.
	temp := ".waveprior-0123456789abcdef.tmp"
	if err := os.WriteFile(filepath.Join(path+".partial", temp), []byte("half"), 0o666); err != nil {
		t.Fatal(err)
	}
	if w, err = Create(path, plan); err != nil {
		t.Fatal(err)
	}
	if got, want := []bool{w.Done(0), w.Done(1), w.Done(2), w.Done(3)}, []bool{true, false, false, false}; !slices.Equal(got, want) {
		t.Fatalf("done after restart: %v, want %v", got, want)
	}
	if err := w.Fill(context.Background(), g, false); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	for k := range w.Shards() {
		name := w.m.Shards[k].File
		a, err1 := os.ReadFile(filepath.Join(whole, name))
		b, err2 := os.ReadFile(filepath.Join(path, name))
		if err1 != nil || err2 != nil || !slices.Equal(a, b) {
			t.Errorf("shard %s differs from the one of a single run (%v, %v)", name, err1, err2)
		}
	}
	files, err := os.ReadDir(path)
	if err != nil || len(files) != w.Shards()+1 {
		t.Errorf("the folder has %v (%v), want %d shards and the manifest", files, err, w.Shards())
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.partial")); left != nil {
		t.Errorf("left behind: %v", left)
	}
	if _, err := Create(path, plan); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create over a dataset: %v, want fs.ErrExist", err)
	}
}

func TestResumeOtherPlan(t *testing.T) {
	path := filepath.Join(t.TempDir(), "set")
	g := ring(t, tensor.Float64, "4")
	w, err := Create(path, Plan{Space: g.Space(), Count: 4, Shard: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Fill(context.Background(), g, false); err != nil {
		t.Fatal(err)
	}
	w, err = Create(path, Plan{Space: g.Space(), Count: 4, Shard: 2, Origin: json.RawMessage(`"other"`)})
	if err != nil {
		t.Fatal(err)
	}
	if w.Done(0) || w.Done(1) {
		t.Error("shards of another plan were taken over")
	}
}

func TestCancelFill(t *testing.T) {
	g := ring(t, tensor.Float64, "4")
	w, err := Create(filepath.Join(t.TempDir(), "set"), Plan{Space: g.Space(), Count: 4})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := w.Fill(ctx, g, false); !errors.Is(err, context.Canceled) || w.Done(0) {
		t.Errorf("Fill with a cancelled context: %v, done %v", err, w.Done(0))
	}
}

func TestBadDatasets(t *testing.T) {
	edit := func(from, to string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, ManifestName)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s := strings.Replace(string(b), from, to, 1)
			if s == string(b) {
				t.Fatalf("%q is not in the manifest:\n%s", from, b)
			}
			if err := os.WriteFile(path, []byte(s), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name, want string
		spoil      func(t *testing.T, dir string)
	}{
		{"cut manifest", "cut off", func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, ManifestName), 60); err != nil {
				t.Fatal(err)
			}
		}},
		{"empty manifest", "cut off", func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, ManifestName), 0); err != nil {
				t.Fatal(err)
			}
		}},
		{"foreign", "no dataset manifest", edit(`"format"`, `"form"`)},
		{"version", `"waveprior.dataset/2"`, edit("waveprior.dataset/1", "waveprior.dataset/2")},
		{"unknown key", "unknown field", edit(`"count": 7,`, `"count": 7, "colour": 1,`)},
		{"count", "count is 8", edit(`"count": 7,`, `"count": 8,`)},
		{"no items", "count is 0", edit(`"count": 7,`, `"count": 0,`)},
		{"shard count", "not 1..7", edit(`"count": 3`, `"count": 30`)},
		{"negative shard", "not 1..7", edit(`"count": 3`, `"count": -3`)},
		{"path out of the folder", "not a plain file name", edit(`"00000.npy"`, `"../00000.npy"`)},
		{"missing shard", "00001.npy", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "00001.npy")); err != nil {
				t.Fatal(err)
			}
		}},
		{"cut shard", "00001.npy", func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, "00001.npy"), 140); err != nil {
				t.Fatal(err)
			}
		}},
		{"shard of another shape", "want float64 [3 2]", edit(`"size": 2`, `"size": 2`+"}, {\"name\": \"z\", \"size\": 1")},
		{"huge", "too many elements", edit(`"size": 2`, `"size": 2305843009213693951`)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := written(t, filepath.Join(t.TempDir(), "set"), ring(t, tensor.Float64, "7"), 7, 3)
			if test.name == "shard of another shape" {
				test.want = "want float64 [3 2 1]"
			}
			test.spoil(t, filepath.Dir(path))
			d, err := Open(path)
			if err == nil {
				_ = d.Close()
				t.Fatal("opened")
			}
			if !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %q does not wrap ErrManifest, or has no %q or path", err, test.want)
			}
		})
	}
	if _, err := Open(filepath.Join(t.TempDir(), "nothing.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing manifest: %v", err)
	}
}

func TestOrder(t *testing.T) {
	const n = 1000
	a, b := Order(1, 0, n), Order(1, 1, n)
	if slices.Equal(a, b) || slices.Equal(a, Order(2, 0, n)) || !slices.Equal(a, Order(1, 0, n)) {
		t.Error("the order does not depend on epoch and seed, or on more")
	}
	fixed := 0
	for i, v := range a {
		if i == v {
			fixed++
		}
	}
	slices.Sort(a)
	for i, v := range a {
		if i != v {
			t.Fatal("not a permutation")
		}
	}
	if fixed > 10 { // Poisson of mean 1: more than 10 with probability 1e-8
		t.Errorf("%d of %d items stay in place", fixed, n)
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"format":"waveprior.dataset/1","space":{"name":"model","dtype":2,"axes":[{"name":"z","size":2}],"quantities":[{"name":"vp"}]},"count":1,"shards":[{"file":"a.npy","count":1}]}`))
	f.Add([]byte(`{"format":"waveprior.dataset/1","space":{"dtype":9},"count":-1}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := parseManifest(raw)
		if err != nil {
			return
		}
		sum := 0
		for _, s := range m.Shards {
			if s.Count < 1 || filepath.Base(s.File) != s.File {
				t.Fatalf("accepted shard %+v", s)
			}
			sum += s.Count
		}
		if sum != m.Count || m.Count < 1 || m.Space.Len() < 1 {
			t.Fatalf("accepted %d items in shards of %d, item length %d", m.Count, sum, m.Space.Len())
		}
	})
}

// BenchmarkReals reads items the way a trainer does.
func BenchmarkReals(b *testing.B) {
	g, err := NewGenerator("gaussian", json.RawMessage(`{}`), 1, plane(tensor.Float32, 100))
	if err != nil {
		b.Fatal(err)
	}
	w, err := Create(filepath.Join(b.TempDir(), "set"), Plan{Space: g.Space(), Count: 10000})
	if err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(w.Fill(context.Background(), g, false), w.Commit()); err != nil {
		b.Fatal(err)
	}
	d, err := Open(filepath.Join(w.path, ManifestName))
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	row, sum := make([]float64, 0, 100), 0.0
	for b.Loop() {
		for _, i := range Order(1, 0, d.Len()) {
			row = d.Reals(i, row[:0])
			sum += row[0]
		}
	}
	if math.IsNaN(sum) {
		b.Fatal("NaN")
	}
	b.ReportMetric(float64(b.N)*float64(d.Len())/b.Elapsed().Seconds(), "items/s")
}
