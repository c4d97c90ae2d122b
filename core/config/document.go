package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// maxFile is the largest TOML file read, in bytes: experiments have kilobytes.
const maxFile = 4 << 20

// Document is a TOML file: its values, and the line of every key.
//
// Tree holds map[string]any, []any (arrays of tables too), string, bool, int64, float64 and time.Time, nothing else.
// Whoever changes it changes it for all; Override copies.
type Document struct {
	Name string // as in errors: the path that Load was given
	Tree map[string]any

	root *node
}

// Load reads a TOML file. Every error is an *Error: the file is missing, unreadable, larger than 4 MiB, or not TOML.
func Load(path string) (*Document, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &Error{File: path, Text: "no such file"}
		}
		return nil, &Error{File: path, Text: "cannot be read: " + cause(err)}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, &Error{File: path, Text: "cannot be read: " + cause(err)}
	}
	return Parse(path, data)
}

// cause is the error without the path, which the message has already.
func cause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// misread begins the error for a file of which the library and the scanner of this package see different keys. Neither
// must lose a value silently; FuzzParse looks for such files.
const misread = "cannot be read safely, write it in a simpler way: "

// Parse reads a TOML document (UTF-8, at most 4 MiB, nested at most 200 deep); name stands for the file in errors.
// Every error is an *Error with its line. The empty key "", which TOML has, is refused: toml v1.6.0 loses items of a list
// that holds an inline table with such a key.
func Parse(name string, data []byte) (doc *Document, err error) {
	if len(data) > maxFile {
		return nil, &Error{File: name, Text: fmt.Sprintf("larger than %d MiB; an experiment is a small text file", maxFile>>20)}
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(data) {
		return nil, &Error{File: name, Line: invalidLine(data), Text: "not UTF-8 text"}
	}
	text := string(data)
	root, found := positions(text)
	if found.deep {
		return nil, &Error{File: name, Line: found.line, Text: fmt.Sprintf("nested deeper than %d", maxDepth)}
	}
	defer func() { // the library panics where it finds a bug of its own
		if r := recover(); r != nil {
			doc, err = nil, &Error{File: name, Text: fmt.Sprintf("not valid TOML: %v", r)}
		}
	}()
	tree := map[string]any{}
	if _, err := toml.Decode(text, &tree); err != nil {
		return nil, syntaxError(name, text, err)
	}
	for k, v := range tree {
		tree[k] = plain(v)
	}
	if found.emptyKey > 0 {
		return nil, &Error{File: name, Line: found.emptyKey, Text: `the empty key "" is not taken`}
	}
	if line, text := root.match(tree, nil); line > 0 {
		return nil, &Error{File: name, Line: line, Text: misread + text}
	}
	return &Document{Name: name, Tree: tree, root: root}, nil
}

// invalidLine is the line of the first byte that is not UTF-8.
func invalidLine(data []byte) int {
	line := 1
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		if r == utf8.RuneError && n == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		data = data[n:]
	}
	return line
}

// syntaxError turns the library's error into ours, with a line that lies in the file.
func syntaxError(name, text string, err error) error {
	var p toml.ParseError
	if !errors.As(err, &p) {
		return &Error{File: name, Text: err.Error()}
	}
	message := p.Message
	if message == "" { // errors of another type within the library have their text in Error() only
		message = p.Error()
	}
	line := min(max(p.Position.Line, 1), 1+strings.Count(text, "\n"))
	return &Error{File: name, Line: line, Key: p.LastKey, Text: "not valid TOML: " + strings.TrimPrefix(message, "toml: ")}
}

// plain makes every list a []any: the library has a type of its own for arrays of tables.
func plain(v any) any {
	switch t := v.(type) {
	case map[string]any:
		for k, e := range t {
			t[k] = plain(e)
		}
		return t
	case []map[string]any:
		list := make([]any, len(t))
		for i, e := range t {
			list[i] = plain(e)
		}
		return list
	case []any:
		for i, e := range t {
			t[i] = plain(e)
		}
		return t
	}
	return v
}

// Line returns the line (from 1) of the key or list item at path; of a table with a header, the header's. For a path that
// is not in the file it is the line of the nearest table around it that is, in the end 1: where a missing key would go.
func (d *Document) Line(path ...string) int {
	n := d.root
	for _, e := range path {
		next, ok := n.keys[e]
		if i, isItem := itemIndex(e); !ok && isItem && i < len(n.items) {
			next, ok = n.items[i], true
		}
		if !ok {
			break
		}
		n = next
	}
	return n.line
}

// Has tells whether the file has a value at path.
func (d *Document) Has(path ...string) bool {
	_, ok := Lookup(d.Tree, path)
	return ok
}

// Table returns the table at path, shared with Tree. It is an *Error if nothing is there or if it is no table.
func (d *Document) Table(path Path) (map[string]any, error) {
	v, ok := Lookup(d.Tree, path)
	if !ok {
		return nil, d.Errorf(path, "required table is missing")
	}
	t, ok := v.(map[string]any)
	if !ok {
		return nil, d.Errorf(path, "must be a table, got %s", describe(v))
	}
	return t, nil
}

// Errorf returns an *Error at the line of path.
func (d *Document) Errorf(path Path, format string, args ...any) error {
	return &Error{File: d.Name, Line: d.Line(path...), Key: path.String(), Text: fmt.Sprintf(format, args...)}
}

// Moved says that the value at Path of a tree stands at From in the file: a value of a sweep, say.
type Moved struct {
	Path Path
	From Path
}

// Locate gives every *KeyError within err (joined or wrapped) its file and line and sorts them by line; prefix is where
// the table that the error speaks of lies in the document. Errors about keys at or under a Moved.Path get the line of
// its From, and say so. Other errors are passed on. Locate(nil) is nil.
func (d *Document) Locate(err error, prefix Path, moved ...Moved) error {
	var located []error
	for _, e := range All(err) {
		var k *KeyError
		if !errors.As(e, &k) {
			located = append(located, e)
			continue
		}
		path := prefix.Join(k.Path...)
		at := &Error{File: d.Name, Line: d.Line(path...), Key: path.String(), Text: k.Text}
		for _, m := range moved {
			if path.HasPrefix(m.Path) {
				at.Line = d.Line(m.From.Join(path[len(m.Path):]...)...)
				at.Text += fmt.Sprintf(" (set by %s)", m.From)
			}
		}
		if k.Line > 0 {
			at.Line = k.Line
		}
		located = append(located, at)
	}
	return JoinByLine(located...)
}
