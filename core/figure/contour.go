package figure

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Contours shows a density on a grid by the lines that enclose given shares of its mass (highest-density regions), so
// that densities of very different height can be compared.
type Contours struct {
	nothing
	Label   string
	X, Y    []float64   // grid positions, both growing
	Density []float64   // (len(Y), len(X)), x fastest, >= 0; need not be normalised
	Mass    []float64   // shares of mass within the lines, each in 0..1; nil: 0.1, 0.5, 0.9
	Shade   bool        // a wash of the colour, by density, under the lines
	NoLines bool        // the wash alone
	Width   float64     // points; 0: 1.3
	Dash    Dash        //
	Color   color.Color // nil: the next of the sequence
}

func (d Contours) check() error {
	if len(d.Density) != len(d.X)*len(d.Y) {
		return fmt.Errorf("contours %q: %d values for a grid of %d x %d (y, x)", d.Label, len(d.Density), len(d.Y), len(d.X))
	}
	for _, v := range [][]float64{d.X, d.Y} {
		for i, x := range v {
			if math.IsNaN(x) || math.IsInf(x, 0) || i > 0 && !(x > v[i-1]) {
				return fmt.Errorf("contours %q: grid position %d is %g, positions must be finite and grow", d.Label, i, x)
			}
		}
	}
	for _, m := range d.Mass {
		if !(m > 0 && m < 1) {
			return fmt.Errorf("contours %q: mass %g, allowed above 0 and below 1", d.Label, m)
		}
	}
	return nil
}

func (d Contours) extent(e *extent) {
	for _, v := range d.Density {
		if !(scale{}).ok(v) {
			e.drop(math.NaN())
		}
	}
	if len(d.Density) == 0 {
		return
	}
	for _, x := range []float64{d.X[0], d.X[len(d.X)-1]} {
		for _, y := range []float64{d.Y[0], d.Y[len(d.Y)-1]} {
			e.add(x, y)
		}
	}
	e.exact = true
}

func (d Contours) slots() int { return mine(d.Color) }

// value is the density at node (j, i), 0 where it is not finite or negative.
func (d Contours) value(j, i int) float64 {
	v := d.Density[j*len(d.X)+i]
	if !(v > 0) || math.IsInf(v, 0) {
		return 0
	}
	return v
}

// width of the cell about node i.
func cellWidth(v []float64, i int) float64 {
	return (v[min(i+1, len(v)-1)] - v[max(i-1, 0)]) / 2
}

// massLevels gives for each share the density level whose region holds it: the mass of the nodes, from the highest
// down, weighted by their cells, interpolated between nodes.
func (d Contours) massLevels(mass []float64) []float64 {
	type node struct{ v, m float64 }
	nodes := make([]node, 0, len(d.Density))
	total := 0.0
	for j := range d.Y {
		for i := range d.X {
			if v := d.value(j, i); v > 0 {
				m := v * cellWidth(d.X, i) * cellWidth(d.Y, j)
				nodes = append(nodes, node{v, m})
				total += m
			}
		}
	}
	slices.SortStableFunc(nodes, func(a, b node) int {
		switch {
		case a.v > b.v:
			return -1
		case a.v < b.v:
			return 1
		}
		return 0
	})
	out := make([]float64, len(mass))
	for k, m := range mass {
		out[k] = math.NaN()
		sum, last := 0.0, math.NaN()
		for _, n := range nodes {
			if sum+n.m >= m*total {
				if math.IsNaN(last) {
					last = n.v
				}
				t := (m*total - sum) / n.m
				out[k] = last + t*(n.v-last)
				break
			}
			sum, last = sum+n.m, n.v
		}
	}
	return out
}

func (d Contours) draw(f *frame) {
	if len(d.X) < 2 || len(d.Y) < 2 {
		return
	}
	c := f.color(d.Color, 0)
	if d.Shade || d.NoLines {
		d.wash(f, c)
	}
	if d.NoLines {
		return
	}
	mass := d.Mass
	if mass == nil {
		mass = []float64{0.1, 0.5, 0.9}
	}
	w := vg.Length(d.Width)
	if !(w > 0) {
		w = 1.3
	}
	for _, lev := range d.massLevels(mass) {
		if math.IsNaN(lev) || lev <= 0 {
			continue
		}
		for _, line := range d.trace(lev) {
			xs, ys := make([]float64, len(line)), make([]float64, len(line))
			for k, p := range line {
				xs[k], ys[k] = p[0], p[1]
			}
			f.line(stroke(c, w, d.Dash.lengths()...), xs, ys)
		}
	}
}

