package seismic_test

import (
	"math"
	"testing"

	"github.com/waveprior/waveprior/core/seismic"
)

// The known nodes per wavelength for 1 % of phase velocity, of the space derivatives alone, along an axis (spec of this
// project, accuracy per cost): order 2 12.9, order 4 5.3, order 8 3.4; and the closed form of order 2.
func TestPhaseErrorInSpace(t *testing.T) {
	const v, h = 2000, 10
	for order, points := range map[int]float64{2: 12.9, 4: 5.3, 8: 3.4} {
		s := seismic.Scheme{Order: order, StepS: 1e-3, SpacingM: h}
		_, fewer := s.PhaseError(v, v/(h*(points-0.1)))
		_, more := s.PhaseError(v, v/(h*(points+0.1)))
		if !(fewer < -0.01 && more > -0.01) {
			t.Errorf("order %d: %.4f at %g nodes and %.4f at %g, want -0.01 between", order, fewer, points-0.1, more, points+0.1)
		}
	}
	s := seismic.Scheme{Order: 2, StepS: 1e-3, SpacingM: h}
	for _, points := range []float64{4, 8, 20} {
		// omega = 2 v/h sin(k h/2)
		kh := 2 * math.Asin(math.Pi/points)
		if _, e := s.PhaseError(v, v/(h*points)); math.Abs(e-(2*math.Pi/points/kh-1)) > 1e-12 {
			t.Errorf("%g nodes: %g, want %g", points, e, 2*math.Pi/points/kh-1)
		}
	}
	if _, e := s.PhaseError(v, v/(h*3)); e != -1 { // sin cannot be pi/3
		t.Errorf("a wave that the grid does not carry: %g", e)
	}
}

// Along an axis in one dimension's worth of a step at v dt/h = 1/sqrt(2) order 2 is exact along diagonals: the error left is
// the axis's; and time makes waves faster, space slower.
func TestPhaseErrorInTime(t *testing.T) {
	s := seismic.Scheme{Order: 2, StepS: 10 / (2000 * math.Sqrt2), SpacingM: 10}
	whole, space := s.PhaseError(2000, 20)
	theta := 2 * math.Pi * 20 / 2000 * 10
	// sin^2(omega dt/2) = (1/2) sin^2(k h/2)
	kh := 2 * math.Asin(math.Sqrt2*math.Sin(theta/math.Sqrt2/2))
	if want := theta/kh - 1; math.Abs(whole-want) > 1e-12 {
		t.Errorf("%g, want %g", whole, want)
	}
	if !(space < whole && whole < 0) {
		t.Errorf("space alone %g, with time %g", space, whole)
	}
	// At order 8 the time step rules: the wave is too fast, by (omega dt)^2/24 to leading order.
	s = seismic.Scheme{Order: 8, StepS: 1e-3, SpacingM: 10}
	whole, _ = s.PhaseError(4500, 25)
	if want := math.Pow(2*math.Pi*25*1e-3, 2) / 24; math.Abs(whole-want) > 0.02*want {
		t.Errorf("order 8: %g, want %g", whole, want)
	}
}

// The limits are those of Stability, and the staggered ones of the elastic scheme (order 4: 0.606).
func TestFastest(t *testing.T) {
	for _, order := range []int{2, 4, 6, 8} {
		s := seismic.Scheme{Order: order, StepS: 1e-3, SpacingM: 10}
		if got, want := s.Fastest(), seismic.Stability(order)*1e4; math.Abs(got-want) > 1e-9*want {
			t.Errorf("order %d: %g m/s, want %g", order, got, want)
		}
	}
	for order, want := range map[int]float64{2: math.Sqrt2 / 2, 4: 1 / ((9.0/8 + 1.0/24) * math.Sqrt2)} {
		s := seismic.Scheme{Order: order, Staggered: true, StepS: 1e-3, SpacingM: 10}
		if got := s.Fastest() * 1e-4; math.Abs(got-want) > 1e-12 {
			t.Errorf("staggered, order %d: %g, want %g", order, got, want)
		}
		if _, e := s.PhaseError(2000, 20); !(e < 0 && e > -0.05) || !s.Known() {
			t.Errorf("staggered, order %d: %g", order, e)
		}
	}
	if s := (seismic.Scheme{Order: 3}); s.Known() {
		t.Error("order 3 is known")
	}
}
