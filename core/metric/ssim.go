package metric

import (
	"fmt"
	"math"
)

const (
	ssimRadius = 5    // an 11 x 11 window
	ssimSigma  = 1.5  // cells
	ssimC1     = 1e-4 // (0.01 span)^2, span 1
	ssimC2     = 9e-4 // (0.03 span)^2
)

// SSIM returns the structural similarity of two images (nz x nx, row-major) with values on [0, 1]: the mean over all cells of
//
//	(2 mx my + C1)(2 cxy + C2)/((mx^2 + my^2 + C1)(vx + vy + C2))
//
// (Wang et al. 2004), where means, variances and covariance are taken in an 11 x 11 Gaussian window of sigma 1.5, normalised
// to sum 1, the image continued by zeros over 5 cells, variances as E[x^2] - E[x]^2 without sample correction; C1 = 1e-4,
// C2 = 9e-4. That is OpenFWI's definition.
func SSIM(x, y []float64, nz, nx int) float64 {
	if nz < 1 || nx < 1 || len(x) != nz*nx || len(y) != nz*nx {
		panic(fmt.Sprintf("metric: ssim: %d and %d numbers for images of %d x %d", len(x), len(y), nz, nx))
	}
	var window [2*ssimRadius + 1]float64
	sum := 0.0
	for i := range window {
		d := float64(i - ssimRadius)
		window[i] = math.Exp(-d * d / (2 * ssimSigma * ssimSigma))
		sum += window[i]
	}
	for i := range window {
		window[i] /= sum
	}
	rows := make([]float64, nz*nx)
	blur := func(at func(i int) float64) []float64 { // along x, then along z
		out := make([]float64, nz*nx)
		for iz := range nz {
			for ix := range nx {
				s := 0.0
				for k, w := range window {
					if j := ix + k - ssimRadius; j >= 0 && j < nx {
						s += w * at(iz*nx+j)
					}
				}
				rows[iz*nx+ix] = s
			}
		}
		for iz := range nz {
			for k, w := range window {
				if j := iz + k - ssimRadius; j >= 0 && j < nz {
					for ix, v := range rows[j*nx : (j+1)*nx] {
						out[iz*nx+ix] += w * v
					}
				}
			}
		}
		return out
	}
	mx, my := blur(func(i int) float64 { return x[i] }), blur(func(i int) float64 { return y[i] })
	xx, yy := blur(func(i int) float64 { return x[i] * x[i] }), blur(func(i int) float64 { return y[i] * y[i] })
	xy := blur(func(i int) float64 { return x[i] * y[i] })
	total := 0.0
	for i := range mx {
		a, b := mx[i], my[i]
		vx, vy, cxy := xx[i]-a*a, yy[i]-b*b, xy[i]-a*b
		total += (2*a*b + ssimC1) * (2*cxy + ssimC2) / ((a*a + b*b + ssimC1) * (vx + vy + ssimC2))
	}
	return total / float64(nz*nx)
}
