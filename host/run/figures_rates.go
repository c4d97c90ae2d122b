package run

import (
	"fmt"
	"math"
	"slices"

	"github.com/waveprior/waveprior/core/figure"
	"github.com/waveprior/waveprior/host/report"
)

// threshold is one of those below which samples count as memorised: a number, or the held-out null's 5 % quantile.
type threshold struct{ key, text string }

// thresholds of a cell, the null's last.
func thresholds(c *CellResult) []threshold {
	var out []threshold
	for _, t := range c.Cell.Judge.Memorisation.Thresholds {
		out = append(out, threshold{fmt.Sprintf("%g", t), fmt.Sprintf("%g", t)})
	}
	if _, ok := c.Metrics["memorisation.threshold_null"]; ok {
		out = append(out, threshold{"null", "5 % of held-out"})
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
	f := &figure.Figure{Title: "How many samples are copies, against the size of the training set"}
	seeds := 1
	for _, t := range thresholds(used[0]) {
		p := &figure.Panel{Title: "r < " + t.text, X: figure.Axis{Label: "training examples N", Log: true}, Y: figure.Axis{Label: "share of samples", Min: 0, Max: 1.02}}
		sizes := 0
		for i, name := range order {
			l, most := rateCurve(curves[name], "memorisation.rate_"+t.key)
			l.Label, l.Color = name, figure.SeriesColor(i)
			if len(order) <= 2 {
				l.Color = priorColor
				if conditional(curves[name][0]) {
					l.Color = posteriorColor
				}
			}
			seeds, sizes = max(seeds, most), max(sizes, len(l.X))
			p.Layers = append(p.Layers, l)
		}
		if sizes < 2 {
			return nil
		}
		null, _ := rateCurve(used, "memorisation.held_out_rate_"+t.key)
		null.Label, null.Color, null.Dash, null.Low, null.High = "held-out (no memorisation)", heldOutColor, figure.Dashed, nil, nil
		loo, _ := rateCurve(used, "memorisation.leave_one_out_rate_"+t.key)
		loo.Label, loo.Color, loo.Dash, loo.Low, loo.High = "leave-one-out", othersColor, figure.Dotted, nil, nil
		p.Layers = append(p.Layers, null, loo)
		f.Panels = append(f.Panels, p)
	}
	caption := "Share of samples whose ratio r lies below a threshold. The nulls are what the same threshold says of examples that nobody memorised: a rate means something above its null only, and prior and posterior compare at one threshold. Bands: the 95 % interval."
	if seeds > 1 {
		caption = fmt.Sprintf("Share of samples whose ratio r lies below a threshold: mean of %d seeds, the band is their range. The nulls are what the same threshold says of examples that nobody memorised: a rate means something above its null only, and prior and posterior compare at one threshold.", seeds)
	}
	return &picture{"rates", caption, f}
}

// rateCurve is a metric against N: the mean over the cells of one N (seeds), with their range, or with the interval of a
// single one. most is the largest number of cells that share an N.
func rateCurve(cells []*CellResult, key string) (l figure.Line, most int) {
	type point struct{ sum, n, lo, hi float64 }
	at := map[float64]*point{}
	single := map[float64][2]float64{}
	for _, c := range cells {
		v, ok := c.Metrics[key]
		if !ok {
			continue
		}
		n := c.Metrics["memorisation.examples"]
		if at[n] == nil {
			at[n] = &point{lo: math.Inf(1), hi: math.Inf(-1)}
		}
		p := at[n]
		p.sum, p.n, p.lo, p.hi = p.sum+v, p.n+1, min(p.lo, v), max(p.hi, v)
		most = max(most, int(p.n))
		single[n] = [2]float64{c.Metrics[key+"_low"], c.Metrics[key+"_high"]}
	}
	l.Dots = true
	for _, n := range sortedKeys(at) {
		p := at[n]
		lo, hi := p.lo, p.hi
		if p.n == 1 {
			lo, hi = single[n][0], single[n][1]
		}
		l.X, l.Y, l.Low, l.High = append(l.X, n), append(l.Y, p.sum/p.n), append(l.Low, lo), append(l.High, hi)
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
			return rows, "Mean over seeds; in brackets: the range of the seeds."
		}
		var rows []report.Row
		for _, c := range used {
			rows = append(rows, report.Row{Label: cellName(c, true), First: slices.Index(cells, c), Metrics: c.Metrics})
		}
		return rows, "In brackets: the 95 % interval, the wider of bootstrap and Wilson."
	}
	rates := report.Table{Title: "Memorisation rates with their nulls",
		Columns: []report.Column{{Key: "samples", Label: "samples"}, {Key: "held_out", Label: "held-out null"}, {Key: "leave_one_out", Label: "leave-one-out null"}}}
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
