package field

import (
	"math"

	"github.com/waveprior/waveprior/core/rng"
)

// gaussTaps returns the weights, of unit sum of squares, whose sum with white noise has the correlation
// exp(-r^2/(2 length^2)): exp(-k^2/length^2), the square root of that kernel under convolution. What is cut off is below
// 1e-10; that the cells are discrete changes the correlation by exp(-pi^2 length^2/2), 1e-8 for a length of 2.
func gaussTaps(length float64) []float64 {
	half := int(math.Ceil(4.8 * length))
	taps, sum := make([]float64, 2*half+1), 0.0
	for i := range taps {
		k := float64(i-half) / length
		taps[i] = math.Exp(-k * k)
		sum = math.FMA(taps[i], taps[i], sum)
	}
	norm := 1 / math.Sqrt(sum)
	for i := range taps {
		taps[i] *= norm
	}
	return taps
}

// process fills dst (Rows x Columns) with the Gaussian process of the taps: white noise on a grid that is larger by half of
// them to each side, summed along x, then along z.
func process(dst, taps []float64, s rng.Source) {
	n := len(taps)
	nz, nx := Rows+n-1, Columns+n-1
	white := make([]float64, nz*nx)
	s.Normals(white)
	along := make([]float64, nz*Columns)
	for iz := range nz {
		row, out := white[iz*nx:(iz+1)*nx], along[iz*Columns:(iz+1)*Columns]
		for k, t := range taps {
			for ix, w := range row[k : k+Columns] {
				out[ix] = math.FMA(t, w, out[ix])
			}
		}
	}
	clear(dst)
	for iz := range Rows {
		out := dst[iz*Columns : (iz+1)*Columns]
		for k, t := range taps {
			for ix, w := range along[(iz+k)*Columns : (iz+k+1)*Columns] {
				out[ix] = math.FMA(t, w, out[ix])
			}
		}
	}
}

// drawStyle draws the law of Style. Poisson's ratio, ours: the middle of its range, plus half of the range times
// (0.4 n + 0.4 g), g a process of its own with the same length; clipped to the range.
func (g *Geology) drawStyle(vp, nu []float64, source func(draw uint32) rng.Source) {
	law := g.family.Style
	own := source(drawLayers)
	base := math.FMA(law.Offset, own.Normal(0), law.Base)
	slope := math.FMA(law.SlopeStd, own.Normal(1), law.Slope)
	white := make([]float64, Rows*Columns)
	source(drawShape).Normals(white)
	process(vp, g.taps, source(drawSpeeds))
	for iz := range Rows {
		depth := math.FMA(slope, float64(iz)-middle, base)
		for i := iz * Columns; i < (iz+1)*Columns; i++ {
			v := math.FMA(law.Noise, white[i], math.FMA(law.Sigma, vp[i], depth))
			vp[i] = min(max(v, VMin), VMax)
		}
	}
	if nu == nil {
		return
	}
	process(nu, g.taps, source(drawPoisson))
	mid, half := 0.5*(g.nuLower+g.nuUpper), 0.5*(g.nuUpper-g.nuLower)
	offset := own.Normal(2)
	for i, v := range nu {
		nu[i] = min(max(math.FMA(half, 0.4*(offset+v), mid), g.nuLower), g.nuUpper)
	}
}
