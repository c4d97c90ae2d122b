package figure

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Panel is one pair of axes with what is drawn between them.
type Panel struct {
	Title  string // says what to see
	X, Y   Axis
	Layers []Layer // drawn in order, later ones on top
	Equal  bool    // one unit has the same length on both axes
	Aspect float64 // height/width of the box; 0: 0.62, or what Equal and heat maps ask for
	Inset  *Inset  // nil none
	NoGrid bool
	NoBar  bool // no colour bar of its own: another panel with the same scale shows it
}

// Inset repeats a panel's layers, magnified, in a corner of it.
type Inset struct {
	X0, X1, Y0, Y1 float64 // what is magnified, in the panel's units; X0 < X1, Y0 < Y1
	Layers         []Layer // nil: the panel's own
	Corner         Corner
	Size           float64 // share of the panel's width and height; 0: 0.4
}

// Corner is a corner of a panel.
type Corner int

// The corners. FarCorner is the one farthest from what is magnified.
const (
	FarCorner Corner = iota
	TopRight
	TopLeft
	BottomRight
	BottomLeft
)

// Layer is one thing drawn in a panel. The layers of this package are all there are.
type Layer interface {
	check() error                  // slices that disagree
	extent(e *extent)              // widens the panel's range and counts what is left out
	slots() int                    // colours taken from the sequence
	draw(f *frame)                 // clipped to the box
	legend(f *frame) []legendEntry // what the legend says
	note(f *frame)                 // writes on top of all layers
}

// nothing is embedded by layers without these parts.
type nothing struct{}

func (nothing) note(*frame)                 {}
func (nothing) legend(*frame) []legendEntry { return nil }
func (nothing) slots() int                  { return 0 }
func (nothing) check() error                { return nil }

// mine is the number of colours that a layer of one series takes from the sequence.
func mine(own color.Color) int {
	if own == nil {
		return 1
	}
	return 0
}

// agree checks that what is given has n values; nil means not given.
func agree(what string, n int, given ...[]float64) error {
	for _, v := range given {
		if v != nil && len(v) != n {
			return fmt.Errorf("%s: slices of %d and %d values, all must have as many", what, n, len(v))
		}
	}
	return nil
}

// frame is where a layer draws: canvas cropped to the box, scales, colours, shared bins.
type frame struct {
	c      *draw.Canvas
	box    vg.Rectangle
	x, y   scale
	slot   int // the layer's first colour
	bins   []float64
	limits map[*Scale][2]float64

	written  []vg.Rectangle // labels so far
	uprights []vg.Length    // where VLines stand
}

func (f *frame) pt(x, y float64) vg.Point {
	return vg.Point{
		X: f.box.Min.X + (f.box.Max.X-f.box.Min.X)*clampLen(f.x.norm(x)),
		Y: f.box.Min.Y + (f.box.Max.Y-f.box.Min.Y)*clampLen(f.y.norm(y)),
	}
}

// clampLen keeps far points near enough for the rasteriser's fixed-point numbers, which never end on NaN.
func clampLen(t float64) vg.Length {
	if math.IsNaN(t) {
		return -50
	}
	return vg.Length(min(max(t, -50), 50))
}

func (f *frame) ok(x, y float64) bool { return f.x.ok(x) && f.y.ok(y) }

func (f *frame) color(own color.Color, i int) color.Color {
	if own != nil {
		return own
	}
	return SeriesColor(f.slot + i)
}

// line strokes a polyline, clipped; NaN points break it.
func (f *frame) line(sty draw.LineStyle, xs, ys []float64) {
	var run []vg.Point
	flush := func() {
		if len(run) > 1 {
			f.c.StrokeLines(sty, f.c.ClipLinesXY(run)...)
		}
		run = nil
	}
	for i := range xs {
		if !f.ok(xs[i], ys[i]) {
			flush()
			continue
		}
		run = append(run, f.pt(xs[i], ys[i]))
	}
	flush()
}

