package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image/png"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// view is a Report made ready for the template: texts, not numbers.
type view struct {
	*Report
	Style                 template.CSS
	Held, Failed, Frozen  int // claims that are not regressions, and those that are
	Started, Wall         string
	Head                  []headColumn
	Swept                 []string
	Rows                  []headRow
	RowsNote              string
	Tables                []tableView
	Figures               []viewFigure
	Cells                 []viewCell
	Cost                  []KV3
	Many                  bool
	FailedCells, HasClaim bool
}

// KV3 is a name, a text and a remark.
type KV3 struct{ Key, Value, Note string }

type headColumn struct {
	Column
	Arrow string // what is better
}

type headRow struct {
	Label, Anchor string
	Values        []string
	Metrics       []value
}

type tableView struct {
	Title, Note string
	Head        []headColumn
	Rows        []headRow
}

type value struct {
	Text, Interval string
	Best, Missing  bool
}

type viewFigure struct {
	Name, Caption string
	Src           template.URL
	Width, Height int // CSS pixels
}

type viewCell struct {
	Cell
	Anchor  string
	Groups  []group
	Count   int
	Figures []viewFigure
	Stages  []stageView
}

type stageView struct {
	Name, Key, Wall, Source string
	Sessions                int
}

// group is the metrics of one prefix.
type group struct {
	Name, Doc string
	Metrics   []metricView
}

type metricView struct {
	Key, Doc string
	value
}

// groupDocs are the blocks of spec/diagnostics.md in their order, with what each asks.
var groupDocs = []struct{ prefix, name, doc string }{
	{"fidelity", "Fidelity", "How near the results are to the truth, where that is known, and how far they differ among themselves."},
	{"data", "Data", "How well the results explain the observation. χ² per datum is 1 for the truth, in expectation."},
	{"physics", "Physics", "How far what the prior decodes is from what the solver computes for it."},
	{"calibration", "Calibration", "Whether the stated uncertainty is honest: a calibrated interval holds the truth as often as it says."},
	{"samples", "Samples", "How many chains there were, and how many were lost."},
	{"memorisation", "Memorisation", "Whether samples are copies of training examples, beside the rate that fields never seen would have."},
	{"denoiser", "Denoiser", "How far the learned denoiser is from the one that has memorised the training set."},
	{"components", "Effective components", "How many training points the exact posterior rests on, against the width of the prior."},
	{"exact", "Exact references", "Distance from posteriors known in closed form."},
	{"distribution", "Distribution distance", "How the generated set differs from real examples as a whole."},
	{"cost", "Cost", "What the results took: solves, network evaluations, time, memory."},
}

func newView(r *Report) (*view, error) {
	v := &view{Report: r, Style: style, Wall: "", Many: len(r.Cells) > 1, HasClaim: len(r.Claims) > 0}
	if r.Wall > 0 {
		v.Wall = duration(r.Wall)
	}
	if !r.Started.IsZero() {
		v.Started = r.Started.Format("2 January 2006, 15:04 MST")
	}
	for _, c := range r.Claims {
		switch {
		case !c.OK:
			v.Failed++
		case c.Regression:
			v.Frozen++
		default:
			v.Held++
		}
	}
	v.headline()
	for _, t := range r.Tables {
		v.Tables = append(v.Tables, viewTable(t, r.MetricDocs))
	}
	var err error
	if v.Figures, err = viewFigures("", r.Figures); err != nil {
		return nil, err
	}
	for i, c := range r.Cells {
		vc := viewCell{Cell: c, Anchor: anchor(i), Groups: groups(c.Metrics, r.MetricDocs)}
		for _, g := range vc.Groups {
			vc.Count += len(g.Metrics)
		}
		if vc.Figures, err = viewFigures(c.Label, c.Figures); err != nil {
			return nil, err
		}
		for _, s := range c.Stages {
			sv := stageView{Name: s.Name, Key: s.Key, Wall: duration(s.Wall), Source: "computed", Sessions: s.Sessions}
			if s.Cached {
				sv.Source = "from the cache"
			}
			if len(sv.Key) > 12 {
				sv.Key = sv.Key[:12]
			}
			vc.Stages = append(vc.Stages, sv)
		}
		v.Cells = append(v.Cells, vc)
	}
	for _, c := range r.Cost {
		v.Cost = append(v.Cost, KV3{c.What, quantity(c.Value, c.Unit), c.Note})
	}
	return v, nil
}

func anchor(i int) string { return fmt.Sprintf("cell-%d", i+1) }

// headline makes the table of cells by headline metrics.
func (v *view) headline() {
	for _, c := range v.Report.Columns {
		v.Head = append(v.Head, heading(c, v.MetricDocs))
	}
	for _, c := range v.Report.Cells {
		for _, kv := range c.Values {
			if !slices.Contains(v.Swept, kv.Key) {
				v.Swept = append(v.Swept, kv.Key)
			}
		}
	}
	if len(v.Head) == 0 {
		return
	}
	said := true // whether the labels say the swept values already
	for _, c := range v.Report.Cells {
		for _, kv := range c.Values {
			said = said && strings.Contains(c.Label, kv.Value)
		}
	}
	if said {
		v.Swept = nil
	}
	var all []map[string]float64
	rows := v.Report.Rows
	v.RowsNote = "In brackets: the 95 % interval, where there is one."
	if len(rows) > 0 {
		v.RowsNote, v.Swept = "Mean over seeds; in brackets: the range of the seeds, widened to their 95 % intervals where they have some.", nil
	}
	for i, c := range v.Report.Cells {
		if len(v.Report.Rows) == 0 {
			rows = append(rows, Row{Label: c.Label, First: i, Metrics: c.Metrics})
		}
	}
	for _, c := range rows {
		row := headRow{Label: c.Label, Anchor: anchor(c.First)}
		if row.Label == "" {
			row.Label = "this run"
		}
		for _, k := range v.Swept {
			text := ""
			for _, kv := range v.Report.Cells[c.First].Values {
				if kv.Key == k {
					text = kv.Value
				}
			}
			row.Values = append(row.Values, text)
		}
		for _, h := range v.Head {
			row.Metrics = append(row.Metrics, cellValue(c.Metrics, h.Key, h.Digits))
		}
		v.Rows = append(v.Rows, row)
		all = append(all, c.Metrics)
	}
	for j, h := range v.Head {
		for _, i := range best(h.Column, all) {
			v.Rows[i].Metrics[j].Best = true
		}
	}
}

