package plugin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// random fills a tensor with normal numbers.
func random(r *rand.Rand, t *tensor.Tensor) *tensor.Tensor {
	v := make([]float64, t.Reals())
	for i := range v {
		v[i] = r.NormFloat64()
	}
	t.SetReals(v)
	return t
}

// result is what one method gave.
type result struct {
	outs   []*tensor.Tensor
	phi    []float64
	status []contract.Status
	err    error
}

func (r result) equal(o result) error {
	if fmt.Sprint(r.err) != fmt.Sprint(o.err) {
		return fmt.Errorf("errors %v and %v", r.err, o.err)
	}
	if !reflect.DeepEqual(r.phi, o.phi) || !reflect.DeepEqual(r.status, o.status) {
		return fmt.Errorf("phi %v %v, status %v %v", r.phi, o.phi, r.status, o.status)
	}
	for i := range r.outs {
		if !bytes.Equal(r.outs[i].Data, o.outs[i].Data) {
			return fmt.Errorf("output %d differs", i)
		}
	}
	return nil
}

// calls runs every method of a solver and a prior on inputs made from a seed; make_ says where tensors lie.
func calls(ctx context.Context, s contract.FullSolver, p contract.FullPrior, n, batch int, make_ func(tensor.DType, ...int) *tensor.Tensor) map[string]result {
	r := rand.New(rand.NewPCG(3, 4))
	const k = 2
	f := func(shape ...int) *tensor.Tensor { return random(r, make_(tensor.Float64, shape...)) }
	c := func(shape ...int) *tensor.Tensor { return random(r, make_(tensor.Complex64, shape...)) }
	fo := func(shape ...int) *tensor.Tensor { return make_(tensor.Float64, shape...) }
	co := func(shape ...int) *tensor.Tensor { return make_(tensor.Complex64, shape...) }
	which, level := make([]int, batch), make([]int, batch)
	for i := range which {
		which[i], level[i] = i%3, (i*7)%11
	}
	m := f(batch, n)
	out := map[string]result{}
	call := func(name string, phi []float64, outs []*tensor.Tensor, g func() ([]contract.Status, error)) {
		st, err := g()
		out[name] = result{outs, phi, st, err}
	}
	d := co(batch, n)
	call("Forward", nil, []*tensor.Tensor{d}, func() ([]contract.Status, error) { return s.Forward(ctx, m, d) })
	obs, tau := c(3, n), []float64{0.5, 1, 2}
	call("Observe", nil, nil, func() ([]contract.Status, error) { return nil, s.Observe(ctx, obs, tau) })
	phi, g := make([]float64, batch), fo(batch, n)
	call("Misfit", phi, []*tensor.Tensor{g}, func() ([]contract.Status, error) { return s.Misfit(ctx, m, which, phi, g) })
	phi2 := make([]float64, batch)
	call("Misfit without gradient", phi2, nil, func() ([]contract.Status, error) { return s.Misfit(ctx, m, which, phi2, nil) })
	dm, dd := f(1, k, n), co(batch, k, n)
	call("JVP", nil, []*tensor.Tensor{dd}, func() ([]contract.Status, error) { return s.JVP(ctx, m, dm, dd) })
	w, vjp := c(batch, k, n), fo(batch, k, n)
	call("VJP", nil, []*tensor.Tensor{vjp}, func() ([]contract.Status, error) { return s.VJP(ctx, m, w, vjp) })
	x0 := fo(batch, n)
	call("Denoise", nil, []*tensor.Tensor{x0}, func() ([]contract.Status, error) { return p.Denoise(ctx, m, level, x0) })
	dx, wx := fo(batch, n), f(batch, n)
	call("DenoiseVJP", nil, []*tensor.Tensor{dx}, func() ([]contract.Status, error) { return p.DenoiseVJP(ctx, m, level, wx, dx) })
	model, data := fo(batch, n), co(batch, n)
	call("Decode", nil, []*tensor.Tensor{model, data}, func() ([]contract.Status, error) { return p.Decode(ctx, m, model, data) })
	model2 := fo(batch, n)
	call("Decode model", nil, []*tensor.Tensor{model2}, func() ([]contract.Status, error) { return p.Decode(ctx, m, model2, nil) })
	wm, dz := f(1, k, n), fo(batch, k, n)
	call("DecodeVJP", nil, []*tensor.Tensor{dz}, func() ([]contract.Status, error) { return p.DecodeVJP(ctx, m, wm, nil, dz) })
	dz2 := fo(batch, k, n)
	call("DecodeVJP data", nil, []*tensor.Tensor{dz2}, func() ([]contract.Status, error) { return p.DecodeVJP(ctx, m, nil, w, dz2) })
	dModel, dData := fo(batch, k, n), co(batch, k, n)
	call("DecodeJVP", nil, []*tensor.Tensor{dModel, dData}, func() ([]contract.Status, error) { return p.DecodeJVP(ctx, m, wm, dModel, dData) })
	z := fo(batch, n)
	call("Encode", nil, []*tensor.Tensor{z}, func() ([]contract.Status, error) { return p.Encode(ctx, model, nil, z) })
	z2 := fo(batch, n)
	call("Encode data", nil, []*tensor.Tensor{z2}, func() ([]contract.Status, error) { return p.Encode(ctx, nil, data, z2) })
	mix, err := p.Mixture(ctx)
	if err != nil {
		out["Mixture"] = result{err: err}
	} else {
		out["Mixture"] = result{outs: []*tensor.Tensor{mix.Means, mix.Covariance, mix.Weights}}
	}
	return out
}

