package figure

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/palette/moreland"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// ColorMap maps 0..1 to colours.
type ColorMap int

// The colour maps. Viridis and Magma (S. van der Walt and N. Smith 2015, CC0) are even in perceived lightness; Diverging
// (K. Moreland 2009, smooth blue to red) is for signed values, its middle is zero unless limits are given.
const (
	Viridis ColorMap = iota
	Magma
	Diverging
)

// The maps at ten even positions; between them colours are interpolated linearly in sRGB.
var (
	viridis = []uint32{0x440154, 0x482878, 0x3e4989, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6ece58, 0xb5de2b, 0xfde725}
	magma   = []uint32{0x000004, 0x180f3d, 0x440f76, 0x721f81, 0x9e2f7f, 0xcd4071, 0xf1605d, 0xfd9668, 0xfeca8d, 0xfcfdbf}
)

var diverging = func() (t [256]color.NRGBA) {
	m := moreland.SmoothBlueRed()
	m.SetMin(0)
	m.SetMax(255)
	for i := range t {
		c, err := m.At(float64(i))
		if err != nil { // only for values outside the range set above
			panic("figure: diverging map: " + err.Error())
		}
		t[i] = color.NRGBAModel.Convert(c).(color.NRGBA)
	}
	return t
}()

// At is the colour at t; t is clamped to 0..1, NaN is light grey.
func (m ColorMap) At(t float64) color.NRGBA {
	if math.IsNaN(t) {
		return nanInk
	}
	t = min(max(t, 0), 1)
	if m == Diverging {
		return diverging[int(math.Round(t*255))]
	}
	stops := viridis
	if m == Magma {
		stops = magma
	}
	p := t * float64(len(stops)-1)
	i := min(int(p), len(stops)-2)
	a, b, f := rgb(stops[i]), rgb(stops[i+1]), p-float64(i)
	mix := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + f*(float64(b)-float64(a)))) }
	return color.NRGBA{R: mix(a.R, b.R), G: mix(a.G, b.G), B: mix(a.B, b.B), A: 255}
}

// Scale is a colour scale. Fields that point to the same Scale share its limits, and if all panels of a figure do, they
// share one colour bar.
type Scale struct {
	Label, Unit string
	Map         ColorMap
	Min, Max    float64 // both 0: the range of the finite values of all fields that share it
}

// finishScales turns the collected data ranges into limits, and finds whether one bar serves all.
func (l *laid) finishScales() {
	for s, v := range l.limits { // the order does not matter: each is worked on alone
		lo, hi := v[0], v[1]
		switch {
		case s.Min != 0 || s.Max != 0:
			lo, hi = s.Min, s.Max
		case !(lo <= hi):
			lo, hi = 0, 1
		case s.Map == Diverging:
			hi = max(math.Abs(lo), math.Abs(hi))
			lo = -hi
		}
		if !(lo < hi) {
			d := 0.5 * max(math.Abs(lo), 1e-3)
			lo, hi = lo-d, hi+d
		}
		l.limits[s] = [2]float64{lo, hi}
	}
	fields := 0
	for _, p := range l.panels {
		if p == nil {
			continue
		}
		s := p.colorScale()
		if s == nil || l.shared != nil && s != l.shared {
			l.shared = nil
			return
		}
		l.shared = s
		fields++
	}
	if fields < 2 {
		l.shared = nil
	}
}

const (
	barThick vg.Length = 9
	barGap   vg.Length = 9
)

func barTicks(lim [2]float64, h vg.Length) ([]tick, int) {
	return scale{lo: lim[0], hi: lim[1]}.ticks(int(h / 34))
}

// barWidth is the room that a colour bar of height h takes.
func barWidth(s *Scale, lim [2]float64, h vg.Length) vg.Length {
	w := vg.Length(0)
	ts, _ := barTicks(lim, h)
	for _, t := range ts {
		w = max(w, t.width())
	}
	w += barThick + 5
	if s.Label != "" || s.Unit != "" {
		w += lineHeight(axisText) + 2
	}
	return w
}

// drawBar draws a colour bar at the left of box, ticks to its right, the label outermost.
func drawBar(c *draw.Canvas, box vg.Rectangle, s *Scale, lim [2]float64) {
	y0, y1 := snap(box.Min.Y), snap(box.Max.Y)
	x0 := snap(box.Min.X)
	x1 := snap(x0 + barThick)
	n := max(2, int(math.Round(float64(y1-y0)*DPI/72)))
	c.DrawImage(vg.Rectangle{Min: vg.Point{X: x0, Y: y0}, Max: vg.Point{X: x1, Y: y1}}, columnImage(s.Map, n, int(math.Round(float64(x1-x0)*DPI/72))))
	c.StrokeLines(stroke(axisInk, 0.4), []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}, {X: x0, Y: y0}})
	sc := scale{lo: lim[0], hi: lim[1]}
	ts, pow := barTicks(lim, y1-y0)
	w := vg.Length(0)
	for _, t := range ts {
		y := y0 + (y1-y0)*clampLen(sc.norm(t.at))
		c.StrokeLines(stroke(axisInk, 0.5), []vg.Point{{X: x1, Y: y}, {X: x1 + 2.5, Y: y}})
		drawTick(c, t, vg.Point{X: x1 + 4.5, Y: y}, draw.XLeft, draw.YCenter)
		w = max(w, t.width())
	}
	text, exp, rest := axisLabel(s.Label, s.Unit, pow)
	drawLabel(c, text, exp, rest, vg.Point{X: x1 + 6 + w + lineHeight(axisText)*0.8, Y: (y0 + y1) / 2}, math.Pi/2)
}
