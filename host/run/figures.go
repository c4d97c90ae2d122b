package run

import (
	"fmt"
	"math"
	"os"
	"sort"

	"github.com/waveprior/waveprior/core/figure"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/stage"
)

// picture is one figure on its way into the run folder and the report.
type picture struct {
	name, caption string
	fig           *figure.Figure
}

// arrays reads the arrays of a cell, each at most once; a missing one is nil.
type arrays struct {
	c    *CellResult
	read map[string]*tensor.Tensor
	err  error
}

func newArrays(c *CellResult) *arrays { return &arrays{c: c, read: map[string]*tensor.Tensor{}} }

func (a *arrays) get(stageName, file string) *tensor.Tensor {
	e := stageOf(a.c, stageName)
	if e == nil || a.err != nil {
		return nil
	}
	key := stageName + "/" + file
	if t, ok := a.read[key]; ok {
		return t
	}
	t := open(e, file, &a.err)
	a.read[key] = t
	return t
}

func open(e *stage.Entry, file string, err *error) *tensor.Tensor {
	path := e.Path(file)
	if _, serr := os.Stat(path); os.IsNotExist(serr) {
		return nil
	}
	t, rerr := npy.Read(path)
	if rerr != nil && *err == nil {
		*err = rerr
	}
	return t
}

// reals returns an array as numbers, nil where it is missing.
func (a *arrays) reals(stageName, file string) []float64 {
	if t := a.get(stageName, file); t != nil {
		return t.AppendReals(nil)
	}
	return nil
}

// column returns every d-th number from the i-th.
func column(v []float64, i, d int) []float64 {
	out := make([]float64, 0, len(v)/d)
	for ; i < len(v); i += d {
		out = append(out, v[i])
	}
	return out
}

// cellPictures draws what one cell has to show.
func cellPictures(c *CellResult) ([]picture, error) {
	a := newArrays(c)
	var out []picture
	add := func(p *picture) {
		if p != nil {
			out = append(out, *p)
		}
	}
	add(posteriorPicture(a))
	add(fieldPicture(a))
	add(galleryPicture(a))
	add(samplesPicture(a))
	add(stepsPicture(a))
	add(inversionPicture(a))
	add(gatherPicture(a))
	if p := descentPicture(a); p != nil {
		add(p)
	} else {
		add(misfitPicture(a))
	}
	add(componentsPicture(a))
	add(memorisationPicture(a))
	add(scatterPicture(a))
	add(denoiserPicture(a))
	add(calibrationPicture(a))
	return out, a.err
}

// dim is the number of latent coordinates, 0 without samples.
func (a *arrays) dim() int {
	t := a.get("sample", LatentFile)
	if t == nil || t.Batch() == 0 {
		if p := a.get("judge", "exact_points.npy"); p != nil {
			return p.Shape[1]
		}
		return 0
	}
	return t.Reals() / t.Batch()
}

// firstChains returns the final latents of the first observation's chains.
func (a *arrays) firstChains() []float64 {
	v := a.reals("sample", LatentFile)
	d, n := a.dim(), a.c.Cell.Chains.Chains
	if d == 0 {
		return nil
	}
	return v[:min(len(v), n*d)]
}

