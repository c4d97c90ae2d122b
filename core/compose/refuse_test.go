package compose_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/compose"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

func TestCapabilities(t *testing.T) {
	all := []contract.Capability{contract.CapMisfit, contract.CapGradient, contract.CapJVP, contract.CapVJP}
	between, err := space.Between(coarse, fine)
	if err != nil {
		t.Fatal(err)
	}
	cut, err := space.Select(solverData, "shot", []int{1})
	if err != nil {
		t.Fatal(err)
	}
	full, flat := priorService(t, prior{new(int)}), priorService(t, decodeOnly{prior{new(int)}})
	whole, bare := solverService(t, &solver{t: t}), solverService(t, forwardOnly{&solver{t: t}})
	for _, c := range []struct {
		name  string
		parts compose.Parts
		want  []contract.Capability
	}{
		{"all", compose.Parts{Prior: full, Model: between, Solver: whole}, all},
		{"all, cut", compose.Parts{Prior: full, Model: between, Solver: whole, Data: cut}, all},
		{"prior without derivatives", compose.Parts{Prior: flat, Model: between, Solver: whole}, all[:1]},
		{"solver without anything", compose.Parts{Prior: full, Model: between, Solver: bare}, nil},
		{"solver without anything, cut", compose.Parts{Prior: full, Model: between, Solver: bare, Data: cut}, all[:1]},
	} {
		p, err := compose.Physics(c.parts)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Describe().Capabilities; !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		// What is not listed answers ErrUnsupported and names the part.
		ctx, z := t.Context(), p.Latent().New(1)
		d := p.Describe()
		errs := map[contract.Capability]error{}
		errs[contract.CapMisfit] = p.Observe(ctx, p.Data().New(1), []float64{1})
		_, errs[contract.CapGradient] = p.Misfit(ctx, z, []int{0}, []float64{0}, p.Latent().New(1))
		_, errs[contract.CapJVP] = p.JVP(ctx, z, batched(p.Latent(), 1, 1), batched(p.Data(), 1, 1))
		_, errs[contract.CapVJP] = p.VJP(ctx, z, batched(p.Data(), 1, 1), batched(p.Latent(), 1, 1))
		for capability, err := range errs {
			if d.Has(capability) && err != nil {
				t.Errorf("%s: %s: %v", c.name, capability, err)
			}
			if !d.Has(capability) && (!errors.Is(err, contract.ErrUnsupported) ||
				!strings.Contains(err.Error(), "prior sinh") && !strings.Contains(err.Error(), "solver cubic")) {
				t.Errorf("%s: %s: %v, want ErrUnsupported naming the part", c.name, capability, err)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	whole := solverService(t, &solver{t: t})
	if _, err := compose.Physics(compose.Parts{Prior: priorService(t, prior{new(int)}), Solver: whole}); !errors.Is(err, space.ErrNoAdapter) || !strings.Contains(err.Error(), "resample z 2 to 3") {
		t.Errorf("prior and solver without adapter: %v", err)
	}
	if _, err := compose.Physics(compose.Parts{}); !errors.Is(err, contract.ErrNotConfigured) {
		t.Errorf("no solver: %v", err)
	}
	service := priorService(t, prior{new(int)})
	service.Configured.Data = nil
	if _, err := compose.Decoder(compose.Parts{Prior: service}); !errors.Is(err, contract.ErrUnsupported) {
		t.Errorf("decoder of a prior without data: %v", err)
	}
	p, ctx := problems(t)["adapter, solver, selection"](), t.Context()
	z, phi := p.Latent().New(2), make([]float64, 2)
	if _, err := p.Misfit(ctx, z, []int{0, 0}, phi, nil); !errors.Is(err, contract.ErrNoObservation) {
		t.Errorf("no observation: %v", err)
	}
	for _, tau := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if err := p.Observe(ctx, p.Data().New(1), []float64{tau}); !errors.Is(err, contract.ErrInvalidOption) {
			t.Errorf("noise %g: %v", tau, err)
		}
	}
	if err := p.Observe(ctx, p.Data().New(1), []float64{1}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Misfit(ctx, z, []int{0, 1}, phi, nil); !errors.Is(err, contract.ErrNoObservation) {
		t.Errorf("observation 1 of 1: %v", err)
	}
	shape := []error{}
	_, err := p.Forward(ctx, z, p.Data().New(3))
	shape = append(shape, err)
	_, err = p.JVP(ctx, z, batched(p.Latent(), 3, 1), batched(p.Data(), 2, 1))
	shape = append(shape, err)
	_, err = p.VJP(ctx, z, batched(p.Data(), 2, 2), batched(p.Latent(), 2, 1))
	shape = append(shape, err)
	_, err = p.Misfit(ctx, z, []int{0, 0}, phi, p.Latent().New(1))
	shape = append(shape, err)
	for i, err := range shape {
		if !errors.Is(err, tensor.ErrShape) {
			t.Errorf("call %d: %v, want ErrShape", i, err)
		}
	}
}
