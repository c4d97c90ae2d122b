package figure

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Histogram shows the share of Values in each bin, as an outline with a pale fill. All histograms of a panel have the same
// bins (even ones, on a logarithmic axis even in the logarithm), so that their heights compare; a value outside the axis'
// range counts in the total and is not shown.
type Histogram struct {
	nothing
	Label  string
	Values []float64
	Bins   int         // 0: by the number of values (Rice's rule on the largest set, 10 to 60). The largest of a panel holds
	Color  color.Color // nil: the next of the sequence
	Dash   Dash        // of the outline: nulls and references are dashed
}

// sharedBins gives the edges for all histograms of a panel, nil if it has none with a value.
func sharedBins(ls []Layer, log bool) []float64 {
	lo, hi, most, bins := math.Inf(1), math.Inf(-1), 0, 0
	for _, l := range ls {
		h, ok := l.(Histogram)
		if !ok {
			continue
		}
		n := 0
		for _, v := range h.Values {
			if (scale{log: log}).ok(v) {
				lo, hi = min(lo, v), max(hi, v)
				n++
			}
		}
		most, bins = max(most, n), max(bins, h.Bins)
	}
	if most == 0 {
		return nil
	}
	if bins <= 0 {
		bins = min(max(int(2*math.Cbrt(float64(most))), 10), 60)
	}
	if log {
		lo, hi = math.Log10(lo), math.Log10(hi)
	}
	if hi-lo <= 1e-12*max(math.Abs(lo), math.Abs(hi)) {
		d := 0.05 * max(math.Abs(lo), 1)
		lo, hi = lo-d, hi+d
	}
	edges := make([]float64, bins+1)
	for i := range edges {
		t := float64(i) / float64(bins)
		edges[i] = lo*(1-t) + hi*t
		if log {
			edges[i] = math.Pow(10, edges[i])
		}
	}
	return edges
}

// shares counts values into bins; the last bin holds its upper edge.
func (h Histogram) shares(edges []float64, log bool) []float64 {
	out := make([]float64, max(len(edges)-1, 0))
	if len(out) == 0 {
		return out
	}
	total := 0.0
	for _, v := range h.Values {
		if !(scale{log: log}).ok(v) {
			continue
		}
		total++
		lo, hi := 0, len(out) // the bin by bisection on the edges themselves
		for hi-lo > 1 {
			if m := (lo + hi) / 2; v >= edges[m] {
				lo = m
			} else {
				hi = m
			}
		}
		out[lo]++
	}
	for i := range out {
		if total > 0 {
			out[i] /= total
		}
	}
	return out
}

func (h Histogram) extent(e *extent) {
	e.zero = true
	for _, v := range h.Values {
		if e.okX(v) {
			e.addX(v)
		} else {
			e.drop(v)
		}
	}
}

func (h Histogram) heights(e *extent, edges []float64) {
	e.addY(0)
	for _, s := range h.shares(edges, e.logX) {
		e.addY(s)
	}
	if len(edges) > 0 {
		e.addX(edges[0])
		e.addX(edges[len(edges)-1])
	}
}

func (h Histogram) slots() int { return mine(h.Color) }

func (h Histogram) draw(f *frame) {
	s := h.shares(f.bins, f.x.log)
	some := false
	for _, v := range s {
		some = some || v > 0
	}
	if !some {
		return
	}
	c := f.color(h.Color, 0)
	base := 0.0
	if f.y.log {
		base = f.y.lo
	}
	xs, ys, zs := []float64{f.bins[0]}, []float64{base}, []float64{base}
	for i, v := range s {
		v = max(v, base)
		xs, ys, zs = append(xs, f.bins[i], f.bins[i+1]), append(ys, v, v), append(zs, base, base)
	}
	xs, ys, zs = append(xs, f.bins[len(s)]), append(ys, base), append(zs, base)
	f.area(fade(c, 0.2), xs, zs, ys)
	sty := stroke(c, 1.3, h.Dash.lengths()...)
	for i := 0; i < len(s); i++ { // outlines of runs of bins that hold something
		if s[i] == 0 {
			continue
		}
		rx, ry := []float64{f.bins[i]}, []float64{base}
		for ; i < len(s) && s[i] > 0; i++ {
			rx, ry = append(rx, f.bins[i], f.bins[i+1]), append(ry, max(s[i], base), max(s[i], base))
		}
		f.line(sty, append(rx, f.bins[i]), append(ry, base))
	}
}

func (h Histogram) legend(f *frame) []legendEntry {
	c := f.color(h.Color, 0)
	return entry(h.Label, func(cv *draw.Canvas, r vg.Rectangle) {
		cv.FillPolygon(fade(c, 0.2), outline(r.Min, r.Max))
		cv.StrokeLines(stroke(c, 1.3, h.Dash.lengths()...), outline(r.Min, r.Max))
	})
}
