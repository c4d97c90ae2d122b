package nn

import (
	"errors"
	"fmt"

	"github.com/waveprior/waveprior/cuda"
	kernels "github.com/waveprior/waveprior/cuda/nn"
)

// Tile is the number of rows that go through a network together in inference.
const Tile = kernels.Tile

// maxTiles bounds the rows of one pass, and with them the memory of an Evaluator: 256 rows.
const maxTiles = 8

// Evaluator plays a network for any number of rows, without gradients of its parameters. Rows go through in tiles of
// exactly Tile, the last one filled up with zero rows, so that the bits of a row's result, and of its gradient, depend on
// that row alone: not on how many others came with it nor on their order. (The ops that a network is made of must keep
// rows apart; all of this package do.)
//
// Weights are read when a row is computed: an Evaluator over a store in training sees the newest. It is for one goroutine.
type Evaluator[T cuda.Float] struct {
	store   *Store[T]
	weights Weights
	widths  []int
	net     Network[T]
	passes  [maxTiles + 1]*pass[T] // by number of tiles: 1, 2, 4, 8
	pad     []T
	levels  [maxTiles * Tile]int32
}

// Network records a network on a tape, for inputs of as many rows each: one level (a number that Lookup takes rows of a
// table by) and some variables.
type Network[T cuda.Float] func(t *Tape[T], level *Index[T], in ...*Var[T]) *Var[T]

// pass is the network on a fixed number of tiles.
type pass[T cuda.Float] struct {
	tape *Tape[T]
	at   *Index[T]
	in   []*Var[T]
	out  *Var[T]
}

// NewEvaluator returns an evaluator of the network that net records for inputs of the given widths, with weights Value or
// EMA. net is called once for every number of tiles that comes up. Gradients are with respect to input 0.
func NewEvaluator[T cuda.Float](s *Store[T], weights Weights, net Network[T], widths ...int) (*Evaluator[T], error) {
	e := &Evaluator[T]{store: s, weights: weights, widths: widths, net: net}
	_, err := e.pass(1)
	return e, err
}

// pass returns the tape for a number of tiles.
func (e *Evaluator[T]) pass(tiles int) (*pass[T], error) {
	if p := e.passes[tiles]; p != nil {
		return p, nil
	}
	t, err := NewTape(e.store, e.weights, false)
	if err != nil {
		return nil, err
	}
	p := &pass[T]{tape: t, at: t.Index(tiles * Tile)}
	for i, w := range e.widths {
		p.in = append(p.in, t.Input(i == 0, tiles*Tile, w))
	}
	p.out = e.net(t, p.at, p.in...)
	if t.Err() == nil && (p.out == nil || p.out.Rows() != tiles*Tile) {
		t.fail("evaluator: a network whose output does not have the rows of its inputs")
	}
	if t.Err() != nil {
		return nil, errors.Join(t.Err(), t.Free())
	}
	e.passes[tiles] = p
	return p, nil
}

// Free gives the memory back.
func (e *Evaluator[T]) Free() error {
	var errs []error
	for i, p := range e.passes {
		if p != nil {
			errs = append(errs, p.tape.Free())
			e.passes[i] = nil
		}
	}
	return errors.Join(errs...)
}

// Width is the width of the network's output.
func (e *Evaluator[T]) Width() int { return e.passes[1].out.Width() }

// Forward computes out (rows, Width()) from the rows' levels and the inputs, in[i] of shape (rows, widths[i]).
func (e *Evaluator[T]) Forward(out []T, level []int32, in ...[]T) error {
	rows := len(level)
	if err := e.check(rows, "output", len(out), e.Width(), in); err != nil {
		return err
	}
	return e.each(level, in, func(p *pass[T], lo, hi int) error {
		return e.take(p.out.Get, p.out.n, out, e.Width(), lo, hi)
	})
}

