package metric

import (
	"math"
	"testing"
)

func TestImage(t *testing.T) {
	x, y := []float64{1, 2, 3, 6}, []float64{1, 0, 3, 4}
	near(t, "relative L2", RelativeL2(x, y), math.Sqrt(8.0/26), 1e-15)
	near(t, "mae", MAE(x, y), 1, 1e-15)
	near(t, "mse", MSE(x, y), 2, 1e-15)
	near(t, "rmse", RMSE(x, y), math.Sqrt2, 1e-15)
	near(t, "psnr", PSNR(x, y, 10), 10*math.Log10(100.0/2), 1e-12)
	if v := PSNR(x, x, 1); !math.IsInf(v, 1) {
		t.Errorf("psnr of equal images is %g", v)
	}
	v := []float64{1500, 3000, 4500, 6000}
	Rescale(v, v, 1500, 4500, -1, 1)
	for i, want := range []float64{-1, 0, 1, 2} {
		near(t, "rescaled", v[i], want, 1e-15)
	}
}

// ssimDirect is the definition with a two-dimensional window and two-pass variances about the zero-padded window's mean:
// sum w x^2 - m^2 is written as sum w (x - m)^2 over all 121 places, padding included.
func ssimDirect(x, y []float64, nz, nx int) float64 {
	norm := 0.0
	for a := -5; a <= 5; a++ {
		for b := -5; b <= 5; b++ {
			norm += math.Exp(-float64(a*a+b*b) / 4.5)
		}
	}
	at := func(v []float64, i, j int) float64 {
		if i < 0 || i >= nz || j < 0 || j >= nx {
			return 0
		}
		return v[i*nx+j]
	}
	total := 0.0
	for i := range nz {
		for j := range nx {
			var mx, my, vx, vy, c float64
			for pass := range 2 {
				for a := -5; a <= 5; a++ {
					for b := -5; b <= 5; b++ {
						w := math.Exp(-float64(a*a+b*b)/4.5) / norm
						p, q := at(x, i+a, j+b), at(y, i+a, j+b)
						if pass == 0 {
							mx += w * p
							my += w * q
							continue
						}
						vx += w * (p - mx) * (p - mx)
						vy += w * (q - my) * (q - my)
						c += w * (p - mx) * (q - my)
					}
				}
			}
			total += (2*mx*my + 1e-4) * (2*c + 9e-4) / ((mx*mx + my*my + 1e-4) * (vx + vy + 9e-4))
		}
	}
	return total / float64(nz*nx)
}

func TestSSIM(t *testing.T) {
	r := random(t, 51)
	for _, shape := range [][2]int{{1, 1}, {3, 17}, {20, 4}, {24, 31}} {
		nz, nx := shape[0], shape[1]
		x, y := make([]float64, nz*nx), make([]float64, nz*nx)
		for i := range x {
			x[i] = r.Float64()
			y[i] = min(1, max(0, x[i]+0.2*r.NormFloat64()))
		}
		near(t, "ssim", SSIM(x, y, nz, nx), ssimDirect(x, y, nz, nx), 1e-12)
		near(t, "of equal images", SSIM(x, x, nz, nx), 1, 1e-12)
		near(t, "symmetry", SSIM(x, y, nz, nx), SSIM(y, x, nz, nx), 1e-14)
	}
	// Two constant images, far from the border: (2ab + C1)/(a^2 + b^2 + C1). One column of cells has its whole window inside
	// along x only, so take the mean of a large image and bound the border's share.
	a, b := make([]float64, 300*300), make([]float64, 300*300)
	for i := range a {
		a[i], b[i] = 0.5, 0.25
	}
	near(t, "constants", SSIM(a, b, 300, 300), (0.25+1e-4)/(0.3125+1e-4), 4*5.0/300)
}
