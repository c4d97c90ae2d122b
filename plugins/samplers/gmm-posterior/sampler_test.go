package gmmposterior_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/tensor"
	gmmposterior "github.com/waveprior/waveprior/plugins/samplers/gmm-posterior"
	"github.com/waveprior/waveprior/plugins/samplers/internal/toy"
)

var _ contract.Sampler = (*gmmposterior.Sampler)(nil)

const (
	tau  = 0.3
	seed = 11
)

func prior(t *testing.T, means []float64, d int, weights []float64, cov mixture.Covariance) *toy.Prior {
	t.Helper()
	m, err := mixture.New(means, d, weights, cov)
	if err != nil {
		t.Fatal(err)
	}
	return &toy.Prior{M: m}
}

func run(t *testing.T, options string, p contract.Prior, s contract.Solver, chains contract.Chains, group int) *toy.Output {
	t.Helper()
	out, err := toy.Run(context.Background(), gmmposterior.New(), toy.Config(options, seed, p, s), chains, group)
	if err != nil {
		t.Fatal(err)
	}
	for i, st := range out.Status {
		if st.Code != contract.OK {
			t.Fatalf("chain %d: %v", i, st)
		}
	}
	return out
}

// pentagon is the memorization study's 2-D training set, section 2.
func pentagon() []float64 {
	p := make([]float64, 10)
	for i := range 5 {
		p[2*i], p[2*i+1] = 2*math.Cos(2*math.Pi*float64(i)/5), 2*math.Sin(2*math.Pi*float64(i)/5)
	}
	return p
}

// TestLinearGaussian: with a linear F and one Gaussian a chain is mu' + G z, G the Cholesky factor of the exact posterior
// covariance (C^-1 + A^T A/tau^2)^-1 and mu' its mean, all 2 x 2 by hand, z the chain's normals. In every form of C.
func TestLinearGaussian(t *testing.T) {
	mu, a, y := [2]float64{1, -0.5}, [2]float64{0.8, -1.7}, 0.9 // F(x) = a . x: one datum, so one direction stays as it was
	for _, tc := range []struct {
		cov mixture.Covariance
		c   [3]float64 // c11, c12, c22
	}{
		{mixture.Isotropic(0.49), [3]float64{0.49, 0, 0.49}},
		{mixture.Diagonal([]float64{0.25, 4}), [3]float64{0.25, 0, 4}},
		{mixture.Factor([]float64{1.1, 0, 0.9, 0.5}), [3]float64{1.21, 0.99, 1.06}},
	} {
		s := toy.Linear(a[:], 2).ObserveRows(tau, []float64{y})
		out := run(t, `{}`, prior(t, mu[:], 2, nil, tc.cov), s, toy.Chains(200, tau), 0)
		c := tc.c
		det := c[0]*c[2] - c[1]*c[1]
		h := [3]float64{c[2]/det + a[0]*a[0]/(tau*tau), -c[1]/det + a[0]*a[1]/(tau*tau), c[0]/det + a[1]*a[1]/(tau*tau)}
		det = h[0]*h[2] - h[1]*h[1]
		p := [3]float64{h[2] / det, -h[1] / det, h[0] / det} // posterior covariance
		b := (y - a[0]*mu[0] - a[1]*mu[1]) / (tau * tau)
		m := [2]float64{mu[0] + (p[0]*a[0]+p[1]*a[1])*b, mu[1] + (p[1]*a[0]+p[2]*a[1])*b}
		g11 := math.Sqrt(p[0])
		g21 := p[1] / g11
		g22 := math.Sqrt(p[2] - g21*g21)
		for i := range 200 {
			src := rng.New(seed, "sampler/step").At(0, uint32(i), 0)
			z1, z2 := src.Normal(0), src.Normal(1)
			x1, x2 := m[0]+g11*z1, m[1]+g21*z1+g22*z2
			got := out.Latent()[2*i : 2*i+2]
			if math.Hypot(got[0]-x1, got[1]-x2) > 1e-12*(1+math.Hypot(x1, x2)) {
				t.Fatalf("C = %v: chain %d is %v, by hand %v %v", tc.c, i, got, x1, x2)
			}
			r := a[0]*x1 + a[1]*x2 - y
			if phi := r * r / (2 * tau * tau); math.Abs(out.Numbers["misfit"][i]-phi) > 1e-9*(1+phi) {
				t.Fatalf("chain %d: misfit %g, by hand %g", i, out.Numbers["misfit"][i], phi)
			}
		}
		if !slices.Equal(out.Latent(), out.State["x0"].AppendReals(nil)) || out.Steps != 1 {
			t.Errorf("x0 differs from latent, or %d steps", out.Steps)
		}
	}
}

