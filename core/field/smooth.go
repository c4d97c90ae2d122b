package field

import "math"

// Smooth convolves m (nz x nx, x fastest) in place with a Gaussian of standard deviations sz and sx, in cells (0: not in that
// direction), cut off at four of them. Rows above first are left as they are and lend nothing to those below; at the edges the
// weights that are left are scaled to sum 1, so that a constant stays one.
func Smooth(m []float64, nz, nx int, sz, sx float64, first int) {
	row := make([]float64, max(nz, nx))
	line := func(start, step, n int, taps []float64) {
		for i := range n {
			sum, weight := 0.0, 0.0
			for j := max(0, i-len(taps)+1); j <= min(n-1, i+len(taps)-1); j++ {
				w := taps[max(i-j, j-i)]
				sum += float64(w * m[start+j*step])
				weight += w
			}
			row[i] = sum / weight
		}
		for i := range n {
			m[start+i*step] = row[i]
		}
	}
	if taps := half(sx); len(taps) > 1 {
		for iz := first; iz < nz; iz++ {
			line(iz*nx, 1, nx, taps)
		}
	}
	if taps := half(sz); len(taps) > 1 {
		for ix := range nx {
			line(first*nx+ix, nx, max(0, nz-first), taps)
		}
	}
}

// half are the Gaussian's weights at 0, 1, 2, ... cells.
func half(s float64) []float64 {
	taps := []float64{1}
	for k := 1; float64(k) <= 4*s; k++ {
		taps = append(taps, math.Exp(-0.5*float64(k)*float64(k)/(s*s)))
	}
	return taps
}
