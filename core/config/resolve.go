package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Resolve checks values against a table and fills every default in: the result has every option of the table but for the
// optional ones that were not given, in the table's types (int64, float64, bool, string, []any, map[string]any). The
// input (such a tree too, from TOML or ParseJSON) stays as it is.
//
// The error joins one *KeyError for everything wrong: an unknown key (with what may have been meant, and what is allowed),
// a missing required one, a wrong type (an integer is taken for a float if it is exactly one, a float never for an
// integer), a value out of bounds or not among those allowed, an infinity or NaN where none is allowed. Paths are relative to in.
func Resolve(table []Option, in map[string]any) (map[string]any, error) {
	var r resolver
	out := r.table(table, in, nil)
	if len(r.errs) > 0 {
		joined := make([]error, len(r.errs))
		for i, e := range r.errs {
			joined[i] = e
		}
		return nil, errors.Join(joined...)
	}
	return out, nil
}

type resolver struct{ errs []*KeyError }

func (r *resolver) fail(path Path, format string, args ...any) {
	r.errs = append(r.errs, &KeyError{Path: path, Text: fmt.Sprintf(format, args...)})
}

func (r *resolver) table(table []Option, in map[string]any, path Path) map[string]any {
	names := make([]string, len(table))
	for i := range table {
		names[i] = table[i].Name
	}
	for _, key := range sortedKeys(in) {
		if !slices.Contains(names, key) {
			r.errs = append(r.errs, UnknownKey(path.Join(key), names))
		}
	}
	out := make(map[string]any, len(table))
	for i := range table {
		o := &table[i]
		at := path.Join(o.Name)
		v, given := in[o.Name]
		switch {
		case given:
		case o.Optional:
			continue
		case o.Type == TableType:
			v = map[string]any{}
		case o.Default == nil:
			r.fail(at, "required option is missing (%s)", o.summary())
			continue
		default:
			var err error
			if v, err = parseJSON(o.Default); err != nil {
				r.fail(at, "the option's default is not JSON: %v", err)
				continue
			}
		}
		out[o.Name] = r.value(o, o.Type, v, at)
	}
	return out
}

// value checks v, found at path, as a value of type t of option o (t is o.Type, or that of its items) and returns it in
// the table's type.
func (r *resolver) value(o *Option, t Type, v any, path Path) any {
	if elem := t.elem(); elem != "" {
		in, ok := v.([]any)
		if !ok {
			r.fail(path, "must be %s, got %s", typeText[t], describe(v))
			return nil
		}
		if t == o.Type && (len(in) < o.MinLen || o.MaxLen != nil && len(in) > *o.MaxLen) {
			r.fail(path, "must have %s, got %d", o.lenText(), len(in))
		}
		out := make([]any, len(in))
		for i, item := range in {
			out[i] = r.value(o, elem, item, path.Item(i))
		}
		return out
	}
	switch t {
	case Bool:
		if b, ok := v.(bool); ok {
			return b
		}
	case Int:
		if n, ok := integer(v); ok {
			r.allowed(o, strconv.FormatInt(n, 10), path)
			r.inRange(o, float64(n), strconv.FormatInt(n, 10), path)
			return n
		}
		if f, ok := v.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			r.fail(path, "must be an integer, got the float %s; write %d", formatFloat(f), int64(f))
			return nil
		}
	case Float:
		return r.float(o, v, path)
	case String:
		if s, ok := v.(string); ok {
			if !utf8.ValidString(s) {
				r.fail(path, "%q is not UTF-8", s)
			}
			r.allowed(o, s, path)
			return s
		}
	case TableType:
		if m, ok := v.(map[string]any); ok {
			return r.table(o.Options, m, path)
		}
	case Map:
		if m, ok := v.(map[string]any); ok {
			return r.free(m, path)
		}
	case Any:
		return r.free(v, path)
	}
	r.fail(path, "must be %s, got %s", typeText[t], describe(v))
	return nil
}

