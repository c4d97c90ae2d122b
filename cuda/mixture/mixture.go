package mixture

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/waveprior/waveprior/cuda"
)

// Components is a mixture sum_n w_n N(m_n, C) of N components in Dim dimensions, in the basis of the eigenvectors of C,
// where C is diagonal: what core/mixture.Mixture.Spectral returns.
type Components struct {
	// Dim is d.
	Dim int
	// Means (N, d) holds Q^T m_n.
	Means []float64
	// Weights (N) holds w_n; they add to 1, and may be 0.
	Weights []float64
	// Variances holds the eigenvalues of C: d numbers, or one that stands for all.
	Variances []float64
	// Basis (d, d) holds the eigenvectors Q in columns; nil: the basis that points are given in.
	Basis []float64
}

// Mixture is a mixture on a device. Its methods take points x (k, d), row-major, and for each the scales alpha and sigma of
// its noise level; any number k of points. Safe for concurrent use: calls take turns.
type Mixture[T cuda.Float] struct {
	mu     sync.Mutex
	dev    cuda.Device // nil: freed
	n, d   int
	rows   int
	chunks int
	least  float64 // of the variances
	vars   int     // number of variances: 1 or d
	memory cuda.Buffer

	means, logWeights, variances, basis cuda.Buffer
	alpha, sigma, x, v, mean, out       cuda.Buffer // of rows items, in the eigenbasis
	stage                               cuda.Buffer // (rows, d) in the basis of points; only where they differ
	top, sum, bars, logits, stats       cuda.Buffer
}

// workspace bounds the memory of the items that are on the device at a time, in bytes, and maxRows their number.
const (
	workspace = 32 << 20
	maxRows   = 1024
)

// New puts a mixture on a device, together with room for Rows items. Errors: lengths that disagree, numbers that make no
// sense, no memory.
func New[T cuda.Float](dev cuda.Device, c Components) (*Mixture[T], error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	m := &Mixture[T]{dev: dev, n: len(c.Weights), d: c.Dim, vars: len(c.Variances), least: slices.Min(c.Variances)}
	if slices.Max(c.Variances) == m.least {
		m.vars = 1
	}
	m.chunks = cuda.Blocks(m.n, chunk)
	perRow := m.chunks*(m.d+2) + m.n + 5*m.d + 4
	if c.Basis != nil {
		perRow += m.d
	}
	m.rows = min(max(workspace/(perRow*cuda.SizeOf[T]())/tile, 1)*tile, maxRows)
	if err := m.allocate(c.Basis != nil); err != nil {
		return nil, err
	}
	logs := make([]T, m.n)
	for i, w := range c.Weights {
		logs[i] = T(math.Log(w))
	}
	for _, part := range []struct {
		to   cuda.Buffer
		from []T
	}{
		{m.means, numbers[T](c.Means)}, {m.logWeights, logs},
		{m.variances, numbers[T](c.Variances[:m.vars])}, {m.basis, numbers[T](c.Basis)},
	} {
		if len(part.from) == 0 {
			continue
		}
		if err := dev.Upload(part.to, bytesOf(part.from)); err != nil {
			return nil, errors.Join(err, m.Free())
		}
	}
	return m, nil
}

func (c *Components) check() error {
	d, n := c.Dim, len(c.Weights)
	switch {
	case d < 1 || n < 1 || len(c.Means) != n*d:
		return fmt.Errorf("mixture: %d numbers of means for %d components in %d dimensions: %d are needed, and at least one component and dimension", len(c.Means), n, d, n*d)
	case len(c.Variances) != 1 && len(c.Variances) != d:
		return fmt.Errorf("mixture: %d variances in %d dimensions: 1 or %d are needed", len(c.Variances), d, d)
	case c.Basis != nil && len(c.Basis) != d*d:
		return fmt.Errorf("mixture: a basis of %d numbers in %d dimensions: %d are needed", len(c.Basis), d, d*d)
	}
	for i, v := range c.Means {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("mixture: mean %d has coordinate %d = %g: it must be finite", i/d, i%d, v)
		}
	}
	total := 0.0
	for i, v := range c.Weights {
		if !(v >= 0) || v > 1 {
			return fmt.Errorf("mixture: weight %d = %g: it must be 0 to 1", i, v)
		}
		total += v
	}
	if !(math.Abs(total-1) <= 1e-9) {
		return fmt.Errorf("mixture: the %d weights add to %g: they must add to 1", n, total)
	}
	for i, v := range c.Variances {
		if !(v >= 0) || math.IsInf(v, 0) {
			return fmt.Errorf("mixture: variance %d = %g: it must be finite and not negative", i, v)
		}
	}
	return nil
}

// allocate cuts one piece of memory into all buffers, each at a multiple of 64 bytes.
func (m *Mixture[T]) allocate(basis bool) error {
	size := cuda.SizeOf[T]()
	parts := []struct {
		buffer *cuda.Buffer
		count  int
	}{
		{&m.means, m.n * m.d}, {&m.logWeights, m.n}, {&m.variances, m.vars},
		{&m.alpha, m.rows}, {&m.sigma, m.rows}, {&m.x, m.rows * m.d}, {&m.v, m.rows * m.d}, {&m.mean, m.rows * m.d}, {&m.out, m.rows * m.d},
		{&m.top, m.rows * m.chunks}, {&m.sum, m.rows * m.chunks}, {&m.bars, m.rows * m.chunks * m.d},
		{&m.logits, m.rows * m.n}, {&m.stats, 2 * m.rows},
		{&m.basis, m.d * m.d}, {&m.stage, m.rows * m.d},
	}
	if !basis {
		parts = parts[:len(parts)-2]
	}
	total := 0
	for _, p := range parts {
		total += cuda.Blocks(p.count*size, 64) * 64
	}
	var err error
	if m.memory, err = m.dev.Alloc(total); err != nil {
		return fmt.Errorf("mixture: %d components in %d dimensions: %w", m.n, m.d, err)
	}
	at := 0
	for _, p := range parts {
		*p.buffer = m.memory.Slice(at, p.count*size)
		at += cuda.Blocks(p.count*size, 64) * 64
	}
	return nil
}

// N is the number of components, Dim that of dimensions.
func (m *Mixture[T]) N() int { return m.n }

// Dim is d.
func (m *Mixture[T]) Dim() int { return m.d }

// Rows is the number of items that are on the device at a time: a call with more goes through them in pieces of so many.
func (m *Mixture[T]) Rows() int { return m.rows }

// Free gives the memory back, once a call that may be running has ended. Calls after it are errors.
func (m *Mixture[T]) Free() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dev == nil {
		return nil
	}
	dev := m.dev
	m.dev = nil
	return dev.Free(m.memory)
}
