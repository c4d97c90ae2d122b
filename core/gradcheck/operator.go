package gradcheck

import "fmt"

// Operator is a function with its derivatives on real vectors: F(x), J(x) dx and J(x)^T w. None may keep or change its
// arguments.
type Operator struct {
	F        func(x []float64) ([]float64, error)
	JVP, VJP func(x, u []float64) ([]float64, error)
}

// Measure makes both tests of an operator at x: the dot product of J dx with w, and the Taylor table along dx. Options.Jx
// is computed if it is nil. Errors are the operator's, with the call that gave them.
func (o Operator) Measure(x, dx, w []float64, opts Options) (Dot, *Table, error) {
	jdx, err := o.JVP(x, dx)
	if err != nil {
		return Dot{}, nil, fmt.Errorf("gradcheck: J dx: %w", err)
	}
	if len(jdx) != len(w) {
		return Dot{}, nil, fmt.Errorf("gradcheck: J dx has %d numbers and w %d", len(jdx), len(w))
	}
	jtw, err := o.VJP(x, w)
	if err != nil {
		return Dot{}, nil, fmt.Errorf("gradcheck: J^T w: %w", err)
	}
	if len(jtw) != len(dx) {
		return Dot{}, nil, fmt.Errorf("gradcheck: J^T w has %d numbers and dx %d", len(jtw), len(dx))
	}
	if opts.Jx == nil {
		if opts.Jx, err = o.JVP(x, x); err != nil {
			return Dot{}, nil, fmt.Errorf("gradcheck: J x: %w", err)
		}
	}
	t, err := Taylor(o.F, x, dx, jdx, opts)
	return DotProduct(dx, jdx, w, jtw), t, err
}
