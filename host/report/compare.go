package report

import (
	"fmt"
	"html/template"
	"math"
	"slices"
)

// comparison is what the page of Compare shows.
type comparison struct {
	Style   template.CSS
	Runs    []compareRun
	Two     bool
	Span    int // columns of the table
	Cells   []compareCell
	Differ  []compareRow // provenance and facts that are not the same everywhere
	Figures []compareFigure
	Only    []string // figures that one run alone has
}

type compareRun struct {
	Name, Title, Claims string
	Failed              int
}

type compareCell struct {
	Label string
	Rows  []compareRow
}

type compareRow struct {
	Label, Unit, Arrow string
	Values             []value
	Change             string // second against first, for two runs
}

type compareFigure struct {
	Title string
	Items []viewFigure // Caption is the run's name
}

// Compare writes a page that sets the headline metrics of several runs side by side, cell by cell (cells and metrics go
// by label and key; what a run lacks is a dash), what their provenance differs in, and the pictures that at least two
// share, by name and cell. Of a Report it takes Name, Title, Claims, Columns, Cells, Figures, Provenance and Seed. At
// least two runs are needed; equal names get a number.
func Compare(path string, runs ...*Report) error {
	if len(runs) < 2 {
		return fmt.Errorf("report: %d runs to compare, at least 2 are needed", len(runs))
	}
	v := &comparison{Style: style, Two: len(runs) == 2, Span: 1 + len(runs)}
	if v.Two {
		v.Span++
	}
	for _, r := range runs {
		v.Runs = append(v.Runs, compareRun{Name: v.unique(r), Title: r.Title})
		run := &v.Runs[len(v.Runs)-1]
		for _, c := range r.Claims {
			if !c.OK {
				run.Failed++
			}
		}
		switch {
		case len(r.Claims) == 0:
			run.Claims = "none"
		case run.Failed == 0:
			run.Claims = fmt.Sprintf("all %d hold", len(r.Claims))
		default:
			run.Claims = fmt.Sprintf("%d of %d fail", run.Failed, len(r.Claims))
		}
	}
	v.metrics(runs)
	v.provenance(runs)
	if err := v.pictures(runs); err != nil {
		return err
	}
	return render(path, "compare.html", v)
}

func (v *comparison) unique(r *Report) string {
	base := r.Name
	if base == "" {
		base = "run"
	}
	name := base
	for n := 2; slices.ContainsFunc(v.Runs, func(o compareRun) bool { return o.Name == name }); n++ {
		name = fmt.Sprintf("%s (%d)", base, n)
	}
	return name
}

func (v *comparison) metrics(runs []*Report) {
	var labels []string
	var columns []Column
	docs := map[string]string{}
	for _, r := range runs {
		for _, c := range r.Cells {
			if !slices.Contains(labels, c.Label) {
				labels = append(labels, c.Label)
			}
		}
		for _, c := range r.Columns {
			if !slices.ContainsFunc(columns, func(o Column) bool { return o.Key == c.Key }) {
				columns = append(columns, c)
			}
		}
	}
	for _, label := range labels {
		var ms []map[string]float64
		for _, r := range runs {
			i := slices.IndexFunc(r.Cells, func(c Cell) bool { return c.Label == label })
			if i < 0 {
				ms = append(ms, nil)
				continue
			}
			ms = append(ms, r.Cells[i].Metrics)
		}
		cell := compareCell{Label: label}
		if label == "" {
			cell.Label = "the whole run"
		}
		for _, c := range columns {
			h := heading(c, docs)
			row := compareRow{Label: h.Label, Unit: h.Unit, Arrow: h.Arrow}
			some := false
			for _, m := range ms {
				val := cellValue(m, c.Key, c.Digits)
				some = some || !val.Missing
				row.Values = append(row.Values, val)
			}
			if !some {
				continue
			}
			for _, i := range best(c, ms) {
				row.Values[i].Best = true
			}
			if v.Two {
				row.Change = change(ms[0], ms[1], c.Key)
			}
			cell.Rows = append(cell.Rows, row)
		}
		if cell.Rows != nil {
			v.Cells = append(v.Cells, cell)
		}
	}
}

// change says how b's metric differs from a's: in percent where the first is not zero.
func change(a, b map[string]float64, key string) string {
	x, okX := a[key]
	y, okY := b[key]
	switch {
	case !okX || !okY || math.IsNaN(x+y) || math.IsInf(x, 0) || math.IsInf(y, 0):
		return ""
	case x == y:
		return "same"
	case x != 0 && x*y > 0 && math.Abs(y/x) < 10 && math.Abs(y/x) > 0.1:
		return signed(100*(y-x)/math.Abs(x)) + " %"
	case x != 0 && x*y > 0:
		return "× " + number(y/x, 2)
	}
	return signed(y - x)
}

func signed(v float64) string {
	if v > 0 {
		return "+" + number(v, 2)
	}
	return number(v, 2)
}

func (v *comparison) provenance(runs []*Report) {
	var keys []string
	of := func(r *Report) []KV { return append([]KV{{"seed", r.Seed}}, r.Provenance...) }
	for _, r := range runs {
		for _, kv := range of(r) {
			if !slices.Contains(keys, kv.Key) {
				keys = append(keys, kv.Key)
			}
		}
	}
	for _, k := range keys {
		row := compareRow{Label: k}
		differ := false
		for _, r := range runs {
			val := value{Text: "–", Missing: true}
			for _, kv := range of(r) {
				if kv.Key == k {
					val = value{Text: kv.Value}
				}
			}
			row.Values = append(row.Values, val)
			differ = differ || val != row.Values[0]
		}
		if differ {
			v.Differ = append(v.Differ, row)
		}
	}
}

func (v *comparison) pictures(runs []*Report) error {
	type key struct{ cell, name string }
	var order []key
	items := map[key][]viewFigure{}
	add := func(run, cell string, fs []Figure) error {
		vs, err := viewFigures(cell, fs)
		if err != nil {
			return err
		}
		for _, f := range vs {
			k := key{cell, f.Name}
			if _, ok := items[k]; !ok {
				order = append(order, k)
			}
			f.Caption = run
			items[k] = append(items[k], f)
		}
		return nil
	}
	for i, r := range runs {
		if err := add(v.Runs[i].Name, "", r.Figures); err != nil {
			return err
		}
		for _, c := range r.Cells {
			if err := add(v.Runs[i].Name, c.Label, c.Figures); err != nil {
				return err
			}
		}
	}
	for _, k := range order {
		title := k.name
		if k.cell != "" {
			title = k.cell + ": " + k.name
		}
		if len(items[k]) < 2 {
			v.Only = append(v.Only, title+" ("+items[k][0].Caption+")")
			continue
		}
		v.Figures = append(v.Figures, compareFigure{Title: title, Items: items[k]})
	}
	return nil
}
