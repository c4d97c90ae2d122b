package figure

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// legendEntry is one name with its swatch.
type legendEntry struct {
	text  string
	swat  func(c *draw.Canvas, r vg.Rectangle) // draws into r
	width vg.Length
}

const (
	swatch     vg.Length = 18
	legendLine vg.Length = 12
)

func entry(text string, swat func(c *draw.Canvas, r vg.Rectangle)) []legendEntry {
	if text == "" {
		return nil
	}
	return []legendEntry{{text: text, swat: swat, width: swatch + 4 + textWidth(legendText, text) + 12}}
}

// legendRows flows entries into rows of width w.
func legendRows(es []legendEntry, w vg.Length) (rows [][]legendEntry) {
	used := vg.Length(0)
	for _, e := range es {
		if len(rows) == 0 || used+e.width-12 > w {
			rows = append(rows, nil)
			used = 0
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
		used += e.width
	}
	return rows
}

// draw draws title, legend, axes, layers, inset, colour bar.
func (p *placed) draw(c *draw.Canvas, l *laid) {
	y := p.cell.Max.Y - 2
	for _, s := range p.title {
		panelTitle.fill(c, draw.XLeft, draw.YTop, vg.Point{X: p.cell.Min.X, Y: y}, s)
		y -= lineHeight(panelTitle)
	}
	for _, s := range p.notes {
		noteText.fill(c, draw.XLeft, draw.YTop, vg.Point{X: p.cell.Min.X, Y: y}, s)
		y -= lineHeight(noteText)
	}
	drawLegend(c, p.legend, vg.Point{X: p.box.Min.X, Y: p.box.Max.Y + vg.Length(len(p.legend))*legendLine + 1})
	f := p.frame(c, p.box, p.x, p.y, l)
	p.axes(c)
	p.layers(f, p.Layers, true)
	if p.Inset != nil {
		p.inset(c, l)
	}
	if s := p.colorScale(); s != nil && l.shared == nil && !p.NoBar {
		b := p.box
		b.Min.X = b.Max.X + barGap
		drawBar(c, b, s, l.limits[s])
	}
}

// drawLegend draws rows downwards from at, their upper left corner.
func drawLegend(c *draw.Canvas, rows [][]legendEntry, at vg.Point) {
	y := at.Y
	for _, row := range rows {
		x := at.X
		for _, e := range row {
			mid := y - legendLine/2
			e.swat(c, vg.Rectangle{Min: vg.Point{X: x, Y: mid - 4}, Max: vg.Point{X: x + swatch, Y: mid + 4}})
			legendText.fill(c, draw.XLeft, draw.YCenter, vg.Point{X: x + swatch + 4, Y: mid}, e.text)
			x += e.width
		}
		y -= legendLine
	}
}

func (p *placed) frame(c *draw.Canvas, box vg.Rectangle, x, y scale, l *laid) *frame {
	return &frame{c: &draw.Canvas{Canvas: c.Canvas, Rectangle: box}, box: box, x: x, y: y, bins: p.bins, limits: l.limits}
}

func (p *placed) layers(f *frame, ls []Layer, notes bool) {
	for _, l := range ls {
		l.draw(f)
		f.slot += l.slots()
	}
	f.slot = 0
	for _, l := range ls {
		if v, ok := l.(VLine); ok {
			f.uprights = append(f.uprights, f.pt(v.At, f.y.lo).X)
		}
	}
	for i := 0; i < len(ls) && notes; i++ {
		ls[i].note(f)
	}
}

func (p *placed) axes(c *draw.Canvas) {
	b := p.box
	xs, xpow := p.xTicks()
	ys, ypow := p.yTicks()
	grid := stroke(gridInk, 0.5)
	if !p.NoGrid && !p.field {
		for _, t := range xs {
			if x := p.px(t.at); !t.minor && p.X.Names == nil && x > b.Min.X && x < b.Max.X {
				c.StrokeLines(grid, []vg.Point{{X: x, Y: b.Min.Y}, {X: x, Y: b.Max.Y}})
			}
		}
		for _, t := range ys {
			if y := p.py(t.at); !t.minor && y > b.Min.Y && y < b.Max.Y {
				c.StrokeLines(grid, []vg.Point{{X: b.Min.X, Y: y}, {X: b.Max.X, Y: y}})
			}
		}
	}
	axis := stroke(axisInk, 0.6)
	c.StrokeLines(axis, []vg.Point{{X: b.Min.X, Y: b.Max.Y}, b.Min, {X: b.Max.X, Y: b.Min.Y}})
	if !p.X.Hide {
		p.xAxis(c, xs, xpow)
	}
	if !p.Y.Hide {
		w := vg.Length(0)
		for _, t := range ys {
			y := p.py(t.at)
			if y < b.Min.Y-0.01 || y > b.Max.Y+0.01 {
				continue
			}
			n := vg.Length(3)
			if t.minor {
				n = 1.6
			}
			c.StrokeLines(axis, []vg.Point{{X: b.Min.X - n, Y: y}, {X: b.Min.X, Y: y}})
			if !t.minor {
				drawTick(c, t, vg.Point{X: b.Min.X - 5, Y: y}, draw.XRight, draw.YCenter)
				w = max(w, t.width())
			}
		}
		text, exp, rest := axisLabel(p.Y.Label, p.Y.Unit, ypow)
		drawLabel(c, text, exp, rest, vg.Point{X: b.Min.X - 8 - w - lineHeight(axisText)/2, Y: (b.Min.Y + b.Max.Y) / 2}, math.Pi/2)
	}
}

func (p *placed) px(v float64) vg.Length {
	return p.box.Min.X + (p.box.Max.X-p.box.Min.X)*clampLen(p.x.norm(v))
}

func (p *placed) py(v float64) vg.Length {
	return p.box.Min.Y + (p.box.Max.Y-p.box.Min.Y)*clampLen(p.y.norm(v))
}

func (p *placed) xAxis(c *draw.Canvas, xs []tick, pow int) {
	b := p.box
	axis := stroke(axisInk, 0.6)
	names := p.nameLines()
	lines := 1
	for i, t := range xs {
		x := p.px(t.at)
		if x < b.Min.X-0.01 || x > b.Max.X+0.01 {
			continue
		}
		if names != nil {
			lines = max(lines, len(names[i]))
			for k, s := range names[i] {
				tickText.fill(c, draw.XCenter, draw.YTop, vg.Point{X: x, Y: b.Min.Y - 4 - vg.Length(k)*lineHeight(tickText)}, s)
			}
			continue
		}
		n := vg.Length(3)
		if t.minor {
			n = 1.6
		}
		c.StrokeLines(axis, []vg.Point{{X: x, Y: b.Min.Y - n}, {X: x, Y: b.Min.Y}})
		if !t.minor {
			drawTick(c, t, vg.Point{X: x, Y: b.Min.Y - 4 - tickText.size*0.62}, draw.XCenter, draw.YCenter)
		}
	}
	text, exp, rest := axisLabel(p.X.Label, p.X.Unit, pow)
	drawLabel(c, text, exp, rest, vg.Point{X: (b.Min.X + b.Max.X) / 2, Y: b.Min.Y - 6 - vg.Length(lines)*lineHeight(tickText) - lineHeight(axisText)/2}, 0)
}

// drawTick writes a tick's label with its raised exponent.
func drawTick(c *draw.Canvas, t tick, at vg.Point, xalign draw.XAlignment, yalign draw.YAlignment) {
	x := at.X + t.width()*vg.Length(xalign)
	tickText.fill(c, draw.XLeft, yalign, vg.Point{X: x, Y: at.Y}, t.text)
	if t.exp != "" {
		smallText.fill(c, draw.XLeft, yalign, vg.Point{X: x + textWidth(tickText, t.text), Y: at.Y + 3}, t.exp)
	}
}

// drawLabel centres an axis label on at, rotated by angle, with a raised exponent between text and rest.
func drawLabel(c *draw.Canvas, text, exp, rest string, at vg.Point, angle float64) {
	if text == "" {
		return
	}
	w1, w2 := textWidth(axisText, text), textWidth(smallText, exp)
	total := w1 + w2 + textWidth(axisText, rest)
	cos, sin := vg.Length(math.Cos(angle)), vg.Length(math.Sin(angle))
	put := func(s textStyle, along, up vg.Length, txt string) {
		if txt == "" {
			return
		}
		st := s.at(draw.XLeft, draw.YCenter)
		st.Rotation = angle
		along -= total / 2
		c.FillText(st, vg.Point{X: at.X + along*cos - up*sin, Y: at.Y + along*sin + up*cos}, txt)
	}
	put(axisText, 0, 0, text)
	put(smallText, w1, 3, exp)
	put(axisText, w1+w2, 0, rest)
}

// inset draws the magnified part in its corner, and marks it in the panel.
func (p *placed) inset(c *draw.Canvas, l *laid) {
	in := p.Inset
	size := vg.Length(in.Size)
	if !(size > 0 && size < 1) {
		size = 0.4
	}
	b := p.box
	w, h := (b.Max.X-b.Min.X)*size, (b.Max.Y-b.Min.Y)*size
	if p.Equal {
		h = min(w*vg.Length((in.Y1-in.Y0)/(in.X1-in.X0)), (b.Max.Y-b.Min.Y)*0.7)
	}
	const gap = 5
	min0 := vg.Point{X: b.Max.X - w - gap, Y: b.Max.Y - h - gap}
	corner := in.Corner
	if corner == FarCorner {
		tx, ty := p.x.norm((in.X0+in.X1)/2), p.y.norm((in.Y0+in.Y1)/2)
		corner = map[[2]bool]Corner{{true, true}: BottomLeft, {true, false}: TopLeft, {false, true}: BottomRight, {false, false}: TopRight}[[2]bool{tx > 0.5, ty > 0.5}]
	}
	if corner == TopLeft || corner == BottomLeft {
		min0.X = b.Min.X + gap
	}
	if corner == BottomLeft || corner == BottomRight {
		min0.Y = b.Min.Y + gap
	}
	r := vg.Rectangle{Min: vg.Point{X: snap(min0.X), Y: snap(min0.Y)}, Max: vg.Point{X: snap(min0.X + w), Y: snap(min0.Y + h)}}
	x, y := p.x, p.y
	x.lo, x.hi, y.lo, y.hi = in.X0, in.X1, in.Y0, in.Y1

	f := p.frame(c, b, p.x, p.y, l)
	q0, q1 := f.pt(in.X0, in.Y0), f.pt(in.X1, in.Y1)
	q0, q1 = vg.Point{X: min(q0.X, q1.X), Y: min(q0.Y, q1.Y)}, vg.Point{X: max(q0.X, q1.X), Y: max(q0.Y, q1.Y)}
	frameLine := stroke(muted, 0.6)
	ties := [][2]vg.Point{{q0, r.Min}, {q1, r.Max}}
	if (q0.X+q1.X < r.Min.X+r.Max.X) == (q0.Y+q1.Y < r.Min.Y+r.Max.Y) {
		ties = [][2]vg.Point{{{X: q0.X, Y: q1.Y}, {X: r.Min.X, Y: r.Max.Y}}, {{X: q1.X, Y: q0.Y}, {X: r.Max.X, Y: r.Min.Y}}}
	}
	for _, t := range ties {
		f.c.StrokeLines(stroke(axisInk, 0.4), f.c.ClipLinesXY([]vg.Point{t[0], t[1]})...)
	}
	f.c.StrokeLines(frameLine, f.c.ClipLinesXY(outline(q0, q1))...)
	c.FillPolygon(color.White, outline(r.Min, r.Max))
	ls := in.Layers
	if ls == nil {
		ls = p.Layers
	}
	p.layers(p.frame(c, r, x, y, l), ls, false)
	c.StrokeLines(frameLine, outline(r.Min, r.Max))
}

func outline(a, b vg.Point) []vg.Point {
	return []vg.Point{a, {X: b.X, Y: a.Y}, b, {X: a.X, Y: b.Y}, a}
}
