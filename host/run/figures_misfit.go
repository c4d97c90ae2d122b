package run

import (
	"math"
	"slices"

	"github.com/waveprior/waveprior/core/figure"
	"github.com/waveprior/waveprior/core/metric"
)

// misfitHistory is the misfit after every recorded step, which are numbered from 1: median, 10 and 90 % quantile of the chains. Nil
// where there is no record, or one of a single step.
func (a *arrays) misfitHistory() (x, med, lo, hi []float64) {
	t := a.get("sample", HistoryArray("misfit"))
	if t == nil || t.Shape[0] < 2 {
		return nil, nil, nil, nil
	}
	h, err := readHistory(stageOf(a.c, "sample"))
	if err != nil || len(h.Steps) != t.Shape[0] {
		return nil, nil, nil, nil
	}
	for i, s := range h.Steps {
		var v []float64
		for _, f := range t.Item(i).Float64s() {
			if !math.IsNaN(f) {
				v = append(v, f)
			}
		}
		if len(v) == 0 {
			continue
		}
		x = append(x, float64(s+1))
		med, lo, hi = append(med, metric.Quantile(v, 0.5)), append(lo, metric.Quantile(v, 0.1)), append(hi, metric.Quantile(v, 0.9))
	}
	return x, med, lo, hi
}

// misfitPicture: misfit along the steps.
func misfitPicture(a *arrays) *picture {
	x, med, lo, hi := a.misfitHistory()
	if x == nil {
		return nil
	}
	layers := []figure.Layer{figure.Line{Label: "median of the chains", X: x, Y: med, Low: lo, High: hi}}
	if phi, ok := a.c.Metrics["data.misfit_truth"]; ok && phi > 0 {
		layers = append(layers, figure.HLine{At: phi, Label: "of the truth", Color: figure.Black, Dash: figure.Dashed})
	}
	return &picture{"misfit", "Data misfit phi at the denoised estimate of every chain: median, and the band from the 10 % to the 90 % quantile of the chains. Below the misfit of the truth the noise is fitted.",
		&figure.Figure{Title: "Data misfit along the reverse process", Panels: []*figure.Panel{{X: figure.Axis{Label: "step"}, Y: figure.Axis{Label: "misfit phi", Log: true}, Layers: layers}}}}
}

// misfitTogether: misfit along the reverse process, and over the evaluations of optimisations, a curve per cell.
func misfitTogether(all []*arrays) *picture {
	down := &figure.Panel{X: figure.Axis{Label: "steps left t", Flip: true}, Y: figure.Axis{Label: "misfit phi", Log: true}}
	over := &figure.Panel{X: figure.Axis{Label: "evaluations of misfit and gradient"}, Y: down.Y}
	var truth []float64
	for _, a := range all {
		v := a.reals("judge", "misfit_along.npy")
		p := down
		if a.c.Cell.Optimises() {
			p = over
		}
		if a.art() == nil || len(v) < 8 || len(p.Layers) == 8 {
			continue
		}
		l := figure.Line{Label: cellName(a.c, true), X: column(v, 0, 4), Y: column(v, 1, 4), Low: column(v, 2, 4), High: column(v, 3, 4), Color: figure.SeriesColor(len(p.Layers))}
		if p == over {
			l.X, l.Y, l.Low, l.High = a.misfitHistory()
		}
		p.Layers = append(p.Layers, l)
		if phi, ok := a.c.Metrics["data.misfit_truth"]; ok && phi > 0 && !slices.Contains(truth, phi) {
			truth = append(truth, phi)
		}
	}
	f := &figure.Figure{Title: "Data misfit along the reverse process", Width: 8}
	caption := "Data misfit phi at the denoised estimate, every tenth step, first seed: median of the chains and the band from their 10 % to their 90 % quantile. A prior that has memorised its examples cannot reach the misfit of a truth that is none of them."
	for _, p := range []*figure.Panel{down, over} {
		if len(p.Layers) == 0 {
			continue
		}
		if len(truth) == 1 {
			p.Layers = append(p.Layers, figure.HLine{At: truth[0], Label: "misfit of the truth", Color: figure.Black, Dash: figure.Dashed})
		}
		f.Panels = append(f.Panels, p)
	}
	switch {
	case len(f.Panels) == 0:
		return nil
	case len(f.Panels) == 2:
		f.Title, f.Width = "Data misfit: of the samplers along the reverse process, of the optimisers over their evaluations", 11
		down.Title, over.Title = "samplers", "optimisers"
		caption += " Optimisers: at the best point so far, median and the same band of the starts."
	case f.Panels[0] == over:
		f.Title, caption = "Data misfit over the evaluations", "Data misfit phi at the best point so far, first seed: median of the starts and the band from their 10 % to their 90 % quantile."
	}
	return &picture{"misfit", caption, f}
}
