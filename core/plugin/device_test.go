package plugin_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/core/tensor"
)

// meteredSolver says that it held a mebibyte of a GPU's memory more with every call.
type meteredSolver struct {
	testSolver
	calls atomic.Int64
}

func (s *meteredSolver) Forward(ctx context.Context, m, d *tensor.Tensor) ([]contract.Status, error) {
	s.calls.Add(1)
	return s.testSolver.Forward(ctx, m, d)
}

func (s *meteredSolver) DevicePeak() int { return int(s.calls.Load()) << 20 }

// TestCUDABuild: a build for GPUs says so, and what it held of one's memory reaches the host and its log.
func TestCUDABuild(t *testing.T) {
	told := make(chan string, 8)
	p := launch(t, "cuda-solver", func(s *plugin.LaunchSpec) {
		s.Device, s.Progress = "cuda:0", func(x string) { told <- x }
	})
	if got := p.Description().Device; got != contract.DeviceCUDA {
		t.Errorf("it computes on %q, want %q", got, contract.DeviceCUDA)
	}
	s := solverOf(t, p, 4, "")
	if got := p.DevicePeak(); got != 0 {
		t.Errorf("%d bytes before any call", got)
	}
	for range 2 {
		if err := forward(t.Context(), s, 4); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"GPU memory: at most 1.0 MiB at once", "GPU memory: at most 2.0 MiB at once"} {
		select {
		case got := <-told:
			if got != want {
				t.Errorf("the log has %q, want %q", got, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("nothing in the log")
		}
	}
	if got := p.DevicePeak(); got != 2<<20 {
		t.Errorf("peak of %d bytes, want %d", got, 2<<20)
	}
	if got := launch(t, "solver").Description().Device; got != "" {
		t.Errorf("a build for the CPU says %q", got)
	}
}

// TestNoCUDA: what keeps a build for GPUs from starting is told in those words.
func TestNoCUDA(t *testing.T) {
	for role, c := range map[string]struct {
		want   string
		noCUDA bool
	}{
		"no-driver": {"there is no CUDA driver: libcuda.so.1: cannot open shared object file", true},
		"no-gpu":    {"the CUDA driver finds no GPU that it can use: NoDevice", true},
		"exits":     {"cannot find libphysics.so", false},
		"solver":    {`it computes on the CPU, and device = "cuda:0" asks for a CUDA build`, false},
	} {
		_, err := tryLaunch(t, role, func(s *plugin.LaunchSpec) { s.Device = "cuda:0" })
		if !errors.Is(err, plugin.ErrLaunch) || errors.Is(err, plugin.ErrNoCUDA) != c.noCUDA || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", role, err)
		}
		if c.noCUDA && !strings.Contains(err.Error(), `device = "cpu" computes without a GPU`) {
			t.Errorf("%s: nothing of what to do: %v", role, err)
		}
	}
}
