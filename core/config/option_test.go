package config

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

type common struct {
	Threads int  `option:"threads" default:"0" min:"0" affects:"nothing" doc:"worker threads, 0: all"`
	Verbose bool `option:"verbose" default:"false" affects:"nothing" doc:"more lines"`
}

type kind string

type inner struct {
	Depth  int32     `option:"depth" default:"3" doc:"layers"`
	Widths []int     `option:"widths" default:"[1, 2]" min:"1" len:"1..3" doc:"of the layers"`
	Warm   float64   `option:"warm" default:"0" affects:"train" doc:"warm-up"`
	Log    *string   `option:"log" affects:"nothing" doc:"where to"`
	Extra  []float64 `option:"extra" default:"[]" above:"0" affects:"use" doc:"more"`
}

// everything has an option of every type.
type everything struct {
	common
	Zeta   float64        `option:"zeta" default:"0.3" min:"0" unit:"1" affects:"sample" doc:"guidance weight"`
	Freq   []float64      `option:"frequency_hz" unit:"Hz" above:"0" below:"1e3" len:"1.." doc:"frequencies"`
	Rule   kind           `option:"rule" default:"full" oneof:"published,full" doc:"which gradient is taken"`
	Order  int            `option:"order" default:"4" oneof:"2,4,8" doc:"of the stencil"`
	Limit  float64        `option:"limit" default:"inf" allow:"inf,nan" min:"0" doc:"a | limit"`
	Seeds  []uint64       `option:"seeds" default:"[]" doc:"seeds"`
	Flags  []bool         `option:"flags" default:"[true]" doc:"flags"`
	Names  []string       `option:"names" default:"[\"a\", \"b\"]" oneof:"a,b,c" doc:"names"`
	Points [][]float64    `option:"points" default:"[[0, 1], []]" unit:"m" doc:"points"`
	Net    inner          `option:"net" doc:"the network"`
	Stages []inner        `option:"stages" default:"[]" doc:"stages"`
	Maybe  *inner         `option:"maybe" doc:"perhaps"`
	Free   map[string]any `option:"free" default:"{}" doc:"free keys"`
	Value  any            `option:"value" default:"\"none\"" doc:"anything"`
	Scale  *float32       `option:"scale" doc:"scale"`
	Small  uint8          `option:"small" default:"7" doc:"small"`
	Text   string         `option:"text" default:"" doc:"text"`

	Ignored string `option:"-"`
}

const everythingJSON = `{"frequency_hz":[4,8.5],"limit":"inf","net":{"log":"x"},"stages":[{"depth":1},{"widths":[9]}],"scale":2,"points":[[1],[2,3.5]]}`

