package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Path is the place of a value in a tree: keys of tables, and "[3]" for item 3 (from 0) of a list. A key may hold any
// characters, dots included: Path{"sweep", "prior.data.examples"} is one key within the table sweep.
type Path []string

// String writes the path as TOML writes a dotted key, with list items as [3]: prior.data, sweep."prior.data.examples",
// sampler.stages[0].steps. A key that looks like an item ("[3]") is not told from one.
func (p Path) String() string {
	var b strings.Builder
	for i, e := range p {
		if _, ok := itemIndex(e); ok && i > 0 {
			b.WriteString(e)
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(quoteKey(e))
	}
	return b.String()
}

// Join returns p followed by the elements, in memory of its own.
func (p Path) Join(elements ...string) Path {
	return append(append(make(Path, 0, len(p)+len(elements)), p...), elements...)
}

// Item returns p followed by item i of the list there.
func (p Path) Item(i int) Path { return p.Join("[" + strconv.Itoa(i) + "]") }

// HasPrefix tells whether p lies at or under prefix.
func (p Path) HasPrefix(prefix Path) bool {
	if len(p) < len(prefix) {
		return false
	}
	for i, e := range prefix {
		if p[i] != e {
			return false
		}
	}
	return true
}

// itemIndex reads "[3]".
func itemIndex(e string) (int, bool) {
	if len(e) < 3 || e[0] != '[' || e[len(e)-1] != ']' {
		return 0, false
	}
	digits := e[1 : len(e)-1]
	if digits[0] < '0' || digits[0] > '9' || (digits[0] == '0' && len(digits) > 1) {
		return 0, false // strconv would take a sign and leading zeros
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil
}

// ParsePath reads what Path.String writes: bare keys (A-Z a-z 0-9 _ -) and keys in quotes, with dots between, and [3]
// for items of lists. The empty string is the empty path. Errors name the text and the place in it.
func ParsePath(text string) (Path, error) {
	p := Path{}
	if text == "" {
		return p, nil
	}
	s := scanner{text: text, line: 1}
	bad := func() error {
		return fmt.Errorf("config: %q is not a dotted key at character %d; "+
			"write bare keys (letters, digits, _ and -) or \"quoted\" ones, dots between, [0] for the first item of a list", text, s.pos+1)
	}
	for {
		key, ok := s.keyPart()
		if !ok {
			return nil, bad()
		}
		p = append(p, key)
		for s.peek() == '[' {
			end := strings.IndexByte(text[s.pos:], ']')
			if end < 0 {
				return nil, bad()
			}
			item := text[s.pos : s.pos+end+1]
			if _, ok := itemIndex(item); !ok {
				return nil, bad()
			}
			p = append(p, item)
			s.pos += end + 1
		}
		if s.pos == len(text) {
			return p, nil
		}
		if s.peek() != '.' {
			return nil, bad()
		}
		s.pos++
	}
}

// Lookup finds the value at path in a tree of map[string]any and []any.
func Lookup(tree map[string]any, path Path) (any, bool) {
	var v any = tree
	for _, e := range path {
		switch t := v.(type) {
		case map[string]any:
			child, ok := t[e]
			if !ok {
				return nil, false
			}
			v = child
		case []any:
			i, ok := itemIndex(e)
			if !ok || i >= len(t) {
				return nil, false
			}
			v = t[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// isBareKey tells whether TOML takes the key without quotes.
func isBareKey(key string) bool {
	for i := 0; i < len(key); i++ {
		if !isBareByte(key[i]) {
			return false
		}
	}
	return key != ""
}

func isBareByte(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// quoteKey writes a key bare where that is allowed and as a basic string elsewhere.
func quoteKey(key string) string {
	if isBareKey(key) {
		return key
	}
	return quoteString(key)
}

// quoteString writes a TOML basic string: quotes, backslashes and control characters escaped, all else as it is.
func quoteString(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < 0x20 || r == 0x7f || r == '\uFEFF':
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
