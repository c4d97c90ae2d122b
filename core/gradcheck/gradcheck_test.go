package gradcheck_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/waveprior/waveprior/core/gradcheck"
)

// f(x) = (exp x0, x0 x1, sin x1), with its Jacobian written out by hand.
func f(x []float64) ([]float64, error) {
	return []float64{math.Exp(x[0]), x[0] * x[1], math.Sin(x[1])}, nil
}

func jvp(x, v []float64) []float64 {
	return []float64{math.Exp(x[0]) * v[0], x[1]*v[0] + x[0]*v[1], math.Cos(x[1]) * v[1]}
}

func vjp(x, w []float64) []float64 {
	return []float64{math.Exp(x[0])*w[0] + x[1]*w[1], x[0]*w[1] + math.Cos(x[1])*w[2]}
}

func TestRightDerivativePasses(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		x, v := []float64{r.NormFloat64(), r.NormFloat64()}, []float64{r.NormFloat64(), r.NormFloat64()}
		w := []float64{r.NormFloat64(), r.NormFloat64(), r.NormFloat64()}
		if err := gradcheck.DotProduct(v, jvp(x, v), w, vjp(x, w)).Check(1e-15); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		table, err := gradcheck.Taylor(f, x, v, jvp(x, v), gradcheck.Options{})
		if err == nil {
			err = table.Check(0.05)
		}
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}