func (r *resolver) float(o *Option, v any, path Path) any {
	f, ok := v.(float64)
	if n, isInt := integer(v); isInt {
		f, ok = float64(n), true
		if f >= 1<<63 || int64(f) != n {
			r.fail(path, "the integer %d is not exactly a float; write it as one, %s", n, formatFloat(f))
			return nil
		}
	}
	if s, isString := v.(string); isString && (o.AllowInf || o.AllowNaN) {
		f, ok = nonFinite[s]
	}
	switch {
	case !ok:
		r.fail(path, "must be a number, got %s", describe(v))
		return nil
	case math.IsNaN(f):
		if !o.AllowNaN {
			r.fail(path, "must be a number, got nan")
		}
		return f
	case math.IsInf(f, 0) && !o.AllowInf:
		r.fail(path, "must be finite, got %s", formatFloat(f))
		return f
	}
	r.inRange(o, f, formatFloat(f), path)
	return f
}

// free copies a value that no table describes; what JSON and TOML cannot both hold is refused.
func (r *resolver) free(v any, path Path) any {
	switch t := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(t))
		for _, k := range sortedKeys(t) {
			out[k] = r.free(t[k], path.Join(k))
		}
		return out
	case []any:
		out := make([]any, len(t))
		for i, item := range t {
			out[i] = r.free(item, path.Item(i))
		}
		return out
	case float64:
		if !isFinite(t) {
			r.fail(path, "must be finite, got %s", formatFloat(t))
		}
		return t
	case bool, string, int64:
		return t
	case int:
		return int64(t)
	}
	r.fail(path, "cannot be %s", describe(v))
	return nil
}

func integer(v any) (int64, bool) {
	switch n := v.(type) {
	case int64:
		return n, true
	case int:
		return int64(n), true
	}
	return 0, false
}

func (r *resolver) allowed(o *Option, text string, path Path) {
	if len(o.Allowed) > 0 && !slices.Contains(o.Allowed, text) {
		quote := strconv.Quote
		if o.Type.scalar() == Int {
			quote = func(s string) string { return s }
		}
		quoted := make([]string, len(o.Allowed))
		for i, a := range o.Allowed {
			quoted[i] = quote(a)
		}
		meant := ""
		if s := Suggest(text, o.Allowed); s != "" && o.Type.scalar() == String {
			meant = fmt.Sprintf("; did you mean %q?", s)
		}
		r.fail(path, "must be one of %s, got %s%s", strings.Join(quoted, ", "), quote(text), meant)
	}
}

func (r *resolver) inRange(o *Option, x float64, text string, path Path) {
	low := o.Min != nil && (x < *o.Min || o.MinExclusive && x == *o.Min)
	high := o.Max != nil && (x > *o.Max || o.MaxExclusive && x == *o.Max)
	if low || high {
		unit := ""
		if o.Unit != "" && o.Unit != "1" {
			unit = " " + o.Unit
		}
		r.fail(path, "must be %s%s, got %s", o.rangeText(), unit, text)
	}
}

// typeText says what an option wants, after "must be".
var typeText = map[Type]string{
	Bool: "true or false", Int: "an integer", Float: "a number", String: "a string", Bools: "a list of true and false",
	Ints: "a list of integers", Floats: "a list of numbers", Strings: "a list of strings",
	FloatLists: "a list of lists of numbers", TableType: "a table", TablesType: "a list of tables", Map: "a table", Any: "a value",
}

// describe says what a value is, for errors.
func describe(v any) string {
	switch t := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(t)
	case int, int64:
		return fmt.Sprintf("the integer %d", t)
	case float64:
		return "the float " + formatFloat(t)
	case string:
		if utf8.RuneCountInString(t) > 40 {
			t = string([]rune(t)[:40]) + "..."
		}
		return fmt.Sprintf("the string %q", t)
	case []any:
		return fmt.Sprintf("a list of length %d", len(t))
	case map[string]any:
		return "a table"
	case time.Time:
		return "the date " + formatTime(t)
	}
	return fmt.Sprintf("a Go %T", v)
}
