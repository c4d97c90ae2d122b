package config

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Table makes the option table of a struct (or pointer to one); v's values do not matter. Each exported field needs the
// tag `option:"name"`, or `option:"-"` to be left alone; embedded structs without a tag are read as if their fields stood
// there. Further tags:
//
//	default:"0.3"          JSON, or inf, -inf, nan; for strings the text itself. Absent: the option is required
//	min:"0" max:"1"        bounds, allowed themselves; of lists, of every number
//	above:"0" below:"1"    bounds, not allowed themselves
//	allow:"inf,nan"        otherwise refused
//	oneof:"a,b"            the values taken
//	len:"2" "1.." "..3"    how many items a list has
//	unit:"m/s"  doc:"..."  doc is a must
//	file:"yes"             a string that names a file, relative to the TOML file's folder; its content counts
//	affects:"train|sample" the stages it changes, or use, or nothing (constants Use, Nothing); absent: all
//
// Field types: bool, ints, floats, string, slices of them, [][]float64, struct (a table), []struct (tables),
// map[string]any, any, and pointers to these: an option that may be absent, without a default. Integer fields narrower
// than int64 bound the option to what they hold. Errors say which field is declared wrongly.
func Table(v any) ([]Option, error) {
	fields, err := structFields(reflect.TypeOf(v), nil)
	if err != nil {
		return nil, err
	}
	table := tableOf(fields)
	if err := Check(table); err != nil {
		return nil, fmt.Errorf("config: %T: %w", v, err)
	}
	return table, nil
}

// field is one option and the struct field it is decoded into.
type field struct {
	option Option
	index  []int
	within []field // of structs and slices of structs
}

func tableOf(fields []field) []Option {
	table := make([]Option, len(fields))
	for i, f := range fields {
		table[i] = f.option
	}
	return table
}

