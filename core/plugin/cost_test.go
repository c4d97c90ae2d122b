package plugin_test

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/arena"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
)

// resident returns the resident memory of a process in bytes.
func resident(t *testing.T, pid int) int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.Fields(string(b))[1])
	if err != nil {
		t.Fatal(err)
	}
	return n * os.Getpagesize()
}

// TestMemoryFlat: many calls, inline and through temporary ranges, leave no memory behind on either side.
func TestMemoryFlat(t *testing.T) {
	a := newArena(t)
	p := launch(t, "solver", withArena(a))
	small, large := tensor.New(tensor.Float64, 2, 16), tensor.New(tensor.Float64, 2, 20_000)
	s := solverOf(t, p, 16, "")
	round := func(n int) {
		for range n {
			if _, err := s.Forward(t.Context(), small, tensor.New(tensor.Complex64, 2, 16)); err != nil {
				t.Fatal(err)
			}
			// The wrong size for this solver: an error whose large ranges must come back, too.
			if _, err := s.Forward(t.Context(), large, tensor.New(tensor.Complex64, 2, 20_000)); err == nil {
				t.Fatal("wrong shape was taken")
			}
		}
	}
	round(500)
	runtime.GC()
	plugin0, reserved := resident(t, p.PID()), a.Stats().Reserved
	goroutines := runtime.NumGoroutine()
	round(1500)
	if in := a.Stats().InUse; in != 0 {
		t.Errorf("%d bytes of the arena in use after all calls", in)
	}
	if r := a.Stats().Reserved; r != reserved {
		t.Errorf("the arena grew from %d to %d bytes", reserved, r)
	}
	if n := runtime.NumGoroutine(); n > goroutines+5 {
		t.Errorf("%d goroutines, %d before", n, goroutines)
	}
	// A garbage collected process breathes; 1500 lost pairs of ranges would be 950 MiB.
	if grown := resident(t, p.PID()) - plugin0; grown > 64<<20 {
		t.Errorf("the plugin grew by %d MiB", grown>>20)
	}
}

// BenchmarkForward is a round trip to a solver that copies its input to its output: 128 bytes, 1 MiB and 64 MiB each way,
// in the arena and copied to it, beside the same code in process.
func BenchmarkForward(b *testing.B) {
	a := newArena(b)
	p := launch(b, "solver", withArena(a))
	for _, c := range []struct {
		name  string
		bytes int
	}{{"small", 128}, {"1MiB", 1 << 20}, {"64MiB", 64 << 20}} {
		n := c.bytes / 8
		fast := contract.Config{Options: json.RawMessage(fmt.Sprintf(`{"N":%d,"Fast":true}`, n))}
		local, remote := contract.LocalSolver(&testSolver{}), solverOf2(p)
		for _, s := range []contract.FullSolver{local, remote} {
			if _, err := s.Configure(b.Context(), fast); err != nil {
				b.Fatal(err)
			}
		}
		heap := func(dt tensor.DType) *tensor.Tensor { return tensor.New(dt, 1, n) }
		bench(b, c.name+"/in-process", local, heap(tensor.Float64), heap(tensor.Complex64))
		if c.bytes <= 64<<10 {
			bench(b, c.name+"/inline", remote, heap(tensor.Float64), heap(tensor.Complex64))
			continue
		}
		bench(b, c.name+"/shared", remote, shared(b, a, tensor.Float64, n), shared(b, a, tensor.Complex64, n))
		bench(b, c.name+"/copied", remote, heap(tensor.Float64), heap(tensor.Complex64))
	}
}

func shared(b *testing.B, a *arena.Arena, dt tensor.DType, n int) *tensor.Tensor {
	x, err := a.Alloc(dt, 1, n)
	if err != nil {
		b.Fatal(err)
	}
	return x
}

func bench(b *testing.B, name string, s contract.FullSolver, m, d *tensor.Tensor) {
	b.Run(name, func(b *testing.B) {
		if _, err := s.Forward(b.Context(), m, d); err != nil { // the first call takes pages
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := s.Forward(b.Context(), m, d); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "µs/call")
	})
}
