package sampling

import (
	"context"
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// Bound is the largest coordinate a latent vector may have, in absolute value. Latent vectors are of order one (x at the
// highest level is standard normal), so that a coordinate of a million is a chain that has run away.
const Bound = 1e6

// Batch is the chains of one call of Start or Step. Sets of vectors are row-major in one float64 slice, a row per chain,
// failed chains included; services are asked about the chains that are well, and rows of the others stay as they are.
type Batch struct {
	n      int
	alive  []int
	status []contract.Status
}

// NewBatch returns a batch of n chains that are all well.
func NewBatch(n int) *Batch {
	b := &Batch{n: n, alive: make([]int, n)}
	for i := range b.alive {
		b.alive[i] = i
	}
	return b
}

// Alive returns the rows of the chains that are well, in order. It is replaced, not changed, when a chain fails.
func (b *Batch) Alive() []int { return b.alive }

// Status returns one status for each chain; nil when all are well.
func (b *Batch) Status() []contract.Status { return b.status }

// Fail sets a chain's status, unless it has failed before, and takes it out of what follows.
func (b *Batch) Fail(row int, s contract.Status) {
	if s.Code == contract.OK {
		return
	}
	b.status = contract.SetStatus(b.status, b.n, row, s)
	left := make([]int, 0, len(b.alive))
	for _, i := range b.alive {
		if i != row {
			left = append(left, i)
		}
	}
	b.alive = left
}

// fold takes a service's statuses, one for each of rows.
func (b *Batch) fold(what string, rows []int, st []contract.Status) error {
	if st != nil && len(st) != len(rows) {
		return fmt.Errorf("%s: %d statuses for %d items: %w", what, len(st), len(rows), contract.ErrInternal)
	}
	for k, s := range st {
		if s.Code != contract.OK && s.Text == "" {
			s.Text = what
		}
		b.Fail(rows[k], s)
	}
	return nil
}

// Check fails, as DIVERGED with the number, the chains whose row of x (n x d) has a coordinate that is not finite or, for
// a limit above 0, larger than it in absolute value. what says whose x it is ("x0 at step 12").
func (b *Batch) Check(what string, x []float64, limit float64) {
	if b.n == 0 {
		return
	}
	d := len(x) / b.n
	for _, i := range b.alive {
		for k, v := range x[i*d : (i+1)*d] {
			if math.IsNaN(v) || math.IsInf(v, 0) || (limit > 0 && math.Abs(v) > limit) {
				text := fmt.Sprintf("%s: coordinate %d is %g", what, k, v)
				if limit > 0 {
					text += fmt.Sprintf(" (at most %g in absolute value)", limit)
				}
				b.Fail(i, contract.Status{Code: contract.Diverged, Text: text})
				break
			}
		}
	}
}

// pack returns the rows of x (n x d) as a batch of sp, rounded to its dtype.
func pack(sp *space.Space, rows []int, x []float64) *tensor.Tensor {
	t, d := sp.New(len(rows)), sp.Reals()
	for k, i := range rows {
		t.Item(k).SetReals(x[i*d : (i+1)*d])
	}
	return t
}

// unpack is the inverse of pack, for the rows that are still well.
func (b *Batch) unpack(rows []int, t *tensor.Tensor, x []float64) {
	d := len(x) / b.n
	for k, i := range rows {
		if contract.StatusAt(b.status, i).Code == contract.OK {
			t.Item(k).AppendReals(x[i*d : i*d : (i+1)*d])
		}
	}
}

// Denoise sets x0 (n x d) to the prior's E[x0 | x_t = x] at one level. A result that is not finite fails its chain.
func (b *Batch) Denoise(ctx context.Context, p contract.FullPrior, sp *space.Space, x []float64, level int, x0 []float64) error {
	rows := b.alive
	if len(rows) == 0 {
		return nil
	}
	out := sp.New(len(rows))
	st, err := p.Denoise(ctx, pack(sp, rows, x), repeat(level, len(rows)), out)
	if err != nil {
		return err
	}
	if err := b.fold("prior's denoiser", rows, st); err != nil {
		return err
	}
	b.unpack(rows, out, x0)
	b.Check(fmt.Sprintf("prior's denoiser at level %d", level), x0, 0)
	return nil
}

// DenoiseVJP sets dx (n x d) to (d x0/d x)^T w at x and one level. A result that is not finite fails its chain.
func (b *Batch) DenoiseVJP(ctx context.Context, p contract.FullPrior, sp *space.Space, x []float64, level int, w, dx []float64) error {
	rows := b.alive
	if len(rows) == 0 {
		return nil
	}
	out := sp.New(len(rows))
	st, err := p.DenoiseVJP(ctx, pack(sp, rows, x), repeat(level, len(rows)), pack(sp, rows, w), out)
	if err != nil {
		return err
	}
	if err := b.fold("prior's denoiser, transposed", rows, st); err != nil {
		return err
	}
	b.unpack(rows, out, dx)
	b.Check(fmt.Sprintf("prior's transposed denoiser at level %d", level), dx, 0)
	return nil
}

// Misfit sets phi (n) and, unless nil, gradient (n x d) to the solver's misfit at x (n x d) against observation which[i].
// A phi or gradient that is not finite fails its chain.
func (b *Batch) Misfit(ctx context.Context, s contract.FullSolver, sp *space.Space, x []float64, which []int, phi, gradient []float64) error {
	rows := b.alive
	if len(rows) == 0 {
		return nil
	}
	obs, p := make([]int, len(rows)), make([]float64, len(rows))
	for k, i := range rows {
		obs[k] = which[i]
	}
	var g *tensor.Tensor
	if gradient != nil {
		g = sp.New(len(rows))
	}
	st, err := s.Misfit(ctx, pack(sp, rows, x), obs, p, g)
	if err != nil {
		return err
	}
	if err := b.fold("physics", rows, st); err != nil {
		return err
	}
	for k, i := range rows {
		if contract.StatusAt(b.status, i).Code == contract.OK {
			phi[i] = p[k]
		}
	}
	b.Check("misfit", phi, 0)
	if g != nil {
		b.unpack(rows, g, gradient)
		b.Check("gradient of the misfit", gradient, 0)
	}
	return nil
}

func repeat(level, n int) []int {
	l := make([]int, n)
	for i := range l {
		l[i] = level
	}
	return l
}
