package mixture

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Rule says how the components of a linearised posterior are weighted.
type Rule string

// The two rules, S_n = J_n C J_n^T + tau^2 I.
const (
	// Exact: log w_n = -1/2 r_n^T S_n^-1 r_n - 1/2 log|S_n| + constant, Bayes' rule for the linearised map. The default.
	Exact Rule = "exact"
	// Published leaves out -1/2 log|S_n|, as the memorization study's code does.
	Published Rule = "published"
)

// ParseRule reads a rule from an option; the empty string is [Exact].
func ParseRule(s string) (Rule, error) {
	switch Rule(s) {
	case "", Exact:
		return Exact, nil
	case Published:
		return Published, nil
	}
	return "", fmt.Errorf("mixture: weights = %q; allowed are %q and %q", s, Exact, Published)
}

// Local is what the linearised posterior needs to know of the data at one component's mean x_n, r = y - F(x_n),
// J = dF(x_n), complex data as two real numbers each.
type Local struct {
	// Phi is |r|^2/(2 tau^2).
	Phi float64
	// B (d) is J^T r/tau^2, minus the gradient of the misfit.
	B []float64
	// H (d x d, row-major, symmetric) is J^T J/tau^2.
	H []float64
}

// NewLocal makes a Local from a residual r (nd), a Jacobian J (nd x d, row-major) and tau > 0.
func NewLocal(residual, jacobian []float64, tau float64) Local {
	nd := len(residual)
	if nd == 0 || len(jacobian)%nd != 0 || len(jacobian) == 0 {
		panic(fmt.Sprintf("mixture: local: a Jacobian of %d numbers for %d residuals", len(jacobian), nd))
	}
	d := len(jacobian) / nd
	l := Local{B: make([]float64, d), H: make([]float64, d*d)}
	t2 := tau * tau
	for k, r := range residual {
		l.Phi += r * r / (2 * t2)
		row := jacobian[k*d : (k+1)*d]
		for i, ji := range row {
			l.B[i] += ji * r / t2
			for j, jj := range row {
				l.H[i*d+j] += ji * jj / t2
			}
		}
	}
	return l
}

