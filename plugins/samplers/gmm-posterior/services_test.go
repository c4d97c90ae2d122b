package gmmposterior_test

import (
	"context"
	"errors"
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