// structFields reads the tags of a struct; outer is the chain of structs around it.
func structFields(t reflect.Type, outer []reflect.Type) ([]field, error) {
	for t != nil && t.Kind() == reflect.Pointer && len(outer) == 0 {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("config: options must be a struct, got %v", t)
	}
	if slices.Contains(outer, t) {
		return nil, fmt.Errorf("config: %v holds itself: option tables are finite", t)
	}
	outer = append(slices.Clip(outer), t)
	var fields []field
	for i := range t.NumField() {
		sf := t.Field(i)
		name, tagged := sf.Tag.Lookup("option")
		switch {
		case name == "-":
			continue
		case sf.Anonymous && !tagged && sf.Type.Kind() == reflect.Struct:
			embedded, err := structFields(sf.Type, outer)
			if err != nil {
				return nil, err
			}
			for _, f := range embedded {
				f.index = append([]int{i}, f.index...)
				fields = append(fields, f)
			}
			continue
		case !sf.IsExported() && !tagged:
			continue
		case !sf.IsExported() || !tagged || name == "":
			return nil, fmt.Errorf("config: field %s of %v: exported fields need the tag option:\"name\" or option:\"-\", and no others may have it", sf.Name, t)
		}
		f := field{index: []int{i}}
		if err := f.read(sf, name, outer); err != nil {
			return nil, fmt.Errorf("config: field %s of %v: %w", sf.Name, t, err)
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// read fills f.option (and f.within) from a struct field.
func (f *field) read(sf reflect.StructField, name string, outer []reflect.Type) error {
	o := &f.option
	o.Name, o.Unit, o.Doc, o.Stage = name, sf.Tag.Get("unit"), sf.Tag.Get("doc"), sf.Tag.Get("affects")
	if o.Doc == "" {
		return fmt.Errorf("no doc tag")
	}
	t := sf.Type
	if t.Kind() == reflect.Pointer {
		o.Optional = true
		t = t.Elem()
	}
	var err error
	if o.Type, err = optionType(t); err != nil {
		return err
	}
	if o.Type.scalar() == TableType {
		s := t
		if o.Type == TablesType {
			s = t.Elem()
		}
		if f.within, err = structFields(s, outer); err != nil {
			return err
		}
		o.Options = tableOf(f.within)
	}
	if text, ok := sf.Tag.Lookup("default"); ok {
		if o.Default, err = defaultJSON(o.Type, text); err != nil {
			return err
		}
	}
	for _, b := range []struct {
		tag       string
		to        **float64
		exclusive *bool
	}{{"min", &o.Min, nil}, {"max", &o.Max, nil}, {"above", &o.Min, &o.MinExclusive}, {"below", &o.Max, &o.MaxExclusive}} {
		text, ok := sf.Tag.Lookup(b.tag)
		if !ok {
			continue
		}
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("tag %s:%q is no number", b.tag, text)
		}
		if *b.to != nil {
			return fmt.Errorf("tag %s:%q: the bound is given twice", b.tag, text)
		}
		*b.to = &x
		if b.exclusive != nil {
			*b.exclusive = true
		}
	}
	if text, ok := sf.Tag.Lookup("file"); ok {
		if text != "yes" {
			return fmt.Errorf("tag file:%q must be \"yes\"", text)
		}
		o.File = true
	}
	if text, ok := sf.Tag.Lookup("oneof"); ok {
		o.Allowed = strings.Split(text, ",")
	}
	if text, ok := sf.Tag.Lookup("allow"); ok {
		for a := range strings.SplitSeq(text, ",") {
			switch a {
			case "inf":
				o.AllowInf = true
			case "nan":
				o.AllowNaN = true
			default:
				return fmt.Errorf("tag allow:%q: inf and nan can be allowed", text)
			}
		}
	}
	if text, ok := sf.Tag.Lookup("len"); ok {
		if err := o.readLen(text); err != nil {
			return err
		}
	}
	o.boundByKind(t)
	return nil
}

// readLen reads "2", "1..", "..3" or "1..3".
func (o *Option) readLen(text string) error {
	low, high, isRange := strings.Cut(text, "..")
	if !isRange {
		high = low
	}
	if low != "" {
		n, err := strconv.Atoi(low)
		if err != nil {
			return fmt.Errorf(`tag len:%q must be like "2", "1..", "..3" or "1..3"`, text)
		}
		o.MinLen = n
	}
	if high != "" {
		n, err := strconv.Atoi(high)
		if err != nil {
			return fmt.Errorf(`tag len:%q must be like "2", "1..", "..3" or "1..3"`, text)
		}
		o.MaxLen = &n
	}
	return nil
}

// boundByKind keeps integers within what the Go field holds.
func (o *Option) boundByKind(t reflect.Type) {
	if o.Type.scalar() != Int {
		return
	}
	for t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	low, high := math.Inf(-1), math.Inf(1)
	switch t.Kind() {
	case reflect.Int8:
		low, high = math.MinInt8, math.MaxInt8
	case reflect.Int16:
		low, high = math.MinInt16, math.MaxInt16
	case reflect.Int32:
		low, high = math.MinInt32, math.MaxInt32
	case reflect.Uint8:
		low, high = 0, math.MaxUint8
	case reflect.Uint16:
		low, high = 0, math.MaxUint16
	case reflect.Uint32:
		low, high = 0, math.MaxUint32
	case reflect.Uint, reflect.Uint64:
		low = 0
	}
	if !math.IsInf(low, 0) && (o.Min == nil || *o.Min < low) {
		o.Min, o.MinExclusive = &low, false
	}
	if !math.IsInf(high, 0) && (o.Max == nil || *o.Max > high) {
		o.Max, o.MaxExclusive = &high, false
	}
}

func optionType(t reflect.Type) (Type, error) {
	switch t.Kind() {
	case reflect.Bool:
		return Bool, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return Int, nil
	case reflect.Float64, reflect.Float32:
		return Float, nil
	case reflect.String:
		return String, nil
	case reflect.Struct:
		return TableType, nil
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return Any, nil
		}
	case reflect.Map:
		if t == reflect.TypeFor[map[string]any]() {
			return Map, nil
		}
	case reflect.Slice:
		elem, err := optionType(t.Elem())
		if err != nil {
			break
		}
		for _, list := range allTypes {
			if list.elem() == elem && list.elem() != "" {
				return list, nil
			}
		}
	}
	return "", fmt.Errorf("type %v cannot be an option", t)
}

// defaultJSON reads a default tag.
func defaultJSON(t Type, text string) (json.RawMessage, error) {
	switch {
	case t == String, t == Float && isNonFinite(text):
		return Canonical(text), nil
	}
	v, err := parseJSON([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("tag default:%q is not JSON: %w", text, err)
	}
	return Canonical(v), nil
}

func isNonFinite(text string) bool {
	_, ok := nonFinite[text]
	return ok
}

var nonFinite = map[string]float64{"inf": math.Inf(1), "+inf": math.Inf(1), "-inf": math.Inf(-1), "nan": math.NaN()}

// MustTable is Table for a plugin's own options struct. It panics on a struct that is wrongly declared: a mistake of the
// program, which every use of it shows.
func MustTable(v any) []Option {
	table, err := Table(v)
	if err != nil {
		panic(err)
	}
	return table
}
