package nn

import (
	"github.com/waveprior/waveprior/cuda"
	kernels "github.com/waveprior/waveprior/cuda/nn"
)

// Linear is a dense layer y = x W + b: W (in, out), b (out).
type Linear struct {
	W, B    *Param
	In, Out int
}

// Linear declares a dense layer: parameters name.weight (in, out) and name.bias (out), both started at
// U(-1/sqrt(in), 1/sqrt(in)), which is PyTorch's default (nn.Linear; its weight is the transpose).
func (s *Store[T]) Linear(name string, in, out int) *Linear {
	return &Linear{
		W: s.declare(name+".weight", uniform(in), in, out), B: s.declare(name+".bias", uniform(in), out), In: in, Out: out,
	}
}

// LayerNorm is y = gamma (x - mean)/sqrt(var + 1e-5) + beta over the last axis of x, mean and (biased) variance those of
// the row (Ba, Kiros, Hinton 2016, eq. 4).
type LayerNorm struct {
	Gamma, Beta *Param
	Width       int
}

// LayerNorm declares a normalisation: parameters name.weight (width), started at 1, and name.bias (width), at 0.
func (s *Store[T]) LayerNorm(name string, width int) *LayerNorm {
	return &LayerNorm{Gamma: s.declare(name+".weight", constant(1), width), Beta: s.declare(name+".bias", constant(0), width), Width: width}
}

// Residual is the block y = x + GELU(LayerNorm(Linear(x))), all of one width.
type Residual struct {
	Linear *Linear
	Norm   *LayerNorm
}

// Residual declares a block: parameters name.linear.* and name.norm.*.
func (s *Store[T]) Residual(name string, width int) *Residual {
	return &Residual{s.Linear(name+".linear", width, width), s.LayerNorm(name+".norm", width)}
}

// at is a parameter's memory in the array that the tape reads; grad where its gradient goes, none on a tape without train.
func (t *Tape[T]) at(p *Param) cuda.Buffer {
	if t.err != nil {
		return cuda.Buffer{}
	}
	return t.store.at(t.weights, p)
}

func (t *Tape[T]) grad(p *Param) cuda.Buffer {
	if t.err != nil || !t.train {
		return cuda.Buffer{}
	}
	return t.store.at(Grad, p)
}

// tile is the row tile of dense products: all rows at once in training, Tile in inference.
func (t *Tape[T]) tile(rows int) int {
	if t.train || rows%Tile != 0 {
		return 0
	}
	return Tile
}

// rowsOf fails the tape unless x is a matrix of that width.
func (t *Tape[T]) rowsOf(what string, x *Var[T], width int) int {
	if t.err == nil && x.Width() != width {
		t.fail("%s: the input is %v, %d numbers a row are wanted", what, x.shape, width)
	}
	if t.err != nil {
		return 1
	}
	return x.Rows()
}

// linear is the op of a Linear.
type linear[T cuda.Float] struct {
	t            *Tape[T]
	x, y         *Var[T]
	l            *Linear
	w, b, dw, db cuda.Buffer
	shape        kernels.LinearShape
}

// Linear records y = x W + b for x (rows, in) -> y (rows, out).
func (t *Tape[T]) Linear(l *Linear, x *Var[T]) *Var[T] {
	rows := t.rowsOf("linear", x, l.In)
	o := &linear[T]{t: t, x: x, l: l, w: t.at(l.W), b: t.at(l.B), dw: t.grad(l.W), db: t.grad(l.B)}
	o.shape = kernels.LinearShape{Rows: rows, In: l.In, Out: l.Out, Tile: t.tile(rows)}
	o.y = t.newVar(rows, l.Out)
	return t.record(o.y, o)
}

func (o *linear[T]) inputs() []*Var[T]    { return []*Var[T]{o.x} }
func (o *linear[T]) parameters() []*Param { return []*Param{o.l.W, o.l.B} }

