// Package gradcheck measures whether derivatives belong to their function: the dot-product test of a Jacobian and its
// transpose, and the Taylor table of a function and its Jacobian. It measures and judges; it knows no solver and no
// testing.T, so that tests, conformance suites and the command line share it.
//
//	dot := gradcheck.DotProduct(dx, jvp(dx), w, vjp(w))      // dot.Mismatch <= 1e-12 in float64
//	table, err := gradcheck.Taylor(f, x, dx, jvp(dx), gradcheck.Options{})
//	err = table.Check(0.1)                                   // slopes 1 and 2
//
// Complex vectors are given as their real numbers (real, imaginary, ...), so that the inner product is Re <a, b>.
//
// It is not an automatic differentiation and no optimiser's line search.
package gradcheck

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// Dot is the outcome of a dot-product test.
type Dot struct {
	Tangent  float64 // <J dx, w>
	Adjoint  float64 // <dx, J^T w>
	Mismatch float64 // |Tangent - Adjoint| / max(|J dx| |w|, |dx| |J^T w|), 0 where both are 0
	Relative float64 // |Tangent - Adjoint| / max(|Tangent|, |Adjoint|), 0 where both are 0: the strictest reading
}

func (d Dot) String() string {
	return fmt.Sprintf("<J dx, w> = %.17g, <dx, J^T w> = %.17g, mismatch %.2e, relative %.2e", d.Tangent, d.Adjoint, d.Mismatch, d.Relative)
}

// Check returns an error with the numbers unless Mismatch <= tol and neither product is NaN or infinite.
func (d Dot) Check(tol float64) error {
	if d.Mismatch <= tol {
		return nil
	}
	return fmt.Errorf("gradcheck: dot product: %v (allowed: mismatch %.1e)", d, tol)
}

// DotProduct compares <J dx, w> with <dx, J^T w>, for jdx = J dx and jtw = J^T w, whose lengths are those of w and dx.
// The sums are compensated (T. Ogita, S. Rump, S. Oishi, Accurate sum and dot product, SIAM J. Sci. Comput. 26 (2005),
// algorithm 5.3), so that what is measured is the operators' rounding and not the sums'. It panics on other lengths.
func DotProduct(dx, jdx, w, jtw []float64) Dot {
	if len(jdx) != len(w) || len(jtw) != len(dx) {
		panic(fmt.Sprintf("gradcheck: dot product of lengths dx %d, J dx %d, w %d, J^T w %d", len(dx), len(jdx), len(w), len(jtw)))
	}
	d := Dot{Tangent: dot(jdx, w), Adjoint: dot(dx, jtw)}
	diff := math.Abs(d.Tangent - d.Adjoint)
	if diff == 0 {
		return d
	}
	d.Mismatch = diff / max(Norm(jdx)*Norm(w), Norm(dx)*Norm(jtw))
	d.Relative = diff / max(math.Abs(d.Tangent), math.Abs(d.Adjoint))
	return d
}

// dot is the inner product with twice the working precision.
func dot(a, b []float64) float64 {
	p, s := 0.0, 0.0
	for i := range a {
		h := a[i] * b[i]
		r := math.FMA(a[i], b[i], -h)
		q := p + h
		z := q - p
		s += ((p - (q - z)) + (h - z)) + r
		p = q
	}
	if e := p + s; !math.IsNaN(e) {
		return e
	}
	return p
}

// Norm is the Euclidean norm, scaled against overflow.
func Norm(v []float64) float64 {
	top := 0.0
	for _, x := range v {
		if math.IsNaN(x) {
			return math.NaN()
		}
		top = max(top, math.Abs(x))
	}
	if top == 0 || math.IsInf(top, 0) {
		return top
	}
	sum := 0.0
	for _, x := range v {
		sum = math.FMA(x/top, x/top, sum)
	}
	return top * math.Sqrt(sum)
}