// TestMixtureMoments: on the 2-D problem of the study the moments of 20 000 draws are those of package mixture's closed form,
// made from Jacobians and residuals, within 5 Monte-Carlo standard errors; and each chain takes the component that its
// uniform points at. Both rules, which must differ.
func TestMixtureMoments(t *testing.T) {
	const n, width = 20000, 0.5
	var weights [2][]float64
	for k, rule := range []mixture.Rule{mixture.Exact, mixture.Published} {
		q := toy.Quadratic()
		y := make([]float64, 2)
		q.F([]float64{0.1, 0.2}, y) // between the points, so that several components count
		q.ObserveRows(tau, y)
		p := prior(t, pentagon(), 2, []float64{1, 2, 3, 2, 1}, mixture.Isotropic(width*width))
		out := run(t, fmt.Sprintf(`{"weights":%q}`, rule), p, q, toy.Chains(n, tau), 0)
		post, err := mixture.Linearise(p.M, func(i int) (mixture.Local, error) {
			x, f, j := p.M.Means[2*i:2*i+2], make([]float64, 2), make([]float64, 4)
			q.F(x, f)
			q.J(x, j)
			return mixture.NewLocal([]float64{y[0] - f[0], y[1] - f[1]}, j, tau), nil
		}, rule)
		if err != nil {
			t.Fatal(err)
		}
		weights[k] = post.Weights()
		mean, cov := post.Moments()
		x := out.Latent()
		for i := range 2 {
			var m, v, m4 float64
			for c := range n {
				d := x[2*c+i] - mean[i]
				m, v, m4 = m+d/n, v+d*d/n, m4+d*d*d*d/n
			}
			if se := math.Sqrt(cov[3*i] / n); math.Abs(m) > 5*se {
				t.Errorf("%s: mean[%d] off by %g, standard error %g", rule, i, m, se)
			}
			if se := math.Sqrt((m4 - v*v) / n); math.Abs(v-cov[3*i]) > 5*se {
				t.Errorf("%s: variance[%d] is %g, want %g, standard error %g", rule, i, v, cov[3*i], se)
			}
		}
		effective := mixture.Effective(post.Weights())
		for c := range n {
			u, sum, want := rng.New(seed, "sampler/component").At(0, uint32(c), 0).Uniform(0), 0.0, 0
			for i, w := range post.Weights() {
				if sum += w; u < sum {
					want = i
					break
				}
			}
			if got := out.Numbers["component"][c]; got != float64(want) {
				t.Fatalf("%s: chain %d took component %v, its uniform %g says %d", rule, c, got, u, want)
			}
			if math.Abs(out.Numbers["effective_components"][c]-effective) > 1e-9 {
				t.Fatalf("%s: effective components %g, want %g", rule, out.Numbers["effective_components"][c], effective)
			}
		}
	}
	if d := math.Abs(weights[0][0] - weights[1][0]); d < 1e-3 {
		t.Errorf("the two rules give the same weights: %v %v", weights[0], weights[1])
	}
}

