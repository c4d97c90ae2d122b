package gmmposterior_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

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
			for i := range 9 { // each by itself, with nothing kept from another observation
				if got := run(t, options, p, q, chains.Slice(i, i+1), 0); !slices.Equal(got.Latent(), want.Latent()[2*i:2*i+2]) {
					t.Errorf("%v %s: chain %d alone has other bits", dt, options, i)
				}
			}
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
