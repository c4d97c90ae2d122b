package dps_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/samplers/dps"
	"github.com/waveprior/waveprior/plugins/samplers/internal/toy"
)

func TestDescribeAndConfigure(t *testing.T) {
	ctx := context.Background()
	d := dps.New().Describe()
	if err := config.Check(d.Options); err != nil || d.Kind != contract.KindSampler || d.Name != "dps" {
		t.Errorf("description: %v, %+v", err, d)
	}
	p, q := problem(t, 20, width, tensor.Float64)
	for options, want := range map[string]string{
		`{}`:                      `{"step":"ancestral","steps":20,"variant":"full","zeta":0.1}`,
		`{"variant":"published"}`: `{"step":"ddim","steps":20,"variant":"published","zeta":0.035}`,
	} {
		got, err := dps.New().Configure(ctx, toy.Config(options, 1, p, q))
		if err != nil || string(got.Options) != want {
			t.Errorf("%s resolves to %s, %v; want %s", options, got.Options, err, want)
		}
		if again, err := dps.New().Configure(ctx, toy.Config(string(got.Options), 1, p, q)); err != nil || string(again.Options) != want {
			t.Errorf("%s, resolved, resolves to %s, %v", options, again.Options, err)
		}
	}
	for _, tc := range []struct {
		name, options string
		prior         contract.Prior
		solver        contract.Solver
		want          error
		text          string
	}{
		{"unknown key", `{"eta":1}`, p, q, contract.ErrInvalidOption, "eta"},
		{"negative zeta", `{"zeta":-1}`, p, q, contract.ErrInvalidOption, "zeta"},
		{"step of published", `{"variant":"published","step":"ancestral"}`, p, q, contract.ErrInvalidOption, `"ddim" only`},
		{"too many steps", `{"steps":21}`, p, q, contract.ErrInvalidOption, "20 levels"},
		{"no physics", `{}`, p, nil, contract.ErrUnsupported, "physics"},
		{"no gradient", `{}`, p, forwardOnly{q}, contract.ErrUnsupported, "physics capability gradient"},
		{"no denoise-vjp", `{}`, denoiseOnly{p}, q, contract.ErrUnsupported, `denoise-vjp for variant = "full"; prior toy has: [denoise]`},
		{"published needs none", `{"variant":"published"}`, denoiseOnly{p}, q, nil, ""},
	} {
		_, err := dps.New().Configure(ctx, toy.Config(tc.options, 1, tc.prior, tc.solver))
		if !errors.Is(err, tc.want) || (err != nil && !strings.Contains(err.Error(), tc.text)) {
			t.Errorf("%s: %v, want %v with %q", tc.name, err, tc.want, tc.text)
		}
	}
	s := dps.New()
	if _, _, err := s.Start(ctx, toy.Chains(1, tau), nil); !errors.Is(err, contract.ErrNotConfigured) {
		t.Errorf("Start before Configure: %v", err)
	}
	reply, err := s.Configure(ctx, toy.Config(`{}`, 1, p, q))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Start(ctx, toy.Chains(1, 0), contract.NewState(reply.State, 1)); !errors.Is(err, contract.ErrNoObservation) {
		t.Errorf("unconditional chains: %v", err)
	}
}

// forwardOnly and denoiseOnly hide what their names do not say.
type forwardOnly struct{ s *toy.Solver }

func (f forwardOnly) Describe() contract.Description { return f.s.Describe() }
func (f forwardOnly) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	return f.s.Configure(ctx, c)
}
func (f forwardOnly) Forward(ctx context.Context, m, d *tensor.Tensor) ([]contract.Status, error) {
	return f.s.Forward(ctx, m, d)
}

type denoiseOnly struct{ p *toy.Prior }

func (f denoiseOnly) Describe() contract.Description { return f.p.Describe() }
func (f denoiseOnly) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	return f.p.Configure(ctx, c)
}
func (f denoiseOnly) Denoise(ctx context.Context, x *tensor.Tensor, level []int, x0 *tensor.Tensor) ([]contract.Status, error) {
	return f.p.Denoise(ctx, x, level, x0)
}
