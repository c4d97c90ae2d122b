package roofline

import (
	"math"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/cuda"
)

// Known results of NVIDIA's occupancy calculator (CUDA_Occupancy_Calculator.xls, compute capability 8.0, and 9.0 by the limits of
// the programming guide): threads a block, registers a thread, shared memory a block.
func TestOccupancy(t *testing.T) {
	for _, c := range []struct {
		machine                    Machine
		threads, registers, shared int
		blocks, warps              int
		limit                      string
	}{
		{A100, 256, 32, 0, 8, 64, "threads"},
		{A100, 256, 64, 0, 4, 32, "registers"},
		{A100, 256, 65, 0, 3, 24, "registers"}, // 72 registers are taken for 65
		{A100, 1024, 64, 0, 1, 32, "registers"},
		{A100, 32, 16, 0, 32, 32, "blocks"},
		{A100, 256, 255, 0, 1, 8, "registers"},
		{A100, 256, 32, 48 << 10, 3, 24, "shared memory"}, // 3 x 49 of 164 KiB
		{H100, 256, 32, 48 << 10, 4, 32, "shared memory"}, // 4 x 49 of 228 KiB
		{H100, 256, 128, 33792, 2, 16, "registers"},
		{H100, 1024, 32, 0, 2, 64, "threads"},
		{H100, 96, 40, 0, 16, 48, "registers"}, // 1280 registers a warp: 51 warps, by fours 48
	} {
		o, err := c.machine.Occupancy(c.threads, c.registers, c.shared)
		if err != nil || o.Blocks != c.blocks || o.Warps != c.warps || o.Limit != c.limit || o.Percent != 100*c.warps/64 {
			t.Errorf("%s, %d threads, %d registers, %d bytes: %+v, %v, want %d blocks, %d warps by %s", c.machine.Arch, c.threads,
				c.registers, c.shared, o, err, c.blocks, c.warps, c.limit)
		}
	}
	for _, bad := range [][3]int{{0, 32, 0}, {1025, 32, 0}, {256, 0, 0}, {256, 256, 0}, {256, 32, 228 << 10}, {1024, 128, 0}} {
		if o, err := H100.Occupancy(bad[0], bad[1], bad[2]); err == nil {
			t.Errorf("%v: %+v and no error", bad, o)
		}
	}
}

func TestCompiledTable(t *testing.T) {
	rows := []Compiled{{"b_f32", "sm_90", 32, 0, 0, 0, 0}, {"a_f64", "sm_90", 40, 128, 16, 4, 8}, {"a_f64", "sm_80", 38, 128, 0, 0, 0}}
	got, err := ParseCompiled(FormatCompiled(rows))
	if want := []Compiled{rows[2], rows[1], rows[0]}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	for _, bad := range []string{"", "kernel\tregisters\n", compiledHead + "\na_f32\tsm_90\t12\n", compiledHead + "\na_f32\tsm_90\tx\t0\t0\t0\t0\n"} {
		if rows, err := ParseCompiled([]byte(bad)); err == nil {
			t.Errorf("%q: %v and no error", bad, rows)
		}
	}
}

