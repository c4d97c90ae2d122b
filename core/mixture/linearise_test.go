package mixture

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// TestLinearMapIsExact: for a linear F the linearised posterior is the posterior, for every form of covariance that has a
// density, with unequal prior weights, against the grid.
func TestLinearMapIsExact(t *testing.T) {
	r := random(t, 8)
	jac := []float64{1, 0.5, -0.3, 0.8, 0.4, 0.4} // nd = 3, d = 2
	p := stylised{dim: 2, nd: 3, means: normals(r, 8), y: []float64{0.4, -0.2, 0.9}, tau: 0.5,
		f: func(x []float64) []float64 {
			return []float64{jac[0]*x[0] + jac[1]*x[1], jac[2]*x[0] + jac[3]*x[1], jac[4]*x[0] + jac[5]*x[1]}
		},
		jac: func([]float64) []float64 { return jac },
	}
	g, err := NewGrid(Axis{-7, 7, 501}, Axis{-7, 7, 501})
	if err != nil {
		t.Fatal(err)
	}
	for name, cov := range map[string]Covariance{
		"isotropic": Isotropic(0.25), "diagonal": Diagonal([]float64{0.2, 0.6}), "factor": Factor([]float64{0.6, 0, -0.3, 0.5}),
	} {
		m, err := New(p.means, 2, []float64{1, 2, 3, 4}, cov)
		if err != nil {
			t.Fatal(err)
		}
		q, err := Linearise(m, p.local, Exact)
		if err != nil {
			t.Fatal(err)
		}
		exact, linear := p.onGrid(t, g, m, q)
		if tv := exact.TotalVariation(linear); tv > 1e-9 {
			t.Errorf("%s: total variation %g between the posterior and its exact linearisation", name, tv)
		}
		mean, c := q.Moments()
		gm, gc := exact.Moments()
		for i := range mean {
			near(t, name+" mean", mean[i], gm[i], 1e-8)
		}
		for i := range c {
			near(t, name+" covariance", c[i], gc[i], 1e-8)
		}
		resp, x := make([]float64, 4), []float64{0.3, -0.4}
		if err := q.Responsibilities(resp, x); err != nil {
			t.Fatal(err)
		}
		near(t, name+" responsibilities", resp[0]+resp[1]+resp[2]+resp[3], 1, 1e-14)
	}
}

// TestLineariseDataSpace compares with the nd x nd formulas of the spec, S_n in full, d = 5 against nd = 3 and a singular C.
func TestLineariseDataSpace(t *testing.T) {
	r := random(t, 9)
	const d, nd, n = 5, 3, 4
	const tau = 0.2
	for _, c := range covariances(r.NormFloat64, d) {
		name, cov := c.name, c.cov
		m, err := New(normals(r, n*d), d, nil, cov)
		if err != nil {
			t.Fatal(err)
		}
		res, jac := normals(r, n*nd), normals(r, n*nd*d)
		local := func(k int) (Local, error) {
			return NewLocal(res[k*nd:(k+1)*nd], jac[k*nd*d:(k+1)*nd*d], tau), nil
		}
		low := cov.lower(d)
		for _, rule := range []Rule{Exact, Published} {
			q, err := Linearise(m, local, rule)
			if err != nil {
				t.Fatal(err)
			}
			logw := make([]float64, n)
			for k := range n {
				j := jac[k*nd*d : (k+1)*nd*d]
				rk := res[k*nd : (k+1)*nd]
				jl := make([]float64, nd*d) // J L
				for a := range nd {
					for b := range d {
						for c := range d {
							jl[a*d+b] += j[a*d+c] * low[c*d+b]
						}
					}
				}
				s := make([][]float64, nd)
				for a := range nd {
					s[a] = make([]float64, nd)
					for b := range nd {
						for c := range d {
							s[a][b] += jl[a*d+c] * jl[b*d+c]
						}
					}
					s[a][a] += tau * tau
				}
				sr, logDet := solve(s, rk)
				for a := range nd {
					logw[k] -= 0.5 * rk[a] * sr[a]
				}
				if rule == Exact {
					logw[k] -= 0.5 * logDet
				}
				for i := range d { // the Kalman form: mu = x + C J^T S^-1 r, C_n = C - C J^T S^-1 J C
					mu := m.Means[k*d+i]
					cj := make([]float64, nd)
					for a := range nd {
						for c := range d {
							cj[a] += low[i*d+c] * jl[a*d+c]
						}
						mu += cj[a] * sr[a]
					}
					near(t, name+" mu", q.Means[k*d+i], mu, 1e-10)
					v := 0.0
					for c := range d {
						v += low[i*d+c] * low[i*d+c]
					}
					scj, _ := solve(s, cj)
					for a := range nd {
						v -= cj[a] * scj[a]
					}
					e := make([]float64, d)
					e[i] = 1
					near(t, name+" C_n", q.Variance(k, e), v, 1e-10)
				}
			}
			total := LogSumExp(logw)
			for k := range n {
				near(t, name+" log weight, "+string(rule), q.LogWeights[k], logw[k]-total, 1e-9*(1+math.Abs(logw[k])))
			}
		}
	}
}

