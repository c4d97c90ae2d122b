package lbfgs_test

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/optimize"
	"gonum.org/v1/gonum/optimize/functions"

	"github.com/waveprior/waveprior/plugins/samplers/internal/lbfgs"
)

// problem is a smooth function of d variables.
type problem struct {
	f  func(x []float64) float64
	g  func(grad, x []float64)
	x0 []float64
}

// quadratic is 1/2 sum k^2 (x_k - 1)^2, of condition number d^2.
func quadratic(d int) problem {
	return problem{
		f: func(x []float64) (s float64) {
			for k, v := range x {
				s += 0.5 * math.Pow(float64(k+1)*(v-1), 2)
			}
			return s
		},
		g: func(grad, x []float64) {
			for k, v := range x {
				grad[k] = float64((k+1)*(k+1)) * (v - 1)
			}
		},
		x0: make([]float64, d),
	}
}

func problems() map[string]problem {
	var r functions.ExtendedRosenbrock
	w := functions.Watson{}
	b := functions.BrownBadlyScaled{}
	return map[string]problem{
		"Rosenbrock 2":  {r.Func, r.Grad, []float64{-1.2, 1}},
		"Rosenbrock 10": {r.Func, r.Grad, []float64{-1.2, 1, -1.2, 1, -1.2, 1, -1.2, 1, -1.2, 1}},
		"quadratic 30":  quadratic(30),
		"Watson 6":      {w.Func, w.Grad, make([]float64, 6)},
		"badly scaled":  {b.Func, b.Grad, []float64{1, 1}},
	}
}

// newChain returns a chain on memory of its own.
func newChain(d, memory int) *lbfgs.Chain {
	v := func(n int) []float64 { return slices.Repeat([]float64{math.NaN()}, n) }
	return &lbfgs.Chain{X: v(d), G: v(d), D: v(d), S: v(memory * d), Y: v(memory * d), N: v(lbfgs.Numbers)}
}

// minimise runs to the end, or over at most so many evaluations, and returns the points that were asked for.
func minimise(p problem, o lbfgs.Options, most int) (*lbfgs.Chain, [][]float64) {
	d := len(p.x0)
	c := newChain(d, o.Memory)
	c.Begin(p.x0)
	var asked [][]float64
	for c.Ended() == lbfgs.Running && len(asked) < most {
		x, g := make([]float64, d), make([]float64, d)
		c.Trial(x)
		p.g(g, x)
		c.Next(o, p.f(x), g)
		asked = append(asked, x)
	}
	return c, asked
}

// gonumPoints are the points that gonum's LBFGS asks for, with the same history and the same line search, and the lowest f
// it met. It may end with an error where rounding keeps its last search from the gradient that it wants.
func gonumPoints(t *testing.T, p problem, memory int) (asked [][]float64, f float64) {
	t.Helper()
	seen := func(x []float64) {
		if len(asked) == 0 || !slices.Equal(asked[len(asked)-1], x) {
			asked = append(asked, slices.Clone(x))
		}
	}
	r, err := optimize.Minimize(
		optimize.Problem{Func: func(x []float64) float64 { seen(x); return p.f(x) }, Grad: func(g, x []float64) { seen(x); p.g(g, x) }},
		p.x0, &optimize.Settings{GradientThreshold: 1e-9, Converger: optimize.NeverTerminate{}},
		&optimize.LBFGS{Store: memory, Linesearcher: &optimize.MoreThuente{DecreaseFactor: 1e-4, CurvatureFactor: 0.9}})
	if err != nil {
		t.Logf("gonum: %v", err)
	}
	return asked, r.F
}

// TestGonum: the first evaluations are at the points at which gonum's LBFGS with its Moré-Thuente search evaluates, and the end
// is the same minimum. The points agree until rounding, amplified by the iterations, parts them: 1e-6 over the first 15
// is far below what one different branch of the search makes.
func TestGonum(t *testing.T) {
	for name, p := range problems() {
		for _, memory := range []int{3, 8} {
			want, lowest := gonumPoints(t, p, memory)
			c, got := minimise(p, lbfgs.Options{Memory: memory, GradientTolerance: 1e-14}, 500)
			n := min(15, len(want), len(got))
			for k := range n {
				for i, v := range want[k] {
					if math.Abs(got[k][i]-v) > 1e-6*(1+math.Abs(v)) {
						t.Fatalf("%s, memory %d: evaluation %d at %v, gonum's at %v", name, memory, k, got[k], want[k])
					}
				}
			}
			if f := c.F(); f > lowest+1e-12*(1+math.Abs(lowest)) {
				t.Errorf("%s, memory %d: ends at f = %g after %d evaluations, reason %d; gonum at %g after %d", name, memory, f, len(got), c.Ended(), lowest, len(want))
			}
			t.Logf("%-13s memory %d: f = %.3g after %d evaluations (gonum %.3g, %d)", name, memory, c.F(), len(got), lowest, len(want))
		}
	}
}