// A table of counts, one launch that fits its formula, and the same with one figure wrong each.
func TestCounted(t *testing.T) {
	good := []string{"nn_gelu_f32", "4 1 1", "256 1 1", "0", "1 1 4096 4096", "16384", "16384", "217088", "16384", "16384", "16384", "16384", ""}
	parse := func(columns []string) (Counted, error) {
		all, err := ParseCounted([]byte(countedHead + "\n" + strings.Join(columns, "\t") + "\n"))
		if err != nil {
			return Counted{}, err
		}
		return all[0], nil
	}
	c, err := parse(good)
	if err != nil {
		t.Fatal(err)
	}
	if held, err := c.Check(); !held || err != nil {
		t.Errorf("%v, %v", held, err)
	}
	for _, wrong := range []struct {
		column int
		value  string
	}{
		{5, "30000"},  // threads ask for more
		{7, "300000"}, // more operations
		{7, "100000"}, // fewer: the formula is padded
		{8, "40000"},  // the formula hopes for less than must be read
		{9, "1000"},   // the formula says more is written than is
		{0, "nn_none_f32"},
		{4, "1 1 4096"},
	} {
		columns := append([]string(nil), good...)
		columns[wrong.column] = wrong.value
		c, err := parse(columns)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Check(); err == nil {
			t.Errorf("column %d = %s: no error", wrong.column, wrong.value)
		}
	}
	small := append([]string(nil), good...)
	small[4], small[5], small[6], small[7], small[8], small[9] = "1 1 4 4096", "999", "16", "208", "16", "16"
	if c, err = parse(small); err != nil {
		t.Fatal(err)
	}
	if held, err := c.Check(); held || err != nil {
		t.Errorf("a small launch: %v, %v", held, err)
	}
	kernel := &cuda.Kernel{Name: "nn_gelu_f32"}
	if err := CheckCounted([]Counted{c}, []*cuda.Kernel{kernel}); err == nil {
		t.Error("a kernel with small launches only is held to nothing, and no error says so")
	}
	for _, bad := range []string{"", "kernel\n", countedHead + "\nx\n", countedHead + "\n" + strings.Repeat("x\t", 12) + "x\n"} {
		if all, err := ParseCounted([]byte(bad)); err == nil {
			t.Errorf("%q: %v and no error", bad, all)
		}
	}
}

// What tables name is counted once: rows that repeat, one frequency of four, one set for all. Bytes by hand, from what each
// kernel must touch; without its table the same launch is held to indices that are all different, and fails.
func TestCountedByTables(t *testing.T) {
	count := func(kernel, args string, read, written float64, tables map[int][]int32) Counted {
		c := Counted{Read: read, Written: written, DistinctRead: read, DistinctWritten: written}
		c.Kernel, c.Grid, c.Block, c.Tables = kernel, [3]int{1, 1, 1}, [3]int{1, 1, 1}, tables
		for _, a := range strings.Fields(args) {
			x, err := strconv.Atoi(a)
			if err != nil {
				t.Fatal(err)
			}
			c.Args = append(c.Args, cuda.Int(x))
		}
		w, err := WorkOf(c.Launch)
		if err != nil {
			t.Fatal(err)
		}
		c.Operations = w.Operations // not what this is about
		return c
	}
	for _, c := range []struct {
		name string
		fits Counted
	}{
		// 50 rows of 256 numbers, of 3 rows of a table of 200: one of them is asked for out of bounds, and not read.
		{"rows", count("nn_gather_rows_f32", "1 256 1 1 200 256 50", 3*256*4+4*50, 50*256*4,
			map[int][]int32{3: append(slices.Repeat([]int32{7, 7, 199}, 16), 4, -1, 999)})},
		// One system, model 1 of 2 at frequency 3 of 4, on 10 x 12 nodes in a layer of 2: x, the model, all four planes, flags.
		{"residual", count("helm_residual_f32", "1 1 1 1 1 1 1 2 1 4 10 12 2 1 0 9", 224*8+4*9+120*4+224*64+4*224, 16,
			map[int][]int32{3: {1, 3, 0, 0}})},
		// Four systems of two models at two frequencies of four, own sets of one direction, one shot: u, dm, mass, rows.
		{"tangent", count("helm_tangent_f32", "1 1 1 1 1 1 2 4 4 10 12 2 1 1 1 256", 4*224*8+2*120*4+2*224*16+4*224, 4*224*8,
			map[int][]int32{3: {0, 1, 0, 2, 1, 1, 1, 2}})},
		// Two systems of two models that have one observation, at one frequency: one set of 40 data.
		{"misfit", count("helm_misfit_f64", "1 1 1 1 1 1 1 1 1 1 3 2 2 4 224 5 8", 2*40*16+40*16+4*8, 2*(40*16+16),
			map[int][]int32{5: {2, 2}, 8: {0, 3, 1, 3}})},
	} {
		if held, err := c.fits.Check(); !held || err != nil {
			t.Errorf("%s: %v, %v", c.name, held, err)
		}
		less := c.fits
		less.DistinctRead, less.DistinctWritten = less.DistinctRead/2, less.DistinctWritten/2
		if _, err := less.Check(); err == nil {
			t.Errorf("%s: half of the bytes, and no error", c.name)
		}
	}
	gather := count("nn_gather_rows_f32", "1 256 1 1 200 256 50", 3*256*4+4*50, 50*256*4, nil)
	if _, err := gather.Check(); err == nil {
		t.Error("rows that repeat, and no table says so: no error")
	}
	for _, bad := range []string{"3", "3:", "x:1", "3:1,y", "3:1,99999999999"} {
		if _, err := ParseCounted([]byte(countedHead + "\nnn_x\t1 1 1\t1 1 1\t0\t1\t1\t1\t1\t1\t1\t1\t1\t" + bad + "\n")); err == nil {
			t.Errorf("tables %q: no error", bad)
		}
	}
}