// area fills between two curves, clipped; NaN points split it. On a logarithmic axis the lower curve is cut at the bottom.
func (f *frame) area(c color.Color, xs, lo, hi []float64) {
	var up, down []vg.Point
	flush := func() {
		if len(up) > 1 {
			for i := len(down) - 1; i >= 0; i-- {
				up = append(up, down[i])
			}
			if p := f.c.ClipPolygonXY(up); len(p) > 2 {
				f.c.FillPolygon(c, p)
			}
		}
		up, down = nil, nil
	}
	for i := range xs {
		l := lo[i]
		if f.y.log && l <= 0 {
			l = f.y.lo
		}
		if !f.ok(xs[i], l) || !f.ok(xs[i], hi[i]) {
			flush()
			continue
		}
		up, down = append(up, f.pt(xs[i], hi[i])), append(down, f.pt(xs[i], l))
	}
	flush()
}

// placed is a panel with its scales, margins and box.
type placed struct {
	*Panel
	x, y                     scale
	title                    []string
	legend                   [][]legendEntry // rows
	entries                  []legendEntry
	bins                     []float64
	left, right, top, bottom vg.Length
	box, cell                vg.Rectangle
	notes                    []string // what is left out
	dropped                  string
	field                    bool
}

// place resolves ranges and notes what the layers bring to the colour scales.
func (p *Panel) place(limits map[*Scale][2]float64) (*placed, error) {
	pp := &placed{Panel: p}
	e := newExtent(p.X.Log, p.Y.Log)
	pp.bins = sharedBins(p.Layers, p.X.Log)
	slot := 0
	for _, l := range p.Layers {
		if err := l.check(); err != nil {
			return nil, err
		}
		l.extent(e)
		if h, ok := l.(Histogram); ok {
			h.heights(e, pp.bins)
		}
		if f, ok := l.(Field); ok {
			pp.field = true
			f.collect(limits)
		}
		pp.entries = append(pp.entries, l.legend(&frame{slot: slot})...)
		slot += l.slots()
	}
	var err error
	if pp.x, err = rangeOf(p.X, e.x0, e.x1, false, e.exact); err != nil {
		return nil, err
	}
	if pp.y, err = rangeOf(p.Y, e.y0, e.y1, e.zero, e.exact); err != nil {
		return nil, err
	}
	if in := p.Inset; in != nil && !(in.X0 < in.X1 && in.Y0 < in.Y1) {
		return nil, fmt.Errorf("inset: x %g to %g, y %g to %g, each must grow", in.X0, in.X1, in.Y0, in.Y1)
	}
	if e.dropped > 0 {
		what := "not finite"
		if e.nonPositive {
			what = "not finite or not above 0"
		}
		s := "s"
		if e.dropped == 1 {
			s = ""
		}
		pp.dropped = fmt.Sprintf("(%d value%s left out: %s)", e.dropped, s, what)
	}
	return pp, nil
}

func (p *placed) colorScale() *Scale {
	for _, l := range p.Layers {
		if f, ok := l.(Field); ok && f.Scale != nil {
			return f.Scale
		}
	}
	return nil
}

// aspect is height over width that the panel wants.
func (p *placed) aspect() float64 {
	if p.Aspect > 0 {
		return min(max(p.Aspect, 0.1), 4)
	}
	if p.field || p.Equal {
		r := math.Abs((p.y.hi - p.y.lo) / (p.x.hi - p.x.lo))
		if p.field {
			return min(max(r, 0.3), 1.25)
		}
		return min(max(r, 0.3), 1)
	}
	return 0.62
}

func (p *placed) xTicks() ([]tick, int) {
	if p.X.Names != nil {
		return nameTicks(p.X.Names), 0
	}
	w := float64(p.box.Max.X - p.box.Min.X)
	for n := max(2, int(w/38)); ; n-- { // fewer until the labels have room
		ts, pow := p.x.ticks(n)
		sum, k := vg.Length(0), 0
		for _, t := range ts {
			if !t.minor {
				sum += t.width() + 9
				k++
			}
		}
		if n <= 2 || float64(sum) <= w {
			return ts, pow
		}
	}
}

