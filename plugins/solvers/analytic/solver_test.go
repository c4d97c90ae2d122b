package analytic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/solvertest"
)

var ctx = context.Background()

// reference is F by the formula, written once more.
var problems = []struct {
	options   string
	d, n      int
	reference func(x []float64) []float64
}{
	{`{"map": "cubic"}`, 1, 1, func(x []float64) []float64 { return []float64{x[0] + 0.3*math.Pow(x[0], 3)} }},
	{`{"map": "cubic", "coefficients": [-2]}`, 1, 1, func(x []float64) []float64 { return []float64{x[0] - 2*math.Pow(x[0], 3)} }},
	{`{"map": "quadratic"}`, 2, 2, func(x []float64) []float64 {
		return []float64{x[0] + 0.3*x[0]*x[1], x[1] + 0.2*math.Pow(x[0], 2)}
	}},
	{`{"map": "quadratic", "coefficients": [1, -3]}`, 2, 2, func(x []float64) []float64 {
		return []float64{x[0] + x[0]*x[1], x[1] - 3*math.Pow(x[0], 2)}
	}},
	{`{"map": "sine-square"}`, 1, 1, func(x []float64) []float64 { return []float64{math.Sin(math.Pow(x[0], 2))} }},
	{`{"map": "sine-square", "coefficients": [0.5]}`, 1, 1, func(x []float64) []float64 { return []float64{math.Sin(math.Pow(x[0], 2) / 2)} }},
	{`{"map": "identity", "dimension": 5}`, 5, 5, func(x []float64) []float64 { return slices.Clone(x) }},
	{`{"map": "linear", "matrix": [[1, 2, 3, 4, 5, 6], [0.5, -1, 0, 7, 0, -2], [0, 0, 1, 0, 0, 0]]}`, 6, 3, func(x []float64) []float64 {
		return []float64{x[0] + 2*x[1] + 3*x[2] + 4*x[3] + 5*x[4] + 6*x[5], 0.5*x[0] - x[1] + 7*x[3] - 2*x[5], x[2]}
	}},
}

func configure(t testing.TB, options string) (contract.FullSolver, contract.Configured) {
	t.Helper()
	s := contract.LocalSolver(New())
	c, err := s.Configure(ctx, contract.Config{Options: json.RawMessage(options)})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

// normals returns a tensor of standard normals; the purpose keeps those of one test apart.
func normals(seed uint64, purpose string, shape ...int) *tensor.Tensor {
	x := tensor.New(tensor.Float64, shape...)
	rng.New(seed, purpose).At(0, 0, 0).Normals(x.Float64s())
	return x
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %.17g, want %.17g (difference %.2g, tolerance %.2g)", what, got, want, got-want, tolerance)
	}
}

func TestForward(t *testing.T) {
	const seed, batch = 1, 33
	for _, p := range problems {
		s, c := configure(t, p.options)
		if c.Model.Len() != p.d || c.Data.Len() != p.n {
			t.Fatalf("%s: spaces %v, %v", p.options, c.Model, c.Data)
		}
		if err := errors.Join(c.Model.Validate(), c.Data.Validate()); err != nil {
			t.Error(err)
		}
		m, d := normals(seed, "m", batch, p.d), c.Data.New(batch)
		status, err := s.Forward(ctx, m, d)
		solvertest.OK(t, status, err)
		for i := range batch {
			want := p.reference(m.Item(i).Float64s())
			for j, v := range d.Item(i).Float64s() {
				near(t, fmt.Sprintf("seed %d: %s item %d datum %d", seed, p.options, i, j), v, want[j], 1e-14*(1+math.Abs(want[j]))*4)
			}
		}
	}
}