// TestNullSpaceKeepsWidth: along the null space of J the component keeps the prior's width s, along a sensitive direction it
// has 1/(1/s^2 + |J v|^2/tau^2).
func TestNullSpaceKeepsWidth(t *testing.T) {
	m, err := New([]float64{1, 2, 3}, 3, nil, Isotropic(0.09))
	if err != nil {
		t.Fatal(err)
	}
	loc := NewLocal([]float64{0.1}, []float64{3, 4, 0}, 0.5)
	q, err := Linearise(m, func(int) (Local, error) { return loc, nil }, Exact)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "null space", q.Variance(0, []float64{0.8, -0.6, 0}), 0.09, 1e-15)
	near(t, "null space", q.Variance(0, []float64{0, 0, 1}), 0.09, 1e-15)
	near(t, "sensitive", q.Variance(0, []float64{0.6, 0.8, 0}), 1/(1/0.09+25/0.25), 1e-15)
}

// TestLookup: a mixture of points gives the lookup table, by either rule, and the limit s -> 0 goes there.
func TestLookup(t *testing.T) {
	p := stylised2D()
	phi := make([]float64, 5)
	for n := range phi {
		phi[n] = p.phi(p.means[n*2 : n*2+2])
	}
	want, err := LookupWeights(phi)
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for _, v := range phi {
		total += math.Exp(-v)
	}
	for n := range want {
		near(t, "lookup weight", want[n], math.Exp(-phi[n])/total, 1e-14)
	}
	for _, rule := range []Rule{Exact, Published} {
		for _, s := range []float64{0, 1e-6} {
			_, q := p.linearised(t, Isotropic(s*s), rule)
			for n, w := range q.Weights() {
				near(t, "weight", w, want[n], 1e-8)
			}
			for i, v := range q.Means {
				near(t, "mean", v, p.means[i], 1e-9)
			}
			err := q.LogDensity(make([]float64, 1), []float64{0, 0})
			if (err != nil) != (s == 0) {
				t.Errorf("s = %g: density error %v", s, err)
			}
		}
	}
	w, err := LookupWeights([]float64{3e6, math.Inf(1), 3e6 + math.Log(3)})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range []float64{0.75, 0, 0.25} {
		near(t, "large misfits, a failed solve", w[i], v, 1e-9)
	}
}

func TestEffective(t *testing.T) {
	near(t, "uniform", Effective([]float64{2, 2, 2, 2}), 4, 1e-14)
	near(t, "one", Effective([]float64{0, 3, 0}), 1, 0)
	near(t, "two unequal", Effective([]float64{0.25, 0.75}), math.Exp(0.25*math.Log(4)+0.75*math.Log(4.0/3)), 1e-14)
	near(t, "s_crit", CriticalWidth(0.8, 0.3, 2), math.Sqrt(0.12), 1e-15)
	if v := Effective(nil); !math.IsNaN(v) {
		t.Errorf("no weights give %g", v)
	}
}

func TestLineariseErrors(t *testing.T) {
	m, err := New([]float64{1, 2, 3, 4}, 2, nil, Isotropic(1))
	if err != nil {
		t.Fatal(err)
	}
	failed := errors.New("solver diverged")
	good := NewLocal([]float64{0.1}, []float64{1, 1}, 1)
	for name, c := range map[string]struct {
		loc  Local
		err  error
		rule Rule
		want string
	}{
		"callback":   {good, failed, Exact, "component 0: solver diverged"},
		"rule":       {good, nil, "best", `weights = "best"`},
		"length":     {Local{Phi: 1, B: []float64{1}, H: good.H}, nil, Exact, "b has 1 numbers"},
		"nan":        {Local{Phi: math.NaN(), B: good.B, H: good.H}, nil, Exact, "phi = NaN"},
		"indefinite": {Local{Phi: 1, B: good.B, H: []float64{-3, 0, 0, -3}}, nil, Exact, "not positive definite"},
		"nan in H":   {Local{Phi: 1, B: good.B, H: []float64{1, math.NaN(), math.NaN(), 1}}, nil, Exact, "not positive definite"},
		"nan in b":   {Local{Phi: 1, B: []float64{math.NaN(), 0}, H: good.H}, nil, Exact, "not a number"},
		"all failed": {Local{Phi: math.Inf(1)}, nil, Exact, "none of 2 components"},
	} {
		_, err := Linearise(m, func(int) (Local, error) { return c.loc, c.err }, c.rule)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
		if c.err != nil && !errors.Is(err, failed) {
			t.Errorf("%s: the callback's error is not wrapped", name)
		}
	}
	if r, err := ParseRule(""); r != Exact || err != nil {
		t.Errorf("the default rule is %q, %v", r, err)
	}
	if _, err := ParseRule("none"); err == nil {
		t.Error("an unknown rule is read")
	}
}
