package compose_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/compose"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/gradcheck"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

func reals(t *tensor.Tensor) []float64 { return t.AppendReals(nil) }

func normal(t *tensor.Tensor, r *rand.Rand) *tensor.Tensor {
	v := make([]float64, t.Reals())
	for i := range v {
		v[i] = r.NormFloat64()
	}
	t.SetReals(v)
	return t
}

// point draws a batch of models that the problem takes: latent vectors, velocities or squared slownesses.
func point(p problem, n int, r *rand.Rand) *tensor.Tensor {
	z := p.Latent().New(n)
	v := make([]float64, z.Reals())
	for i := range v {
		switch p.Latent().Quantities[0].Name {
		case "vp":
			v[i] = 1500 + 2500*r.Float64()
		case "squared_slowness":
			v[i] = 0.06 + 0.4*r.Float64()
		default:
			v[i] = 0.7 * r.NormFloat64()
		}
	}
	z.SetReals(v)
	return z
}

func batched(s *space.Space, n, k int) *tensor.Tensor {
	return tensor.New(s.DType, append([]int{n, k}, s.ItemShape()...)...)
}

func ok(t *testing.T, what string, st []contract.Status, err error) {
	t.Helper()
	if st != nil || err != nil {
		t.Fatalf("%s: %v %v", what, st, err)
	}
}

func TestDerivatives(t *testing.T) {
	for name, build := range problems(t) {
		for seed := range uint64(5) {
			r, p := rand.New(rand.NewPCG(seed, 3)), build()
			z := point(p, 1, r)
			dz, w := normal(p.Latent().New(1), r), normal(p.Data().New(1), r)
			o := compose.Operator(t.Context(), p, p.Latent(), p.Data())
			h0 := 0.02 * gradcheck.Norm(reals(z)) / gradcheck.Norm(reals(dz))
			dot, table, err := o.Measure(reals(z), reals(dz), reals(w), gradcheck.Options{H0: h0})
			if err == nil {
				err = errors.Join(dot.Check(1e-12), table.Check(0.05))
			}
			if err != nil {
				t.Errorf("%s, seed %d: %v", name, seed, err)
			}
		}
	}
}

// The misfit is 1/2 |F(z) - d|^2 / tau^2, and its gradient that of finite differences, for every place where the
// observations can lie.
func TestMisfit(t *testing.T) {
	for name, build := range problems(t) {
		if strings.HasPrefix(name, "decoder") {
			t.Run(name, func(t *testing.T) { checkMisfit(t, build()) })
			continue
		}
		t.Run(name, func(t *testing.T) {
			p := build()
			checkMisfit(t, p)
			delegated := p.Data().Len() == nDatum
			if (p.solver.obs != nil) != delegated {
				t.Errorf("the solver has observations: %v, want %v", p.solver.obs != nil, delegated)
			}
		})
	}
}

func checkMisfit(t *testing.T, p problem) {
	const seed, n = 11, 3
	r, ctx := rand.New(rand.NewPCG(seed, 4)), t.Context()
	z, obs, tau := point(p, n, r), normal(p.Data().New(2), r), []float64{0.3, 2}
	which := []int{1, 0, 1}
	if err := p.Observe(ctx, obs, tau); err != nil {
		t.Fatal(err)
	}
	phi, phi2, g, d := make([]float64, n), make([]float64, n), p.Latent().New(n), p.Data().New(n)
	st, err := p.Misfit(ctx, z, which, phi, g)
	ok(t, "Misfit with gradient", st, err)
	st, err = p.Misfit(ctx, z, which, phi2, nil)
	ok(t, "Misfit", st, err)
	st, err = p.Forward(ctx, z, d)
	ok(t, "Forward", st, err)
	for i := range n {
		want, a, b := 0.0, reals(d.Item(i)), reals(obs.Item(which[i]))
		for j := range a {
			e := (a[j] - b[j]) / tau[which[i]]
			want += 0.5 * e * e
		}
		if math.Abs(phi[i]-want) > 1e-13*want || phi[i] != phi2[i] {
			t.Errorf("phi[%d] = %v, without gradient %v, want %v", i, phi[i], phi2[i], want)
		}
		for j, got := range reals(g.Item(i)) {
			at := func(h float64) float64 {
				x, phi := z.Slice(i, i+1).Clone(), make([]float64, 1)
				x.Float64s()[j] += h
				st, err := p.Misfit(ctx, x, which[i:i+1], phi, nil)
				ok(t, "Misfit", st, err)
				return phi[0]
			}
			// Fourth-order differences at h = 1e-3 |z_j|: truncation (h^4) and rounding (1e-16/h) both near 1e-11.
			h := 1e-3 * max(0.05, math.Abs(z.Item(i).Float64s()[j]))
			fd := (8*(at(h)-at(-h)) - (at(2*h) - at(-2*h))) / (12 * h)
			if math.Abs(fd-got) > 1e-7*(gradcheck.Norm(reals(g.Item(i)))) {
				t.Errorf("gradient[%d][%d] = %v, finite difference %v", i, j, got, fd)
			}
		}
	}
}

