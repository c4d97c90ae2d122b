package roofline

import (
	"testing"

	"github.com/waveprior/waveprior/cuda"
)

// Every problem cut down, on the CPU: what is measured is what is launched, no memory stays behind, and each kernel of the
// problem is there with its calls.
func TestMeasure(t *testing.T) {
	for _, p := range Problems {
		if p.Small == nil {
			t.Errorf("%s: no Small: what make cuda-test CUDA=emulated does in its place", p.Name)
			continue
		}
		d, err := cuda.NewCPU(1)
		if err != nil {
			t.Fatal(err)
		}
		calls := map[string]int{}
		small := Problem{Name: p.Name, Run: p.Small}
		rows, err := small.Launches()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			calls[r.Kernel] += r.Calls
		}
		measured, err := Measure(d, p.Small)
		if err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		if len(measured) == 0 {
			t.Errorf("%s: no launch", p.Name)
		}
		for _, m := range measured {
			if m.Calls != calls[m.Kernel] || !(m.Seconds > 0) || !(m.Bound > 0.999*float64(m.Calls)*H100.Launch) {
				t.Errorf("%s: %+v, the ledger has %d calls", p.Name, m, calls[m.Kernel])
			}
		}
		if left, _ := d.Memory(); left != 0 {
			t.Errorf("%s: %d bytes are left", p.Name, left)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}
