// Package samplers_test runs the samplers on the plugins gmm and analytic, in this process.
package samplers_test

import (
	"context"
	"encoding/json"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/diffusion"
	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/priors/gmm"
	"github.com/waveprior/waveprior/plugins/samplers/ddpm"
	"github.com/waveprior/waveprior/plugins/samplers/dps"
	gmmposterior "github.com/waveprior/waveprior/plugins/samplers/gmm-posterior"
	"github.com/waveprior/waveprior/plugins/samplers/internal/toy"
	"github.com/waveprior/waveprior/plugins/solvers/analytic"
)

const (
	tau, width = 0.3, 0.5
	steps      = 60
	seed       = 4
)

// services returns gmm, trained on the rows (n, 2), and analytic with the quadratic map and observations (k, 2).
func services(t *testing.T, rows, observed *tensor.Tensor) (*contract.PriorService, map[string]*contract.SolverService) {
	t.Helper()
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	solver := contract.LocalSolver(analytic.New())
	physics, err := solver.Configure(ctx, contract.Config{Options: json.RawMessage(`{"map":"quadratic"}`)})
	must(err)
	must(solver.Observe(ctx, observed, slices.Repeat([]float64{tau}, observed.Batch())))

	folder := filepath.Join(t.TempDir(), "set")
	w, err := dataset.Create(folder, dataset.Plan{Space: *physics.Model, Count: rows.Batch()})
	must(err)
	for k := range w.Shards() {
		first, n := w.Range(k)
		must(w.Write(k, rows.Slice(first, first+n)))
	}
	must(w.Commit())
	prior := contract.LocalPrior(gmm.New())
	c := contract.Config{
		Options: json.RawMessage(`{"width":0.5,"schedule":{"steps":60,"beta_first":1e-3,"beta_last":0.3}}`),
		Target:  []space.Space{*physics.Model},
	}
	_, err = prior.Configure(ctx, c)
	must(err)
	c.Checkpoint = t.TempDir()
	must(prior.Train(ctx, contract.TrainRequest{Dataset: filepath.Join(folder, dataset.ManifestName), Folder: c.Checkpoint}, nil))
	latent, err := prior.Configure(ctx, c)
	must(err)
	return &contract.PriorService{Prior: prior, Description: prior.Describe(), Configured: latent},
		map[string]*contract.SolverService{"physics": {Solver: solver, Description: solver.Describe(), Configured: physics}}
}

// TestPlugins: every sampler, in every variant, ends with the plugins where it ends with the closed-form doubles that the
// samplers' own tests use; 1e-9 for the different order of sums, which 60 steps and normalised gradients amplify.
func TestPlugins(t *testing.T) {
	const n = 30
	points := make([]float64, 10)
	for i := range 5 {
		points[2*i], points[2*i+1] = 2*math.Cos(2*math.Pi*float64(i)/5), 2*math.Sin(2*math.Pi*float64(i)/5)
	}
	observed := []float64{1.4, 0.2 * 1.4 * 1.4, -1, 0.5}
	prior, solvers := services(t, tensor.FromFloat64s(points, 5, 2), tensor.FromFloat64s(observed, 2, 2))
	m, err := mixture.New(points, 2, nil, mixture.Isotropic(width*width))
	if err != nil {
		t.Fatal(err)
	}
	s, err := diffusion.Linear(steps, 1e-3, 0.3)
	if err != nil {
		t.Fatal(err)
	}
	chains := toy.Chains(n, tau)
	for i := range chains.Observation {
		chains.Observation[i] = i % 2
	}
	for _, tc := range []struct {
		make    func() contract.Sampler
		options string
	}{
		{func() contract.Sampler { return ddpm.New() }, `{}`},
		{func() contract.Sampler { return ddpm.New() }, `{"variant":"ddim","steps":20}`},
		{func() contract.Sampler { return dps.New() }, `{"variant":"published"}`},
		{func() contract.Sampler { return dps.New() }, `{"variant":"full","zeta":0.2}`},
		{func() contract.Sampler { return gmmposterior.New() }, `{}`},
		{func() contract.Sampler { return gmmposterior.New() }, `{"weights":"published"}`},
		{func() contract.Sampler { return gmmposterior.New() }, `{"method":"lookup"}`},
	} {
		name := tc.make().Describe().Name + " " + tc.options
		config := contract.Config{Options: json.RawMessage(tc.options), Seed: seed, Prior: prior, Solvers: solvers}
		got, err := toy.Run(context.Background(), tc.make(), config, chains, 7)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		double := toy.Quadratic().ObserveRows(tau, observed[:2], observed[2:])
		want, err := toy.Run(context.Background(), tc.make(), toy.Config(tc.options, seed, &toy.Prior{M: m, S: s}, double), chains, 0)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		x, y := got.Latent(), want.Latent()
		for i := range x {
			if math.Abs(x[i]-y[i]) > 1e-9*(1+math.Abs(y[i])) || got.Status[i/2].Code != contract.OK {
				t.Errorf("%s: coordinate %d of chain %d is %v with the plugins (%v), %v with the doubles", name, i%2, i/2, x[i], got.Status[i/2], y[i])
				break
			}
		}
	}
}
