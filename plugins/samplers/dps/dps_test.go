package dps_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/diffusion"
	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/samplers/dps"
	"github.com/waveprior/waveprior/plugins/samplers/internal/toy"
)

var _ contract.Sampler = (*dps.Sampler)(nil)

const (
	tau   = 0.3
	width = 0.5
)

// pentagon is the memorization study's 2-D training set, section 2: radius 2, the first point at angle 0.
func pentagon() []float64 {
	p := make([]float64, 10)
	for i := range 5 {
		p[2*i+1], p[2*i] = math.Sincos(2 * math.Pi * float64(i) / 5)
		p[2*i], p[2*i+1] = 2*p[2*i], 2*p[2*i+1]
	}
	return p
}

// problem is that set with width s under a schedule of T levels (down to alphabar of about 4e-5 for 40 or more), and its noise-free datum.
func problem(t *testing.T, T int, s float64, dt tensor.DType) (*toy.Prior, *toy.Solver) {
	t.Helper()
	m, err := mixture.New(pentagon(), 2, nil, mixture.Isotropic(s*s))
	if err != nil {
		t.Fatal(err)
	}
	sch, err := diffusion.Linear(T, 0.1/float64(T), min(20/float64(T), 0.5))
	if err != nil {
		t.Fatal(err)
	}
	q := toy.Quadratic()
	q.DType = dt
	y := make([]float64, 2)
	q.F([]float64{1.4, 0}, y)
	return &toy.Prior{M: m, S: sch, DType: dt}, q.ObserveRows(tau, y, []float64{-1, 0.5})
}

// TestPublishedByHand: every chain is what a loop over numbers, written from the memorization study's section 3 with a
// network that predicts noise, makes of the chain's starting noise; all steps of all levels, and of six levels of forty.
func TestPublishedByHand(t *testing.T) {
	const T, zeta, seed = 40, 0.035, 99
	p, q := problem(t, T, width, tensor.Float64)
	abar := make([]float64, T)
	for i, prod := 0, 1.0; i < T; i++ {
		prod *= 1 - p.S.Beta[i]
		abar[i] = prod
	}
	pts := pentagon()
	net := func(x1, x2 float64, t int) (e1, e2 float64) { // -sigma times the score of section 1
		a, v := math.Sqrt(abar[t]), 1-abar[t]+abar[t]*width*width
		var sum, s1, s2 float64
		for n := range 5 {
			d1, d2 := a*pts[2*n]-x1, a*pts[2*n+1]-x2
			w := math.Exp(-(d1*d1 + d2*d2) / (2 * v))
			sum, s1, s2 = sum+w, s1+w*d1/v, s2+w*d2/v
		}
		sigma := math.Sqrt(1 - abar[t])
		return -sigma * s1 / sum, -sigma * s2 / sum
	}
	for _, tc := range []struct {
		options string
		levels  []int
	}{
		{`{"variant":"published"}`, nil},
		{`{"variant":"published","steps":6,"zeta":0.035}`, []int{0, 8, 16, 23, 31, 39}}, // 39 k/5 rounded
	} {
		levels := tc.levels
		if levels == nil {
			for i := range T {
				levels = append(levels, i)
			}
		}
		const n = 20
		out, err := toy.Run(context.Background(), dps.New(), toy.Config(tc.options, seed, p, q), toy.Chains(n, tau), 0)
		if err != nil {
			t.Fatal(err)
		}
		y := []float64{1.4, 0.2 * 1.4 * 1.4}
		for c := range n {
			src := rng.New(seed, "sampler/initial").At(0, uint32(c), 0)
			x1, x2 := src.Normal(0), src.Normal(1)
			var length float64
			for k := len(levels) - 1; k >= 0; k-- {
				t, below := levels[k], levels[max(k-1, 0)]
				e1, e2 := net(x1, x2, t)
				a, s := math.Sqrt(abar[t]), math.Sqrt(1-abar[t])
				z1, z2 := (x1-s*e1)/a, (x2-s*e2)/a
				ab, sb := math.Sqrt(abar[below]), math.Sqrt(1-abar[below])
				if k > 0 {
					x1, x2 = ab*z1+sb*e1, ab*z2+sb*e2
				} else {
					x1, x2 = z1, z2
				}
				e1, e2 = net(x1, x2, t)
				z1, z2 = (x1-sb*e1)/ab, (x2-sb*e2)/ab
				r1, r2 := z1+0.3*z1*z2-y[0], z2+0.2*z1*z1-y[1]
				g1 := (r1*(1+0.3*z2) + r2*0.4*z1) / (tau * tau) / a
				g2 := (r1*0.3*z1 + r2) / (tau * tau) / a
				length = math.Hypot(g1, g2)
				x1 -= zeta * g1 / math.Max(length, 1e-8)
				x2 -= zeta * g2 / math.Max(length, 1e-8)
			}
			got := out.Latent()[2*c : 2*c+2]
			// 1 - alphabar_0 = 2.5e-3 and normalised gradients near the optimum amplify rounding by up to 1e4.
			if math.Hypot(got[0]-x1, got[1]-x2) > 1e-9 {
				t.Errorf("%s: chain %d ends at %v, by hand at %v %v", tc.options, c, got, x1, x2)
			}
			if g := out.Numbers["gradient_norm"][c]; math.Abs(g-length) > 1e-7*(1+length) {
				t.Errorf("%s: chain %d: gradient norm %g, by hand %g", tc.options, c, g, length)
			}
			r1, r2 := x1+0.3*x1*x2-y[0], x2+0.2*x1*x1-y[1]
			if phi := (r1*r1 + r2*r2) / (2 * tau * tau); math.Abs(out.Numbers["misfit"][c]-phi) > 1e-7*(1+phi) {
				t.Errorf("%s: chain %d: misfit %g, by hand %g", tc.options, c, out.Numbers["misfit"][c], phi)
			}
		}
	}
}