// Options of a Taylor table; the zero value is for a function computed in float64.
type Options struct {
	H0     float64 // first step; 0: 1e-1 |x|/|dx|, or 1e-1/|dx| where x = 0
	Factor float64 // each step is the one before divided by this; 0: sqrt(10)
	Rows   int     // number of steps; 0: 12
	Eps    float64 // relative rounding error of f; 0: 2.2e-16 (for float32 code 1.2e-7)
	Jx     []float64
	// Jx is J x, if it is known: how rounding of x itself shows in f. Without it the floor counts |f(x)| alone.

	// Noisy: f may round by more than Eps says (a solver in single precision). Then the floor is measured: 4 times the largest
	// R1 of the last five rows, whose steps must be so small that a right derivative leaves nothing but rounding there, and
	// at least one rounding of what is counted otherwise.
	Noisy bool
}

// Row is one step of a Taylor table. A remainder at or below its floor is rounding, and its slope is NaN.
type Row struct {
	H      float64
	R0     float64 // |f(x + h dx) - f(x)|: order h
	R1     float64 // |f(x + h dx) - f(x) - h J dx|: order h^2
	Floor  float64 // what rounding alone can make of R0 and R1
	Slope0 float64 // log(R0/R0 of the row before) / log(h/h of the row before), NaN where either is rounding
	Slope1 float64
}

// Table is a Taylor table, steps falling.
type Table struct {
	Rows []Row
	// Order0 and Order1 are the slopes where they are best seen: the median of the last three above the floor (of all, if
	// fewer), NaN without one.
	Order0, Order1 float64
	// Affine: every first-order remainder is rounding, so f is affine along dx and J dx is right.
	Affine bool
	// Flat: J dx = 0, so that R0 is of second order.
	Flat bool

	noisy bool
}

// floorFactor is how many times eps |f| a remainder must exceed to count: two evaluations with a few roundings each, and
// a remainder must stand well above them for its slope to be good to a few hundredths.
const floorFactor = 32

// Taylor measures f(x + h dx) - f(x) and f(x + h dx) - f(x) - h J dx for falling h; jdx = J dx. Where the derivative is
// right they fall with slopes 1 and 2 until rounding. f must not keep or change its argument. Errors are f's.
func Taylor(f func(x []float64) ([]float64, error), x, dx, jdx []float64, o Options) (*Table, error) {
	o = o.resolve(x, dx)
	fx, err := f(x)
	if err != nil {
		return nil, err
	}
	fx = append([]float64(nil), fx...)
	if len(fx) != len(jdx) || len(x) != len(dx) {
		return nil, fmt.Errorf("gradcheck: f(x) has %d numbers, J dx %d; x has %d, dx %d", len(fx), len(jdx), len(x), len(dx))
	}
	t := &Table{Affine: true, Flat: Norm(jdx) == 0, noisy: o.Noisy}
	at, r0, r1 := make([]float64, len(x)), make([]float64, len(fx)), make([]float64, len(fx))
	h := o.H0
	for range o.Rows {
		for i := range at {
			at[i] = math.FMA(h, dx[i], x[i])
		}
		fh, err := f(at)
		if err != nil {
			return nil, fmt.Errorf("gradcheck: at step %g: %w", h, err)
		}
		if len(fh) != len(fx) {
			return nil, fmt.Errorf("gradcheck: f has %d numbers at step %g and %d at 0", len(fh), h, len(fx))
		}
		for i := range r0 {
			r0[i] = fh[i] - fx[i]
			r1[i] = math.FMA(-h, jdx[i], r0[i])
		}
		row := Row{H: h, R0: Norm(r0), R1: Norm(r1), Slope0: math.NaN(), Slope1: math.NaN()}
		row.Floor = floorFactor * o.Eps * (max(Norm(fx), Norm(fh)) + Norm(o.Jx) + h*Norm(jdx))
		t.Rows = append(t.Rows, row)
		h /= o.Factor
	}
	if o.Noisy {
		noise := 0.0
		for _, r := range t.Rows[max(0, len(t.Rows)-5):] {
			noise = max(noise, r.R1)
		}
		for i := range t.Rows {
			t.Rows[i].Floor = max(t.Rows[i].Floor/floorFactor, 4*noise)
		}
	}
	for i := range t.Rows {
		row := &t.Rows[i]
		t.Affine = t.Affine && row.R1 <= row.Floor
		if i > 0 {
			p := t.Rows[i-1]
			row.Slope0 = slope(p.H, p.R0, p.Floor, row.H, row.R0, row.Floor)
			row.Slope1 = slope(p.H, p.R1, p.Floor, row.H, row.R1, row.Floor)
		}
	}
	t.Order0 = t.order(func(r Row) float64 { return r.Slope0 })
	t.Order1 = t.order(func(r Row) float64 { return r.Slope1 })
	return t, nil
}

