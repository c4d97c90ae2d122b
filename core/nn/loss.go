package nn

import (
	"github.com/waveprior/waveprior/cuda"
	kernels "github.com/waveprior/waveprior/cuda/nn"
)

// Loss is a number at the end of a tape, from which Backward starts.
type Loss[T cuda.Float] struct {
	out    *Var[T]
	rows   int
	scale  float64
	losses cuda.Buffer // of the rows, float64
	host   []float64
}

// squareError is the op of a SquareError.
type squareError[T cuda.Float] struct {
	t         *Tape[T]
	x, target *Var[T]
	*Loss[T]
}

// SquareError records scale sum_ij (x_ij - target_ij)^2. With scale = 1/rows it is the squared error summed over a row's
// elements, mean over the rows.
func (t *Tape[T]) SquareError(x, target *Var[T], scale float64) *Loss[T] {
	if t.err == nil && (x.n != target.n || x.Rows() != target.Rows()) {
		t.fail("square error: shapes %v and %v differ", x.shape, target.shape)
	}
	l := &Loss[T]{out: &Var[T]{tape: t, shape: []int{1}, n: 1}, rows: 1, scale: scale}
	if t.err == nil {
		l.rows = x.Rows()
	}
	l.losses, l.host = t.scratch(8*l.rows), make([]float64, l.rows)
	t.work(x.n)
	t.record(l.out, &squareError[T]{t, x, target, l})
	return l
}

// Value is the loss of the last Forward. It is summed in float64, row by row.
func (l *Loss[T]) Value() (float64, error) {
	if l.out.tape.err != nil {
		return 0, l.out.tape.err
	}
	err := l.out.tape.dev.Download(bytesOf(l.host), l.losses)
	return l.sum(l.host), err
}

// sum is the loss of its rows.
func (l *Loss[T]) sum(rows []float64) float64 {
	sum := 0.0
	for _, x := range rows {
		sum += x
	}
	return sum * l.scale
}

func (l *Loss[T]) root() *Var[T] { return l.out }

func (o *squareError[T]) inputs() []*Var[T]    { return []*Var[T]{o.x, o.target} }
func (o *squareError[T]) parameters() []*Param { return nil }

func (o *squareError[T]) forward() error {
	return kernels.SquareError[T](o.t.dev, o.losses, cuda.Buffer{}, o.x.value, o.target.value, o.rows, o.x.Width(), o.scale)
}

func (o *squareError[T]) backward(add, _ []bool) error {
	dx := o.t.into(o.x, add[0])
	if err := kernels.SquareError[T](o.t.dev, o.losses, dx, o.x.value, o.target.value, o.rows, o.x.Width(), o.scale); err != nil {
		return err
	}
	if o.target.needs { // the negative of it
		var have cuda.Buffer
		if add[1] {
			have = o.target.grad
		}
		if err := kernels.Axpby[T](o.t.dev, o.target.grad, -1, dx, 1, have, o.x.n); err != nil {
			return err
		}
	}
	return o.t.added(o.x, dx)
}
