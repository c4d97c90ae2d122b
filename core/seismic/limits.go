package seismic

import "math"

// Stability is the largest v dt/h of the scheme of second order in time, and of that order (2, 4, 6, 8) in space, in two
// dimensions: 2/sqrt(2 S), S the sum of the moduli of the second derivative's weights: 0.7071, 0.6124, 0.5752, 0.5546.
func Stability(order int) float64 {
	sum := map[int]float64{
		2: 4,
		4: 5.0/2 + 2*(4.0/3+1.0/12),
		6: 49.0/18 + 2*(3.0/2+3.0/20+1.0/90),
		8: 205.0/72 + 2*(8.0/5+1.0/5+8.0/315+1.0/560),
	}[order]
	return 2 / math.Sqrt(2*sum)
}

// StaggeredStability is the same for first derivatives on a staggered grid (velocities and stresses), of order 2 or 4:
// 1/(sqrt(2) S), S the sum of the moduli of the first derivative's weights on one side: 0.7071, 0.6061. A. R. Levander,
// Geophysics 53 (1988) 1425, equation 4.
func StaggeredStability(order int) float64 {
	if order == 2 {
		return 1 / math.Sqrt2
	}
	return 1 / (math.Sqrt2 * (9.0/8 + 1.0/24))
}

// PointsPerWavelength is v/(f h).
func PointsPerWavelength(v, hz, spacingM float64) float64 { return v / (hz * spacingM) }
