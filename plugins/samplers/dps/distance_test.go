package dps_test

import (
	"context"
	"math"
	"testing"

	"github.com/waveprior/waveprior/core/metric"
	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/samplers/dps"
	"github.com/waveprior/waveprior/plugins/samplers/internal/toy"
)

// TestDistanceFromPosterior holds what is known of DPS on the memorization study's 2-D problem (pentagon, s = 0.3, tau =
// 0.3), against the exact posterior by quadrature: there is a zeta at which it comes near, proportional to 1/T; above it the
// samples collapse onto the best fit, below it they stay in the prior's other modes. The exact sampler of the same number
// of draws is the floor. Figures of this test, W2 by exact assignment of 400 samples:
//
//	variant   T    zeta    W2     mean         sd
//	exact     -    -       0.06   1.74 -0.18   0.23 0.24
//	published 200  0.005   1.66   0.91  0.18   1.20 1.14   other modes
//	published 200  0.02    0.26   1.65 -0.18   0.27 0.34
//	published 200  0.07    0.51   1.38 -0.01   0.03 0.03   collapsed
//	published 1000 0.005   0.22   1.61 -0.21   0.19 0.21
//	full      200  0.1     0.37   1.47 -0.09   0.21 0.17
func TestDistanceFromPosterior(t *testing.T) {
	if testing.Short() {
		t.Skip("a quadrature on 500 x 500 points and 600 000 network calls")
	}
	const n, s = 400, 0.3
	exact, mean, sd := exactPosterior(t, s, n)
	floor := distance(t, exact[0], exact[1])
	if floor > 0.12 {
		t.Fatalf("two sets of exact draws are %g apart", floor)
	}
	t.Logf("exact: mean %.3f, sd %.3f, floor of W2 %.3f", mean, sd, floor)
	for _, tc := range []struct {
		options    string
		T          int
		near, far  float64 // W2 must lie between
		sdLo, sdHi float64 // of either coordinate
	}{
		{`{"variant":"published","zeta":0.005}`, 200, 1.2, 2.2, 0.8, 1.5},
		{`{"variant":"published","zeta":0.02}`, 200, 0.15, 0.4, 0.15, 0.5},
		{`{"variant":"published","zeta":0.07}`, 200, 0.4, 0.6, 0.01, 0.06},
		{`{"variant":"published","zeta":0.005}`, 1000, 0.1, 0.3, 0.1, 0.35},
		{`{"variant":"full","zeta":0.1}`, 200, 0.25, 0.5, 0.1, 0.4},
	} {
		p, q := problem(t, tc.T, s, tensor.Float64)
		out, err := toy.Run(context.Background(), dps.New(), toy.Config(tc.options, 7, p, q), toy.Chains(n, tau), 0)
		if err != nil {
			t.Fatal(err)
		}
		m, got := moments(out.Latent())
		w := distance(t, out.Latent(), exact[0])
		t.Logf("T = %4d %-40s W2 %.3f, mean %+.3f, sd %.3f", tc.T, tc.options, w, m, got)
		if w < tc.near || w > tc.far || min(got[0], got[1]) < tc.sdLo || max(got[0], got[1]) > tc.sdHi {
			t.Errorf("T = %d %s: W2 %.3f, want %g..%g; sd %.3f, want %g..%g", tc.T, tc.options, w, tc.near, tc.far, got, tc.sdLo, tc.sdHi)
		}
	}
}

// exactPosterior returns two sets of n draws, mean and standard deviations, by quadrature over [-4, 4]^2.
func exactPosterior(t *testing.T, s float64, n int) (draws [2][]float64, mean, sd []float64) {
	t.Helper()
	m, err := mixture.New(pentagon(), 2, nil, mixture.Isotropic(s*s))
	if err != nil {
		t.Fatal(err)
	}
	g, err := mixture.NewGrid(mixture.Axis{Lo: -4, Hi: 4, N: 500}, mixture.Axis{Lo: -4, Hi: 4, N: 500})
	if err != nil {
		t.Fatal(err)
	}
	points, logPrior, phi := g.Points(), make([]float64, g.Size()), make([]float64, g.Size())
	if err := m.LogDensity(logPrior, points); err != nil {
		t.Fatal(err)
	}
	for i := range phi {
		x1, x2 := points[2*i], points[2*i+1]
		phi[i] = (math.Pow(x1+0.3*x1*x2-1.4, 2) + math.Pow(x2+0.2*x1*x1-0.2*1.4*1.4, 2)) / (2 * tau * tau)
	}
	post, err := g.Posterior(logPrior, phi)
	if err != nil {
		t.Fatal(err)
	}
	mean, cov := post.Moments()
	for k := range draws {
		u := make([]float64, 3*n)
		rng.New(uint64(k), "test/exact").At(0, 0, 0).Uniforms(u)
		draws[k] = make([]float64, 2*n)
		post.Draw(draws[k], u)
	}
	return draws, mean, []float64{math.Sqrt(cov[0]), math.Sqrt(cov[3])}
}

func distance(t *testing.T, x, y []float64) float64 {
	t.Helper()
	w, err := metric.W2(x, y, 2)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func moments(x []float64) (m, sd [2]float64) {
	n := float64(len(x) / 2)
	for i, v := range x {
		m[i%2] += v / n
	}
	for i, v := range x {
		sd[i%2] += (v - m[i%2]) * (v - m[i%2]) / n
	}
	return m, [2]float64{math.Sqrt(sd[0]), math.Sqrt(sd[1])}
}
