package figure

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// gallery is one figure of every kind, with made-up data of the shape that the memorisation study has.
func gallery() map[string]*Figure {
	r := rand.New(rand.NewPCG(1, 2))
	g := map[string]*Figure{}

	// Curves with bands, log axis, marker.
	var ls []Layer
	var step []float64
	for t := 0; t < 200; t += 5 {
		step = append(step, float64(t))
	}
	for k, n := range []int{50, 200, 1000} {
		var y, lo, hi []float64
		for _, t := range step {
			v := 300*math.Exp(-t/(18+4*float64(k))) + 1.0 + 1.6*float64(2-k)*float64(2-k)
			y, lo, hi = append(y, v), append(lo, v*0.75), append(hi, v*1.35)
		}
		ls = append(ls, Line{Label: fmt.Sprintf("N = %d, median and 5–95 %%", n), X: step, Y: y, Low: lo, High: hi})
	}
	ls = append(ls, HLine{At: 1, Label: "expected 1", Dash: Dashed}, VLine{At: 120, Label: "step of the largest guidance", Dash: Dotted})
	g["lines"] = &Figure{Panels: []*Panel{{Title: "DPS fits the data through every prior but the smallest", X: Axis{Label: "reverse step"},
		Y: Axis{Label: "χ² per datum", Log: true}, Layers: ls}}}

	// 1-D densities.
	var ps []*Panel
	for _, s := range []float64{0.5, 0.3, 0.05} {
		var x, prior, like, exact, lin []float64
		for i := 0; i <= 800; i++ {
			v := -3.5 + 7*float64(i)/800
			x = append(x, v)
			p := 0.0
			for _, c := range []float64{-1.5, -0.4, 0.4, 1.2, 2.5} {
				p += math.Exp(-(v-c)*(v-c)/(2*s*s)) / 5 / s / math.Sqrt(2*math.Pi)
			}
			f := v + 0.3*v*v*v
			l := math.Exp(-f * f / 0.18)
			prior, like, exact = append(prior, p), append(like, l), append(exact, p*l*1.9)
			lin = append(lin, p*math.Exp(-v*v*1.2/0.18)*1.7)
		}
		ps = append(ps, &Panel{Title: fmt.Sprintf("s = %g", s), X: Axis{Label: "x"}, Y: Axis{Label: "density"}, Layers: []Layer{
			Line{Label: "prior", X: x, Y: prior, Color: Grey, Fill: true}, Line{Label: "likelihood", X: x, Y: like, Color: Orange, Dash: Dotted},
			Line{Label: "posterior", X: x, Y: exact, Color: Blue, Fill: true}, Line{Label: "linearised", X: x, Y: lin, Color: Vermillion, Dash: Dashed}}})
	}
	g["densities"] = &Figure{Title: "As the prior's width s falls, the posterior collapses onto the training points", Panels: ps}

	// 2-D contours with scatter and inset.
	x, y := make([]float64, 161), make([]float64, 161)
	for i := range x {
		x[i], y[i] = -3+6*float64(i)/160, -3+6*float64(i)/160
	}
	var prior, post []float64
	var tx, ty []float64
	for k := 0; k < 5; k++ {
		tx, ty = append(tx, 2*math.Cos(2*math.Pi*float64(k)/5)), append(ty, 2*math.Sin(2*math.Pi*float64(k)/5))
	}
	for j := range y {
		for i := range x {
			p := 0.0
			for k := range tx {
				p += math.Exp(-(math.Pow(x[i]-tx[k], 2) + math.Pow(y[j]-ty[k], 2)) / (2 * 0.09))
			}
			l := math.Exp(-(math.Pow(x[i]+0.3*x[i]*y[j]-1.4, 2) + math.Pow(y[j]+0.2*x[i]*x[i]-0.39, 2)) / 0.18)
			prior, post = append(prior, p), append(post, p*l)
		}
	}
	var sx, sy []float64
	for i := 0; i < 400; i++ {
		sx, sy = append(sx, 1.55+0.2*r.NormFloat64()), append(sy, 0.03+0.17*r.NormFloat64())
	}
	g["density2d"] = &Figure{Panels: []*Panel{{Title: "DPS samples lie where the exact posterior has its mass", X: Axis{Label: "x₁"}, Y: Axis{Label: "x₂"}, Equal: true,
		Layers: []Layer{
			Contours{Label: "prior", X: x, Y: y, Density: prior, Color: Grey, Shade: true, NoLines: true},
			Points{Label: "DPS", X: sx, Y: sy, Color: Vermillion},
			Contours{Label: "exact posterior, 10, 50, 90 %", X: x, Y: y, Density: post, Color: Blue},
			Points{Label: "training", X: tx, Y: ty, Shape: Diamond, Color: Black, Size: 3},
			Points{Label: "truth", X: []float64{1.4}, Y: []float64{0}, Shape: Star, Color: Orange},
		}, Inset: &Inset{X0: 1, X1: 2.2, Y0: -0.6, Y1: 0.6, Corner: TopRight, Size: 0.38}}}}

	// Scatter, two groups.
	var a, b, c, d []float64
	for i := 0; i < 300; i++ {
		a, b = append(a, r.NormFloat64()), append(b, r.NormFloat64())
		c, d = append(c, 0.4+0.3*r.NormFloat64()), append(d, -0.8+0.3*r.NormFloat64())
	}
	kl := func(t string, i int) *Panel {
		return &Panel{Title: t, X: Axis{Label: fmt.Sprintf("z%d", i), Unit: "standardised"}, Y: Axis{Label: fmt.Sprintf("z%d", i+1), Unit: "standardised"}, Equal: true, Layers: []Layer{
			Points{Label: "training", X: a, Y: b, Color: Grey}, Points{Label: "posterior", X: c, Y: d, Color: Blue, Shape: Triangle},
			Points{Label: "truth", X: []float64{0.5}, Y: []float64{-0.7}, Shape: Star, Color: Vermillion}}}
	}
	g["scatter"] = &Figure{Panels: []*Panel{kl("KL coordinates 1 and 2", 1), kl("KL coordinates 3 and 4", 3)}}

	// Histograms.
	var h1, h2 []float64
	for i := 0; i < 384; i++ {
		h1, h2 = append(h1, 0.15+0.4*math.Pow(r.Float64(), 2)), append(h2, 0.62+0.08*r.NormFloat64())
	}
	g["histogram"] = &Figure{Panels: []*Panel{{Title: "N = 50: nearly every sample is nearer to one training example than a held-out field ever is",
		X: Axis{Label: "r, nearest distance / mean of the next 49"}, Y: Axis{Label: "share of samples"},
		Layers: []Layer{Histogram{Label: "DPS posterior", Values: h1}, Histogram{Label: "held-out null", Values: h2, Color: Grey, Dash: Dashed},
			VLine{At: 0.5, Label: "0.5", Dash: Dashed}, VLine{At: 0.7, Label: "0.7", Dash: Dashed}, VLine{At: 0.49, Label: "null's 5 %", Color: Vermillion}}}}}

	// Fields.
	vp := &Scale{Label: "P velocity", Unit: "m/s"}
	sd := &Scale{Label: "standard deviation", Unit: "m/s", Map: Magma}
	er := &Scale{Label: "mean − truth", Unit: "m/s", Map: Diverging}
	field := func(amp float64) []float64 {
		v := make([]float64, 64*64)
		for iz := 0; iz < 64; iz++ {
			for ix := 0; ix < 64; ix++ {
				v[iz*64+ix] = 1700 + 10*float64(iz) + amp*math.Sin(float64(ix)/9)*math.Cos(float64(iz)/7+1)
			}
		}
		return v
	}
	var rel, sdv []float64
	t0, t1 := field(200), field(140)
	t1[64*5+7] = math.NaN()
	for i := range t0 {
		rel, sdv = append(rel, t1[i]-t0[i]), append(sdv, math.Abs(t0[i]-2000)/3)
	}
	g["fields"] = &Figure{Title: "The posterior mean recovers the large structures; the standard deviation does not cover the error", Panels: []*Panel{
		NewFieldPanel("Truth", t0, 64, 64, 31.25, vp), NewFieldPanel("Posterior mean", t1, 64, 64, 31.25, vp),
		NewFieldPanel("Standard deviation", sdv, 64, 64, 31.25, sd), NewFieldPanel("Mean − truth", rel, 64, 64, 31.25, er)}}
	var many []*Panel
	for i := 0; i < 8; i++ {
		p := NewFieldPanel(fmt.Sprintf("r = %.2f", 0.1+0.05*float64(i)), field(60*float64(i)), 64, 64, 31.25, vp)
		p.X.Hide, p.Y.Hide = i < 4, i%4 != 0
		many = append(many, p)
	}
	g["shared"] = &Figure{Title: "Most memorised samples first", Panels: many, Columns: 4}

	// Bars, effective components, calibration, ranks.
	g["bars"] = &Figure{Panels: []*Panel{{Title: "The posterior is memorised less than the prior", X: Axis{Names: []string{"N = 50", "N = 200", "N = 1000"}}, Y: Axis{Label: "memorised share, r < 0.5", Max: 1},
		Layers: []Layer{Bars{Series: []BarSeries{{Label: "prior", Values: []float64{0.99, 0.41, 0.02}, Low: []float64{0.97, 0.36, 0.01}, High: []float64{1, 0.46, 0.04}},
			{Label: "posterior", Values: []float64{0.73, 0.2, math.NaN()}, Low: []float64{0.65, 0.14, math.NaN()}, High: []float64{0.8, 0.27, math.NaN()}}}}}}}}
	var ss []float64
	for i := 0; i < 70; i++ {
		ss = append(ss, 0.01*math.Pow(500, float64(i)/69))
	}
	var eff []Layer
	for _, n := range []float64{3, 5, 10, 20, 100} {
		var v []float64
		for _, s := range ss {
			v = append(v, 1+(n-1)*s*s/(s*s+0.04*10/n))
		}
		eff = append(eff, Line{Label: fmt.Sprintf("N = %g", n), X: ss, Y: v})
	}
	eff = append(eff, VLine{At: 0.42, Label: "s_crit, N = 10", Dash: Dashed})
	g["components"] = &Figure{Panels: []*Panel{{Title: "Below s_crit one component rules", X: Axis{Label: "prior width s", Log: true}, Y: Axis{Label: "effective components exp H(w)", Log: true}, Layers: eff}}}
	nom := []float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}
	obs := func(k float64) (o []float64) {
		for _, v := range nom {
			o = append(o, math.Pow(v, k))
		}
		return o
	}
	ranks := make([]int, 20)
	for i := 0; i < 2000; i++ {
		ranks[min(19, int(20*math.Abs(0.98*r.Float64()+0.01*r.NormFloat64())))]++
	}
	g["calibration"] = &Figure{Title: "The memorised prior covers its own draws, not held-out truths", Panels: []*Panel{
		CalibrationPanel("Coverage", 200, Coverage{Label: "own draws", Nominal: nom, Observed: obs(1.03)}, Coverage{Label: "held out", Nominal: nom, Observed: obs(6)}),
		RankPanel("Ranks of own draws", ranks)}}

	// Nothing, or nothing finite.
	g["odd"] = &Figure{Panels: []*Panel{{Title: "No data", X: Axis{Label: "x"}, Y: Axis{Label: "y", Log: true}, Layers: []Layer{Line{Label: "empty"}, Points{Label: "none"}, Histogram{Label: "no values"}}},
		{Title: "One NaN, one zero on a logarithmic axis", Y: Axis{Log: true, Label: "gradient norm", Unit: "s2/km2"}, X: Axis{Label: "iteration"}, Layers: []Layer{Line{X: []float64{0, 1, 2, 3, 4}, Y: []float64{1e-9, math.NaN(), 1e-12, 0, 1e-17}, Dots: true}}},
		nil, {Title: "Large numbers", X: Axis{Label: "cells"}, Y: Axis{Label: "misfit", Unit: "Pa²"}, Layers: []Layer{Line{X: []float64{0, 1e6, 2e6}, Y: []float64{3.2e7, 1e7, 0}}}}}}
	return g
}

// TestGallery draws every figure in both formats. With WAVEPRIOR_GALLERY set to a folder the pictures are left there.
func TestGallery(t *testing.T) {
	dir := os.Getenv("WAVEPRIOR_GALLERY")
	for name, f := range gallery() {
		png, err := f.PNG()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		svg, err := f.SVG()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(png) < 2000 || len(svg) < 2000 {
			t.Errorf("%s: PNG of %d and SVG of %d bytes cannot be a picture", name, len(png), len(svg))
		}
		if dir == "" {
			continue
		}
		for ext, b := range map[string][]byte{".png": png, ".svg": svg} {
			if err := os.WriteFile(filepath.Join(dir, name+ext), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
