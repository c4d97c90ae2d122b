package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
)

// inFile checks that every place lies in the file.
func inFile(n *node, lines int) error {
	if n.line < 1 || n.line > lines {
		return fmt.Errorf("line %d of %d", n.line, lines)
	}
	for k, c := range n.keys {
		if err := inFile(c, lines); err != nil {
			return fmt.Errorf("%q: %w", k, err)
		}
	}
	for _, c := range n.items {
		if err := inFile(c, lines); err != nil {
			return err
		}
	}
	return nil
}

// FuzzParse: no input panics; errors are *Error with a line in the file; for valid TOML, every key and item the library
// finds has a place and nothing else has; what is written back is the same tree.
func FuzzParse(f *testing.F) {
	for _, s := range []string{sample, "", "a=1", "a = [ [ 1, 2 ], [\"]\"] # ]\n]", "[a]\n[a.b]\n[[c]]\n[c.d]\n[[c]]", "a = \"\"\"\\\"\"\"\"\"\"\nb = 1",
		"a = ''''x'''''\n", "x = {a.b = 1, c = [{}, {d = 2}],}", "a = 1979-05-27 07:32:00 # c\nb=1", "'x y' = 1\n\"\\u0000\".x = 2", "s = [1, {'' = 2}, 3]", "a=\"\\", "[[[", "a = {", "a.b.c = 1\n[a.b.d]\n",
		"\"a.b\" = 1\na.b = 2", "a = [{b = 1}, 2, {b = 3}]", "[ a . \"b\" ]\n[[ a.c ]]", "a=\"\"\"\n\\\n  x\"\"\"", "a = 07:32\n", "a=1\r\nb=\"\"\"\r\n\"\"\"\r\nc=2"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := 1 + strings.Count(string(data), "\n")
		d, err := Parse("f", data)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.File != "f" || e.Line < 0 || e.Line > lines || e.Text == "" {
				t.Fatalf("error %#v of %d lines", err, lines)
			}
			if strings.HasPrefix(e.Text, misread) {
				t.Fatalf("%v\n%s", err, data)
			}
			return
		}
		if err := inFile(d.root, lines); err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		text, err := Encode(d.Tree, "")
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		again, err := Parse("again", text)
		if err != nil || !sameTree(d.Tree, again.Tree) {
			t.Fatalf("read again: %v\n%s\n%s", err, data, text)
		}
	})
}

// FuzzParsePath: no input panics, and what is read is written back to something that reads the same.
func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"", "a.b[3].\"c d\"", `'a'."\u00e9"`, "a[", "[[", `"\`, "a.\"[0]\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePath(text)
		if err != nil {
			return
		}
		again, err := ParsePath(p.String())
		if strings.ContainsRune(text, '\uFFFD') || strings.ToValidUTF8(text, "") != text {
			return // Path.String is text
		}
		for i, e := range p {
			if _, item := itemIndex(e); item && i > 0 && !strings.Contains(text, e) {
				return
			}
		}
		if err != nil || strings.Join(again, "\x00") != strings.Join(p, "\x00") {
			t.Fatalf("%q: %q is written %s and read %q, %v", text, p, p, again, err)
		}
	})
}

// FuzzDecode: no options and no tables from a wire panic; what Resolve takes, it takes again unchanged.
func FuzzDecode(f *testing.F) {
	table, err := Table(everything{})
	if err != nil {
		f.Fatal(err)
	}
	wire, err := json.Marshal(table)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wire, []byte(everythingJSON))
	f.Add([]byte(`[{"name":"a","type":"int","default":1e3}]`), []byte(`{"a":1,"a":2}`))
	f.Add([]byte(`[{"name":"a","type":"tables","default":[{}],"options":[{"name":"b","type":"float","default":"inf","allow_inf":true}]}]`), []byte(`{"a":[{"b":3}]}`))
	f.Add([]byte(`[]`), []byte(`{"frequency_hz":[4e0],"limit":"nan","value":{"a":[1,2.5,null]},"free":{"x":[]},"seeds":[9223372036854775807],"zeta":-0.0}`))
	f.Add([]byte(`[{"name":"a","type":"any","default":null}]`), []byte(`{"a":null}`))
	f.Fuzz(func(t *testing.T, wire, raw []byte) {
		var foreign []Option
		if json.Unmarshal(wire, &foreign) != nil {
			return
		}
		in, jsonErr := ParseJSON(raw)
		var o everything
		if err := Decode(raw, &o); err != nil && jsonErr != nil && First(err).Error() != jsonErr.Error() {
			t.Fatalf("%v against %v", err, jsonErr)
		}
		_ = Help(foreign)
		_ = Markdown(foreign)
		if jsonErr != nil {
			return
		}
		sameAgain(t, table, in)
		if Check(foreign) == nil {
			sameAgain(t, foreign, in)
		}
	})
}

// sameAgain: what Resolve made, sent and resolved again, is the same to the byte.
func sameAgain(t *testing.T, table []Option, in map[string]any) {
	resolved, err := Resolve(table, in)
	if err != nil {
		for _, e := range All(err) {
			if k, ok := e.(*KeyError); !ok || k.Text == "" || len(k.Path) == 0 {
				t.Fatalf("error %#v", e)
			}
		}
		return
	}
	sent := Canonical(resolved)
	back, err := ParseJSON(sent)
	if err != nil {
		t.Fatalf("%v: %s", err, sent)
	}
	again, err := Resolve(table, back)
	if err != nil || !sameTree(resolved, again) || string(Canonical(again)) != string(sent) {
		t.Fatalf("resolved %s, again %s, %v", sent, Canonical(again), err)
	}
}

// writer writes random TOML in every style and notes the line at which it puts each value.
type writer struct {
	r     *rand.Rand
	b     strings.Builder
	line  int
	lines map[string]int // Path joined by NUL -> line
}

func (w *writer) write(text string) {
	w.b.WriteString(text)
	w.line += strings.Count(text, "\n")
}

func (w *writer) pick(choices ...string) string { return choices[w.r.IntN(len(choices))] }

func (w *writer) note(p Path) { w.lines[strings.Join(p, "\x00")] = w.line }

// gap is what may stand between the items of a list.
func (w *writer) gap() string { return w.pick("", " ", "\n", "  # ], } = \"\n", "\r\n\t", "\n\n") }

func (w *writer) key(k string) string {
	if isBareKey(k) {
		return w.pick(k, `"`+k+`"`, "'"+k+"'")
	}
	if strings.ContainsAny(k, "'\"\\") {
		return strconv.Quote(k)
	}
	return w.pick(`"`+k+`"`, "'"+k+"'")
}

func (w *writer) value(p Path, depth int) {
	n := 4
	if depth > 0 {
		n = 6
	}
	switch w.r.IntN(n) {
	case 0, 1:
		w.write(w.pick("1", "0x1F", "1.5e3", "true", "inf", "1979-05-27", "1979-05-27 07:32:00Z", "07:32:00"))
	case 2:
		w.write(w.pick(`"x"`, `"a = [1] # {"`, `'\'`, `"\"]"`, `""`, `''`))
	case 3:
		w.write(w.pick("\"\"\"\n[a]\nb = 1\n\"\"\"", "'''\n\\'''", "\"\"\"\\\"\"\" \\\n \"\"\"\"\"", "'''''x\n'''''", "\"\"\"\"\"\""))
	case 4:
		w.write("[")
		items := w.r.IntN(4)
		for i := range items {
			w.write(w.gap())
			w.note(p.Item(i))
			w.value(p.Item(i), depth-1)
			w.write(w.gap())
			if i < items-1 || w.r.IntN(2) == 0 {
				w.write(",")
			}
		}
		w.write(w.gap() + "]")
	case 5:
		w.write("{")
		for i := range w.r.IntN(3) {
			if i > 0 {
				w.write(",")
			}
			w.write(w.pick("", " ", "\n"))
			w.keyValue(p, fmt.Sprintf("k%d", i), depth-1)
		}
		w.write(w.pick("", " ") + "}")
	}
}

