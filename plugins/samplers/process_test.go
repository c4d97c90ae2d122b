package samplers_test

import (
	"context"
	"maps"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/waveprior/waveprior/core/arena"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/diffusion"
	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/plugins/samplers/ddpm"
	"github.com/waveprior/waveprior/plugins/samplers/dps"
	gmmposterior "github.com/waveprior/waveprior/plugins/samplers/gmm-posterior"
	"github.com/waveprior/waveprior/plugins/samplers/internal/toy"
)

var samplers = map[string]func() contract.Sampler{
	"ddpm":          func() contract.Sampler { return ddpm.New() },
	"dps":           func() contract.Sampler { return dps.New() },
	"gmm-posterior": func() contract.Sampler { return gmmposterior.New() },
}

// envSampler makes this test binary a plugin process.
const envSampler = "WAVEPRIOR_TEST_SAMPLER"

func TestMain(m *testing.M) {
	if name := os.Getenv(envSampler); name != "" {
		plugin.Serve(samplers[name]())
	}
	os.Exit(m.Run())
}

// TestProcesses: each sampler as a process of its own, its services called back over the wire, gives the bits and numbers of
// the same sampler in this process. The data are large enough for tangents to lie in shared memory.
func TestProcesses(t *testing.T) {
	const data = 6000 // 47 KiB a datum: inline; two tangents of five components: shared
	a := make([]float64, 2*data)
	for i := range a {
		a[i] = math.Cos(float64(i)) / math.Sqrt(data)
	}
	y := make([]float64, data)
	for i := range y {
		y[i] = a[2*i] - 0.5*a[2*i+1]
	}
	solver := toy.Linear(a, 2).ObserveRows(tau, y)
	points := []float64{2, 0, 0.6, 1.9, -1.6, 1.2, -1.6, -1.2, 0.6, -1.9}
	m, err := mixture.New(points, 2, nil, mixture.Isotropic(width*width))
	if err != nil {
		t.Fatal(err)
	}
	s, err := diffusion.Linear(8, 1e-2, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	prior := &toy.Prior{M: m, S: s}
	memory, err := arena.New(arena.DefaultSize)
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	dir, err := plugin.SocketFolder()
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, options string }{
		{"ddpm", `{}`},
		{"dps", `{"variant":"published"}`},
		{"dps", `{"variant":"full"}`},
		{"gmm-posterior", `{}`},
	} {
		process, err := plugin.Launch(context.Background(), plugin.LaunchSpec{
			Kind: contract.KindSampler, Name: tc.name, Path: exe, SocketDir: dir, Arena: memory,
			Env: []string{envSampler + "=" + tc.name},
		})
		if err != nil {
			t.Fatal(err)
		}
		remote, err := process.Sampler()
		if err != nil {
			t.Fatal(err)
		}
		c, chains := toy.Config(tc.options, seed, prior, solver), toy.Chains(5, tau)
		got, err := toy.Run(context.Background(), remote, c, chains, 2)
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", tc.name, tc.options, err, process.LogTail())
		}
		process.Close()
		want, err := toy.Run(context.Background(), samplers[tc.name](), c, chains, 0)
		if err != nil {
			t.Fatal(err)
		}
		same := maps.EqualFunc(got.Numbers, want.Numbers, slices.Equal[[]float64])
		if !same || !slices.Equal(got.Latent(), want.Latent()) || !slices.Equal(got.Status, want.Status) {
			t.Errorf("%s %s: other bits in a process of its own:\n%v %v %v\n%v %v %v", tc.name, tc.options,
				got.Latent(), got.Numbers, got.Status, want.Latent(), want.Numbers, want.Status)
		}
	}
}
