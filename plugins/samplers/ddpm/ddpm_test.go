package ddpm_test

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
	"github.com/waveprior/waveprior/core/diffusion"
	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/samplers/ddpm"
	"github.com/waveprior/waveprior/plugins/samplers/internal/toy"
)

var _ contract.Sampler = (*ddpm.Sampler)(nil)

// The prior of these tests: N(mu, C), C with eigenvalues 2.2.. and 0.06...
var (
	mu = [2]float64{1, -0.5}
	cv = [2][2]float64{{1.21, 0.99}, {0.99, 1.06}} // L = (1.1, 0; 0.9, 0.5)
)

func gaussian(t *testing.T, steps int, dt tensor.DType) *toy.Prior {
	t.Helper()
	m, err := mixture.New(mu[:], 2, nil, mixture.Factor([]float64{1.1, 0, 0.9, 0.5}))
	if err != nil {
		t.Fatal(err)
	}
	s, err := diffusion.Linear(steps, 1e-4, 20/float64(steps)*0.5)
	if err != nil {
		t.Fatal(err)
	}
	return &toy.Prior{M: m, S: s, DType: dt}
}

// affine is x -> M x + c for 2 coordinates.
type affine struct {
	m [2][2]float64
	c [2]float64
}

func (a affine) apply(x [2]float64) [2]float64 {
	return [2]float64{a.m[0][0]*x[0] + a.m[0][1]*x[1] + a.c[0], a.m[1][0]*x[0] + a.m[1][1]*x[1] + a.c[1]}
}

// walk writes the process through N(mu, C) down from the published formulas, step by step as affine maps x -> M x + c plus
// noise of standard deviation k: the denoiser is mu + alpha C A^-1 (x - alpha mu), A = alpha^2 C + sigma^2 I inverted by
// hand. Levels as in the schedule beta, alphabar; eta < 0 is ancestral.
func walk(beta []float64, levels []int, eta float64) (maps []affine, noise []float64) {
	bar := make([]float64, len(beta))
	for t, prod := 0, 1.0; t < len(beta); t++ {
		prod *= 1 - beta[t]
		bar[t] = prod
	}
	for i := len(levels) - 1; i >= 0; i-- {
		t := levels[i]
		prev := 1.0
		if i > 0 {
			prev = bar[levels[i-1]]
		}
		al, v := math.Sqrt(bar[t]), 1-bar[t]
		a := [2][2]float64{{bar[t]*cv[0][0] + v, bar[t] * cv[0][1]}, {bar[t] * cv[1][0], bar[t]*cv[1][1] + v}}
		det := a[0][0]*a[1][1] - a[0][1]*a[1][0]
		inv := [2][2]float64{{a[1][1] / det, -a[0][1] / det}, {-a[1][0] / det, a[0][0] / det}}
		var den affine // denoiser
		for r := range 2 {
			for c := range 2 {
				den.m[r][c] = al * (cv[r][0]*inv[0][c] + cv[r][1]*inv[1][c])
			}
			den.c[r] = mu[r] - al*(den.m[r][0]*mu[0]+den.m[r][1]*mu[1])
		}
		var p, q, k float64 // x' = p x0 + q x + k z
		b := 1 - bar[t]/prev
		if eta < 0 {
			p, q, k = math.Sqrt(prev)*b/v, math.Sqrt(1-b)*(1-prev)/v, math.Sqrt(b*(1-prev)/v)
		} else {
			k = eta * math.Sqrt((1-prev)/v) * math.Sqrt(b)
			dir := math.Sqrt(1 - prev - k*k)
			p, q = math.Sqrt(prev)-dir*al/math.Sqrt(v), dir/math.Sqrt(v)
		}
		var f affine
		for r := range 2 {
			for c := range 2 {
				f.m[r][c] = p * den.m[r][c]
			}
			f.m[r][r] += q
			f.c[r] = p * den.c[r]
		}
		maps, noise = append(maps, f), append(noise, k)
	}
	return maps, noise
}

