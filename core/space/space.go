// Package space says what the numbers of a tensor mean (axes, quantities, units, bounds) and adapts one space to
// another: what is known and differentiable is put between a prior that decodes to one space and a solver that takes
// another, each adapter with its exact transpose. Where it cannot, it says why.
//
//	a, err := space.Between(decoded, taken)     // vp in m/s on 70 x 70, float32, to squared slowness on 128 x 128
//	failed, err := a.Apply(x, y)                // batches; failed[i] says what is wrong with item i
//	failed, err = a.VJP(x, w, dx)               // the exact transpose, K directions per item
//
// Main types: [Space] (with [Axis] and [Quantity]), [Adapter] (from [Between], [FromOptions] for what an experiment asks
// for by itself, [Chain], [New] for a [Map] of one's own).
//
// It moves no data between processes, clamps nothing unasked, and is no array library: an adapter works item by item in
// float64 and is meant for models and data that cost far more to simulate than to copy.
package space

import (
	"fmt"
	"math"
	"strings"

	"github.com/waveprior/waveprior/core/tensor"
)

// Axis is one axis of an item (without the batch), slowest first.
type Axis struct {
	Name   string    `json:"name"`             // "coordinate", "field", "z", "x", "frequency", "shot", "component", "time", "receiver", "channel"
	Unit   string    `json:"unit,omitempty"`   // of Origin, Step and Values: "m", "s", "Hz"; "" where there is none
	Size   int       `json:"size"`             //
	Origin float64   `json:"origin,omitempty"` // position of index 0
	Step   float64   `json:"step,omitempty"`   // spacing of a regular axis, 0: no positions
	Values []float64 `json:"values,omitempty"` // positions of an irregular axis (size), instead of Origin and Step

	// Depths are those of the points of a shot or receiver axis (size), whose positions are then their offsets along x, in the same
	// unit; nil: not said. Data that were recorded elsewhere are other data (Between, Unsaid).
	Depths []float64 `json:"depths,omitempty"`
}

// Quantity is what a number is. A space with a "field" or "component" axis has one Quantity per index of that axis;
// any other space has exactly one.
type Quantity struct {
	Name  string   `json:"name"`            // "squared_slowness", "vp", "vs", "rho", "pressure", "latent", ...
	Unit  string   `json:"unit,omitempty"`  // "s2/km2", "m/s", "kg/m3", "1"
	Lower *float64 `json:"lower,omitempty"` // allowed values, nil: unbounded
	Upper *float64 `json:"upper,omitempty"`
}

// Space describes one item: its shape is the sizes of Axes in order. A batch of items has one more axis in front.
type Space struct {
	Name       string       `json:"name"` // "model", "data", "latent"
	DType      tensor.DType `json:"dtype"`
	Axes       []Axis       `json:"axes"`
	Quantities []Quantity   `json:"quantities"`
}

// ItemShape returns the sizes of the axes.
func (s *Space) ItemShape() []int {
	shape := make([]int, len(s.Axes))
	for i, a := range s.Axes {
		shape[i] = a.Size
	}
	return shape
}

// BatchShape returns n followed by the sizes of the axes.
func (s *Space) BatchShape(n int) []int { return append([]int{n}, s.ItemShape()...) }

// Len returns the number of elements of an item.
func (s *Space) Len() int {
	n := 1
	for _, a := range s.Axes {
		n *= a.Size
	}
	return n
}

// Reals returns the number of real numbers of an item: a complex element counts as two.
func (s *Space) Reals() int {
	if s.DType.IsComplex() {
		return 2 * s.Len()
	}
	return s.Len()
}

// New returns a zeroed batch of n items.
func (s *Space) New(n int) *tensor.Tensor { return tensor.New(s.DType, s.BatchShape(n)...) }

// Check returns an error wrapping tensor.ErrShape unless t is a batch of n items (n = -1: any number).
func (s *Space) Check(what string, t *tensor.Tensor, n int) error {
	return t.Check(what, s.DType, s.BatchShape(n)...)
}

// fieldAxis returns the index of the "field" or "component" axis, -1 if there is none.
func (s *Space) fieldAxis() int {
	for i, a := range s.Axes {
		if a.Name == "field" || a.Name == "component" {
			return i
		}
	}
	return -1
}