// posteriorPicture: prior, likelihood, exact and linearised posterior, 1-D curves or 2-D contours.
func posteriorPicture(a *arrays) *picture {
	points := a.reals("judge", "exact_points.npy")
	if points == nil {
		return nil
	}
	prior, like := a.reals("judge", "exact_prior.npy"), a.reals("judge", "exact_likelihood.npy")
	post, lin := a.reals("judge", "exact_posterior.npy"), a.reals("judge", "exact_linearised.npy")
	comps := a.reals("judge", "exact_components.npy")
	if post == nil || lin == nil || prior == nil || like == nil {
		return nil
	}
	name := map[bool]string{true: "training points", false: "prior mean"}[len(comps) > 2]
	if a.dim() == 1 {
		lo, hi := support(points, post, prior)
		panel := func(title string, lo, hi float64, withPrior bool) *figure.Panel {
			x, keep := inside(points, lo, hi)
			sub := func(v []float64) []float64 { return v[keep[0]:keep[1]] }
			p := &figure.Panel{Title: title, X: figure.Axis{Label: "x", Min: lo, Max: hi}, Y: figure.Axis{Label: "density"}}
			if withPrior {
				scale := peak(sub(prior)) // the likelihood has no density in x: it is drawn at the prior's height
				l := append([]float64(nil), sub(like)...)
				for i := range l {
					l[i] *= scale
				}
				p.Layers = append(p.Layers, figure.Line{Label: "prior", X: x, Y: sub(prior), Fill: true}, figure.Line{Label: "likelihood (scaled)", X: x, Y: l, Dash: figure.Dotted})
			}
			p.Layers = append(p.Layers, figure.Line{Label: "exact posterior", X: x, Y: sub(post), Color: figure.SeriesColor(2), Width: 2.2},
				figure.Line{Label: "linearised posterior", X: x, Y: sub(lin), Color: figure.SeriesColor(3), Dash: figure.Dashed})
			return p
		}
		lo2, hi2 := support(points, post, nil)
		return &picture{"posterior", "Left: prior, likelihood (scaled to the prior's height), exact posterior on the grid and linearised posterior. Right: the posteriors alone.",
			&figure.Figure{Title: fmt.Sprintf("Exact and linearised posterior: total variation %.3g", a.c.Metrics["exact.tv_linearised"]),
				Panels: []*figure.Panel{panel("prior and likelihood", lo, hi, true), panel("where the posterior is", lo2, hi2, false)}}}
	}
	if a.dim() != 2 {
		return nil
	}
	w := square(points, len(post))
	x0, x1, y0, y1 := box(w.x, w.y, w.n, post, prior, comps)
	ix0, ix1, iy0, iy1 := box(w.x, w.y, w.n, post, nil, nil)
	points2 := figure.Points{Label: name, X: column(comps, 0, 2), Y: column(comps, 1, 2), Shape: figure.Ring, Color: figure.SeriesColor(4)}
	posterior := func(x0, x1, y0, y1 float64) figure.Layer {
		l := w.contours("exact posterior", post, x0, x1, y0, y1)
		l.Mass, l.Color, l.Width = []float64{0.5, 0.9}, figure.SeriesColor(2), 1.8
		return l
	}
	densities := func(x0, x1, y0, y1 float64) []figure.Layer {
		wash := w.contours("prior", prior, x0, x1, y0, y1)
		wash.Shade, wash.NoLines = true, true
		likelihood := w.contours("likelihood", like, x0, x1, y0, y1)
		likelihood.Mass, likelihood.Dash = []float64{0.5, 0.9}, figure.Dotted
		linear := w.contours("linearised posterior", lin, x0, x1, y0, y1)
		linear.Mass, linear.Dash, linear.Color = []float64{0.5, 0.9}, figure.Dashed, figure.SeriesColor(3)
		return []figure.Layer{wash, likelihood, posterior(x0, x1, y0, y1), linear, points2}
	}
	panel := func(title string, layers func(x0, x1, y0, y1 float64) []figure.Layer) *figure.Panel {
		p := &figure.Panel{Title: title, X: figure.Axis{Label: "x1", Min: x0, Max: x1}, Y: figure.Axis{Label: "x2", Min: y0, Max: y1}, Equal: true, Layers: layers(x0, x1, y0, y1)}
		if (ix1-ix0)*(iy1-iy0) < 0.12*(x1-x0)*(y1-y0) {
			p.Inset = &figure.Inset{X0: ix0, X1: ix1, Y0: iy0, Y1: iy1, Layers: layers(ix0, ix1, iy0, iy1)}
		}
		return p
	}
	panels := []*figure.Panel{panel("50 and 90 % regions", densities)}
	if chains := a.firstChains(); chains != nil {
		panels = append(panels, panel(fmt.Sprintf("%d chains of the first observation", len(chains)/2), func(x0, x1, y0, y1 float64) []figure.Layer {
			layers := []figure.Layer{posterior(x0, x1, y0, y1), figure.Points{Label: "chains", X: column(chains, 0, 2), Y: column(chains, 1, 2), Color: figure.SeriesColor(0)}, points2}
			if t := a.get("observe", TruthFile); t != nil && t.Reals()/t.Batch() == 2 {
				v := t.AppendReals(nil)
				layers = append(layers, figure.Points{Label: "truth", X: v[:1], Y: v[1:2], Shape: figure.Star})
			}
			return layers
		}))
	}
	title := "Posterior of the first observation"
	if w, ok := a.c.Metrics["exact.w2"]; ok {
		title += fmt.Sprintf(": W2 of the chains %.3g, of exact draws %.3g (means)", w, a.c.Metrics["exact.w2_floor"])
	}
	return &picture{"posterior", "Left: the prior (wash), the likelihood, the exact posterior on the grid and the linearised one. Right: what the sampler drew, for the first observation.",
		&figure.Figure{Title: title, Panels: panels}}
}

