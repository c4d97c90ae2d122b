package config

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// sameTree compares trees exactly: types, bits of floats (any NaN equals any NaN), dates with their kind. It is written
// apart from the code it tests.
func sameTree(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k, v := range x {
			w, ok := y[k]
			if !ok || !sameTree(v, w) {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !sameTree(x[i], y[i]) {
				return false
			}
		}
		return true
	case float64:
		y, ok := b.(float64)
		return ok && (math.Float64bits(x) == math.Float64bits(y) || x != x && y != y)
	case time.Time:
		y, ok := b.(time.Time)
		_, offX := x.Zone()
		_, offY := y.Zone()
		local := func(t time.Time) string { // the library's three kinds of local time
			if name := t.Location().String(); strings.HasSuffix(name, "-local") {
				return name
			}
			return ""
		}
		return ok && x.Equal(y) && offX == offY && local(x) == local(y)
	}
	return a == b
}

var keyPool = []string{"a", "b", "steps", "x-y", "1", "3.14", "a.b", "ä", "with space", "q\"uote", "back\\slash", "nl\n", "[0]", "#", "'", "\u0000", "\uFEFF", "true", "inf"}

func randomString(r *rand.Rand) string {
	pieces := []string{"", "a", "\"", "\\", "\n", "\r", "\t", "\"\"\"", "'''", "#", "é", "😀", "\x00", "\x1f", "\x7f", "\u0085", "\u2028", "\uFFFD", "\uFEFF", " ", "]", "}", "=", ","}
	var b strings.Builder
	for range r.IntN(6) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}

func randomValue(r *rand.Rand, depth int) any {
	n := 7
	if depth > 0 {
		n = 10
	}
	switch r.IntN(n) {
	case 0:
		return r.IntN(2) == 0
	case 1:
		return []int64{0, 1, -1, math.MaxInt64, math.MinInt64, 1 << 53, int64(r.Uint64())}[r.IntN(7)]
	case 2:
		return []float64{0, math.Copysign(0, -1), 1, 1e6, 1e21, 1e-7, 0.1, math.MaxFloat64, math.SmallestNonzeroFloat64,
			math.Inf(1), math.Inf(-1), math.NaN(), -123456789, 1 << 53}[r.IntN(14)]
	case 3:
		return math.Float64frombits(r.Uint64())
	case 4, 5:
		return randomString(r)
	case 6:
		day := time.Date(1+r.IntN(9998), time.Month(1+r.IntN(12)), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(2)*r.IntN(1e9),
			time.FixedZone("", 60*(r.IntN(1400)-700)))
		return day
	case 7:
		return randomTable(r, depth-1)
	case 8: // of tables only
		list := []any{}
		for range r.IntN(3) {
			list = append(list, randomTable(r, depth-1))
		}
		return list
	default:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, randomValue(r, depth-1))
		}
		return list
	}
}

func randomTable(r *rand.Rand, depth int) map[string]any {
	t := map[string]any{}
	for range r.IntN(5) {
		t[keyPool[r.IntN(len(keyPool))]] = randomValue(r, depth)
	}
	return t
}

// Parse(Encode(tree)) is the tree, exactly, and Encode is the same bytes each time.
func TestEncodeRoundTrip(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range 3000 {
		tree := randomTable(r, 4)
		text, err := Encode(tree, "lock file\nline two\x00\n")
		if err != nil {
			t.Fatalf("seed %d, tree %d: %v", seed, i, err)
		}
		d, err := Parse("lock", text)
		if err != nil {
			t.Fatalf("seed %d, tree %d: %v\n%s", seed, i, err, text)
		}
		if !sameTree(tree, d.Tree) {
			t.Fatalf("seed %d, tree %d:\nwrote %#v\nread  %#v\n%s", seed, i, tree, d.Tree, text)
		}
		again, err := Encode(Clone(tree).(map[string]any), "lock file\nline two\x00\n")
		if err != nil || string(again) != string(text) {
			t.Fatalf("seed %d, tree %d: written differently the second time (%v)", seed, i, err)
		}
	}
}