func (o Options) resolve(x, dx []float64) Options {
	if o.H0 == 0 {
		o.H0 = 0.1
		if n := Norm(dx); n > 0 {
			o.H0 /= n
			if m := Norm(x); m > 0 {
				o.H0 *= m
			}
		}
	}
	if o.Factor == 0 {
		o.Factor = math.Sqrt(10)
	}
	if o.Rows == 0 {
		o.Rows = 12
	}
	if o.Eps == 0 {
		o.Eps = 0x1p-52
	}
	return o
}

func slope(h0, r0, f0, h1, r1, f1 float64) float64 {
	if !(r0 > f0) || !(r1 > f1) {
		return math.NaN()
	}
	return math.Log(r0/r1) / math.Log(h0/h1)
}

// order is the median of the last three slopes that are not rounding.
func (t *Table) order(of func(Row) float64) float64 {
	var last []float64
	for _, r := range t.Rows {
		if s := of(r); !math.IsNaN(s) {
			last = append(last, s)
		}
	}
	last = last[max(0, len(last)-3):]
	switch len(last) {
	case 0:
		return math.NaN()
	case 1:
		return last[0]
	case 2:
		return 0.5 * (last[0] + last[1])
	}
	a, b, c := last[0], last[1], last[2]
	return max(min(a, b), min(max(a, b), c))
}

// ErrDerivative is wrapped by what Table.Check returns.
var ErrDerivative = errors.New("gradcheck: derivative does not belong to its function")

// Check returns an error with the table unless Order0 is 1 and Order1 is 2, to tol. A first-order remainder that falls
// faster than h^2 (f has no second derivative along dx) is right too; so is an affine f, whose remainder is all rounding,
// one that stands above rounding in the first row alone, so that it has no slope (J dx is then right to four floors), and R0
// of second order or faster where J dx = 0. Where Options say Noisy the slope of R1 alone is judged: the steps at which R0
// has slope 1 may lie where all is rounding.
func (t *Table) Check(tol float64) error {
	ok0 := math.Abs(t.Order0-1) <= tol
	if t.Flat {
		ok0 = t.Affine || t.Order0 >= 2-tol
	}
	ok0 = ok0 || t.noisy
	ok1 := t.Affine || t.Order1 >= 2-tol || t.almostAffine()
	if ok0 && ok1 && t.finite() {
		return nil
	}
	return fmt.Errorf("%w: slopes %.3f and %.3f (allowed: 1 and 2, to %g)\n%v", ErrDerivative, t.Order0, t.Order1, tol, t)
}

// almostAffine tells whether the first-order remainder is rounding from the second row on.
func (t *Table) almostAffine() bool {
	for _, r := range t.Rows[min(1, len(t.Rows)):] {
		if !(r.R1 <= r.Floor) {
			return false
		}
	}
	return len(t.Rows) > 1
}

func (t *Table) finite() bool {
	for _, r := range t.Rows {
		if math.IsNaN(r.R0+r.R1) || math.IsInf(r.R0+r.R1, 0) {
			return false
		}
	}
	return len(t.Rows) > 0
}

// String is the table in columns: step, remainders, slopes ("-" for rounding).
func (t *Table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%10s %10s %7s %10s %7s %10s", "h", "R0", "slope", "R1", "slope", "floor")
	for _, r := range t.Rows {
		fmt.Fprintf(&b, "\n%10.2e %10.2e %7s %10.2e %7s %10.2e", r.H, r.R0, text(r.Slope0), r.R1, text(r.Slope1), r.Floor)
	}
	return b.String()
}

func text(slope float64) string {
	if math.IsNaN(slope) {
		return "-"
	}
	return fmt.Sprintf("%.3f", slope)
}