// TestKnown: numbers of the memorization study, by hand: y = 0 is the datum of x = 0; x = 0.7 (2, 0).
func TestKnown(t *testing.T) {
	s, c := configure(t, `{"map": "quadratic"}`)
	d := c.Data.New(1)
	status, err := s.Forward(ctx, tensor.FromFloat64s([]float64{1.4, 0}, 1, 2), d)
	solvertest.OK(t, status, err)
	near(t, "F1", d.Float64s()[0], 1.4, 1e-15)
	near(t, "F2", d.Float64s()[1], 0.392, 1e-15)
	s, c = configure(t, `{"map": "sine-square"}`)
	d = c.Data.New(2)
	status, err = s.Forward(ctx, tensor.FromFloat64s([]float64{0.5, math.Sqrt(math.Pi - 0.25)}, 2, 1), d)
	solvertest.OK(t, status, err)
	near(t, "sin 0.25", d.Float64s()[0], 0.247403959254522929596, 1e-16)
	near(t, "the other root", d.Float64s()[1], 0.247403959254522929596, 2e-15) // sqrt, square and pi rounded
}

// TestJVP: against central differences of the formula, whose error falls as h^2: Richardson's combination of two steps.
func TestJVP(t *testing.T) {
	const seed, batch, k = 2, 9, 3
	for _, p := range problems {
		s, c := configure(t, p.options)
		for _, sets := range []int{1, batch} {
			m, dm := normals(seed, "m", batch, p.d), normals(seed, "dm", sets, k, p.d)
			dd := tensor.New(tensor.Float64, batch, k, c.Data.Len())
			status, err := s.JVP(ctx, m, dm, dd)
			solvertest.OK(t, status, err)
			for i := range batch {
				for j := range k {
					x, v := m.Item(i).Float64s(), dm.Item(min(i, sets-1)).Item(j).Float64s()
					central := func(h float64) []float64 {
						a, b := slices.Clone(x), slices.Clone(x)
						for q := range a {
							a[q] += h * v[q]
							b[q] -= h * v[q]
						}
						fa, fb := p.reference(a), p.reference(b)
						for q := range fa {
							fa[q] = (fa[q] - fb[q]) / (2 * h)
						}
						return fa
					}
					one, two := central(1e-3), central(2e-3)
					for q, got := range dd.Item(i).Item(j).Float64s() {
						want := (4*one[q] - two[q]) / 3
						// What is left is 4 h^4 f'''''/120 of the fifth derivative along v: of sin x^2 about (2 x v)^5, at x = v = 3
						// 2e6, so 6e-8; and rounding, 1e-16/h.
						near(t, fmt.Sprintf("seed %d: %s item %d direction %d datum %d", seed, p.options, i, j, q), got, want, 1e-6*(1+math.Abs(want)))
					}
				}
			}
		}
	}
}

// TestDot: <J dm, w> = <dm, J^T w> to rounding.
func TestDot(t *testing.T) {
	const seed, batch, k = 3, 17, 4
	for _, p := range problems {
		s, _ := configure(t, p.options)
		for _, sets := range []int{1, batch} {
			m := normals(seed, "m", batch, p.d)
			dm, w := normals(seed, "dm", sets, k, p.d), normals(seed, "w", sets, k, p.n)
			jdm, jtw := tensor.New(tensor.Float64, batch, k, p.n), tensor.New(tensor.Float64, batch, k, p.d)
			status, err := s.JVP(ctx, m, dm, jdm)
			solvertest.OK(t, status, err)
			status, err = s.VJP(ctx, m, w, jtw)
			solvertest.OK(t, status, err)
			for i := range batch {
				for j := range k {
					set := min(i, sets-1)
					a := dot(jdm.Item(i).Item(j).Float64s(), w.Item(set).Item(j).Float64s())
					b := dot(dm.Item(set).Item(j).Float64s(), jtw.Item(i).Item(j).Float64s())
					scale := norm(jdm.Item(i).Item(j).Float64s())*norm(w.Item(set).Item(j).Float64s()) + 1e-300
					near(t, fmt.Sprintf("seed %d: %s item %d set %d", seed, p.options, i, j), a/scale, b/scale, 1e-14)
				}
			}
		}
	}
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}

func norm(a []float64) float64 { return math.Sqrt(dot(a, a)) }

