package diffusion

import "fmt"

// The three ways to say what a network knows at x = x_t, elementwise:
//
//	denoiser x0 = (x - sigma_t eps)/alpha_t = (x + sigma_t^2 s)/alpha_t
//	noise   eps = (x - alpha_t x0)/sigma_t  = -sigma_t s
//	score     s = (alpha_t x0 - x)/sigma_t^2 = -eps/sigma_t
//
// (Tweedie's formula.) All slices have one length, in any shape; dst may be one of the inputs. They panic on unequal
// lengths and on t outside [0, T). Products are converted to float64, so that no machine contracts them.

// X0FromNoise sets dst to the denoiser's answer of noise eps at x, level t.
func (s *Schedule) X0FromNoise(dst, x, eps []float64, t int) {
	checkLengths(len(dst), len(x), len(eps))
	a, g := s.Alpha[t], s.Sigma[t]
	for i := range dst {
		dst[i] = (x[i] - float64(g*eps[i])) / a
	}
}

// X0FromScore sets dst to the denoiser's answer of score at x, level t.
func (s *Schedule) X0FromScore(dst, x, score []float64, t int) {
	checkLengths(len(dst), len(x), len(score))
	a, v := s.Alpha[t], s.Sigma[t]*s.Sigma[t]
	for i := range dst {
		dst[i] = (x[i] + float64(v*score[i])) / a
	}
}

// NoiseFromX0 sets dst to the noise of the denoiser's answer x0 at x, level t.
func (s *Schedule) NoiseFromX0(dst, x, x0 []float64, t int) {
	checkLengths(len(dst), len(x), len(x0))
	a, g := s.Alpha[t], s.Sigma[t]
	for i := range dst {
		dst[i] = (x[i] - float64(a*x0[i])) / g
	}
}

// NoiseFromScore sets dst to the noise of a score at level t.
func (s *Schedule) NoiseFromScore(dst, score []float64, t int) {
	checkLengths(len(dst), len(score), len(score))
	g := s.Sigma[t]
	for i := range dst {
		dst[i] = -g * score[i]
	}
}

// ScoreFromX0 sets dst to the score of the denoiser's answer x0 at x, level t.
func (s *Schedule) ScoreFromX0(dst, x, x0 []float64, t int) {
	checkLengths(len(dst), len(x), len(x0))
	a, v := s.Alpha[t], s.Sigma[t]*s.Sigma[t]
	for i := range dst {
		dst[i] = (float64(a*x0[i]) - x[i]) / v
	}
}

// ScoreFromNoise sets dst to the score of noise eps at level t.
func (s *Schedule) ScoreFromNoise(dst, eps []float64, t int) {
	checkLengths(len(dst), len(eps), len(eps))
	g := s.Sigma[t]
	for i := range dst {
		dst[i] = -eps[i] / g
	}
}

func checkLengths(dst, a, b int) {
	if a != dst || b != dst {
		panic(fmt.Sprintf("diffusion: slices of %d, %d and %d elements, must be equal", dst, a, b))
	}
}
