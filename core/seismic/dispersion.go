package seismic

import "math"

// Scheme is what decides on which waves a solver in time carries: second order in time, of Order in space, on a square grid.
type Scheme struct {
	Order     int  // in space: of the second derivative, 2, 4, 6 or 8; of a staggered first derivative, 2 or 4
	Staggered bool // velocities and stresses on grids between each other's nodes
	StepS     float64
	SpacingM  float64
	PeakHz    float64 // where the sources' spectrum is largest,
	HighestHz float64 // and the most of it that counts
	ShearOfVp float64 // vs/vp where shear waves run whose vs comes from vp; 0: all velocities are fields of the model
}

// weights are those of the second derivative (node, then its neighbours) by order, and of the staggered first one.
var (
	second = map[int][]float64{
		2: {-2, 1},
		4: {-5.0 / 2, 4.0 / 3, -1.0 / 12},
		6: {-49.0 / 18, 3.0 / 2, -3.0 / 20, 1.0 / 90},
		8: {-205.0 / 72, 8.0 / 5, -1.0 / 5, 8.0 / 315, -1.0 / 560},
	}
	staggered = map[int][]float64{2: {1}, 4: {9.0 / 8, -1.0 / 24}}
)

// symbol is what -h^2 d2/dx2 makes of a plane wave that turns by theta from node to node: theta^2 but for the scheme's error.
func (s *Scheme) symbol(theta float64) float64 {
	if s.Staggered {
		sum := 0.0
		for k, w := range staggered[s.Order] {
			sum += 2 * w * math.Sin((float64(k)+0.5)*theta)
		}
		return sum * sum
	}
	w := second[s.Order]
	sum := -w[0]
	for k, x := range w[1:] {
		sum -= 2 * x * math.Cos(float64(k+1)*theta)
	}
	return sum
}

// Known tells whether the order is one that PhaseError and Fastest know.
func (s *Scheme) Known() bool {
	if s.Staggered {
		return staggered[s.Order] != nil
	}
	return second[s.Order] != nil
}

// Slowest is the speed of the slowest waves in models whose least velocity is v.
func (s *Scheme) Slowest(v float64) float64 {
	if s.ShearOfVp > 0 {
		return v * s.ShearOfVp
	}
	return v
}

// Fastest is the velocity in m/s from which on the time step is unstable: h/dt times 2/sqrt(2 K(pi)), K the symbol.
func (s *Scheme) Fastest() float64 {
	return s.SpacingM / s.StepS * 2 / math.Sqrt(2*s.symbol(math.Pi))
}

// PhaseError is how much faster than v m/s a plane wave of a frequency in Hz runs on the grid, relative to v, for the
// direction in which it is most wrong, along an axis or along a diagonal: of the whole scheme, whose waves obey
//
//	4 sin^2(omega dt/2) = (v dt/h)^2 (K(h k cos) + K(h k sin)),
//
// and of the space derivatives alone (no time step). Both are -1 where the grid carries no such wave.
func (s *Scheme) PhaseError(v, hz float64) (whole, space float64) {
	omega := 2 * math.Pi * hz
	x := 2 * math.Sin(math.Min(omega*s.StepS, math.Pi)/2) / s.StepS
	return s.phase(v, omega, x*x), s.phase(v, omega, omega*omega)
}

// phase solves (v/h)^2 (K + K) = square for the wavenumber.
func (s *Scheme) phase(v, omega, square float64) float64 {
	worst := 0.0
	for _, cos := range []float64{1, math.Sqrt2 / 2} {
		sin := math.Sqrt(1 - cos*cos)
		at := func(kh float64) float64 {
			r := v / s.SpacingM
			return r * r * (s.symbol(kh*cos) + s.symbol(kh*sin))
		}
		lo, hi := 0.0, math.Pi/cos
		if at(hi) < square {
			return -1
		}
		for range 60 {
			if mid := (lo + hi) / 2; at(mid) < square {
				lo = mid
			} else {
				hi = mid
			}
		}
		if e := omega*s.SpacingM/(hi*v) - 1; math.Abs(e) > math.Abs(worst) {
			worst = e
		}
	}
	return worst
}
