package seismic

import (
	"fmt"
	"math"
)

// Node is a node of a grid with a weight.
type Node struct {
	IZ, IX int
	Weight float64
}

// Sinc says how points between nodes act: by a Kaiser-windowed sinc in each direction, G. Hicks, Geophysics 67 (2002) 156,
// equation 5 and table 1 (b for a wavenumber of half the Nyquist one).
type Sinc struct {
	HalfWidth int // in nodes, 1..10

	NZ, NX   int
	SpacingM float64

	// Where the field's node (0, 0) lies in the grid, in spacings: 0.5 for a field that is staggered that way.
	OffsetZ, OffsetX float64
	// How far nodes may lie beyond the grid, on layers; 0: not at all. Above a free surface they are mirrored instead: the
	// field is odd about row 0, or even.
	Top, Bottom, Left, Right int
	FreeSurface, Even        bool
}

// kaiser is Hicks's b for half-widths 1..10.
var kaiser = [...]float64{0, 1.84, 3.04, 4.14, 5.26, 6.40, 7.51, 8.56, 9.56, 10.64}

// snap is how close to a node, in spacings, a position counts as on it: what is left of rounding in metres.
const snap = 1e-6

// axisWeight is a node of one axis.
type axisWeight struct {
	node   int
	weight float64
}

// along returns the nodes of one axis for the coordinate q in spacings.
func (s *Sinc) along(q float64) []axisWeight {
	near := math.Round(q)
	if math.Abs(q-near) <= snap {
		return []axisWeight{{int(near), 1}}
	}
	r := s.HalfWidth
	b := kaiser[r-1]
	var out []axisWeight
	for k := int(math.Floor(q)) - r + 1; k <= int(math.Floor(q))+r; k++ {
		d := q - float64(k)
		if math.Abs(d) > float64(r) {
			continue
		}
		x := d / float64(r)
		out = append(out, axisWeight{k, math.Sin(math.Pi*d) / (math.Pi * d) * bessel0(b*math.Sqrt(1-x*x)) / bessel0(b)})
	}
	return out
}

// bessel0 is the modified Bessel function I0, by its series.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1; term > 1e-17*sum; k++ {
		term *= x * x / 4 / float64(k*k)
		sum += term
	}
	return sum
}

// Interpolate is q at a place between its numbers, which are 0 beyond the ends: q[at] where at is a whole number.
func (s *Sinc) Interpolate(q []float64, at float64) float64 {
	sum := 0.0
	for _, a := range s.along(at) {
		if a.node >= 0 && a.node < len(q) {
			sum += a.weight * q[a.node]
		}
	}
	return sum
}

// Nodes returns the nodes that the point (z, x) in m acts on, with their weights: one of weight 1 where it lies on a node.
// The transpose, recording, takes the sum of the field at the nodes times the weights. Errors: a point outside the grid's
// nodes, or so close to an edge without a layer that nodes it needs are not there.
func (s *Sinc) Nodes(z, x float64) ([]Node, error) {
	depth, width := float64(s.NZ-1)*s.SpacingM, float64(s.NX-1)*s.SpacingM
	if !(z >= -snap*s.SpacingM && z <= depth+snap*s.SpacingM) {
		return nil, fmt.Errorf("lies outside the grid (z = %g m, the grid's nodes are at 0..%g m)", z, depth)
	}
	if !(x >= -snap*s.SpacingM && x <= width+snap*s.SpacingM) {
		return nil, fmt.Errorf("lies outside the grid (x = %g m, the grid's nodes are at 0..%g m)", x, width)
	}
	if s.HalfWidth < 1 || s.HalfWidth > len(kaiser) {
		return nil, fmt.Errorf("an interpolation of half-width %d (allowed: 1 to %d)", s.HalfWidth, len(kaiser))
	}
	var out []Node
	place := map[[2]int]int{}
	for _, a := range s.along(z/s.SpacingM - s.OffsetZ) {
		iz, sign := a.node, 1.0
		if depth := float64(iz) + s.OffsetZ; s.FreeSurface && depth <= 0 {
			if !s.Even {
				sign = -1
				if depth == 0 {
					continue // the field is 0 there
				}
			}
			iz -= int(2 * depth)
		}
		for _, b := range s.along(x/s.SpacingM - s.OffsetX) {
			if iz < -s.Top || iz >= s.NZ+s.Bottom || b.node < -s.Left || b.node >= s.NX+s.Right {
				return nil, fmt.Errorf("(z = %g m, x = %g m) needs the node (iz %d, ix %d) for its interpolation, the nodes with their layers are iz %d..%d, ix %d..%d",
					z, x, iz, b.node, -s.Top, s.NZ+s.Bottom-1, -s.Left, s.NX+s.Right-1)
			}
			at := [2]int{iz, b.node}
			k, there := place[at]
			if !there {
				k = len(out)
				place[at] = k
				out = append(out, Node{IZ: iz, IX: b.node})
			}
			out[k].Weight += sign * a.weight * b.weight
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("(z = %g m, x = %g m) lies on the free surface, where the field is 0", z, x)
	}
	return out, nil
}