// window cuts densities on a square grid, y fastest, down to what a figure needs.
type window struct {
	x, y []float64
	n    int
}

// drawn is the number of grid points along an axis that a figure can show.
const drawn = 180

// cut returns every so many-th index of the axis within lo..hi, with one more at either end.
func cut(axis []float64, lo, hi float64) []int {
	a, b := max(0, sort.SearchFloat64s(axis, lo)-1), min(len(axis)-1, sort.SearchFloat64s(axis, hi)+1)
	stride := max(1, (b-a)/drawn)
	var at []int
	for i := a; i <= b; i += stride {
		at = append(at, i)
	}
	return at
}

func (w window) contours(label string, density []float64, x0, x1, y0, y1 float64) figure.Contours {
	xi, yi := cut(w.x, x0, x1), cut(w.y, y0, y1)
	c := figure.Contours{Label: label}
	for _, i := range xi {
		c.X = append(c.X, w.x[i])
	}
	for _, k := range yi {
		c.Y = append(c.Y, w.y[k])
		for _, i := range xi {
			c.Density = append(c.Density, density[i*w.n+k])
		}
	}
	return c
}

func peak(v []float64) float64 {
	p := 0.0
	for _, x := range v {
		p = max(p, x)
	}
	return p
}

// inside returns the part of sorted points within lo..hi, and its index range.
func inside(x []float64, lo, hi float64) ([]float64, [2]int) {
	a := sort.SearchFloat64s(x, lo)
	b := sort.SearchFloat64s(x, hi)
	return x[a:b], [2]int{a, b}
}

// support is where any of the densities exceeds a thousandth of its peak, with a margin.
func support(x []float64, densities ...[]float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, d := range densities {
		p := peak(d)
		for i, v := range d {
			if v > 1e-3*p {
				lo, hi = min(lo, x[i]), max(hi, x[i])
			}
		}
	}
	m := 0.08 * (hi - lo)
	return max(x[0], lo-m), min(x[len(x)-1], hi+m)
}

// box is support in two dimensions: density (n, n) with y fastest.
func box(x, y []float64, n int, post, prior, comps []float64) (x0, x1, y0, y1 float64) {
	x0, x1, y0, y1 = math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, d := range [][]float64{post, prior} {
		p := peak(d)
		for i, v := range d {
			if v > 1e-2*p {
				x0, x1 = min(x0, x[i/n]), max(x1, x[i/n])
				y0, y1 = min(y0, y[i%n]), max(y1, y[i%n])
			}
		}
	}
	for i := 0; i+1 < len(comps); i += 2 {
		x0, x1, y0, y1 = min(x0, comps[i]), max(x1, comps[i]), min(y0, comps[i+1]), max(y1, comps[i+1])
	}
	mx, my := 0.08*(x1-x0)+1e-3, 0.08*(y1-y0)+1e-3
	return x0 - mx, x1 + mx, y0 - my, y1 + my
}

