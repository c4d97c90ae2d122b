package run

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"sort"
	"strings"

	"github.com/waveprior/waveprior/core/figure"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/stage"
)

func readHistory(e *stage.Entry) (History, error) {
	var h History
	b, err := os.ReadFile(e.Path(HistoryFile))
	if err != nil {
		return h, err
	}
	return h, json.Unmarshal(b, &h)
}

// sweepPictures draws what all cells have to show together, and the [[report.figure]]s of an experiment.
// One that has nothing to show is a note: a finished run is not lost for a figure.
func sweepPictures(e *experiment.Experiment, cells []*CellResult) (out []picture, missing []string, err error) {
	g, err := gallery(cells)
	if err != nil {
		return nil, nil, err
	}
	if g != nil {
		out = append(out, *g)
	}
	together, err := together(cells)
	if err != nil {
		return nil, nil, err
	}
	out = append(out, together...)
	for i, f := range e.Report.Figures {
		p, err := sweepPicture(f, cells)
		if err != nil {
			missing = append(missing, fmt.Sprintf("figure %q (report.figure[%d]) is not drawn: %v", f.Title, i, err))
			continue
		}
		p.name = fmt.Sprintf("sweep-%d", i+1)
		out = append(out, p)
	}
	return out, missing, nil
}

func sweepPicture(f experiment.Plot, cells []*CellResult) (picture, error) {
	type key struct{ series, metric string }
	values := map[key]map[float64][]float64{}
	var order []key
	for _, c := range cells {
		if f.Case != "" && !hasValue(c.Cell, "case", f.Case) {
			continue
		}
		v, ok := c.Cell.Lookup(f.X)
		x := toFloat(v)
		if !ok || math.IsNaN(x) {
			return picture{}, fmt.Errorf("%s is no number in cell %q", f.X, c.Cell.Label)
		}
		for _, m := range f.Metrics {
			y, ok := c.Metrics[m]
			if !ok {
				continue
			}
			k := key{series(f, c.Cell), m}
			if values[k] == nil {
				values[k] = map[float64][]float64{}
				order = append(order, k)
			}
			values[k][x] = append(values[k][x], y)
		}
	}
	if len(order) == 0 {
		return picture{}, fmt.Errorf("no cell has any of the metrics %v", f.Metrics)
	}
	xl, yl := f.XLabel, f.YLabel
	if xl == "" {
		xl = f.X
	}
	if yl == "" {
		yl = strings.Join(f.Metrics, ", ")
	}
	p := &figure.Panel{X: figure.Axis{Label: xl, Log: f.LogX}, Y: figure.Axis{Label: yl, Log: f.LogY}}
	seeds := 1
	names := map[string]int{}
	for _, k := range order {
		if _, ok := names[k.series]; !ok {
			names[k.series] = len(names)
		}
	}
	for _, k := range order {
		var xs []float64
		for x := range values[k] {
			xs = append(xs, x)
		}
		sort.Float64s(xs)
		l := figure.Line{Label: label(k.series, k.metric, len(f.Metrics), len(names)), X: xs, Dots: true, Color: figure.SeriesColor(names[k.series])}
		for i, m := range f.Metrics {
			if m == k.metric {
				l.Dash = figure.Dash(i % 4)
			}
		}
		if len(names) == 1 {
			for i, m := range f.Metrics {
				if m == k.metric {
					l.Color = figure.SeriesColor(i)
				}
			}
		}
		for _, x := range xs {
			v := values[k][x]
			seeds = max(seeds, len(v))
			mean, lo, hi := 0.0, math.Inf(1), math.Inf(-1)
			for _, y := range v {
				mean += y / float64(len(v))
				lo, hi = min(lo, y), max(hi, y)
			}
			l.Y, l.Low, l.High = append(l.Y, mean), append(l.Low, lo), append(l.High, hi)
		}
		if seeds == 1 {
			l.Low, l.High = nil, nil
		}
		p.Layers = append(p.Layers, l)
	}
	caption := fmt.Sprintf("%s against %s.", yl, xl)
	if seeds > 1 {
		caption += fmt.Sprintf(" Mean over %d cells each; the band is their range.", seeds)
	}
	return picture{caption: caption, fig: &figure.Figure{Title: f.Title, Panels: []*figure.Panel{p}, Width: 7.5}}, nil
}

func label(series, metric string, metrics, names int) string {
	_, short, _ := strings.Cut(metric, ".")
	switch {
	case metrics == 1:
		return series
	case names == 1:
		return short
	}
	return series + ": " + short
}

func hasValue(c *experiment.Cell, key, value string) bool {
	for _, v := range c.Values {
		if v.Key == key && fmt.Sprint(v.Value) == value {
			return true
		}
	}
	return false
}

// series names the curve that a cell belongs to.
func series(f experiment.Plot, c *experiment.Cell) string {
	var parts []string
	for _, v := range c.Values {
		take := v.Key != f.X && v.Key != "seed"
		if len(f.Series) > 0 {
			take = false
			for _, s := range f.Series {
				take = take || s == v.Key
			}
		}
		if !take {
			continue
		}
		text := fmt.Sprint(v.Value)
		if _, isText := v.Value.(string); !isText {
			text = v.Key[strings.LastIndexByte(v.Key, '.')+1:] + " = " + text
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

func toFloat(v any) float64 {
	switch x := v.(type) {
	case float64:
		return x
	case int64:
		return float64(x)
	}
	return math.NaN()
}
