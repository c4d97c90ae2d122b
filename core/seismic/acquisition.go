package seismic

import (
	"fmt"

	"github.com/waveprior/waveprior/core/space"
)

// Positions are points of the grid, listed or on a line: an option table.
type Positions struct {
	PositionsM [][]float64 `option:"positions_m" default:"[]" unit:"m" doc:"[z, x] of every point"`
	ZM         *float64    `option:"z_m" unit:"m" doc:"depth of a line of points"`
	XFirstM    *float64    `option:"x_first_m" unit:"m" doc:"offset of the line's first point"`
	XLastM     *float64    `option:"x_last_m" unit:"m" doc:"offset of its last point"`
	Count      *int        `option:"count" min:"1" max:"1000000" doc:"points of the line, evenly spaced, both ends included"`
}

// given counts what is given of a line.
func (p *Positions) given() int {
	n := 0
	for _, there := range []bool{p.ZM != nil, p.XFirstM != nil, p.XLastM != nil, p.Count != nil} {
		if there {
			n++
		}
	}
	return n
}

// Empty reports whether nothing is given.
func (p *Positions) Empty() bool { return p.given() == 0 && len(p.PositionsM) == 0 }

// List returns [z, x] in m of every point. what is "sources" or "receivers", for errors: no points, both a list and a line, half
// a line, a point without two numbers.
func (p *Positions) List(what string) ([][]float64, error) {
	given := p.given()
	switch {
	case p.Empty():
		return nil, fmt.Errorf("%s: there are none (give positions_m, or a line of z_m, x_first_m, x_last_m and count)", what)
	case given > 0 && len(p.PositionsM) > 0:
		return nil, fmt.Errorf("%s: positions_m and a line are both given, allowed is one of them", what)
	case given == 0:
		for k, zx := range p.PositionsM {
			if len(zx) != 2 {
				return nil, fmt.Errorf("%s: position %d has %d numbers, want [z, x]", what, k, len(zx))
			}
		}
		return p.PositionsM, nil
	case given < 4:
		return nil, fmt.Errorf("%s: a line needs z_m, x_first_m, x_last_m and count, %d of them are given", what, given)
	}
	n := *p.Count
	if n == 1 && *p.XFirstM != *p.XLastM {
		return nil, fmt.Errorf("%s: one point cannot lie at both x_first_m = %g and x_last_m = %g", what, *p.XFirstM, *p.XLastM)
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

// Axis is the axis of a data space that these points [z, x] in m make: their offsets, and their depths.
func Axis(name string, list [][]float64) space.Axis {
	axis := space.Axis{Name: name, Unit: "m", Size: len(list)}
	for _, zx := range list {
		axis.Depths, axis.Values = append(axis.Depths, zx[0]), append(axis.Values, zx[1])
	}
	return axis
}
