package figure

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Line is a curve through (X, Y). A point that is not finite breaks it.
type Line struct {
	nothing
	Label     string
	X, Y      []float64
	Low, High []float64   // a band about it, drawn shaded; nil none. Y may be nil: the band alone
	Fill      bool        // shaded down to y = 0: densities
	Step      bool        // constant from X[i] to X[i+1]: counts, schedules
	Dots      bool        // marks the points
	Dash      Dash        //
	Width     float64     // points; 0: 1.5
	Color     color.Color // nil: the next of the sequence
}

// Dash is the way a line is broken.
type Dash int

// The dashes.
const (
	Solid Dash = iota
	Dashed
	Dotted
	DashDot
)

func (d Dash) lengths() []vg.Length {
	return [][]vg.Length{nil, {5, 2.5}, {1.2, 2}, {6, 2, 1.2, 2}}[min(max(d, 0), DashDot)]
}

func (l Line) style(c color.Color) draw.LineStyle {
	w := vg.Length(l.Width)
	if !(w > 0) {
		w = 1.5
	}
	return stroke(c, w, l.Dash.lengths()...)
}

func (l Line) check() error {
	what := fmt.Sprintf("line %q", l.Label)
	if (l.Low == nil) != (l.High == nil) {
		return fmt.Errorf("%s: a band needs Low and High, only one is given", what)
	}
	if l.Y == nil && l.Low == nil && len(l.X) > 0 {
		return fmt.Errorf("%s: %d X values and neither Y nor a band", what, len(l.X))
	}
	return agree(what, len(l.X), l.Y, l.Low, l.High)
}

func (l Line) extent(e *extent) {
	e.zero = e.zero || l.Fill && !e.logY
	for i, x := range l.X {
		if l.Y != nil {
			e.add(x, l.Y[i])
		}
		if l.Low != nil && e.okX(x) {
			if l.Y == nil {
				e.addX(x)
			}
			if e.okY(l.High[i]) && (e.okY(l.Low[i]) || e.logY && l.Low[i] <= 0) {
				e.addY(l.Low[i])
				e.addY(l.High[i])
			} else if l.Y == nil || e.okY(l.Y[i]) {
				e.drop(l.Low[i], l.High[i])
			}
		}
	}
	if l.Fill {
		e.addY(0)
	}
}

func (l Line) slots() int { return mine(l.Color) }

// steps doubles the points of a step line.
func steps(x, y []float64) (xs, ys []float64) {
	for i := range y {
		if i > 0 {
			xs, ys = append(xs, x[i]), append(ys, y[i-1])
		}
		xs, ys = append(xs, x[i]), append(ys, y[i])
	}
	return xs, ys
}

func (l Line) draw(f *frame) {
	c := f.color(l.Color, 0)
	x, y, lo, hi := l.X, l.Y, l.Low, l.High
	if l.Step {
		if lo != nil {
			_, lo = steps(l.X, lo)
			x, hi = steps(l.X, hi)
		}
		if y != nil {
			x, y = steps(l.X, y)
		}
	}
	if lo != nil {
		f.area(fade(c, 0.18), x, lo, hi)
	}
	if y == nil {
		return
	}
	if l.Fill {
		f.area(fade(c, 0.15), x, make([]float64, len(y)), y)
	}
	f.line(l.style(c), x, y)
	if l.Dots {
		for i := range l.Y {
			if f.ok(l.X[i], l.Y[i]) {
				glyph(f, f.pt(l.X[i], l.Y[i]), Circle, 2.2, c)
			}
		}
	}
}

func (l Line) legend(f *frame) []legendEntry {
	c := f.color(l.Color, 0)
	return entry(l.Label, func(cv *draw.Canvas, r vg.Rectangle) {
		if l.Low != nil || l.Fill {
			cv.FillPolygon(fade(c, 0.2), outline(r.Min, r.Max))
		}
		y := (r.Min.Y + r.Max.Y) / 2
		if l.Y != nil || l.Low == nil {
			cv.StrokeLines(l.style(c), []vg.Point{{X: r.Min.X, Y: y}, {X: r.Max.X, Y: y}})
		}
		if l.Dots {
			glyph(&frame{c: cv}, vg.Point{X: (r.Min.X + r.Max.X) / 2, Y: y}, Circle, 2.2, c)
		}
	})
}

