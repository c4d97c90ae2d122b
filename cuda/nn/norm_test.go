package nn_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/nn"
)

const normEpsilon = 1e-5

// geluOf is gelu and its derivative by the standard library.
func geluOf(x float64) (value, slope float64) {
	p := phiOf(x)
	return x * p, p + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
}

func TestNorm(t *testing.T) {
	onEachISA(t, func(t *testing.T) {
		for _, shape := range [][2]int{{1, 1}, {1, 356}, {33, 100}, {4, 63}, {5, 65}, {50, 128}, {3, 2048}} {
			for _, gelu := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d rows of %d, gelu %v", shape[0], shape[1], gelu), func(t *testing.T) {
					norm[float32](t, shape[0], shape[1], gelu, 3e-6)
					norm[float64](t, shape[0], shape[1], gelu, 3e-14)
				})
			}
		}
	})
}

// norm holds forward and backward to the formulas, evaluated in float64 by plain loops; TestNormGradient proves those.
func norm[T cuda.Float](t *testing.T, rows, width int, gelu bool, bound float64) {
	n := rows * width
	u, r, dy := normals[T](t, n, 3), normals[T](t, n, 1), normals[T](t, n, 1)
	gamma, beta := normals[T](t, width, 1), normals[T](t, width, 1)
	for i := range u {
		u[i] += 5 // a mean that a one-pass variance would stumble over
	}
	for _, accumulate := range []bool{false, true} {
		var y, du, dgamma, dbeta []T
		sameBits(t, func(d cuda.Device) []T {
			bu, br, bdy, bg, bb := upload(t, d, u), upload(t, d, r), upload(t, d, dy), upload(t, d, gamma), upload(t, d, beta)
			by, bdu, stats := zeros[T](t, d, n), zeros[T](t, d, n), zeros[T](t, d, 2*rows)
			bdg, bdb := upload(t, d, filled[T](width, 1)), upload(t, d, filled[T](width, 1))
			scratch := zeros[T](t, d, nn.NormScratch(rows, width))
			if gelu {
				must(t, nn.NormGeluForward[T](d, by, bu, br, bg, bb, stats, rows, width))
				must(t, nn.NormGeluBackward[T](d, bdu, bdg, bdb, bdy, bu, bg, bb, stats, scratch, rows, width, accumulate))
				// Without parameters, and in place.
				must(t, nn.NormGeluBackward[T](d, bdy, cuda.Buffer{}, cuda.Buffer{}, bdy, bu, bg, bb, stats, cuda.Buffer{}, rows, width, false))
				must(t, nn.NormGeluForward[T](d, br, bu, br, bg, bb, cuda.Buffer{}, rows, width))
			} else {
				must(t, nn.LayerNormForward[T](d, by, bu, bg, bb, stats, rows, width))
				must(t, nn.LayerNormBackward[T](d, bdu, bdg, bdb, bdy, bu, bg, stats, scratch, rows, width, accumulate))
				must(t, nn.LayerNormBackward[T](d, bdy, cuda.Buffer{}, cuda.Buffer{}, bdy, bu, bg, stats, cuda.Buffer{}, rows, width, false))
				must(t, nn.LayerNormForward[T](d, br, bu, bg, bb, cuda.Buffer{}, rows, width))
			}
			y, du, dgamma, dbeta = download[T](t, d, by, n), download[T](t, d, bdu, n), download[T](t, d, bdg, width), download[T](t, d, bdb, width)
			if !slices.Equal(du, download[T](t, d, bdy, n)) || !slices.Equal(y, download[T](t, d, br, n)) {
				t.Fatal("in place, or without parameters, the numbers are others")
			}
			return slices.Concat(y, du, dgamma, dbeta)
		})
		wantGamma, wantBeta := make([]float64, width), make([]float64, width)
		sizeGamma := make([]float64, width)
		for j := range width {
			if accumulate {
				wantGamma[j], wantBeta[j] = 1, 1
			}
		}
		for i := range rows {
			wy, wdu, dn, xhat := normOf(u[i*width:(i+1)*width], r[i*width:(i+1)*width], gamma, beta, dy[i*width:(i+1)*width], gelu)
			rstd := 0.0
			for j := range width {
				// du is scaled by 1/std: about 1/3 for wide rows, up to 1/sqrt(eps) for one number.
				rstd = max(rstd, math.Abs(wdu[j]))
			}
			for j := range width {
				near(t, "y", i*width+j, float64(y[i*width+j]), wy[j], bound, 4+math.Abs(wy[j]))
				near(t, "du", i*width+j, float64(du[i*width+j]), wdu[j], bound, 4+20*rstd)
				wantGamma[j] += dn[j] * xhat[j]
				sizeGamma[j] += math.Abs(dn[j]*xhat[j]) + math.Abs(dn[j])
				wantBeta[j] += dn[j]
			}
		}
		for j := range width {
			near(t, "dgamma", j, float64(dgamma[j]), wantGamma[j], bound, 4+sizeGamma[j])
			near(t, "dbeta", j, float64(dbeta[j]), wantBeta[j], bound, 4+sizeGamma[j])
		}
	}
}

