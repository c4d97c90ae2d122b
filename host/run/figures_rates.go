package run

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/waveprior/waveprior/core/figure"
	"github.com/waveprior/waveprior/host/report"
)

// threshold is one of those below which samples count as memorised: a number, or the held-out null's 5 % quantile.
type threshold struct{ key, text string }

// nullText names the threshold that the null sets.
const nullText = "5 % of held-out"

// thresholds of a cell, the null's last.
func thresholds(c *CellResult) []threshold {
	var out []threshold
	for _, t := range c.Cell.Judge.Memorisation.Thresholds {
		out = append(out, threshold{fmt.Sprintf("%g", t), fmt.Sprintf("%g", t)})
	}
	if _, ok := c.Metrics["memorisation.threshold_null"]; ok {
		out = append(out, threshold{"null", nullText})
	}
	return out
}

// counted tells whether the rates of a cell belong into the figures and tables of all: those of fields, and of experiments
// that say in which coordinates distances are measured.
func counted(c *CellResult) bool {
	_, ok := c.Metrics["memorisation.examples"]
	return ok && inCoordinates(newArrays(c))
}

// ratesTogether: rates against the size of the training set, with the nulls; nil where there is one size.
func ratesTogether(cells []*CellResult) *picture {
	var used []*CellResult
	var order []string
	curves := map[string][]*CellResult{}
	for _, c := range cells {
		if !counted(c) {
			continue
		}
		used = append(used, c)
		name := kind(c)
		if n := cellName(c, false); n != "" {
			name = n
		}
		if curves[name] == nil {
			order = append(order, name)
		}
		curves[name] = append(curves[name], c)
	}
	if len(used) == 0 {
		return nil
	}
	sizes := map[float64]int{} // N to its place on the axis
	var names []string
	for _, c := range used {
		sizes[c.Metrics["memorisation.examples"]] = 0
	}
	for i, n := range sortedKeys(sizes) {
		sizes[n] = i
		names = append(names, fmt.Sprintf("%.0f", n))
	}
	f := &figure.Figure{Title: "How many samples are copies, against the size of the training set"}
	seeds, longest := 1, 0
	for _, t := range thresholds(used[0]) {
		p := &figure.Panel{Title: "r < " + t.text, X: figure.Axis{Label: "training examples N", Names: names, Min: -0.3, Max: float64(len(names)) - 0.7}, Y: figure.Axis{Label: "share of samples", Min: 0, Max: 1.03}}
		add := func(cs []*CellResult, key string, l figure.Line, shift float64) int {
			c, most := rateCurve(cs, key)
			l.X, l.Y, l.Dots = nil, c.Y, true
			for _, n := range c.X {
				l.X = append(l.X, float64(sizes[n])+shift)
			}
			if l.Dash == figure.Solid {
				l.Low, l.High = c.Low, c.High
			}
			p.Layers = append(p.Layers, l)
			longest = max(longest, len(l.X))
			return most
		}
		add(used, "memorisation.held_out_rate_"+t.key, figure.Line{Label: "held-out (no memorisation)", Color: heldOutColor, Dash: figure.Dashed}, 0)
		add(used, "memorisation.leave_one_out_rate_"+t.key, figure.Line{Label: "leave-one-out", Color: othersColor, Dash: figure.Dotted}, 0)
		longest = 0
		for i, name := range order {
			l := figure.Line{Label: name, Color: figure.SeriesColor(i)}
			if len(order) <= 2 {
				l.Color = priorColor
				if conditional(curves[name][0]) {
					l.Color = posteriorColor
				}
			}
			shift := 0.08 * (float64(i) - float64(len(order)-1)/2) // so that curves at 0 and 1 do not hide each other
			seeds = max(seeds, add(curves[name], "memorisation.rate_"+t.key, l, shift))
		}
		if longest < 2 {
			return nil
		}
		f.Panels = append(f.Panels, p)
	}
	caption := "Share of samples whose ratio r lies below a threshold. The nulls are what the same threshold says of examples that nobody memorised: a rate means something above its null only, and prior and posterior compare at one threshold. Bands: the 95 % interval."
	if seeds > 1 {
		caption = fmt.Sprintf("Share of samples whose ratio r lies below a threshold: mean of %d seeds, the band is their range, widened to their 95 %% intervals. The nulls are what the same threshold says of examples that nobody memorised: a rate means something above its null only, and prior and posterior compare at one threshold.", seeds)
	}
	return &picture{"rates", caption, f}
}