// TestEveryMethodSameAsInProcess: every method over the wire gives the bits of the same code in this process, for tensors
// that are inline, in the arena, and copied to it.
func TestEveryMethodSameAsInProcess(t *testing.T) {
	a := newArena(t)
	sp, pp := launch(t, "solver", withArena(a)), launch(t, "prior", withArena(a))
	inArena := func(dt tensor.DType, shape ...int) *tensor.Tensor {
		x, err := a.Alloc(dt, shape...)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	for _, c := range []struct {
		name     string
		n, batch int
		make_    func(tensor.DType, ...int) *tensor.Tensor
	}{
		{"inline", 5, 7, tensor.New},
		{"inline from the arena", 5, 7, inArena},
		{"at the limit", plugin.InlineLimit / 8, 1, tensor.New},
		{"copied", 4099, 9, tensor.New},
		{"referred to", 4099, 9, inArena},
	} {
		t.Run(c.name, func(t *testing.T) {
			ls, lp := contract.LocalSolver(&testSolver{}), contract.LocalPrior(&testPrior{})
			if _, err := ls.Configure(t.Context(), contract.Config{Options: options(c.n, "")}); err != nil {
				t.Fatal(err)
			}
			if _, err := lp.Configure(t.Context(), contract.Config{Options: options(c.n, "")}); err != nil {
				t.Fatal(err)
			}
			want := calls(t.Context(), ls, lp, c.n, c.batch, tensor.New)
			rs := solverOf(t, sp, c.n, "")
			rp, err := pp.Prior()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := rp.Configure(t.Context(), contract.Config{Options: options(c.n, "")}); err != nil {
				t.Fatal(err)
			}
			got := calls(t.Context(), rs, rp, c.n, c.batch, c.make_)
			bad := 0
			for name, w := range want {
				if w.err != nil {
					t.Errorf("%s in process: %v", name, w.err)
				}
				if err := got[name].equal(w); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if w.status != nil {
					bad++
				}
			}
			if c.batch > 1 && bad == 0 {
				t.Error("no method had a bad item: the test does not see states")
			}
		})
	}
}

// TestSamplerSameAsInProcess: a sampler in a process, with a prior and physics in processes of their own behind the
// host's services, gives the bits of all three in this process.
func TestSamplerSameAsInProcess(t *testing.T) {
	for _, n := range []int{6, 5000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			const chains = 3
			a, dir := newArena(t), socketDir(t)
			walk := func(s contract.Sampler, p contract.FullPrior, phys contract.FullSolver, alloc func(tensor.DType, ...int) *tensor.Tensor) (contract.State, []map[string][]float64) {
				cfg := contract.Config{Options: options(n, "")}
				pc, err := p.Configure(t.Context(), cfg)
				if err != nil {
					t.Fatal(err)
				}
				sc, err := phys.Configure(t.Context(), cfg)
				if err != nil {
					t.Fatal(err)
				}
				if err := phys.Observe(t.Context(), random(rand.New(rand.NewPCG(1, 1)), tensor.New(tensor.Complex64, 2, n)), []float64{1, 2}); err != nil {
					t.Fatal(err)
				}
				got, err := s.Configure(t.Context(), contract.Config{
					Prior:   &contract.PriorService{Prior: p, Description: p.Describe(), Configured: pc},
					Solvers: map[string]*contract.SolverService{"physics": {Solver: phys, Description: phys.Describe(), Configured: sc}},
				})
				if err != nil {
					t.Fatal(err)
				}
				if len(got.State) != 2 || got.State[0].Shape[0] != n {
					t.Fatalf("state layout %v", got.State)
				}
				state := func() contract.State {
					st := contract.State{}
					for _, l := range got.State {
						st[l.Name] = alloc(l.DType, append([]int{chains}, l.Shape...)...)
					}
					return st
				}
				ch := contract.Chains{ID: []int{4, 0, 9}, Observation: []int{1, 0, 1}, NoiseStd: []float64{2, 1, 2}}
				now, next := state(), state()
				steps, st, err := s.Start(t.Context(), ch, now)
				if err != nil || steps != 3 || st != nil {
					t.Fatal(steps, st, err)
				}
				var numbers []map[string][]float64
				for i := range steps {
					res, err := s.Step(t.Context(), i, ch, now, next)
					if err != nil {
						t.Fatal(err)
					}
					if res.Done != (i == 2) {
						t.Errorf("step %d: done %v", i, res.Done)
					}
					numbers = append(numbers, res.Numbers)
					now, next = next, now
				}
				return now, numbers
			}
			want, wantNumbers := walk(&testSampler{}, contract.LocalPrior(&testPrior{}), contract.LocalSolver(&testSolver{}), tensor.New)
			remotePrior, err := launch(t, "prior", withArena(a), withDir(dir)).Prior()
			if err != nil {
				t.Fatal(err)
			}
			remoteSolver, err := launch(t, "solver", withArena(a), withDir(dir)).Solver()
			if err != nil {
				t.Fatal(err)
			}
			process := launch(t, "sampler", withArena(a), withDir(dir))
			sampler, err := process.Sampler()
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // twice: Configure replaces the services
				got, gotNumbers := walk(sampler, remotePrior, remoteSolver, func(dt tensor.DType, s ...int) *tensor.Tensor {
					x, err := a.Alloc(dt, s...)
					if err != nil {
						t.Fatal(err)
					}
					return x
				})
				for name := range want {
					if !bytes.Equal(want[name].Data, got[name].Data) {
						t.Errorf("state %s differs", name)
					}
				}
				if !reflect.DeepEqual(wantNumbers, gotNumbers) {
					t.Errorf("numbers differ: %v, %v", wantNumbers, gotNumbers)
				}
			}
			// The same sampler with services in this process, through the wire.
			got, _ := walk(sampler, contract.LocalPrior(&testPrior{}), contract.LocalSolver(&testSolver{}), tensor.New)
			if !bytes.Equal(want["latent"].Data, got["latent"].Data) {
				t.Error("local services: state differs")
			}
		})
	}
}

