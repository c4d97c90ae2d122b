package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Type is the type of an option's value.
type Type string

// The types of options. Integers are 64 bits; an integer is taken where a float is wanted, never the reverse.
const (
	Bool       Type = "bool"
	Int        Type = "int"
	Float      Type = "float"
	String     Type = "string"
	Bools      Type = "bools"
	Ints       Type = "ints"
	Floats     Type = "floats"
	Strings    Type = "strings"
	FloatLists Type = "float-lists" // a list of lists of floats, not all of the same length
	TableType  Type = "table"       // with Options of its own
	TablesType Type = "tables"      // a list of tables, each with Options
	Map        Type = "map"         // a table with keys and values of any kind, such as [sweep]
	Any        Type = "any"         // anything: judged by whoever reads it
)

var allTypes = []Type{Bool, Int, Float, String, Bools, Ints, Floats, Strings, FloatLists, TableType, TablesType, Map, Any}

// What an option's Stage may name: the stages of a run that the option changes the results of; Use, an option that
// changes what comes after training but not training; Nothing, one that changes no number at all (threads, verbosity).
const (
	Use     = "use"
	Nothing = "nothing"
)

var stages = []string{"data", "train", "observe", "sample", "judge", "report", Use, Nothing}

// Option describes one option of a plugin, or of a table of the experiment file. It travels as JSON from the plugin to
// the host. Table makes it from a Go struct; plugins in other languages write it themselves (Check judges it).
type Option struct {
	Name string `json:"name"` // bare TOML key
	Type Type   `json:"type"`
	Unit string `json:"unit,omitempty"`
	Doc  string `json:"doc"`

	// Default is the value that an absent option gets, as JSON (infinities and NaN as "inf", "-inf", "nan"); nil: the
	// option is required, or Optional. A table has no default: it is made of its options' defaults.
	Default  json.RawMessage `json:"default,omitempty"`
	Optional bool            `json:"optional,omitempty"` // absent when not given

	Allowed []string `json:"allowed,omitempty"` // of string, strings, int, ints: the values taken

	// Min and Max bound a number, or every number of a list.
	Min          *float64 `json:"min,omitempty"`
	Max          *float64 `json:"max,omitempty"`
	MinExclusive bool     `json:"min_exclusive,omitempty"`
	MaxExclusive bool     `json:"max_exclusive,omitempty"`
	AllowInf     bool     `json:"allow_inf,omitempty"` // infinities are taken (within Min and Max); else refused
	AllowNaN     bool     `json:"allow_nan,omitempty"` // NaN is taken; else refused

	MinLen int  `json:"min_len,omitempty"` // of a list
	MaxLen *int `json:"max_len,omitempty"` // of a list, nil: no limit

	Options []Option `json:"options,omitempty"` // of table and tables

	// File marks a string that names a file whose content counts as the option's value: whoever reads a TOML file takes the
	// path from that file's folder, and puts the content's hash into keys (MapFiles).
	File bool `json:"file,omitempty"`

	// Stage is what the option affects: "" everything, else names of stages with | between, or "use" or "nothing".
	Stage string `json:"affects,omitempty"`
}

// Required tells whether a file must give the option.
func (o *Option) Required() bool { return o.Default == nil && !o.Optional && o.Type != TableType }

// affects tells whether the option affects anything but the named things.
func (o *Option) affectsOtherThan(names []string) bool {
	if o.Stage == "" {
		return true
	}
	for s := range strings.SplitSeq(o.Stage, "|") {
		if !slices.Contains(names, s) {
			return true
		}
	}
	return false
}

// elem is the type of the items of a list, "" for what is no list.
func (t Type) elem() Type {
	switch t {
	case Bools:
		return Bool
	case Ints:
		return Int
	case Floats:
		return Float
	case Strings:
		return String
	case FloatLists:
		return Floats
	case TablesType:
		return TableType
	}
	return ""
}

// scalar is the type of the numbers or strings within.
func (t Type) scalar() Type {
	for t.elem() != "" {
		t = t.elem()
	}
	return t
}

// Check judges a table, as one that came over a wire must be: names are bare keys and differ, types and stages are known,
// bounds make sense, defaults are values that the option would take. The error joins all that is wrong, as *KeyError.
func Check(table []Option) error { return checkTable(table, nil, 0) }