// TestMisfit: phi by its definition, the gradient by the slope of Taylor's remainder: phi(m + h v) - phi(m) - h <g, v> is
// O(h^2), so that halving h divides it by 4.
func TestMisfit(t *testing.T) {
	const seed, batch, nObs = 4, 11, 3
	for _, p := range problems {
		s, _ := configure(t, p.options)
		obs, tau := normals(seed, "obs", nObs, p.n), []float64{0.3, 1, 2.5}
		if err := s.Observe(ctx, obs, tau); err != nil {
			t.Fatal(err)
		}
		want := obs.Clone()
		obs.Zero() // they are copied
		m, which := normals(seed, "m", batch, p.d), make([]int, batch)
		for i := range which {
			which[i] = i % nObs
		}
		phi, g := make([]float64, batch), tensor.New(tensor.Float64, batch, p.d)
		status, err := s.Misfit(ctx, m, which, phi, g)
		solvertest.OK(t, status, err)
		bare := make([]float64, batch)
		status, err = s.Misfit(ctx, m, which, bare, nil)
		solvertest.OK(t, status, err)
		v := normals(seed, "v", batch, p.d)
		for i := range batch {
			sum := 0.0
			for j, f := range p.reference(m.Item(i).Float64s()) {
				sum += math.Pow(f-want.Item(which[i]).Float64s()[j], 2) / (2 * tau[which[i]] * tau[which[i]])
			}
			near(t, fmt.Sprintf("seed %d: %s phi[%d]", seed, p.options, i), phi[i], sum, 1e-13*(1+sum))
			if bare[i] != phi[i] {
				t.Errorf("%s: phi[%d] is %g without gradient, %g with", p.options, i, bare[i], phi[i])
			}
			slope := dot(g.Item(i).Float64s(), v.Item(i).Float64s())
			remainder := func(h float64) float64 {
				x := m.Slice(i, i+1).Clone()
				for q := range x.Float64s() {
					x.Float64s()[q] += h * v.Item(i).Float64s()[q]
				}
				at := make([]float64, 1)
				status, err := s.Misfit(ctx, x, which[i:i+1], at, nil)
				solvertest.OK(t, status, err)
				return at[0] - phi[i] - h*slope
			}
			// c h^2 + O(h^3): the ratio is 4 but for O(h); a gradient that is off by e leaves h e, ratio 2.
			const h = 1e-4
			a, b := remainder(h), remainder(h/2)
			if math.Abs(a) > 1e-11*(1+phi[i]) && math.Abs(a/b-4) > 0.25 {
				t.Errorf("seed %d: %s item %d: Taylor remainders %g, %g, ratio %g, want 4", seed, p.options, i, a, b, a/b)
			}
		}
	}
}

// TestBatch: every result of an item is the same bits alone, in a batch, and beside a bad item.
func TestBatch(t *testing.T) {
	const seed, batch, k = 5, 8, 2
	for _, p := range problems {
		s, _ := configure(t, p.options)
		if err := s.Observe(ctx, normals(seed, "obs", 1, p.n), []float64{0.3}); err != nil {
			t.Fatal(err)
		}
		m, dm, w := normals(seed, "m", batch, p.d), normals(seed, "dm", batch, k, p.d), normals(seed, "w", batch, k, p.n)
		bad := 3
		m.Item(bad).Float64s()[0] = math.NaN()
		all := func(lo, hi int) []*tensor.Tensor {
			n := hi - lo
			out := []*tensor.Tensor{tensor.New(tensor.Float64, n, p.n), tensor.New(tensor.Float64, n, k, p.n),
				tensor.New(tensor.Float64, n, k, p.d), tensor.New(tensor.Float64, n, p.d), tensor.New(tensor.Float64, n)}
			var errs [4]error
			var st [4][]contract.Status
			st[0], errs[0] = s.Forward(ctx, m.Slice(lo, hi), out[0])
			st[1], errs[1] = s.JVP(ctx, m.Slice(lo, hi), dm.Slice(lo, hi), out[1])
			st[2], errs[2] = s.VJP(ctx, m.Slice(lo, hi), w.Slice(lo, hi), out[2])
			st[3], errs[3] = s.Misfit(ctx, m.Slice(lo, hi), make([]int, n), out[4].Float64s(), out[3])
			if err := errors.Join(errs[:]...); err != nil {
				t.Fatal(err)
			}
			for c, status := range st {
				for i := range n {
					got, want := contract.StatusAt(status, i), contract.OK
					if lo+i == bad {
						want = contract.OutOfBounds
					}
					if got.Code != want || (want != contract.OK && !strings.Contains(got.Text, "NaN")) {
						t.Errorf("%s: call %d item %d: %v, want %v", p.options, c, lo+i, got, want)
					}
				}
			}
			return out
		}
		whole := all(0, batch)
		for i := range batch {
			for c, one := range all(i, i+1) {
				if i != bad && !slices.Equal(one.Float64s(), whole[c].Item(i).Float64s()) {
					t.Errorf("%s: result %d of item %d alone %v, in the batch %v", p.options, c, i, one.Float64s(), whole[c].Item(i).Float64s())
				}
			}
		}
	}
}

