// Package claims holds what an experiment is expected to show, written before it is run: NAME.expected.toml beside
// NAME.toml. A claim is an inequality or an interval on a metric, with a source; it must hold in every cell that it is
// about, seeds included.
package claims

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"sort"
	"strings"

	"github.com/waveprior/waveprior/core/config"
)

// Claim is one [[claim]] of an expected.toml.
type Claim struct {
	Text          string          `option:"text" doc:"what is claimed, in words"`
	Source        string          `option:"source" oneof:"paper,closed form,theory,oracle,regression" doc:"where the claim comes from; regression: frozen from our own output, which proves nothing"`
	Where         *map[string]any `option:"where" doc:"the cells that it is about, by swept key (case for a case); absent: all"`
	Metric        string          `option:"metric" doc:"the metric that it is about"`
	Min           *float64        `option:"min" doc:"the metric is at least this"`
	Max           *float64        `option:"max" doc:"the metric is at most this"`
	Less          *Other          `option:"less_than" doc:"the metric is below another one"`
	Greater       *Other          `option:"greater_than" doc:"the metric is above another one"`
	IncreasesWith *string         `option:"increases_with" doc:"the metric grows with this swept key, other keys being equal"`
	DecreasesWith *string         `option:"decreases_with" doc:"the metric falls with this swept key, other keys being equal"`
}

// Other is the metric that a claim compares with: in the cell itself, or in the cell that differs by what where says.
type Other struct {
	Where  *map[string]any `option:"where" doc:"swept keys in which the other cell differs"`
	Metric *string         `option:"metric" doc:"its metric; absent: the same"`
	Factor float64         `option:"factor" default:"1" doc:"the other value is multiplied by this"`
}

type file struct {
	Claims []Claim `option:"claim" doc:"claims"`
}

// Cell is what claims are judged on.
type Cell struct {
	Label   string
	Values  map[string]any
	Metrics map[string]float64
}

// Result is one claim, judged.
type Result struct {
	Claim
	OK       bool
	Cells    int    // it was judged in
	Expected string // in numbers
	Observed string
	Failures []string // one per cell that does not fulfil it
}

// Path returns where the claims of an experiment file stand.
func Path(experiment string) string {
	return strings.TrimSuffix(experiment, ".toml") + ".expected.toml"
}

// Load reads the claims beside an experiment; none and no error when there is no such file.
func Load(experiment string) ([]Claim, error) {
	path := Path(experiment)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	doc, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	var f file
	if err := config.DecodeTree(doc.Tree, &f); err != nil {
		return nil, doc.Locate(err, nil)
	}
	for i, c := range f.Claims {
		n := 0
		for _, have := range []bool{c.Min != nil || c.Max != nil, c.Less != nil, c.Greater != nil, c.IncreasesWith != nil, c.DecreasesWith != nil} {
			if have {
				n++
			}
		}
		if n != 1 {
			return nil, doc.Errorf(config.Path{"claim"}.Item(i), "a claim has exactly one of: min and max, less_than, greater_than, increases_with, decreases_with")
		}
	}
	return f.Claims, nil
}

// Evaluate judges claims on the cells of a run.
func Evaluate(claims []Claim, cells []Cell) []Result {
	var out []Result
	for _, c := range claims {
		out = append(out, evaluate(c, cells))
	}
	return out
}

