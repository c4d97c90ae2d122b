package run

import (
	"encoding/json"
	"fmt"
	"math"
	"os"

	"github.com/waveprior/waveprior/core/figure"
	"github.com/waveprior/waveprior/core/metric"
	"github.com/waveprior/waveprior/host/judge"
)

// art draws the field arrays of a cell's judge stage: velocities in km/s, anything else in its own unit.
type art struct {
	judge.Field
	factor     float64 // from the arrays' unit to the one shown
	shown      string  // unit of values
	shownDelta string  // unit of differences and standard deviations: those are shown as they are
}

// art returns nil where models are no fields.
func (a *arrays) art() *art {
	e := stageOf(a.c, "judge")
	if e == nil || a.err != nil {
		return nil
	}
	b, err := os.ReadFile(e.Path(judge.FieldFile))
	if os.IsNotExist(err) {
		return nil
	}
	d := &art{factor: 1}
	if err == nil {
		err = json.Unmarshal(b, &d.Field)
	}
	if err != nil {
		a.err = err
		return nil
	}
	d.shown, d.shownDelta = d.Unit, d.Unit
	if d.Quantity == "vp" && d.Unit == "m/s" {
		d.factor, d.shown = 1e-3, "km/s"
	}
	return d
}

// name of the quantity on colour bars.
func (d *art) name() string {
	if d.Quantity == "vp" {
		return "velocity"
	}
	return d.Quantity
}

// values scales an array to the unit that is shown.
func (d *art) values(v []float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = x * d.factor
	}
	return out
}

// field returns item i of an array of the judge's, nil where there is none.
func (a *arrays) field(name string, i int) []float64 {
	t := a.get("judge", name+".npy")
	if t == nil || i >= t.Batch() {
		return nil
	}
	return t.Item(i).AppendReals(nil)
}

// panel is one field with z down, in km where it is wider than 1500 m, without axes' labels where others beside it have them.
func (d *art) panel(title string, values []float64, s *figure.Scale, left, bottom bool) *figure.Panel {
	dz, dx, unit, f := d.DZ, d.DX, "m", 1.0
	if !(dz > 0 && dx > 0) {
		dz, dx, unit = 1, 1, ""
	}
	if max(float64(d.NX)*dx, float64(d.NZ)*dz) > 1500 && unit == "m" {
		unit, f = "km", 1e-3
	}
	return &figure.Panel{Title: title, NoGrid: true,
		X: figure.Axis{Label: "x", Unit: unit, Hide: !bottom}, Y: figure.Axis{Label: "z", Unit: unit, Flip: true, Hide: !left},
		Layers: []figure.Layer{figure.Field{Values: values, NZ: d.NZ, NX: d.NX, Scale: s,
			X0: f * (d.X0 - dx/2), X1: f * (d.X0 + (float64(d.NX)-0.5)*dx), Z0: f * (d.Z0 - dz/2), Z1: f * (d.Z0 + (float64(d.NZ)-0.5)*dz)}}}
}

// posterior is what is shown of one observation of a cell.
type posterior struct {
	mean, truth []float64 // in the unit shown
	std, off    []float64 // in the arrays'; off = |mean - truth|
	// truth and off are nil where the truth is not known.
}

// posterior returns nil where a cell has no field posterior with two chains or more.
func (a *arrays) posterior(d *art, i int) *posterior {
	if d == nil {
		return nil
	}
	p := &posterior{truth: a.field("field_truth", i), mean: a.field("field_mean", i), std: a.field("field_std", i)}
	if p.mean == nil || p.std == nil || math.IsNaN(p.std[0]) {
		return nil
	}
	if p.truth != nil {
		p.off = make([]float64, len(p.mean))
		for c, v := range p.mean {
			p.off[c] = math.Abs(v - p.truth[c])
		}
		p.truth = d.values(p.truth)
	}
	p.mean = d.values(p.mean)
	return p
}

// limits are the ends of a colour scale that a few cells must not stretch: the 0.5 and 99.5 % quantiles of several fields.
func limits(fields ...[]float64) (lo, hi float64) {
	all := finite(fields)
	if len(all) == 0 {
		return 0, 1
	}
	return metric.Quantile(all, 0.005), metric.Quantile(all, 0.995)
}

func finite(fields [][]float64) (all []float64) {
	for _, f := range fields {
		for _, v := range f {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				all = append(all, v)
			}
		}
	}
	return all
}

// top is the same for a scale that starts at 0.
func top(fields ...[]float64) float64 {
	all := finite(fields)
	if len(all) == 0 {
		return 1
	}
	if t := metric.Quantile(all, 0.995); t > 0 {
		return t
	}
	return 1
}

func mean(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s / float64(len(v))
}

