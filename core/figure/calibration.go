package figure

import (
	"fmt"
	"image/color"
	"math"
)

// Coverage is one curve of a calibration panel: how often intervals of nominal coverage held the truth.
type Coverage struct {
	Label             string
	Nominal, Observed []float64 // shares, 0..1, of the same length
	Color             color.Color
}

// CalibrationPanel draws observed against nominal coverage with the diagonal and the band in which 90 % of the points of
// a calibrated sampler lie if n independent truths stand behind each (binomial quantiles, exact); n = 0: no band. Curves
// below the diagonal are too sure of themselves.
func CalibrationPanel(title string, n int, curves ...Coverage) *Panel {
	p := &Panel{Title: title, Equal: true,
		X: Axis{Label: "nominal coverage", Max: 1}, Y: Axis{Label: "observed coverage", Max: 1}}
	if n > 0 {
		var x, lo, hi []float64
		for i := 0; i <= 100; i++ {
			q := float64(i) / 100
			x = append(x, q)
			lo = append(lo, float64(binomialQuantile(n, q, 0.05))/float64(n))
			hi = append(hi, float64(binomialQuantile(n, q, 0.95))/float64(n))
		}
		p.Layers = append(p.Layers, Line{Label: fmt.Sprintf("calibrated, 90 %% of points (n = %d)", n), X: x, Low: lo, High: hi, Color: Grey})
	}
	p.Layers = append(p.Layers, Line{X: []float64{0, 1}, Y: []float64{0, 1}, Color: Grey, Dash: Dashed, Width: 1})
	for _, c := range curves {
		p.Layers = append(p.Layers, Line{Label: c.Label, X: c.Nominal, Y: c.Observed, Color: c.Color, Dots: true})
	}
	return p
}

// RankPanel draws the rank histogram of simulation-based calibration: counts[r] truths had rank r. A calibrated sampler
// gives even bars: 99 % of them inside the band (binomial quantiles, exact). A valley: too narrow; a hill: too wide; a
// slope: biased.
func RankPanel(title string, counts []int) *Panel {
	p := &Panel{Title: title, X: Axis{Label: "rank of the truth among the samples"}, Y: Axis{Label: "truths"}}
	total := 0
	for _, c := range counts {
		total += c
	}
	n := len(counts)
	if n == 0 || total == 0 {
		return p
	}
	x, y := make([]float64, n+1), make([]float64, n+1)
	for i := range x {
		x[i] = float64(i) - 0.5
		y[i] = float64(counts[min(i, n-1)])
	}
	q := 1 / float64(n)
	lo, hi := float64(binomialQuantile(total, q, 0.005)), float64(binomialQuantile(total, q, 0.995))
	edge := []float64{-0.5, float64(n) - 0.5}
	p.Layers = []Layer{
		Line{Label: "ranks", X: x, Y: y, Step: true, Fill: true, Color: Blue, Width: 1},
		Line{Label: "even, 99 %", X: edge, Low: []float64{lo, lo}, High: []float64{hi, hi}, Color: Grey},
		HLine{At: float64(total) * q, Color: Grey, Dash: Dashed},
	}
	return p
}

// binomialQuantile is the smallest k with P(K <= k) >= p for K ~ Binomial(n, q), by summation of exp(log P(k)).
func binomialQuantile(n int, q, p float64) int {
	if q <= 0 {
		return 0
	}
	if q >= 1 {
		return n
	}
	logFact := func(k int) float64 { v, _ := math.Lgamma(float64(k) + 1); return v }
	sum := 0.0
	for k := 0; k < n; k++ {
		sum += math.Exp(logFact(n) - logFact(k) - logFact(n-k) + float64(k)*math.Log(q) + float64(n-k)*math.Log1p(-q))
		if sum >= p {
			return k
		}
	}
	return n
}