var cases = []struct {
	options string
	levels  func(T int) []int
	eta     float64
}{
	{`{}`, all, -1},
	{`{"variant":"ddim"}`, all, 0},
	{`{"variant":"ddim","eta":0.5}`, all, 0.5},
	{`{"variant":"ddim","eta":1}`, all, 1},
	{`{"steps":5}`, func(int) []int { return []int{0, 10, 20, 29, 39} }, -1}, // 39 k/4, halves upwards
	{`{"variant":"ddim","steps":3}`, func(int) []int { return []int{0, 20, 39} }, 0},
	{`{"steps":1}`, func(int) []int { return []int{39} }, -1},
}

func all(T int) []int {
	l := make([]int, T)
	for i := range l {
		l[i] = i
	}
	return l
}

// TestGaussianRecursion: chain by chain, the sample is what the published formulas make of the chain's noise; and over
// 4000 chains mean and covariance are those of the recursion within 5 Monte-Carlo standard errors.
func TestGaussianRecursion(t *testing.T) {
	const T, n, seed = 40, 4000, 20261122
	p := gaussian(t, T, tensor.Float64)
	for _, tc := range cases {
		t.Run(tc.options, func(t *testing.T) {
			out, err := toy.Run(context.Background(), ddpm.New(), toy.Config(tc.options, seed, p, nil), toy.Chains(n, 0), 0)
			if err != nil {
				t.Fatal(err)
			}
			levels := tc.levels(T)
			if out.Steps != len(levels) {
				t.Fatalf("%d steps, want %d", out.Steps, len(levels))
			}
			maps, noise := walk(p.S.Beta, levels, tc.eta)
			x, worst := out.Latent(), 0.0
			for i := range n {
				var y, z [2]float64
				rng.New(seed, "sampler/initial").At(0, uint32(i), 0).Normals(y[:])
				for k, f := range maps {
					y = f.apply(y)
					rng.New(seed, "sampler/step").At(uint32(k), uint32(i), 0).Normals(z[:])
					y[0], y[1] = y[0]+noise[k]*z[0], y[1]+noise[k]*z[1]
				}
				worst = max(worst, math.Abs(y[0]-x[2*i]), math.Abs(y[1]-x[2*i+1]))
			}
			// 1 - alphabar_0 = 1e-4 costs the test's formulas four digits; 40 steps add theirs.
			if worst > 1e-10 {
				t.Errorf("chains differ from the recursion by up to %g", worst)
			}
			if !slices.Equal(x, out.State["x0"].AppendReals(nil)) {
				t.Error("latent and x0 differ after the last step")
			}
			m, c := [2]float64{}, [2][2]float64{{1, 0}, {0, 1}}
			for k, f := range maps {
				m = f.apply(m)
				var fc, d [2][2]float64
				for r := range 2 {
					for s := range 2 {
						fc[r][s] = f.m[r][0]*c[0][s] + f.m[r][1]*c[1][s]
					}
				}
				for r := range 2 {
					for s := range 2 {
						d[r][s] = fc[r][0]*f.m[s][0] + fc[r][1]*f.m[s][1]
					}
					d[r][r] += noise[k] * noise[k]
				}
				c = d
			}
			checkMoments(t, x, m, c)
		})
	}
}

func checkMoments(t *testing.T, x []float64, m [2]float64, c [2][2]float64) {
	t.Helper()
	n := float64(len(x) / 2)
	var sm [2]float64
	var sc [2][2]float64
	for i := 0; i < len(x); i += 2 {
		for r := range 2 {
			sm[r] += x[i+r] / n
			for s := range 2 {
				sc[r][s] += (x[i+r] - m[r]) * (x[i+s] - m[s]) / n
			}
		}
	}
	for r := range 2 {
		if d, se := sm[r]-m[r], math.Sqrt(c[r][r]/n); math.Abs(d) > 5*se {
			t.Errorf("mean[%d] is off by %.2g = %.1f standard errors", r, d, d/se)
		}
		for s := range 2 {
			if d, se := sc[r][s]-c[r][s], math.Sqrt((c[r][r]*c[s][s]+c[r][s]*c[r][s])/n); math.Abs(d) > 5*se {
				t.Errorf("covariance[%d,%d] is off by %.2g = %.1f standard errors", r, s, d, d/se)
			}
		}
	}
}

