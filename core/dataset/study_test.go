package dataset

import (
	"fmt"
	"math"
	"testing"

	"github.com/waveprior/waveprior/core/metric"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// TestStudyNulls: what the memorisation study says of held-out fields of its own population (section 4), computed there
// independently: with no memorisation at all the distance to the nearest of N training examples over the mean distance to
// the next min(50, N) - 1, in raw KL coordinates, is below 0.7 for 96, 34 and 8 % of them at N = 50, 200, 1000 with the
// published noise, and for 85, 9 and 1.4 % with Hermitian noise.
func TestStudyNulls(t *testing.T) {
	const held = 400
	model := earth(tensor.Float64, "squared_slowness", "s2/km2", 64, 64)
	adapt, err := space.FromOptions(*model, []map[string]any{{"kind": "kl"}})
	if err != nil {
		t.Fatal(err)
	}
	for noise, want := range map[string]map[int]float64{"real": {50: 0.96, 200: 0.34, 1000: 0.08}, "hermitian": {50: 0.85, 200: 0.09, 1000: 0.014}} {
		g := fields(t, fmt.Sprintf(`{"noise": %q, "kl_modes": 10}`, noise), model)
		coordinates := func(n int, heldOut bool) []float64 {
			z := adapt.Out().New(n)
			if failed, err := adapt.Apply(fill(t, g, 0, n, heldOut), z); failed != nil || err != nil {
				t.Fatal(failed, err)
			}
			return z.Float64s()
		}
		train, queries := coordinates(1000, false), coordinates(held, true)
		for n, rate := range want {
			near, err := metric.NearestRatios(queries, train[:n*100], 100, min(50, n))
			if err != nil {
				t.Fatal(err)
			}
			below := 0
			for _, r := range near.Ratio {
				if r < 0.7 {
					below++
				}
			}
			got := float64(below) / held
			t.Logf("%s, N = %d: P(r < 0.7) = %.3f, study %.3f", noise, n, got, rate)
			// Binomial error of 400 (2.5 % at most), and that of one training set of N, which small N feel most.
			if tolerance := 0.02 + 4*math.Sqrt(rate*(1-rate)/held) + map[int]float64{50: 0.03}[n]; math.Abs(got-rate) > tolerance {
				t.Errorf("seed 5: %s, N = %d: P(r < 0.7) = %.3f, the study has %.3f (tolerance %.3f)", noise, n, got, rate, tolerance)
			}
		}
	}
}