func evaluate(c Claim, cells []Cell) Result {
	r := Result{Claim: c, OK: true, Expected: c.expected()}
	lo, hi := math.Inf(1), math.Inf(-1)
	fail := func(format string, args ...any) {
		r.OK = false
		r.Failures = append(r.Failures, fmt.Sprintf(format, args...))
	}
	groups := map[string][]Cell{}
	for _, cell := range cells {
		if !matches(cell, c.Where) {
			continue
		}
		r.Cells++
		v, ok := cell.Metrics[c.Metric]
		if !ok {
			fail("%s: there is no metric %s", cell.Label, c.Metric)
			continue
		}
		lo, hi = min(lo, v), max(hi, v)
		switch {
		case c.Less != nil || c.Greater != nil:
			o, sign := c.Less, 1.0
			if o == nil {
				o, sign = c.Greater, -1
			}
			other, name, err := o.value(c, cell, cells)
			if err != nil {
				fail("%s: %v", cell.Label, err)
			} else if !(sign*v < sign*other) {
				fail("%s: %.4g against %.4g (%s)", cell.Label, v, other, name)
			}
		case c.IncreasesWith != nil:
			groups[rest(cell, *c.IncreasesWith)] = append(groups[rest(cell, *c.IncreasesWith)], cell)
		case c.DecreasesWith != nil:
			groups[rest(cell, *c.DecreasesWith)] = append(groups[rest(cell, *c.DecreasesWith)], cell)
		default:
			if c.Min != nil && !(v >= *c.Min) || c.Max != nil && !(v <= *c.Max) {
				fail("%s: %.6g", cell.Label, v)
			}
		}
	}
	names := make([]string, 0, len(groups))
	for g := range groups {
		names = append(names, g)
	}
	sort.Strings(names)
	for _, g := range names {
		key, sign := c.IncreasesWith, 1.0
		if key == nil {
			key, sign = c.DecreasesWith, -1
		}
		line := groups[g]
		sort.SliceStable(line, func(a, b int) bool { return number(line[a].Values[*key]) < number(line[b].Values[*key]) })
		if len(line) < 2 {
			fail("%s: only one value of %s", line[0].Label, *key)
		}
		for i := 1; i < len(line); i++ {
			a, b := line[i-1], line[i]
			if !(sign*a.Metrics[c.Metric] < sign*b.Metrics[c.Metric]) {
				fail("%s: %.4g, and %s: %.4g", a.Label, a.Metrics[c.Metric], b.Label, b.Metrics[c.Metric])
			}
		}
	}
	if r.Cells == 0 {
		fail("no cell of this run is meant by it")
	} else if lo == hi {
		r.Observed = fmt.Sprintf("%.6g", lo)
	} else if lo < hi {
		r.Observed = fmt.Sprintf("%.4g … %.4g", lo, hi)
	}
	return r
}

// value finds what a claim's cell is compared with.
func (o *Other) value(c Claim, cell Cell, cells []Cell) (float64, string, error) {
	metric := c.Metric
	if o.Metric != nil {
		metric = *o.Metric
	}
	if o.Where == nil {
		v, ok := cell.Metrics[metric]
		if !ok {
			return 0, "", fmt.Errorf("there is no metric %s", metric)
		}
		return v * o.Factor, metric, nil
	}
	want := map[string]any{}
	for k, v := range cell.Values {
		want[k] = v
	}
	for k, v := range *o.Where {
		want[k] = v
	}
	for _, other := range cells {
		if matches(other, &want) {
			v, ok := other.Metrics[metric]
			if !ok {
				return 0, "", fmt.Errorf("cell %s has no metric %s", other.Label, metric)
			}
			return v * o.Factor, other.Label, nil
		}
	}
	return 0, "", fmt.Errorf("no cell to compare with: %v", *o.Where)
}

func matches(cell Cell, where *map[string]any) bool {
	if where == nil {
		return true
	}
	for k, v := range *where {
		have, ok := cell.Values[k]
		if !ok || !same(have, v) {
			return false
		}
	}
	return true
}

func same(a, b any) bool {
	x, y := number(a), number(b)
	if !math.IsNaN(x) && !math.IsNaN(y) {
		return x == y
	}
	return fmt.Sprint(a) == fmt.Sprint(b)
}

func number(v any) float64 {
	switch x := v.(type) {
	case float64:
		return x
	case int64:
		return float64(x)
	case int:
		return float64(x)
	}
	return math.NaN()
}

// rest is what a cell has besides one key: cells with the same rest are compared.
func rest(cell Cell, key string) string {
	var parts []string
	for k, v := range cell.Values {
		if k != key {
			parts = append(parts, fmt.Sprintf("%s=%v", k, v))
		}
	}
	sort.Strings(parts)
	return strings.Join(parts, ",")
}

func (c Claim) expected() string {
	other := func(o *Other) string {
		s := c.Metric
		if o.Metric != nil {
			s = *o.Metric
		}
		if o.Where != nil {
			keys := make([]string, 0, len(*o.Where))
			for k := range *o.Where {
				keys = append(keys, k)
			}
			sort.Strings(keys)
			for _, k := range keys {
				s += fmt.Sprintf(" at %s = %v", k, (*o.Where)[k])
			}
		}
		if o.Factor != 1 {
			s = fmt.Sprintf("%g × %s", o.Factor, s)
		}
		return s
	}
	switch {
	case c.Less != nil:
		return "< " + other(c.Less)
	case c.Greater != nil:
		return "> " + other(c.Greater)
	case c.IncreasesWith != nil:
		return "grows with " + *c.IncreasesWith
	case c.DecreasesWith != nil:
		return "falls with " + *c.DecreasesWith
	case c.Min != nil && c.Max != nil:
		return fmt.Sprintf("%g … %g", *c.Min, *c.Max)
	case c.Min != nil:
		return fmt.Sprintf("≥ %g", *c.Min)
	}
	return fmt.Sprintf("≤ %g", *c.Max)
}
