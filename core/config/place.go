package config

import "fmt"

// node is the place of one value: its line, and the places of what is within.
type node struct {
	line     int
	explicit bool             // a table with a header of its own
	keys     map[string]*node // of a table
	items    []*node          // of a list
}

// child returns the value at key, made at that line if it is new.
func (n *node) child(key string, line int) *node {
	if c, ok := n.keys[key]; ok {
		return c
	}
	if n.keys == nil {
		n.keys = map[string]*node{}
	}
	c := &node{line: line}
	n.keys[key] = c
	return c
}

// last returns the table that a header speaks of: the newest item of an array of tables, else the table itself.
func (n *node) last() *node {
	if len(n.items) > 0 {
		return n.items[len(n.items)-1]
	}
	return n
}

// match compares the places with the library's tree: a place for every value, and no other. It returns where they differ
// (its line and what is wrong), or 0: either the scanner or the library has misread the text.
func (n *node) match(v any, path Path) (int, string) {
	at := func() string {
		if len(path) == 0 {
			return "the file"
		}
		return path.String()
	}
	switch t := v.(type) {
	case map[string]any:
		if len(n.items) > 0 || len(n.keys) != len(t) {
			return n.line, fmt.Sprintf("%s was read as a table with %d keys, %d keys and %d list items stand there", at(), len(t), len(n.keys), len(n.items))
		}
		for _, k := range sortedKeys(t) {
			child, ok := n.keys[k]
			if !ok {
				return n.line, fmt.Sprintf("the key %s was read but stands nowhere", path.Join(k))
			}
			if line, text := child.match(t[k], path.Join(k)); line > 0 {
				return line, text
			}
		}
	case []any:
		if len(n.keys) > 0 || len(n.items) != len(t) {
			return n.line, fmt.Sprintf("%s was read as a list of length %d, %d keys and %d list items stand there", at(), len(t), len(n.keys), len(n.items))
		}
		for i, item := range t {
			if line, text := n.items[i].match(item, path.Item(i)); line > 0 {
				return line, text
			}
		}
	default:
		if len(n.keys)+len(n.items) > 0 {
			return n.line, fmt.Sprintf("%s was read as a scalar, %d keys and %d list items stand there", at(), len(n.keys), len(n.items))
		}
	}
	return 0, ""
}
