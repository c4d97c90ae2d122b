package space

import (
	"errors"
	"fmt"
	"strings"

	"github.com/waveprior/waveprior/core/tensor"
)

// ErrNoAdapter is wrapped by every error that says why one space cannot be turned into another.
var ErrNoAdapter = errors.New("space: no adapter")

// Map is one differentiable step of an adapter on one item, given as its real numbers in float64 (a complex element is
// real, imaginary). The lengths are those of the spaces; x, dx and w are read-only, the last argument is overwritten
// and never overlaps them. A Map keeps no state, so that it can be called from several goroutines; any map within an
// item fits (a power of each value, a field computed from others, an interpolation).
type Map interface {
	// Apply fills y = A(x). An error concerns this item alone and names the value that cannot be mapped.
	Apply(x, y []float64) error
	// JVP fills dy = A'(x) dx. Where ConstantJacobian is true, x may be nil.
	JVP(x, dx, dy []float64)
	// VJP fills dx = A'(x)^T w. Where ConstantJacobian is true, x may be nil.
	VJP(x, w, dx []float64)
	// ConstantJacobian reports whether A is affine, so that A' needs no point.
	ConstantJacobian() bool
}

// stage is a Map with the number of reals it gives. It takes what the stage before it gives.
type stage struct {
	m    Map
	nOut int
}

// Adapter turns batches of one space into batches of another: a chain of Maps with one conversion to float64 at its
// start and one rounding to the output's dtype at its end. It has no state: an Adapter can be used by several goroutines,
// and each item's result depends on that item alone, to the last bit.
type Adapter struct {
	in, out Space
	names   []string
	stages  []stage
}

// New returns an adapter of one Map from in to out, under the name that Name gives.
func New(name string, in, out Space, m Map) (*Adapter, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	if err := out.Validate(); err != nil {
		return nil, err
	}
	for _, s := range []Space{in, out} {
		if !adaptable(s.DType) {
			return nil, fmt.Errorf("space: adapter %s: %v is not float32, float64, complex64 or complex128", name, s.DType)
		}
	}
	return &Adapter{in: in, out: out, names: []string{name}, stages: []stage{{m, out.Reals()}}}, nil
}

func adaptable(d tensor.DType) bool {
	return d == tensor.Float32 || d == tensor.Float64 || d.IsComplex()
}

// Identity returns the adapter that changes nothing.
func Identity(s Space) *Adapter { return &Adapter{in: s, out: s} }

// relabel returns an adapter from in to out, which hold the same reals in the same order.
func relabel(name string, in, out Space) *Adapter {
	return &Adapter{in: in, out: out, names: []string{name}}
}

// Cast returns the adapter to another floating-point dtype of the same kind: float32 and float64, complex64 and
// complex128. It rounds to nearest; its derivative is the identity.
func Cast(in Space, to tensor.DType) (*Adapter, error) {
	if !adaptable(in.DType) || !adaptable(to) || in.DType.IsComplex() != to.IsComplex() {
		return nil, fmt.Errorf("%w: cast of %s from %v to %v (allowed: float32 <-> float64, complex64 <-> complex128)",
			ErrNoAdapter, in.Name, in.DType, to)
	}
	out := in
	out.DType = to
	if to == in.DType {
		return Identity(in), nil
	}
	return relabel(to.String(), in, out), nil
}

// Chain returns the composition that applies the adapters in order: A_n(...A_1(x)). Its derivatives are the exact chain
// rule at the float64 points in between; dtypes in between round nothing. What one gives must be what the next takes.
func Chain(adapters ...*Adapter) (*Adapter, error) {
	if len(adapters) == 0 {
		return nil, errors.New("space: Chain of no adapters has no spaces; use Identity")
	}
	c := &Adapter{in: adapters[0].in, out: adapters[0].out}
	for i, a := range adapters {
		if why := differ(&c.out, &a.in); i > 0 && why != "" {
			return nil, fmt.Errorf("%w: %s gives %s, %s takes %s: %s", ErrNoAdapter, adapters[i-1].Name(), &c.out, a.Name(), &a.in, why)
		}
		c.out = a.out
		c.names = append(c.names, a.names...)
		c.stages = append(c.stages, a.stages...)
	}
	return c, nil
}

// In returns the space that the adapter takes. It is shared: do not change it.
func (a *Adapter) In() *Space { return &a.in }

// Out returns the space that the adapter gives. It is shared: do not change it.
func (a *Adapter) Out() *Space { return &a.out }

// Name lists the steps in order, "identity" where there are none.
func (a *Adapter) Name() string {
	if len(a.names) == 0 {
		return "identity"
	}
	return strings.Join(a.names, " -> ")
}

// IsIdentity reports whether input and output have the same bytes and shape.
func (a *Adapter) IsIdentity() bool {
	return len(a.stages) == 0 && a.in.DType == a.out.DType && equalInts(a.in.ItemShape(), a.out.ItemShape())
}

// ConstantJacobian reports whether the adapter is affine: JVP and VJP then do not look at x, which may be nil.
func (a *Adapter) ConstantJacobian() bool {
	for _, s := range a.stages {
		if !s.m.ConstantJacobian() {
			return false
		}
	}
	return true
}