// samplesPicture: unconditional samples of two coordinates beside exact draws, where there is no posterior picture.
func samplesPicture(a *arrays) *picture {
	if a.dim() < 2 || a.get("judge", "exact_points.npy") != nil || a.art() != nil {
		return nil
	}
	d := a.dim()
	v := a.reals("sample", LatentFile)
	layers := []figure.Layer{}
	if e := a.reals("judge", "exact_draws.npy"); e != nil {
		layers = append(layers, figure.Points{Label: "exact draws", X: column(e, 0, d), Y: column(e, 1, d), Color: figure.SeriesColor(2)})
	}
	layers = append(layers, figure.Points{Label: "samples", X: column(v, 0, d), Y: column(v, 1, d), Color: figure.SeriesColor(0)})
	title := "Samples"
	if w, ok := a.c.Metrics["exact.w2"]; ok {
		title = fmt.Sprintf("Samples of the prior: W2 to exact draws %.3g, of exact draws among themselves %.3g", w, a.c.Metrics["exact.w2_floor"])
	}
	return &picture{"samples", "Final states of all chains, first two latent coordinates.",
		&figure.Figure{Title: title, Panels: []*figure.Panel{{X: figure.Axis{Label: "z1"}, Y: figure.Axis{Label: "z2"}, Equal: true, Layers: layers}}}}
}

// stepsPicture: x0 along the way, two coordinates, at four of the snapshots.
func stepsPicture(a *arrays) *picture {
	t := a.get("sample", SnapshotFile)
	at := a.get("sample", SnapshotStepsFile)
	if t == nil || at == nil || a.dim() != 2 || t.Shape[0] < 2 {
		return nil
	}
	n := min(4, t.Shape[0])
	per := min(a.c.Cell.Chains.Chains, t.Shape[1])
	var panels []*figure.Panel
	lo, hi := math.Inf(1), math.Inf(-1)
	for i := range n {
		s := (i + 1) * t.Shape[0] / n
		v := t.Item(s - 1).AppendReals(nil)[:2*per]
		for _, x := range v {
			if !math.IsNaN(x) {
				lo, hi = min(lo, x), max(hi, x)
			}
		}
		panels = append(panels, &figure.Panel{Title: fmt.Sprintf("after step %d", at.Int64s()[s-1]+1), X: figure.Axis{Label: "x1"}, Y: figure.Axis{Label: "x2"}, Equal: true,
			Layers: []figure.Layer{figure.Points{Label: "denoised x0", X: column(v, 0, 2), Y: column(v, 1, 2), Color: figure.SeriesColor(0)}}})
	}
	m := 0.06*(hi-lo) + 1e-3
	for _, p := range panels {
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = lo-m, hi+m, lo-m, hi+m
	}
	return &picture{"steps", "The denoised estimate x0 of the first observation's chains along the reverse process.", &figure.Figure{Title: "Along the reverse process", Panels: panels, Columns: n}}
}

// componentsPicture: effective components against the width.
func componentsPicture(a *arrays) *picture {
	t := a.get("judge", "components_effective.npy")
	if t == nil {
		return nil
	}
	widths, crit, counts := a.reals("judge", "components_widths.npy"), a.reals("judge", "components_s_crit.npy"), a.reals("judge", "components_counts.npy")
	p := &figure.Panel{X: figure.Axis{Label: "width s", Log: true}, Y: figure.Axis{Label: "effective components exp(H)", Log: true}}
	for i, n := range counts {
		p.Layers = append(p.Layers, figure.Line{Label: fmt.Sprintf("N = %.0f", n), X: widths, Y: t.Item(i).Float64s(), Color: figure.SeriesColor(i)})
	}
	for i, n := range counts {
		mark := ""
		if i == 0 {
			mark = fmt.Sprintf("s_crit, N = %.0f", n)
		}
		p.Layers = append(p.Layers, figure.VLine{At: crit[i], Label: mark, Color: figure.SeriesColor(i), Dash: figure.Dotted})
	}
	return &picture{"effective-components", "exp(H) of the exact posterior weights of N training points against the prior's width; dotted, in the colour of its N: s_crit = sqrt(delta tau/mean|F'|), below which one component is said to rule. It does where the spacing exceeds the width of the likelihood; training points that the data cannot tell apart share the posterior however small s is.",
		&figure.Figure{Title: "How many training points the posterior rests on", Panels: []*figure.Panel{p}, Width: 7.5}}
}