// With data and noise both scaled by two the misfit made here is the solver's own, and so is the gradient.
func TestOwnMisfitIsTheSolvers(t *testing.T) {
	r, ctx := rand.New(rand.NewPCG(5, 5)), t.Context()
	between, err := space.Between(coarse, fine)
	if err != nil {
		t.Fatal(err)
	}
	double, err := space.Affine(solverData, "", 2, 0, "Pa")
	if err != nil {
		t.Fatal(err)
	}
	obs := normal(solverData.New(1), r)
	z := normal(latentSpace.New(2), r)
	var phi [2][]float64
	var g [2]*tensor.Tensor
	for i, data := range []*space.Adapter{nil, double} {
		p, err := compose.Physics(compose.Parts{Prior: priorService(t, prior{new(int)}), Model: between, Solver: solverService(t, &solver{t: t}), Data: data})
		if err != nil {
			t.Fatal(err)
		}
		o, tau := obs.Clone(), 0.5
		if i == 1 {
			for j, v := range obs.Complex128s() {
				o.Complex128s()[j] = 2 * v
			}
			tau = 1
		}
		if err := p.Observe(ctx, o, []float64{tau}); err != nil {
			t.Fatal(err)
		}
		phi[i], g[i] = make([]float64, 2), latentSpace.New(2)
		st, err := p.Misfit(ctx, z, []int{0, 0}, phi[i], g[i])
		ok(t, "Misfit", st, err)
	}
	for i := range 2 {
		if math.Abs(phi[0][i]-phi[1][i]) > 1e-14*phi[0][i] {
			t.Errorf("phi %v and %v", phi[0][i], phi[1][i])
		}
		for j, a := range reals(g[0].Item(i)) {
			if b := reals(g[1].Item(i))[j]; math.Abs(a-b) > 1e-13*gradcheck.Norm(reals(g[0])) {
				t.Errorf("gradient %v and %v", a, b)
			}
		}
	}
}

// Items 1 (Decode diverges), 3 (the adapter gets vp < 0) and 5 (the solver is unstable) fail, each with its
// own status; the others have the bits that they have alone, and no part sees an item that failed before it.
func TestFailingItems(t *testing.T) {
	bad := map[int][]float64{1: {6, 0, 0}, 3: {-4.5, 3.2, 3.2}, 5: {0, 0, 0}}
	// Item 5: along z_1, until the slowest cell has m > 3 s2/km2 (vp < 577 m/s) and is still positive.
	for _, x := range []float64{1, -1} {
		for s := 0.0; s < 6; s += 1e-3 {
			lowest := math.Inf(1)
			for i := range nModel {
				lowest = min(lowest, 2000+300*coefficient(i, 1)*math.Sinh(x*s))
			}
			if lowest < 500 && lowest > 400 {
				bad[5] = []float64{0, x * s, 0}
			}
		}
	}
	codes := map[int]contract.StatusCode{1: contract.Diverged, 3: contract.OutOfBounds, 5: contract.Unstable}
	const n, k = 7, 2
	for _, name := range []string{"prior, adapter, solver", "prior, adapter, solver, log", "prior, adapter, solver, to cut"} {
		p, ctx := problems(t)[name](), t.Context()
		r := rand.New(rand.NewPCG(9, 6))
		z := p.Latent().New(n)
		for i := range n {
			v := bad[i]
			for j := range nLatent {
				x := 0.5 * r.NormFloat64()
				if v != nil {
					x = v[j]
				}
				z.Item(i).Float64s()[j] = x
			}
		}
		if err := p.Observe(ctx, normal(p.Data().New(n), r), slices.Repeat([]float64{0.7}, n)); err != nil {
			t.Fatal(err)
		}
		which := []int{3, 2, 1, 0, 6, 5, 4}
		dz, w := normal(batched(p.Latent(), n, k), r), normal(batched(p.Data(), n, k), r)
		one := normal(batched(p.Data(), 1, k), r)
		type answer struct {
			what string
			st   []contract.Status
			out  []float64
		}
		ask := func(lo, hi int) []answer {
			t.Helper()
			m := hi - lo
			d, g, phi := p.Data().New(m), p.Latent().New(m), make([]float64, m)
			dd, gz, gs := batched(p.Data(), m, k), batched(p.Latent(), m, k), batched(p.Latent(), m, k)
			x := z.Slice(lo, hi)
			before := x.Clone()
			var a []answer
			call := func(what string, out *tensor.Tensor, st []contract.Status, err error) {
				t.Helper()
				if err != nil {
					t.Fatalf("%s: %s: %v", name, what, err)
				}
				a = append(a, answer{what, st, reals(out)})
			}
			st, err := p.Forward(ctx, x, d)
			call("Forward", d, st, err)
			st, err = p.Misfit(ctx, x, which[lo:hi], phi, g)
			call("gradient", g, st, err)
			call("Misfit", tensor.FromFloat64s(phi, m), st, err)
			st, err = p.JVP(ctx, x, dz.Slice(lo, hi), dd)
			call("JVP", dd, st, err)
			st, err = p.VJP(ctx, x, w.Slice(lo, hi), gz)
			call("VJP", gz, st, err)
			st, err = p.VJP(ctx, x, one, gs)
			call("VJP with one set", gs, st, err)
			if string(before.Data) != string(x.Data) {
				t.Errorf("%s: the input is changed", name)
			}
			return a
		}
		all := ask(0, n)
		for i := range n {
			for c, alone := range ask(i, i+1) {
				got := all[c]
				per := len(got.out) / n
				st := contract.StatusAt(got.st, i)
				if st.Code != codes[i] {
					t.Errorf("%s: %s of item %d: %v, want %v", name, got.what, i, st, codes[i])
				}
				if one := contract.StatusAt(alone.st, 0); one != st {
					t.Errorf("%s: %s of item %d: %v, alone %v", name, got.what, i, st, one)
				}
				for j, v := range got.out[i*per : (i+1)*per] {
					switch {
					case st.Code == contract.OK && (v != alone.out[j] || math.IsNaN(v)):
						t.Fatalf("%s: %s of item %d is %v, alone %v", name, got.what, i, v, alone.out[j])
					case st.Code != contract.OK && got.what == "Misfit" && !math.IsNaN(v):
						t.Errorf("%s: phi of item %d, which failed, is %v", name, i, v)
					}
				}
			}
		}
		p.solver.seen = 0
		if st, err := p.Forward(ctx, z, p.Data().New(n)); err != nil || p.solver.seen != n-2 {
			t.Errorf("%s: the solver saw %d items, want %d (%v %v)", name, p.solver.seen, n-2, st, err)
		}
		if p.alloc.given != p.alloc.back || p.alloc.twice || p.alloc.given == 0 {
			t.Errorf("%s: %d given, %d back, twice %v", name, p.alloc.given, p.alloc.back, p.alloc.twice)
		}
	}
}