func viewTable(t Table, docs map[string]string) tableView {
	v := tableView{Title: t.Title, Note: t.Note}
	for _, c := range t.Columns {
		v.Head = append(v.Head, heading(c, docs))
	}
	for _, r := range t.Rows {
		row := headRow{Label: r.Label, Anchor: anchor(r.First)}
		for _, c := range t.Columns {
			row.Metrics = append(row.Metrics, cellValue(r.Metrics, c.Key, c.Digits))
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

func heading(c Column, docs map[string]string) headColumn {
	h := headColumn{Column: c}
	if h.Label == "" {
		h.Label = c.Key
	}
	if h.Doc == "" {
		h.Doc = docFor(c.Key, docs)
	}
	switch c.Better {
	case "lower":
		h.Arrow = "lower is better"
	case "higher":
		h.Arrow = "higher is better"
	case "target":
		h.Arrow = "target " + minus(strconv.FormatFloat(c.Target, 'g', -1, 64))
	}
	return h
}

// best finds the rows that are best in a column; none if fewer than two have a value, or if all are equal.
func best(c Column, rows []map[string]float64) []int {
	if c.Better != "lower" && c.Better != "higher" && c.Better != "target" {
		return nil
	}
	badness := func(m map[string]float64) float64 {
		x, ok := m[c.Key]
		switch {
		case !ok || math.IsNaN(x):
			return math.NaN()
		case c.Better == "higher":
			return -x
		case c.Better == "target":
			return math.Abs(x - c.Target)
		}
		return x
	}
	lo, n := math.Inf(1), 0
	for _, m := range rows {
		if b := badness(m); !math.IsNaN(b) {
			lo = min(lo, b)
			n++
		}
	}
	var at []int
	for i, m := range rows {
		if badness(m) == lo {
			at = append(at, i)
		}
	}
	if n < 2 || len(at) == n {
		return nil
	}
	return at
}

func cellValue(m map[string]float64, key string, digits int) value {
	x, ok := m[key]
	if !ok {
		return value{Text: "–", Missing: true}
	}
	v := value{Text: number(x, digits)}
	low, okL := m[key+"_low"]
	high, okH := m[key+"_high"]
	if okL && okH {
		v.Interval = interval(x, low, high, max(digits, 3))
	}
	return v
}

// groups sorts metrics into the blocks of the diagnostics; the bounds of intervals are shown with their value.
func groups(m map[string]float64, docs map[string]string) []group {
	byPrefix := map[string][]metricView{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if base, ok := bound(k); ok {
			_, v := m[base]
			_, lo := m[base+"_low"]
			_, hi := m[base+"_high"]
			if v && lo && hi {
				continue
			}
		}
		prefix, name, ok := strings.Cut(k, ".")
		if !ok || !slices.ContainsFunc(groupDocs, func(g struct{ prefix, name, doc string }) bool { return g.prefix == prefix }) {
			prefix, name = "", k
		}
		byPrefix[prefix] = append(byPrefix[prefix], metricView{Key: name, Doc: docFor(k, docs), value: cellValue(m, k, 4)})
	}
	var out []group
	for _, g := range groupDocs {
		if ms := byPrefix[g.prefix]; ms != nil {
			out = append(out, group{g.name, g.doc, ms})
		}
	}
	if ms := byPrefix[""]; ms != nil {
		out = append(out, group{"Other", "", ms})
	}
	return out
}

// bound gives the metric that k is an interval's end of.
func bound(k string) (string, bool) {
	if b, ok := strings.CutSuffix(k, "_low"); ok {
		return b, true
	}
	return strings.CutSuffix(k, "_high")
}

// docFor finds a key's documentation: the key itself, or the longest pattern with one * that matches.
func docFor(key string, docs map[string]string) string {
	if d, ok := docs[key]; ok {
		return d
	}
	longest, doc := -1, ""
	for _, p := range slices.Sorted(maps.Keys(docs)) {
		pre, post, ok := strings.Cut(p, "*")
		if ok && len(p) > longest && len(key) >= len(pre)+len(post) && strings.HasPrefix(key, pre) && strings.HasSuffix(key, post) {
			longest, doc = len(p), docs[p]
		}
	}
	return doc
}

func viewFigures(where string, fs []Figure) ([]viewFigure, error) {
	var out []viewFigure
	for _, f := range fs {
		c, err := png.DecodeConfig(bytes.NewReader(f.PNG))
		if err != nil {
			return nil, fmt.Errorf("report: figure %q of cell %q: %d bytes that are not a PNG: %w", f.Name, where, len(f.PNG), err)
		}
		out = append(out, viewFigure{
			Name: f.Name, Caption: f.Caption,
			Src:   template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(f.PNG)),
			Width: c.Width * 96 / 150, Height: c.Height * 96 / 150,
		})
	}
	return out, nil
}