func TestBounds(t *testing.T) {
	for _, test := range []struct {
		bounds string
		x      float64
		code   contract.StatusCode
		text   string
	}{
		{"[-1, 2]", -1, contract.OK, ""},
		{"[-1, 2]", 2, contract.OK, ""},
		{"[-1, 2]", 2.5, contract.OutOfBounds, "coordinate is 2.5 at [0], above its upper bound 2"},
		{"[-1, 2]", -1.5, contract.OutOfBounds, "below its lower bound -1"},
		{`["-inf", 2]`, -1e9, contract.OK, ""},
		{`["-inf", 2]`, 3, contract.OutOfBounds, "upper bound 2"},
		{"[]", 1e9, contract.OK, ""},
		{"[]", math.Inf(1), contract.OutOfBounds, "+Inf"},
		{"[]", 1e200, contract.Diverged, "overflows"},
	} {
		s, c := configure(t, `{"map": "cubic", "bounds": `+test.bounds+`}`)
		d := c.Data.New(1)
		status, err := s.Forward(ctx, tensor.FromFloat64s([]float64{test.x}, 1, 1), d)
		if err != nil {
			t.Fatal(err)
		}
		if got := contract.StatusAt(status, 0); got.Code != test.code || !strings.Contains(got.Text, test.text) {
			t.Errorf("bounds %s, x = %g: %v, want %v %q", test.bounds, test.x, got, test.code, test.text)
		}
	}
}

func TestOptionErrors(t *testing.T) {
	for options, want := range map[string]string{
		`{}`:                      "map",
		`{"map": "cube"}`:         "cubic",
		`{"map": "cubic", "a":1}`: `a`,
		`{"map": "cubic", "coefficients": [1, 2]}`:            "1 coefficients, got 2",
		`{"map": "identity"}`:                                 "needs dimension",
		`{"map": "identity", "dimension": 2, "matrix":[[1]]}`: "matrix is an option of map linear",
		`{"map": "quadratic", "dimension": 3}`:                "dimension 2, got dimension = 3",
		`{"map": "linear"}`:                                   "needs matrix",
		`{"map": "linear", "matrix": [[1, 2], [3]]}`:          "row 1 has 1 numbers",
		`{"map": "cubic", "bounds": [2, 1]}`:                  "bounds = [2 1]",
		`{"map": "cubic", "bounds": [2]}`:                     "bounds = [2]",
		`{"map": "cubic", "bounds": [1, 2, 3]}`:               "bounds",
		`{"map": "cubic", "coefficients": ["nan"]}`:           "coefficients",
		`{"map": `: "",
	} {
		_, err := New().Configure(ctx, contract.Config{Options: json.RawMessage(options)})
		if !errors.Is(err, contract.ErrInvalidOption) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want ErrInvalidOption with %q", options, err, want)
		}
	}
	_, err := New().Configure(ctx, contract.Config{Options: json.RawMessage(`{"map": "cubic"}`), Device: "cuda:0"})
	if !errors.Is(err, contract.ErrUnsupported) {
		t.Errorf("device: %v", err)
	}
}

