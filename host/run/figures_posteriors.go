package run

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/figure"
	"github.com/waveprior/waveprior/core/metric"
)

// sameTruth reports whether two cells have one truth: equal but for what single precision loses between the quantities of two
// solvers' models.
func sameTruth(a, b []float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i, x := range a {
		if math.Abs(x-b[i]) > 1e-6*math.Abs(x) {
			return false
		}
	}
	return true
}

// inOneFigure is how many of n columns stand in one figure: at most maxBeside, and no figure is left with few.
func inOneFigure(n int) int {
	figures := max(1, (n+maxBeside-1)/maxBeside)
	return (n + figures - 1) / figures
}

// numbered is the name of the i-th figure of a kind, from 0: the first has none but the kind's.
func numbered(kind string, i int) string {
	if i == 0 {
		return kind
	}
	return fmt.Sprintf("%s-%d", kind, i+1)
}

// samplesTogether: samples of the first observation below its truth, a column per cell; optima and draws stand in different figures,
// and so do cells without a known truth.
func samplesTogether(all []*arrays) (out []picture) {
	type column struct {
		a       *arrays
		truth   []float64
		samples [][]float64
	}
	var cols []column
	var shown [][]float64
	var d *art
	for _, a := range all {
		e := a.art()
		if e == nil || d != nil && e.Field != d.Field || len(cols) == maxFields {
			continue
		}
		c := column{a: a, truth: a.field("field_truth", 0)}
		for i := 0; ; i++ {
			s := a.field("field_samples", i)
			if s == nil {
				break
			}
			c.samples = append(c.samples, e.values(s))
		}
		if len(c.samples) == 0 {
			continue
		}
		if c.truth != nil {
			c.truth = e.values(c.truth)
		}
		d, cols = e, append(cols, c)
		shown = append(append(shown, c.truth), c.samples...)
	}
	if len(cols) < 2 {
		return nil
	}
	lo, hi := limits(shown...)
	s := &figure.Scale{Label: d.name(), Unit: d.shown, Min: lo, Max: hi}
	for n, part := range parted(cols, func(c column) (*CellResult, bool) { return c.a.c, c.truth != nil }) {
		w := wordsOf(part[0].a.c)
		rows := 0
		for _, c := range part {
			rows = max(rows, len(c.samples))
		}
		f := &figure.Figure{Title: w.samples, Columns: len(part), Width: min(13, 2.6*float64(len(part))+1)}
		first, caption := -1, "its truth, and what the first chains ended at"
		if part[0].truth == nil {
			first, caption, f.Title = 0, "what the first chains ended at", w.singly
		}
		for r := first; r < rows; r++ {
			for i, c := range part {
				title, values := "truth", c.truth
				if r >= 0 {
					title, values = fmt.Sprintf("%s %d", w.each, r), nil
					if r < len(c.samples) {
						values = c.samples[r]
					}
				}
				if values == nil { // this cell has fewer chains
					title, values = "", nan(d.NZ*d.NX)
				}
				if r == first {
					title = cellName(c.a.c, true) + ":\n" + title
				}
				p := d.panel(title, values, s, i == 0, r == rows-1)
				p.NoBar = i < len(part)-1
				f.Panels = append(f.Panels, p)
			}
		}
		out = append(out, picture{numbered("samples", n), "The first observation, first seed, a column per cell: " + caption + ". They share one colour scale; 0.5 % of the cells lie beyond its ends.", f})
	}
	return out
}

// leastMapped is the least number of truths of which a map of coverage is drawn.
const leastMapped = 3

// coverageMaps: where in the model the truths lie within the chains' 90 % interval, over all truths and seeds, a panel per cell
// that differs by more than the seed.
func coverageMaps(cells []*CellResult) (*picture, error) {
	type group struct {
		name            string
		d               *art
		inside          []float64 // truths at each cell of the model that lie within
		truths, nominal float64   // number of truths; sum over them
	}
	var groups []*group
	by := map[string]*group{}
	for _, c := range cells {
		a := newArrays(c)
		d, t, l := a.art(), a.get("judge", "calibration_ranks.npy"), int(c.Metrics["calibration.chains"])
		if a.err != nil {
			return nil, a.err
		}
		if d == nil || t == nil || l < 2 {
			continue
		}
		name := withoutSeed(c)
		g := by[name]
		if g == nil {
			g = &group{name: cellName(c, true), d: d, inside: make([]float64, d.NZ*d.NX)}
			by[name] = g
			groups = append(groups, g)
		}
		k, nominal, err := metric.RankInterval(l, 0.9)
		if err != nil {
			return nil, err
		}
		for i := range t.Batch() {
			for at, rank := range t.Item(i).AppendReals(nil)[:len(g.inside)] { // of several fields the first
				if r := int(rank); r >= k && r <= l-k {
					g.inside[at]++
				}
			}
			g.truths, g.nominal = g.truths+1, g.nominal+nominal
		}
	}
	var panels []*figure.Panel
	s := &figure.Scale{Label: "share of truths inside", Min: 0, Max: 1}
	for _, g := range groups {
		if g.truths < leastMapped || len(panels) == maxBeside {
			continue
		}
		for i := range g.inside {
			g.inside[i] /= g.truths
		}
		panels = append(panels, g.d.panel(fmt.Sprintf("%s:\n%.0f %% inside, %.0f %% are honest", g.name, 100*mean(g.inside), 100*g.nominal/g.truths),
			g.inside, s, len(panels) == 0, true))
	}
	if len(panels) < 2 {
		return nil, nil
	}
	for _, p := range panels[:len(panels)-1] {
		p.NoBar = true
	}
	return &picture{"coverage", "Where the posteriors are too sure of themselves: the share of truths, over all observations and seeds, that lie within the chains' central 90 % interval (by ranks; what it covers of honest posteriors is said above each map), cell by cell of the model. Dark is where the truth is mostly outside.",
		&figure.Figure{Title: "Is the truth within the 90 % interval?", Panels: panels, Columns: len(panels), Width: min(13, 2.6*float64(len(panels))+1)}}, nil
}