func checkTable(table []Option, at Path, depth int) error {
	if depth > maxDepth {
		return &KeyError{Path: at, Text: fmt.Sprintf("option tables nest deeper than %d", maxDepth)}
	}
	var errs []error
	seen := map[string]bool{}
	for i := range table {
		o := &table[i]
		path := at.Join(o.Name)
		if seen[o.Name] {
			errs = append(errs, &KeyError{Path: path, Text: "option declared twice"})
			continue
		}
		seen[o.Name] = true
		for _, text := range o.faults() {
			errs = append(errs, &KeyError{Path: path, Text: "option declared wrongly: " + text})
		}
		if len(o.Options) > 0 && o.Type.scalar() == TableType {
			errs = append(errs, checkTable(o.Options, path, depth+1))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for i := range table { // once all is well otherwise, the defaults
		o := &table[i]
		if o.Default == nil {
			continue
		}
		path := at.Join(o.Name)
		v, err := parseJSON(o.Default)
		if err != nil {
			errs = append(errs, &KeyError{Path: path, Text: "option declared wrongly: default: " + err.Error()})
			continue
		}
		var r resolver
		r.value(o, o.Type, v, path)
		for _, e := range r.errs {
			e.Text = "option declared wrongly: default " + e.Text
			errs = append(errs, e)
		}
	}
	return errors.Join(errs...)
}

// faults lists what is wrong with an option but for its default and its Options.
func (o *Option) faults() []string {
	var f []string
	bad := func(wrong bool, format string, args ...any) {
		if wrong {
			f = append(f, fmt.Sprintf(format, args...))
		}
	}
	scalar := o.Type.scalar()
	number := scalar == Int || scalar == Float
	bad(!isBareKey(o.Name), "the name %q is no bare key (letters, digits, _ and -)", o.Name)
	bad(!slices.Contains(allTypes, o.Type), "unknown type %q, known are %s", o.Type, list(allTypes))
	bad(o.Optional && o.Default != nil, "optional and with a default")
	bad(o.Type == TableType && o.Default != nil, "a table's default is made of its options' defaults")
	bad(len(o.Options) > 0 && scalar != TableType, "options within type %s", o.Type)
	bad((o.Min != nil || o.Max != nil) && !number, "bounds for type %s", o.Type)
	bad(o.MinExclusive && o.Min == nil || o.MaxExclusive && o.Max == nil, "an exclusive bound that is not given")
	bad(o.Min != nil && !isFinite(*o.Min) || o.Max != nil && !isFinite(*o.Max), "bounds must be finite")
	if o.Min != nil && o.Max != nil {
		bad(*o.Min > *o.Max || *o.Min == *o.Max && (o.MinExclusive || o.MaxExclusive), "nothing is %s", o.rangeText())
	}
	bad(o.File && o.Type != String, "a file's name of type %s", o.Type)
	bad((o.AllowInf || o.AllowNaN) && scalar != Float, "inf or nan for type %s", o.Type)
	bad(len(o.Allowed) > 0 && scalar != String && scalar != Int, "allowed values for type %s", o.Type)
	if scalar == Int {
		for _, a := range o.Allowed {
			n, err := strconv.ParseInt(a, 10, 64)
			bad(err != nil || strconv.FormatInt(n, 10) != a, "allowed value %q is no integer", a)
		}
	}
	bad((o.MinLen != 0 || o.MaxLen != nil) && o.Type.elem() == "", "a length for type %s", o.Type)
	bad(o.MinLen < 0 || o.MaxLen != nil && *o.MaxLen < o.MinLen, "no list has a length of at least %d and at most the maximum", o.MinLen)
	if o.Stage != "" {
		for s := range strings.SplitSeq(o.Stage, "|") {
			bad(!slices.Contains(stages, s), "affects %q, known are %s", s, list(stages))
		}
	}
	return f
}

func isFinite(f float64) bool { return !math.IsInf(f, 0) && !math.IsNaN(f) }

// rangeText is "> 0, <= 1", or "".
func (o *Option) rangeText() string {
	var parts []string
	if o.Min != nil {
		parts = append(parts, map[bool]string{false: ">= ", true: "> "}[o.MinExclusive]+shortFloat(*o.Min))
	}
	if o.Max != nil {
		parts = append(parts, map[bool]string{false: "<= ", true: "< "}[o.MaxExclusive]+shortFloat(*o.Max))
	}
	return strings.Join(parts, ", ")
}

// lenText is "2 items", "at least 1 item", or "".
func (o *Option) lenText() string {
	items := func(n int) string {
		if n == 1 {
			return "1 item"
		}
		return strconv.Itoa(n) + " items"
	}
	switch {
	case o.MaxLen != nil && *o.MaxLen == o.MinLen:
		return items(o.MinLen)
	case o.MaxLen != nil && o.MinLen > 0:
		return fmt.Sprintf("%d to %s", o.MinLen, items(*o.MaxLen))
	case o.MaxLen != nil:
		return "at most " + items(*o.MaxLen)
	case o.MinLen > 0:
		return "at least " + items(o.MinLen)
	}
	return ""
}

// shortFloat writes whole numbers as integers are written.
func shortFloat(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func list[S ~string](names []S) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = string(n)
	}
	return strings.Join(out, ", ")
}
