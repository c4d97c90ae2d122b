package roofline

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// Compiled is what the compiler says of one kernel on one architecture.
type Compiled struct {
	Kernel      string
	Arch        string // sm_80, sm_90
	Registers   int    // of a thread
	Shared      int    // static shared memory of a block, bytes
	Stack       int    // stack frame of a thread, bytes: arrays that registers could not hold
	SpillStores int    // bytes that a thread writes because registers ran out
	SpillLoads  int    // and reads back
}

// compiledTSV is what the last `make cuda-gate WRITE=1` wrote; the gate compiles all kernels anew and compares.
//
//go:embed compiled.tsv
var compiledTSV []byte

// compiledHead is the first line of compiled.tsv.
const compiledHead = "kernel\tarch\tregisters\tshared\tstack\tspill_stores\tspill_loads"

// Committed returns what compiled.tsv holds, in its order: by kernel, then by architecture.
func Committed() ([]Compiled, error) { return ParseCompiled(compiledTSV) }

// FormatCompiled writes rows as compiled.tsv has them, sorted.
func FormatCompiled(rows []Compiled) []byte {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b Compiled) int {
		if by := strings.Compare(a.Kernel, b.Kernel); by != 0 {
			return by
		}
		return strings.Compare(a.Arch, b.Arch)
	})
	var b bytes.Buffer
	fmt.Fprintln(&b, compiledHead)
	for _, r := range rows {
		fmt.Fprintf(&b, "%s\t%s\t%d\t%d\t%d\t%d\t%d\n", r.Kernel, r.Arch, r.Registers, r.Shared, r.Stack, r.SpillStores, r.SpillLoads)
	}
	return b.Bytes()
}

// ParseCompiled reads what FormatCompiled writes.
func ParseCompiled(tsv []byte) ([]Compiled, error) {
	lines := strings.Split(strings.TrimRight(string(tsv), "\n"), "\n")
	if lines[0] != compiledHead {
		return nil, fmt.Errorf("roofline: compiled.tsv begins with %q, it must be %q", lines[0], compiledHead)
	}
	var rows []Compiled
	for i, line := range lines[1:] {
		var r Compiled
		n, err := fmt.Sscanf(line, "%s\t%s\t%d\t%d\t%d\t%d\t%d", &r.Kernel, &r.Arch, &r.Registers, &r.Shared, &r.Stack,
			&r.SpillStores, &r.SpillLoads)
		if err != nil {
			return nil, fmt.Errorf("roofline: compiled.tsv, line %d: %d of 7 columns: %w", i+2, n, err)
		}
		rows = append(rows, r)
	}
	return rows, nil
}