// TestDeterminantExample is the study's own example, section 1: F(x) = sin x^2, x_n = 0.5 and sqrt(pi - 0.25), y = sin 0.25,
// tau = 0.01, s = 0.05: weights 0.769/0.231 with the determinant, 0.5/0.5 without.
func TestDeterminantExample(t *testing.T) {
	s := &toy.Solver{D: 1, N: 1,
		F: func(x, y []float64) { y[0] = math.Sin(x[0] * x[0]) },
		J: func(x, j []float64) { j[0] = 2 * x[0] * math.Cos(x[0]*x[0]) },
	}
	s.ObserveRows(0.01, []float64{math.Sin(0.25)})
	p := prior(t, []float64{0.5, math.Sqrt(math.Pi - 0.25)}, 1, nil, mixture.Isotropic(0.05*0.05))
	const n = 20000
	for rule, want := range map[string]float64{"exact": 0.769, "published": 0.5} {
		out := run(t, fmt.Sprintf(`{"weights":%q,"misfit":false}`, rule), p, s, toy.Chains(n, 0.01), 0)
		first := 0.0
		for _, c := range out.Numbers["component"] {
			if c == 0 {
				first++
			}
		}
		if se := math.Sqrt(want * (1 - want) / n); math.Abs(first/n-want) > 5*se+0.0005 { // the figure is given to 3 digits
			t.Errorf("%s: component 0 in %g of the draws, want %g", rule, first/n, want)
		}
		if _, ok := out.Numbers["misfit"]; ok {
			t.Error("misfit = false reports misfits")
		}
	}
}

// TestLookup: draws are the means, as often as w_n exp(-phi_n) says; no jvp or gradient is asked for.
func TestLookup(t *testing.T) {
	q := toy.Quadratic()
	y := []float64{1.2, 0.9}
	q.ObserveRows(1.5, y)
	p := prior(t, pentagon(), 2, []float64{1, 2, 3, 0, 1}, mixture.Isotropic(0.25))
	const n = 20000
	out := run(t, `{"method":"lookup"}`, p, misfitOnly{q}, toy.Chains(n, 1.5), 0)
	want, sum := make([]float64, 5), 0.0
	for i := range want {
		x1, x2 := p.M.Means[2*i], p.M.Means[2*i+1]
		r1, r2 := x1+0.3*x1*x2-y[0], x2+0.2*x1*x1-y[1]
		want[i] = []float64{1, 2, 3, 0, 1}[i] * math.Exp(-(r1*r1+r2*r2)/(2*1.5*1.5))
		sum += want[i]
	}
	count := make([]float64, 5)
	for c := range n {
		k := int(out.Numbers["component"][c])
		count[k]++
		if !slices.Equal(out.Latent()[2*c:2*c+2], p.M.Means[2*k:2*k+2]) {
			t.Fatalf("chain %d of component %d is %v, want the mean itself", c, k, out.Latent()[2*c:2*c+2])
		}
	}
	for i, w := range want {
		w /= sum
		if se := math.Sqrt(w * (1 - w) / n); math.Abs(count[i]/n-w) > 5*se {
			t.Errorf("component %d in %g of the draws, want %g", i, count[i]/n, w)
		}
	}
}

// TestComplexData: a complex datum counts as two reals: the draws are those of the same numbers as real data.
func TestComplexData(t *testing.T) {
	p := prior(t, pentagon(), 2, nil, mixture.Isotropic(0.25))
	y := []float64{1.4, 0.4}
	real := run(t, `{}`, p, toy.Quadratic().ObserveRows(tau, y), toy.Chains(50, tau), 0)
	c := toy.Quadratic().ObserveRows(tau, y)
	c.Complex = true
	if got := run(t, `{}`, p, c, toy.Chains(50, tau), 0); !slices.Equal(got.Latent(), real.Latent()) {
		t.Error("complex and real data give different draws")
	}
}