// Apply fills y (batch, out...) for x (batch, in...). The first result has one error per item, nil where it went well,
// and is nil when all did; an item that failed leaves its part of y unspecified. The second wraps tensor.ErrShape.
func (a *Adapter) Apply(x, y *tensor.Tensor) ([]error, error) {
	if err := a.in.Check("adapter "+a.Name()+": input", x, -1); err != nil {
		return nil, err
	}
	n := x.Batch()
	if err := a.out.Check("adapter "+a.Name()+": output", y, n); err != nil {
		return nil, err
	}
	if a.IsIdentity() {
		y.CopyFrom(x)
		return nil, nil
	}
	var failed []error
	p := a.newPoints()
	for i := range n {
		if err := p.walk(x.Item(i), len(a.stages)); err != nil {
			failed = setError(failed, n, i, err)
			continue
		}
		y.Item(i).SetReals(p.at[len(a.stages)])
	}
	return failed, nil
}

// JVP fills dy (batch, K, out...) with A'(x_i) dx[i,k] for dx (batch or 1, K, in...): one set of directions per item or
// one for all. x (batch, in...) may be nil if ConstantJacobian; the batch is then dy's. Items fail as in Apply.
func (a *Adapter) JVP(x, dx, dy *tensor.Tensor) ([]error, error) {
	return a.linear("JVP", x, dx, dy, &a.in, &a.out, func(p *points, v []float64) []float64 {
		for s, st := range a.stages {
			out := p.direction(s, st.nOut)
			st.m.JVP(p.point(s), v, out)
			v = out
		}
		return v
	})
}

// VJP fills dx (batch, K, in...) with A'(x_i)^T w[i,k] for w (batch or 1, K, out...). x as for JVP; the batch is dx's.
func (a *Adapter) VJP(x, w, dx *tensor.Tensor) ([]error, error) {
	return a.linear("VJP", x, w, dx, &a.out, &a.in, func(p *points, v []float64) []float64 {
		for s := len(a.stages) - 1; s >= 0; s-- {
			n := a.in.Reals()
			if s > 0 {
				n = a.stages[s-1].nOut
			}
			out := p.direction(s, n)
			a.stages[s].m.VJP(p.point(s), v, out)
			v = out
		}
		return v
	})
}

// linear is the loop that JVP and VJP share: push carries one direction through the stages at the points p.
func (a *Adapter) linear(what string, x, u, v *tensor.Tensor, from, to *Space, push func(*points, []float64) []float64) ([]error, error) {
	who := "adapter " + a.Name() + ": " + what
	if u == nil || v == nil || len(u.Shape) < 2 || len(v.Shape) < 2 {
		return nil, fmt.Errorf("%w: %s needs an input and an output of shape (batch, K, item...)", tensor.ErrShape, who)
	}
	n, k := v.Shape[0], v.Shape[1]
	shared := u.Shape[0] == 1
	if x == nil && !a.ConstantJacobian() {
		return nil, fmt.Errorf("%w: %s: the point is missing and the adapter is not affine", tensor.ErrShape, who)
	}
	if x != nil {
		if err := a.in.Check(who+": point", x, n); err != nil {
			return nil, err
		}
	}
	nu := n
	if shared {
		nu = 1
	}
	if err := u.Check(who+": input", from.DType, append([]int{nu, k}, from.ItemShape()...)...); err != nil {
		return nil, err
	}
	if err := v.Check(who+": output", to.DType, append([]int{n, k}, to.ItemShape()...)...); err != nil {
		return nil, err
	}
	var failed []error
	p := a.newPoints()
	var buf []float64
	for i := range n {
		if !a.ConstantJacobian() {
			if err := p.walk(x.Item(i), len(a.stages)); err != nil {
				failed = setError(failed, n, i, err)
				continue
			}
		}
		ui := u.Item(0)
		if !shared {
			ui = u.Item(i)
		}
		vi := v.Item(i)
		for j := range k {
			buf = ui.Item(j).AppendReals(buf[:0])
			vi.Item(j).SetReals(push(p, buf))
		}
	}
	return failed, nil
}

// points is the scratch of one call: the item at every stage, and two direction buffers per call in turn.
type points struct {
	a   *Adapter
	at  [][]float64 // at[s] is what stage s takes, at[len(stages)] the result
	dir [][]float64
}

func (a *Adapter) newPoints() *points {
	p := &points{a: a, at: make([][]float64, len(a.stages)+1), dir: make([][]float64, len(a.stages))}
	for s, st := range a.stages {
		p.at[s+1] = make([]float64, st.nOut)
	}
	return p
}

// walk computes the item after each of the first n stages.
func (p *points) walk(item *tensor.Tensor, n int) error {
	p.at[0] = item.AppendReals(p.at[0][:0])
	for s := range n {
		if err := p.a.stages[s].m.Apply(p.at[s], p.at[s+1]); err != nil {
			return err
		}
	}
	return nil
}

// point returns what stage s takes; meaningless, and not looked at, for an affine stage of an affine adapter.
func (p *points) point(s int) []float64 { return p.at[s] }

// direction returns the buffer of stage s, of n reals.
func (p *points) direction(s, n int) []float64 {
	if cap(p.dir[s]) < n {
		p.dir[s] = make([]float64, n)
	}
	return p.dir[s][:n]
}

func setError(errs []error, n, i int, err error) []error {
	if errs == nil {
		errs = make([]error, n)
	}
	errs[i] = err
	return errs
}

func equalInts(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
