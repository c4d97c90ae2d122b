package nn

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/cuda"
	kernels "github.com/waveprior/waveprior/cuda/nn"
)

// Adam is the optimiser: Adam (Kingma and Ba, arXiv:1412.6980) with bias correction, clipping of the whole gradient's norm
// and a running mean of the weights, all in one pass over a Store. Its only state is the store's arrays and the number of
// the step.
type Adam struct {
	Schedule     Schedule
	Beta1, Beta2 float64 // zero: 0.9, 0.999
	Epsilon      float64 // zero: 1e-8
	Clip         float64 // the largest norm of the gradient; zero: not clipped
	EMADecay     float64 // of EMADecay (schedule.go)
	EMAWarmup    bool
}

// filled is a with its defaults.
func (a Adam) filled() Adam {
	if a.Beta1 == 0 {
		a.Beta1 = 0.9
	}
	if a.Beta2 == 0 {
		a.Beta2 = 0.999
	}
	if a.Epsilon == 0 {
		a.Epsilon = 1e-8
	}
	return a
}

// String names all that decides the steps.
func (a Adam) String() string {
	a = a.filled()
	return fmt.Sprintf("adam %g %g %g, rate %v, clip %g, ema %g (warm-up %v)", a.Beta1, a.Beta2, a.Epsilon, a.Schedule, a.Clip, a.EMADecay, a.EMAWarmup)
}

// check says what is wrong with the numbers.
func (a Adam) check() error {
	switch {
	case a.Schedule == nil:
		return fmt.Errorf("nn: adam: no schedule")
	case a.Clip < 0 || math.IsNaN(a.Clip):
		return fmt.Errorf("nn: adam: gradients clipped at norm %g: above 0, or 0 for no clipping", a.Clip)
	}
	return nil
}

// Step takes step k = 0, 1, ... with the gradients in the store, and returns the gradient's norm before clipping. With g
// the gradient, c = min(1, Clip/(|g| + 1e-6)):
//
//	m <- b1 m + (1-b1) c g,  v <- b2 v + (1-b2) (c g)^2
//	value <- value - rate(k)/(1-b1^(k+1)) m/(sqrt(v/(1-b2^(k+1))) + eps)
//	ema <- d ema + (1-d) value,  d = EMADecay(a.EMADecay, a.EMAWarmup, k)
//
// A norm that is not finite changes nothing in the store: look at what is returned.
func (s *Store[T]) Step(a Adam, k int) (norm float64, err error) {
	if err := s.has(Grad); err != nil {
		return 0, err
	}
	if s.norm.IsNil() { // the sum of squares, then scratch
		if s.norm, err = s.dev.Alloc(8 * (1 + kernels.SumSquaresScratch(s.size))); err != nil {
			return 0, err
		}
	}
	step, err := a.step(k, s.norm.Slice(0, 8))
	if err != nil {
		return 0, err
	}
	if err := kernels.SumSquares[T](s.dev, step.SumSquares, s.buf[Grad], s.norm.Slice(8, s.norm.Bytes()-8), s.size); err != nil {
		return 0, err
	}
	if err := kernels.Adam[T](s.dev, s.part(0, s.size), s.size, step); err != nil {
		return 0, err
	}
	return root(s.dev, step.SumSquares)
}

// step is step k for the kernels; squares will hold the sum of the gradient's squares.
func (a Adam) step(k int, squares cuda.Buffer) (kernels.AdamStep, error) {
	if err := a.check(); err != nil {
		return kernels.AdamStep{}, err
	}
	a = a.filled()
	clip := math.Inf(1)
	if a.Clip > 0 {
		clip = a.Clip
	}
	return kernels.AdamStep{
		Step: k + 1, Rate: a.Schedule.Rate(k), Beta1: a.Beta1, Beta2: a.Beta2, Epsilon: a.Epsilon,
		EMADecay: EMADecay(a.EMADecay, a.EMAWarmup, k), Clip: clip, SumSquares: squares,
	}, nil
}

// part is n numbers of all arrays.
func (s *Store[T]) part(first, n int) kernels.AdamArrays {
	size := cuda.SizeOf[T]()
	cut := func(w Weights) cuda.Buffer { return s.buf[w].Slice(first*size, n*size) }
	return kernels.AdamArrays{W: cut(Value), G: cut(Grad), M: cut(First), V: cut(Second), EMA: cut(EMA)}
}

// root is the square root of one float64 on the device.
func root(d cuda.Device, squares cuda.Buffer) (float64, error) {
	x := make([]float64, 1)
	err := d.Download(bytesOf(x), squares)
	return math.Sqrt(x[0]), err
}
