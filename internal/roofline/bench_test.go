//go:build cuda

package roofline

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/cuda"
)

// BenchmarkProblems does the published problems on the first GPU: ms is what their launches took, one by one, and x-bound how many
// times cuda/roofline.md's bound for an H100 that is. Standard error has a line for each kernel. With -short (on the emulated driver, where
// time says nothing) the problems are cut down.
func BenchmarkProblems(b *testing.B) {
	for _, p := range Problems {
		run := p.Run
		if testing.Short() {
			run = p.Small
		}
		b.Run(strings.ReplaceAll(p.Name, " ", "-"), func(b *testing.B) {
			d, err := cuda.Open("cuda:0", 1)
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			kernels, err := Measure(d, run) // warm: memory is pooled, code is loaded
			for b.Loop() && err == nil {
				kernels, err = Measure(d, run)
			}
			if err != nil {
				b.Fatal(err)
			}
			took, least := 0.0, 0.0
			var table strings.Builder
			for _, m := range kernels {
				took, least = took+m.Seconds, least+m.Bound
				fmt.Fprintf(&table, "\n%-32s %4d calls %10.1f us each, at least %8.1f", m.Kernel, m.Calls, m.Seconds/float64(m.Calls)*1e6, m.Bound/float64(m.Calls)*1e6)
			}
			fmt.Fprintln(os.Stderr, table.String()) // a benchmark's log ends after ten lines
			b.ReportMetric(took*1e3, "ms")
			b.ReportMetric(took/least, "x-bound")
		})
	}
}