// TestGrouping: a chain's bits do not depend on the others nor on which observation came before.
func TestGrouping(t *testing.T) {
	for _, dt := range []tensor.DType{tensor.Float64, tensor.Float32} {
		p := prior(t, pentagon(), 2, nil, mixture.Isotropic(0.25))
		q := toy.Quadratic().ObserveRows(tau, []float64{1.4, 0.4}, []float64{-1, 0.5}, []float64{0, 0})
		p.DType, q.DType = dt, dt
		chains := toy.Chains(9, tau)
		for i := range chains.Observation {
			chains.Observation[i] = i % 3
		}
		for _, options := range []string{`{}`, `{"method":"lookup"}`} {
			want := run(t, options, p, q, chains, 0)
			for _, group := range []int{1, 2} {
				got := run(t, options, p, q, chains, group)
				if !slices.Equal(got.Latent(), want.Latent()) || !slices.Equal(got.Numbers["misfit"], want.Numbers["misfit"]) {
					t.Errorf("%v %s in groups of %d: other bits", dt, options, group)
				}
			}
		}
	}
}

// TestConfigureForgets: the host configures again after Observe; what was kept of the old observation is gone.
func TestConfigureForgets(t *testing.T) {
	ctx := context.Background()
	p, q := prior(t, []float64{0, 0}, 2, nil, mixture.Isotropic(1)), toy.Quadratic()
	s := gmmposterior.New()
	draw := func(y []float64) []float64 {
		q.ObserveRows(1e-3, y)
		out, err := toy.Run(ctx, s, toy.Config(`{}`, seed, p, q), toy.Chains(1, 1e-3), 0)
		if err != nil {
			t.Fatal(err)
		}
		return out.Latent()
	}
	for _, y := range [][]float64{{1, 2}, {-3, 0.5}} { // F is x itself to first order at 0
		if x := draw(y); math.Hypot(x[0]-y[0], x[1]-y[1]) > 0.01 {
			t.Errorf("datum %v: draw %v", y, x)
		}
	}
}

// TestRefusedComponents: a component that the physics refuses has no weight and is counted; all refused is an error; a draw
// that is refused has that status, unless its misfit was not asked for.
func TestRefusedComponents(t *testing.T) {
	ctx := context.Background()
	p := prior(t, pentagon(), 2, nil, mixture.Isotropic(0.25))
	q := toy.Quadratic().ObserveRows(5, []float64{1.4, 0.4})
	no := contract.Status{Code: contract.OutOfBounds, Text: "x1 below 0"}
	q.Refuse = func(x []float64) contract.Status {
		if x[0] < 0 { // two of the five means
			return no
		}
		return contract.Status{}
	}
	for _, options := range []string{`{"misfit":false}`, `{"method":"lookup","misfit":false}`} {
		out := run(t, options, p, q, toy.Chains(300, 5), 0)
		for i, c := range out.Numbers["component"] {
			if p.M.Means[2*int(c)] < 0 || out.Numbers["refused_components"][i] != 2 {
				t.Fatalf("%s: chain %d: component %v, %v refused; want one of the other three, 2", options, i, c, out.Numbers["refused_components"][i])
			}
		}
	}
	out, err := toy.Run(ctx, gmmposterior.New(), toy.Config(`{}`, seed, p, q), toy.Chains(300, 5), 0)
	if err != nil {
		t.Fatal(err)
	}
	outside := 0
	for i, st := range out.Status {
		switch x := out.Latent()[2*i]; {
		case x < 0 && st == no:
			outside++
		case x < 0 || st.Code != contract.OK:
			t.Errorf("chain %d at %g: %v", i, x, st)
		}
	}
	if outside == 0 {
		t.Error("no draw fell outside: nothing was tested")
	}
	q.Refuse = func([]float64) contract.Status { return no }
	for _, options := range []string{`{}`, `{"method":"lookup"}`} {
		if _, err := toy.Run(ctx, gmmposterior.New(), toy.Config(options, seed, p, q), toy.Chains(1, 5), 0); err == nil || !strings.Contains(err.Error(), "finite") {
			t.Errorf("%s, all refused: %v", options, err)
		}
	}
}

