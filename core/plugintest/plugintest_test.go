package plugintest_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugintest"
)

// fixture is the binary of the fixtures, built once.
var fixture string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "fixture-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		fixture = filepath.Join(dir, "waveprior-solver-fixture")
		out, err := exec.Command("go", "build", "-o", fixture, "./internal/fixture").CombinedOutput()
		if err != nil {
			panic(string(out))
		}
		return m.Run()
	}())
}

func TestReference(t *testing.T) {
	t.Run("solver", func(t *testing.T) {
		plugintest.Solver(t, func() contract.Solver { return &plugintest.ReferenceSolver{} }, plugintest.Options{Name: "reference"})
	})
	t.Run("prior", func(t *testing.T) {
		plugintest.Prior(t, func() contract.Prior { return &plugintest.ReferencePrior{} }, plugintest.Options{})
	})
}

// TestFixtures: the suites pass what is sound and name the property that a fault breaks, through real processes.
func TestFixtures(t *testing.T) {
	for _, c := range []struct {
		fault string
		kind  contract.Kind
		fails []string
		text  string // in the text of the first
	}{
		{"", contract.KindSolver, nil, ""},
		{"sampler", contract.KindSampler, nil, ""},
		{"wrong-adjoint", contract.KindSolver, []string{"vjp-taylor", "dot-product", "gradient-is-vjp"}, "slopes"},
		{"stdout", contract.KindSolver, []string{"stdout-clean"}, "loading tables"},
		{"dies", contract.KindSolver, []string{"stays-alive"}, "JVP"},
		{"hangs", contract.KindSolver, []string{"answers-in-time"}, "JVP did not answer within 1s"},
		{"batch", contract.KindSampler, []string{"chain-bits", "small-batches", "big-batch"}, "item 0 alone and in a batch"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			o := plugintest.Options{Dir: t.TempDir(), CallLimit: 10 * time.Minute} // a loaded machine must not leave big batches out
			if c.fault == "hangs" {
				o.CallLimit = time.Second
			}
			target := plugintest.Process(fixture, plugintest.ProcessOptions{Env: []string{"WAVEPRIOR_FIXTURE=" + c.fault}})
			list := plugintest.Check(context.Background(), c.kind, target, o)
			var b strings.Builder
			if err := plugintest.Write(&b, list, false); err != nil {
				t.Fatal(err)
			}
			t.Logf("\n%s", b.String())
			var failed []string
			for _, p := range plugintest.Failed(list) {
				failed = append(failed, p.Name)
			}
			if !slices.Equal(failed, c.fails) {
				t.Fatalf("fails %v, want %v", failed, c.fails)
			}
			if len(failed) > 0 && !strings.Contains(plugintest.Failed(list)[0].Text, c.text) {
				t.Errorf("the text does not say %q: %s", c.text, plugintest.Failed(list)[0].Text)
			}
		})
	}
}
