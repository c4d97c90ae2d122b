package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const sample = `# an experiment
name = "quick"
seed.value = 42

[solver]
plugin = "helmholtz"
frequency_hz = [
  4.0, # first
  8.0,

  12.0,
]
grid = { nz = 3, step = { z = 10.0,
    x = 20.0 } }   # TOML 1.1: a line break in an inline table

[prior.data]
text = """
one
[not.a.table]
three = 3 \""" x
"""
raw = '''
'' two '''''
after = 1
"a.b".'c d' = 2
"tab\t\u00e9\x41\e" = 3

[[sampler.stages]]
steps = 1
[sampler.stages.inner]
deep = 1
[[sampler.stages]]
steps = 2
nested = [[{a = 1}, {a = 2}],
  [{a = 3,
    b = 4}]]
[[sampler.stages.more]]
k = 1
[[sampler.stages.more]]
k = 2

[prior]
plugin = "gmm"

[sweep]
"prior.data.examples" = [50, 200]
prior.data.examples = [
1979-05-27 07:32:00, 2]
`

func TestLine(t *testing.T) {
	for _, text := range []string{sample, strings.ReplaceAll(sample, "\n", "\r\n"), "\xef\xbb\xbf" + sample} {
		d, err := Parse("s.toml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			path string
			line int
		}{
			{"", 1}, {"name", 2}, {"seed", 3}, {"seed.value", 3}, {"solver", 5}, {"solver.plugin", 6},
			{"solver.frequency_hz", 7}, {"solver.frequency_hz[0]", 8}, {"solver.frequency_hz[1]", 9},
			{"solver.frequency_hz[2]", 11}, {"solver.grid.nz", 13}, {"solver.grid.step.z", 13}, {"solver.grid.step.x", 14},
			{"prior.data", 16}, {"prior.data.text", 17}, {"prior.data.raw", 22}, {"prior.data.after", 24},
			{`prior.data."a.b"`, 25}, {`prior.data."a.b"."c d"`, 25}, {`prior.data."tab\téA\u001B"`, 26},
			{"sampler.stages[0]", 28}, {"sampler.stages[0].steps", 29}, {"sampler.stages[0].inner", 30},
			{"sampler.stages[0].inner.deep", 31}, {"sampler.stages[1]", 32}, {"sampler.stages[1].steps", 33},
			{"sampler.stages[1].nested[0][1].a", 34}, {"sampler.stages[1].nested[1]", 35},
			{"sampler.stages[1].nested[1][0].b", 36}, {"sampler.stages[1].more[0].k", 38},
			{"sampler.stages[1].more[1].k", 40}, {"prior", 42}, {"prior.plugin", 43}, {"sweep", 45},
			{`sweep."prior.data.examples"`, 46}, {`sweep."prior.data.examples"[1]`, 46},
			{"sweep.prior.data.examples", 47}, {"sweep.prior.data.examples[0]", 48},
			// what is not there: the nearest table around it
			{"solver.missing", 5}, {"solver.grid.step.y", 13}, {"sampler.stages[7].steps", 28}, {"nothing.at.all", 1},
		} {
			path, err := ParsePath(c.path)
			if err != nil {
				t.Fatal(err)
			}
			if got := d.Line(path...); got != c.line {
				t.Errorf("line of %s: got %d, want %d", c.path, got, c.line)
			}
			missing := strings.Contains(c.path, "missing") || strings.HasSuffix(c.path, ".y") ||
				strings.Contains(c.path, "[7]") || strings.HasPrefix(c.path, "nothing")
			if d.Has(path...) == missing {
				t.Errorf("Has(%s) = %v", c.path, !missing)
			}
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unclosed", "a = 1\nb = [1,\n", "f.toml:2"},
		{"twice", "a = 1\nb = 2\na = 3\n", "f.toml:3"},
		{"table twice", "[a]\nx = 1\n[b]\n[a]\n", "f.toml:4: not valid TOML: "},
		{"no value", "a = 1\nb =\nc = 2\n", "f.toml:2: b: not valid TOML: "},
		{"huge integer", "\n\na = 99999999999999999999\n", "f.toml:3: a: "},
		{"bad escape", "\na = \"\\q\"\n", "f.toml:2: a: "},
		{"bad date", "\n\na = 2020-13-45\n", "f.toml:3: a: "},
		{"line break in string", "a = \"x\ny\"\n", "f.toml:1: a: "},
		{"not text", "a = 1\nb = \"\xff\"\n", "f.toml:2: not UTF-8 text"},
		{"utf-16", "\xff\xfea\x00", "f.toml:1: not UTF-8 text"},
		{"too deep", "a = 1\nb = " + strings.Repeat("[", 1000000), "f.toml:2: nested deeper than 200"},
		{"too deep tables", "b = " + strings.Repeat("{a=", 100000), "f.toml:1: nested deeper than 200"},
		{"long key", strings.Repeat("a.", 100000) + "a = 1", "f.toml:1: nested deeper than 200"},
		{"empty key", "a = 1\nb = [1, {\"\" = 2}, 3]\n", "f.toml:2: the empty key"},
		{"too large", strings.Repeat("# x\n", 2<<20), "f.toml: larger than 4 MiB"},
	} {
		d, err := Parse("f.toml", []byte(c.text))
		var e *Error
		if !errors.As(err, &e) || d != nil {
			t.Errorf("%s: got %v, want an *Error", c.name, err)
			continue
		}
		if !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %q, want it to begin with %q", c.name, err, c.want)
		}
		if strings.Contains(e.Text, "toml: ") || strings.Contains(e.Text, "\n") {
			t.Errorf("%s: the library's frame shows in %q", c.name, e.Text)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing.toml")
	if _, err := Load(missing); err == nil || err.Error() != missing+": no such file" {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Load(dir); err == nil || !strings.HasPrefix(err.Error(), dir+": cannot be read: ") {
		t.Errorf("a folder: %v", err)
	}
	file := filepath.Join(dir, "x.toml")
	if err := os.WriteFile(file, []byte("[a]\nb = 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if table, err := d.Table(Path{"a"}); err != nil || table["b"] != int64(1) {
		t.Errorf("table a: %v, %v", table, err)
	}
	if _, err := d.Table(Path{"c"}); err == nil || err.Error() != file+":1: c: required table is missing" {
		t.Errorf("table c: %v", err)
	}
	if _, err := d.Table(Path{"a", "b"}); err == nil || err.Error() != file+":2: a.b: must be a table, got the integer 1" {
		t.Errorf("table a.b: %v", err)
	}
	if err := d.Errorf(Path{"a", "b"}, "at most %d", 0); err.Error() != file+":2: a.b: at most 0" {
		t.Error(err)
	}
}

// Every error of a file comes with its line, sorted by line, at places that a reader would look at.
func TestLocate(t *testing.T) {
	type options struct {
		Data struct {
			Kind     string `option:"kind" default:"field" doc:"d"`
			Examples int    `option:"examples" default:"10" min:"1" doc:"d"`
		} `option:"data" doc:"d"`
		Steps int `option:"steps" doc:"d"`
	}
	table, err := Table(options{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := Parse("file.toml", []byte(`seed = 1
[sweep]
"prior.data.examples" = [50,
  0]
[prior]
stepz = 3
[prior.data]
exmaples = 3
kind = 7
`))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := Override(d.Tree, "prior.data.examples", int64(0))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Resolve(table, tree["prior"].(map[string]any))
	err = d.Locate(errors.Join(errors.New("another"), err), Path{"prior"},
		Moved{Path{"prior", "data", "examples"}, Path{"sweep", "prior.data.examples", "[1]"}})
	want := `file.toml:4: prior.data.examples: must be >= 1, got 0 (set by sweep."prior.data.examples"[1])
file.toml:5: prior.steps: required option is missing (int)
file.toml:6: prior.stepz: unknown key; did you mean "steps"? allowed: data, steps
file.toml:8: prior.data.exmaples: unknown key; did you mean "examples"? allowed: kind, examples
file.toml:9: prior.data.kind: must be a string, got the integer 7
another`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	var e *Error
	if !errors.As(First(err), &e) || e.Line != 4 || e.Key != "prior.data.examples" || e.File != "file.toml" {
		t.Errorf("first: %v", First(err))
	}
	if d.Locate(nil, nil) != nil || First(nil) != nil {
		t.Error("no error became one")
	}
	if err := d.Locate(&KeyError{Path: Path{"x"}, Line: 7, Text: "t"}, nil); err.Error() != "file.toml:7: x: t" {
		t.Errorf("an error that knows its line: %v", err)
	}
}

func TestPath(t *testing.T) {
	for _, c := range []struct {
		text string
		path Path
	}{
		{"", Path{}}, {"a", Path{"a"}}, {"a.b-c.D_1", Path{"a", "b-c", "D_1"}}, {"a[0].b[12][3]", Path{"a", "[0]", "b", "[12]", "[3]"}},
		{`sweep."prior.data.examples"[1]`, Path{"sweep", "prior.data.examples", "[1]"}},
		{`"".x."a\"b\\\n"`, Path{"", "x", "a\"b\\\n"}},
	} {
		got, err := ParsePath(c.text)
		if err != nil || strings.Join(got, "\x00") != strings.Join(c.path, "\x00") || len(got) != len(c.path) {
			t.Errorf("ParsePath(%s) = %q, %v; want %q", c.text, got, err, c.path)
		}
		if c.path.String() != c.text {
			t.Errorf("%q is written %s, want %s", c.path, c.path, c.text)
		}
	}
	for _, text := range []string{".", "a.", ".a", "a..b", "a b", " a", "a[", "a[]", "a[-1]", "a[+1]", "a[01]", "a[1", "a]b", "[0]", `"a`, "'a", "a[0]b", "ä", `"\q"`, "a=", "a\n"} {
		if p, err := ParsePath(text); err == nil || !strings.Contains(err.Error(), "not a dotted key") {
			t.Errorf("ParsePath(%q) = %q, %v; want an error", text, p, err)
		}
	}
}

// What the library reads and the scanner does not see, or the other way, is found, with its line.
func TestMatch(t *testing.T) {
	text := "a = 1\n[b]\nc = [1, {d = 2}]\n"
	for _, c := range []struct {
		tree map[string]any
		line int
		want string
	}{
		{map[string]any{"a": 1, "b": map[string]any{"c": []any{1, map[string]any{"d": 2}}}}, 0, ""},
		{map[string]any{"b": map[string]any{"c": []any{1, map[string]any{"d": 2}}}}, 1, "the file was read as a table with 1 keys, 2 keys"},
		{map[string]any{"a": 1, "b": map[string]any{"c": []any{map[string]any{"d": 2}}}}, 3, "b.c was read as a list of length 1, 0 keys and 2 "},
		{map[string]any{"a": 1, "b": map[string]any{"x": 1}}, 2, "the key b.x was read but stands nowhere"},
		{map[string]any{"a": 1, "b": 2}, 2, "b was read as a scalar, 1 keys"},
		{map[string]any{"a": 1, "b": map[string]any{"c": []any{1, map[string]any{}}}}, 3, "b.c[1] was read as a table with 0 keys, 1 keys"},
	} {
		root, _ := positions(text)
		line, got := root.match(c.tree, nil)
		if line != c.line || !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%v: got line %d, %q; want %d, %q", c.tree, line, got, c.line, c.want)
		}
	}
}
