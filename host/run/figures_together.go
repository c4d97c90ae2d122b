package run

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"github.com/waveprior/waveprior/core/figure"
)

// together draws what the cells of the first seed have to show side by side. Experiments without fields and without
// coordinates of distances have [gallery] instead.
func together(cells []*CellResult) (out []picture, err error) {
	var all []*arrays
	for _, c := range cells {
		if firstSeed(c, cells) {
			all = append(all, newArrays(c))
		}
	}
	if len(all) < 2 { // one cell's figures are the report's
		return nil, nil
	}
	out = append(append(out, fieldsTogether(all)...), samplesTogether(all)...)
	covered, err := coverageMaps(cells)
	if err != nil {
		return nil, err
	}
	if covered != nil {
		out = append(out, *covered)
	}
	for _, f := range []func([]*arrays) *picture{copiesTogether, ratiosTogether, coordinatesTogether, misfitTogether, calibrationTogether, denoiserTogether} {
		if p := f(all); p != nil {
			out = append(out, *p)
		}
	}
	if p := ratesTogether(cells); p != nil {
		out = append(out, *p)
	}
	l, err := lossesTogether(all)
	if err != nil {
		return nil, err
	}
	if l != nil {
		out = append(out, *l)
	}
	for _, a := range all {
		if a.err != nil {
			return nil, a.err
		}
	}
	return out, nil
}

// Bounds of what one figure shows.
const (
	maxBeside = 5 // cells side by side in one figure of fields
	maxFields = 15
	maxCopies = 6 // rows of the gallery
	maxGroups = 6 // training sets
)

// fieldsTogether: truth, means, standard deviations and errors, a column per cell. Optima and draws stand in different figures, and so do
// cells without a known truth, which have no errors.
func fieldsTogether(all []*arrays) (out []picture) {
	type column struct {
		a *arrays
		*posterior
	}
	var cols []column
	var d *art
	for _, a := range all {
		e := a.art()
		if p := a.posterior(e, 0); p != nil && len(cols) < maxFields && (d == nil || e.Field == d.Field) {
			d, cols = e, append(cols, column{a, p})
		}
	}
	if len(cols) < 2 {
		return nil
	}
	var means, judged, unjudged [][]float64
	var first []float64 // of the truths
	alike := true
	for _, c := range cols {
		means = append(means, c.truth, c.mean)
		if c.truth == nil {
			unjudged = append(unjudged, c.std)
			continue
		}
		judged = append(judged, c.std, c.off)
		if first == nil {
			first = c.truth
		}
		alike = alike && sameTruth(c.truth, first)
	}
	lo, hi := limits(means...)
	for n, part := range parted(cols, func(c column) (*CellResult, bool) { return c.a.c, c.truth != nil }) {
		known := part[0].truth != nil
		same, delta := alike && known, top(judged...)
		if !known {
			delta = top(unjudged...)
		}
		w := wordsOf(part[0].a.c)
		v := &figure.Scale{Label: d.name(), Unit: d.shown, Min: lo, Max: hi}
		s := &figure.Scale{Label: w.spread, Unit: d.shownDelta, Map: figure.Magma, Max: delta}
		e := &figure.Scale{Label: "|error|", Unit: d.shownDelta, Map: figure.Magma, Max: delta}
		var rows [][]*figure.Panel
		row := func(lead *figure.Panel, bottom bool, scale *figure.Scale, title func(c column) string, values func(c column) []float64) {
			var r []*figure.Panel
			if same {
				r = append(r, lead)
			}
			for i, c := range part {
				p := d.panel(title(c), values(c), scale, i == 0 && lead == nil, bottom)
				p.NoBar = i < len(part)-1
				r = append(r, p)
			}
			rows = append(rows, r)
		}
		var truth *figure.Panel
		if same {
			truth = d.panel("truth", part[0].truth, v, true, true)
			truth.NoBar = true
		} else if known {
			row(nil, false, v, func(c column) string { return cellName(c.a.c, true) + ":\ntruth" }, func(c column) []float64 { return c.truth })
		}
		row(truth, false, v, func(c column) string { return cellName(c.a.c, true) + ":\nmean" }, func(c column) []float64 { return c.mean })
		row(nil, !known, s, func(c column) string { return fmt.Sprintf("spread, on average %.3g %s", mean(c.std), d.shownDelta) }, func(c column) []float64 { return c.std })
		title, caption, remark := w.unknown, fmt.Sprintf("the mean of %s and their standard deviation (1/(L−1)). No truth is known.", w.chains), w.remark
		if known {
			row(nil, true, e, func(c column) string { return fmt.Sprintf("|mean − truth|, %.3g %s", mean(c.off), d.shownDelta) }, func(c column) []float64 { return c.off })
			title, caption = w.together, fmt.Sprintf("the mean of %s, their standard deviation (1/(L−1)) and the distance of the mean from the truth.", w.chains)
			if remark == "" {
				remark = " Standard deviation and error have the same colours: an honest posterior looks alike in both rows."
			}
		}
		f := &figure.Figure{Title: title, Columns: len(rows[0]), Width: min(13, 2.6*float64(len(rows[0]))+1)}
		for _, r := range rows {
			f.Panels = append(f.Panels, r...)
		}
		out = append(out, picture{numbered("fields", n), "The first observation, first seed, a column per cell: " + caption + remark + " 0.5 % of the cells lie beyond the ends of a colour scale.", f})
	}
	return out
}

