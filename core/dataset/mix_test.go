package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
)

// three are parts that an item tells apart: points near 0, near 100, near 200.
const three = `{"examples": %d, "parts": [
	{"kind": "gaussian", "fraction": 5, "mean": [0], "std": [1]},
	{"kind": "gaussian", "fraction": 3.5, "mean": [100], "std": [1]},
	{"kind": "ring", "fraction": 1.5, "radius": 200, "std": 0.1}]}`

func partOf(x []float64) int { return int(math.Round(math.Hypot(x[0], x[1]) / 100 / 1.2)) }

// Every prefix has its fractions to less than one item a part; an item is the same for every size of the set and whatever
// batch it comes in; held-out items are others, in the same turns.
func TestMixIsNested(t *testing.T) {
	const n = 400
	g := generator4(t, "mix", fmt.Sprintf(three, n), 7, 2)
	if g.Examples() != n {
		t.Fatalf("%d examples", g.Examples())
	}
	all, held := draw(t, g, 0, n, false), draw(t, g, 0, n, true)
	counts := [3]int{}
	for i := range n {
		k := partOf(all[2*i : 2*i+2])
		counts[k]++
		for part, f := range []float64{0.5, 0.35, 0.15} {
			if off := float64(counts[part]) - f*float64(i+1); !(math.Abs(off) < 1) {
				t.Fatalf("of the first %d items part %d has %d", i+1, part, counts[part])
			}
		}
		if partOf(held[2*i:2*i+2]) != k || held[2*i] == all[2*i] {
			t.Fatalf("item %d: %v, held out %v", i, all[2*i:2*i+2], held[2*i:2*i+2])
		}
	}
	if counts != [3]int{200, 140, 60} {
		t.Errorf("counts %v", counts)
	}
	small := generator4(t, "mix", fmt.Sprintf(three, 10), 7, 2)
	for lo := 0; lo < n; lo += 37 {
		k := min(37, n-lo)
		for _, heldOut := range []bool{false, true} {
			want := all
			if heldOut {
				want = held
			}
			if got := draw(t, small, lo, k, heldOut); !slices.Equal(got, want[2*lo:2*(lo+k)]) {
				t.Errorf("items %d..%d are others in a set of 10 than in one of %d", lo, lo+k-1, n)
			}
		}
	}
}

// Two parts of one kind have numbers of their own: their items are not shifted copies of each other, nor are they those of
// the kind alone with the same seed.
func TestMixPartsAreStrangers(t *testing.T) {
	g := generator4(t, "mix", `{"examples": 40, "parts": [{"kind": "gaussian", "fraction": 0.5}, {"kind": "gaussian", "fraction": 0.5}]}`, 3, 1)
	x := draw(t, g, 0, 40, false)
	x = append(x, draw(t, generator4(t, "gaussian", `{}`, 3, 1), 0, 40, false)...)
	slices.Sort(x)
	if len(slices.Compact(x)) != 80 {
		t.Error("some numbers come twice")
	}
}

