package pairs_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/plugins/solvers/acoustic"
)

// cpuTime is what this process has used, in seconds: on a machine that is shared it says more than the clock.
func cpuTime(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// BenchmarkGenerate: pairs of the data sets' scheme, from nothing to files: eight a time, and the solver alone on the same
// maps, in turn. others-% is what maps, files and everything else take of the processor time.
func BenchmarkGenerate(b *testing.B) {
	const n = 8
	g := newBench(b)
	s := acoustic.New()
	c, err := s.Configure(b.Context(), contract.Config{Options: json.RawMessage(`{"preset": "openfwi"}`), Threads: runtime.GOMAXPROCS(0)})
	if err != nil {
		b.Fatal(err)
	}
	d := c.Data.New(n)
	all, alone := 0.0, 0.0
	for k := 0; b.Loop(); k++ {
		out := fmt.Sprintf("set%d", k)
		start := cpuTime(b)
		if _, err := g.generate(b.Context(), out, fmt.Sprintf("name = \"x\"\nfamily = \"CurveFault_B\"\nseed = %d\ncount = %d\n[solver]\nplugin = \"acoustic\"\npreset = \"openfwi\"\n", k, n)); err != nil {
			b.Fatal(err)
		}
		end := cpuTime(b)
		all += end - start
		m, err := npy.Read(filepath.Join(g.dir, out, "vel6_1_0.npy"))
		if err != nil {
			b.Fatal(err)
		}
		start = cpuTime(b)
		if _, err := s.Forward(b.Context(), m, d); err != nil {
			b.Fatal(err)
		}
		alone += cpuTime(b) - start
	}
	pairs := float64(n * b.N)
	b.ReportMetric(pairs/all, "pairs/cpu-s")
	b.ReportMetric(pairs/alone, "solves/cpu-s")
	b.ReportMetric(100*(all-alone)/all, "others-%")
	b.ReportMetric(pairs/b.Elapsed().Seconds(), "pairs+solves/s")
	b.ReportMetric(0, "ns/op")
}
