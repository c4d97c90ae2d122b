package nn

import (
	"errors"
	"fmt"
	"slices"

	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
)

// Var is a value of a Tape: an array of a fixed shape, first axis the rows (the items of a batch), and its gradient.
type Var[T cuda.Float] struct {
	tape  *Tape[T]
	shape []int
	n     int // elements
	// needs says that a gradient with respect to it is wanted, or with respect to something it is made from.
	needs bool
	value cuda.Buffer
	grad  cuda.Buffer // none until the plan of a Backward lays it out
}

// Shape is the variable's shape.
func (v *Var[T]) Shape() []int { return slices.Clone(v.shape) }

// Rows is the extent of the first axis, Width the product of the others.
func (v *Var[T]) Rows() int { return v.shape[0] }

// Width is the number of elements of a row.
func (v *Var[T]) Width() int { return v.n / max(v.shape[0], 1) }

// op is one operation of a tape, with all buffers that it needs. A new one implements this interface, takes its memory
// from Tape.newVar and Tape.scratch while it is recorded, and is appended by Tape.record; nothing else knows about it.
type op[T cuda.Float] interface {
	// inputs are the variables that it reads, parameters the parameters.
	inputs() []*Var[T]
	parameters() []*Param
	// forward computes the output's value.
	forward() error
	// backward takes the output's gradient to those inputs that need one and, on a tape for training, to the parameters.
	// Where add says so for input or parameter i, a gradient of later ops is there already, to which it must add; else it
	// overwrites.
	backward(addInput, addParameter []bool) error
}

// node is an op with its output.
type node[T cuda.Float] struct {
	op  op[T]
	out *Var[T]
}

// plan is what a Backward from one variable does.
type plan[T cuda.Float] struct {
	steps     []step[T]
	unreached []*Param // whose gradient is zero
	zeros     []T
	update    *update[T] // what Update needs beside, nil before the first
}

// step is an op whose output has a gradient.
type step[T cuda.Float] struct {
	op                     op[T]
	addInput, addParameter []bool
	deferred               bool // Update takes its product's gradient by itself
}

// Tape is a computation recorded once and played often: ops called in order by Go code, then Forward computes all values
// and Backward all gradients, without allocating after the first time. What is recorded does not depend on the numbers;
// another batch size is another tape of the same store.
//
// A Tape is for one goroutine.
type Tape[T cuda.Float] struct {
	dev     cuda.Device
	store   *Store[T]
	weights Weights // array that parameters are read from
	train   bool    // gradients of the parameters
	nodes   []node[T]
	bufs    []cuda.Buffer
	// deferring tells the op whose backward runs that the gradient of its dense product is not wanted.
	deferring bool
	wish      int         // numbers that an op's way back needs for itself
	room      cuda.Buffer // where they are
	plans     map[*Var[T]]*plan[T]
	squares   cuda.Buffer // of the gradient's norm, one float64; none before the first Update
	err       error       // the first wrong call
}

// NewTape returns an empty tape whose ops read their parameters from the given array of the store, Value or EMA. With
// train, Backward also computes the gradients of the parameters, into Grad.
func NewTape[T cuda.Float](s *Store[T], weights Weights, train bool) (*Tape[T], error) {
	err := s.has(weights)
	if err == nil && train {
		err = s.has(Grad)
	}
	if err != nil {
		return nil, err
	}
	if weights != Value && (weights != EMA || train) {
		return nil, fmt.Errorf("nn: a tape over array %v (train: %v): value, or ema without train", weights, train)
	}
	return &Tape[T]{dev: s.dev, store: s, weights: weights, train: train, plans: map[*Var[T]]*plan[T]{}}, nil
}

// Err is the first error of the calls that recorded the tape: shapes that do not fit, lack of memory. Forward and
// Backward return it too.
func (t *Tape[T]) Err() error { return t.err }

// fail keeps the first error.
func (t *Tape[T]) fail(format string, args ...any) {
	if t.err == nil {
		t.err = fmt.Errorf("nn: "+format, args...)
	}
}

