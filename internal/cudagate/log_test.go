package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/internal/roofline"
)

// What libnvrtc 11.8 writes with --ptxas-options=-v, as it came (paths and kernels shortened).
const logs = `ptxas info    : 4 bytes gmem
ptxas info    : Compiling entry function 'sum_f32' for 'sm_90'
ptxas info    : Function properties for sum_f32
ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 10 registers, 128 bytes smem
ptxas info    : Compiling entry function 'adam_f32' for 'sm_80'
ptxas info    : Function properties for adam_f32
ptxas         .    40 bytes stack frame, 48 bytes spill stores, 56 bytes spill loads
ptxas info    : Function properties for slope
ptxas         .     8 bytes stack frame, 4 bytes spill stores, 4 bytes spill loads
ptxas info    : Used 128 registers, 4096+16 bytes smem, 372 bytes cmem[0]
`

func TestLog(t *testing.T) {
	got, err := parseLog(logs)
	want := []roofline.Compiled{
		{Kernel: "sum_f32", Arch: "sm_90", Registers: 10, Shared: 128},
		{Kernel: "adam_f32", Arch: "sm_80", Registers: 128, Shared: 4112, Stack: 48, SpillStores: 52, SpillLoads: 60},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for _, cut := range []string{"Used 10", "Used 128"} {
		if got, err := parseLog(strings.Replace(logs, cut, "", 1)); err == nil {
			t.Errorf("a log without %q: %+v and no error", cut, got)
		}
	}
}

func TestSpills(t *testing.T) {
	for _, c := range []struct {
		row  roofline.Compiled
		good bool
	}{
		{roofline.Compiled{Kernel: "nn_gelu_f32", Registers: 30}, true},
		{roofline.Compiled{Kernel: "nn_gelu_f32", Stack: 16}, false},
		{roofline.Compiled{Kernel: "nn_gelu_f32", Stack: 4, SpillStores: 4}, false},
		{roofline.Compiled{Kernel: "nn_outer_adam_f32", Stack: 40, SpillStores: 48, SpillLoads: 56}, true},
		{roofline.Compiled{Kernel: "nn_outer_adam_f32", Stack: 40, SpillStores: 48, SpillLoads: 60}, false},
	} {
		if err := spills([]roofline.Compiled{c.row}); (err == nil) != c.good {
			t.Errorf("%+v: %v", c.row, err)
		}
	}
	for name, of := range tolerated {
		if of.bytes <= 0 || of.why == "" {
			t.Errorf("kernel %s may spill: say how much, and why", name)
		}
	}
}

// Files of tests are not compiled, and a warning of the compiler is found among what was asked for.
func TestSources(t *testing.T) {
	files, err := sources("../../cuda")
	if err != nil || !slices.Contains(files, "../../cuda/nn/gelu.cu") {
		t.Errorf("%v, %v", files, err)
	}
	for _, f := range files {
		if strings.Contains(f, "testdata") || strings.Contains(f, "internal") {
			t.Errorf("%s is for tests", f)
		}
	}
	if warning.MatchString(logs) || !warning.MatchString("x.cu(3): warning #177-D: variable \"y\" was declared but never referenced") {
		t.Error("warnings are not told from figures")
	}
}

// The committed table has both architectures of every kernel that Go knows, and no other.
func TestCommitted(t *testing.T) {
	rows, err := roofline.Committed()
	if err != nil {
		t.Fatal(err)
	}
	if err := twins(rows); err != nil {
		t.Error(err)
	}
	if err := spills(rows); err != nil {
		t.Error(err)
	}
	if err := twins(rows[2:]); err == nil {
		t.Error("a kernel without a twin is not missed")
	}
	if err := twins(append(slices.Clone(rows), roofline.Compiled{Kernel: "stray", Arch: architectures[0]})); err == nil {
		t.Error("a twin without a kernel is not seen")
	}
}