// VJP computes dx (rows, widths[0]), the gradient of sum(w f(level, in)) with respect to input 0, for w (rows, Width());
// each row by itself. out gets f(level, in) unless it is nil. Nothing is kept from an earlier call.
func (e *Evaluator[T]) VJP(dx, w, out []T, level []int32, in ...[]T) error {
	rows := len(level)
	if err := e.check(rows, "weights", len(w), e.Width(), in); err != nil {
		return err
	}
	if len(dx) != rows*e.widths[0] || out != nil && len(out) != len(w) {
		return fmt.Errorf("nn: evaluator: %d rows of gradient %d and output %d wide, got %d and %d numbers",
			rows, e.widths[0], e.Width(), len(dx), len(out))
	}
	return e.each(level, in, func(p *pass[T], lo, hi int) error {
		if err := e.put(p.out.SetGrad, p.out.n, w, e.Width(), lo, hi); err != nil {
			return err
		}
		if out != nil {
			if err := e.take(p.out.Get, p.out.n, out, e.Width(), lo, hi); err != nil {
				return err
			}
		}
		if err := p.tape.Backward(p.out); err != nil {
			return err
		}
		return e.take(p.in[0].Grad, p.in[0].n, dx, e.widths[0], lo, hi)
	})
}

// each runs the forward pass over some rows lo..hi-1 at a time and calls then after each.
func (e *Evaluator[T]) each(level []int32, in [][]T, then func(p *pass[T], lo, hi int) error) error {
	rows := len(level)
	for lo := 0; lo < rows; {
		tiles := 1
		for 2*tiles <= maxTiles && lo+2*tiles*Tile < rows+Tile {
			tiles *= 2
		}
		hi := min(lo+tiles*Tile, rows)
		p, err := e.pass(tiles)
		if err != nil {
			return err
		}
		clear(e.levels[copy(e.levels[:], level[lo:hi]):])
		if err := p.at.Set(e.levels[:tiles*Tile]); err != nil {
			return err
		}
		for i, v := range p.in {
			if err := e.put(v.Set, v.n, in[i], e.widths[i], lo, hi); err != nil {
				return err
			}
		}
		if err := p.tape.Forward(); err != nil {
			return err
		}
		if err := then(p, lo, hi); err != nil {
			return err
		}
		lo = hi
	}
	return nil
}

// put gives rows lo..hi-1 of x to set, filled up with zeros to n numbers.
func (e *Evaluator[T]) put(set func([]T) error, n int, x []T, width, lo, hi int) error {
	x = x[lo*width : hi*width]
	if len(x) == n {
		return set(x)
	}
	pad := e.padding(n)
	clear(pad[copy(pad, x):])
	return set(pad)
}

// take copies rows lo..hi-1 of dst from get, which gives n numbers.
func (e *Evaluator[T]) take(get func([]T) error, n int, dst []T, width, lo, hi int) error {
	dst = dst[lo*width : hi*width]
	if len(dst) == n {
		return get(dst)
	}
	pad := e.padding(n)
	err := get(pad)
	copy(dst, pad)
	return err
}

func (e *Evaluator[T]) padding(n int) []T {
	if len(e.pad) < n {
		e.pad = make([]T, n)
	}
	return e.pad[:n]
}

func (e *Evaluator[T]) check(rows int, what string, n, width int, in [][]T) error {
	if rows < 0 || n != rows*width {
		return fmt.Errorf("nn: evaluator: %d numbers of %s for %d rows of %d", n, what, rows, width)
	}
	if len(in) != len(e.widths) {
		return fmt.Errorf("nn: evaluator: %d inputs, the network has %d", len(in), len(e.widths))
	}
	for i, x := range in {
		if len(x) != rows*e.widths[i] {
			return fmt.Errorf("nn: evaluator: input %d has %d numbers, %d rows of %d are %d", i, len(x), rows, e.widths[i], rows*e.widths[i])
		}
	}
	return nil
}