// TestMemory: calls are cut into chunks (many means, or much data per mean) and the draws are the closed form's all the same.
func TestMemory(t *testing.T) {
	const count, d, data = 10, 2, 1 << 12 // 64 KiB of tangents a component: 4 a call
	t.Cleanup(gmmposterior.SetTangentBytes(256 << 10))
	means := make([]float64, count*d)
	for i := range means {
		means[i] = math.Sin(float64(3 * i))
	}
	a := make([]float64, data*d)
	for i := range a {
		a[i] = math.Cos(float64(i)) / math.Sqrt(data)
	}
	s := &counting{Solver: toy.Linear(a, d).ObserveRows(tau, make([]float64, data))}
	p := prior(t, means, d, nil, mixture.Isotropic(0.3))
	out := run(t, `{"misfit":false}`, p, s, toy.Chains(4, tau), 0)
	if s.bytes > 256<<10 || s.calls != 3 {
		t.Errorf("%d calls of jvp with up to %d bytes of tangents; want 3, at most %d", s.calls, s.bytes, 256<<10)
	}
	// A linear F: one Gaussian for every component, by the normal equations.
	var h [3]float64
	for i := range data {
		h[0], h[1], h[2] = h[0]+a[2*i]*a[2*i], h[1]+a[2*i]*a[2*i+1], h[2]+a[2*i+1]*a[2*i+1]
	}
	for k := range h {
		h[k] /= tau * tau
	}
	e0, e1 := h[0]+1/0.3, h[2]+1/0.3
	det := e0*e1 - h[1]*h[1]
	g11 := math.Sqrt(e1 / det)
	g21 := -h[1] / det / g11
	g22 := math.Sqrt(e0/det - g21*g21)
	for i := range 4 {
		x := means[2*int(out.Numbers["component"][i]):]
		m0, m1 := (e1*x[0]-h[1]*x[1])/det/0.3, (e0*x[1]-h[1]*x[0])/det/0.3 // y = 0: C_post C^-1 x_n
		src := rng.New(seed, "sampler/step").At(0, uint32(i), 0)
		w0, w1 := m0+g11*src.Normal(0), m1+g21*src.Normal(0)+g22*src.Normal(1)
		if got := out.Latent()[2*i : 2*i+2]; math.Hypot(got[0]-w0, got[1]-w1) > 1e-9 {
			t.Errorf("chain %d is %v, by hand %v %v", i, got, w0, w1)
		}
	}
	gmmposterior.SetTangentBytes(1) // less than one component's: one a call, not none
	s.calls = 0
	if one := run(t, `{"misfit":false}`, p, s, toy.Chains(4, tau), 0); s.calls != count || !slices.Equal(one.Latent(), out.Latent()) {
		t.Errorf("%d calls for %d components, or other bits", s.calls, count)
	}
	many := make([]float64, 2*150)
	for i := range many {
		many[i] = float64(i)
	}
	s = &counting{Solver: toy.Linear([]float64{1, 0, 0, 1}, 2).ObserveRows(0.1, []float64{280, 281})}
	out = run(t, `{"method":"lookup"}`, prior(t, many, 2, nil, mixture.Isotropic(1)), s, toy.Chains(3, 0.1), 0)
	if out.Numbers["component"][0] != 140 || s.items > 64 {
		t.Errorf("component %v, want 140; up to %d misfits a call, want at most 64", out.Numbers["component"], s.items)
	}
}

