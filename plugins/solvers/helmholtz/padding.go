package helmholtz

// padding is the absorbing layer's geometry: cells nodes on every side of an nz x nx grid.
type padding struct {
	nz, nx, cells int
}

// size returns the extents of the padded grid.
func (p padding) size() (pz, px int) { return p.nz + 2*p.cells, p.nx + 2*p.cells }

// len returns the number of nodes of the padded grid.
func (p padding) len() int { return (p.nz + 2*p.cells) * (p.nx + 2*p.cells) }

// node returns the padded index of an interior node.
func (p padding) node(iz, ix int) int { return (iz+p.cells)*(p.nx+2*p.cells) + ix + p.cells }

// continueEdges fills out (padded) with m (nz, nx) and, in the layer, the nearest node of m.
func continueEdges[T float32 | float64](p padding, m []T, out []float64) {
	pz, px := p.size()
	for iz := range pz {
		from := m[min(max(iz-p.cells, 0), p.nz-1)*p.nx:][:p.nx]
		row := out[iz*px:][:px]
		for ix, v := range from {
			row[p.cells+ix] = float64(v)
		}
		for ix := range p.cells {
			row[ix], row[px-1-ix] = float64(from[0]), float64(from[p.nx-1])
		}
	}
}

// foldEdges adds g (padded) to out (nz, nx): the transpose of continueEdges, or without the layer's share.
func (p padding) foldEdges(g, out []float64, layer bool) {
	pz, px := p.size()
	c := p.cells
	for iz := range pz {
		if !layer && (iz < c || iz >= c+p.nz) {
			continue
		}
		to := out[min(max(iz-c, 0), p.nz-1)*p.nx:][:p.nx]
		row := g[iz*px:][:px]
		for ix, v := range row[c : c+p.nx] {
			to[ix] += v
		}
		if layer {
			for ix := range c {
				to[0] += row[ix]
				to[p.nx-1] += row[px-1-ix]
			}
		}
	}
}
