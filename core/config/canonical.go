package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Canonical writes a value as JSON, equal values always as the same bytes: object keys sorted, no blanks, integers as
// digits, floats as the shortest decimal that reads back to the same bits with a point or exponent always (so that 1 and
// 1.0 stay apart; Resolve has made them one where the option is a float), infinities and NaN as the strings "inf",
// "-inf", "nan". It is what goes to plugins and into the hashes that key stages.
//
// Values are those of resolved options, and for stage keys also other integers, float32 and typed slices, arrays and
// maps with string keys. It panics on any other type (a struct, a channel): such a value is a mistake in the program.
func Canonical(v any) []byte {
	var b bytes.Buffer
	canonical(&b, reflect.ValueOf(v))
	return b.Bytes()
}

func canonical(b *bytes.Buffer, v reflect.Value) {
	switch v.Kind() {
	case reflect.Invalid:
		b.WriteString("null")
	case reflect.Interface, reflect.Pointer:
		canonical(b, v.Elem())
	case reflect.Bool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		b.WriteString(strconv.FormatInt(v.Int(), 10))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		b.WriteString(strconv.FormatUint(v.Uint(), 10))
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); isFinite(f) {
			b.WriteString(formatFloat(f))
		} else {
			b.WriteString(`"` + formatFloat(f) + `"`)
		}
	case reflect.String:
		canonicalString(b, v.String())
	case reflect.Slice, reflect.Array:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(',')
			}
			canonical(b, v.Index(i))
		}
		b.WriteByte(']')
	case reflect.Map:
		if v.Type().Key().Kind() != reflect.String {
			panic(fmt.Sprintf("config: Canonical of a %v: keys must be strings", v.Type()))
		}
		byKey := make(map[string]reflect.Value, v.Len())
		for it := v.MapRange(); it.Next(); {
			byKey[it.Key().String()] = it.Value()
		}
		b.WriteByte('{')
		for i, k := range sortedKeys(byKey) {
			if i > 0 {
				b.WriteByte(',')
			}
			canonicalString(b, k)
			b.WriteByte(':')
			canonical(b, byKey[k])
		}
		b.WriteByte('}')
	default:
		panic(fmt.Sprintf("config: Canonical of a %v: not a value of options", v.Type()))
	}
}

// canonicalString writes a JSON string as encoding/json does without HTML escapes; bytes that are not UTF-8 become U+FFFD.
func canonicalString(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(fmt.Sprintf("config: Canonical of %q: %v", s, err)) // strings always encode
	}
	b.Truncate(b.Len() - 1) // Encode ends with a line break
}

// ParseJSON reads a JSON object into a tree: numbers with a point or exponent become float64, others int64. Refused:
// a key twice, numbers beyond int64 or float64, anything after the object, nesting deeper than 200.
func ParseJSON(raw json.RawMessage) (map[string]any, error) {
	v, err := parseJSON(raw)
	if err != nil {
		return nil, &KeyError{Text: "not valid JSON: " + err.Error()}
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, &KeyError{Text: "must be a JSON object, got " + describe(v)}
	}
	return m, nil
}

func parseJSON(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := jsonValue(d, 0)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("something follows after character %d", d.InputOffset())
	}
	return v, nil
}

func jsonValue(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Number:
		return jsonNumber(t.String())
	case json.Delim:
		if t == '[' {
			list := []any{}
			for d.More() {
				v, err := jsonValue(d, depth+1)
				if err != nil {
					return nil, err
				}
				list = append(list, v)
			}
			_, err := d.Token()
			return list, err
		}
		object := map[string]any{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			name, ok := key.(string)
			if !ok {
				return nil, fmt.Errorf("a key must be a string, got %v", key)
			}
			if _, twice := object[name]; twice {
				return nil, fmt.Errorf("key %q is given twice", name)
			}
			if object[name], err = jsonValue(d, depth+1); err != nil {
				return nil, err
			}
		}
		_, err := d.Token()
		return object, err
	}
	return token, nil // bool, string, nil
}

func jsonNumber(text string) (any, error) {
	if strings.ContainsAny(text, ".eE") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsInf(f, 0) {
			return nil, fmt.Errorf("the number %s does not fit a float", text)
		}
		return f, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("the integer %s does not fit 64 bits", text)
	}
	return n, nil
}

// Without returns a copy of resolved values without the options that affect nothing but what is named. A stage's key is
// the hash of what is left: of training, Without(table, resolved, Nothing, Use, "observe", "sample", "judge", "report").
func Without(table []Option, resolved map[string]any, affects ...string) map[string]any {
	out := map[string]any{}
	for i := range table {
		o := &table[i]
		v, ok := resolved[o.Name]
		if !ok || !o.affectsOtherThan(affects) {
			continue
		}
		switch t := v.(type) {
		case map[string]any:
			if o.Type == TableType {
				v = Without(o.Options, t, affects...)
			}
		case []any:
			if o.Type == TablesType {
				items := make([]any, len(t))
				for i, item := range t {
					items[i] = item
					if m, ok := item.(map[string]any); ok {
						items[i] = Without(o.Options, m, affects...)
					}
				}
				v = items
			}
		}
		out[o.Name] = Clone(v)
	}
	return out
}

// MapFiles returns a copy of resolved values with f's answer in the place of every file's name that is given (Option.File);
// the empty name is none. Errors of f are *KeyErrors with the option's path.
func MapFiles(table []Option, resolved map[string]any, f func(name string) (string, error)) (map[string]any, error) {
	return mapFiles(table, resolved, nil, f)
}

func mapFiles(table []Option, resolved map[string]any, at Path, f func(string) (string, error)) (map[string]any, error) {
	out := maps.Clone(resolved)
	for i := range table {
		o := &table[i]
		path := at.Join(o.Name)
		var err error
		switch v := resolved[o.Name].(type) {
		case string:
			if o.File && v != "" {
				if out[o.Name], err = f(v); err != nil {
					return nil, &KeyError{Path: path, Text: err.Error()}
				}
			}
		case map[string]any:
			if o.Type == TableType {
				if out[o.Name], err = mapFiles(o.Options, v, path, f); err != nil {
					return nil, err
				}
			}
		case []any:
			if o.Type != TablesType {
				break
			}
			items := slices.Clone(v)
			for k, item := range items {
				if m, ok := item.(map[string]any); ok {
					if items[k], err = mapFiles(o.Options, m, path.Item(k), f); err != nil {
						return nil, err
					}
				}
			}
			out[o.Name] = items
		}
	}
	return out, nil
}

// Pick returns the values whose names are in the table: the plugin's part of a table that holds the host's keys too.
func Pick(table []Option, resolved map[string]any) map[string]any {
	out := map[string]any{}
	for i := range table {
		if v, ok := resolved[table[i].Name]; ok {
			out[table[i].Name] = v
		}
	}
	return out
}
