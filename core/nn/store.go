package nn

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/waveprior/waveprior/core/machine"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
)

// Weights names one of the arrays of a Store.
type Weights int

// The arrays of a Store: the parameters, their running mean, and what training needs beside them.
const (
	Value  Weights = iota // the parameters
	EMA                   // their running mean
	Grad                  // the gradient of the last Backward
	First                 // Adam's first moment
	Second                // Adam's second moment
	arrays
)

var arrayNames = [arrays]string{"value", "ema", "grad", "m", "v"}

func (w Weights) String() string { return arrayNames[w] }

// Mode says what a Store is for.
type Mode int

const (
	// ForInference is for Value alone, which Load fills from a checkpoint's running mean.
	ForInference Mode = iota
	// ForTraining is for all arrays.
	ForTraining
)

// Param is a named parameter: the same part of every array of its Store. Its elements are row-major.
type Param struct {
	Name  string
	Shape []int
	init  initial
	at, n int // first element and number of elements
}

// Len is the number of elements.
func (p *Param) Len() int { return p.n }

// initial is how a parameter starts: U(-bound, bound), or fill everywhere where bound is 0.
type initial struct{ bound, fill float64 }

// Uniform starts a parameter at U(-1/sqrt(fanIn), 1/sqrt(fanIn)).
func uniform(fanIn int) initial { return initial{bound: 1 / math.Sqrt(float64(fanIn))} }

// constant starts a parameter at v.
func constant(v float64) initial { return initial{fill: v} }

// alignment of parameters, in bytes: a cache line, so that no two of them share one and vector loads are aligned.
const alignment = 64

// Store holds the parameters of a network: layers declare them (Linear, LayerNorm, ...), then Allocate lays each of the
// arrays Value, EMA, Grad, First, Second out as one piece of memory, so that the optimiser is one pass over all of it. Between parameters there are up to 63 bytes that are zero in all arrays and stay so.
//
// A Store is for one goroutine; tapes of one Store share its arrays.
type Store[T cuda.Float] struct {
	dev    cuda.Device
	mode   Mode
	params []*Param
	names  map[string]*Param
	size   int // elements of an array, with the gaps
	buf    [arrays]cuda.Buffer
	norm   cuda.Buffer // scratch of Step
	ready  bool
	err    error // the first wrong declaration
}

// NewStore returns a store without parameters on a device, which must outlive it.
func NewStore[T cuda.Float](dev cuda.Device) *Store[T] {
	return &Store[T]{dev: dev, names: map[string]*Param{}}
}

// Device is where the store lies.
func (s *Store[T]) Device() cuda.Device { return s.dev }

// declare adds a parameter. A wrong one is kept as the store's error, which Allocate returns.
func (s *Store[T]) declare(name string, init initial, shape ...int) *Param {
	p := &Param{Name: name, Shape: slices.Clone(shape), init: init}
	n, err := tensor.Elements(shape)
	switch {
	case s.ready:
		err = errors.New("the store is allocated already")
	case err != nil:
	case n == 0:
		err = fmt.Errorf("shape %v has no elements", shape)
	case s.names[name] != nil:
		err = fmt.Errorf("the name is taken by a parameter of shape %v", s.names[name].Shape)
	}
	if err != nil {
		if s.err == nil {
			s.err = fmt.Errorf("nn: parameter %q: %w", name, err)
		}
		return p
	}
	p.n = n
	s.params, s.names[name] = append(s.params, p), p
	return p
}

// layOut gives every parameter its place: first those of one axis (biases, scales), then the matrices, each in the order of
// declaration. So what is left when the matrices are updated by themselves (Tape.Update) is one piece.
func (s *Store[T]) layOut() {
	gap := alignment / cuda.SizeOf[T]()
	s.size = 0
	for _, matrices := range []bool{false, true} {
		for _, p := range s.params {
			if len(p.Shape) > 1 == matrices {
				p.at = s.size
				s.size += (p.n + gap - 1) / gap * gap
			}
		}
	}
}

// Allocate makes the arrays, all zero: Init or Load fills them. It returns the first error of the declarations (a name
// used twice, a shape without elements), or that of the device.
func (s *Store[T]) Allocate(mode Mode) error {
	switch {
	case s.err != nil:
		return s.err
	case s.ready:
		return errors.New("nn: the store is allocated already")
	}
	if need, free := uint64(s.Bytes(mode)), machine.Available(); s.dev.Name() == "cpu" && need > free {
		return fmt.Errorf("nn: %d parameters take %d MiB, and %d MiB of memory are free: make the network smaller", s.Count(), need>>20, free>>20)
	}
	s.mode, s.ready = mode, true
	n := Weights(1)
	if mode == ForTraining {
		n = arrays
	}
	for w := range n {
		b, err := s.dev.Alloc(s.size * cuda.SizeOf[T]())
		if err != nil {
			return fmt.Errorf("nn: array %v of %d parameters: %w", w, s.Count(), err)
		}
		s.buf[w] = b
	}
	return nil
}

