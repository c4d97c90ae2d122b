package helmholtz

import (
	"math"

	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/core/space"
)

// snap is how far below a node, in cells, a position still counts as on it: what is left of rounding in metres.
const snap = 1e-6

// points are the nodes of sources or receivers.
type points struct {
	iz, ix []int
	axis   space.Axis // with the offsets and depths that were asked for
}

// locate turns positions into nodes. what is "sources" or "receivers"; axis is the name of their axis in the data.
func locate(p *seismic.Positions, what, axis string, g *Grid) (points, error) {
	list, err := p.List(what)
	if err != nil {
		return points{}, invalid("%w", err)
	}
	out := points{axis: seismic.Axis(axis, list)}
	seen := map[[2]int]int{}
	for k, zx := range list {
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
