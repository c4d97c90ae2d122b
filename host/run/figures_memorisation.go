package run

import (
	"fmt"
	"strings"

	"github.com/waveprior/waveprior/core/figure"
)

// Colours by habit of these figures: prior samples, posterior samples, the nulls.
var (
	priorColor     = figure.Blue
	posteriorColor = figure.Vermillion
	heldOutColor   = figure.Green
	othersColor    = figure.Orange
)

// conditional tells whether a cell's samples are a posterior's.
func conditional(c *CellResult) bool { return c.Cell.Observation != nil }

// kind of a cell's samples.
func kind(c *CellResult) string {
	if c.Cell.Optimises() {
		return "optimised starts"
	}
	if conditional(c) {
		return "posterior samples"
	}
	return "prior samples"
}

// cellName says what a cell is among those of its seed; without drops the size of the training set.
func cellName(c *CellResult, withExamples bool) string {
	var parts []string
	for _, v := range c.Cell.Values {
		text, isText := v.Value.(string)
		switch {
		case v.Key == "seed":
			continue
		case v.Key == "prior.data.examples":
			if !withExamples {
				continue
			}
			text = fmt.Sprintf("N = %v", v.Value)
		case !isText:
			text = fmt.Sprintf("%s = %v", v.Key[strings.LastIndexByte(v.Key, '.')+1:], v.Value)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// memorisationPicture: histogram of r with its nulls.
func memorisationPicture(a *arrays) *picture {
	r := a.reals("judge", "memorisation_samples.npy")
	if len(r) < 5 {
		return nil
	}
	p := &figure.Panel{X: figure.Axis{Label: "ratio r: nearest / mean of the next k-1"}, Y: figure.Axis{Label: "share"},
		Layers: []figure.Layer{figure.Histogram{Label: "samples", Values: r, Color: figure.SeriesColor(0)}}}
	p.Layers = append(p.Layers, nulls(a)...)
	return &picture{"memorisation", fmt.Sprintf("Ratio r of %d samples, of the held-out examples and of each training example against the others. Copies lie at the left; compare with the nulls, not with the threshold alone.", len(r)),
		&figure.Figure{Title: "Distance to the training set, with its nulls", Panels: []*figure.Panel{p}}}
}

// nulls are the histograms that need no sample, the thresholds, and the truth's own r.
func nulls(a *arrays) (ls []figure.Layer) {
	if h := a.reals("judge", "memorisation_held_out.npy"); h != nil {
		ls = append(ls, figure.Histogram{Label: "held-out (no memorisation)", Values: h, Color: heldOutColor, Dash: figure.Dashed})
	}
	if l := a.reals("judge", "memorisation_leave_one_out.npy"); len(l) >= 5 {
		ls = append(ls, figure.Histogram{Label: "leave-one-out", Values: l, Color: othersColor, Dash: figure.Dotted})
	}
	if t, ok := a.c.Metrics["memorisation.threshold_null"]; ok {
		ls = append(ls, figure.VLine{At: t, Label: "5 % of held-out", Dash: figure.Dashed})
	}
	for _, t := range a.c.Cell.Judge.Memorisation.Thresholds {
		ls = append(ls, figure.VLine{At: t, Label: fmt.Sprintf("%g", t)})
	}
	return ls
}

// scatterPicture: samples, training examples and truth in the first coordinates in which distances are measured.
func scatterPicture(a *arrays) *picture {
	panels := scatter(a, []*CellResult{a.c}, "")
	if panels == nil {
		return nil
	}
	return &picture{"coordinates", "The samples among the training examples, in the first of the coordinates in which distances are measured.",
		&figure.Figure{Title: "Where the samples lie among the training examples", Panels: panels}}
}

// scatter makes a panel for coordinates 1 and 2 and one for 3 and 4, of cells that share a training set; a reads the first
// of them.
func scatter(a *arrays, cells []*CellResult, title string) []*figure.Panel {
	t := a.get("judge", "memorisation_coordinates_training.npy")
	if t == nil {
		return nil
	}
	d := t.Shape[1]
	train := t.AppendReals(nil)
	var panels []*figure.Panel
	for k := 0; k+1 < d; k += 2 {
		p := &figure.Panel{Title: title, X: figure.Axis{Label: fmt.Sprintf("coordinate %d", k+1)}, Y: figure.Axis{Label: fmt.Sprintf("coordinate %d", k+2)}, Equal: true}
		var truth []float64
		for _, c := range cells {
			b := a
			if c != a.c {
				b = newArrays(c)
			}
			v := b.reals("judge", "memorisation_coordinates_samples.npy")
			if v == nil {
				continue
			}
			color := priorColor
			if conditional(c) {
				color = posteriorColor
			}
			label := kind(c)
			if n := cellName(c, false); n != "" && len(cells) > 2 {
				label = n
				color = figure.SeriesColor(len(p.Layers))
			}
			p.Layers = append(p.Layers, figure.Points{Label: label, X: column(v, k, d), Y: column(v, k+1, d), Color: color, Size: 1.8})
			if x := b.reals("judge", "memorisation_coordinates_truth.npy"); truth == nil && conditional(c) {
				truth = x
			}
		}
		if len(p.Layers) == 0 {
			return nil
		}
		p.Layers = append(p.Layers, figure.Points{Label: "training examples", X: column(train, k, d), Y: column(train, k+1, d), Shape: figure.Ring, Color: figure.Black, Size: 2.6, Alpha: min(1, 0.3+20/float64(t.Shape[0]))})
		if truth != nil {
			p.Layers = append(p.Layers, figure.Points{Label: "truth", X: column(truth, k, d), Y: column(truth, k+1, d), Shape: figure.Star, Color: figure.Purple})
		}
		panels = append(panels, p)
	}
	return panels
}