// TestFullGradient: what variant full takes away is zeta times the gradient of |F(x0(x_t)) - d| with respect to x_t, by
// central differences through the denoiser and F alone; and the rest is the ancestral or DDIM step.
func TestFullGradient(t *testing.T) {
	const n, zeta, seed = 24, 0.7, 5
	ctx := context.Background()
	p, q := problem(t, 30, width, tensor.Float64)
	y := []float64{1.4, 0.2 * 1.4 * 1.4}
	residual := func(x []float64, level int) float64 { // |F(x0(x)) - d|
		l, err := p.M.At(p.S.Alpha[level], p.S.Sigma[level])
		if err != nil {
			t.Fatal(err)
		}
		x0, d := make([]float64, 2), make([]float64, 2)
		l.Denoise(x0, x)
		q.F(x0, d)
		return math.Hypot(d[0]-y[0], d[1]-y[1])
	}
	all := make([]int, 30)
	for i := range all {
		all[i] = i
	}
	for _, tc := range []struct {
		step   string
		levels []int
	}{{"ancestral", all}, {"ddim", all}, {"ancestral", []int{0, 10, 19, 29}}} { // 29 k/3 rounded
		step, top := tc.step, len(tc.levels)-1
		run := func(zeta string, number int, x []float64) (*tensor.Tensor, contract.StepResult) {
			s := dps.New()
			reply, err := s.Configure(ctx, toy.Config(fmt.Sprintf(`{"step":%q,"zeta":%s,"steps":%d}`, step, zeta, len(tc.levels)), seed, p, q))
			if err != nil {
				t.Fatal(err)
			}
			state, next := contract.NewState(reply.State, n), contract.NewState(reply.State, n)
			state["latent"].SetReals(x)
			r, err := s.Step(ctx, number, toy.Chains(n, tau), state, next)
			if err != nil {
				t.Fatal(err)
			}
			return next["latent"], r
		}
		random := rand.New(rand.NewPCG(seed, 1))
		for _, number := range []int{0, top / 3, top - 1, top} {
			level := tc.levels[top-number]
			x := make([]float64, 2*n)
			for i := range x {
				x[i] = 1.5 * random.NormFloat64()
			}
			with, r := run("0.7", number, x)
			without, _ := run("0.0", number, x)
			for i := range n {
				var g [2]float64
				for k := range 2 {
					const h = 1e-5
					up, down := slices.Clone(x[2*i:2*i+2]), slices.Clone(x[2*i:2*i+2])
					up[k], down[k] = up[k]+h, down[k]-h
					g[k] = (residual(up, level) - residual(down, level)) / (2 * h)
					got := (without.Float64s()[2*i+k] - with.Float64s()[2*i+k]) / zeta
					// Third derivatives of up to 1e3 times h^2, rounding 1e-16/h.
					if math.Abs(got-g[k]) > 2e-6*(1+math.Abs(g[k])) {
						t.Errorf("%s, step %d, chain %d: gradient[%d] is %g, by differences %g (seed %d)", step, number, i, k, got, g[k], seed)
					}
				}
				if d := r.Numbers["gradient_norm"][i] - math.Hypot(g[0], g[1]); math.Abs(d) > 1e-5 {
					t.Errorf("%s, step %d, chain %d: gradient_norm off by %g", step, number, i, d)
				}
			}
		}
	}
}

// TestPerfectFit: where F(x0) = d exactly the gradient of the norm is taken as 0: the step is the unguided one.
func TestPerfectFit(t *testing.T) {
	m, err := mixture.New([]float64{0.5, -1}, 2, nil, mixture.Isotropic(0)) // x0 is this point, always
	if err != nil {
		t.Fatal(err)
	}
	p, q := problem(t, 10, width, tensor.Float64)
	p.M = m
	y := make([]float64, 2)
	q.F([]float64{0.5, -1}, y)
	q.ObserveRows(tau, y)
	for _, options := range []string{`{"variant":"full"}`, `{"variant":"published","zeta":0.5}`} {
		out, err := toy.Run(context.Background(), dps.New(), toy.Config(options, 1, p, q), toy.Chains(3, tau), 0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if x := out.Latent()[2*i : 2*i+2]; math.Hypot(x[0]-0.5, x[1]+1) > 1e-7 || out.Status[i].Code != contract.OK {
				t.Errorf("%s: chain %d ends at %v (%v), want the only point there is", options, i, x, out.Status[i])
			}
		}
	}
}