// TestDescriptionAndConfigured: what a plugin says of itself arrives whole.
func TestDescriptionAndConfigured(t *testing.T) {
	p := launch(t, "solver", func(s *plugin.LaunchSpec) { s.Kind, s.Name = contract.KindSolver, "echo" })
	want := contract.LocalSolver(&testSolver{}).Describe()
	want.Capabilities = contract.Capabilities(&testSolver{})
	if got := p.Description(); !reflect.DeepEqual(got, want) {
		t.Errorf("description\n%+v, want\n%+v", got, want)
	}
	cfg := contract.Config{Options: options(6, ""), Seed: 1<<64 - 1, Device: "cpu", Threads: 2}
	wantC, err := (&testSolver{}).Configure(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Solver()
	if err != nil {
		t.Fatal(err)
	}
	gotC, err := s.Configure(t.Context(), cfg)
	if err != nil || !reflect.DeepEqual(gotC, wantC) {
		t.Errorf("configured %v\n%+v, want\n%+v", err, gotC, wantC)
	}
	pr, err := launch(t, "prior").Prior()
	if err != nil {
		t.Fatal(err)
	}
	cfg = contract.Config{Options: options(6, ""), Target: []space.Space{*wantC.Model, *wantC.Data}}
	wantC, err = (&testPrior{}).Configure(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if gotC, err = pr.Configure(t.Context(), cfg); err != nil || !reflect.DeepEqual(gotC, wantC) {
		t.Errorf("prior configured %v\n%+v, want\n%+v", err, gotC, wantC)
	}
	if d := launch(t, "sampler").Description(); !reflect.DeepEqual(d.Needs, (&testSampler{}).Describe().Needs) {
		t.Errorf("needs %+v", d.Needs)
	}
}

func TestTrain(t *testing.T) {
	var texts []string
	told := make(chan string, 10)
	p := launch(t, "solver", func(s *plugin.LaunchSpec) { s.Progress = func(x string) { told <- x } })
	s := solverOf(t, p, 4, "")
	tr := s.(contract.Trainer)
	var got []contract.TrainProgress
	if err := tr.Train(t.Context(), contract.TrainRequest{Dataset: "d", Folder: "f"}, func(p contract.TrainProgress) error { got = append(got, p); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got[2].Step != 2 || got[2].Steps != 3 || got[1].Losses["mse"] != 0.5 || got[0].Rate != 2.5 {
		t.Errorf("progress %+v", got)
	}
	for range 3 {
		texts = append(texts, <-told)
	}
	if texts[2] != "training step 2" {
		t.Errorf("texts %q", texts)
	}
	if err := tr.Train(t.Context(), contract.TrainRequest{Dataset: "bad"}, nil); !errors.Is(err, contract.ErrCheckpoint) {
		t.Errorf("bad checkpoint: %v", err)
	}
	stop := errors.New("stop")
	if err := tr.Train(t.Context(), contract.TrainRequest{}, func(contract.TrainProgress) error { return stop }); err != stop {
		t.Errorf("stopped by the reporter: %v", err)
	}
	q, err := launch(t, "prior").Prior()
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Train(t.Context(), contract.TrainRequest{}, nil); !errors.Is(err, contract.ErrUnsupported) {
		t.Errorf("prior without train: %v", err)
	}
}