// TestManyStepsGiveThePrior: with 1000 levels down to alphabar below 1e-4 both variants draw from N(mu, C): what is left is
// discretisation, of order 1/T, and the Monte-Carlo error of 2000 chains (5 standard errors are 11 % of a variance).
func TestManyStepsGiveThePrior(t *testing.T) {
	if testing.Short() {
		t.Skip("2 million denoiser calls")
	}
	p := gaussian(t, 1000, tensor.Float64)
	for _, options := range []string{`{}`, `{"variant":"ddim"}`} {
		out, err := toy.Run(context.Background(), ddpm.New(), toy.Config(options, 3, p, nil), toy.Chains(2000, 0), 0)
		if err != nil {
			t.Fatal(err)
		}
		checkMoments(t, out.Latent(), mu, cv)
	}
}

// TestGrouping: a chain's bits do not depend on the others, in either dtype.
func TestGrouping(t *testing.T) {
	for _, dt := range []tensor.DType{tensor.Float64, tensor.Float32} {
		p := gaussian(t, 20, dt)
		for _, options := range []string{`{}`, `{"variant":"ddim"}`} {
			run := func(chains contract.Chains, group int) []float64 {
				out, err := toy.Run(context.Background(), ddpm.New(), toy.Config(options, 3, p, nil), chains, group)
				if err != nil {
					t.Fatal(err)
				}
				if out.State["latent"].DType != dt {
					t.Fatalf("state is %v, want %v", out.State["latent"].DType, dt)
				}
				return out.Latent()
			}
			want := run(toy.Chains(7, 0), 0)
			for _, group := range []int{1, 3} {
				if got := run(toy.Chains(7, 0), group); !slices.Equal(got, want) {
					t.Errorf("%v %s in groups of %d: other bits", dt, options, group)
				}
			}
			if got := run(contract.Chains{ID: []int{5, 2}}, 0); !slices.Equal(got[:2], want[10:12]) || !slices.Equal(got[2:], want[4:6]) {
				t.Errorf("%v %s: chains 5 and 2 alone have other bits", dt, options)
			}
		}
	}
}

// TestFloat32: the latent is rounded to float32 at every step and nowhere else, so that a chain stays within a few of its
// roundings (2^-24 of x, through 20 steps of a contracting process) of the float64 chain.
func TestFloat32(t *testing.T) {
	var x [2][]float64
	for k, dt := range []tensor.DType{tensor.Float64, tensor.Float32} {
		out, err := toy.Run(context.Background(), ddpm.New(), toy.Config(`{}`, 3, gaussian(t, 20, dt), nil), toy.Chains(50, 0), 0)
		if err != nil {
			t.Fatal(err)
		}
		x[k] = out.Latent()
	}
	same := true
	for i := range x[0] {
		same = same && x[0][i] == x[1][i]
		if d := math.Abs(x[0][i] - x[1][i]); d > 2e-6 {
			t.Errorf("coordinate %d: float32 differs by %g", i, d)
		}
	}
	if same {
		t.Error("float32 and float64 agree to the last bit: one of them was not run")
	}
}

