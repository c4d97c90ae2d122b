package metric

import "math"

// RelativeL2 returns |x - truth|/|truth|. A truth of zeros gives +Inf, or NaN when x is 0 too.
func RelativeL2(x, truth []float64) float64 {
	sameLen("relative L2", x, truth)
	num, den := 0.0, 0.0
	for i, v := range truth {
		d := x[i] - v
		num += d * d
		den += v * v
	}
	return math.Sqrt(num / den)
}

// MAE returns the mean of |x - truth| over all numbers.
func MAE(x, truth []float64) float64 {
	sameLen("mae", x, truth)
	sum := 0.0
	for i, v := range truth {
		sum += math.Abs(x[i] - v)
	}
	return sum / float64(len(x))
}

// MSE returns the mean of (x - truth)^2 over all numbers.
func MSE(x, truth []float64) float64 {
	sameLen("mse", x, truth)
	return squaredDistance(x, truth) / float64(len(x))
}

// RMSE returns sqrt(MSE): the root of the mean over all cells and samples, not a mean of roots.
func RMSE(x, truth []float64) float64 { return math.Sqrt(MSE(x, truth)) }

// PSNR returns 20 log10(span/RMSE) in dB, span the width of the range of values (1 on [0, 1], 2 on [-1, 1]); +Inf for equal
// images.
func PSNR(x, truth []float64, span float64) float64 {
	return 20 * math.Log10(span/RMSE(x, truth))
}

// Rescale sets dst to x mapped linearly from [lo, hi] to [a, b], without clipping; dst may be x. OpenFWI's convention for
// velocities is 1500..4500 m/s to [-1, 1] for MAE and RMSE, and to [0, 1] for SSIM.
func Rescale(dst, x []float64, lo, hi, a, b float64) {
	sameLen("rescale", dst, x)
	for i, v := range x {
		dst[i] = a + (v-lo)*(b-a)/(hi-lo)
	}
}
