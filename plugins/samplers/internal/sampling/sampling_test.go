package sampling_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/diffusion"
	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/samplers/internal/sampling"
	"github.com/waveprior/waveprior/plugins/samplers/internal/toy"
)

func schedule(t *testing.T, steps int) *diffusion.Schedule {
	t.Helper()
	s, err := diffusion.Linear(steps, 1e-4, 0.02)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func prior(t *testing.T, dt tensor.DType) *toy.Prior {
	t.Helper()
	m, err := mixture.New([]float64{1, 2}, 2, nil, mixture.Isotropic(0.25))
	if err != nil {
		t.Fatal(err)
	}
	return &toy.Prior{M: m, S: schedule(t, 50), DType: dt}
}

func TestCheckNeedsNamesWhatIsMissing(t *testing.T) {
	d := contract.Description{Name: "s", Needs: []contract.Need{
		{Service: "prior", Capability: contract.CapDenoise},
		{Service: "prior", Capability: contract.CapDecodeVJP, Option: "variant", Value: "b"},
		{Service: "physics", Option: "variant", Value: "c"},
	}}
	c := toy.Config(`{}`, 1, prior(t, tensor.Float64), nil)
	for _, tc := range []struct {
		name    string
		c       contract.Config
		variant string
		want    string // "": no error
	}{
		{"all there", c, "a", ""},
		{"no prior", contract.Config{}, "a", "sampler s needs a prior service; this experiment has none"},
		{"by option", c, "b", `sampler s needs prior capability decode-vjp for variant = "b"; prior toy has: [denoise denoise-vjp mixture]`},
		{"service by option", c, "c", `sampler s needs a physics service for variant = "c"`},
	} {
		err := sampling.CheckNeeds(d, map[string]string{"variant": tc.variant}, tc.c)
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%s: %v", tc.name, err)
		case tc.want != "" && (err == nil || !errors.Is(err, contract.ErrUnsupported) || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%s: got %v, want an ErrUnsupported with %q", tc.name, err, tc.want)
		}
	}
}

func TestLatentRefuses(t *testing.T) {
	p := prior(t, tensor.Float64)
	if _, err := sampling.Latent("s", toy.Config(`{}`, 1, p, toy.Quadratic())); err != nil {
		t.Errorf("spaces that agree: %v", err)
	}
	if _, err := sampling.Latent("s", toy.Config(`{}`, 1, p, toy.Linear([]float64{1, 2, 3}, 3))); !errors.Is(err, contract.ErrShape) {
		t.Errorf("3 coordinates against 2: %v", err)
	}
	single := toy.Quadratic()
	single.DType = tensor.Float32
	if _, err := sampling.Latent("s", toy.Config(`{}`, 1, p, single)); !errors.Is(err, contract.ErrShape) {
		t.Errorf("float32 against float64: %v", err)
	}
	c := toy.Config(`{}`, 1, p, nil)
	c.Prior.Configured.Latent = toy.Vector("latent", tensor.Complex64, 2)
	if _, err := sampling.Latent("s", c); !errors.Is(err, contract.ErrUnsupported) {
		t.Errorf("complex latent: %v", err)
	}
	c.Prior.Configured.Latent = nil
	if _, err := sampling.Latent("s", c); !errors.Is(err, contract.ErrUnsupported) {
		t.Errorf("no latent: %v", err)
	}
}

func TestCheckChains(t *testing.T) {
	l := toy.Vector("latent", tensor.Float64, 2)
	good := toy.Chains(2, 0.3)
	state := func(n int) contract.State { return contract.NewState(sampling.StateLayout(l), n) }
	if err := sampling.CheckChains("s", l, good, true, state(2)); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func() error{
		"unconditional": func() error { return sampling.CheckChains("s", l, toy.Chains(2, 0), true) },
		"negative id":   func() error { return sampling.CheckChains("s", l, contract.Chains{ID: []int{-1}}, false) },
		"id too large":  func() error { return sampling.CheckChains("s", l, contract.Chains{ID: []int{1 << 32}}, false) },
		"tau NaN": func() error {
			return sampling.CheckChains("s", l, contract.Chains{ID: []int{1}, Observation: []int{0}, NoiseStd: []float64{math.NaN()}}, true)
		},
		"lengths": func() error {
			return sampling.CheckChains("s", l, contract.Chains{ID: []int{1, 2}, Observation: []int{0}, NoiseStd: []float64{1}}, true)
		},
		"state of 3": func() error { return sampling.CheckChains("s", l, good, true, state(3)) },
		"no state":   func() error { return sampling.CheckChains("s", l, good, true, contract.State{}) },
	} {
		if f() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestBatchKeepsFailedChainsOut: services see the chains that are well, rows of the others stay as they are.
func TestBatchKeepsFailedChainsOut(t *testing.T) {
	var seen [][]float64
	p := prior(t, tensor.Float64)
	p.Refuse = func(x []float64, _ int) contract.Status {
		seen = append(seen, append([]float64(nil), x...))
		if x[0] == 30 {
			return contract.Status{Code: contract.OutOfBounds, Text: "thirty"}
		}
		return contract.Status{}
	}
	b := sampling.NewBatch(4)
	x := []float64{10, 11, math.NaN(), 21, 30, 31, 40, 41}
	b.Check("x", x, 1000)
	x0 := []float64{-1, -1, -2, -2, -3, -3, -4, -4}
	if err := b.Denoise(context.Background(), contract.LocalPrior(p), toy.Vector("latent", tensor.Float64, 2), x, 3, x0); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 3 || seen[0][0] != 10 || seen[1][0] != 30 || seen[2][0] != 40 {
		t.Errorf("the prior saw %v", seen)
	}
	if x0[2] != -2 || x0[4] != -3 {
		t.Errorf("rows of failed chains changed: %v", x0)
	}
	for _, i := range []int{0, 3} { // D(x) of one Gaussian by hand
		a, s := p.S.Alpha[3], p.S.Sigma[3]
		want := (s*s*1 + a*0.25*x[2*i]) / (s*s + a*a*0.25)
		if math.Abs(x0[2*i]-want) > 1e-12*math.Abs(want) {
			t.Errorf("x0 of chain %d is %v, want %v", i, x0[2*i], want)
		}
	}
	st := b.Status()
	if st[0].Code != contract.OK || st[1].Code != contract.Diverged || st[2] != (contract.Status{Code: contract.OutOfBounds, Text: "thirty"}) || st[3].Code != contract.OK {
		t.Errorf("statuses %v", st)
	}
	if !strings.Contains(st[1].Text, "NaN") || !strings.Contains(st[1].Text, "1000") {
		t.Errorf("text without the numbers: %q", st[1].Text)
	}
}

func TestReverseRefusesSteps(t *testing.T) {
	c := toy.Config(`{}`, 1, prior(t, tensor.Float64), nil)
	for _, steps := range []int{-1, 51} {
		if _, err := sampling.NewReverse("s", c, steps); !errors.Is(err, contract.ErrInvalidOption) {
			t.Errorf("steps = %d of 50: %v", steps, err)
		}
	}
	r, err := sampling.NewReverse("s", c, 10)
	if err != nil {
		t.Fatal(err)
	}
	if r.Steps() != 10 || r.Levels[0] != 0 || r.Levels[9] != 49 {
		t.Errorf("levels %v", r.Levels)
	}
	for _, step := range []int{-1, 10} {
		if _, err := r.Index(step); err == nil {
			t.Errorf("step %d of 10 taken", step)
		}
	}
	c.Prior.Configured.Schedule = &diffusion.Schedule{Alpha: []float64{0.5}, Sigma: []float64{0.5}, Beta: []float64{0.5}}
	if _, err := sampling.NewReverse("s", c, 0); err == nil {
		t.Error("a schedule that does not preserve variance was taken")
	}
}