// VLine is a vertical line over the whole height, with its label beside its upper end.
type VLine struct {
	nothing
	At    float64
	Label string
	Color color.Color // nil: dark grey
	Dash  Dash
}

// HLine is a horizontal line over the whole width, with its label above its right end.
type HLine struct {
	nothing
	At    float64
	Label string
	Color color.Color // nil: dark grey
	Dash  Dash
}

func (l VLine) extent(e *extent) {
	if !e.okX(l.At) {
		e.drop(l.At)
	}
	e.addX(l.At)
}

func (l HLine) extent(e *extent) {
	if !e.okY(l.At) {
		e.drop(l.At)
	}
	e.addY(l.At)
}

func markColor(c color.Color) color.Color {
	if c == nil {
		return muted
	}
	return c
}

func (l VLine) draw(f *frame) {
	if t := f.x.norm(l.At); f.x.ok(l.At) && t >= 0 && t <= 1 {
		x := f.pt(l.At, f.y.lo).X
		f.c.StrokeLines(stroke(markColor(l.Color), 1, l.Dash.lengths()...), []vg.Point{{X: x, Y: f.box.Min.Y}, {X: x, Y: f.box.Max.Y}})
	}
}

func (l HLine) draw(f *frame) {
	if t := f.y.norm(l.At); f.y.ok(l.At) && t >= 0 && t <= 1 {
		y := f.pt(f.x.lo, l.At).Y
		f.c.StrokeLines(stroke(markColor(l.Color), 1, l.Dash.lengths()...), []vg.Point{{X: f.box.Min.X, Y: y}, {X: f.box.Max.X, Y: y}})
	}
}

// note writes beside the upper end, on the first row and side where it meets no other label and no other line.
func (l VLine) note(f *frame) {
	t := f.x.norm(l.At)
	if l.Label == "" || !f.x.ok(l.At) || t < 0 || t > 1 {
		return
	}
	x, w := f.pt(l.At, f.y.lo).X, textWidth(markText, l.Label)
	for try := 0; try < 12; try++ {
		r := vg.Rectangle{Min: vg.Point{X: x + 3, Y: f.box.Max.Y - 13 - vg.Length(try/2)*lineHeight(markText)}}
		if try%2 == 1 {
			r.Min.X = x - 3 - w
		}
		r.Max = vg.Point{X: r.Min.X + w, Y: r.Min.Y + 10}
		if f.free(r) || try == 11 {
			f.label(r, l.Label, markColor(l.Color))
			return
		}
	}
}

func (l HLine) note(f *frame) {
	t := f.y.norm(l.At)
	if l.Label == "" || !f.y.ok(l.At) || t < 0 || t > 1 {
		return
	}
	w := textWidth(markText, l.Label)
	r := vg.Rectangle{Min: vg.Point{X: f.box.Max.X - 3 - w, Y: f.pt(f.x.lo, l.At).Y + 1.5}}
	if r.Min.Y+10 > f.box.Max.Y {
		r.Min.Y -= 13
	}
	r.Max = vg.Point{X: r.Min.X + w, Y: r.Min.Y + 10}
	f.label(r, l.Label, markColor(l.Color))
}

// free says whether a label in r lies in the box and meets no other label and no upright line.
func (f *frame) free(r vg.Rectangle) bool {
	if r.Min.X < f.box.Min.X+1 || r.Max.X > f.box.Max.X {
		return false
	}
	for _, x := range f.uprights {
		if x > r.Min.X-1 && x < r.Max.X+1 {
			return false
		}
	}
	for _, o := range f.written {
		if r.Min.X < o.Max.X+3 && r.Max.X > o.Min.X-3 && r.Min.Y < o.Max.Y && r.Max.Y > o.Min.Y {
			return false
		}
	}
	return true
}

// label writes on a pale ground, so that it can be read over lines.
func (f *frame) label(r vg.Rectangle, txt string, c color.Color) {
	f.written = append(f.written, r)
	f.c.FillPolygon(color.NRGBA{255, 255, 255, 170}, outline(vg.Point{X: r.Min.X - 1, Y: r.Min.Y}, vg.Point{X: r.Max.X + 1, Y: r.Max.Y}))
	st := markText
	st.color = c
	st.fill(f.c, draw.XLeft, draw.YCenter, vg.Point{X: r.Min.X, Y: (r.Min.Y + r.Max.Y) / 2}, txt)
}
