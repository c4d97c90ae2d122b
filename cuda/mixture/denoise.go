package mixture

import (
	"errors"
	"fmt"
	"math"
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/nn"
)

// ErrFreed is what the methods of a freed mixture return.
var ErrFreed = errors.New("mixture: it was freed")

// Denoise sets dst (k, d) to the posterior mean E[x0 | x_t] = (sigma^2 bar + alpha C x)(sigma^2 I + alpha^2 C)^-1 at the
// rows of x (k, d), alpha, sigma (k). dst may be x. A row from which no component can be told, because |x|^2 overflows or x
// is no number, becomes NaN and disturbs no other. Errors: lengths that disagree; a level at which the covariance
// sigma^2 I + alpha^2 C is singular; the device's.
func (m *Mixture[T]) Denoise(dst, x []T, alpha, sigma []float64) error {
	return m.each("denoise", dst, m.d, x, nil, alpha, sigma, func(k int, out []T) error {
		if err := m.weigh(k, m.bars, cuda.Buffer{}); err != nil {
			return err
		}
		if err := m.posterior(k, m.out, cuda.Buffer{}, cuda.Buffer{}); err != nil {
			return err
		}
		return m.toHost(out, k)
	})
}

// VJP sets dst (k, d) to J^T v, J = dD/dx of Denoise at the rows of x (k, d), v (k, d). J is symmetric, so that this is J v
// too. dst may be x or v. Errors as Denoise.
func (m *Mixture[T]) VJP(dst, x, v []T, alpha, sigma []float64) error {
	if len(v) != len(x) {
		return fmt.Errorf("mixture: vjp: x has %d numbers, v has %d", len(x), len(v))
	}
	return m.each("vjp", dst, m.d, x, v, alpha, sigma, func(k int, out []T) error {
		if err := m.weigh(k, m.bars, m.logits); err != nil {
			return err
		}
		if err := m.posterior(k, cuda.Buffer{}, m.mean, m.stats); err != nil {
			return err
		}
		if err := m.dev.Run(of[T](spread), m.units(k), m.bars.Arg(), m.logits.Arg(), m.stats.Arg(), m.mean.Arg(), m.v.Arg(),
			m.alpha.Arg(), m.sigma.Arg(), m.means.Arg(), m.variances.Arg(),
			cuda.Int(k), cuda.Int(m.n), cuda.Int(m.d), cuda.Int(m.vars), cuda.Int(tile), cuda.Int(chunk)); err != nil {
			return err
		}
		if err := m.dev.Run(of[T](pullback), k, m.out.Arg(), m.bars.Arg(), m.v.Arg(), m.alpha.Arg(), m.sigma.Arg(),
			m.variances.Arg(), cuda.Int(m.chunks), cuda.Int(m.d), cuda.Int(m.vars)); err != nil {
			return err
		}
		return m.toHost(out, k)
	})
}

// LogDensity sets dst (k) to log p_t(x), the density of x_t, at the rows of x (k, d). Errors as Denoise.
func (m *Mixture[T]) LogDensity(dst, x []T, alpha, sigma []float64) error {
	return m.each("log density", dst, 1, x, nil, alpha, sigma, func(k int, out []T) error {
		if err := m.weigh(k, cuda.Buffer{}, cuda.Buffer{}); err != nil {
			return err
		}
		if err := m.posterior(k, cuda.Buffer{}, cuda.Buffer{}, m.stats); err != nil {
			return err
		}
		if err := m.dev.Run(of[T](logDensity), k, m.out.Arg(), m.stats.Arg(), m.alpha.Arg(), m.sigma.Arg(), m.variances.Arg(),
			cuda.Int(m.d), cuda.Int(m.vars)); err != nil {
			return err
		}
		return m.dev.Download(bytesOf(out), m.out)
	})
}

// LogResponsibilities sets dst (k, N) to the logarithms of the probabilities that a row of x (k, d) comes from component n;
// -Inf for a weight of 0. Errors as Denoise.
func (m *Mixture[T]) LogResponsibilities(dst, x []T, alpha, sigma []float64) error {
	return m.each("log responsibilities", dst, m.n, x, nil, alpha, sigma, func(k int, out []T) error {
		if err := m.weigh(k, cuda.Buffer{}, m.logits); err != nil {
			return err
		}
		if err := m.posterior(k, cuda.Buffer{}, cuda.Buffer{}, m.stats); err != nil {
			return err
		}
		if err := m.dev.Run(of[T](logResponsibilities), k, m.logits.Arg(), m.stats.Arg(), cuda.Int(m.n)); err != nil {
			return err
		}
		return m.dev.Download(bytesOf(out), m.logits)
	})
}