// fieldPicture: truth, posterior mean, standard deviation and error of the first observation; of one without a known truth mean,
// standard deviation and two samples.
func fieldPicture(a *arrays) *picture {
	d := a.art()
	p := a.posterior(d, 0)
	if p == nil {
		return nil
	}
	if p.truth == nil {
		return unknownPicture(a, d, p)
	}
	lo, hi := limits(p.truth, p.mean)
	v := &figure.Scale{Label: d.name(), Unit: d.shown, Min: lo, Max: hi}
	s := &figure.Scale{Label: "spread, error", Unit: d.shownDelta, Map: figure.Magma, Max: top(p.std, p.off)}
	w := wordsOf(a.c)
	panels := []*figure.Panel{
		d.panel("truth", p.truth, v, true, true),
		d.panel(w.mean, p.mean, v, false, true),
		d.panel(fmt.Sprintf("%s: %.3g %s on average", w.spread, mean(p.std), d.shownDelta), p.std, s, false, true),
		d.panel(fmt.Sprintf("|mean − truth|: %.3g %s on average", mean(p.off), d.shownDelta), p.off, s, false, true),
	}
	panels[0].NoBar, panels[2].NoBar = true, true
	title := w.question
	if e, ok := a.c.Metrics["fidelity.relative_l2_mean"]; ok {
		title += fmt.Sprintf(" Relative error of the mean %.3g", e)
		if q, ok := a.c.Metrics["fidelity.ssim_mean"]; ok {
			title += fmt.Sprintf(", SSIM %.3g", q)
		}
	}
	return &picture{"field", fmt.Sprintf("The first observation: its truth, mean and standard deviation (1/(L−1)) of %s, and how far the mean is off. Truth and mean share one colour scale, standard deviation and error another; 0.5 %% of the cells lie beyond either end.%s", w.chains, w.remark),
		&figure.Figure{Title: title, Panels: panels, Columns: 4}}
}

func unknownPicture(a *arrays, d *art, p *posterior) *picture {
	w := wordsOf(a.c)
	var samples [][]float64
	for i := range 2 {
		if x := a.field("field_samples", i); x != nil {
			samples = append(samples, d.values(x))
		}
	}
	lo, hi := limits(append(samples, p.mean)...)
	v := &figure.Scale{Label: d.name(), Unit: d.shown, Min: lo, Max: hi}
	s := &figure.Scale{Label: "spread", Unit: d.shownDelta, Map: figure.Magma, Max: top(p.std)}
	panels := []*figure.Panel{
		d.panel(w.mean, p.mean, v, true, true),
		d.panel(fmt.Sprintf("%s: %.3g %s on average", w.spread, mean(p.std), d.shownDelta), p.std, s, false, true),
	}
	panels[0].NoBar = true
	for i, x := range samples {
		panels = append(panels, d.panel(fmt.Sprintf("%s %d", w.each, i), x, v, false, true))
	}
	for i := 2; i < len(panels)-1; i++ {
		panels[i].NoBar = true
	}
	return &picture{"field", fmt.Sprintf("The first observation, which has no known truth: mean and standard deviation (1/(L−1)) of %s, and the first of them. Models share one colour scale; 0.5 %% of the cells lie beyond the ends of a scale.%s", w.chains, w.remark),
		&figure.Figure{Title: w.unknown, Panels: panels, Columns: len(panels)}}
}

// galleryPicture: the samples of lowest ratio above their nearest training examples.
func galleryPicture(a *arrays) *picture {
	d := a.art()
	rows := a.reals("judge", "gallery.npy")
	if d == nil || len(rows) == 0 {
		return nil
	}
	n := len(rows) / 3
	var samples, nearest [][]float64
	for i := range n {
		samples, nearest = append(samples, d.values(a.field("gallery_samples", i))), append(nearest, d.values(a.field("gallery_nearest", i)))
	}
	lo, hi := limits(append(samples, nearest...)...)
	s := &figure.Scale{Label: d.name(), Unit: d.shown, Min: lo, Max: hi}
	var panels []*figure.Panel
	for i := range n {
		panels = append(panels, d.panel(fmt.Sprintf("r = %.3f", rows[3*i]), samples[i], s, i == 0, false))
	}
	for i := range n {
		panels = append(panels, d.panel(fmt.Sprintf("training example %.0f", rows[3*i+1]), nearest[i], s, i == 0, true))
	}
	return &picture{"copies", "Above: samples, the most memorised first, with the ratio r of their distance to the nearest training example to the mean distance to the next k−1. Below: that training example.",
		&figure.Figure{Title: fmt.Sprintf("The %d most memorised of %.0f samples, above their nearest training examples", n, a.c.Metrics["memorisation.samples"]), Panels: panels, Columns: n, Width: min(13, 2.1*float64(n)+1)}}
}
