package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

type loop struct {
	Kids []loop `option:"kids" default:"[]" doc:"d"`
}

// A struct that is declared wrongly is refused with the field or option named.
func TestTableRefuses(t *testing.T) {
	for _, c := range []struct {
		v    any
		want string
	}{
		{nil, "must be a struct"},
		{3, "must be a struct"},
		{loop{}, "holds itself"},
		{struct{ A int }{}, "field A of"},
		{struct {
			a int `option:"a" doc:"d"`
		}{}, "field a of"},
		{struct {
			A int `option:"a"`
		}{}, "field A of struct { A int \"option:\\\"a\\\"\" }: no doc tag"},
		{struct {
			A chan int `option:"a" doc:"d"`
		}{}, "type chan int cannot be an option"},
		{struct {
			A map[string]int `option:"a" doc:"d"`
		}{}, "type map[string]int cannot be an option"},
		{struct {
			A [][]string `option:"a" doc:"d"`
		}{}, "type [][]string cannot be an option"},
		{struct {
			A int `option:"a.b" doc:"d"`
		}{}, `the name "a.b" is no bare key`},
		{struct {
			A int `option:"a" doc:"d"`
			B int `option:"a" doc:"d"`
		}{}, "a: option declared twice"},
		{struct {
			A int `option:"a" default:"x" doc:"d"`
		}{}, `tag default:"x" is not JSON`},
		{struct {
			A int `option:"a" default:"1.5" doc:"d"`
		}{}, "a: option declared wrongly: default must be an integer, got the float 1.5"},
		{struct {
			A int `option:"a" default:"1" min:"2" doc:"d"`
		}{}, "a: option declared wrongly: default must be >= 2, got 1"},
		{struct {
			A string `option:"a" default:"z" oneof:"x,y" doc:"d"`
		}{}, `default must be one of "x", "y", got "z"`},
		{struct {
			A float64 `option:"a" default:"inf" doc:"d"`
		}{}, `default must be a number, got the string "inf"`},
		{struct {
			A *int `option:"a" default:"1" doc:"d"`
		}{}, "optional and with a default"},
		{struct {
			A int `option:"a" min:"0" above:"1" doc:"d"`
		}{}, `tag above:"1": the bound is given twice`},
		{struct {
			A int `option:"a" min:"low" doc:"d"`
		}{}, `tag min:"low" is no number`},
		{struct {
			A float64 `option:"a" min:"2" below:"2" doc:"d"`
		}{}, "nothing is >= 2, < 2"},
		{struct {
			A float64 `option:"a" min:"inf" doc:"d"`
		}{}, "bounds must be finite"},
		{struct {
			A string `option:"a" min:"0" doc:"d"`
		}{}, "bounds for type string"},
		{struct {
			A int `option:"a" allow:"nan" doc:"d"`
		}{}, "inf or nan for type int"},
		{struct {
			A float64 `option:"a" allow:"zero" doc:"d"`
		}{}, `tag allow:"zero"`},
		{struct {
			A float64 `option:"a" oneof:"1,2" doc:"d"`
		}{}, "allowed values for type float"},
		{struct {
			A int `option:"a" oneof:"1,02" doc:"d"`
		}{}, `allowed value "02" is no integer`},
		{struct {
			A int `option:"a" len:"1" doc:"d"`
		}{}, "a length for type int"},
		{struct {
			A []int `option:"a" len:"one" doc:"d"`
		}{}, `tag len:"one" must be like`},
		{struct {
			A []int `option:"a" len:"3..1" doc:"d"`
		}{}, "no list has a length"},
		{struct {
			A []int `option:"a" default:"[]" len:"1.." doc:"d"`
		}{}, "default must have at least 1 item, got 0"},
		{struct {
			A int `option:"a" affects:"trian" doc:"d"`
		}{}, `affects "trian", known are data, train`},
		{struct {
			T struct {
				A int `option:"a" default:"1" max:"0" doc:"d"`
			} `option:"t" doc:"d"`
		}{}, "t.a: option declared wrongly: default must be <= 0, got 1"},
	} {
		table, err := Table(c.v)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%T:\ngot  %v, %v\nwant %s", c.v, table, err, c.want)
		}
	}
}

