package plugintest

import (
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/gradcheck"
	"github.com/waveprior/waveprior/core/tensor"
)

// checkedModels is at how many models derivatives are checked.
const checkedModels = 2

// models returns the points at which derivatives are checked, as real numbers.
func (p *probe) models(s *subject) [][]float64 {
	t := points(s.conf.Model, checkedModels, p.o.Scale, p.o.Models, p.source("model"))
	var out [][]float64
	for i := range checkedModels {
		out = append(out, t.Item(i).AppendReals(nil))
	}
	return out
}

// forward returns F(m) of one model.
func (p *probe) forward(s *subject, m []float64) ([]float64, error) {
	d := s.conf.Data.New(1)
	st, err := s.solver.Forward(p.ctx, one(s.conf.Model, m), d)
	if err != nil {
		return nil, err
	}
	if code := contract.StatusAt(st, 0); code.Code != contract.OK {
		return nil, statusError{code}
	}
	return d.AppendReals(nil), nil
}

// statusError is an item status where the check needs the item to be OK.
type statusError struct{ status contract.Status }

func (e statusError) Error() string { return "item status " + e.status.String() }

// ok fails the property unless all items are OK.
func (p *probe) ok(st []contract.Status, err error, method string) {
	p.must(err, "%s", method)
	for i, s := range st {
		if s.Code != contract.OK {
			p.fatalf("%s: item %d: %v", method, i, s)
		}
	}
}

func (p *probe) vjp(s *subject, m, w []float64) []float64 {
	out := tensor.New(s.conf.Model.DType, append([]int{1, 1}, s.conf.Model.ItemShape()...)...)
	wt := one(s.conf.Data, w)
	st, err := s.solver.VJP(p.ctx, one(s.conf.Model, m), wt.Reshape(append([]int{1}, wt.Shape...)...), out)
	p.ok(st, err, "VJP")
	return out.AppendReals(nil)
}

func (p *probe) jvp(s *subject, m, dm []float64) []float64 {
	out := tensor.New(s.conf.Data.DType, append([]int{1, 1}, s.conf.Data.ItemShape()...)...)
	dt := one(s.conf.Model, dm)
	st, err := s.solver.JVP(p.ctx, one(s.conf.Model, m), dt.Reshape(append([]int{1}, dt.Shape...)...), out)
	p.ok(st, err, "JVP")
	return out.AppendReals(nil)
}

// taylor judges a table of f along dx with derivative jdx.
func (p *probe) taylor(what string, e float64, f func(x []float64) ([]float64, error), x, dx, jdx []float64) {
	tol, o := 0.1, gradcheck.Options{H0: 1, Eps: e, Jx: jdx}
	if e > 1e-10 { // in float32 few powers of ten stand above the rounding, which a solver makes larger than that of its data
		tol, o.Factor, o.Rows, o.Noisy = 0.3, 2, 20, true
	}
	table, err := gradcheck.Taylor(f, x, dx, jdx, o)
	p.must(err, "%s", what)
	flat := table.Affine // no change along dx that stands above rounding, and none is claimed
	for _, r := range table.Rows {
		flat = flat && r.R0 <= r.Floor
	}
	if flat {
		p.notef("%s: constant to rounding", what)
		return
	}
	if err := table.Check(tol); err != nil {
		p.failf("%s: %v", what, err)
		return
	}
	if table.Affine {
		p.notef("%s: affine, remainder is rounding\n%v", what, table)
	} else {
		p.notef("%s: slopes %.3f and %.3f\n%v", what, table.Order0, table.Order1, table)
	}
}

func (p *probe) eps(s *subject) float64 { return eps(s.conf.Model.DType, s.conf.Data.DType) }

func checkJVPTaylor(p *probe) {
	p.needs(contract.CapJVP)
	s := p.subject()
	for i, x := range p.models(s) {
		dx := direction(s.conf.Model, x, p.o.Scale, p.stream("direction", i))
		p.taylor("F", p.eps(s), func(x []float64) ([]float64, error) { return p.forward(s, x) }, x, dx, p.jvp(s, x, dx))
	}
}

func checkVJPTaylor(p *probe) {
	p.needs(contract.CapVJP)
	s := p.subject()
	for i, x := range p.models(s) {
		dx := direction(s.conf.Model, x, p.o.Scale, p.stream("direction", i))
		w := make([]float64, s.conf.Data.Reals())
		p.stream("weights", i).Normals(w)
		w = one(s.conf.Data, w).AppendReals(nil)
		g := p.vjp(s, x, w)
		f := func(x []float64) ([]float64, error) {
			d, err := p.forward(s, x)
			return []float64{inner(d, w)}, err
		}
		p.taylor("<F, w>", p.eps(s)*math.Sqrt(float64(len(w))), f, x, dx, []float64{inner(g, dx)})
	}
}

