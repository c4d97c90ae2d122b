package nn

import (
	"slices"

	"github.com/waveprior/waveprior/cuda"
	kernels "github.com/waveprior/waveprior/cuda/nn"
)

// gelu is the op of GELU.
type gelu[T cuda.Float] struct {
	t    *Tape[T]
	x, y *Var[T]
}

// GELU records y = x Phi(x), elementwise, Phi the normal distribution function (Hendrycks and Gimpel, arXiv:1606.08415; the
// form with erf).
func (t *Tape[T]) GELU(x *Var[T]) *Var[T] {
	o := &gelu[T]{t: t, x: x, y: t.newVar(x.shape...)}
	t.work(x.n)
	return t.record(o.y, o)
}

func (o *gelu[T]) inputs() []*Var[T]    { return []*Var[T]{o.x} }
func (o *gelu[T]) parameters() []*Param { return nil }

func (o *gelu[T]) forward() error {
	return kernels.GeluForward[T](o.t.dev, o.y.value, o.x.value, o.x.n)
}

func (o *gelu[T]) backward(add, _ []bool) error {
	dx := o.t.into(o.x, add[0])
	if err := kernels.GeluBackward[T](o.t.dev, dx, o.y.grad, o.x.value, o.x.n); err != nil {
		return err
	}
	return o.t.added(o.x, dx)
}

// sum is the op of Add and Scale: y = a x + b z.
type sum[T cuda.Float] struct {
	t       *Tape[T]
	x, z, y *Var[T] // z nil: y = a x
	a, b    float64
}

// Add records x + z, of equal shapes; the two may be one variable.
func (t *Tape[T]) Add(x, z *Var[T]) *Var[T] {
	if t.err == nil && !slices.Equal(x.shape, z.shape) {
		t.fail("add: shapes %v and %v differ", x.shape, z.shape)
	}
	o := &sum[T]{t: t, x: x, z: z, y: t.newVar(x.shape...), a: 1, b: 1}
	return t.record(o.y, o)
}

// Scale records a x.
func (t *Tape[T]) Scale(x *Var[T], a float64) *Var[T] {
	o := &sum[T]{t: t, x: x, y: t.newVar(x.shape...), a: a}
	return t.record(o.y, o)
}

func (o *sum[T]) inputs() []*Var[T] {
	if o.z == nil {
		return []*Var[T]{o.x}
	}
	return []*Var[T]{o.x, o.z}
}

func (o *sum[T]) parameters() []*Param { return nil }

func (o *sum[T]) forward() error {
	var z cuda.Buffer
	if o.z != nil {
		z = o.z.value
	}
	return kernels.Axpby[T](o.t.dev, o.y.value, o.a, o.x.value, o.b, z, o.y.n)
}

func (o *sum[T]) backward(add, _ []bool) error {
	for i, v := range o.inputs() {
		if !v.needs {
			continue
		}
		a, have := o.a, cuda.Buffer{}
		if i == 1 {
			a = o.b
		}
		if add[i] {
			have = v.grad
		}
		if err := kernels.Axpby[T](o.t.dev, v.grad, a, o.y.grad, 1, have, v.n); err != nil {
			return err
		}
	}
	return nil
}

// concat is the op of Concat.
type concat[T cuda.Float] struct {
	t *Tape[T]
	x []*Var[T]
	y *Var[T]
}

// Concat records the rows of several variables side by side: (rows, sum of widths).
func (t *Tape[T]) Concat(x ...*Var[T]) *Var[T] {
	rows, width := 1, 0
	for i, v := range x {
		if rows = v.shape[0]; rows != x[0].shape[0] {
			t.fail("concat: shapes %v of input 0 and %v of input %d have other numbers of rows", x[0].shape, v.shape, i)
		}
		width += v.Width()
		t.work(v.n)
	}
	o := &concat[T]{t: t, x: x, y: t.newVar(rows, width)}
	return t.record(o.y, o)
}

func (o *concat[T]) inputs() []*Var[T]    { return o.x }
func (o *concat[T]) parameters() []*Param { return nil }

// columns is the buffer b of the output from the first column of an input on.
func (o *concat[T]) columns(b cuda.Buffer, first int) cuda.Buffer {
	at := first * cuda.SizeOf[T]()
	return b.Slice(at, b.Bytes()-at)
}

func (o *concat[T]) forward() error {
	first := 0
	for _, v := range o.x {
		w := v.Width()
		if err := kernels.CopyRows[T](o.t.dev, o.columns(o.y.value, first), o.y.Width(), v.value, w, v.Rows(), w); err != nil {
			return err
		}
		first += w
	}
	return nil
}

func (o *concat[T]) backward(add, _ []bool) error {
	first := 0
	for i, v := range o.x {
		w := v.Width()
		if v.needs {
			dx := o.t.into(v, add[i])
			if err := kernels.CopyRows[T](o.t.dev, dx, w, o.columns(o.y.grad, first), o.y.Width(), v.Rows(), w); err != nil {
				return err
			}
			if err := o.t.added(v, dx); err != nil {
				return err
			}
		}
		first += w
	}
	return nil
}
