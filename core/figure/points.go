package figure

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Shape is the mark of a point.
type Shape int

// The shapes. Star is for the truth: larger, with a white rim.
const (
	Circle Shape = iota
	Square
	Triangle
	Diamond
	Cross
	Ring
	Star
)

// Points is a group of marks at (X, Y).
type Points struct {
	nothing
	Label string
	X, Y  []float64
	Shape Shape
	Size  float64     // radius in points; 0: 2.2, for Star 7
	Alpha float64     // opacity 0..1; 0: by number, from 0.85 for a few to 0.25 for thousands
	Color color.Color // nil: the next of the sequence
}

func (p Points) check() error {
	if len(p.X) != len(p.Y) {
		return fmt.Errorf("points %q: %d X and %d Y values", p.Label, len(p.X), len(p.Y))
	}
	return nil
}

func (p Points) slots() int { return mine(p.Color) }
func (p Points) radius() float64 {
	switch {
	case p.Size > 0:
		return p.Size
	case p.Shape == Star:
		return 7
	}
	return 2.2
}

func (p Points) extent(e *extent) {
	for i, x := range p.X {
		e.add(x, p.Y[i])
	}
}

func (p Points) paint(f *frame) color.Color {
	a := p.Alpha
	if !(a > 0 && a <= 1) {
		a = min(max(0.85-0.2*math.Log10(max(float64(len(p.X))/20, 1)), 0.25), 0.85)
		if p.Shape == Star {
			a = 1
		}
	}
	return fade(f.color(p.Color, 0), a)
}

func (p Points) draw(f *frame) {
	c := p.paint(f)
	for i, x := range p.X {
		if !f.ok(x, p.Y[i]) {
			continue
		}
		if q := f.pt(x, p.Y[i]); f.c.Contains(q) {
			glyph(f, q, p.Shape, vg.Length(p.radius()), c)
		}
	}
}

func (p Points) legend(f *frame) []legendEntry {
	c := fade(f.color(p.Color, 0), 0.9)
	r0 := vg.Length(min(p.radius()+0.6, 5))
	return entry(p.Label, func(cv *draw.Canvas, r vg.Rectangle) {
		glyph(&frame{c: cv}, vg.Point{X: r.Max.X - 6, Y: (r.Min.Y + r.Max.Y) / 2}, p.Shape, r0, c)
	})
}

// glyph draws one mark of radius r.
func glyph(f *frame, at vg.Point, s Shape, r vg.Length, c color.Color) {
	corners := func(n int, phase float64, radius func(i int) vg.Length) []vg.Point {
		ps := make([]vg.Point, n+1)
		for i := range ps {
			sin, cos := math.Sincos(phase + 2*math.Pi*float64(i%n)/float64(n))
			ps[i] = vg.Point{X: at.X + radius(i%n)*vg.Length(cos), Y: at.Y + radius(i%n)*vg.Length(sin)}
		}
		return ps
	}
	all := func(k vg.Length) func(int) vg.Length { return func(int) vg.Length { return r * k } }
	disc := func(r vg.Length) vg.Path {
		var p vg.Path
		p.Move(vg.Point{X: at.X + r, Y: at.Y})
		p.Arc(at, r, 0, 2*math.Pi)
		p.Close()
		return p
	}
	switch s {
	case Square:
		f.c.FillPolygon(c, corners(4, math.Pi/4, all(1.25)))
	case Triangle:
		f.c.FillPolygon(c, corners(3, math.Pi/2, all(1.35)))
	case Diamond:
		f.c.FillPolygon(c, corners(4, 0, all(1.35)))
	case Cross:
		d := r * 0.9
		sty := stroke(c, max(0.9, r*0.4))
		f.c.StrokeLines(sty, []vg.Point{{X: at.X - d, Y: at.Y - d}, {X: at.X + d, Y: at.Y + d}},
			[]vg.Point{{X: at.X - d, Y: at.Y + d}, {X: at.X + d, Y: at.Y - d}})
	case Ring:
		f.c.SetLineStyle(stroke(c, max(0.8, r*0.3)))
		f.c.Stroke(disc(r))
	case Star:
		ps := corners(10, math.Pi/2, func(i int) vg.Length {
			if i%2 == 1 {
				return r * 0.45
			}
			return r
		})
		f.c.FillPolygon(c, ps)
		f.c.StrokeLines(stroke(color.White, 0.8), ps)
	default:
		f.c.SetColor(c)
		f.c.Fill(disc(r))
	}
}