// copiesTogether: the three most memorised samples of every cell beside their nearest training examples.
func copiesTogether(all []*arrays) *picture {
	const pairs = 3
	var panels []*figure.Panel
	var shown [][]float64
	type row struct {
		a *arrays
		d *art
		r []float64
	}
	var rows []row
	for _, a := range all {
		d, r := a.art(), a.reals("judge", "gallery.npy")
		if d == nil || len(r) < 3*pairs || len(rows) == maxCopies {
			continue
		}
		rows = append(rows, row{a, d, r})
		for i := range pairs {
			shown = append(shown, d.values(a.field("gallery_samples", i)), d.values(a.field("gallery_nearest", i)))
		}
	}
	if len(rows) < 2 {
		return nil
	}
	lo, hi := limits(shown...)
	s := &figure.Scale{Label: rows[0].d.name(), Unit: rows[0].d.shown, Min: lo, Max: hi}
	for k, w := range rows {
		for i := range pairs {
			title := fmt.Sprintf("r = %.3f", w.r[3*i])
			if i == 0 {
				title = cellName(w.a.c, true) + ":\n" + title
			}
			panels = append(panels, w.d.panel(title, shown[(k*pairs+i)*2], s, i == 0, k == len(rows)-1),
				w.d.panel(fmt.Sprintf("example %.0f", w.r[3*i+1]), shown[(k*pairs+i)*2+1], s, false, k == len(rows)-1))
		}
	}
	return &picture{"copies", "A row per cell, first seed: three of its most memorised samples (lowest ratio r), no two of one training example where there are others, each with its nearest training example to the right. Prior and posterior samples are compared with the same training set.",
		&figure.Figure{Title: "Are samples copies? The most memorised ones, each beside its nearest training example", Panels: panels, Columns: 2 * pairs, Width: 13}}
}

// bySet groups cells by their training set, in order.
func bySet(all []*arrays, has func(a *arrays) bool) (groups [][]*arrays) {
	at := map[string]int{}
	for _, a := range all {
		e := stageOf(a.c, "data")
		if e == nil || !has(a) {
			continue
		}
		i, ok := at[e.Manifest.Key]
		if !ok {
			i = len(groups)
			at[e.Manifest.Key] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], a)
	}
	return groups
}

// setName says which training set a group of cells has.
func setName(a *arrays) string { return fmt.Sprintf("N = %.0f", a.c.Metrics["memorisation.examples"]) }