// each checks a call, and for pieces of at most rows items puts x, v and the levels on the device and calls f with the
// piece's part of dst, width numbers an item.
func (m *Mixture[T]) each(what string, dst []T, width int, x, v []T, alpha, sigma []float64, f func(k int, out []T) error) error {
	items := len(alpha)
	if len(x) != items*m.d || len(sigma) != items || len(dst) != items*width {
		return fmt.Errorf("mixture: %s: %d numbers of x, %d of the result, %d and %d scales: x has %d numbers an item, the result %d",
			what, len(x), len(dst), len(alpha), len(sigma), m.d, width)
	}
	for i := range items {
		if !m.regular(alpha[i], sigma[i]) {
			return fmt.Errorf("mixture: %s: item %d has alpha = %g, sigma = %g: both must be finite and not negative, and the covariance "+
				"sigma^2 I + alpha^2 C not singular (its smallest eigenvalue is %g)", what, i, alpha[i], sigma[i], m.variance(alpha[i], sigma[i]))
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dev == nil {
		return ErrFreed
	}
	for lo := 0; lo < items; lo += m.rows {
		k := min(m.rows, items-lo)
		if err := m.dev.Upload(m.alpha, bytesOf(numbers[T](alpha[lo:lo+k]))); err != nil {
			return err
		}
		if err := m.dev.Upload(m.sigma, bytesOf(numbers[T](sigma[lo:lo+k]))); err != nil {
			return err
		}
		if err := m.toDevice(m.x, x[lo*m.d:(lo+k)*m.d], k); err != nil {
			return err
		}
		if v != nil {
			if err := m.toDevice(m.v, v[lo*m.d:(lo+k)*m.d], k); err != nil {
				return err
			}
		}
		if err := f(k, dst[lo*width:(lo+k)*width]); err != nil {
			return err
		}
	}
	return nil
}

func (m *Mixture[T]) variance(alpha, sigma float64) float64 { return sigma*sigma + alpha*alpha*m.least }

// regular tells whether all of a and 1/a are normal numbers of T.
func (m *Mixture[T]) regular(alpha, sigma float64) bool {
	least, most := 0x1p-1022, math.MaxFloat64
	if cuda.SizeOf[T]() == 4 {
		least, most = 0x1p-126, math.MaxFloat32
	}
	a := m.variance(alpha, sigma)
	return alpha >= 0 && sigma >= 0 && alpha <= most && sigma <= most && a >= least && 1/a <= most
}

func (m *Mixture[T]) shape(k int) nn.LinearShape { return nn.LinearShape{Rows: k, In: m.d, Out: m.d} }

// toDevice puts k points into to, in the eigenbasis: Q^T x.
func (m *Mixture[T]) toDevice(to cuda.Buffer, x []T, k int) error {
	if m.basis.IsNil() {
		return m.dev.Upload(to, bytesOf(x))
	}
	if err := m.dev.Upload(m.stage, bytesOf(x)); err != nil {
		return err
	}
	return nn.LinearForward[T](m.dev, to, m.stage, m.basis, cuda.Buffer{}, m.shape(k))
}

// toHost fetches k results from out, in the basis of points: Q out.
func (m *Mixture[T]) toHost(out []T, k int) error {
	if m.basis.IsNil() {
		return m.dev.Download(bytesOf(out), m.out)
	}
	if err := nn.LinearBackwardInput[T](m.dev, m.stage, m.out, m.basis, m.shape(k), false); err != nil {
		return err
	}
	return m.dev.Download(bytesOf(out), m.stage)
}

// units is the number of units of the kernels that go through the components.
func (m *Mixture[T]) units(k int) int { return cuda.Blocks(k, tile) * m.chunks }

func (m *Mixture[T]) weigh(k int, bars, logits cuda.Buffer) error {
	return m.dev.Run(of[T](weigh), m.units(k), m.top.Arg(), m.sum.Arg(), bars.Arg(), logits.Arg(), m.x.Arg(), m.alpha.Arg(),
		m.sigma.Arg(), m.means.Arg(), m.logWeights.Arg(), m.variances.Arg(),
		cuda.Int(k), cuda.Int(m.n), cuda.Int(m.d), cuda.Int(m.vars), cuda.Int(tile), cuda.Int(chunk))
}

func (m *Mixture[T]) posterior(k int, out, mean, stats cuda.Buffer) error {
	return m.dev.Run(of[T](posterior), k, out.Arg(), mean.Arg(), stats.Arg(), m.top.Arg(), m.sum.Arg(), m.bars.Arg(), m.x.Arg(),
		m.alpha.Arg(), m.sigma.Arg(), m.variances.Arg(), cuda.Int(m.chunks), cuda.Int(m.d), cuda.Int(m.vars))
}

// numbers is x in the type T: x itself where that is float64.
func numbers[T cuda.Float](x []float64) []T {
	if same, ok := any(x).([]T); ok {
		return same
	}
	out := make([]T, len(x))
	for i, v := range x {
		out[i] = T(v)
	}
	return out
}

func bytesOf[T cuda.Float](x []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*cuda.SizeOf[T]())
}
