package figure

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Bars are values of categories, side by side per series, from 0 up, with intervals. Put the categories' names into the
// panel's X.Names. On a logarithmic Y axis the bars start at its lower end.
type Bars struct {
	nothing
	Series []BarSeries
}

// BarSeries is one value per category; NaN leaves the place empty.
type BarSeries struct {
	Label             string
	Values, Low, High []float64   // Low and High: intervals, nil none, NaN none for this one
	Color             color.Color // nil: the next of the sequence
}

func (b Bars) check() error {
	for _, s := range b.Series {
		what := fmt.Sprintf("bars %q", s.Label)
		if (s.Low == nil) != (s.High == nil) {
			return fmt.Errorf("%s: intervals need Low and High, only one is given", what)
		}
		if err := agree(what, len(s.Values), s.Low, s.High); err != nil {
			return err
		}
		if err := agree(what+" against the first series", len(b.Series[0].Values), s.Values); err != nil {
			return err
		}
	}
	return nil
}

func (b Bars) extent(e *extent) {
	e.zero = true
	if !e.logY {
		e.addY(0)
	}
	for _, s := range b.Series {
		for i, v := range s.Values {
			e.addX(float64(i))
			if !math.IsNaN(v) {
				e.add(float64(i), v)
			}
			if s.Low != nil {
				e.addY(s.Low[i])
				e.addY(s.High[i])
			}
		}
	}
}

func (b Bars) slots() int {
	n := 0
	for _, s := range b.Series {
		n += mine(s.Color)
	}
	return n
}

// each calls fn with every series' colour, in order.
func (b Bars) each(f *frame, fn func(k int, s BarSeries, c color.Color)) {
	slot := 0
	for k, s := range b.Series {
		fn(k, s, f.color(s.Color, slot))
		slot += mine(s.Color)
	}
}

func (b Bars) draw(f *frame) {
	n := float64(len(b.Series))
	base := max(0, f.y.lo)
	if f.y.hi < 0 {
		base = f.y.hi
	}
	w := 0.74 / n
	b.each(f, func(k int, s BarSeries, c color.Color) {
		for i, v := range s.Values {
			if !f.y.ok(v) {
				continue
			}
			x := float64(i) + (float64(k)-(n-1)/2)*w
			p := f.c.ClipPolygonXY(outline(f.pt(x-0.46*w, base), f.pt(x+0.46*w, v)))
			if len(p) > 2 {
				f.c.FillPolygon(pale(c, 0.78), p)
			}
			if s.Low == nil || math.IsNaN(s.Low[i]) || math.IsNaN(s.High[i]) {
				continue
			}
			lo := s.Low[i]
			if f.y.log && lo <= 0 {
				lo = f.y.lo
			}
			q0, q1 := f.pt(x, lo), f.pt(x, s.High[i])
			half := vg.Length(3)
			f.c.StrokeLines(stroke(ink, 0.9), f.c.ClipLinesXY([]vg.Point{q0, q1},
				[]vg.Point{{X: q0.X - half, Y: q0.Y}, {X: q0.X + half, Y: q0.Y}},
				[]vg.Point{{X: q1.X - half, Y: q1.Y}, {X: q1.X + half, Y: q1.Y}})...)
		}
	})
}

func (b Bars) legend(f *frame) (es []legendEntry) {
	b.each(f, func(_ int, s BarSeries, c color.Color) {
		es = append(es, entry(s.Label, func(cv *draw.Canvas, r vg.Rectangle) {
			cv.FillPolygon(pale(c, 0.78), outline(r.Min, r.Max))
		})...)
	})
	return es
}
