package config

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Encode writes a tree as TOML, always the same bytes for the same tree: keys sorted, in each table scalars and lists
// first, then tables, then arrays of tables. Parse of it gives the tree back exactly: floats to the last bit (inf, -inf,
// nan and -0.0 too), integers as integers, dates with their kind. header becomes comment lines on top.
//
// Values are map[string]any, []any, string, bool, int, int64, float64, time.Time; lists that hold tables and nothing else
// become [[arrays of tables]]. Anything else, nil included, empty keys and strings that are not UTF-8 are a *KeyError.
func Encode(tree map[string]any, header string) ([]byte, error) {
	var e encoder
	if header != "" {
		for line := range strings.SplitSeq(strings.TrimRight(header, "\n"), "\n") {
			line = strings.Map(func(r rune) rune {
				if r < 0x20 && r != '\t' || r == 0x7f || r == utf8.RuneError {
					return ' '
				}
				return r
			}, line)
			e.b.WriteString(strings.TrimRight("# "+line, " ") + "\n")
		}
	}
	if err := e.table(nil, tree); err != nil {
		return nil, err
	}
	return e.b.Bytes(), nil
}

type encoder struct{ b bytes.Buffer }

// table writes what is in a table: its own header is written already.
func (e *encoder) table(path Path, table map[string]any) error {
	var tables, lists []string
	for _, k := range sortedKeys(table) {
		if err := checkKey(path, k); err != nil {
			return err
		}
		switch v := table[k].(type) {
		case map[string]any:
			tables = append(tables, k)
			continue
		case []any:
			if allTables(v) {
				lists = append(lists, k)
				continue
			}
		}
		e.b.WriteString(quoteKey(k) + " = ")
		if err := e.inline(path.Join(k), table[k]); err != nil {
			return err
		}
		e.b.WriteByte('\n')
	}
	for _, k := range tables {
		t := table[k].(map[string]any)
		if needsHeader(t) {
			e.header(path.Join(k), "[", "]")
		}
		if err := e.table(path.Join(k), t); err != nil {
			return err
		}
	}
	for _, k := range lists {
		for _, item := range table[k].([]any) {
			e.header(path.Join(k), "[[", "]]")
			if err := e.table(path.Join(k), item.(map[string]any)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *encoder) header(path Path, open, shut string) {
	if e.b.Len() > 0 {
		e.b.WriteByte('\n')
	}
	keys := make([]string, len(path))
	for i, k := range path {
		keys[i] = quoteKey(k)
	}
	e.b.WriteString(open + strings.Join(keys, ".") + shut + "\n")
}

// needsHeader: a table that holds nothing but tables is made by their headers.
func needsHeader(t map[string]any) bool {
	for _, v := range t {
		switch v := v.(type) {
		case map[string]any:
		case []any:
			if !allTables(v) {
				return true
			}
		default:
			return true
		}
	}
	return len(t) == 0
}

func allTables(list []any) bool {
	for _, v := range list {
		if _, ok := v.(map[string]any); !ok {
			return false
		}
	}
	return len(list) > 0
}

// inline writes a value on one line.
func (e *encoder) inline(path Path, v any) error {
	switch t := v.(type) {
	case string:
		if !utf8.ValidString(t) {
			return &KeyError{Path: path, Text: fmt.Sprintf("%q is not UTF-8", t)}
		}
		e.b.WriteString(quoteString(t))
	case bool:
		e.b.WriteString(strconv.FormatBool(t))
	case int:
		e.b.WriteString(strconv.Itoa(t))
	case int64:
		e.b.WriteString(strconv.FormatInt(t, 10))
	case float64:
		e.b.WriteString(formatFloat(t))
	case time.Time:
		e.b.WriteString(formatTime(t))
	case []any:
		e.b.WriteByte('[')
		for i, item := range t {
			if i > 0 {
				e.b.WriteString(", ")
			}
			if err := e.inline(path.Item(i), item); err != nil {
				return err
			}
		}
		e.b.WriteByte(']')
	case map[string]any:
		e.b.WriteByte('{')
		for i, k := range sortedKeys(t) {
			if err := checkKey(path, k); err != nil {
				return err
			}
			if i > 0 {
				e.b.WriteByte(',')
			}
			e.b.WriteString(" " + quoteKey(k) + " = ")
			if err := e.inline(path.Join(k), t[k]); err != nil {
				return err
			}
		}
		e.b.WriteString(" }")
	default:
		return &KeyError{Path: path, Text: fmt.Sprintf("a Go %T cannot be written as TOML", v)}
	}
	return nil
}

// checkKey refuses what Parse refuses.
func checkKey(path Path, key string) error {
	if key == "" || !utf8.ValidString(key) {
		return &KeyError{Path: path, Text: fmt.Sprintf("the key %q is empty or not UTF-8", key)}
	}
	return nil
}

// formatFloat writes the shortest decimal that reads back to the same bits, always with a point or an exponent; inf,
// -inf, nan.
func formatFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	text := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}

// formatTime writes a date as the kind it was read as: the library names the time zones of local dates and times.
func formatTime(t time.Time) string {
	switch t.Location().String() {
	case "datetime-local":
		return t.Format("2006-01-02T15:04:05.999999999")
	case "date-local":
		return t.Format("2006-01-02")
	case "time-local":
		return t.Format("15:04:05.999999999")
	}
	return t.Format(time.RFC3339Nano)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
