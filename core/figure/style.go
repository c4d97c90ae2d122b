package figure

import (
	"image/color"
	"math"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Colours of series: Okabe and Ito, "Color Universal Design" (2008), in the order in which layers without a Color take
// them, and the neutral ones. By habit of the reports: Black for the truth, Grey for the prior.
var (
	Blue       = rgb(0x0072b2)
	Vermillion = rgb(0xd55e00)
	Green      = rgb(0x009e73)
	Purple     = rgb(0xcc79a7)
	Orange     = rgb(0xe69f00)
	Sky        = rgb(0x56b4e9)
	Black      = rgb(0x1a1a1a)
	Grey       = rgb(0x8c8c8c)
)

var (
	ink      = rgb(0x222222)
	muted    = rgb(0x555555)
	gridInk  = rgb(0xe4e4e4)
	axisInk  = rgb(0x9a9a9a)
	nanInk   = rgb(0xd9d9d9)
	sequence = []color.NRGBA{Blue, Vermillion, Green, Purple, Orange, Sky, rgb(0x6b4c3b), rgb(0x444444)}
)

// SeriesColor is the colour of the i-th series, i >= 0; it repeats after eight.
func SeriesColor(i int) color.NRGBA { return sequence[i%len(sequence)] }

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 255}
}

// fade multiplies a colour's opacity by a in 0..1.
func fade(c color.Color, a float64) color.NRGBA {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	n.A = uint8(math.Round(float64(n.A) * min(max(a, 0), 1)))
	return n
}

// pale mixes a colour with white: a of it.
func pale(c color.Color, a float64) color.NRGBA {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	mix := func(v uint8) uint8 { return uint8(math.Round(255 - a*(255-float64(v)))) }
	return color.NRGBA{R: mix(n.R), G: mix(n.G), B: mix(n.B), A: n.A}
}

// Text sizes in points.
type textStyle struct {
	size  vg.Length
	bold  bool
	color color.Color
}

var (
	figureTitle = textStyle{11, true, ink}
	panelTitle  = textStyle{9.5, true, ink}
	axisText    = textStyle{9, false, ink}
	tickText    = textStyle{8, false, muted}
	noteText    = textStyle{7.5, false, muted}
	smallText   = textStyle{5.8, false, muted} // exponents
	legendText  = textStyle{8.5, false, ink}
	markText    = textStyle{8, false, muted}
)

func (s textStyle) at(x draw.XAlignment, y draw.YAlignment) draw.TextStyle {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: s.size}
	if s.bold {
		f.Weight = xfont.WeightBold
	}
	return draw.TextStyle{Color: s.color, Font: f, XAlign: x, YAlign: y, Handler: plot.DefaultTextHandler}
}

func lineHeight(s textStyle) vg.Length { return s.size * 1.3 }

// fill writes a text with its middle (of the figures, not of the font's box) or its top at the point's height.
func (s textStyle) fill(c *draw.Canvas, x draw.XAlignment, y draw.YAlignment, at vg.Point, txt string) {
	if y == draw.YCenter {
		at.Y += s.size * 0.1
	}
	c.FillText(s.at(x, y), at, txt)
}

func textWidth(s textStyle, txt string) vg.Length { return s.at(0, 0).Width(txt) }

// wrap breaks txt at blanks into lines no wider than w where a blank allows it.
func wrap(s textStyle, txt string, w vg.Length) []string {
	var lines []string
	for _, para := range strings.Split(txt, "\n") {
		line := ""
		for _, word := range strings.Fields(para) {
			if line != "" && textWidth(s, line+" "+word) > w {
				lines = append(lines, line)
				line = ""
			}
			if line != "" {
				line += " "
			}
			line += word
		}
		lines = append(lines, line)
	}
	return lines
}

func stroke(c color.Color, w vg.Length, dash ...vg.Length) draw.LineStyle {
	return draw.LineStyle{Color: c, Width: w, Dashes: dash}
}

// snap rounds a length to whole dots of the PNG, so that heat maps and axis lines fall on dots.
func snap(v vg.Length) vg.Length {
	return vg.Length(math.Round(float64(v)*DPI/72) * 72 / DPI)
}