// Files beside what is drawn: the files' samples, each once, never as training and as held-out items.
func TestMixWithFiles(t *testing.T) {
	dir := folder(t)
	options := json.RawMessage(fmt.Sprintf(`{"examples": 20, "parts": [
		{"kind": "files", "fraction": 1, "path": %q},
		{"kind": "openfwi", "fraction": 1, "family": "FlatVel_B"}]}`, dir))
	g, err := NewGenerator("mix", options, 5, earth(tensor.Float32, "vp", "m/s", 3, 3))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[float64]bool{}
	of := func(x []float64, n int) (files int) {
		for i := range n {
			// A sample of the files is 1500 + i in every cell, at most 1514; a map of layers is that hardly ever.
			if v := x[9*i : 9*i+9]; slices.Min(v) == slices.Max(v) && v[0] < 1515 {
				files++
				if seen[v[0]] {
					t.Errorf("sample %g comes twice", v[0])
				}
				seen[v[0]] = true
			}
		}
		return files
	}
	if n := of(fill(t, g, 0, 20, false).AppendReals(nil), 20); n != 10 {
		t.Errorf("%d training items are from files, want 10", n)
	}
	if n := of(fill(t, g, 0, 10, true).AppendReals(nil), 10); n != 5 {
		t.Errorf("%d held-out items are from files, want 5", n)
	}
	if files, err := Files("mix", options); err != nil || len(files) != 3 || filepath.Dir(files[0]) != dir {
		t.Errorf("files %v, %v", files, err)
	}
	tree := map[string]any{"parts": []any{map[string]any{"kind": "files", "path": "a"}, map[string]any{"kind": "ring"}}}
	if err := MapPaths("mix", tree, func(p string) (string, error) { return "/x/" + p, nil }); err != nil || tree["parts"].([]any)[0].(map[string]any)["path"] != "/x/a" {
		t.Errorf("paths: %v %v", tree, err)
	}
	if !FromFiles("mix", tree) || FromFiles("ring", nil) {
		t.Error("FromFiles")
	}
}

func TestMixRefuses(t *testing.T) {
	few := filepath.Join(t.TempDir(), "few.npy")
	if err := npy.Write(few, tensor.New(tensor.Float32, 4, 3, 3)); err != nil {
		t.Fatal(err)
	}
	for options, want := range map[string]string{
		`{}`:                         "parts",
		`{"parts": []}`:              "parts: must be a list of tables",
		`{"parts": 3}`:               "parts: must be a list of tables",
		`{"parts": ["ring"]}`:        "parts[0]: must be a table, got ring",
		`{"parts": [{"kind": "x"}]}`: "parts[0].kind: x is no kind of a part (allowed: points, regular-polygon,",
		`{"parts": [{"kind": "mix", "fraction": 1, "parts": []}]}`:                                                                 "parts[0].kind: mix is no kind of a part",
		`{"parts": [{"kind": "gaussian"}]}`:                                                                                        "parts[0].fraction",
		`{"parts": [{"kind": "gaussian", "fraction": 0}]}`:                                                                         "parts[0].fraction: must be > 0",
		`{"parts": [{"kind": "gaussian", "fraction": 1}, {"kind": "gaussian", "fraction": 1, "men": [0]}]}`:                        "parts[1].men: unknown key",
		`{"parts": [{"kind": "gaussian", "fraction": 1, "examples": 3}]}`:                                                          "parts[0].examples: unknown key",
		`{"parts": [{"kind": "gaussian", "fraction": 1, "mean": [0, 1]}]}`:                                                         "parts[0].mean: has 2 numbers",
		`{"examples": 9, "parts": [{"kind": "points", "fraction": 1, "values": [[1,1,1,1,1,1,1,1,1]]}]}`:                           "parts[0]",
		`{"examples": 9, "parts": [{"kind": "gaussian", "fraction": 1}, {"kind": "files", "fraction": 2, "path": "` + few + `"}]}`: "parts[1].examples: 6, but the 1 files have 4 samples",
	} {
		_, err := NewGenerator("mix", json.RawMessage(options), 1, earth(tensor.Float32, "vp", "m/s", 3, 3))
		var key *config.KeyError
		if err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, &key) {
			t.Errorf("%s: %v, want a KeyError with %q", options, err, want)
		}
	}
	g := generator4(t, "mix", `{"examples": 4, "parts": [{"kind": "points", "fraction": 1, "values": [[1],[2]]}, {"kind": "gaussian", "fraction": 1}]}`, 1, 1)
	s := g.Space()
	if err := g.Fill(0, s.New(2), true); !errors.Is(err, ErrNoHeldOut) || !strings.Contains(err.Error(), "part 0 (points)") {
		t.Errorf("held-out points: %v", err)
	}
	if err := g.Fill(0, s.New(6), false); err == nil || !strings.Contains(err.Error(), "part 0 (points)") {
		t.Errorf("more points than there are: %v", err)
	}
}
