package figure

import (
	"fmt"
	"image"
	"math"
)

// Field is a heat map of values (NZ, NX), x fastest: row 0 is the shallowest and is drawn on top, x grows to the right.
// It fills X0..X1 and Z0..Z1, the outer edges of its cells. The panel's Y axis is turned round by NewFieldPanel; in a
// panel made by hand set Y.Flip. Cells that are not finite are light grey.
type Field struct {
	nothing
	Values         []float64
	NZ, NX         int
	X0, X1, Z0, Z1 float64 // metres, or what the axes say; all 0: cell numbers
	Scale          *Scale  // nil: one of its own, without a colour bar
}

// NewFieldPanel is a panel with one field, x to the right and z down, in kilometres when the field is wider than 1500 m.
// spacing is the distance of cell centres in metres, node (iz, ix) at (iz, ix) spacing; s may be shared with other panels.
func NewFieldPanel(title string, values []float64, nz, nx int, spacing float64, s *Scale) *Panel {
	unit, h := "m", spacing
	if float64(nx)*spacing > 1500 || float64(nz)*spacing > 1500 {
		unit, h = "km", spacing/1000
	}
	f := Field{Values: values, NZ: nz, NX: nx, X0: -h / 2, X1: (float64(nx) - 0.5) * h, Z0: -h / 2, Z1: (float64(nz) - 0.5) * h, Scale: s}
	return &Panel{Title: title, X: Axis{Label: "x", Unit: unit}, Y: Axis{Label: "z", Unit: unit, Flip: true}, Layers: []Layer{f}}
}

func (h Field) check() error {
	if h.NZ < 0 || h.NX < 0 || len(h.Values) != h.NZ*h.NX {
		return fmt.Errorf("field: %d values for %d x %d (nz, nx)", len(h.Values), h.NZ, h.NX)
	}
	x0, x1, z0, z1 := h.edges()
	if len(h.Values) > 0 && !(x0 < x1 && z0 < z1) || math.IsInf(x1-x0, 0) || math.IsInf(z1-z0, 0) {
		return fmt.Errorf("field: x from %g to %g, z from %g to %g, both must grow", x0, x1, z0, z1)
	}
	return nil
}

func (h Field) edges() (x0, x1, z0, z1 float64) {
	if h.X0 == 0 && h.X1 == 0 && h.Z0 == 0 && h.Z1 == 0 {
		return -0.5, float64(h.NX) - 0.5, -0.5, float64(h.NZ) - 0.5
	}
	return h.X0, h.X1, h.Z0, h.Z1
}

func (h Field) extent(e *extent) {
	if len(h.Values) == 0 {
		return
	}
	e.exact = true
	x0, x1, z0, z1 := h.edges()
	e.add(x0, z0)
	e.add(x1, z1)
	for _, v := range h.Values {
		if !(scale{}).ok(v) {
			e.drop(math.NaN())
		}
	}
}

// collect widens the data range of the field's scale.
func (h Field) collect(limits map[*Scale][2]float64) {
	if h.Scale == nil {
		return
	}
	l, ok := limits[h.Scale]
	if !ok {
		l = [2]float64{math.Inf(1), math.Inf(-1)}
	}
	lo, hi := h.limits()
	limits[h.Scale] = [2]float64{min(l[0], lo), max(l[1], hi)}
}

func (h Field) limits() (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range h.Values {
		if (scale{}).ok(v) {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	return lo, hi
}

func (h Field) draw(f *frame) {
	if len(h.Values) == 0 {
		return
	}
	m, lo, hi := Viridis, 0.0, 0.0
	if h.Scale != nil {
		m = h.Scale.Map
		lo, hi = f.limits[h.Scale][0], f.limits[h.Scale][1]
	} else if lo, hi = h.limits(); !(lo < hi) {
		lo, hi = lo-0.5, lo+0.5
	}
	// One image point per dot of the box, each the colour of its cell: no smoothing, in PNG and SVG alike.
	w := max(1, int(math.Round(float64(f.box.Max.X-f.box.Min.X)*DPI/72)))
	ht := max(1, int(math.Round(float64(f.box.Max.Y-f.box.Min.Y)*DPI/72)))
	img := image.NewNRGBA(image.Rect(0, 0, w, ht))
	x0, x1, z0, z1 := h.edges()
	at := func(s scale, t float64) float64 {
		if s.flip {
			t = 1 - t
		}
		return s.lo*(1-t) + s.hi*t
	}
	for py := 0; py < ht; py++ {
		z := at(f.y, 1-(float64(py)+0.5)/float64(ht))
		iz := int(math.Floor((z - z0) / (z1 - z0) * float64(h.NZ)))
		for px := 0; px < w; px++ {
			x := at(f.x, (float64(px)+0.5)/float64(w))
			ix := int(math.Floor((x - x0) / (x1 - x0) * float64(h.NX)))
			if iz < 0 || ix < 0 || iz >= h.NZ || ix >= h.NX {
				continue
			}
			v := h.Values[iz*h.NX+ix]
			if math.IsInf(v, 0) {
				v = math.NaN()
			}
			img.SetNRGBA(px, py, m.At((v-lo)/(hi-lo)))
		}
	}
	f.c.DrawImage(f.box, img)
	f.c.StrokeLines(stroke(axisInk, 0.4), outline(f.box.Min, f.box.Max))
}

// columnImage is a colour bar: w by h points, the top is 1.
func columnImage(m ColorMap, h, w int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, max(w, 1), h))
	for y := 0; y < h; y++ {
		c := m.At(1 - (float64(y)+0.5)/float64(h))
		for x := 0; x < max(w, 1); x++ {
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}