// TestBest: wherever a chain is stopped, the last point of which Next said that it is the lowest is the lowest of all that were
// asked for, and Best is the function and the gradient's length there. Somewhere that is a trial of an unfinished search,
// lower than the chain's own point: else the test shows nothing.
func TestBest(t *testing.T) {
	ahead := 0
	for name, p := range problems() {
		d := len(p.x0)
		c := newChain(d, 3)
		c.Begin(p.x0)
		best, lowest := make([]float64, d), math.Inf(1)
		for n := 0; n < 60 && c.Ended() == lbfgs.Running; n++ {
			x, g := make([]float64, d), make([]float64, d)
			c.Trial(x)
			f := p.f(x)
			p.g(g, x)
			if c.Next(lbfgs.Options{}, f, g) != (f < lowest) {
				t.Fatalf("%s, evaluation %d: f = %g, the lowest before is %g, and Next says otherwise", name, n, f, lowest)
			}
			if f < lowest {
				lowest = f
				copy(best, x)
			}
			p.g(g, best)
			length := 0.0
			for _, v := range g {
				length = math.Hypot(length, v)
			}
			if f, norm := c.Best(); f != lowest || math.Abs(norm-length) > 1e-12*length {
				t.Fatalf("%s, evaluation %d: best f %g with a gradient of %g, should be %g and %g", name, n, f, norm, lowest, length)
			}
			if lowest < c.F() {
				ahead++
			}
		}
	}
	if ahead == 0 {
		t.Error("no search was ever ahead of its chain's point")
	}
}

// TestOneVariable: searches along a line end at steps that satisfy the strong Wolfe conditions, for first steps that are
// far too short and far too long: the six functions of Moré and Thuente, section 5 (numbers 1 to 4 there).
func TestOneVariable(t *testing.T) {
	yanai := func(b1, b2 float64) problem {
		l := func(b float64) float64 { return math.Sqrt(1+b*b) - b }
		return problem{
			f: func(x []float64) float64 {
				a := x[0]
				return l(b1)*math.Hypot(1-a, b2) + l(b2)*math.Hypot(a, b1)
			},
			g: func(g, x []float64) {
				a := x[0]
				g[0] = -l(b1)*(1-a)/math.Hypot(1-a, b2) + l(b2)*a/math.Hypot(a, b1)
			},
		}
	}
	rational := problem{
		f: func(x []float64) float64 { return -x[0] / (x[0]*x[0] + 2) },
		g: func(g, x []float64) { q := x[0]*x[0] + 2; g[0] = (x[0]*x[0] - 2) / (q * q) },
	}
	for name, p := range map[string]problem{"rational": rational, "Yanai 1e-3 1e-3": yanai(1e-3, 1e-3), "Yanai 1e-2 1e-3": yanai(1e-2, 1e-3), "Yanai 1e-3 1e-2": yanai(1e-3, 1e-2)} {
		for _, first := range []float64{1e-3, 1e-1, 1e1, 1e3} {
			p.x0 = []float64{0}
			g := make([]float64, 1)
			p.g(g, p.x0)
			f0, slope := p.f(p.x0), math.Abs(g[0])
			c, asked := minimise(p, lbfgs.Options{Memory: 1, Iterations: 1, FirstStep: first}, 30)
			p.g(g, c.X)
			if c.Iterations() != 1 || c.F() > f0-1e-4*c.X[0]*slope || math.Abs(g[0]) > 0.9*slope {
				t.Errorf("%s from a first step of %g: after %d evaluations at %v, f %g (from %g), slope %g (from %g)", name, first, len(asked), c.X, c.F(), f0, g[0], -slope)
			}
		}
	}
}