func TestDescribeAndConfigure(t *testing.T) {
	ctx := context.Background()
	d := gmmposterior.New().Describe()
	if err := config.Check(d.Options); err != nil || d.Kind != contract.KindSampler || d.Name != "gmm-posterior" {
		t.Errorf("description: %v, %+v", err, d)
	}
	p, q := prior(t, pentagon(), 2, nil, mixture.Isotropic(0.25)), toy.Quadratic()
	got, err := gmmposterior.New().Configure(ctx, toy.Config(`{}`, 1, p, q))
	if err != nil || string(got.Options) != `{"method":"linearised","misfit":true,"weights":"exact"}` {
		t.Errorf("resolved %s, %v", got.Options, err)
	}
	for _, tc := range []struct {
		name, options string
		prior         contract.Prior
		solver        contract.Solver
		want          error
		text          string
	}{
		{"unknown weights", `{"weights":"fair"}`, p, q, contract.ErrInvalidOption, "weights"},
		{"no mixture", `{}`, noMixture{p}, q, contract.ErrUnsupported, "prior capability mixture; prior toy has: []"},
		{"no physics", `{}`, p, nil, contract.ErrUnsupported, "physics"},
		{"no gradient", `{}`, p, misfitOnly{q}, contract.ErrUnsupported, `gradient for method = "linearised"; solver toy has: [misfit]`},
		{"other dimension", `{}`, p, toy.Linear([]float64{1, 2, 3}, 3), contract.ErrShape, "3"},
	} {
		_, err := gmmposterior.New().Configure(ctx, toy.Config(tc.options, 1, tc.prior, tc.solver))
		if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: %v, want %v with %q", tc.name, err, tc.want, tc.text)
		}
	}
	s := gmmposterior.New()
	if _, err := s.Step(ctx, 0, toy.Chains(1, tau), nil, nil); !errors.Is(err, contract.ErrNotConfigured) {
		t.Errorf("Step before Configure: %v", err)
	}
	chains := toy.Chains(2, tau)
	chains.NoiseStd[1] = 2 * tau
	if _, err := toy.Run(ctx, s, toy.Config(`{}`, 1, p, q.ObserveRows(tau, []float64{0, 0})), chains, 0); err == nil || !strings.Contains(err.Error(), "0.6") {
		t.Errorf("two noise levels for one observation: %v", err)
	}
}

// counting records how much is asked for at once.
type counting struct {
	*toy.Solver
	calls, bytes, items int
}

func (c *counting) Misfit(ctx context.Context, m *tensor.Tensor, which []int, phi []float64, g *tensor.Tensor) ([]contract.Status, error) {
	c.items = max(c.items, len(which))
	return c.Solver.Misfit(ctx, m, which, phi, g)
}

func (c *counting) JVP(ctx context.Context, m, dm, dd *tensor.Tensor) ([]contract.Status, error) {
	c.calls, c.bytes = c.calls+1, max(c.bytes, len(dd.Data))
	return c.Solver.JVP(ctx, m, dm, dd)
}

// misfitOnly and noMixture hide what their names do not say.
type misfitOnly struct{ s *toy.Solver }

func (misfitOnly) NoGradient() {}

func (f misfitOnly) Describe() contract.Description { return f.s.Describe() }
func (f misfitOnly) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	return f.s.Configure(ctx, c)
}
func (f misfitOnly) Forward(ctx context.Context, m, d *tensor.Tensor) ([]contract.Status, error) {
	return f.s.Forward(ctx, m, d)
}
func (f misfitOnly) Observe(ctx context.Context, d *tensor.Tensor, noiseStd []float64) error {
	return f.s.Observe(ctx, d, noiseStd)
}
func (f misfitOnly) Misfit(ctx context.Context, m *tensor.Tensor, which []int, phi []float64, g *tensor.Tensor) ([]contract.Status, error) {
	return f.s.Misfit(ctx, m, which, phi, g)
}

type noMixture struct{ p *toy.Prior }

func (f noMixture) Describe() contract.Description { return f.p.Describe() }
func (f noMixture) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	return f.p.Configure(ctx, c)
}