// A derivative that is wrong by one part in 1e5 is found by both; one wrong by a sign in one place at once.
func TestWrongDerivativeIsFound(t *testing.T) {
	x, v, w := []float64{0.3, -1.1}, []float64{0.7, 0.4}, []float64{1, -2, 0.5}
	for name, spoil := range map[string]func([]float64){
		"one part in 1e5": func(j []float64) { j[1] *= 1 + 1e-5 },
		"sign":            func(j []float64) { j[2] = -j[2] },
		"NaN":             func(j []float64) { j[0] = math.NaN() },
	} {
		j := jvp(x, v)
		spoil(j)
		if err := gradcheck.DotProduct(v, j, w, vjp(x, w)).Check(1e-8); err == nil {
			t.Errorf("%s: dot product passes", name)
		}
		table, err := gradcheck.Taylor(f, x, v, j, gradcheck.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := table.Check(0.1); !errors.Is(err, gradcheck.ErrDerivative) {
			t.Errorf("%s: Taylor table passes with slopes %v, %v", name, table.Order0, table.Order1)
		}
	}
}

func TestRoundingFloor(t *testing.T) {
	linear := func(x []float64) ([]float64, error) { return []float64{3*x[0] - x[1], 1e3 * x[1]}, nil }
	x, v := []float64{0.1, 7}, []float64{1, -0.3}
	table, err := gradcheck.Taylor(linear, x, v, []float64{3.3, -300}, gradcheck.Options{Rows: 30})
	if err != nil {
		t.Fatal(err)
	}
	if err := table.Check(1e-3); err != nil || !table.Affine {
		t.Errorf("affine function: %v, Affine %v", err, table.Affine)
	}
	// A float32 function passes at its own precision and is not judged by its rounding.
	single := func(x []float64) ([]float64, error) {
		y, _ := f(x)
		for i := range y {
			y[i] = float64(float32(y[i]))
		}
		return y, nil
	}
	if table, err = gradcheck.Taylor(single, x, v, jvp(x, v), gradcheck.Options{Eps: 0x1p-23, Rows: 20}); err != nil {
		t.Fatal(err)
	}
	if err := table.Check(0.1); err != nil {
		t.Error(err)
	}
	// Down to steps where all is rounding.
	if table, err = gradcheck.Taylor(f, x, v, jvp(x, v), gradcheck.Options{Rows: 40}); err != nil {
		t.Fatal(err)
	}
	if err := table.Check(0.1); err != nil {
		t.Error(err)
	}
}

// A function that rounds by far more than Eps says passes as Noisy, and a wrong derivative is found all the same.
func TestNoisy(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	noisy := func(x []float64) ([]float64, error) {
		y, _ := f(x)
		for i := range y {
			y[i] += 1e-5 * r.NormFloat64()
		}
		return y, nil
	}
	x, v := []float64{0.3, -1.1}, []float64{0.7, 0.4}
	check := func(j []float64, o gradcheck.Options) error {
		table, err := gradcheck.Taylor(noisy, x, v, j, o)
		if err != nil {
			t.Fatal(err)
		}
		return table.Check(0.3)
	}
	j := jvp(x, v)
	if err := check(j, gradcheck.Options{H0: 1, Eps: 0x1p-23, Factor: 2, Rows: 20, Noisy: true}); err != nil {
		t.Error(err)
	}
	if check(j, gradcheck.Options{H0: 1, Eps: 0x1p-23}) == nil {
		t.Error("passes without Noisy: the test shows nothing")
	}
	for _, wrong := range []float64{1.02, -1} {
		j := jvp(x, v)
		j[1] *= wrong
		if check(j, gradcheck.Options{H0: 1, Eps: 0x1p-23, Factor: 2, Rows: 20, Noisy: true}) == nil {
			t.Errorf("a derivative that is wrong by a factor of %g passes", wrong)
		}
	}
}

// A remainder that stands above rounding at the largest step alone has no slope; the right derivative passes all the same,
// and one that is wrong by ten floors does not.
func TestAlmostAffine(t *testing.T) {
	single := func(x []float64) ([]float64, error) {
		return []float64{float64(float32(1 + x[0] + 3e-5*x[0]*x[0]))}, nil
	}
	for wrong, passes := range map[float64]bool{0: true, -5e-5: false} {
		table, err := gradcheck.Taylor(single, []float64{0}, []float64{1}, []float64{1 + wrong}, gradcheck.Options{H0: 1, Eps: 0x1p-23})
		if err != nil {
			t.Fatal(err)
		}
		if r := table.Rows[0]; table.Affine || r.R1 <= r.Floor || wrong == 0 && !math.IsNaN(table.Order1) {
			t.Fatalf("the case does not show it:\n%v", table)
		}
		if err := table.Check(0.3); (err == nil) != passes {
			t.Errorf("derivative wrong by %g: %v\n%v", wrong, err, table)
		}
	}
}

func TestFlatAndCubic(t *testing.T) {
	square := func(x []float64) ([]float64, error) { return []float64{x[0] * x[0]}, nil }
	table, err := gradcheck.Taylor(square, []float64{0}, []float64{1}, []float64{0}, gradcheck.Options{})
	if err != nil || table.Check(0.01) != nil || !table.Flat {
		t.Errorf("flat: %v %v", err, table)
	}
	cubic := func(x []float64) ([]float64, error) { return []float64{x[0] + x[0]*x[0]*x[0]}, nil }
	table, err = gradcheck.Taylor(cubic, []float64{0}, []float64{1}, []float64{1}, gradcheck.Options{})
	if err != nil || table.Check(0.01) != nil || math.Abs(table.Order1-3) > 0.01 {
		t.Errorf("no second derivative: %v %v", err, table)
	}
	if table, err = gradcheck.Taylor(square, []float64{0}, []float64{1}, []float64{1}, gradcheck.Options{}); err != nil || table.Check(0.1) == nil {
		t.Errorf("J dx = 1 where it is 0 passes")
	}
}

// The sums do not add rounding of their own: terms of 1e16 that cancel leave 1.
func TestDotIsCompensated(t *testing.T) {
	d := gradcheck.DotProduct([]float64{1}, []float64{1e8, 1, -1e8}, []float64{1e8, 1, 1e8}, []float64{1})
	if d.Tangent != 1 || d.Mismatch != 0 {
		t.Errorf("%v", d)
	}
}

func TestOperatorErrors(t *testing.T) {
	lift := func(g func(x, u []float64) []float64) func(x, u []float64) ([]float64, error) {
		return func(x, u []float64) ([]float64, error) { return g(x, u), nil }
	}
	good := gradcheck.Operator{F: f, JVP: lift(jvp), VJP: lift(vjp)}
	x, dx, w := []float64{0.3, -1.1}, []float64{0.7, 0.4}, []float64{1, -2, 0.5}
	dot, table, err := good.Measure(x, dx, w, gradcheck.Options{})
	if err = errors.Join(err, dot.Check(1e-15), table.Check(0.05)); err != nil {
		t.Error(err)
	}
	failed := errors.New("diverged")
	bad := good
	bad.VJP = func(x, u []float64) ([]float64, error) { return nil, failed }
	if _, _, err := bad.Measure(x, dx, w, gradcheck.Options{}); !errors.Is(err, failed) {
		t.Errorf("VJP fails: %v", err)
	}
	bad = good
	bad.F = func(x []float64) ([]float64, error) {
		if x[0] != 0.3 {
			return nil, failed
		}
		return f(x)
	}
	if _, _, err := bad.Measure(x, dx, w, gradcheck.Options{}); !errors.Is(err, failed) {
		t.Errorf("F fails along the way: %v", err)
	}
	if _, _, err := good.Measure(x, dx, w[:2], gradcheck.Options{}); err == nil {
		t.Error("w of another length passes")
	}
}