func (o *linear[T]) forward() error {
	return kernels.LinearForward[T](o.t.dev, o.y.value, o.x.value, o.w, o.b, o.shape)
}

func (o *linear[T]) backward(add, addParameter []bool) error {
	if err := o.t.products(o.dw, o.db, o.x.value, o.y.grad, o.shape, addParameter[0]); err != nil || !o.x.needs {
		return err
	}
	return kernels.LinearBackwardInput[T](o.t.dev, o.x.grad, o.y.grad, o.w, o.shape, add[0])
}

func (o *linear[T]) outer() outer { return outer{o.l.W, o.x.value, o.y.grad, o.shape} }

// products computes the gradients of a dense layer's parameters, those of its weights unless they are deferred.
func (t *Tape[T]) products(dw, db, x, dy cuda.Buffer, s kernels.LinearShape, add bool) error {
	switch {
	case !t.train:
		return nil
	case t.deferring:
		return kernels.ColumnSums[T](t.dev, db, dy, s.Rows, s.Out, add)
	}
	return kernels.LinearBackwardWeight[T](t.dev, dw, db, x, dy, s, add)
}

// layerNorm is the op of a LayerNorm.
type layerNorm[T cuda.Float] struct {
	t                          *Tape[T]
	x, y                       *Var[T]
	n                          *LayerNorm
	gamma, beta, dgamma, dbeta cuda.Buffer
	stats, scratch             cuda.Buffer
}

// LayerNorm records the normalisation of x (rows, width).
func (t *Tape[T]) LayerNorm(n *LayerNorm, x *Var[T]) *Var[T] {
	rows := t.rowsOf("layer norm", x, n.Width)
	o := &layerNorm[T]{t: t, x: x, n: n, gamma: t.at(n.Gamma), beta: t.at(n.Beta), dgamma: t.grad(n.Gamma), dbeta: t.grad(n.Beta)}
	o.stats = t.alloc(2 * rows)
	if t.train {
		o.scratch = t.alloc(kernels.NormScratch(rows, n.Width))
	}
	o.y = t.newVar(x.shape...)
	t.work(x.n)
	return t.record(o.y, o)
}

func (o *layerNorm[T]) inputs() []*Var[T]    { return []*Var[T]{o.x} }
func (o *layerNorm[T]) parameters() []*Param { return []*Param{o.n.Gamma, o.n.Beta} }

func (o *layerNorm[T]) forward() error {
	return kernels.LayerNormForward[T](o.t.dev, o.y.value, o.x.value, o.gamma, o.beta, o.stats, o.y.Rows(), o.n.Width)
}

func (o *layerNorm[T]) backward(add, addParameter []bool) error {
	dx := o.t.into(o.x, add[0])
	if err := kernels.LayerNormBackward[T](o.t.dev, dx, o.dgamma, o.dbeta, o.y.grad, o.x.value, o.gamma, o.stats, o.scratch,
		o.y.Rows(), o.n.Width, addParameter[0]); err != nil {
		return err
	}
	return o.t.added(o.x, dx)
}

// work says that an op's way back needs room for n numbers that nobody else needs at the same time; the tape has one such
// room, as large as the largest wish.
func (t *Tape[T]) work(n int) { t.wish = max(t.wish, n) }

// into is where an op whose kernel overwrites puts the gradient of x: there, or, where x has one already or wants none, in
// the first x.n numbers of the room for work.
func (t *Tape[T]) into(x *Var[T], add bool) cuda.Buffer {
	if x.needs && !add {
		return x.grad
	}
	return t.room.Slice(0, x.n*cuda.SizeOf[T]())
}

// added adds what went to the room for work to the gradient of x.
func (t *Tape[T]) added(x *Var[T], dx cuda.Buffer) error {
	if !x.needs || dx == x.grad {
		return nil
	}
	return kernels.Axpby[T](t.dev, x.grad, 1, x.grad, 1, dx, x.n)
}
