// Package figure draws the pictures of a report in one quiet style: readable sans-serif text, colours that the
// colour-blind can tell apart (Okabe and Ito 2008; viridis), a thin grid, the legend above the data and never on it.
//
// A [Figure] is a grid of [Panel]s; a panel has two [Axis] and [Layer]s that are drawn in order: [Line] (with bands,
// steps, fills), [VLine], [HLine], [Points], [Histogram], [Contours], [Field] (a heat map with z down) and [Bars].
// CalibrationPanel and RankPanel make whole panels. PNG and SVG give the bytes.
//
//	f := &figure.Figure{Panels: []*figure.Panel{{
//		Title:  "Misfit falls by two decades in the first 50 steps",
//		X:      figure.Axis{Label: "step"},
//		Y:      figure.Axis{Label: "data misfit", Log: true},
//		Layers: []figure.Layer{figure.Line{Label: "N = 50", X: step, Y: phi, Low: p5, High: p95}},
//	}}}
//	png, err := f.PNG()
//
// Values that are NaN, infinite, or not positive on a logarithmic axis are left out, and the panel's title says how many.
// An empty series draws nothing. The same input gives the same bytes.
//
// It is not a general plotting library (gonum.org/v1/plot is, whose canvases and fonts it uses): no interaction, no
// 3-D, no dates.
package figure

import (
	"bytes"
	"fmt"
	"image/color"
	"image/png"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// DPI is the resolution of PNG output in dots per inch.
const DPI = 150

// maxSide bounds a picture's side in inches, so that a mistake in Width does not allocate the machine's memory.
const maxSide = 60

// Figure is one picture: panels in reading order on a grid.
type Figure struct {
	Title   string   // over the whole picture; says what to see; "" none
	Panels  []*Panel // row by row; nil leaves a place empty
	Columns int      // 0: 1, 2, 3 or 4 by the number of panels
	Width   float64  // inches; 0: 6.4 for one column, 9 for two, 11 for three, 13 for more. The height follows
}

// PNG draws the figure at DPI dots per inch. Errors: a layer whose slices disagree in length, a picture that is too large.
func (f *Figure) PNG() ([]byte, error) {
	l, err := f.layout()
	if err != nil {
		return nil, err
	}
	c := vgimg.NewWith(vgimg.UseWH(l.width, l.height), vgimg.UseDPI(DPI))
	dc := draw.New(c)
	l.draw(&dc)
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.DefaultCompression}
	if err := e.Encode(&b, c.Image()); err != nil {
		return nil, fmt.Errorf("figure: %w", err)
	}
	return b.Bytes(), nil
}

// SVG draws the figure as a vector picture (heat maps are embedded images). It refers to nothing outside itself: text is
// in Liberation Sans where the reader has it, else in Arial or Helvetica, which have the same widths.
func (f *Figure) SVG() ([]byte, error) {
	l, err := f.layout()
	if err != nil {
		return nil, err
	}
	c := vgsvg.New(l.width, l.height)
	dc := draw.New(c)
	dc.SetColor(color.White)
	dc.Fill(dc.Rectangle.Path())
	l.draw(&dc)
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("figure: %w", err)
	}
	out := bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans"),
		[]byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif"))
	return bytes.ReplaceAll(out, []byte("data:image/jpg;base64"), []byte("data:image/png;base64")), nil
}

// laid is a figure with every panel's place.
type laid struct {
	width, height vg.Length
	title         []string
	legend        [][]legendEntry // one for all panels; nil: each its own
	panels        []*placed
	shared        *Scale // one colour bar for all panels; nil: each its own
	limits        map[*Scale][2]float64
	barBox        vg.Rectangle
}

const (
	pad    vg.Length = 8  // around the picture
	gutter vg.Length = 16 // between panels
)

func (f *Figure) columns() int {
	n := len(f.Panels)
	switch {
	case f.Columns > 0:
		return f.Columns
	case n <= 1:
		return 1
	case n == 2 || n == 4:
		return 2
	case n <= 9 && n != 8 && n != 7:
		return 3
	}
	return 4
}