// Tables of plugins in other languages are judged by the same rules.
func TestCheckRefuses(t *testing.T) {
	for _, c := range []struct {
		o    Option
		want string
	}{
		{Option{Name: "a", Type: "number"}, `unknown type "number", known are bool, int`},
		{Option{Name: "", Type: Int}, `the name "" is no bare key`},
		{Option{Name: "a", Type: Int, MinExclusive: true}, "an exclusive bound that is not given"},
		{Option{Name: "a", Type: Int, Options: []Option{{Name: "b", Type: Int}}}, "options within type int"},
		{Option{Name: "a", Type: TableType, Default: []byte("{}")}, "a table's default is made of its options' defaults"},
		{Option{Name: "a", Type: Int, Default: []byte("null")}, "default must be an integer, got null"},
		{Option{Name: "a", Type: Int, Default: []byte("1 2")}, "something follows"},
		{Option{Name: "a", Type: Any, Default: []byte(`{"x": null}`)}, "default cannot be null"},
		{Option{Name: "a", Type: Int, Stage: "train|"}, `affects ""`},
		{Option{Name: "a", Type: Ints, MinLen: -1}, "no list has a length"},
	} {
		if err := Check([]Option{c.o}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v:\ngot  %v\nwant %s", c.o, err, c.want)
		}
	}
	deep := []Option{{Name: "a", Type: Int}}
	for range 300 {
		deep = []Option{{Name: "a", Type: TableType, Options: deep}}
	}
	if err := Check(deep); err == nil || !strings.Contains(err.Error(), "nest deeper than 200") {
		t.Errorf("deep table: %v", err)
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"examples", "kind", "frequency_hz", "free", "step", "steps_total", "x"}
	for word, want := range map[string]string{
		"exmaples": "examples", "example": "examples", "Kind": "kind", "knd": "kind", "frequency-hz": "frequency_hz", "freq": "frequency_hz",
		"fre": "free", "steps": "steps_total", "stpe": "step", "step_count": "step", "y": "x", "zzzz": "", "": "x", "ab": "", "examplesoftraining": "examples",
	} {
		if got := Suggest(word, names); got != want {
			t.Errorf("%s: suggested %q, want %q", word, got, want)
		}
	}
	if Suggest(strings.Repeat("x", 1000000), names) != "" {
		t.Error("a huge key has a suggestion")
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"abc", "acb", 1}, {"ca", "abc", 3}, {"kitten", "sitting", 3}, {"äö", "öä", 1}} {
		if got := typos(c.a, c.b); got != c.want {
			t.Errorf("typos(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestHelp(t *testing.T) {
	type options struct {
		Zeta float64   `option:"zeta" default:"0.3" min:"0" unit:"1" doc:"guidance weight"`
		Freq []float64 `option:"frequency_hz" unit:"Hz" above:"0" len:"1.." doc:"frequencies of the data, one after the other, each as a problem of its own, lowest first, then the next one"`
		Net  struct {
			Kind string `option:"kind" default:"a b" oneof:"a b,c|d" doc:"which | kind"`
		} `option:"net" doc:"the network"`
		Stages []struct {
			Log *string `option:"log" affects:"nothing" doc:"where to"`
		} `option:"stages" default:"[]" doc:"in order"`
		Cap float64 `option:"cap" default:"inf" allow:"inf" doc:"upper end"`
	}
	table := mustTable(t, options{})
	want := `  zeta = 0.3  (float, >= 0)
      guidance weight
  frequency_hz  required  (floats, Hz, > 0, at least 1 item)
      frequencies of the data, one after the other, each as a problem of its own, lowest first, then
      the next one
  net  (table)
      the network
  net.kind = "a b"  (string, one of a b | c|d)
      which | kind
  stages = []  (tables)
      in order
  stages[].log  optional  (string)
      where to
  cap = inf  (float, inf allowed)
      upper end
`
	if got := Help(table); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	want = `| option | type | default | meaning |
|---|---|---|---|
| ¬zeta¬ | float, >= 0 | ¬0.3¬ | guidance weight |
| ¬frequency_hz¬ | floats, Hz, > 0, at least 1 item | required | frequencies of the data, one after the other, each as a problem of its own, lowest first, then the next one |
| ¬net¬ | table |  | the network |
| ¬net.kind¬ | string, one of a b \| c\|d | ¬"a b"¬ | which \| kind |
| ¬stages¬ | tables | ¬[]¬ | in order |
| ¬stages[].log¬ | string | optional | where to (changes no result) |
| ¬cap¬ | float, inf allowed | ¬inf¬ | upper end |
`
	if got := Markdown(table); got != strings.ReplaceAll(want, "¬", "`") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func Example() {
	type Options struct {
		Zeta  float64 `option:"zeta" default:"0.3" min:"0" unit:"1" affects:"sample" doc:"guidance weight"`
		Rule  string  `option:"rule" default:"full" oneof:"published,full" doc:"which gradient is taken"`
		Quiet bool    `option:"quiet" default:"false" affects:"nothing" doc:"no progress lines"`
	}
	table, err := Table(Options{}) // in the plugin
	if err != nil {
		fmt.Println(err)
		return
	}
	doc, err := Parse("x.toml", []byte("[sampler]\nzeta = 1\n")) // in the host
	if err != nil {
		fmt.Println(err)
		return
	}
	in, err := doc.Table(Path{"sampler"})
	if err != nil {
		fmt.Println(err)
		return
	}
	resolved, err := Resolve(table, in)
	if err != nil {
		fmt.Println(doc.Locate(err, Path{"sampler"}))
		return
	}
	fmt.Printf("to the plugin: %s\n", Canonical(resolved))
	fmt.Printf("to be hashed:  %s\n", Canonical(Without(table, resolved, Nothing)))
	var o Options
	if err := Decode(Canonical(resolved), &o); err != nil { // in the plugin
		fmt.Println(err)
		return
	}
	fmt.Printf("%+v\n", o)

	doc, err = Parse("x.toml", []byte("[sampler]\nzeta = -1\nrul = \"full\"\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = Resolve(table, doc.Tree["sampler"].(map[string]any))
	fmt.Println(doc.Locate(err, Path{"sampler"}))
	// Output:
	// to the plugin: {"quiet":false,"rule":"full","zeta":1.0}
	// to be hashed:  {"rule":"full","zeta":1.0}
	// {Zeta:1 Rule:full Quiet:false}
	// x.toml:2: sampler.zeta: must be >= 0, got -1.0
	// x.toml:3: sampler.rul: unknown key; did you mean "rule"? allowed: zeta, rule, quiet
}

// Files' names are found in tables and in lists of tables, and no other strings; the tree that is given is left as it is.
func TestMapFiles(t *testing.T) {
	type wavelet struct {
		Path string `option:"path" default:"" file:"yes" doc:"."`
		Kind string `option:"kind" default:"x" doc:"."`
	}
	table := MustTable(struct {
		One  wavelet   `option:"one" doc:"."`
		Many []wavelet `option:"many" default:"[]" doc:"."`
		Some *string   `option:"some" file:"yes" doc:"."`
	}{})
	in := map[string]any{
		"one":  map[string]any{"path": "a", "kind": "b"},
		"many": []any{map[string]any{"path": "c", "kind": "d"}, map[string]any{"path": "", "kind": "e"}},
	}
	got, err := MapFiles(table, in, func(name string) (string, error) { return "/" + name, nil })
	want := `{"many":[{"kind":"d","path":"/c"},{"kind":"e","path":""}],"one":{"kind":"b","path":"/a"}}`
	if err != nil || string(Canonical(got)) != want {
		t.Errorf("%s %v, want %s", Canonical(got), err, want)
	}
	if s := string(Canonical(in)); strings.Contains(s, "/") {
		t.Errorf("the input was changed: %s", s)
	}
	_, err = MapFiles(table, in, func(name string) (string, error) {
		if name == "c" {
			return "", errors.New("no such file")
		}
		return name, nil
	})
	var key *KeyError
	if !errors.As(err, &key) || key.Path.String() != "many[0].path" || key.Text != "no such file" {
		t.Errorf("an error of the second file: %v", err)
	}
	if err := Check([]Option{{Name: "n", Type: Int, Doc: ".", Optional: true, File: true}}); err == nil || !strings.Contains(err.Error(), "a file's name of type int") {
		t.Errorf("a number as a file's name: %v", err)
	}
}
