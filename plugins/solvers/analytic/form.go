package analytic

import (
	"fmt"
	"math"
)

// form is a map F from R^d to R^n with its Jacobian J (n x d). Rows lie one after the other, so that the forward map of a
// whole batch is one call.
type form interface {
	// dims returns d and n.
	dims() (d, n int)
	// forward sets y (k x n) to F of the k rows of x (k x d).
	forward(x, y []float64)
	// tangent sets dy (n) to J(x) dx, for one x (d) and dx (d).
	tangent(x, dx, dy []float64)
	// adjoint sets dx (d) to J(x)^T w, for one x (d) and w (n).
	adjoint(x, w, dx []float64)
}

// cubic is F(x) = x + a x^3.
type cubic struct{ a float64 }

func (cubic) dims() (d, n int) { return 1, 1 }

func (c cubic) forward(x, y []float64) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = math.FMA(c.a*v, v*v, v)
	}
}

// slope is 1 + 3 a x^2.
func (c cubic) slope(x float64) float64 { return math.FMA(3*c.a*x, x, 1) }

func (c cubic) tangent(x, dx, dy []float64) { dy[0] = c.slope(x[0]) * dx[0] }
func (c cubic) adjoint(x, w, dx []float64)  { dx[0] = c.slope(x[0]) * w[0] }

// quadratic is F(x) = (x1 + a x1 x2, x2 + b x1^2).
type quadratic struct{ a, b float64 }

func (quadratic) dims() (d, n int) { return 2, 2 }

func (q quadratic) forward(x, y []float64) {
	y = y[:len(x)]
	for i := 1; i < len(x); i += 2 {
		x1, x2 := x[i-1], x[i]
		y[i-1] = math.FMA(q.a*x1, x2, x1)
		y[i] = math.FMA(q.b*x1, x1, x2)
	}
}

// jacobian returns J by rows: (1 + a x2, a x1; 2 b x1, 1).
func (q quadratic) jacobian(x []float64) (j11, j12, j21, j22 float64) {
	return math.FMA(q.a, x[1], 1), q.a * x[0], 2 * q.b * x[0], 1
}

func (q quadratic) tangent(x, dx, dy []float64) {
	j11, j12, j21, j22 := q.jacobian(x)
	u, v := dx[0], dx[1]
	dy[0], dy[1] = math.FMA(j11, u, float64(j12*v)), math.FMA(j21, u, float64(j22*v))
}

func (q quadratic) adjoint(x, w, dx []float64) {
	j11, j12, j21, j22 := q.jacobian(x)
	u, v := w[0], w[1]
	dx[0], dx[1] = math.FMA(j11, u, float64(j21*v)), math.FMA(j12, u, float64(j22*v))
}

// sineSquare is F(x) = sin(a x^2).
type sineSquare struct{ a float64 }

func (sineSquare) dims() (d, n int) { return 1, 1 }

func (s sineSquare) forward(x, y []float64) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = math.Sin(s.a * v * v)
	}
}

// slope is 2 a x cos(a x^2).
func (s sineSquare) slope(x float64) float64 { return 2 * s.a * x * math.Cos(s.a*x*x) }

func (s sineSquare) tangent(x, dx, dy []float64) { dy[0] = s.slope(x[0]) * dx[0] }
func (s sineSquare) adjoint(x, w, dx []float64)  { dx[0] = s.slope(x[0]) * w[0] }

// identity is F(x) = x in R^d.
type identity struct{ d int }

func (f identity) dims() (d, n int)          { return f.d, f.d }
func (identity) forward(x, y []float64)      { copy(y, x) }
func (identity) tangent(_, dx, dy []float64) { copy(dy, dx) }
func (identity) adjoint(_, w, dx []float64)  { copy(dx, w) }

// linear is F(x) = A x, A (n x d) row-major.
type linear struct {
	d, n int
	a    []float64
}

// newLinear checks that the rows are alike; that they are finite the option table has seen to.
func newLinear(rows [][]float64) (*linear, error) {
	if len(rows) == 0 || len(rows[0]) == 0 {
		return nil, fmt.Errorf("map linear needs matrix, the rows of A, one per datum, e.g. [[1.0, 0.5], [0.0, 1.0]]")
	}
	l := &linear{d: len(rows[0]), n: len(rows)}
	for i, row := range rows {
		if len(row) != l.d {
			return nil, fmt.Errorf("matrix row %d has %d numbers, row 0 has %d", i, len(row), l.d)
		}
		l.a = append(l.a, row...)
	}
	return l, nil
}

func (l *linear) dims() (d, n int) { return l.d, l.n }

func (l *linear) forward(x, y []float64) {
	for i := 0; i*l.d < len(x); i++ {
		l.apply(x[i*l.d:(i+1)*l.d], y[i*l.n:(i+1)*l.n])
	}
}

// apply sets y = A x. Each sum has four partial sums in a fixed pattern, whatever the machine: one chain of dependent FMAs
// takes four cycles a term.
func (l *linear) apply(x, y []float64) {
	d := l.d
	x = x[:d]
	for i := range y {
		row := l.a[i*d:][:d]
		var s0, s1, s2, s3 float64
		j := 0
		for ; j+3 < d; j += 4 {
			s0 = math.FMA(row[j], x[j], s0)
			s1 = math.FMA(row[j+1], x[j+1], s1)
			s2 = math.FMA(row[j+2], x[j+2], s2)
			s3 = math.FMA(row[j+3], x[j+3], s3)
		}
		for ; j < d; j++ {
			s0 = math.FMA(row[j], x[j], s0)
		}
		y[i] = (s0 + s1) + (s2 + s3)
	}
}

func (l *linear) tangent(_, dx, dy []float64) { l.apply(dx, dy) }

func (l *linear) adjoint(_, w, dx []float64) {
	d := l.d
	dx = dx[:d]
	clear(dx)
	for i, v := range w {
		row := l.a[i*d:][:d]
		for j, r := range row {
			dx[j] = math.FMA(r, v, dx[j])
		}
	}
}