func TestEncodeLayout(t *testing.T) {
	d, err := Parse("in", []byte(`z = 1
when = [1979-05-27T07:32:00Z, 1979-05-27T07:32:00.5, 1979-05-27, 07:32:00.25]
[b.c]
k = [1.0, inf, -0.0, 1e30]
[a]
[[l]]
x = {y = 1}
[[l]]
m = [{p = 1}, 2]
`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Encode(d.Tree, "made by\n\na test")
	if err != nil {
		t.Fatal(err)
	}
	want := `# made by
#
# a test
when = [1979-05-27T07:32:00Z, 1979-05-27T07:32:00.5, 1979-05-27, 07:32:00.25]
z = 1

[a]

[b.c]
k = [1.0, inf, -0.0, 1e+30]

[[l]]

[l.x]
y = 1

[[l]]
m = [{ p = 1 }, 2]
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, bad := range []any{nil, make(chan int), "\xff", uint64(1), []any{nil}, map[string]any{"\xff": 1}, map[string]any{"": 1}, []any{1, map[string]any{"\xff": 1}}} {
		if _, err := Encode(map[string]any{"k": bad}, ""); err == nil || !strings.HasPrefix(err.Error(), "k") {
			t.Errorf("%#v: got %v, want an error that names k", bad, err)
		}
	}
}

func TestOverride(t *testing.T) {
	d, err := Parse("in", []byte("[prior]\nplugin='gmm'\n[prior.data]\nexamples=3\nkind='x'\n[[s.stages]]\nn=1\n[[s.stages]]\nn=2\n"))
	if err != nil {
		t.Fatal(err)
	}
	before := fmt.Sprint(d.Tree)
	for _, c := range []struct {
		key   string
		value any
		want  string // of what is then there, or the error
	}{
		{"prior.data.examples", int64(50), "map[examples:50 kind:x]"},
		{"prior.data", map[string]any{"examples": int64(7), "new": true}, "map[examples:7 kind:x new:true]"},
		{"prior", map[string]any{"data": map[string]any{"kind": "y"}}, "map[data:map[examples:3 kind:y] plugin:gmm]"},
		{"prior.train.steps", int64(5), "map[steps:5]"},
		{"solver.list", []any{int64(1)}, "map[list:[1]]"},
		{"s.stages[1].n", int64(9), "map[n:9]"},
		{"s.stages[1]", map[string]any{"m": int64(9)}, "[map[n:1] map[m:9 n:2]]"},
		{"s.stages", []any{}, "map[stages:[]]"},

		{"prior.data", int64(1), "prior.data: is a table; give a table of the keys to change, got the integer 1"},
		{"prior.plugin", map[string]any{}, `prior.plugin: is no table but the string "gmm"; got a table`},
		{"prior", map[string]any{"data": "x"}, `prior.data: is a table; give a table of the keys to change, got the string "x"`},
		{"prior.plugin.x", int64(1), `prior.plugin.x: prior.plugin is no table but the string "gmm"`},
		{"prior.plugin.x.y", int64(1), `prior.plugin.x.y: prior.plugin is no table but the string "gmm"`},
		{"s.stages[2].n", int64(1), "s.stages[2].n: s.stages has 2 items, the first is [0]"},
		{"s.stages[2]", int64(1), "s.stages[2]: s.stages has 2 items, the first is [0]"},
		{"s.stages.n", int64(1), "s.stages.n: s.stages is a list: name one of its 2 items, as s.stages[0]"},
		{"s.none[0].n", int64(1), "s.none[0].n: s.none is not there: a list to change items of must be given"},
		{"a..b", int64(1), `"a..b": not a dotted key, such as prior.data.examples or sampler.stages[0].steps`},
		{"", int64(1), `"": not a dotted key, such as prior.data.examples or sampler.stages[0].steps`},
	} {
		tree, err := Override(d.Tree, c.key, c.value)
		if err != nil {
			if err.Error() != c.want {
				t.Errorf("%s: got error\n%v\nwant\n%s", c.key, err, c.want)
			}
		} else {
			path, _ := ParsePath(c.key)
			at, _ := Lookup(tree, path)
			if _, isTable := at.(map[string]any); !isTable || c.key == "s.stages[1]" {
				at, _ = Lookup(tree, path[:len(path)-1])
			}
			if fmt.Sprint(at) != c.want {
				t.Errorf("%s: got %v, want %s", c.key, at, c.want)
			}
		}
		if fmt.Sprint(d.Tree) != before {
			t.Fatalf("%s changed the tree it was given", c.key)
		}
	}
	list := []any{int64(1)}
	tree, err := Override(d.Tree, "prior.list", list)
	if err != nil {
		t.Fatal(err)
	}
	list[0] = int64(2)
	if v, _ := Lookup(tree, Path{"prior", "list", "[0]"}); v != int64(1) {
		t.Error("the value is shared with the caller")
	}
}