func (p *placed) yTicks() ([]tick, int) {
	if p.Y.Names != nil {
		return nameTicks(p.Y.Names), 0
	}
	return p.y.ticks(max(2, int(float64(p.box.Max.Y-p.box.Min.Y)/32)))
}

func nameTicks(names []string) []tick {
	ts := make([]tick, len(names))
	for i, n := range names {
		ts[i] = tick{at: float64(i), text: n}
	}
	return ts
}

// nameLines breaks category names to the room between them.
func (p *placed) nameLines() [][]string {
	if p.X.Names == nil || p.X.Hide {
		return nil
	}
	room := (p.box.Max.X-p.box.Min.X)/vg.Length(len(p.X.Names)) - 4
	out := make([][]string, len(p.X.Names))
	for i, n := range p.X.Names {
		out[i] = wrap(tickText, n, room)
	}
	return out
}

// measure computes the margins for the present box.
func (p *placed) measure(l *laid, colW vg.Length) {
	p.left, p.right, p.bottom, p.top = 4, 7, 4, 2
	if !p.Y.Hide {
		w := vg.Length(0)
		ts, pow := p.yTicks()
		for _, t := range ts {
			w = max(w, t.width())
		}
		p.left += w + 6
		if text, _, _ := axisLabel(p.Y.Label, p.Y.Unit, pow); text != "" {
			p.left += lineHeight(axisText) + 3
		}
	}
	if !p.X.Hide {
		lines := 1
		for _, n := range p.nameLines() {
			lines = max(lines, len(n))
		}
		p.bottom += 5 + vg.Length(lines)*lineHeight(tickText)
		_, pow := p.xTicks()
		if text, _, _ := axisLabel(p.X.Label, p.X.Unit, pow); text != "" {
			p.bottom += lineHeight(axisText) + 1
		}
	}
	if s := p.colorScale(); s != nil && l.shared == nil && !p.NoBar {
		p.right = barGap + barWidth(s, l.limits[s], p.box.Max.Y-p.box.Min.Y)
	}
	p.title, p.notes = nil, nil
	if p.Title != "" {
		p.title = wrap(panelTitle, p.Title, colW)
		p.top += vg.Length(len(p.title))*lineHeight(panelTitle) + 3
	}
	if p.dropped != "" {
		p.notes = wrap(noteText, p.dropped, colW)
		p.top += vg.Length(len(p.notes))*lineHeight(noteText) + 1
	}
	if p.legend = nil; l.legend == nil {
		p.legend = legendRows(p.entries, colW-p.left)
	}
	p.top += vg.Length(len(p.legend)) * legendLine
	if len(p.legend) > 0 {
		p.top += 3
	}
}

// settle fixes the box with its top left corner at (x, y), in a room of w by h.
func (p *placed) settle(x, y, w, h vg.Length) {
	bw, bh := w, h
	if a := vg.Length(p.aspect()); p.field || p.Equal || p.Aspect > 0 {
		bh = min(h, w*a)
	}
	if p.field && p.Aspect == 0 { // true shape, whatever room is left over
		r := vg.Length(math.Abs((p.y.hi - p.y.lo) / (p.x.hi - p.x.lo)))
		if r > 0.02 && r < 4 {
			bw = min(bw, bh/r)
			bh = min(bh, bw*r)
		}
	}
	x0, y1 := snap(x), snap(y)
	p.box = vg.Rectangle{Min: vg.Point{X: x0, Y: snap(y1 - bh)}, Max: vg.Point{X: snap(x0 + bw), Y: y1}}
	if p.Equal && !p.field && !p.x.log && !p.y.log { // widen the axis that has room
		ux := (p.x.hi - p.x.lo) / float64(bw)
		uy := (p.y.hi - p.y.lo) / float64(bh)
		u := max(ux, uy)
		grow := func(s *scale, by float64) {
			if by < 1e300 {
				s.lo, s.hi = s.lo-by/2, s.hi+by/2
			}
		}
		grow(&p.x, u*float64(bw)-(p.x.hi-p.x.lo))
		grow(&p.y, u*float64(bh)-(p.y.hi-p.y.lo))
	}
}