// Validate returns an error naming the first thing that is inconsistent.
func (s *Space) Validate() error {
	if s.DType.Size() == 0 {
		return fmt.Errorf("space %s: %v", s.Name, s.DType)
	}
	if _, err := tensor.Elements(s.ItemShape()); err != nil {
		return fmt.Errorf("space %s: %w", s.Name, err)
	}
	lists := ""
	for i, a := range s.Axes {
		if a.Size < 1 {
			return fmt.Errorf("space %s: axis %s has size %d", s.Name, a.Name, a.Size)
		}
		if s.axis(a.Name) != i {
			return fmt.Errorf("space %s: two axes named %q", s.Name, a.Name)
		}
		if a.Name == "field" || a.Name == "component" {
			if lists != "" {
				return fmt.Errorf("space %s: axes %s and %s both (allowed: one that lists quantities)", s.Name, lists, a.Name)
			}
			lists = a.Name
		}
		if !(a.Step >= 0) || math.IsInf(a.Step, 0) || math.IsNaN(a.last()) || math.IsInf(a.last(), 0) {
			return fmt.Errorf("space %s: axis %s of %d positions from %g in steps of %g (allowed: finite, step >= 0)", s.Name, a.Name, a.Size, a.Origin, a.Step)
		}
		for j, v := range a.Values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("space %s: axis %s has position %g at %d (allowed: finite)", s.Name, a.Name, v, j)
			}
		}
		if len(a.Values) > 0 && len(a.Values) != a.Size {
			return fmt.Errorf("space %s: axis %s has %d positions for size %d", s.Name, a.Name, len(a.Values), a.Size)
		}
		if len(a.Depths) > 0 && len(a.Depths) != a.Size {
			return fmt.Errorf("space %s: axis %s has %d depths for size %d", s.Name, a.Name, len(a.Depths), a.Size)
		}
		for j, v := range a.Depths {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("space %s: axis %s has depth %g at %d (allowed: finite)", s.Name, a.Name, v, j)
			}
		}
	}
	want := 1
	if f := s.fieldAxis(); f >= 0 {
		want = s.Axes[f].Size
	}
	if len(s.Quantities) != want {
		return fmt.Errorf("space %s: %d quantities, its axes ask for %d", s.Name, len(s.Quantities), want)
	}
	for _, q := range s.Quantities {
		if q.Lower != nil && q.Upper != nil && !(*q.Lower <= *q.Upper) {
			return fmt.Errorf("space %s: %s has bounds %g..%g", s.Name, q.Name, *q.Lower, *q.Upper)
		}
	}
	return nil
}

// FirstOutside looks for a value of one item that is NaN, infinite or outside its quantity's bounds, and describes the
// first one with its index and the bounds. ok is true where there is none.
func (s *Space) FirstOutside(item *tensor.Tensor) (text string, ok bool) {
	v := item.AppendReals(nil)
	per := 1
	if s.DType.IsComplex() {
		per = 2
	}
	inner, nf := s.Len(), 1
	if f := s.fieldAxis(); f >= 0 {
		nf = s.Axes[f].Size
		inner = 1
		for _, a := range s.Axes[f+1:] {
			inner *= a.Size
		}
	}
	for i, x := range v {
		q := s.Quantities[(i/per/inner)%nf]
		switch {
		case math.IsNaN(x) || math.IsInf(x, 0):
			return fmt.Sprintf("%s is %g at %v, it must be finite", q.Name, x, s.index(i/per)), false
		case q.Lower != nil && x < *q.Lower:
			return fmt.Sprintf("%s is %g%s at %v, below its lower bound %g", q.Name, x, unitText(q.Unit), s.index(i/per), *q.Lower), false
		case q.Upper != nil && x > *q.Upper:
			return fmt.Sprintf("%s is %g%s at %v, above its upper bound %g", q.Name, x, unitText(q.Unit), s.index(i/per), *q.Upper), false
		}
	}
	return "", true
}

// index turns a flat element number into an index per axis.
func (s *Space) index(i int) []int {
	idx := make([]int, len(s.Axes))
	for a := len(s.Axes) - 1; a >= 0; a-- {
		idx[a] = i % s.Axes[a].Size
		i /= s.Axes[a].Size
	}
	return idx
}

func (s *Space) String() string {
	if s == nil {
		return "(none)"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %v (", s.Name, s.DType)
	for i, a := range s.Axes {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %d", a.Name, a.Size)
	}
	b.WriteString(")")
	for i, q := range s.Quantities {
		sep := ", "
		if i == 0 {
			sep = " of "
		}
		fmt.Fprintf(&b, "%s%s", sep, q.Name)
		if q.Unit != "" {
			fmt.Fprintf(&b, " [%s]", q.Unit)
		}
	}
	return b.String()
}

// unitText is a unit as it stands behind a number: nothing for one without.
func unitText(u string) string {
	if u == "" || u == "1" {
		return ""
	}
	return " " + u
}