// priorName says which trained prior a cell has: its training set, and what else of the prior is swept.
func priorName(a *arrays) string {
	name := setName(a)
	for _, v := range a.c.Cell.Values {
		if v.Key != "prior.data.examples" && (v.Key == "prior" || strings.HasPrefix(v.Key, "prior.")) {
			text, isText := v.Value.(string)
			if !isText {
				text = fmt.Sprintf("%s = %v", v.Key[strings.LastIndexByte(v.Key, '.')+1:], v.Value)
			}
			name += ", " + text
		}
	}
	return name
}

// inCoordinates tells whether a cell's distances are worth a figure beside the others: fields, or coordinates of their own.
func inCoordinates(a *arrays) bool {
	return a.art() != nil || len(a.c.Cell.Judge.Memorisation.Adapt) > 0
}

// ratiosTogether: a histogram of r per training set, of all its cells, with the nulls.
func ratiosTogether(all []*arrays) *picture {
	groups := bySet(all, func(a *arrays) bool {
		return inCoordinates(a) && len(a.reals("judge", "memorisation_samples.npy")) >= 5
	})
	if len(groups) == 0 || len(groups) > maxGroups {
		return nil
	}
	var panels []*figure.Panel
	for _, g := range groups {
		p := &figure.Panel{Title: setName(g[0]), X: figure.Axis{Label: "ratio r", Min: 0, Max: 1}, Y: figure.Axis{Label: "share"}}
		var truth []float64
		for i, a := range g {
			h := figure.Histogram{Label: kind(a.c), Values: a.reals("judge", "memorisation_samples.npy"), Color: priorColor, Bins: 25}
			if conditional(a.c) {
				h.Color = posteriorColor
				truth = a.reals("judge", "memorisation_truth.npy")
			}
			if n := cellName(a.c, false); n != "" && len(g) > 2 {
				h.Label, h.Color = n, figure.SeriesColor(i)
			}
			p.Layers = append(p.Layers, h)
		}
		p.Layers = append(p.Layers, nulls(g[0])...)
		if len(truth) > 0 && len(truth) < manyTruths {
			for i, t := range truth {
				label := ""
				if i == 0 {
					label = "truth"
				}
				p.Layers = append(p.Layers, figure.VLine{At: t, Label: label, Color: figure.Black, Dash: figure.Dotted})
			}
		}
		panels = append(panels, p)
	}
	return &picture{"ratios", "Ratio r of the distance to the nearest training example to the mean distance to the next k−1, first seed. The nulls need no model: held-out examples against the training set, and each training example against the others. A sampler that copies nothing has the held-out histogram; 5 % of it lie below the dashed line.",
		&figure.Figure{Title: "How near samples come to the training set, beside examples that were never seen", Panels: panels}}
}