// normOf is one row in float64: y, du, dn and xhat.
func normOf[T cuda.Float](u, r, gamma, beta, dy []T, gelu bool) (y, du, dn, xhat []float64) {
	width := len(u)
	mean, variance := 0.0, 0.0
	for _, x := range u {
		mean += float64(x) / float64(width)
	}
	for _, x := range u {
		variance += (float64(x) - mean) * (float64(x) - mean) / float64(width)
	}
	rstd := 1 / math.Sqrt(variance+normEpsilon)
	y, du, dn, xhat = make([]float64, width), make([]float64, width), make([]float64, width), make([]float64, width)
	c1, c2 := 0.0, 0.0
	for j := range width {
		xhat[j] = (float64(u[j]) - mean) * rstd
		n := xhat[j]*float64(gamma[j]) + float64(beta[j])
		y[j], dn[j] = n, float64(dy[j])
		if gelu {
			value, slope := geluOf(n)
			y[j], dn[j] = float64(r[j])+value, float64(dy[j])*slope
		}
		g := dn[j] * float64(gamma[j])
		c1 += g / float64(width)
		c2 += g * xhat[j] / float64(width)
	}
	for j := range width {
		du[j] = rstd * (dn[j]*float64(gamma[j]) - c1 - xhat[j]*c2)
	}
	return y, du, dn, xhat
}

// TestNormGradient: du, dgamma, dbeta against central differences of the kernel's own float64 forward pass.
func TestNormGradient(t *testing.T) {
	const rows, width, h = 3, 37, 1e-5
	d := device(t, 2)
	n := rows * width
	u, gamma, beta, dy := normals[float64](t, n, 1), normals[float64](t, width, 1), normals[float64](t, width, 1), normals[float64](t, n, 1)
	bu, bg, bb, bdy := upload(t, d, u), upload(t, d, gamma), upload(t, d, beta), upload(t, d, dy)
	y, du, dg, db := zeros[float64](t, d, n), zeros[float64](t, d, n), zeros[float64](t, d, width), zeros[float64](t, d, width)
	stats, scratch := zeros[float64](t, d, 2*rows), zeros[float64](t, d, nn.NormScratch(rows, width))
	objective := func() (sum float64) {
		must(t, nn.NormGeluForward[float64](d, y, bu, cuda.Buffer{}, bg, bb, stats, rows, width))
		for i, v := range download[float64](t, d, y, n) {
			sum += v * dy[i]
		}
		return sum
	}
	objective()
	must(t, nn.NormGeluBackward[float64](d, du, dg, db, bdy, bu, bg, bb, stats, scratch, rows, width, false))
	for name, p := range map[string][2]cuda.Buffer{"du": {bu, du}, "dgamma": {bg, dg}, "dbeta": {bb, db}} {
		x := download[float64](t, d, p[0], p[0].Bytes()/8)
		gradient := download[float64](t, d, p[1], len(x))
		at := func(i int, v float64) float64 {
			x[i] = v
			must(t, d.Upload(p[0], bytesOf(x)))
			return objective()
		}
		for i := range x {
			here := x[i]
			up, down := at(i, here+h), at(i, here-h)
			at(i, here)
			near(t, name, i, gradient[i], (up-down)/(2*h), 1e-8, 1+math.Abs((up-down)/(2*h)))
		}
	}
}
