package config

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// Decode reads options (JSON, resolved or not) into v, a pointer to a struct with the tags that Table takes. It is as
// strict as Resolve, which it calls with v's own table: an unknown key, a wrong type, a value out of bounds and a missing
// required option are *KeyErrors, and v is untouched then. Absent options get their defaults, absent optional ones nil.
// Decode of {} gives the defaults.
func Decode(raw json.RawMessage, v any) error {
	in, err := ParseJSON(raw)
	if err != nil {
		return err
	}
	return DecodeTree(in, v)
}

// DecodeTree is Decode from a tree, such as a table of a Document.
func DecodeTree(in map[string]any, v any) error {
	to := reflect.ValueOf(v)
	if to.Kind() != reflect.Pointer || to.IsNil() {
		return fmt.Errorf("config: Decode wants a pointer to a struct, got %T", v)
	}
	table, err := Table(v)
	if err != nil {
		return err
	}
	fields, err := structFields(to.Type(), nil)
	if err != nil {
		return err
	}
	resolved, err := Resolve(table, in)
	if err != nil {
		return err
	}
	for to.Kind() == reflect.Pointer {
		if to.IsNil() {
			to.Set(reflect.New(to.Type().Elem()))
		}
		to = to.Elem()
	}
	fresh := reflect.New(to.Type()).Elem()
	fresh.Set(to) // keeps the fields that are no options
	if err := setStruct(fresh, fields, resolved, nil); err != nil {
		return err
	}
	to.Set(fresh)
	return nil
}

func setStruct(to reflect.Value, fields []field, values map[string]any, path Path) error {
	for _, f := range fields {
		dst := to.FieldByIndex(f.index)
		v, ok := values[f.option.Name]
		if !ok {
			dst.SetZero()
			continue
		}
		if err := set(dst, f, v, path.Join(f.option.Name)); err != nil {
			return err
		}
	}
	return nil
}

// set stores a resolved value; types were checked, what is left is whether a number fits the Go type.
func set(dst reflect.Value, f field, v any, path Path) error {
	if dst.Kind() == reflect.Pointer {
		dst.Set(reflect.New(dst.Type().Elem()))
		dst = dst.Elem()
	}
	switch t := v.(type) {
	case bool:
		if dst.Kind() == reflect.Bool {
			dst.SetBool(t)
			return nil
		}
	case string:
		if dst.Kind() == reflect.String {
			dst.SetString(t)
			return nil
		}
	case int64:
		switch {
		case dst.CanInt() && !dst.OverflowInt(t):
			dst.SetInt(t)
			return nil
		case dst.CanUint() && t >= 0 && !dst.OverflowUint(uint64(t)):
			dst.SetUint(uint64(t))
			return nil
		}
	case float64:
		if dst.CanFloat() && !(isFinite(t) && dst.OverflowFloat(t)) {
			dst.SetFloat(t)
			return nil
		}
	case []any:
		if dst.Kind() == reflect.Slice {
			list := reflect.MakeSlice(dst.Type(), len(t), len(t))
			for i, item := range t {
				if err := set(list.Index(i), f, item, path.Item(i)); err != nil {
					return err
				}
			}
			dst.Set(list)
			return nil
		}
	case map[string]any:
		if dst.Kind() == reflect.Struct {
			return setStruct(dst, f.within, t, path)
		}
	}
	if k := dst.Kind(); k == reflect.Interface || k == reflect.Map {
		dst.Set(reflect.ValueOf(v))
		return nil
	}
	return &KeyError{Path: path, Text: fmt.Sprintf("%s does not fit a %v", describe(v), dst.Type())}
}
