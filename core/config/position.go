package config

import (
	"strconv"
	"strings"
)

// maxDepth bounds how deep lists, inline tables and dotted keys may nest under a header, and how many parts a header may
// have, so that no file can exhaust the stack.
const maxDepth = 200

// scanner finds the line of every key of a TOML document. It judges nothing: the library has the word on what is valid.
// On text that is not valid TOML it stops at the first thing it cannot follow. It takes TOML 1.1 (line breaks and
// trailing commas in inline tables, \e and \x).
type scanner struct {
	text string
	pos  int
	line int
	deep bool // stopped because of maxDepth, at line

	emptyKey int // line of the first empty key, 0: none
}

// positions returns the places of all values of the text (root.line is 1), and the scanner that found them.
func positions(text string) (*node, *scanner) {
	root := &node{line: 1}
	s := &scanner{text: text, line: 1}
	table := root
	for {
		s.blank(true)
		if s.pos >= len(s.text) {
			return root, s
		}
		var ok bool
		if s.peek() == '[' {
			table, ok = s.header(root)
		} else {
			ok = s.keyValue(table, 0)
		}
		if !ok {
			return root, s
		}
	}
}

func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

// blank passes spaces, and with lines also line breaks and comments.
func (s *scanner) blank(lines bool) {
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == ' ' || c == '\t':
		case lines && c == '\n':
			s.line++
		case lines && c == '\r':
		case lines && c == '#':
			if end := strings.IndexByte(s.text[s.pos:], '\n'); end >= 0 {
				s.pos += end
			} else {
				s.pos = len(s.text)
			}
			continue
		default:
			return
		}
		s.pos++
	}
}

// header reads [a.b] or [[a.b]] and returns the table that the following keys belong to.
func (s *scanner) header(root *node) (*node, bool) {
	line := s.line
	s.pos++
	list := s.peek() == '['
	if list {
		s.pos++
	}
	keys, ok := s.key()
	if !ok || s.peek() != ']' {
		return root, false
	}
	s.pos++
	if list {
		if s.peek() != ']' {
			return root, false
		}
		s.pos++
	}
	n := root
	for _, k := range keys[:len(keys)-1] {
		n = n.child(k, line).last()
	}
	n = n.child(keys[len(keys)-1], line)
	if list {
		item := &node{line: line, explicit: true}
		n.items = append(n.items, item)
		return item, true
	}
	if !n.explicit && len(n.items) == 0 {
		n.explicit, n.line = true, line
	}
	return n.last(), true
}

// keyValue reads key = value into the table.
func (s *scanner) keyValue(table *node, depth int) bool {
	line := s.line
	keys, ok := s.key()
	if !ok || s.peek() != '=' {
		return false
	}
	s.pos++
	s.blank(false)
	n := table
	for _, k := range keys {
		n = n.child(k, line)
	}
	return s.value(n, depth+len(keys)-1)
}

// key reads a dotted key, with the blanks around it.
func (s *scanner) key() ([]string, bool) {
	var keys []string
	for {
		s.blank(false)
		k, ok := s.keyPart()
		if !ok {
			return nil, false
		}
		if k == "" && s.emptyKey == 0 {
			s.emptyKey = s.line
		}
		keys = append(keys, k)
		if len(keys) > maxDepth {
			s.deep = true
			return nil, false
		}
		s.blank(false)
		if s.peek() != '.' {
			return keys, true
		}
		s.pos++
	}
}

// keyPart reads one bare or quoted key.
func (s *scanner) keyPart() (string, bool) {
	switch s.peek() {
	case '"':
		start := s.pos + 1
		if !s.quoted('"') {
			return "", false
		}
		return unescape(s.text[start : s.pos-1])
	case '\'':
		start := s.pos + 1
		if !s.quoted('\'') {
			return "", false
		}
		return s.text[start : s.pos-1], true
	}
	start := s.pos
	for s.pos < len(s.text) && isBareByte(s.text[s.pos]) {
		s.pos++
	}
	return s.text[start:s.pos], s.pos > start
}

// quoted passes a string of one line, from its opening to past its closing quote.
func (s *scanner) quoted(quote byte) bool {
	s.pos++
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		s.pos++
		switch {
		case c == quote:
			return true
		case c == '\n':
			s.line++
			return false
		case c == '\\' && quote == '"' && s.pos < len(s.text) && s.text[s.pos] != '\n':
			s.pos++
		}
	}
	return false
}

// quoted3 passes a string of several lines, from its opening to past its closing quotes (which one or two more quotes,
// part of the string, may precede).
func (s *scanner) quoted3(quote byte) bool {
	s.pos += 3
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		switch {
		case c == '\n':
			s.line++
		case c == '\\' && quote == '"' && s.pos+1 < len(s.text) && s.text[s.pos+1] != '\n':
			s.pos++
		case c == quote:
			run := 1
			for s.pos+run < len(s.text) && s.text[s.pos+run] == quote {
				run++
			}
			if run >= 3 {
				s.pos += min(run, 5)
				return true
			}
			s.pos += run - 1
		}
		s.pos++
	}
	return false
}

// value passes one value and notes the places of what is within.
func (s *scanner) value(n *node, depth int) bool {
	if depth > maxDepth {
		s.deep = true
		return false
	}
	switch c := s.peek(); c {
	case '"', '\'':
		if strings.HasPrefix(s.text[s.pos:], strings.Repeat(string(c), 3)) {
			return s.quoted3(c)
		}
		return s.quoted(c)
	case '[':
		return s.list(n, depth)
	case '{':
		return s.inlineTable(n, depth)
	}
	start := s.pos
	for s.pos < len(s.text) && strings.IndexByte(",]}#\r\n", s.text[s.pos]) < 0 {
		s.pos++ // a number, bool or date; a date may have a blank within
	}
	return s.pos > start
}

func (s *scanner) list(n *node, depth int) bool {
	s.pos++
	for {
		s.blank(true)
		if s.peek() == ']' {
			s.pos++
			return true
		}
		item := &node{line: s.line}
		n.items = append(n.items, item)
		if !s.value(item, depth+1) {
			return false
		}
		s.blank(true)
		switch s.peek() {
		case ',':
			s.pos++
		case ']':
		default:
			return false
		}
	}
}

func (s *scanner) inlineTable(n *node, depth int) bool {
	s.pos++
	for {
		s.blank(true)
		if s.peek() == '}' {
			s.pos++
			return true
		}
		if !s.keyValue(n, depth+1) {
			return false
		}
		s.blank(true)
		switch s.peek() {
		case ',':
			s.pos++
		case '}':
		default:
			return false
		}
	}
}

// unescape resolves the escapes of a basic string of one line.
func unescape(text string) (string, bool) {
	if strings.IndexByte(text, '\\') < 0 {
		return text, true
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b.WriteByte(text[i])
			continue
		}
		i++
		if i >= len(text) {
			return "", false
		}
		digits := 0
		switch text[i] {
		case 'b':
			b.WriteByte('\b')
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'f':
			b.WriteByte('\f')
		case 'r':
			b.WriteByte('\r')
		case 'e':
			b.WriteByte(0x1b)
		case '"', '\\':
			b.WriteByte(text[i])
		case 'x':
			digits = 2
		case 'u':
			digits = 4
		case 'U':
			digits = 8
		default:
			return "", false
		}
		if digits > 0 {
			if i+digits >= len(text) {
				return "", false
			}
			code, err := strconv.ParseUint(text[i+1:i+1+digits], 16, 32)
			if err != nil || code > 0x10ffff {
				return "", false
			}
			b.WriteRune(rune(code))
			i += digits
		}
	}
	return b.String(), true
}