// Free gives the memory back; tapes of the store must not be used any more.
func (s *Store[T]) Free() error {
	var errs []error
	for w := range s.buf {
		if !s.buf[w].IsNil() {
			errs = append(errs, s.dev.Free(s.buf[w]))
			s.buf[w] = cuda.Buffer{}
		}
	}
	if !s.norm.IsNil() {
		errs = append(errs, s.dev.Free(s.norm))
		s.norm = cuda.Buffer{}
	}
	return errors.Join(errs...)
}

// Count is the number of parameters, each element counted.
func (s *Store[T]) Count() int {
	n := 0
	for _, p := range s.params {
		n += p.n
	}
	return n
}

// Bytes is what Allocate takes in a mode.
func (s *Store[T]) Bytes(mode Mode) int {
	s.layOut()
	if mode == ForTraining {
		return int(arrays) * s.size * cuda.SizeOf[T]()
	}
	return s.size * cuda.SizeOf[T]()
}

// Params returns the parameters in the order of declaration.
func (s *Store[T]) Params() []*Param { return slices.Clone(s.params) }

// Param returns a parameter by name, nil if there is none.
func (s *Store[T]) Param(name string) *Param { return s.names[name] }

// at is a parameter's part of an array.
func (s *Store[T]) at(w Weights, p *Param) cuda.Buffer {
	size := cuda.SizeOf[T]()
	return s.buf[w].Slice(p.at*size, p.n*size)
}

// has returns an error unless the store has that array.
func (s *Store[T]) has(w Weights) error {
	if w < 0 || w >= arrays || s.buf[w].IsNil() {
		return fmt.Errorf("nn: the store has no array %q: it was not allocated, or for inference only", arrayNames[min(max(w, 0), arrays-1)])
	}
	return nil
}

// Init starts the parameters: weights and biases of linear layers at U(-1/sqrt(fan-in), 1/sqrt(fan-in)), those of
// normalisations at 1 and 0. Element i of a parameter is bound (2 u_i - 1) with u_i uniform number i of the Philox stream
// (seed, "nn/init/" + name), so it depends on no other parameter. The running mean starts as a copy; the moments are zero.
func (s *Store[T]) Init(seed uint64) error {
	if err := s.has(Value); err != nil {
		return err
	}
	const piece = 1 << 16
	u, x := make([]float64, 0, piece), make([]T, 0, piece)
	size := cuda.SizeOf[T]()
	for _, p := range s.params {
		src := rng.New(seed, "nn/init/"+p.Name).At(0, 0, 0)
		for lo := 0; lo < p.n; lo += piece {
			n := min(piece, p.n-lo)
			u, x = u[:n], x[:n]
			for i := range x {
				if p.init.bound == 0 {
					x[i] = T(p.init.fill)
				} else {
					x[i] = T(p.init.bound * math.FMA(2, src.Uniform(lo+i), -1))
				}
			}
			for _, w := range []Weights{Value, EMA} {
				if s.buf[w].IsNil() {
					continue
				}
				if err := s.dev.Upload(s.buf[w].Slice((p.at+lo)*size, n*size), bytesOf(x)); err != nil {
					return fmt.Errorf("nn: parameter %q: %w", p.Name, err)
				}
			}
		}
	}
	return nil
}

// Get copies a parameter out of an array.
func (s *Store[T]) Get(w Weights, name string) (*tensor.Tensor, error) {
	p, err := s.find(w, name)
	if err != nil {
		return nil, err
	}
	t := tensor.New(dtypeOf[T](), p.Shape...)
	return t, s.dev.Download(t.Data, s.at(w, p))
}

// borrow is Get without a copy where the CPU can read the array.
func (s *Store[T]) borrow(w Weights, p *Param) (*tensor.Tensor, error) {
	if b := cuda.View[byte](s.at(w, p)); b != nil {
		return &tensor.Tensor{DType: dtypeOf[T](), Shape: p.Shape, Data: b}, s.dev.Synchronise()
	}
	return s.Get(w, p.Name)
}

// Set copies t, of the parameter's shape and the store's dtype, into an array.
func (s *Store[T]) Set(w Weights, name string, t *tensor.Tensor) error {
	p, err := s.find(w, name)
	if err != nil {
		return err
	}
	if err := t.Check(fmt.Sprintf("nn: parameter %q", name), dtypeOf[T](), p.Shape...); err != nil {
		return err
	}
	return s.dev.Upload(s.at(w, p), t.Data)
}

func (s *Store[T]) find(w Weights, name string) (*Param, error) {
	if err := s.has(w); err != nil {
		return nil, err
	}
	p := s.names[name]
	if p == nil {
		return nil, fmt.Errorf("nn: no parameter %q among %d", name, len(s.params))
	}
	return p, nil
}

// dtypeOf is the tensor dtype of a T.
func dtypeOf[T cuda.Float]() tensor.DType {
	if cuda.SizeOf[T]() == 4 {
		return tensor.Float32
	}
	return tensor.Float64
}

// bytesOf is the memory of x as bytes.
func bytesOf[T cuda.Float](x []T) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*cuda.SizeOf[T]())
}