// Time by hand: 3.35 GB at 3.35 TB/s are 1 ms, 67 GFLOP at 67 TFLOP/s another, in float64 34.
func TestTime(t *testing.T) {
	single, double := Launch{Kernel: "nn_gelu_f32"}, Launch{Kernel: "nn_gelu_f64"}
	for _, c := range []struct {
		l       Launch
		w       Work
		seconds float64
		bound   string
	}{
		{single, Work{Read: 3e9, Written: 0.35e9, Asked: 1e12, Operations: 1e9}, 1e-3, "memory"},
		{single, Work{Read: 1e9, Operations: 67e9}, 1e-3, "arithmetic"},
		{double, Work{Read: 1e9, Operations: 34e9}, 1e-3, "arithmetic"},
		{single, Work{Read: 1e3, Operations: 1e3}, H100.Launch, "launch"},
	} {
		if s, bound := H100.Time(c.l, c.w); math.Abs(s-c.seconds) > 1e-9 || bound != c.bound {
			t.Errorf("%+v: %g s by %s, want %g by %s", c.w, s, bound, c.seconds, c.bound)
		}
	}
}

// The published training step, against what is known of it without any formula here: parameters, layers, and the 6 operations
// that a weight costs a row.
func TestTrainingStep(t *testing.T) {
	rows, err := Problems[0].Launches()
	if err != nil {
		t.Fatal(err)
	}
	calls, adam, products := map[string]int{}, 0.0, 0.0
	for _, r := range rows {
		calls[r.Kernel] += r.Calls
		n := float64(r.Calls)
		switch {
		case strings.Contains(r.Kernel, "adam"):
			adam += n * r.Work.Bytes()
			if r.Kernel == "nn_outer_adam_f32" {
				products += n * r.Work.Operations
			}
		case strings.HasPrefix(r.Kernel, "nn_linear"):
			products += n * r.Work.Operations
		}
	}
	if calls["nn_layernorm_f32"] != published.blocks || calls["nn_linear_f32"] != published.blocks+2 {
		t.Errorf("launches: %v", calls)
	}
	// Weights, two moments and the mean are read and written; stored gradients are read as well.
	if low, high := 32.0*publishedParameters, 36.0*publishedParameters; adam < low || adam > high {
		t.Errorf("the optimiser moves %.0f bytes: between %.0f and %.0f are right", adam, low, high)
	}
	// Rounded up to tiles (50 rows to 64 and to 48 of k) products may cost up to a third more.
	if least := 6 * float64(published.batch) * (publishedParameters - 1e6); products < least || products > 1.4*least {
		t.Errorf("dense products cost %.3g operations, 6 a weight and row are %.3g", products, least)
	}
}

// The committed page is what the committed figures give, and every kernel has its formula.
func TestPageIsCurrent(t *testing.T) {
	rows, err := Committed()
	if err != nil {
		t.Fatal(err)
	}
	want, err := Page(rows)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../cuda/roofline.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("cuda/roofline.md is not what the launches and formulas give: make cuda-gate WRITE=1, and look at the difference")
	}
	if missing := Missing(); len(missing) > 0 {
		t.Errorf("kernels without a formula: %v", missing)
	}
}