// rateCurve is a metric against N: the mean over the cells of one N (seeds), with the range of their intervals. most is the
// largest number of cells that share an N.
func rateCurve(cells []*CellResult, key string) (l figure.Line, most int) {
	type point struct{ sum, n, lo, hi float64 }
	at := map[float64]*point{}
	for _, c := range cells {
		v, ok := c.Metrics[key]
		if !ok {
			continue
		}
		n := c.Metrics["memorisation.examples"]
		if at[n] == nil {
			at[n] = &point{lo: math.Inf(1), hi: math.Inf(-1)}
		}
		lo, hi := interval(c, key)
		p := at[n]
		p.sum, p.n, p.lo, p.hi = p.sum+v, p.n+1, min(p.lo, lo), max(p.hi, hi)
		most = max(most, int(p.n))
	}
	for _, n := range sortedKeys(at) {
		p := at[n]
		l.X, l.Y, l.Low, l.High = append(l.X, n), append(l.Y, p.sum/p.n), append(l.Low, p.lo), append(l.High, p.hi)
	}
	return l, most
}

// rateTables are the rates with their nulls and intervals, a line per cell and threshold, and what else there is to say of
// each cell's memorisation.
func rateTables(cells []*CellResult) []report.Table {
	var used []*CellResult
	for _, c := range cells {
		if counted(c) {
			used = append(used, c)
		}
	}
	if len(used) == 0 {
		return nil
	}
	sum := func(keys []string) ([]report.Row, string) {
		var cols []report.Column
		for _, k := range keys {
			cols = append(cols, report.Column{Key: k})
		}
		if rows := seedRows(used, cols); rows != nil {
			for i := range rows {
				c := used[rows[i].First]
				rows[i].Label, rows[i].First = cellName(c, true), slices.Index(cells, c)
			}
			return rows, "Mean over seeds; in brackets: the range of the seeds, widened to their 95 % intervals."
		}
		var rows []report.Row
		for _, c := range used {
			rows = append(rows, report.Row{Label: cellName(c, true), First: slices.Index(cells, c), Metrics: c.Metrics})
		}
		return rows, "In brackets: the 95 % interval, the wider of bootstrap and Wilson."
	}
	rates := report.Table{Title: "Memorisation rates with their nulls",
		Columns: []report.Column{{Key: "samples", Label: "samples", Digits: 2}, {Key: "held_out", Label: "held-out null", Digits: 2}, {Key: "leave_one_out", Label: "leave-one-out null", Digits: 2}}}
	var keys []string
	for _, t := range thresholds(used[0]) {
		keys = append(keys, "memorisation.rate_"+t.key, "memorisation.held_out_rate_"+t.key, "memorisation.leave_one_out_rate_"+t.key)
	}
	rows, note := sum(keys)
	for _, r := range rows {
		for _, t := range thresholds(used[0]) {
			line := report.Row{Label: r.Label + ": r < " + t.text, First: r.First, Metrics: map[string]float64{}}
			for short, long := range map[string]string{"samples": "", "held_out": "held_out_", "leave_one_out": "leave_one_out_"} {
				for _, end := range []string{"", "_low", "_high"} {
					if v, ok := r.Metrics["memorisation."+long+"rate_"+t.key+end]; ok {
						line.Metrics[short+end] = v
					}
				}
			}
			rates.Rows = append(rates.Rows, line)
		}
	}
	rates.Note = "Share below the threshold. A rate says something only above its nulls: held-out examples against the training set, and each training example against the others. " + note
	about := report.Table{Title: "Distances to the training set", Columns: []report.Column{
		{Key: "memorisation.examples", Label: "N"}, {Key: "memorisation.samples", Label: "samples"},
		{Key: "memorisation.ratio_median", Label: "r, median"}, {Key: "memorisation.held_out_ratio_median", Label: "r held-out, median"}, {Key: "memorisation.threshold_null", Label: "threshold of the null"}, {Key: "memorisation.truth_ratio_median", Label: "r of the truth"},
		{Key: "memorisation.neighbours_different", Label: "different nearest examples"}, {Key: "memorisation.neighbours_effective", Label: "effective, exp(H)"}, {Key: "memorisation.ct_z", Label: "C_T, Z"},
	}}
	keys = nil
	for _, c := range about.Columns {
		keys = append(keys, c.Key)
	}
	about.Rows, about.Note = sum(keys)
	about.Note = "r is the distance to the nearest training example over the mean distance to the next k−1. Z far below 0 is copying. " + about.Note
	return []report.Table{rates, about}
}

// memorised says in a sentence which cells' samples lie nearer to their training set than examples that were never seen.
func memorised(cells []*CellResult) []string {
	var parts []string
	tables := rateTables(cells)
	if tables == nil {
		return nil
	}
	for _, r := range tables[0].Rows {
		v, ok := r.Metrics["samples"]
		name, isNull := strings.CutSuffix(r.Label, ": r < "+nullText)
		if ok && isNull {
			parts = append(parts, fmt.Sprintf("%s %.0f %%", name, 100*v))
		}
	}
	if len(parts) == 0 || len(parts) > 12 {
		return nil
	}
	return []string{"Samples below the ratio that 5 % of held-out examples fall below: " + strings.Join(parts, "; ") + ". With no memorisation it is 5 %."}
}