// TestRefused: where the function has no value, beyond a wall, the search stays in front of it and still comes to the minimum
// there; without a value at the start, or at any trial, the chain says so.
func TestRefused(t *testing.T) {
	p := quadratic(4)
	inside := p.f
	p.f = func(x []float64) float64 {
		if x[0] > 1.5 || x[0] < -0.5 {
			return math.NaN()
		}
		return inside(x)
	}
	c, asked := minimise(p, lbfgs.Options{Memory: 4, FirstStep: 100, GradientTolerance: 1e-10}, 200)
	if c.Ended() != lbfgs.Gradient || math.Abs(c.X[0]-1) > 1e-8 {
		t.Errorf("ended for reason %d at %v after %d evaluations", c.Ended(), c.X, len(asked))
	}
	for what, f := range map[string]func([]float64) float64{
		"nowhere": func([]float64) float64 { return math.NaN() },
		"start only": func(x []float64) float64 {
			if x[0] == 0 {
				return 1
			}
			return math.Inf(1)
		},
	} {
		p.f = f
		if c, asked := minimise(p, lbfgs.Options{Memory: 4}, 100); c.Ended() != lbfgs.Refused || c.X[0] != 0 || c.Iterations() != 0 {
			t.Errorf("%s: reason %d at %v after %d evaluations", what, c.Ended(), c.X, len(asked))
		}
	}
}

// TestStalls: a function that is only as exact as float32 ends where its rounding hides the descent, near the minimum.
func TestStalls(t *testing.T) {
	p := quadratic(10)
	exact, slope := p.f, p.g
	p.f = func(x []float64) float64 { return float64(float32(1000 + exact(x))) }
	p.g = func(g, x []float64) { slope(g, x) }
	c, asked := minimise(p, lbfgs.Options{Memory: 5}, 400)
	if c.Ended() != lbfgs.Stalled || exact(c.X) > 1e-3 {
		t.Errorf("reason %d, f %g above the minimum after %d evaluations", c.Ended(), exact(c.X), len(asked))
	}
}

// TestEnds: every limit ends a chain, and for its own reason.
func TestEnds(t *testing.T) {
	p := quadratic(20)
	for _, tc := range []struct {
		o    lbfgs.Options
		want lbfgs.Reason
	}{
		{lbfgs.Options{Memory: 5, Iterations: 3}, lbfgs.Limit},
		{lbfgs.Options{Memory: 5, GradientTolerance: 0.1}, lbfgs.Gradient},
		{lbfgs.Options{Memory: 5, DecreaseTolerance: 0.3}, lbfgs.Decrease},
	} {
		c, _ := minimise(p, tc.o, 300)
		if c.Ended() != tc.want || tc.o.Iterations > 0 && c.Iterations() != tc.o.Iterations {
			t.Errorf("%+v: reason %d after %d iterations, want %d", tc.o, c.Ended(), c.Iterations(), tc.want)
		}
	}
	flat := quadratic(3)
	flat.x0 = []float64{1, 1, 1}
	if c, asked := minimise(flat, lbfgs.Options{Memory: 2}, 10); c.Ended() != lbfgs.Gradient || len(asked) != 1 {
		t.Errorf("at the minimum: reason %d after %d evaluations", c.Ended(), len(asked))
	}
}

// TestInterrupted: all that a chain remembers lies in its slices: copied to other memory after every evaluation, it goes on to
// the same bits.
func TestInterrupted(t *testing.T) {
	p := problems()["Rosenbrock 10"]
	o := lbfgs.Options{Memory: 4, GradientTolerance: 1e-8}
	whole, asked := minimise(p, o, 1000)
	c := newChain(10, 4)
	c.Begin(p.x0)
	n := 0
	for ; c.Ended() == lbfgs.Running && n < 1000; n++ {
		x, g := make([]float64, 10), make([]float64, 10)
		c.Trial(x)
		p.g(g, x)
		c.Next(o, p.f(x), g)
		c = &lbfgs.Chain{X: slices.Clone(c.X), G: slices.Clone(c.G), D: slices.Clone(c.D), S: slices.Clone(c.S), Y: slices.Clone(c.Y), N: slices.Clone(c.N)}
	}
	if n != len(asked) || !slices.Equal(c.X, whole.X) || !slices.Equal(c.N, whole.N) {
		t.Errorf("%d evaluations to %v, in one go %d to %v", n, c.X, len(asked), whole.X)
	}
}