// keyValue writes name = value, or name.x = value, or "name.x" = value.
func (w *writer) keyValue(p Path, name string, depth int) {
	path := p.Join(name)
	var text string
	switch w.r.IntN(4) {
	case 0:
		w.note(path)
		path = path.Join("x")
		text = w.key(name) + w.pick(".", " . ") + w.key("x")
	case 1:
		name += ".x"
		path = p.Join(name)
		text = w.key(name)
	default:
		text = w.key(name)
	}
	w.note(path)
	w.write(text + w.pick("=", " = "))
	w.value(path, depth)
}

func (w *writer) keys(p Path) {
	for i := range w.r.IntN(4) {
		w.write(w.pick("", "\n", "# [x]\n", "\t"))
		w.keyValue(p, fmt.Sprintf("v%d", i), 3)
		w.write(w.pick("", " ", " # c = 1") + w.pick("\n", "\r\n"))
	}
}

// tables writes [p.t0], [[p.l1]] ... with all that is in them.
func (w *writer) tables(p Path, header []string, depth int) {
	for i := range w.r.IntN(4) {
		name := fmt.Sprintf("t%d", i)
		if w.r.IntN(3) == 0 {
			name = "t." + name
		}
		keys := append(append([]string{}, header...), name)
		quoted := make([]string, len(keys))
		for i, k := range keys {
			quoted[i] = w.key(k)
		}
		path := p.Join(name)
		if w.r.IntN(2) == 0 {
			w.note(path)
			w.write("[" + strings.Join(quoted, w.pick(".", " . ")) + "]" + w.pick("\n", " # x\n"))
			w.keys(path)
			if depth > 0 {
				w.tables(path, keys, depth-1)
			}
			continue
		}
		for j := range 1 + w.r.IntN(3) {
			if j == 0 {
				w.note(path)
			}
			w.note(path.Item(j))
			w.write("[[" + strings.Join(quoted, ".") + "]]\n")
			w.keys(path.Item(j))
			if depth > 0 {
				w.tables(path.Item(j), keys, depth-1)
			}
		}
	}
}

// On generated documents every line is the one at which the generator wrote the value.
func TestLineOfGeneratedDocuments(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	places := 0
	for i := range 1500 {
		w := &writer{r: r, line: 1, lines: map[string]int{}}
		w.keys(nil)
		w.tables(nil, nil, 2)
		text := w.b.String()
		d, err := Parse("f", []byte(text))
		if err != nil {
			t.Fatalf("seed %d, document %d: the generator wrote invalid TOML: %v\n%s", seed, i, err, text)
		}
		if err := inFile(d.root, w.line); err != nil {
			t.Fatalf("seed %d, document %d: %v\n%s", seed, i, err, text)
		}
		for joined, want := range w.lines {
			p := Path(strings.Split(joined, "\x00"))
			if !d.Has(p...) {
				t.Fatalf("seed %d, document %d: %s was written but is not in the tree\n%s", seed, i, p, text)
			}
			if got := d.Line(p...); got != want {
				t.Fatalf("seed %d, document %d: %s: line %d, want %d\n%s", seed, i, p, got, want, text)
			}
			places++
		}
	}
	if places < 10000 {
		t.Errorf("only %d places were compared", places)
	}
}
