// Package latent checks the calls that a prior gets: batches of latent vectors, their noise levels, directions in which
// something is differentiated; and gives a status to each item whose numbers are no numbers.
//
// Main type: [Space], the latent space of one prior. Example:
//
//	s := latent.Space{Prior: "gmm", Space: space, Levels: schedule.Steps()}
//	if err := s.CheckLevels(x, level, x0, "denoised"); err != nil {
//		return nil, err
//	}
//	... // x0 of x
//	return s.Judge(x, x0), nil
//
// It computes nothing: what a prior does with its latent vectors is its own.
package latent

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// Space is the latent space of a prior.
type Space struct {
	// Prior is the plugin's name, for errors.
	Prior string
	// Space is what a latent vector is.
	Space space.Space
	// Levels is the number of noise levels of its schedule.
	Levels int
}

// NoData is the error of a call of a prior of models alone that wants data. It wraps contract.ErrUnsupported.
func (s Space) NoData(call string) error {
	return fmt.Errorf("prior %s: %s of data: it is a prior of models only: %w", s.Prior, call, contract.ErrUnsupported)
}

// Check is an error unless z (batch, latent...) are latent vectors.
func (s Space) Check(z *tensor.Tensor) error { return s.check("latent", z, -1) }

func (s Space) check(what string, z *tensor.Tensor, n int) error {
	return s.Space.Check("prior "+s.Prior+": "+what, z, n)
}

// CheckLevels is an error unless x and out are as many latent vectors as there are levels, and these are of the schedule.
// out is called what in the error.
func (s Space) CheckLevels(x *tensor.Tensor, level []int, out *tensor.Tensor, what string) error {
	if err := s.Check(x); err != nil {
		return err
	}
	if err := s.check(what, out, x.Batch()); err != nil {
		return err
	}
	if len(level) != x.Batch() {
		return fmt.Errorf("%w: prior %s: %d items with %d levels", contract.ErrShape, s.Prior, x.Batch(), len(level))
	}
	for i, t := range level {
		if t < 0 || t >= s.Levels {
			return fmt.Errorf("%w: prior %s: level of item %d is %d, the schedule has 0..%d", contract.ErrShape, s.Prior, i, t, s.Levels-1)
		}
	}
	return nil
}

// CheckCotangent is CheckLevels for a gradient dx (batch, latent...) = J^T w at x, w as dx.
func (s Space) CheckCotangent(x *tensor.Tensor, level []int, w, dx *tensor.Tensor) error {
	if err := s.CheckLevels(x, level, dx, "gradient"); err != nil {
		return err
	}
	return s.check("cotangent", w, x.Batch())
}

// CheckDirections checks K directions for each latent vector of z (batch, latent...), in (batch or 1, K, from...) to out
// (batch, K, to...), and returns K. in is called what in errors. One set of in stands for all items.
func (s Space) CheckDirections(z, in, out *tensor.Tensor, from, to *space.Space, what string) (int, error) {
	if err := s.Check(z); err != nil {
		return 0, err
	}
	if err := in.Check("prior "+s.Prior+": "+what, from.DType, append([]int{-1, -1}, from.ItemShape()...)...); err != nil {
		return 0, err
	}
	batch, sets, k := z.Batch(), in.Shape[0], in.Shape[1]
	if sets != batch && sets != 1 {
		return 0, fmt.Errorf("%w: prior %s: %s has %d sets for %d items, want %d or 1", contract.ErrShape, s.Prior, what, sets, batch, batch)
	}
	return k, out.Check("prior "+s.Prior+": result for the "+what, to.DType, append([]int{batch, k}, to.ItemShape()...)...)
}

// Set is the set of directions of item i, where CheckDirections has passed t: one per item, or one for all.
func Set(t *tensor.Tensor, i int) *tensor.Tensor {
	if t.Shape[0] == 1 {
		i = 0
	}
	return t.Item(i)
}

// Judge returns the statuses of a batch z and of what came out of it, nil where all are OK: OUT_OF_BOUNDS for a latent
// vector that is NaN or infinite, DIVERGED for a result that is.
func (s Space) Judge(z, out *tensor.Tensor) []contract.Status {
	if z.Finite() && out.Finite() {
		return nil
	}
	var status []contract.Status
	for i := range z.Batch() {
		status = contract.SetStatus(status, z.Batch(), i, s.JudgeItem(z.Item(i), out.Item(i)))
	}
	return status
}

// JudgeItem is Judge of one item (latent...).
func (s Space) JudgeItem(z, out *tensor.Tensor) contract.Status {
	if text, ok := s.Space.FirstOutside(z); !ok {
		return contract.Status{Code: contract.OutOfBounds, Text: text}
	}
	if !out.Finite() {
		return contract.Status{Code: contract.Diverged, Text: fmt.Sprintf(
			"the result overflows: the largest number of the latent vector is %.6g", largest(z))}
	}
	return contract.Status{}
}

func largest(t *tensor.Tensor) float64 {
	top := 0.0
	for _, x := range t.AppendReals(nil) {
		top = max(top, math.Abs(x))
	}
	return top
}
