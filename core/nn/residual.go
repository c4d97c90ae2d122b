package nn

import (
	"github.com/waveprior/waveprior/cuda"
	kernels "github.com/waveprior/waveprior/cuda/nn"
)

// residual is the op of a Residual: u = x W + b, y = x + GELU(n), n the normalisation of u. Of the block's inner values u
// and the rows' statistics are kept for the way back.
type residual[T cuda.Float] struct {
	t                          *Tape[T]
	x, y                       *Var[T]
	r                          *Residual
	w, b, dw, db               cuda.Buffer
	gamma, beta, dgamma, dbeta cuda.Buffer
	u, du, stats, scratch      cuda.Buffer
	shape                      kernels.LinearShape
}

// Residual records the block y = x + GELU(LayerNorm(Linear(x))) of x (rows, width).
func (t *Tape[T]) Residual(r *Residual, x *Var[T]) *Var[T] {
	rows := t.rowsOf("residual block", x, r.Linear.In)
	o := &residual[T]{t: t, x: x, r: r}
	l, n := r.Linear, r.Norm
	o.w, o.b, o.dw, o.db = t.at(l.W), t.at(l.B), t.grad(l.W), t.grad(l.B)
	o.gamma, o.beta, o.dgamma, o.dbeta = t.at(n.Gamma), t.at(n.Beta), t.grad(n.Gamma), t.grad(n.Beta)
	o.shape = kernels.LinearShape{Rows: rows, In: l.In, Out: l.Out, Tile: t.tile(rows)}
	o.u, o.stats = t.alloc(rows*l.Out), t.alloc(2*rows)
	if t.train { // a deferred gradient is made of du after all of Backward
		o.du = t.alloc(rows * l.Out)
		o.scratch = t.alloc(kernels.NormScratch(rows, l.Out))
	}
	o.y = t.newVar(rows, l.Out)
	t.work(o.y.n)
	return t.record(o.y, o)
}

func (o *residual[T]) inputs() []*Var[T] { return []*Var[T]{o.x} }

func (o *residual[T]) parameters() []*Param {
	return []*Param{o.r.Linear.W, o.r.Linear.B, o.r.Norm.Gamma, o.r.Norm.Beta}
}

func (o *residual[T]) outer() outer { return outer{o.r.Linear.W, o.x.value, o.du, o.shape} }

func (o *residual[T]) forward() error {
	if err := kernels.LinearForward[T](o.t.dev, o.u, o.x.value, o.w, o.b, o.shape); err != nil {
		return err
	}
	return kernels.NormGeluForward[T](o.t.dev, o.y.value, o.u, o.x.value, o.gamma, o.beta, o.stats, o.shape.Rows, o.shape.Out)
}

func (o *residual[T]) backward(add, addParameter []bool) error {
	d := o.t.dev
	du := o.du
	if du.IsNil() {
		du = o.t.room.Slice(0, o.y.n*cuda.SizeOf[T]())
	}
	if err := kernels.NormGeluBackward[T](d, du, o.dgamma, o.dbeta, o.y.grad, o.u, o.gamma, o.beta, o.stats, o.scratch,
		o.shape.Rows, o.shape.Out, addParameter[2]); err != nil {
		return err
	}
	if err := o.t.products(o.dw, o.db, o.x.value, du, o.shape, addParameter[0]); err != nil || !o.x.needs {
		return err
	}
	var have cuda.Buffer
	if add[0] {
		have = o.x.grad
	}
	if err := kernels.Axpby[T](d, o.x.grad, 1, o.y.grad, 1, have, o.x.n); err != nil {
		return err
	}
	return kernels.LinearBackwardInput[T](d, o.x.grad, du, o.w, o.shape, true)
}
