package nn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"time"

	"github.com/waveprior/waveprior/core/hook"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
)

// Progress is what a training says while it runs.
type Progress struct {
	Step, Steps int     // done, and in all
	Loss        float64 // mean since the last report
	GradNorm    float64 // mean norm of the gradient before clipping, since the last report
	Rate        float64 // steps a second since the last report
}

// Trainer runs a tape, an optimiser and a checkpoint together: for step k = 0, 1, ..., Steps-1 it calls Batch(k), plays
// the tape forward and back from Loss with the optimiser's step (Tape.Update). All that step k depends on is the store and k, so a
// training that was stopped anywhere and goes on from its last checkpoint ends with the bits of one that was not, as long
// as Batch is a function of k alone (draw its noise by Philox, keyed by step and item).
type Trainer[T cuda.Float] struct {
	Tape *Tape[T] // over the store's Value, for training
	Loss *Loss[T]
	Adam Adam
	// Steps in all, those before a resume counted.
	Steps int
	// Batch fills the tape's inputs for a step.
	Batch func(step int) error

	// After, where it is there, is called for every step, in order and before a checkpoint: step counts the steps done, loss
	// is that of the last. What it keeps in Tensors is in the checkpoint; taking that over at a resume is the caller's
	// (ReadState).
	After func(step int, loss float64) error
	// LookEvery is how often After may look at the store: at every step that is a multiple of it, and at the last. For
	// others it may be called later, when the store is further on. So losses need not be read from the device at every
	// step. Zero: every step.
	LookEvery int

	// Path of the checkpoint; none is written where it is empty. If it is there, Run goes on from it.
	Path string
	// Architecture, Strings and Tensors go into the checkpoint; a checkpoint with another Architecture, optimiser or value
	// of a string is refused.
	Architecture string
	Strings      map[string]string
	Tensors      map[string]*tensor.Tensor
	// CheckpointEvery is the time between two checkpoints, zero for one at the end alone. One is also written when the
	// context ends.
	CheckpointEvery time.Duration

	// Report is called about every ReportEvery (zero: a second) and after the last step; its error ends the training, after
	// a checkpoint. It may be nil.
	Report      func(Progress) error
	ReportEvery time.Duration
}

// Run trains to the end, or until the context ends (its error is returned) or Report or Batch fails. A loss or gradient
// that is not finite is an error and writes no checkpoint, so that the last good one stays.
func (tr *Trainer[T]) Run(ctx context.Context) error {
	k, err := tr.resume()
	if err != nil {
		return err
	}
	if tr.Steps < k {
		return fmt.Errorf("%w: %s: it has %d steps, %d are asked for", ErrCheckpoint, tr.Path, k, tr.Steps)
	}
	every := tr.ReportEvery
	if every <= 0 {
		every = time.Second
	}
	kept, err := newNumbers(tr.Tape, tr.Loss)
	if err != nil {
		return err
	}
	err = tr.steps(ctx, k, every, kept)
	return errors.Join(err, kept.free())
}

// steps does the steps from k on.
func (tr *Trainer[T]) steps(ctx context.Context, k int, every time.Duration, kept *numbers[T]) error {
	saved, reported, sum, norms, since := time.Now(), time.Now(), 0.0, 0.0, 0
	written := k // steps in the checkpoint
	heard := k   // steps whose numbers were read
	hear := func() error {
		return kept.read(func(loss, norm float64) error {
			if math.IsNaN(loss+norm) || math.IsInf(loss+norm, 0) {
				return fmt.Errorf("nn: step %d: loss %g, gradient norm %g: not finite (learning rate %g)", heard, loss, norm, tr.Adam.Schedule.Rate(heard))
			}
			heard++
			sum, norms, since = sum+loss, norms+norm, since+1
			if tr.After != nil {
				return tr.After(heard, loss)
			}
			return nil
		})
	}
	for k < tr.Steps {
		if ctx.Err() != nil {
			break
		}
		if err := tr.Batch(k); err != nil {
			err = fmt.Errorf("nn: batch of step %d: %w", k, err)
			if herr := hear(); herr != nil {
				return errors.Join(err, herr)
			}
			return errors.Join(err, tr.save(k, written))
		}
		squares := kept.next()
		if err := tr.Tape.Forward(); err != nil {
			return err
		}
		if err := tr.Tape.update(tr.Loss, tr.Adam, k, squares); err != nil {
			return err
		}
		k++
		now := time.Now()
		checkpoint := tr.CheckpointEvery > 0 && now.Sub(saved) >= tr.CheckpointEvery && k < tr.Steps
		report := tr.Report != nil && (now.Sub(reported) >= every || k == tr.Steps)
		if checkpoint || report || kept.full() || tr.looks(k) {
			if err := hear(); err != nil {
				return err
			}
		}
		hook.At("nn.step")
		if checkpoint {
			if err := tr.save(k, written); err != nil {
				return err
			}
			saved, written = time.Now(), k
		}
		if report {
			p := Progress{Step: k, Steps: tr.Steps, Loss: sum / float64(since), GradNorm: norms / float64(since)}
			p.Rate = float64(since) / max(now.Sub(reported).Seconds(), 1e-9)
			if err := tr.Report(p); err != nil {
				return errors.Join(err, tr.save(k, written))
			}
			reported, sum, norms, since = time.Now(), 0, 0, 0
		}
	}
	if err := hear(); err != nil {
		return err
	}
	if err := tr.save(k, written); err != nil {
		return err
	}
	if k < tr.Steps {
		return ctx.Err()
	}
	return nil
}

// looks reports whether After may look at the store after k steps.
func (tr *Trainer[T]) looks(k int) bool {
	return k == tr.Steps || tr.After != nil && k%max(tr.LookEvery, 1) == 0
}

// resume loads the checkpoint, if there is one, and returns the next step.
func (tr *Trainer[T]) resume() (int, error) {
	s := tr.Tape.store
	if err := s.has(Grad); err != nil || !tr.Tape.train {
		return 0, errors.Join(err, errors.New("nn: training: the tape is not one for training"))
	}
	if err := tr.Adam.check(); err != nil {
		return 0, err
	}
	if tr.Path == "" {
		return 0, nil
	}
	there, err := Exists(tr.Path)
	if err != nil || !there {
		return 0, err
	}
	st, err := ReadState(tr.Path)
	if err != nil {
		return 0, err
	}
	fail := func(format string, args ...any) (int, error) {
		return 0, fmt.Errorf("%w: %s: "+format, append([]any{ErrCheckpoint, tr.Path}, args...)...)
	}
	if got, want := st.Optimiser, tr.Adam.String(); got != want {
		return fail("it was trained by %q, going on is asked for by %q", got, want)
	}
	if !maps.Equal(st.Strings, nonNil(tr.Strings)) {
		return fail("it was trained with %v, going on is asked for with %v", st.Strings, tr.Strings)
	}
	if _, err := s.Load(tr.Path, tr.Architecture); err != nil {
		return 0, err
	}
	return st.Step, nil
}

func nonNil(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// save writes the checkpoint after k steps, unless it is there already.
func (tr *Trainer[T]) save(k, written int) error {
	if tr.Path == "" {
		return nil
	}
	if k == written && k > 0 {
		return nil
	}
	hook.At("nn.checkpoint")
	err := tr.Tape.store.Save(tr.Path, State{
		Architecture: tr.Architecture, Optimiser: tr.Adam.String(), Step: k, Strings: tr.Strings, Tensors: tr.Tensors,
	})
	hook.At("nn.checkpoint.written")
	return err
}