// TestFailedChains: one chain that the prior refuses and one that runs away do not change the others' bits.
func TestFailedChains(t *testing.T) {
	p := gaussian(t, 20, tensor.Float64)
	c := toy.Config(`{}`, 3, p, nil)
	want, err := toy.Run(context.Background(), ddpm.New(), c, toy.Chains(5, 0), 0)
	if err != nil {
		t.Fatal(err)
	}
	s := ddpm.New()
	reply, err := s.Configure(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	chains := toy.Chains(5, 0)
	state, next := contract.NewState(reply.State, 5), contract.NewState(reply.State, 5)
	steps, _, err := s.Start(context.Background(), chains, state)
	if err != nil {
		t.Fatal(err)
	}
	p.Refuse = func(x []float64, level int) contract.Status {
		if level == 12 && x[0] == state["latent"].Float64s()[2] {
			return contract.Status{Code: contract.Failed, Text: "no"}
		}
		return contract.Status{}
	}
	var failed []contract.Status
	for step := range steps {
		if step == 4 {
			state["latent"].Float64s()[6] = 2e6 // chain 3
		}
		before := state["latent"].Clone()
		r, err := s.Step(context.Background(), step, chains, state, next)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			if contract.StatusAt(r.Status, i).Code != contract.OK {
				failed = contract.SetStatus(failed, 5, i, r.Status[i])
				if !slices.Equal(next["latent"].Item(i).Float64s(), before.Item(i).Float64s()) {
					t.Errorf("step %d: failed chain %d moved", step, i)
				}
			}
		}
		state, next = next, state
	}
	if failed == nil || failed[1] != (contract.Status{Code: contract.Failed, Text: "no"}) {
		t.Errorf("chain 1: %v, want FAILED: no", failed)
	}
	if failed != nil && (failed[3].Code != contract.Diverged || !strings.Contains(failed[3].Text, "2e+06")) {
		t.Errorf("chain 3: %v, want DIVERGED with the number", failed[3])
	}
	for _, i := range []int{0, 2, 4} {
		if got := state["latent"].Item(i).Float64s(); !slices.Equal(got, want.Latent()[2*i:2*i+2]) {
			t.Errorf("chain %d has other bits beside failed ones: %v", i, got)
		}
	}
}

func TestDescribeAndConfigure(t *testing.T) {
	ctx := context.Background()
	d := ddpm.New().Describe()
	if err := config.Check(d.Options); err != nil || d.Kind != contract.KindSampler || d.Name != "ddpm" {
		t.Errorf("description: %v, %+v", err, d)
	}
	p := gaussian(t, 20, tensor.Float64)
	got, err := ddpm.New().Configure(ctx, toy.Config(`{}`, 1, p, nil))
	if err != nil || string(got.Options) != `{"eta":0.0,"steps":20,"variant":"ancestral"}` {
		t.Errorf("resolved %s, %v", got.Options, err)
	}
	for options, want := range map[string]error{
		`{"variant":"euler"}`: contract.ErrInvalidOption,
		`{"steps":21}`:        contract.ErrInvalidOption,
		`{"eta":1.5}`:         contract.ErrInvalidOption,
		`{"zeta":1}`:          contract.ErrInvalidOption,
	} {
		if _, err := ddpm.New().Configure(ctx, toy.Config(options, 1, p, nil)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", options, err, want)
		}
	}
	if _, err := ddpm.New().Configure(ctx, toy.Config(`{}`, 1, nil, nil)); !errors.Is(err, contract.ErrUnsupported) {
		t.Errorf("without a prior: %v", err)
	}
	s := ddpm.New()
	if _, _, err := s.Start(ctx, toy.Chains(1, 0), nil); !errors.Is(err, contract.ErrNotConfigured) {
		t.Errorf("Start before Configure: %v", err)
	}
	if _, err := s.Step(ctx, 0, toy.Chains(1, 0), nil, nil); !errors.Is(err, contract.ErrNotConfigured) {
		t.Errorf("Step before Configure: %v", err)
	}
}

func ExampleSampler() {
	m, _ := mixture.New([]float64{1, -0.5}, 2, nil, mixture.Isotropic(0))
	s, _ := diffusion.Linear(20, 1e-4, 0.5)
	c := toy.Config(`{"variant":"ddim"}`, 42, &toy.Prior{M: m, S: s}, nil)
	out, _ := toy.Run(context.Background(), ddpm.New(), c, toy.Chains(1, 0), 0)
	fmt.Printf("%.3f\n", out.Latent()) // a prior of one point has one sample
	// Output: [1.000 -0.500]
}