// TestGrouping: a chain's bits do not depend on the others, in either variant and dtype, with two observations.
func TestGrouping(t *testing.T) {
	for _, dt := range []tensor.DType{tensor.Float64, tensor.Float32} {
		p, q := problem(t, 12, width, dt)
		for _, options := range []string{`{"variant":"published"}`, `{}`, `{"step":"ddim","steps":5}`} {
			chains := toy.Chains(7, tau)
			for i := range chains.Observation {
				chains.Observation[i] = i % 2
			}
			run := func(c contract.Chains, group int) *toy.Output {
				out, err := toy.Run(context.Background(), dps.New(), toy.Config(options, 3, p, q), c, group)
				if err != nil {
					t.Fatal(err)
				}
				return out
			}
			want := run(chains, 0)
			for _, group := range []int{1, 3} {
				got := run(chains, group)
				if !slices.Equal(got.Latent(), want.Latent()) || !slices.Equal(got.Numbers["misfit"], want.Numbers["misfit"]) {
					t.Errorf("%v %s in groups of %d: other bits", dt, options, group)
				}
			}
			got := run(contract.Chains{ID: []int{5, 2}, Observation: []int{1, 0}, NoiseStd: []float64{tau, tau}}, 0).Latent()
			if !slices.Equal(got[:2], want.Latent()[10:12]) || !slices.Equal(got[2:], want.Latent()[4:6]) {
				t.Errorf("%v %s: chains 5 and 2 alone have other bits", dt, options)
			}
			if slices.Equal(want.Latent()[:2], want.Latent()[2:4]) {
				t.Errorf("%v %s: chains 0 and 1 are the same", dt, options)
			}
		}
	}
}

// TestFailedChains: what a service refuses becomes the chain's status, NaN and runaways are DIVERGED, and the bits of the
// other chains stay.
func TestFailedChains(t *testing.T) {
	ctx := context.Background()
	for _, options := range []string{`{"variant":"published"}`, `{"variant":"full"}`} {
		p, q := problem(t, 12, width, tensor.Float64)
		s := dps.New()
		reply, err := s.Configure(ctx, toy.Config(options, 3, p, q))
		if err != nil {
			t.Fatal(err)
		}
		chains := toy.Chains(5, tau)
		state := contract.NewState(reply.State, 5)
		if _, _, err := s.Start(ctx, chains, state); err != nil {
			t.Fatal(err)
		}
		clean := contract.NewState(reply.State, 5)
		if _, err := s.Step(ctx, 0, chains, state, clean); err != nil {
			t.Fatal(err)
		}
		items := 0
		q.Refuse = func(x []float64) contract.Status {
			items++
			if items == 3 { // of the four chains that reach the physics, the third: number 3
				return contract.Status{Code: contract.OutOfBounds, Text: "velocity 7 km/s"}
			}
			return contract.Status{}
		}
		state["latent"].Float64s()[2] = math.Inf(1) // chain 1
		next := contract.NewState(reply.State, 5)
		r, err := s.Step(ctx, 0, chains, state, next)
		if err != nil {
			t.Fatal(err)
		}
		if r.Status == nil || r.Status[1].Code != contract.Diverged || !strings.Contains(r.Status[1].Text, "+Inf") {
			t.Errorf("%s: chain 1: %v, want DIVERGED with the number", options, r.Status)
		}
		if r.Status == nil || r.Status[3] != (contract.Status{Code: contract.OutOfBounds, Text: "velocity 7 km/s"}) {
			t.Errorf("%s: chain 3: %v, want what the physics said", options, r.Status)
		}
		if !math.IsNaN(r.Numbers["misfit"][1]) || !math.IsNaN(r.Numbers["gradient_norm"][3]) {
			t.Errorf("%s: numbers of failed chains: %v", options, r.Numbers)
		}
		for _, i := range []int{0, 2, 4} {
			for _, name := range []string{"latent", "x0"} {
				if got, want := next[name].Item(i).Float64s(), clean[name].Item(i).Float64s(); !slices.Equal(got, want) {
					t.Errorf("%s: %s of chain %d is %v beside failed chains, %v without", options, name, i, got, want)
				}
			}
			if contract.StatusAt(r.Status, i).Code != contract.OK {
				t.Errorf("%s: chain %d: %v", options, i, r.Status[i])
			}
		}
		// A zeta that sends chains away: DIVERGED with the bound, not an error and not infinities.
		out, err := toy.Run(ctx, dps.New(), toy.Config(strings.Replace(options, "}", `,"zeta":1e9}`, 1), 3, p, q), chains, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i, st := range out.Status {
			if st.Code == contract.OK {
				t.Errorf("%s: zeta = 1e9: chain %d is OK at %v", options, i, out.Latent()[2*i:2*i+2])
			}
			if x := out.Latent()[2*i : 2*i+2]; math.Hypot(x[0], x[1]) > 10 {
				t.Errorf("%s: zeta = 1e9: failed chain %d moved to %v", options, i, x)
			}
		}
	}
}