// coordinatesTogether: prior and posterior samples among the training examples, a row per training set.
func coordinatesTogether(all []*arrays) *picture {
	groups := bySet(all, func(a *arrays) bool { return a.get("judge", "memorisation_coordinates_training.npy") != nil })
	if len(groups) == 0 || len(groups) > maxGroups {
		return nil
	}
	var rows [][]*figure.Panel
	for _, g := range groups {
		var cs []*CellResult
		for _, a := range g {
			cs = append(cs, a.c)
		}
		if p := scatter(g[0], cs, setName(g[0])); p != nil {
			rows = append(rows, p)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	f := &figure.Figure{Title: "Where the samples lie among the training examples", Columns: len(rows)}
	for k := range rows[0] { // a column per training set
		for _, r := range rows {
			if k < len(r) {
				f.Panels = append(f.Panels, r[k])
			}
		}
	}
	share(f.Panels)
	return &picture{"coordinates", "Samples of the first seed among the training examples, in the first of the coordinates in which distances are measured: above 1 and 2, below 3 and 4. Samples that sit on training examples are copies.", f}
}

// share gives panels of the same axis label the same range, over what they show.
func share(panels []*figure.Panel) {
	type span struct{ lo, hi float64 }
	ranges := map[string]*span{}
	widen := func(label string, v []float64) {
		r := ranges[label]
		if r == nil {
			r = &span{math.Inf(1), math.Inf(-1)}
			ranges[label] = r
		}
		for _, x := range v {
			if !math.IsNaN(x) {
				r.lo, r.hi = min(r.lo, x), max(r.hi, x)
			}
		}
	}
	for _, p := range panels {
		for _, l := range p.Layers {
			if q, ok := l.(figure.Points); ok {
				widen(p.X.Label, q.X)
				widen(p.Y.Label, q.Y)
			}
		}
	}
	for _, p := range panels {
		for _, x := range []*figure.Axis{&p.X, &p.Y} {
			if r := ranges[x.Label]; r != nil && r.lo < r.hi {
				m := 0.04 * (r.hi - r.lo)
				x.Min, x.Max = r.lo-m, r.hi+m
			}
		}
	}
}

// calibrationTogether: error against spread in bins of equal count, a curve per cell.
func calibrationTogether(all []*arrays) *picture {
	p := &figure.Panel{Equal: true}
	end := 0.0
	for _, a := range all {
		d, b := a.art(), a.reals("judge", "calibration_bins.npy")
		if d == nil || b == nil || len(p.Layers) == 8 {
			continue
		}
		std, e := column(b, 0, 3), column(b, 1, 3)
		end = max(end, peak(std), peak(e))
		p.X, p.Y = figure.Axis{Label: "standard deviation of the chains", Unit: d.Unit}, figure.Axis{Label: "mean |mean − truth|", Unit: d.Unit}
		p.Layers = append(p.Layers, figure.Line{Label: cellName(a.c, true), X: std, Y: e, Dots: true, Color: figure.SeriesColor(len(p.Layers)), Width: 0.8})
	}
	if len(p.Layers) < 2 {
		return nil
	}
	p.X.Max, p.Y.Max = 1.05*end, 1.05*end
	p.Layers = append(p.Layers, honest(end))
	return &picture{"calibration", "Cells sorted by their standard deviation over the chains into bins of equal count, first seed: mean standard deviation against mean error. A calibrated Gaussian posterior lies on the dashed line; above it the chains are too sure of themselves.",
		&figure.Figure{Title: "Does a larger spread mean a larger error?", Panels: []*figure.Panel{p}, Width: 6}}
}

// denoiserTogether: distance of the learned denoisers from the memorised ones, a curve per trained prior.
func denoiserTogether(all []*arrays) *picture {
	train := &figure.Panel{Title: "at training examples", X: figure.Axis{Label: "level t"}, Y: figure.Axis{Label: "E|D − D_gmm|² / variance", Log: true}}
	held := &figure.Panel{Title: "at held-out examples", X: train.X, Y: train.Y}
	seen := map[string]bool{}
	for _, a := range all {
		t, e := a.get("judge", "denoiser_gap.npy"), stageOf(a.c, "train")
		if t == nil || e != nil && seen[e.Manifest.Key] || len(train.Layers) == 8 {
			continue
		}
		if e != nil {
			seen[e.Manifest.Key] = true
		}
		d, v := t.Shape[1], t.Float64s()
		c := figure.SeriesColor(len(train.Layers))
		train.Layers = append(train.Layers, figure.Line{Label: priorName(a), X: column(v, 0, d), Y: column(v, 1, d), Dots: true, Color: c})
		if d >= 7 {
			held.Layers = append(held.Layers, figure.Line{Label: priorName(a), X: column(v, 0, d), Y: column(v, 4, d), Dots: true, Color: c})
		}
	}
	if len(train.Layers) < 2 {
		return nil
	}
	panels := []*figure.Panel{train}
	if len(held.Layers) > 0 {
		panels = append(panels, held)
	}
	return &picture{"denoiser", "D_gmm is the optimal denoiser of the training examples alone, what a network that has memorised them computes: 0 is complete memorisation. In units of the variance of the clean latent vectors, first seed.",
		&figure.Figure{Title: "How far the network is from having memorised its training set", Panels: panels}}
}

// sortedKeys of a map by number.
func sortedKeys[V any](m map[float64]V) []float64 {
	var keys []float64
	for k := range m {
		keys = append(keys, k)
	}
	sort.Float64s(keys)
	return keys
}
