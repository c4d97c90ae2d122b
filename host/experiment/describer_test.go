package experiment_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/session"
)

// plugins is a Describer without processes: descriptions by kind and name.
type plugins map[string]contract.Description

func (p plugins) Describe(_ context.Context, ref session.Ref) (contract.Description, error) {
	d, ok := p[string(ref.Kind)+" "+ref.Name]
	if !ok {
		return d, fmt.Errorf("plugin not found: %s %s", ref.Kind, ref.Name)
	}
	return d, nil
}

// known are plugins enough for the tests: solvers with and without an adjoint, priors that can more or less, samplers
// with needs of all sorts.
func known() plugins {
	p := plugins{}
	add := func(d contract.Description) {
		d.Contract, d.Version, d.Numerics = contract.Version, "1.0", "1"
		p[string(d.Kind)+" "+d.Name] = d
	}
	physics := []config.Option{
		{Name: "frequency_hz", Type: config.Floats, Doc: "Frequencies.", Default: []byte("[4.0]")},
		{Name: "order", Type: config.Int, Doc: "Order.", Default: []byte("4"), Allowed: []string{"2", "4", "8"}},
	}
	add(contract.Description{Kind: contract.KindSolver, Name: "wave", Options: physics, Capabilities: []contract.Capability{contract.CapMisfit, contract.CapGradient, contract.CapJVP}})
	add(contract.Description{Kind: contract.KindSolver, Name: "plain", Options: physics})
	width := []config.Option{
		{Name: "width", Type: config.Float, Doc: "Width.", Default: []byte("0.1")},
		{Name: "schedule", Type: config.TableType, Doc: "Schedule.", Options: []config.Option{
			{Name: "steps", Type: config.Int, Doc: "Levels.", Default: []byte("1000")},
			{Name: "last", Type: config.Float, Doc: "Last beta.", Default: []byte("0.02")},
		}},
	}
	add(contract.Description{Kind: contract.KindPrior, Name: "full", Options: width, Capabilities: []contract.Capability{contract.CapDenoise, contract.CapDenoiseVJP, contract.CapDecode, contract.CapDecodeVJP, contract.CapDecodeJVP, contract.CapMixture}})
	add(contract.Description{Kind: contract.KindPrior, Name: "trained", Options: width, Capabilities: []contract.Capability{contract.CapTrain, contract.CapDenoise, contract.CapDecode}})
	add(contract.Description{Kind: contract.KindPrior, Name: "poor", Options: width, Capabilities: []contract.Capability{contract.CapDenoise}})
	variant := []config.Option{{Name: "variant", Type: config.String, Doc: "Which.", Default: []byte(`"simple"`), Allowed: []string{"simple", "linear"}}}
	add(contract.Description{Kind: contract.KindSampler, Name: "free", Options: variant})
	add(contract.Description{Kind: contract.KindSampler, Name: "ddpm", Options: []config.Option{
		{Name: "variant", Type: config.String, Doc: "Step.", Default: []byte(`"ancestral"`), Allowed: []string{"ancestral", "ddim"}},
		{Name: "eta", Type: config.Float, Doc: "Noise.", Default: []byte("0.5")},
		{Name: "steps", Type: config.Int, Doc: "Levels.", Default: []byte("0")},
	}, Needs: []contract.Need{{Service: "prior", Capability: contract.CapDenoise}}})
	add(contract.Description{Kind: contract.KindSampler, Name: "guided", Options: variant, Needs: []contract.Need{
		{Service: "prior", Capability: contract.CapDenoise},
		{Service: "physics", Capability: contract.CapGradient},
		{Service: "physics", Capability: contract.CapJVP, Option: "variant", Value: "linear"},
	}})
	add(contract.Description{Kind: contract.KindSampler, Name: "climb", Capabilities: []contract.Capability{contract.CapStart}, Options: []config.Option{
		{Name: "iterations", Type: config.Int, Doc: "How many.", Default: []byte("50")},
		{Name: "rate", Type: config.Float, Doc: "How far.", Default: []byte("0.5")},
	}, Needs: []contract.Need{{Service: "physics", Capability: contract.CapGradient}}})
	return p
}

// staged is an experiment with stages of sampling and a model to start from, and no prior.
const staged = `name = "staged"
[solver]
plugin = "wave"
[observation]
truth = "model"
model = [[1, 2]]
noise = 0.1
[sampler]
plugin = "climb"
chains = 1
rate = 0.25
[sampler.start]
model = "truth"
smooth_m = 100
[[sampler.stages]]
label = "low"
iterations = 5
adapt = [{ kind = "clamp", lower = -1.0 }]
[[sampler.stages]]
rate = 2.0
`

// base is a sound experiment of two samplers' worth of keys.
const base = `name = "base"
seed = 1

[solver]
plugin = "wave"

[prior]
plugin = "full"
[prior.schedule]
steps = 10

[observation]
truth = "model"
model = [[1, 2]]
noise = 0.1

[sampler]
plugin = "free"
chains = 2
`

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.toml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t testing.TB, text string, over ...string) (*experiment.Experiment, error) {
	t.Helper()
	return experiment.Load(t.Context(), write(t, text), over, known())
}

func mustLoad(t testing.TB, text string, over ...string) *experiment.Experiment {
	t.Helper()
	e, err := load(t, text, over...)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return e
}
