package run

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"

	"github.com/waveprior/waveprior/core/figure"
	"github.com/waveprior/waveprior/core/metric"
	"github.com/waveprior/waveprior/host/judge"
)

// inversionPicture: truth, start, the model at the end of each stage, and what the result is off by, of the first chain, where
// the latent vector is the model itself: full-waveform inversion. Observed data have no truth: then it is what the result differs by from
// the start.
func inversionPicture(a *arrays) *picture {
	d := a.art()
	start := a.field("field_start", 0)
	if d == nil || start == nil || a.c.Cell.Prior != nil {
		return nil
	}
	truth, result := a.field("field_truth", 0), a.field("field_best", 0)
	if result == nil || math.IsNaN(result[0]) {
		return nil
	}
	v := &inversionPanels{d: d, truth: truth}
	if truth != nil {
		v.add("truth", truth, false)
	}
	v.add("start", start, true)
	shown := len(v.fields)
	for i, label := range a.stageLabels() {
		if m := a.field("field_stages", i); m != nil {
			v.add(label, m, true)
		}
	}
	if len(v.fields) == shown { // one stage
		v.add("result", result, true)
	}
	name, title, of := "truth", "From the start to the truth", "The first observation: its truth, the model that the chain started from, the model at the end of each stage, and what the last one is off by. Errors are |x − truth|/|truth|."
	from := truth
	if truth == nil {
		name, title, of, from = "start", "From the start to a model of the data", "The first observation, which has no known truth: the model that the chain started from, the model at the end of each stage, and by how much the last one differs from the start.", start
	}
	return &picture{"inversion", of + " The velocities share one colour scale; 0.5 % of the cells lie beyond either end.",
		&figure.Figure{Title: title, Panels: v.panels(result, from, name), Columns: inversionColumns, Width: 11}}
}

const inversionColumns = 2

// inversionPanels are fields of one quantity beside each other.
type inversionPanels struct {
	d      *art
	truth  []float64 // nil: not known
	fields [][]float64
	titles []string
}

// add takes a field, with its error in the title where there is a truth to judge it by.
func (v *inversionPanels) add(title string, m []float64, judged bool) {
	if judged && v.truth != nil {
		title = fmt.Sprintf("%s: error %.3g", title, metric.RelativeL2(m, v.truth))
	}
	v.fields, v.titles = append(v.fields, v.d.values(m)), append(v.titles, title)
}

// panels draws the fields with one colour scale, and behind them how result differs from another field of that name.
func (v *inversionPanels) panels(result, from []float64, name string) []*figure.Panel {
	d := v.d
	lo, hi := limits(v.fields...)
	scale := &figure.Scale{Label: d.name(), Unit: d.shown, Min: lo, Max: hi}
	off := make([]float64, len(from))
	for i, t := range from {
		off[i] = result[i] - t
	}
	label := "error"
	if v.truth == nil {
		label = "difference"
	}
	most := 1.0 // nothing has moved
	if t := top(absolute(off)); t > 0 {
		most = roundUp(t)
	}
	var panels []*figure.Panel
	last := len(v.fields)
	for i, m := range v.fields {
		p := d.panel(v.titles[i], m, scale, i%inversionColumns == 0, i+inversionColumns > last)
		p.NoBar = i > 0
		panels = append(panels, p)
	}
	return append(panels, d.panel(fmt.Sprintf("result − %s: %.3g %s on average", name, mean(absolute(off)), d.shownDelta), off,
		&figure.Scale{Label: label, Unit: d.shownDelta, Map: figure.Diverging, Min: -most, Max: most}, last%inversionColumns == 0, true))
}

// roundUp is the next 1, 2 or 5 times a power of ten.
func roundUp(v float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if v <= m*p {
			return m * p
		}
	}
	return 10 * p
}

func absolute(v []float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = math.Abs(x)
	}
	return out
}

// stageLabels are the names of the stages of sampling, nil for one.
func (a *arrays) stageLabels() (labels []string) {
	e := stageOf(a.c, "sample")
	if e == nil {
		return nil
	}
	h, err := readHistory(e)
	if err != nil {
		return nil
	}
	for _, s := range h.Stages {
		labels = append(labels, s.Label)
	}
	return labels
}