// trace finds the level lines by marching squares, joined to polylines; closed ones end where they begin. At a saddle
// the mean of the four corners decides.
func (d Contours) trace(level float64) [][][2]float64 {
	nx, ny := len(d.X), len(d.Y)
	// Edges have numbers: 2(j nx + i) from node (j,i) to (j,i+1), one more from (j,i) to (j+1,i).
	type link struct {
		n  int
		to [2]int
	}
	links := map[int]*link{}
	var order []int
	join := func(a, b int) {
		for _, p := range [][2]int{{a, b}, {b, a}} {
			l := links[p[0]]
			if l == nil {
				l = &link{}
				links[p[0]] = l
				order = append(order, p[0])
			}
			l.to[l.n] = p[1]
			l.n++
		}
	}
	for j := 0; j+1 < ny; j++ {
		for i := 0; i+1 < nx; i++ {
			v := [4]float64{d.value(j, i), d.value(j, i+1), d.value(j+1, i+1), d.value(j+1, i)}
			code := 0
			for k := range v {
				if v[k] >= level {
					code |= 1 << k
				}
			}
			bottom, right, top, left := 2*(j*nx+i), 2*(j*nx+i+1)+1, 2*((j+1)*nx+i), 2*(j*nx+i)+1
			switch code {
			case 1, 14:
				join(left, bottom)
			case 2, 13:
				join(bottom, right)
			case 3, 12:
				join(left, right)
			case 4, 11:
				join(right, top)
			case 6, 9:
				join(bottom, top)
			case 7, 8:
				join(left, top)
			case 5, 10:
				if ((v[0]+v[1]+v[2]+v[3])/4 >= level) == (code == 5) {
					join(left, top)
					join(bottom, right)
				} else {
					join(left, bottom)
					join(right, top)
				}
			}
		}
	}
	point := func(e int) [2]float64 {
		n := e / 2
		j, i := n/nx, n%nx
		j2, i2 := j, i+1
		if e%2 == 1 {
			j2, i2 = j+1, i
		}
		a, b := d.value(j, i), d.value(j2, i2)
		t := (level - a) / (b - a)
		return [2]float64{d.X[i] + t*(d.X[i2]-d.X[i]), d.Y[j] + t*(d.Y[j2]-d.Y[j])}
	}
	seen := map[int]bool{}
	var lines [][][2]float64
	walk := func(start int) {
		var line [][2]float64
		prev, at := -1, start
		for {
			line = append(line, point(at))
			seen[at] = true
			l := links[at]
			next := -1
			for k := 0; k < l.n; k++ {
				if l.to[k] != prev && !seen[l.to[k]] {
					next = l.to[k]
					break
				}
			}
			if next < 0 {
				if l.n == 2 && len(line) > 2 && (l.to[0] == start || l.to[1] == start) {
					line = append(line, line[0])
				}
				lines = append(lines, line)
				return
			}
			prev, at = at, next
		}
	}
	for _, e := range order { // open lines from their ends first
		if links[e].n == 1 && !seen[e] {
			walk(e)
		}
	}
	for _, e := range order {
		if !seen[e] {
			walk(e)
		}
	}
	return lines
}

// wash paints the density as opacity, bilinear between nodes, over the visible part of the grid.
func (d Contours) wash(f *frame, c color.Color) {
	top := 0.0
	for j := range d.Y {
		for i := range d.X {
			top = max(top, d.value(j, i))
		}
	}
	if top == 0 {
		return
	}
	w := int(math.Round(float64(f.box.Max.X-f.box.Min.X) * DPI / 72))
	h := int(math.Round(float64(f.box.Max.Y-f.box.Min.Y) * DPI / 72))
	img := image.NewNRGBA(image.Rect(0, 0, max(w, 1), max(h, 1)))
	invert := func(s scale, t float64) float64 {
		if s.flip {
			t = 1 - t
		}
		if s.log {
			return math.Pow(10, math.Log10(s.lo)*(1-t)+math.Log10(s.hi)*t)
		}
		return s.lo*(1-t) + s.hi*t
	}
	for py := 0; py < h; py++ {
		j, tj := locate(d.Y, invert(f.y, 1-(float64(py)+0.5)/float64(h)))
		if j < 0 {
			continue
		}
		for px := 0; px < w; px++ {
			i, ti := locate(d.X, invert(f.x, (float64(px)+0.5)/float64(w)))
			if i < 0 {
				continue
			}
			v := (d.value(j, i)*(1-ti)+d.value(j, i+1)*ti)*(1-tj) + (d.value(j+1, i)*(1-ti)+d.value(j+1, i+1)*ti)*tj
			img.SetNRGBA(px, py, fade(c, 0.6*math.Sqrt(v/top)))
		}
	}
	f.c.DrawImage(f.box, img)
}

// locate finds the interval of v that holds x, and where in it; -1 outside.
func locate(v []float64, x float64) (int, float64) {
	if !(x >= v[0] && x <= v[len(v)-1]) {
		return -1, 0
	}
	i, _ := slices.BinarySearch(v, x)
	i = min(max(i-1, 0), len(v)-2)
	return i, (x - v[i]) / (v[i+1] - v[i])
}

func (d Contours) legend(f *frame) []legendEntry {
	c := f.color(d.Color, 0)
	return entry(d.Label, func(cv *draw.Canvas, r vg.Rectangle) {
		if d.Shade || d.NoLines {
			cv.FillPolygon(fade(c, 0.3), outline(r.Min, r.Max))
		}
		if !d.NoLines {
			y := (r.Min.Y + r.Max.Y) / 2
			cv.StrokeLines(stroke(c, 1.5, d.Dash.lengths()...), []vg.Point{{X: r.Min.X, Y: y}, {X: r.Max.X, Y: y}})
		}
	})
}
