package run

import (
	"fmt"
	"strings"

	"github.com/waveprior/waveprior/core/figure"
)

// galleryCells bounds the panels of the gallery.
const galleryCells = 8

// gallery puts the posteriors of the first observation side by side, one panel per cell of a two-dimensional sweep, for
// its first seed; nil where there is nothing to compare.
func gallery(cells []*CellResult) (*picture, error) {
	var panels []*figure.Panel
	for _, c := range cells {
		if !firstSeed(c, cells) {
			continue
		}
		a := newArrays(c)
		post, chains := a.reals("judge", "exact_posterior.npy"), a.firstChains()
		if a.err != nil {
			return nil, a.err
		}
		if a.dim() != 2 || post == nil || chains == nil {
			continue
		}
		points, prior := a.reals("judge", "exact_points.npy"), a.reals("judge", "exact_prior.npy")
		w := square(points, len(post))
		x0, x1, y0, y1 := box(w.x, w.y, w.n, post, prior, nil)
		wash := w.contours("prior", prior, x0, x1, y0, y1)
		wash.Shade, wash.NoLines = true, true
		exact := w.contours("exact posterior (50, 90 %)", post, x0, x1, y0, y1)
		exact.Mass, exact.Color, exact.Width = []float64{0.5, 0.9}, figure.SeriesColor(2), 1.8
		p := &figure.Panel{Title: withoutSeed(c), X: figure.Axis{Label: "x1", Min: x0, Max: x1}, Y: figure.Axis{Label: "x2", Min: y0, Max: y1}, Equal: true,
			Layers: []figure.Layer{wash, exact, figure.Points{Label: "chains", X: column(chains, 0, 2), Y: column(chains, 1, 2), Color: figure.SeriesColor(0)}}}
		if t := a.get("observe", TruthFile); t != nil && t.Reals()/t.Batch() == 2 {
			v := t.AppendReals(nil)
			p.Layers = append(p.Layers, figure.Points{Label: "truth", X: v[:1], Y: v[1:2], Shape: figure.Star})
		}
		panels = append(panels, p)
	}
	if len(panels) < 2 || len(panels) > galleryCells {
		return nil, nil
	}
	columns := len(panels)
	if columns > 4 {
		columns = (columns + 1) / 2
	} else if columns == 4 {
		columns = 2
	}
	return &picture{"posteriors", "The posterior of the first observation in every cell: the prior (wash), the exact posterior on a grid, and what the sampler drew.",
		&figure.Figure{Title: "Do the chains lie where the exact posterior is, and is the truth there?", Panels: panels, Columns: columns}}, nil
}

// square reads the axes off the points of a square grid, y fastest.
func square(points []float64, size int) window {
	n := 1
	for n*n < size {
		n++
	}
	w := window{n: n, y: column(points[:2*n], 1, 2), x: make([]float64, n)}
	for i := range w.x {
		w.x[i] = points[2*i*n]
	}
	return w
}

// firstSeed tells whether a cell has the sweep's first seed.
func firstSeed(c *CellResult, cells []*CellResult) bool {
	return c.Cell.Seed == cells[0].Cell.Seed
}

func withoutSeed(c *CellResult) string {
	var parts []string
	for _, v := range c.Cell.Values {
		if v.Key != "seed" {
			parts = append(parts, fmt.Sprint(v.Value))
		}
	}
	return strings.Join(parts, ", ")
}