func inner(a, b []float64) float64 {
	s := 0.0
	for i := range min(len(a), len(b)) {
		s = math.FMA(a[i], b[i], s)
	}
	return s
}

// dotTolerance is the allowed mismatch relative to the norms: 1e-10 in float64, 1e-4 in float32.
func dotTolerance(e float64) float64 {
	if e > 1e-10 {
		return 1e-4
	}
	return 1e-10
}

func checkDot(p *probe) {
	p.needs(contract.CapJVP, contract.CapVJP)
	s := p.subject()
	for i, x := range p.models(s) {
		dx := direction(s.conf.Model, x, p.o.Scale, p.stream("direction", i))
		w := make([]float64, s.conf.Data.Reals())
		p.stream("weights", i).Normals(w)
		w = one(s.conf.Data, w).AppendReals(nil)
		dot := gradcheck.DotProduct(dx, p.jvp(s, x, dx), w, p.vjp(s, x, w))
		if err := dot.Check(dotTolerance(p.eps(s))); err != nil {
			p.failf("model %d: %v", i, err)
		}
		p.notef("%v", dot)
	}
}

// misfit returns phi and, with gradient, its gradient.
func (p *probe) misfit(s *subject, x []float64, which int, gradient bool) (float64, []float64, error) {
	var g *tensor.Tensor
	if gradient {
		g = s.conf.Model.New(1)
	}
	phi := make([]float64, 1)
	st, err := s.solver.Misfit(p.ctx, one(s.conf.Model, x), []int{which}, phi, g)
	if err != nil {
		return 0, nil, err
	}
	if code := contract.StatusAt(st, 0); code.Code != contract.OK {
		return 0, nil, statusError{code}
	}
	if g == nil {
		return phi[0], nil, nil
	}
	return phi[0], g.AppendReals(nil), nil
}

func checkGradient(p *probe) {
	p.needs(contract.CapGradient)
	s := p.subject()
	for i, x := range p.models(s) {
		dx := direction(s.conf.Model, x, p.o.Scale, p.stream("direction", i))
		_, g, err := p.misfit(s, x, i%2, true)
		p.must(err, "Misfit with gradient")
		// The residuals' rounding is that of the data, which may be larger than they are.
		p.taylor("phi", 4*p.eps(s), func(x []float64) ([]float64, error) {
			phi, _, err := p.misfit(s, x, i%2, false)
			return []float64{phi}, err
		}, x, dx, []float64{inner(g, dx)})
	}
}

func checkMisfit(p *probe) {
	p.needs(contract.CapMisfit)
	s := p.subject()
	su := p.suite.(*solverSuite)
	obs, tau := su.observations(p, s)
	e := p.eps(s)
	for i, x := range p.models(s) {
		for k := range tau {
			f, err := p.forward(s, x)
			p.must(err, "Forward")
			d := obs.Item(k).AppendReals(nil)
			want, bound := 0.0, 0.0
			for j := range f {
				r := f[j] - d[j]
				want += r * r
				bound += (math.Abs(f[j]) + math.Abs(d[j])) * math.Abs(r)
			}
			want, bound = 0.5*want/(tau[k]*tau[k]), bound/(tau[k]*tau[k])
			got, _, err := p.misfit(s, x, k, false)
			p.must(err, "Misfit")
			if tol := 16*e*bound + 1e-12*want; !(math.Abs(got-want) <= tol) {
				p.failf("model %d, observation %d: phi = %.17g, from Forward %.17g (allowed: %.2g apart)", i, k, got, want, tol)
			}
			p.notef("phi = %.6g", got)
		}
	}
}

func checkGradientVJP(p *probe) {
	p.needs(contract.CapGradient, contract.CapVJP)
	s := p.subject()
	su := p.suite.(*solverSuite)
	obs, tau := su.observations(p, s)
	for i, x := range p.models(s) {
		f, err := p.forward(s, x)
		p.must(err, "Forward")
		d := obs.Item(0).AppendReals(nil)
		for j := range f {
			f[j] = (f[j] - d[j]) / (tau[0] * tau[0])
		}
		want := p.vjp(s, x, f)
		_, g, err := p.misfit(s, x, 0, true)
		p.must(err, "Misfit with gradient")
		diff := make([]float64, len(g))
		for j := range g {
			diff[j] = g[j] - want[j]
		}
		rel := gradcheck.Norm(diff) / max(gradcheck.Norm(want), math.SmallestNonzeroFloat64)
		if !(rel <= dotTolerance(p.eps(s))) {
			p.failf("model %d: the gradient differs from J^T (F(m) - d)/tau^2 by %.2e of its norm (allowed: %.0e)", i, rel, dotTolerance(p.eps(s)))
		}
		p.notef("relative difference %.1e", rel)
	}
}