// TestResolved: the options that come back give the same solver.
func TestResolved(t *testing.T) {
	for _, p := range problems {
		_, c := configure(t, p.options)
		_, again := configure(t, string(c.Options))
		if string(again.Options) != string(c.Options) || again.Model.Len() != c.Model.Len() {
			t.Errorf("%s resolves to %s, that to %s", p.options, c.Options, again.Options)
		}
	}
}

func TestCallErrors(t *testing.T) {
	m, d := tensor.New(tensor.Float64, 2, 1), tensor.New(tensor.Float64, 2, 1)
	phi, which := make([]float64, 2), []int{0, 1}
	bare := New()
	if _, err := bare.Forward(ctx, m, d); !errors.Is(err, contract.ErrNotConfigured) {
		t.Errorf("Forward before Configure: %v", err)
	}
	s, c := configure(t, `{"map": "cubic"}`)
	if _, err := s.Misfit(ctx, m, which, phi, nil); !errors.Is(err, contract.ErrNoObservation) {
		t.Errorf("Misfit before Observe: %v", err)
	}
	for _, tau := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if err := s.Observe(ctx, c.Data.New(1), []float64{tau}); !errors.Is(err, contract.ErrInvalidOption) {
			t.Errorf("tau = %g: %v", tau, err)
		}
	}
	if err := s.Observe(ctx, tensor.FromFloat64s([]float64{math.NaN()}, 1, 1), []float64{1}); !errors.Is(err, contract.ErrInvalidOption) {
		t.Errorf("NaN observed: %v", err)
	}
	if err := s.Observe(ctx, c.Data.New(2), []float64{1}); !errors.Is(err, tensor.ErrShape) {
		t.Errorf("two observations, one tau: %v", err)
	}
	if err := s.Observe(ctx, c.Data.New(1), []float64{1}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Misfit(ctx, m, which, phi, nil); !errors.Is(err, contract.ErrNoObservation) || !strings.Contains(err.Error(), "item 1 asks for observation 1") {
		t.Errorf("an observation that is not there: %v", err)
	}
	if _, err := s.Misfit(ctx, m, which[:1], phi, nil); !errors.Is(err, tensor.ErrShape) {
		t.Errorf("one observation number for two items: %v", err)
	}
	for what, err := range map[string]error{
		"dtype": second(s.Forward(ctx, tensor.New(tensor.Float32, 2, 1), d)),
		"width": second(s.Forward(ctx, tensor.New(tensor.Float64, 2, 2), d)),
		"batch": second(s.Forward(ctx, m, tensor.New(tensor.Float64, 3, 1))),
		"sets":  second(s.JVP(ctx, tensor.New(tensor.Float64, 3, 1), tensor.New(tensor.Float64, 2, 1, 1), tensor.New(tensor.Float64, 3, 1, 1))),
		"K":     second(s.VJP(ctx, m, tensor.New(tensor.Float64, 2, 1, 1), tensor.New(tensor.Float64, 2, 2, 1))),
		"rank":  second(s.VJP(ctx, m, m, tensor.New(tensor.Float64, 2, 1, 1))),
	} {
		if !errors.Is(err, tensor.ErrShape) {
			t.Errorf("wrong %s: %v", what, err)
		}
	}
	if _, err := s.Configure(ctx, contract.Config{Options: json.RawMessage(`{"map": "cubic"}`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Misfit(ctx, m, []int{0, 0}, phi, nil); !errors.Is(err, contract.ErrNoObservation) {
		t.Errorf("Misfit after a new Configure: %v", err)
	}
	empty := tensor.New(tensor.Float64, 0, 1)
	if status, err := s.Forward(ctx, empty, empty); err != nil || status != nil {
		t.Errorf("empty batch: %v %v", status, err)
	}
}

func second(_ []contract.Status, err error) error { return err }

func TestDescribe(t *testing.T) {
	d := contract.LocalSolver(New()).Describe()
	want := []contract.Capability{contract.CapMisfit, contract.CapGradient, contract.CapJVP, contract.CapVJP}
	if d.Kind != contract.KindSolver || d.Name != "analytic" || !slices.Equal(d.Capabilities, want) || len(d.Options) == 0 {
		t.Errorf("description %+v", d)
	}
}