// alloc returns memory of the tape for n elements.
func (t *Tape[T]) alloc(n int) cuda.Buffer {
	return t.scratch(n * cuda.SizeOf[T]())
}

// scratch returns memory of the tape.
func (t *Tape[T]) scratch(bytes int) cuda.Buffer {
	if t.err != nil || bytes == 0 {
		return cuda.Buffer{}
	}
	b, err := t.dev.Alloc(bytes)
	if err != nil {
		t.err = err
		return cuda.Buffer{}
	}
	t.bufs = append(t.bufs, b)
	return b
}

// Bytes is the memory that the tape holds.
func (t *Tape[T]) Bytes() int {
	n := 0
	for _, b := range t.bufs {
		n += b.Bytes()
	}
	return n
}

// Free gives the tape's memory back. The tape and its variables must not be used any more.
func (t *Tape[T]) Free() error {
	var errs []error
	for _, b := range t.bufs {
		errs = append(errs, t.dev.Free(b))
	}
	t.bufs = nil
	if t.err == nil {
		t.err = errors.New("nn: the tape was freed")
	}
	return errors.Join(errs...)
}

// newVar makes a variable with memory for its value.
func (t *Tape[T]) newVar(shape ...int) *Var[T] {
	v := &Var[T]{tape: t, shape: slices.Clone(shape)}
	n, err := tensor.Elements(shape)
	if err == nil && (len(shape) == 0 || n == 0) {
		err = fmt.Errorf("shape %v has no elements", shape)
	}
	if err != nil {
		t.fail("variable: %w", err)
		return v
	}
	v.n = n
	v.value = t.alloc(n)
	return v
}

// Input is a variable that the caller fills with Set before a Forward. With grad, Backward computes the gradient with
// respect to it.
func (t *Tape[T]) Input(grad bool, shape ...int) *Var[T] {
	v := t.newVar(shape...)
	v.needs = grad
	return v
}

// record appends an op and returns its output, of the given shape. ok false, or an earlier error, records nothing.
func (t *Tape[T]) record(out *Var[T], o op[T]) *Var[T] {
	if t.err != nil {
		return out
	}
	for _, v := range o.inputs() {
		if v.tape != t {
			t.fail("a variable of another tape is input of %T", o)
			return out
		}
		out.needs = out.needs || v.needs
	}
	out.needs = out.needs || t.train && len(o.parameters()) > 0
	t.nodes = append(t.nodes, node[T]{o, out})
	clear(t.plans)
	return out
}

// Forward computes all values from the inputs.
func (t *Tape[T]) Forward() error {
	if t.err != nil {
		return t.err
	}
	for i := range t.nodes {
		if err := t.nodes[i].op.forward(); err != nil {
			return fmt.Errorf("nn: op %d, %T: %w", i, t.nodes[i].op, err)
		}
	}
	return nil
}

// Root is where a Backward starts: a *Var, whose gradient SetGrad has filled, or a *Loss, whose gradient is 1.
type Root[T cuda.Float] interface{ root() *Var[T] }

func (v *Var[T]) root() *Var[T] { return v }

// Backward computes, for the values of the last Forward, the gradients of the loss, or of sum(w v) for a variable v whose
// gradient was set to w, with respect to the inputs that want one and, on a tape for training, to the parameters (array
// Grad, overwritten; those that it does not depend on get zero). So DenoiseVJP is Forward, SetGrad, Backward on a tape
// without train. The gradients of the variables between are no result: some may be overwritten on the way.
func (t *Tape[T]) Backward(from Root[T]) error {
	p, err := t.planned(from)
	if err != nil {
		return err
	}
	return t.back(p, false)
}

// planned returns the plan of a Backward, made at the first time.
func (t *Tape[T]) planned(from Root[T]) (*plan[T], error) {
	out := from.root()
	p := t.plans[out]
	if p == nil || t.err != nil {
		if p = t.plan(out); t.err != nil {
			return nil, t.err
		}
		t.plans[out] = p
	}
	return p, nil
}