func (f *Figure) layout() (*laid, error) {
	cols := f.columns()
	width := f.Width
	if width == 0 {
		width = []float64{6.4, 9, 11, 13}[min(cols, 4)-1]
	}
	if !(width >= 1 && width <= maxSide) {
		return nil, fmt.Errorf("figure: %q: width %g inches, allowed 1 to %d", f.Title, width, maxSide)
	}
	l := &laid{width: vg.Length(width) * vg.Inch, limits: map[*Scale][2]float64{}}
	for i, p := range f.Panels {
		if p == nil {
			l.panels = append(l.panels, nil)
			continue
		}
		pp, err := p.place(l.limits)
		if err != nil {
			return nil, fmt.Errorf("figure: panel %d (%s): %w", i, p.Title, err)
		}
		l.panels = append(l.panels, pp)
	}
	l.finishScales()

	top := pad
	if f.Title != "" {
		l.title = wrap(figureTitle, f.Title, l.width-2*pad)
		top += vg.Length(len(l.title))*lineHeight(figureTitle) + 6
	}
	if es := l.commonEntries(); es != nil {
		l.legend = legendRows(es, l.width-2*pad)
		top += vg.Length(len(l.legend))*legendLine + 4
	}
	right := vg.Length(0)
	if l.shared != nil {
		right = barWidth(l.shared, l.limits[l.shared], 200) + gutter/2
	}
	colW := (l.width - 2*pad - right - vg.Length(cols-1)*gutter) / vg.Length(cols)
	if colW < 60 {
		return nil, fmt.Errorf("figure: %q: %d columns do not fit into %g inches (at least 1 inch each)", f.Title, cols, width)
	}
	rows := (len(l.panels) + cols - 1) / cols

	// Two passes: the margins depend on the tick labels, which depend on the size that the margins leave.
	boxW := colW * 0.8
	boxH := make([]vg.Length, rows)
	lefts := make([]vg.Length, cols)
	rights := make([]vg.Length, cols)
	for pass := 0; pass < 3; pass++ {
		for j := range lefts {
			lefts[j], rights[j] = 0, 0
		}
		for i, p := range l.panels {
			if p == nil {
				continue
			}
			if pass == 0 {
				p.box = vg.Rectangle{Max: vg.Point{X: colW * 0.8, Y: colW * 0.5}}
			}
			p.measure(l, p.left+boxW+p.right)
			j := i % cols
			lefts[j] = max(lefts[j], p.left)
			rights[j] = max(rights[j], p.right)
		}
		boxW = colW * vg.Length(cols) // all boxes are equally wide
		for j := range lefts {
			boxW -= lefts[j] + rights[j]
		}
		boxW = max(boxW/vg.Length(cols), 20)
		for r := range boxH {
			boxH[r] = 0
			for i := r * cols; i < min((r+1)*cols, len(l.panels)); i++ {
				if p := l.panels[i]; p != nil {
					p.box = vg.Rectangle{Max: vg.Point{X: boxW, Y: max(20, boxW*vg.Length(p.aspect()))}}
					boxH[r] = max(boxH[r], p.box.Max.Y)
				}
			}
		}
	}

	// Heights, then places from the top down.
	tops, bottoms := make([]vg.Length, rows), make([]vg.Length, rows)
	total := top + pad
	for r := range boxH {
		for i := r * cols; i < min((r+1)*cols, len(l.panels)); i++ {
			if p := l.panels[i]; p != nil {
				tops[r], bottoms[r] = max(tops[r], p.top), max(bottoms[r], p.bottom)
			}
		}
		total += tops[r] + boxH[r] + bottoms[r]
		if r > 0 {
			total += gutter
		}
	}
	l.height = snap(max(total, 30))
	if l.height > maxSide*vg.Inch {
		return nil, fmt.Errorf("figure: %q: %d panels in %d columns are %.0f inches high, allowed %d",
			f.Title, len(f.Panels), cols, float64(l.height/vg.Inch), maxSide)
	}
	y := l.height - top
	first := y
	for r := range boxH {
		y -= tops[r]
		if r == 0 {
			first = y
		}
		x := pad
		for j := 0; j < cols; j++ {
			if i := r*cols + j; i < len(l.panels) && l.panels[i] != nil {
				p := l.panels[i]
				p.cell = vg.Rectangle{Min: vg.Point{X: x}, Max: vg.Point{X: x + lefts[j] + boxW + rights[j], Y: y + tops[r]}}
				p.settle(x+lefts[j], y, boxW, boxH[r])
			}
			x += lefts[j] + boxW + rights[j] + gutter
		}
		y -= boxH[r] + bottoms[r] + gutter
	}
	if l.shared != nil {
		bottom := y + gutter
		if rows > 0 {
			bottom += bottoms[rows-1]
		}
		h := min(first-bottom, 260)
		mid := (first + bottom) / 2
		l.barBox = vg.Rectangle{Min: vg.Point{X: l.width - pad - right + gutter/2, Y: mid - h/2}, Max: vg.Point{X: l.width - pad, Y: mid + h/2}}
	}
	return l, nil
}

// commonEntries are the legend entries of all panels if there are several panels and all say the same; nil otherwise.
func (l *laid) commonEntries() []legendEntry {
	var first *placed
	n := 0
	for _, p := range l.panels {
		if p == nil {
			continue
		}
		if n++; first == nil {
			first = p
			continue
		}
		if len(p.entries) != len(first.entries) {
			return nil
		}
		for i, e := range p.entries {
			if e.text != first.entries[i].text {
				return nil
			}
		}
	}
	if n < 2 {
		return nil
	}
	return first.entries
}

func (l *laid) draw(c *draw.Canvas) {
	y := l.height - pad
	for _, s := range l.title {
		figureTitle.fill(c, draw.XLeft, draw.YTop, vg.Point{X: pad, Y: y}, s)
		y -= lineHeight(figureTitle)
	}
	if l.legend != nil {
		drawLegend(c, l.legend, vg.Point{X: pad, Y: y - 4})
	}
	for _, p := range l.panels {
		if p != nil {
			p.draw(c, l)
		}
	}
	if l.shared != nil {
		drawBar(c, l.barBox, l.shared, l.limits[l.shared])
	}
}