// gatherPicture: one shot as observed, at the start, of the result, and what is left.
func gatherPicture(a *arrays) *picture {
	e := stageOf(a.c, "judge")
	t := a.get("judge", "gather.npy")
	if e == nil || t == nil {
		return nil
	}
	var g judge.Gather
	b, err := os.ReadFile(e.Path(judge.GatherFile))
	if err == nil {
		err = json.Unmarshal(b, &g)
	}
	if err != nil || len(g.Panels) != t.Shape[0] {
		a.err = err
		return nil
	}
	nt, nr := t.Shape[1], t.Shape[2]
	named := map[string][]float64{}
	for i, name := range g.Panels {
		named[name] = t.Item(i).AppendReals(nil)
	}
	order := append([]string{}, g.Panels...)
	for _, name := range []string{"start", "result"} {
		if named[name] == nil {
			continue
		}
		diff := "observed − " + name
		order = append(order, diff)
		named[diff] = make([]float64, nt*nr)
		for i, v := range named["observed"] {
			named[diff][i] = v - named[name][i]
		}
	}
	// What is to be seen are reflections: the scale is cut where the direct wave would drown them.
	seen, share, what := named["observed"], 0.95, "observed"
	if off := named["observed − start"]; off != nil {
		seen, share, what = off, 0.98, "observed − start"
	}
	clip := max(metric.Quantile(absolute(seen), share), 1e-30)
	s := &figure.Scale{Label: g.Quantity, Unit: g.Unit, Map: figure.Diverging, Min: -clip, Max: clip}
	if s.Unit == "1" {
		s.Unit = "no unit"
	}
	shot := fmt.Sprintf("shot %d of %d", g.Shot+1, g.Shots)
	if g.ShotX != nil {
		shot += fmt.Sprintf(", at x = %.5g m", *g.ShotX)
	}
	x := figure.Axis{Label: "receiver", Min: 0, Max: float64(nr - 1)}
	x0, x1 := -0.5, float64(nr)-0.5
	if g.DX > 0 {
		x = figure.Axis{Label: "x of the receiver", Unit: "m"}
		x0, x1 = g.X0-g.DX/2, g.X0+(float64(nr)-0.5)*g.DX
	}
	var panels []*figure.Panel
	for i, name := range order {
		p := &figure.Panel{Title: name, NoGrid: true, NoBar: i > 0, Aspect: 1.35, X: x, Y: figure.Axis{Label: "time", Unit: "s", Flip: true, Hide: i > 0},
			Layers: []figure.Layer{figure.Field{Values: named[name], NZ: nt, NX: nr, Scale: s, X0: x0, X1: x1, Z0: g.T0 - g.DT/2, Z1: g.T0 + (float64(nt)-0.5)*g.DT}}}
		panels = append(panels, p)
	}
	return &picture{"gather", fmt.Sprintf("The first observation's %s, all frequencies: observed (with noise), computed, and what the computed data leave. One colour scale; its ends are the %.0f %% quantile of the size of %s: what is beyond, the direct wave above all, has the colours of the ends.", shot, 100*share, what),
		&figure.Figure{Title: "Which arrivals does the model explain? " + strings.ToUpper(shot[:1]) + shot[1:], Panels: panels, Columns: len(panels), Width: 13}}
}

// descentPicture: misfit and model error over the evaluations of an optimisation, stage by stage.
func descentPicture(a *arrays) *picture {
	e := stageOf(a.c, "sample")
	if e == nil || a.get("sample", HistoryArray("iteration")) == nil {
		return nil
	}
	h, err := readHistory(e)
	if err != nil || len(h.Steps) == 0 {
		return nil
	}
	x := make([]float64, len(h.Steps))
	for i, s := range h.Steps {
		x[i] = float64(s + 1)
	}
	stages := h.Stages
	if len(stages) == 0 {
		stages = []HistoryStage{{}}
	}
	misfit := &figure.Panel{Title: "misfit of each stage's data", X: figure.Axis{Label: "evaluations of misfit and gradient"}, Y: figure.Axis{Label: "misfit phi", Log: true}}
	t := a.get("sample", HistoryArray("misfit"))
	for k, s := range stages {
		var xs, med, lo, hi []float64
		for i, step := range h.Steps {
			if step < s.First || k+1 < len(stages) && step >= stages[k+1].First {
				continue
			}
			v := finite([][]float64{t.Item(i).Float64s()})
			if len(v) == 0 {
				continue
			}
			xs = append(xs, x[i])
			med, lo, hi = append(med, metric.Quantile(v, 0.5)), append(lo, metric.Quantile(v, 0)), append(hi, metric.Quantile(v, 1))
		}
		line := figure.Line{Label: s.Label, X: xs, Y: med, Step: len(xs) > 1, Color: figure.SeriesColor(k)}
		if t.Shape[1] > 1 {
			line.Low, line.High = lo, hi
		}
		misfit.Layers = append(misfit.Layers, line)
	}
	if phi, ok := a.c.Metrics["data.misfit_truth"]; ok && phi > 0 {
		misfit.Layers = append(misfit.Layers, figure.Line{Label: "truth, all data", X: []float64{1, x[len(x)-1]}, Y: []float64{phi, phi}, Color: figure.Black, Dash: figure.Dashed})
	}
	panels := []*figure.Panel{misfit}
	if off := a.reals("judge", "error_along.npy"); off != nil {
		p := &figure.Panel{Title: "error of the model", X: misfit.X, Y: figure.Axis{Label: "|x − truth|/|truth|"},
			Layers: []figure.Layer{figure.Line{Label: "first chain", X: column(off, 0, 2), Y: column(off, 1, 2), Color: figure.Black, Dots: true}}}
		for k, s := range stages {
			if k > 0 {
				p.Layers = append(p.Layers, figure.VLine{At: float64(s.First) + 0.5, Color: figure.SeriesColor(k), Dash: figure.Dotted})
			}
		}
		panels = append(panels, p)
	}
	return &picture{"descent", "Misfit at the best point so far: median of the chains, and their range where there are several. Stages whose data are filtered or chosen have misfits of their own; the truth's is that of all data, which falls below the start of a stage by what noise leaves.",
		&figure.Figure{Title: "Misfit and error on the way down", Panels: panels}}
}