// Linearise returns the posterior of a mixture prior under a forward map linearised about every component's mean:
//
//	C_n = (C^-1 + H_n)^-1, mu_n = x_n + C_n b_n,
//	log w_n = log w_n(prior) - phi_n + 1/2 b_n^T C_n b_n - 1/2 log|I + L^T H_n L| (the last term by rule Exact alone),
//
// exact when F is linear. That is the spec's log w_n, with r^T S^-1 r = 2 phi - b^T C_n b and log|S| = nd log tau^2 +
// log|I + C H|, but for the constant -nd/2 log tau^2. C is never inverted: with C = L L^T and the factorisation
// I + L^T H L = U U^T (U upper triangular), C_n = G G^T for G = L U^-T, lower triangular. So C may be singular, and C = 0
// gives the lookup table: mu_n = x_n, w_n proportional to exp(-phi_n).
//
// local is called once per component, in order; what it returns is not kept. A component with Phi = +Inf (its solve failed)
// has weight 0 and the prior's covariance. Errors: local's own; a B or H of a wrong length; H that is not finite or so far
// from positive semidefinite that I + L^T H L has no Cholesky factor; an unknown rule; no component of finite misfit.
func Linearise(prior *Mixture, local func(n int) (Local, error), rule Rule) (*Posterior, error) {
	if rule != Exact && rule != Published {
		return nil, fmt.Errorf("mixture: linearise: weights = %q; allowed are %q and %q", rule, Exact, Published)
	}
	d, count := prior.Dim, prior.N()
	p := &Posterior{
		Dim: d, Means: append([]float64(nil), prior.Means...),
		LogWeights: make([]float64, count), Factors: make([]float64, count*d*d),
	}
	lower := prior.Cov.lower(d)
	for n := range count {
		loc, err := local(n)
		if err != nil {
			return nil, fmt.Errorf("mixture: linearise: component %d: %w", n, err)
		}
		if math.IsInf(loc.Phi, 1) {
			p.LogWeights[n] = math.Inf(-1)
			copy(p.factor(n), lower)
			continue
		}
		if len(loc.B) != d || len(loc.H) != d*d || math.IsNaN(loc.Phi) || math.IsInf(loc.Phi, 0) {
			return nil, fmt.Errorf("mixture: linearise: component %d: phi = %g, b has %d numbers, H has %d; needed: finite, %d, %d",
				n, loc.Phi, len(loc.B), len(loc.H), d, d*d)
		}
		logDet, err := narrow(p.factor(n), lower, loc.H)
		if err != nil {
			return nil, fmt.Errorf("mixture: linearise: component %d: %w", n, err)
		}
		g, e := p.factor(n), make([]float64, d)
		quad := 0.0 // b^T C_n b = |G^T b|^2
		for j := range d {
			for i := j; i < d; i++ {
				e[j] += g[i*d+j] * loc.B[i]
			}
			quad += e[j] * e[j]
		}
		addLower(p.Means[n*d:(n+1)*d], g, e)
		p.LogWeights[n] = prior.logWeights[n] - loc.Phi + 0.5*quad
		if rule == Exact {
			p.LogWeights[n] -= 0.5 * logDet
		}
		if math.IsNaN(p.LogWeights[n]) {
			return nil, fmt.Errorf("mixture: linearise: component %d: its weight is not a number (phi = %g, b^T C b = %g)", n, loc.Phi, quad)
		}
	}
	total := LogSumExp(p.LogWeights)
	if math.IsInf(total, 0) {
		return nil, fmt.Errorf("mixture: linearise: none of %d components has a finite misfit", count)
	}
	for n := range p.LogWeights {
		p.LogWeights[n] -= total
	}
	return p, nil
}

// narrow sets g (d x d) to the lower triangular G with G G^T = (C^-1 + H)^-1, C = L L^T, and returns log|I + L^T H L|.
func narrow(g, lower, h []float64) (float64, error) {
	d := isqrt(len(h))
	l := mat.NewDense(d, d, lower)
	var hl, m mat.Dense
	hl.Mul(mat.NewDense(d, d, h), l)
	m.Mul(l.T(), &hl)
	// With J the reversal of the order of coordinates, J M J = T T^T (T lower) gives M = U U^T, U = J T J upper.
	flip := mat.NewSymDense(d, nil)
	for i := range d {
		for j := i; j < d; j++ {
			v := 0.5 * (m.At(d-1-i, d-1-j) + m.At(d-1-j, d-1-i))
			if i == j {
				v++
			}
			flip.SetSym(i, j, v)
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(flip) {
		return 0, fmt.Errorf("the matrix I + L^T H L (%d x %d) is not positive definite: H must be finite, symmetric and positive semidefinite", d, d)
	}
	var t, inv mat.TriDense
	chol.LTo(&t)
	if err := inv.InverseTri(&t); err != nil {
		var cond mat.Condition
		if !errors.As(err, &cond) || math.IsInf(float64(cond), 1) {
			return 0, fmt.Errorf("the matrix I + L^T H L (%d x %d): %w", d, d, err)
		}
	}
	// U^-T = (J T J)^-T = J T^-T J: entry (i, j) is T^-1 at (d-1-j, d-1-i), lower triangular.
	ut := mat.NewDense(d, d, nil)
	for i := range d {
		for j := 0; j <= i; j++ {
			ut.Set(i, j, inv.At(d-1-j, d-1-i))
		}
	}
	mat.NewDense(d, d, g).Mul(l, ut)
	for i := range d { // the product's upper part is 0 by structure; say so exactly
		for j := i + 1; j < d; j++ {
			g[i*d+j] = 0
		}
	}
	return chol.LogDet(), nil
}

func isqrt(n int) int { return int(math.Round(math.Sqrt(float64(n)))) }