func mustTable(t *testing.T, v any) []Option {
	t.Helper()
	table, err := Table(v)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// A table goes over a wire as JSON and comes back the same.
func TestTableOverTheWire(t *testing.T) {
	table := mustTable(t, &everything{})
	wire, err := json.Marshal(table)
	if err != nil {
		t.Fatal(err)
	}
	var back []Option
	if err := json.Unmarshal(wire, &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(table, back) {
		t.Errorf("sent %+v\ncame back %+v", table, back)
	}
	if err := Check(back); err != nil {
		t.Error(err)
	}
	var names []string
	for _, o := range back {
		names = append(names, o.Name+":"+string(o.Type))
	}
	want := "threads:int verbose:bool zeta:float frequency_hz:floats rule:string order:int limit:float seeds:ints flags:bools " +
		"names:strings points:float-lists net:table stages:tables maybe:table free:map value:any scale:float small:int text:string"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDecode(t *testing.T) {
	o := everything{Ignored: "kept", Scale: new(float32), Seeds: []uint64{1}}
	if err := Decode([]byte(everythingJSON), &o); err != nil {
		t.Fatal(err)
	}
	x, two := "x", float32(2)
	plainInner := inner{Depth: 3, Widths: []int{1, 2}, Extra: []float64{}}
	want := everything{Zeta: 0.3, Freq: []float64{4, 8.5}, Rule: "full", Order: 4, Limit: math.Inf(1), Seeds: []uint64{}, Flags: []bool{true},
		Names: []string{"a", "b"}, Points: [][]float64{{1}, {2, 3.5}}, Net: plainInner, Stages: []inner{plainInner, plainInner},
		Free: map[string]any{}, Value: "none", Scale: &two, Small: 7, Ignored: "kept"}
	want.Net.Log = &x
	want.Stages[0].Depth = 1
	want.Stages[1].Widths = []int{9}
	if !reflect.DeepEqual(o, want) {
		t.Errorf("got  %+v\nwant %+v", o, want)
	}

	before := o
	for _, raw := range []string{`{"frequency_hz":[4],"zeta":-1}`, `{"frequency_hz":[4],"scale":1e300}`, `{}`, `[]`, `{"a":1} x`, ``, `{`, `{"zeta":1,"zeta":2}`,
		`{"frequency_hz":[1e999]}`, `{"seeds":[18446744073709551615]}`, `{"value":null,"frequency_hz":[4]}`, strings.Repeat(`{"free":`, 300)} {
		err := Decode([]byte(raw), &o)
		if err == nil {
			t.Errorf("%s was taken", raw)
		}
		if !reflect.DeepEqual(o, before) {
			t.Fatalf("%s: refused (%v), but changed the struct", raw, err)
		}
	}
	if err := Decode([]byte(`{}`), o); err == nil || !strings.Contains(err.Error(), "pointer") {
		t.Errorf("not a pointer: %v", err)
	}
	if err := Decode([]byte(`{}`), (*everything)(nil)); err == nil || !strings.Contains(err.Error(), "pointer") {
		t.Errorf("nil: %v", err)
	}
}

func TestResolveErrors(t *testing.T) {
	table := mustTable(t, everything{})
	for _, c := range []struct{ toml, want string }{
		{"zeta = -1", "zeta: must be >= 0, got -1.0"},
		{"zeta = nan", "zeta: must be a number, got nan"},
		{"zeta = inf", "zeta: must be finite, got inf"},
		{"zeta = 'inf'", `zeta: must be a number, got the string "inf"`},
		{"zeta = 1979-05-27", "zeta: must be a number, got the date 1979-05-27"},
		{"limit = -inf", "limit: must be >= 0, got -inf"},
		{"limit = 'much'", `limit: must be a number, got the string "much"`},
		{"zeta = 9007199254740993", "zeta: the integer 9007199254740993 is not exactly a float; write it as one, 9.007199254740992e+15"},
		{"zeta = 9223372036854775807", "zeta: the integer 9223372036854775807 is not exactly a float; write it as one, 9.223372036854776e+18"},
		{"order = 4.0", "order: must be an integer, got the float 4.0; write 4"},
		{"order = 4.5", "order: must be an integer, got the float 4.5"},
		{"order = 3", "order: must be one of 2, 4, 8, got 3"},
		{"rule = 'ful'", `rule: must be one of "published", "full", got "ful"; did you mean "full"?`},
		{"rule = 3", "rule: must be a string, got the integer 3"},
		{"names = ['a', 'z']", `names[1]: must be one of "a", "b", "c", got "z"; did you mean "a"?`},
		{"frequency_hz = [4, 0]", "frequency_hz[1]: must be > 0, < 1000 Hz, got 0.0"},
		{"frequency_hz = [1000.0]", "frequency_hz[0]: must be > 0, < 1000 Hz, got 1000.0"},
		{"frequency_hz = []", "frequency_hz: must have at least 1 item, got 0"},
		{"frequency_hz = 4.0", "frequency_hz: must be a list of numbers, got the float 4.0"},
		{"freqency_hz = [4]", `freqency_hz: unknown key; did you mean "frequency_hz"? allowed: threads, verbose, `},
		{"Zeta = 1", `Zeta: unknown key; did you mean "zeta"?`},
		{"freq = 1", `freq: unknown key; did you mean "frequency_hz"?`},
		{"qqqqqq = 1", `qqqqqq: unknown key; allowed: threads, `},
		{"seeds = [-1]", "seeds[0]: must be >= 0, got -1"},
		{"small = 256", "small: must be >= 0, <= 255, got 256"},
		{"net.depth = 2147483648", "net.depth: must be >= -2147483648, <= 2147483647, got 2147483648"},
		{"net.widths = [1,1,1,1]", "net.widths: must have 1 to 3 items, got 4"},
		{"net = 3", "net: must be a table, got the integer 3"},
		{"stages = [{depth = 1}, {dept = 1}]", `stages[1].dept: unknown key; did you mean "depth"? allowed: depth, widths`},
		{"stages = [1]", "stages[0]: must be a table, got the integer 1"},
		{"points = [[1], 2]", "points[1]: must be a list of numbers, got the integer 2"},
		{"points = [[1, 'x']]", `points[0][1]: must be a number, got the string "x"`},
		{"verbose = 1", "verbose: must be true or false, got the integer 1"},
		{"flags = ['true']", `flags[0]: must be true or false, got the string "true"`},
		{"free = 1", "free: must be a table, got the integer 1"},
		{"free.a.b = [1, nan]", "free.a.b[1]: must be finite, got nan"},
		{"value = 07:32:00", "value: cannot be the date 07:32:00"},
		{"maybe.log = 1", "maybe.log: must be a string, got the integer 1"},
	} {
		text := c.toml
		if !strings.Contains(text, "frequency_hz =") || strings.HasPrefix(text, "freqency") {
			text += "\nfrequency_hz = [4.0]"
		}
		d, err := Parse("f", []byte(text))
		if err != nil {
			t.Fatalf("%s: %v", c.toml, err)
		}
		_, err = Resolve(table, d.Tree)
		if all := All(err); len(all) != 1 || !strings.HasPrefix(all[0].Error(), c.want) {
			t.Errorf("%s:\ngot  %v\nwant %s", c.toml, err, c.want)
			continue
		}
		if _, ok := First(err).(*KeyError); !ok {
			t.Errorf("%s: got a %T", c.toml, First(err))
		}
	}
	_, err := Resolve(table, nil)
	if err == nil || err.Error() != "frequency_hz: required option is missing (floats, Hz, > 0, < 1000, at least 1 item)" {
		t.Errorf("missing: %v", err)
	}
	_, err = Resolve(nil, map[string]any{"x": int64(1)})
	if err == nil || err.Error() != "x: unknown key; this table has no options" {
		t.Errorf("no options: %v", err)
	}
}

// Resolved options hash the same however they were written, and differ where they differ.
func TestCanonical(t *testing.T) {
	table := mustTable(t, everything{})
	resolve := func(text string) string {
		t.Helper()
		d, err := Parse("f", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		in := Clone(d.Tree)
		resolved, err := Resolve(table, d.Tree)
		if err != nil {
			t.Fatal(err)
		}
		if !sameTree(in, d.Tree) {
			t.Errorf("%s: Resolve changed its input", text)
		}
		return string(Canonical(resolved))
	}
	a := resolve("frequency_hz = [4]")
	want := `{"flags":[true],"free":{},"frequency_hz":[4.0],"limit":"inf","names":["a","b"],"net":{"depth":3,"extra":[],"warm":0.0,"widths":[1,2]},` +
		`"order":4,"points":[[0.0,1.0],[]],"rule":"full","seeds":[],"small":7,"stages":[],"text":"","threads":0,"value":"none","verbose":false,"zeta":0.3}`
	if a != want {
		t.Errorf("got  %s\nwant %s", a, want)
	}
	if b := resolve("zeta = 3e-1\nrule = 'full'\nfrequency_hz = [4.0]\n[net]\nwidths = [1,\n2]"); b != a {
		t.Errorf("the same options written otherwise:\n%s\n%s", a, b)
	}
	if b := resolve("frequency_hz = [4.000000000000001]"); b == a {
		t.Error("other options, same bytes")
	}
	for _, c := range []struct {
		v    any
		want string
	}{
		{map[string]any{"b": 1, "a": []int{1}, "": nil}, `{"":null,"a":[1],"b":1}`},
		{math.Copysign(0, -1), "-0.0"}, {1e300, "1e+300"}, {float32(0.5), "0.5"}, {math.NaN(), `"nan"`}, {math.Inf(-1), `"-inf"`},
		{uint64(math.MaxUint64), "18446744073709551615"}, {int64(math.MinInt64), "-9223372036854775808"},
		{"<\"\n\u2028é", "\"<\\\"\\n\\u2028é\""}, {[]string{}, "[]"}, {map[string]string{"k": "v"}, `{"k":"v"}`}, {true, "true"},
	} {
		got := string(Canonical(c.v))
		if got != c.want {
			t.Errorf("%v: got %s, want %s", c.v, got, c.want)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("%s is not JSON", got)
		}
	}
	for _, v := range []any{struct{}{}, make(chan int), map[int]int{}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%T did not panic", v)
				}
			}()
			Canonical(v)
		}()
	}
}

func TestWithoutAndPick(t *testing.T) {
	table := mustTable(t, everything{})
	in, err := ParseJSON([]byte(everythingJSON))
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := Resolve(table, in)
	if err != nil {
		t.Fatal(err)
	}
	has := func(m map[string]any, key string) bool {
		p, err := ParsePath(key)
		if err != nil {
			t.Fatal(err)
		}
		_, ok := Lookup(m, p)
		return ok
	}
	for _, c := range []struct {
		affects []string
		gone    string
	}{
		{nil, ""},
		{[]string{Nothing}, "threads verbose net.log"},
		{[]string{Nothing, "sample"}, "threads verbose net.log zeta"},
		{[]string{Nothing, Use, "sample"}, "threads verbose net.log zeta net.extra stages[0].extra stages[1].extra"},
		{[]string{"train"}, "net.warm stages[1].warm"},
	} {
		left := Without(table, resolved, c.affects...)
		for _, key := range []string{"threads", "verbose", "zeta", "rule", "net.depth", "net.log", "net.warm", "net.extra", "stages[0].extra",
			"stages[1].extra", "stages[1].warm", "stages[1].depth"} {
			gone := strings.Contains(" "+c.gone+" ", " "+key+" ") || key == "stages[0].warm"
			if has(left, key) == gone {
				t.Errorf("without %v: %s is there: %v", c.affects, key, !gone)
			}
		}
	}
	if !has(resolved, "stages[1].extra") || !has(resolved, "net.log") {
		t.Error("Without changed its input")
	}
	both := Pick(table[:3], resolved)
	if len(both) != 3 || !has(both, "zeta") {
		t.Errorf("picked %v", both)
	}
	o := Option{Stage: "train|sample"}
	if !o.affectsOtherThan([]string{"train"}) || o.affectsOtherThan([]string{"sample", "train"}) {
		t.Error("an option of two stages stays as long as one of them counts")
	}
}
