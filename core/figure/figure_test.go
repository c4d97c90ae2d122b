package figure

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

func decode(t *testing.T, f *Figure) image.Image {
	t.Helper()
	b, err := f.PNG()
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func layout(t *testing.T, f *Figure) *laid {
	t.Helper()
	l, err := f.layout()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// pixels is a box in dots of the PNG, y down.
func pixels(l *laid, b vg.Rectangle) image.Rectangle {
	px := func(v vg.Length) int { return int(math.Round(float64(v) * DPI / 72)) }
	return image.Rect(px(b.Min.X), px(l.height-b.Max.Y), px(b.Max.X), px(l.height-b.Min.Y))
}

func near(a, b color.Color, tol int) bool {
	x, y := color.NRGBAModel.Convert(a).(color.NRGBA), color.NRGBAModel.Convert(b).(color.NRGBA)
	d := func(p, q uint8) bool { return int(p)-int(q) <= tol && int(q)-int(p) <= tol }
	return d(x.R, y.R) && d(x.G, y.G) && d(x.B, y.B)
}

func TestSize(t *testing.T) {
	for _, c := range []struct {
		panels, columns int
		width           float64
		want            int
	}{{1, 0, 0, 960}, {2, 0, 0, 1350}, {3, 0, 0, 1650}, {8, 0, 0, 1950}, {4, 1, 0, 960}, {1, 0, 4, 600}, {0, 0, 0, 960}} {
		f := &Figure{Columns: c.columns, Width: c.width}
		for i := range c.panels {
			f.Panels = append(f.Panels, &Panel{Title: fmt.Sprint(i), Layers: []Layer{Line{X: []float64{0, 1}, Y: []float64{0, 1}}}})
		}
		if got := decode(t, f).Bounds().Dx(); got != c.want {
			t.Errorf("%d panels, %d columns, %g inches: %d dots wide, want %d", c.panels, c.columns, c.width, got, c.want)
		}
	}
}

// The same input gives the same bytes, and drawing leaves the input as it was.
func TestDeterminism(t *testing.T) {
	a, b := gallery(), gallery()
	for _, name := range []string{"density2d", "shared", "odd", "calibration", "histogram"} {
		for range 2 {
			p, err := a[name].PNG()
			if err != nil {
				t.Fatal(err)
			}
			s, err := a[name].SVG()
			if err != nil {
				t.Fatal(err)
			}
			p2, _ := b[name].PNG()
			s2, _ := b[name].SVG()
			if !bytes.Equal(p, p2) || !bytes.Equal(s, s2) {
				t.Errorf("%s: two drawings of equal figures differ", name)
			}
		}
	}
	fresh := gallery()
	for _, name := range []string{"density2d", "shared", "histogram"} {
		if !reflect.DeepEqual(a[name], fresh[name]) {
			t.Errorf("%s: drawing changed the figure", name)
		}
	}
}

// Panels lie inside the picture, do not overlap, and boxes of a row begin at the same height.
func TestPlaces(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 30 {
		f := &Figure{Title: strings.Repeat("word ", r.IntN(40)), Columns: r.IntN(5)}
		s := &Scale{Label: "v"}
		for range 1 + r.IntN(9) {
			switch r.IntN(4) {
			case 0:
				f.Panels = append(f.Panels, nil)
			case 1:
				nz, nx := 1+r.IntN(30), 1+r.IntN(30)
				f.Panels = append(f.Panels, NewFieldPanel("field", make([]float64, nz*nx), nz, nx, 10, s))
			default:
				v := math.Pow(10, float64(r.IntN(20)-10))
				f.Panels = append(f.Panels, &Panel{Title: strings.Repeat("long ", r.IntN(30)), Equal: r.IntN(2) == 0, X: Axis{Label: "x", Log: r.IntN(2) == 0},
					Y: Axis{Label: "y", Unit: "m"}, Layers: []Layer{Line{Label: "a line", X: []float64{v, 2 * v}, Y: []float64{-v, v * v}}}})
			}
		}
		l := layout(t, f)
		whole := image.Rect(0, 0, int(math.Round(float64(l.width)*DPI/72)), int(math.Round(float64(l.height)*DPI/72)))
		cols := f.columns()
		for i, p := range l.panels {
			if p == nil {
				continue
			}
			b := pixels(l, p.box)
			if b.Dx() < 20 || b.Dy() < 10 || !b.In(whole) {
				t.Errorf("panel %d of %d: box %v in a picture of %v", i, len(l.panels), b, whole)
			}
			for j, q := range l.panels[:i] {
				if q == nil {
					continue
				}
				if o := pixels(l, q.box); b.Overlaps(o) {
					t.Errorf("panels %d and %d overlap: %v, %v", i, j, b, o)
				} else if i/cols == j/cols && b.Min.Y != o.Min.Y {
					t.Errorf("panels %d and %d of a row begin at %d and %d", i, j, b.Min.Y, o.Min.Y)
				}
			}
		}
	}
}

// Row 0 is on top, x grows to the right: the colours at the middle of the corner cells.
func TestFieldOrientation(t *testing.T) {
	const nz, nx = 4, 6
	v := make([]float64, nz*nx)
	v[0*nx+nx-1] = 1 // shallow, far right
	v[(nz-1)*nx] = 2 // deep, left
	v[1*nx+2] = 3    // second row, third column
	v[2*nx+4] = math.NaN()
	f := &Figure{Panels: []*Panel{NewFieldPanel("corners", v, nz, nx, 100, &Scale{Label: "v", Min: 0, Max: 3})}}
	m, l := decode(t, f), layout(t, f)
	box := pixels(l, l.panels[0].box)
	if want := float64(nx) / nz; math.Abs(float64(box.Dx())/float64(box.Dy())-want) > 0.02 {
		t.Errorf("box %v: width over height is not %g, cells are not square", box, want)
	}
	for iz := range nz {
		for ix := range nx {
			x := box.Min.X + (2*ix+1)*box.Dx()/(2*nx)
			y := box.Min.Y + (2*iz+1)*box.Dy()/(2*nz)
			want := Viridis.At(v[iz*nx+ix] / 3)
			if got := m.At(x, y); !near(got, want, 2) {
				t.Errorf("cell (iz %d, ix %d) = %g: colour %v, want %v", iz, ix, v[iz*nx+ix], got, want)
			}
		}
	}
}

// Panels that share a Scale show equal values in equal colours, whatever their own ranges; a diverging one is white at 0.
func TestSharedScale(t *testing.T) {
	s := &Scale{Label: "v", Map: Diverging}
	a, b := NewFieldPanel("a", []float64{-1, 0, 0, 0.5}, 2, 2, 1, s), NewFieldPanel("b", []float64{4, 0, 0, 0.5}, 2, 2, 1, s)
	f := &Figure{Panels: []*Panel{a, b}}
	m, l := decode(t, f), layout(t, f)
	if l.shared != s || l.limits[s] != [2]float64{-4, 4} {
		t.Fatalf("shared %v, limits %v, want the scale with −4..4", l.shared, l.limits[s])
	}
	at := func(k int, fx, fy float64) color.Color {
		b := pixels(l, l.panels[k].box)
		return m.At(b.Min.X+int(fx*float64(b.Dx())), b.Min.Y+int(fy*float64(b.Dy())))
	}
	if x, y := at(0, 0.75, 0.75), at(1, 0.75, 0.75); !near(x, y, 0) || !near(x, Diverging.At(0.5+0.5/8), 2) {
		t.Errorf("0.5 is %v and %v, want %v in both", x, y, Diverging.At(0.5+0.5/8))
	}
	if mid := Diverging.At(0.5); mid.R < 210 || mid.G < 210 || mid.B < 210 || !near(at(0, 0.75, 0.25), mid, 2) {
		t.Errorf("0 is %v, the map's middle %v, want pale", at(0, 0.75, 0.25), mid)
	}
}

// Nothing of a layer is drawn outside its box.
func TestClipping(t *testing.T) {
	x, y := []float64{-1e6, 0.5, 1e9, 0.2, 0.3}, []float64{-1e12, 0.5, 7, 1e8, -9}
	axes := func(ls ...Layer) *Figure {
		return &Figure{Panels: []*Panel{{X: Axis{Label: "x", Min: 0.1, Max: 1}, Y: Axis{Label: "y", Min: 0.1, Max: 1}, Layers: ls}}}
	}
	lo, hi := []float64{-1e12, -5, -1, 1, 2}, []float64{5, 1e12, 7, 1e8, 9}
	var dx, dy []float64
	for i := range 40 {
		dx, dy = append(dx, float64(i)/10-1), append(dy, float64(i)/10-1)
	}
	dens := make([]float64, 1600)
	for i := range dens {
		dens[i] = math.Exp(-math.Pow(dx[i%40], 2) - math.Pow(dy[i/40], 2))
	}
	full := axes(Line{X: x, Y: y, Low: lo, High: hi, Fill: true, Dots: true}, Points{X: x, Y: y, Shape: Star, Size: 1}, Histogram{Values: []float64{-5, 0.3, 0.3, 9}},
		Contours{X: dx, Y: dy, Density: dens, Shade: true}, Bars{Series: []BarSeries{{Values: []float64{3, -2, 5}, Low: []float64{-9, -9, -9}, High: []float64{9, 9, 9}}}})
	a, b := decode(t, full), decode(t, axes())
	l := layout(t, full)
	box := pixels(l, l.panels[0].box).Inset(-3) // half the width of a line
	inside := 0
	for py := range a.Bounds().Dy() {
		for px := range a.Bounds().Dx() {
			same := a.At(px, py) == b.At(px, py)
			if image.Pt(px, py).In(box) {
				if !same {
					inside++
				}
			} else if !same {
				t.Fatalf("dot (%d, %d) outside the box %v is drawn on", px, py, box)
			}
		}
	}
	if inside < 1000 {
		t.Errorf("only %d dots inside the box differ from empty axes", inside)
	}
}

// SVG is well-formed, refers to nothing outside, keeps texts as texts and escapes them.
func TestSVG(t *testing.T) {
	f := gallery()["fields"]
	f.Title = `<b>&"hostile"</b>`
	b, err := f.SVG()
	if err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(bytes.NewReader(b))
	texts, images := "", 0
	for {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := tok.(type) {
		case xml.CharData:
			texts += string(e) + "\n"
		case xml.StartElement:
			for _, a := range e.Attr {
				if a.Name.Local == "href" {
					images++
					if !strings.HasPrefix(a.Value, "data:image/png;base64,iVBOR") {
						t.Errorf("<%s> refers to %.40s", e.Name.Local, a.Value)
					}
				}
			}
		}
	}
	for _, want := range []string{f.Title, "Posterior mean", "P velocity (m/s)", "x (km)"} {
		if !strings.Contains(texts, want) {
			t.Errorf("no text %q", want)
		}
	}
	if images != 8 {
		t.Errorf("%d images, want 4 fields and 4 colour bars", images)
	}
}

func TestLeftOut(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		name string
		p    *Panel
		want string
	}{
		{"none", &Panel{Layers: []Layer{Line{X: []float64{1, 2}, Y: []float64{1, 2}}}}, ""},
		{"line", &Panel{Layers: []Layer{Line{X: []float64{1, nan, 3, 4}, Y: []float64{1, 2, inf, 3}}}}, "(2 values left out: not finite)"},
		{"band", &Panel{Layers: []Layer{Line{X: []float64{1, 2}, Low: []float64{nan, 0}, High: []float64{1, 1}}}}, "(1 value left out: not finite)"},
		{"log", &Panel{Y: Axis{Log: true}, Layers: []Layer{Points{X: []float64{1, 2}, Y: []float64{0, -1}}}}, "(2 values left out: not finite or not above 0)"},
		{"histogram", &Panel{Layers: []Layer{Histogram{Values: []float64{1, nan, -inf}}}}, "(2 values left out: not finite)"},
		{"field", NewFieldPanel("", []float64{1, nan}, 1, 2, 1, nil), "(1 value left out: not finite)"},
		{"bars: NaN means none", &Panel{Layers: []Layer{Bars{Series: []BarSeries{{Values: []float64{1, nan}}}}}}, ""},
	} {
		if got := layout(t, &Figure{Panels: []*Panel{c.p}}).panels[0].dropped; got != c.want {
			t.Errorf("%s: note %q, want %q", c.name, got, c.want)
		}
	}
}

func TestErrors(t *testing.T) {
	two, one := []float64{1, 2}, []float64{1}
	for _, c := range []struct {
		p    *Panel
		want string
	}{
		{&Panel{Layers: []Layer{Line{Label: "L", X: two, Y: one}}}, `line "L": slices of 2 and 1`},
		{&Panel{Layers: []Layer{Line{X: two, Y: two, Low: two}}}, "only one is given"},
		{&Panel{Layers: []Layer{Line{X: two}}}, "neither Y nor a band"},
		{&Panel{Layers: []Layer{Points{X: two, Y: one}}}, "2 X and 1 Y"},
		{&Panel{Layers: []Layer{Field{Values: two, NZ: 2, NX: 2}}}, "2 values for 2 x 2"},
		{&Panel{Layers: []Layer{Field{Values: one, NZ: 1, NX: 1, X0: 1, X1: 1, Z1: 1}}}, "both must grow"},
		{&Panel{Layers: []Layer{Contours{X: two, Y: two, Density: one}}}, "grid of 2 x 2"},
		{&Panel{Layers: []Layer{Contours{X: []float64{1, 1}, Y: one, Density: two}}}, "must be finite and grow"},
		{&Panel{Layers: []Layer{Contours{X: two, Y: one, Density: two, Mass: two}}}, "mass 1"},
		{&Panel{Layers: []Layer{Bars{Series: []BarSeries{{Values: two}, {Label: "s", Values: one}}}}}, `bars "s" against the first series`},
		{&Panel{X: Axis{Label: "t", Min: 3, Max: 2}}, `axis "t": range 3 to 2`},
		{&Panel{Y: Axis{Log: true, Min: -1, Max: 2}}, "above 0 on a logarithmic axis"},
		{&Panel{Inset: &Inset{X0: 1, X1: 0, Y1: 1}}, "inset"},
	} {
		if _, err := (&Figure{Panels: []*Panel{c.p}}).PNG(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one that says %q", err, c.want)
		}
	}
	for _, f := range []*Figure{{Width: 1000}, {Width: math.NaN()}, {Columns: 500, Panels: []*Panel{{}}}, {Columns: 1, Panels: make([]*Panel, 0), Width: -1}} {
		if _, err := f.SVG(); err == nil {
			t.Errorf("figure of %d columns, %g inches was drawn", f.Columns, f.Width)
		}
	}
}

// FuzzPanel: no values of any kind make drawing panic or give a picture that is not a PNG.
func FuzzPanel(f *testing.F) {
	f.Add(0.0, 1.0, -1.0, math.Inf(1), uint8(0))
	f.Add(math.NaN(), 1e308, -1e308, 5e-324, uint8(255))
	f.Add(1.0, 1.0, 1.0, 1.0, uint8(1))
	f.Add(1e-300, 1e300, 0.0, 1e15, uint8(7))
	f.Add(1e16, 1e16+2, 1e16+4, 1e16, uint8(2))
	f.Fuzz(func(t *testing.T, a, b, c, d float64, kind uint8) {
		x, y := []float64{a, b, c, d}, []float64{d, a, c, b}
		p := &Panel{X: Axis{Label: "x", Log: kind&1 != 0}, Y: Axis{Label: "y", Log: kind&2 != 0, Flip: kind&16 != 0}, Equal: kind&4 != 0, Layers: []Layer{
			Line{Label: "l", X: x, Y: y, Low: x, High: y, Fill: true, Step: kind&8 != 0}, Points{X: x, Y: y, Shape: Shape(kind % 7)},
			Histogram{Values: y}, VLine{At: a, Label: "v"}, HLine{At: b, Label: "h"}, Bars{Series: []BarSeries{{Values: x, Low: y, High: x}}}}}
		if kind&32 != 0 {
			p.Layers = append(p.Layers, Contours{X: []float64{0, 1}, Y: []float64{0, 1}, Density: x, Shade: true})
		}
		fig := &Figure{Width: 3, Panels: []*Panel{p, NewFieldPanel("f", x, 2, 2, 1, &Scale{Map: ColorMap(kind % 3)})}, Columns: 2}
		out, err := fig.PNG()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(bytes.NewReader(out)); err != nil {
			t.Fatal(err)
		}
	})
}

// A panel without a bar leaves it to the panel that shares its scale, and gives its own width to the others.
func TestNoBar(t *testing.T) {
	s, other := &Scale{Label: "v"}, &Scale{Label: "w"} // two scales: no bar of the figure's own
	panels := func(hide bool) []*Panel {
		a, b := NewFieldPanel("a", []float64{0, 1, 2, 3}, 2, 2, 1, s), NewFieldPanel("b", []float64{0, 1, 2, 3}, 2, 2, 1, s)
		c := NewFieldPanel("c", []float64{0, 1, 2, 9}, 2, 2, 1, other)
		a.NoBar = hide
		return []*Panel{a, b, c}
	}
	with, without := layout(t, &Figure{Panels: panels(false)}), layout(t, &Figure{Panels: panels(true)})
	if with.panels[0].right != with.panels[1].right || without.panels[0].right >= without.panels[1].right {
		t.Errorf("right margins with bars %v, %v; without the first %v, %v", with.panels[0].right, with.panels[1].right, without.panels[0].right, without.panels[1].right)
	}
	if w, v := with.panels[0].box.Size().X, without.panels[0].box.Size().X; v <= w {
		t.Errorf("panels are %v wide without a bar, %v with it", v, w)
	}
	if with.limits[s] != without.limits[s] {
		t.Errorf("the scale's limits are %v without a bar, %v with it", without.limits[s], with.limits[s])
	}
}
