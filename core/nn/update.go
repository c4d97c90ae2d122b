package nn

import (
	"cmp"
	"slices"

	"github.com/waveprior/waveprior/cuda"
	kernels "github.com/waveprior/waveprior/cuda/nn"
)

// outer is the gradient of a dense layer's weights that is not stored: x^T dy.
type outer struct {
	p     *Param
	x, dy cuda.Buffer
	shape kernels.LinearShape
}

// outerOp is an op with such a gradient; it is complete after backward.
type outerOp interface{ outer() outer }

// A dense layer's gradient is not stored where that saves more memory traffic (16 bytes a weight) than it costs arithmetic
// (the inner products of all pairs of rows, for its norm): for large matrices and batches that are small beside them.
const (
	deferFrom  = 1 << 20 // weights: smaller ones stay in the caches, gradients too
	deferRatio = 16      // in out/(in + out) to rows
)

func (o outer) worthwhile() bool {
	s := o.shape
	return s.In*s.Out >= deferFrom && s.In*s.Out >= deferRatio*s.Rows*(s.In+s.Out)/2
}

// update is what an Update needs beside its plan.
type update[T cuda.Float] struct {
	outer    []outer
	runs     []run       // of the parameters with stored gradients
	partial  cuda.Buffer // float64: of every outer product its rows, of every run one number
	scratch  cuda.Buffer
	partials int
}

// run is a piece of the store's arrays, in elements.
type run struct{ first, n int }

// Update is Backward and Step in one, faster for large networks: the gradients of large dense layers are never stored, but
// made of the layer's input and output gradient where the optimiser needs them, 32 instead of 48 bytes of memory traffic a
// weight. The values are those of Backward and Step, but that the gradient's norm is rounded otherwise (as a sum over
// pairs of rows, in float64), by which clipped steps differ in their last bits. Array Grad is left with some gradients
// only. Forward comes before, as for Backward; it returns the gradient's norm before clipping, and changes nothing where
// that is not finite.
func (t *Tape[T]) Update(from Root[T], a Adam, k int) (norm float64, err error) {
	if t.squares.IsNil() {
		t.squares = t.scratch(8)
	}
	if err := t.update(from, a, k, t.squares); err != nil {
		return 0, err
	}
	return root(t.dev, t.squares)
}

// update is Update without a word from the device: the square of the gradient's norm, one float64, goes to squares.
func (t *Tape[T]) update(from Root[T], a Adam, k int, squares cuda.Buffer) error {
	p, err := t.planned(from)
	if err == nil && !t.train {
		t.fail("update: the tape is not for training")
		err = t.err
	}
	if err != nil {
		return err
	}
	if p.update == nil {
		if p.update = t.planUpdate(p); t.err != nil {
			return t.err
		}
	}
	u, s := p.update, t.store
	step, err := a.step(k, squares)
	if err != nil {
		return err
	}
	if err := t.back(p, true); err != nil {
		return err
	}
	at := 0
	for _, o := range u.outer {
		if err := kernels.OuterSquares[T](t.dev, u.partial.Slice(8*at, 8*o.shape.Rows), o.x, o.dy, o.shape); err != nil {
			return err
		}
		at += o.shape.Rows
	}
	for _, r := range u.runs {
		if err := kernels.SumSquares[T](t.dev, u.partial.Slice(8*at, 8), s.part(r.first, r.n).G, u.scratch, r.n); err != nil {
			return err
		}
		at++
	}
	if err := kernels.TreeSum(t.dev, squares, u.partial, u.partials); err != nil {
		return err
	}
	for _, o := range u.outer {
		if err := kernels.OuterAdam[T](t.dev, s.part(o.p.at, o.p.n), o.x, o.dy, o.shape, step); err != nil {
			return err
		}
	}
	for _, r := range u.runs {
		if err := kernels.Adam[T](t.dev, s.part(r.first, r.n), r.n, step); err != nil {
			return err
		}
	}
	return nil
}

// planUpdate decides which gradients are not stored: those of worthwhile products whose weights nothing else uses.
func (t *Tape[T]) planUpdate(p *plan[T]) *update[T] {
	u, uses, deferred := &update[T]{}, map[*Param]int{}, map[*Param]bool{}
	for _, s := range p.steps {
		for _, q := range s.op.parameters() {
			uses[q]++
		}
	}
	for i := range p.steps {
		s := &p.steps[i]
		if op, ok := s.op.(outerOp); ok {
			if o := op.outer(); uses[o.p] == 1 && o.worthwhile() {
				s.deferred, deferred[o.p] = true, true
				u.outer = append(u.outer, o)
				u.partials += o.shape.Rows
			}
		}
	}
	// The rest, in the order in which it lies there, neighbours together.
	rest := slices.DeleteFunc(t.store.Params(), func(q *Param) bool { return deferred[q] })
	slices.SortFunc(rest, func(a, b *Param) int { return cmp.Compare(a.at, b.at) })
	gap, longest := alignment/cuda.SizeOf[T](), 0
	for _, q := range rest {
		end := (q.at + q.n + gap - 1) / gap * gap
		if last := len(u.runs) - 1; last >= 0 && u.runs[last].first+u.runs[last].n == q.at {
			u.runs[last].n = end - u.runs[last].first
		} else {
			u.runs = append(u.runs, run{q.at, end - q.at})
		}
		longest = max(longest, u.runs[len(u.runs)-1].n)
	}
	u.partials += len(u.runs)
	u.partial, u.scratch = t.scratch(8*u.partials), t.scratch(8*kernels.SumSquaresScratch(max(longest, 1)))
	return u
}