// Whatever allocation fails, and when a part fails, all that was given comes back, once.
func TestEveryPathReleases(t *testing.T) {
	for name, build := range problems(t) {
		r, ctx := rand.New(rand.NewPCG(1, 7)), t.Context()
		calls := map[string]func(p problem, z *tensor.Tensor) error{
			"Forward": func(p problem, z *tensor.Tensor) error { _, err := p.Forward(ctx, z, p.Data().New(2)); return err },
			"Misfit": func(p problem, z *tensor.Tensor) error {
				_, err := p.Misfit(ctx, z, []int{0, 0}, make([]float64, 2), p.Latent().New(2))
				return err
			},
			"JVP": func(p problem, z *tensor.Tensor) error {
				_, err := p.JVP(ctx, z, batched(p.Latent(), 1, 1), batched(p.Data(), 2, 1))
				return err
			},
			"VJP": func(p problem, z *tensor.Tensor) error {
				_, err := p.VJP(ctx, z, batched(p.Data(), 2, 1), batched(p.Latent(), 2, 1))
				return err
			},
		}
		for what, call := range calls {
			for failAt := 0; ; failAt++ {
				p := build()
				if err := p.Observe(ctx, p.Data().New(1), []float64{1}); err != nil {
					t.Fatal(err)
				}
				z := point(p, 2, r)
				p.alloc.failAt = failAt
				err := call(p, z)
				if p.alloc.given != p.alloc.back || p.alloc.twice {
					t.Fatalf("%s: %s with allocation %d failing: %d given, %d back, twice %v", name, what, failAt, p.alloc.given, p.alloc.back, p.alloc.twice)
				}
				if err == nil {
					break
				}
				if !errors.Is(err, contract.ErrOutOfMemory) {
					t.Fatalf("%s: %s: %v", name, what, err)
				}
			}
			if p := build(); p.solver != nil {
				if err := p.Observe(ctx, p.Data().New(1), []float64{1}); err != nil {
					t.Fatal(err)
				}
				p.solver.fails = fmt.Errorf("worker 3: %w", contract.ErrPluginDied)
				if err := call(p, point(p, 2, r)); !errors.Is(err, contract.ErrPluginDied) || p.alloc.given != p.alloc.back {
					t.Errorf("%s: %s: %v, %d given, %d back", name, what, err, p.alloc.given, p.alloc.back)
				}
			}
		}
	}
}