// back carries a plan out; with update but for the gradients that are deferred.
func (t *Tape[T]) back(p *plan[T], update bool) error {
	for _, u := range p.unreached {
		if err := t.dev.Upload(t.store.at(Grad, u), bytesOf(p.zeros[:u.n])); err != nil {
			return err
		}
	}
	for i := range p.steps {
		s := &p.steps[i]
		t.deferring = update && s.deferred
		if err := s.op.backward(s.addInput, s.addParameter); err != nil {
			return fmt.Errorf("nn: backward of %T: %w", s.op, err)
		}
	}
	return nil
}

// gradient lays out the gradient of a variable.
func (t *Tape[T]) gradient(v *Var[T]) {
	if v.grad.IsNil() {
		v.grad = t.alloc(v.n)
	}
}

// plan finds which ops a Backward from out runs, in reverse order, and which of them come first to each gradient.
func (t *Tape[T]) plan(out *Var[T]) *plan[T] {
	if t.err == nil && (out == nil || out.tape != t || !out.needs) {
		t.fail("backward from a variable that depends on no input or parameter whose gradient is wanted")
	}
	if t.err != nil {
		return nil
	}
	p := &plan[T]{}
	t.gradient(out)
	if t.room.Bytes() < t.wish*cuda.SizeOf[T]() {
		t.room = t.alloc(t.wish)
	}
	reached, have := map[*Var[T]]bool{out: true}, map[*Param]bool{}
	for _, n := range slices.Backward(t.nodes) {
		if !reached[n.out] || !n.out.needs {
			continue
		}
		s := step[T]{op: n.op}
		for _, v := range n.op.inputs() {
			s.addInput = append(s.addInput, reached[v])
			if v.needs {
				t.gradient(v)
				reached[v] = true
			}
		}
		for _, q := range n.op.parameters() {
			s.addParameter = append(s.addParameter, have[q])
			have[q] = true
		}
		p.steps = append(p.steps, s)
	}
	if t.train {
		for _, q := range t.store.params {
			if !have[q] {
				p.unreached = append(p.unreached, q)
				p.zeros = slices.Grow(p.zeros[:0], q.n)[:max(q.n, cap(p.zeros))]
			}
		}
	}
	return p
}

// Set copies x, of the variable's number of elements, to its value.
func (v *Var[T]) Set(x []T) error { return v.upload(v.value, x, "value") }

// SetGrad copies w to the variable's gradient, from where Backward starts.
func (v *Var[T]) SetGrad(w []T) error {
	v.tape.gradient(v)
	return v.upload(v.grad, w, "gradient")
}

// Buffer is where the value lies: for kernels that fill an input on the device.
func (v *Var[T]) Buffer() cuda.Buffer { return v.value }

// Get copies the value to dst.
func (v *Var[T]) Get(dst []T) error { return v.download(dst, v.value, "value") }

// Grad copies the gradient of the last Backward to dst.
func (v *Var[T]) Grad(dst []T) error { return v.download(dst, v.grad, "gradient") }

func (v *Var[T]) upload(b cuda.Buffer, x []T, what string) error {
	if err := v.check(b, len(x), what); err != nil {
		return err
	}
	return v.tape.dev.Upload(b, bytesOf(x))
}

func (v *Var[T]) download(dst []T, b cuda.Buffer, what string) error {
	if err := v.check(b, len(dst), what); err != nil {
		return err
	}
	return v.tape.dev.Download(bytesOf(dst), b)
}

func (v *Var[T]) check(b cuda.Buffer, n int, what string) error {
	switch {
	case v.tape.err != nil:
		return v.tape.err
	case b.IsNil():
		return fmt.Errorf("nn: a variable of shape %v has no %s: none is wanted or no Backward was done", v.shape, what)
	case n != v.n:
		return fmt.Errorf("nn: %d numbers for the %s of a variable of shape %v, which has %d", n, what, v.shape, v.n)
	}
	return nil
}
