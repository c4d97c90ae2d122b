package helmholtz

import (
	"math"

	"github.com/waveprior/waveprior/core/space"
)

// snap is how far below a node, in cells, a position still counts as on it: what is left of rounding in metres.
const snap = 1e-6

// points are the nodes of sources or receivers.
type points struct {
	iz, ix []int
	axis   space.Axis // with the offsets that were asked for, where all points are of one depth
}

// line returns the positions that a line stands for, nil if none is given.
func (p *Positions) line(what string) ([][]float64, error) {
	given := 0
	for _, there := range []bool{p.ZM != nil, p.XFirstM != nil, p.XLastM != nil, p.Count != nil} {
		if there {
			given++
		}
	}
	if given == 0 {
		return nil, nil
	}
	if given < 4 {
		return nil, invalid("%s: a line needs z_m, x_first_m, x_last_m and count, %d of them are given", what, given)
	}
	n := *p.Count
	if n == 1 && *p.XFirstM != *p.XLastM {
		return nil, invalid("%s: one point cannot lie at both x_first_m = %g and x_last_m = %g", what, *p.XFirstM, *p.XLastM)
	}
	list := make([][]float64, n)
	for k := range list {
		x := *p.XFirstM
		if k > 0 {
			x += (*p.XLastM - *p.XFirstM) * float64(k) / float64(n-1)
		}
		list[k] = []float64{*p.ZM, x}
	}
	return list, nil
}

// locate turns positions into nodes. what is "sources" or "receivers"; axis is the name of their axis in the data.
func (p *Positions) locate(what, axis string, g *Grid) (points, error) {
	list, err := p.line(what)
	if err != nil {
		return points{}, err
	}
	switch {
	case list == nil && len(p.PositionsM) == 0:
		return points{}, invalid("%s: there are none (give positions_m, or a line of z_m, x_first_m, x_last_m and count)", what)
	case list != nil && len(p.PositionsM) > 0:
		return points{}, invalid("%s: positions_m and a line are both given, allowed is one of them", what)
	case list == nil:
		list = p.PositionsM
	}
	out := points{axis: space.Axis{Name: axis, Size: len(list)}}
	seen := map[[2]int]int{}
	values, level := make([]float64, len(list)), true
	for k, zx := range list {
		if len(zx) != 2 {
			return points{}, invalid("%s: position %d has %d numbers, want [z, x]", what, k, len(zx))
		}
		iz, ok := cell(zx[0], g.SpacingM, g.NZ)
		if !ok {
			return points{}, invalid("%s: position %d lies outside the grid (z = %g m, the grid's nodes are at 0..%g m)", what, k, zx[0], float64(g.NZ-1)*g.SpacingM)
		}
		ix, ok := cell(zx[1], g.SpacingM, g.NX)
		if !ok {
			return points{}, invalid("%s: position %d lies outside the grid (x = %g m, the grid's nodes are at 0..%g m)", what, k, zx[1], float64(g.NX-1)*g.SpacingM)
		}
		if j, twice := seen[[2]int{iz, ix}]; twice {
			return points{}, invalid("%s: positions %d and %d both lie in the cell of node (iz %d, ix %d) of spacing %g m: a datum would count twice", what, j, k, iz, ix, g.SpacingM)
		}
		seen[[2]int{iz, ix}] = k
		out.iz, out.ix = append(out.iz, iz), append(out.ix, ix)
		values[k], level = zx[1], level && zx[0] == list[0][0]
	}
	if level {
		out.axis.Unit, out.axis.Values = "m", values
	}
	return out, nil
}

// cell returns the node that a coordinate belongs to: k for k h <= x < (k+1) h, k = 0..n-1.
func cell(x, h float64, n int) (k int, ok bool) {
	q := math.Floor(x/h + snap)
	if !(q >= 0 && q < float64(n)) {
		return 0, false
	}
	return int(q), true
}
