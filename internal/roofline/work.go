package roofline

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/waveprior/waveprior/cuda"
)

// Work is what one launch does.
type Work struct {
	// Read and Written are bytes of global memory, each element once: what must cross the memory's bus if caches are empty
	// before and hold everything meanwhile.
	Read, Written float64
	// Asked is the bytes that the kernel's threads ask for, by its tiling: what the caches serve. 0: as many as Read and
	// Written.
	Asked float64
	// Operations are + - x / sqrt, one each; a fused multiply-add is two.
	Operations float64
}

// Bytes is what must be moved.
func (w Work) Bytes() float64 { return w.Read + w.Written }

// Loads is what threads ask for.
func (w Work) Loads() float64 {
	if w.Asked > 0 {
		return w.Asked
	}
	return w.Bytes()
}

// Launch is a launch as a formula sees it: arguments in the kernel's order, and how it is cut.
type Launch struct {
	Kernel string
	Units  int // 0 where only grid and block are known
	Grid   [3]int
	Block  [3]int
	Shared int // dynamic, bytes
	Args   []cuda.Arg
	// Tables are the numbers of the int32 tables (rows, levels, which model a system has) that are known, by the argument that
	// points to them: those of counted launches. A ledger's buffers hold nothing.
	Tables map[int][]int32
}

// Int is argument i as a number.
func (l Launch) Int(i int) float64 { return float64(int64(l.Args[i])) }

// Has is 1 if argument i is a buffer, 0 if it is none: a factor in formulas.
func (l Launch) Has(i int) float64 {
	if l.Args[i] == 0 {
		return 0
	}
	return 1
}

// On is 1 if argument i, a flag, is set.
func (l Launch) On(i int) float64 { return l.Has(i) }

// Distinct is how many of the numbers 0..bound-1 the first rows rows of table `argument` name in a column, of so many columns:
// what is taken by them from memory is read once. Where the table is not known it is the most that it can be, the smaller of rows and
// bound: a published problem's indices are all different as far as there are different ones.
func (l Launch) Distinct(argument int, rows float64, columns, column int, bound float64) float64 {
	table, ok := l.Tables[argument]
	if !ok {
		return math.Min(rows, bound)
	}
	seen := map[int32]bool{}
	for i := column; i < len(table) && i < int(rows)*columns; i += columns {
		if x := table[i]; x >= 0 && float64(x) < bound {
			seen[x] = true
		}
	}
	return float64(len(seen))
}

// Size is the bytes of the kernel's numbers, by its name's end: 8 for _f64 and _c128, else 4; complex numbers are two.
func (l Launch) Size() float64 {
	if strings.HasSuffix(l.Kernel, "_f64") || strings.HasSuffix(l.Kernel, "_c128") {
		return 8
	}
	return 4
}

// Double reports whether the kernel's arithmetic is float64.
func (l Launch) Double() bool { return l.Size() == 8 || formulas[stem(l.Kernel)].double }

// Blocks is the number of blocks in the grid.
func (l Launch) Blocks() float64 { return float64(l.Grid[0] * l.Grid[1] * l.Grid[2]) }

// Threads is the number of threads in a block.
func (l Launch) Threads() int { return l.Block[0] * l.Block[1] * l.Block[2] }

// AllThreads is the number of threads of the launch.
func (l Launch) AllThreads() float64 { return l.Blocks() * float64(l.Threads()) }

// formula is what is known of one kernel, for all number types that it exists in.
type formula struct {
	kernel string // without the type: nn_gelu stands for nn_gelu_f32 and nn_gelu_f64
	// args names the arguments in order, as the formulas' text and the page use them; a trailing ? marks a buffer that may be
	// none.
	args string
	// bytes and operations are the formula in words of the arguments, for the page; s is the bytes of a number.
	bytes, operations string
	work              func(l Launch) Work
	double            bool // float64 arithmetic whatever the name ends with
}

// formulas of all families, by the kernel's stem.
var formulas = index(nnFormulas, philoxFormulas, diffusionFormulas, mixtureFormulas, multifrontalFormulas, marchFormulas, waveFormulas, elasticFormulas)

func index(families ...[]formula) map[string]formula {
	m := map[string]formula{}
	for _, f := range slices.Concat(families...) {
		if _, twice := m[f.kernel]; twice {
			panic("roofline: two formulas for kernel " + f.kernel)
		}
		m[f.kernel] = f
	}
	return m
}

// types are the endings of kernels' names that say the type of their numbers.
var types = []string{"_f32", "_f64", "_c64", "_c128"}

func stem(kernel string) string {
	for _, t := range types {
		if s, ok := strings.CutSuffix(kernel, t); ok {
			return s
		}
	}
	return kernel
}

// WorkOf evaluates the kernel's formula; a kernel without one, or with another number of arguments than its formula names,
// is an error.
func WorkOf(l Launch) (Work, error) {
	f, ok := formulas[stem(l.Kernel)]
	if !ok {
		return Work{}, fmt.Errorf("roofline: kernel %s has no formula in internal/roofline", l.Kernel)
	}
	if n := len(strings.Fields(f.args)); n != len(l.Args) {
		return Work{}, fmt.Errorf("roofline: kernel %s was launched with %d arguments, its formula names %d: %s", l.Kernel, len(l.Args), n, f.args)
	}
	w := f.work(l)
	for _, x := range []float64{w.Read, w.Written, w.Asked, w.Operations} {
		if x < 0 || math.IsNaN(x) || math.IsInf(x, 0) {
			return Work{}, fmt.Errorf("roofline: kernel %s: the formula gives %+v", l.Kernel, w)
		}
	}
	return w, nil
}

// Missing lists the kernels of the product that have no formula.
func Missing() []string {
	var names []string
	for _, k := range cuda.Kernels() {
		if _, ok := formulas[stem(k.Name)]; !ok {
			names = append(names, k.Name)
		}
	}
	return names
}
