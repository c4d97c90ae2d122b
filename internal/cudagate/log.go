package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/waveprior/waveprior/internal/roofline"
)

var (
	entry     = regexp.MustCompile(`Compiling entry function '(\w+)' for '(sm_\d+)'`)
	frame     = regexp.MustCompile(`(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads`)
	function  = regexp.MustCompile(`Function properties for (\w+)`)
	registers = regexp.MustCompile(`Used (\d+) registers`)
	shared    = regexp.MustCompile(`(\d+)(?:\+(\d+))? bytes smem`)
)

// parseLog takes from the log of `--ptxas-options=-v` what it says of each kernel:
//
//	ptxas info    : Compiling entry function 'sum_f32' for 'sm_90'
//	ptxas info    : Function properties for sum_f32
//	ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
//	ptxas info    : Used 10 registers, 1024 bytes smem, 372 bytes cmem[0]
//
// Functions that were not inlined have properties of their own, without registers; their frames are added to the kernel
// before them. A kernel without a line of registers is an error.
func parseLog(log string) ([]roofline.Compiled, error) {
	var rows []roofline.Compiled
	complete := true
	for _, line := range strings.Split(log, "\n") {
		if m := entry.FindStringSubmatch(line); m != nil {
			if !complete {
				break
			}
			rows = append(rows, roofline.Compiled{Kernel: m[1], Arch: m[2]})
			complete = false
		}
		if len(rows) == 0 || function.MatchString(line) {
			continue
		}
		row := &rows[len(rows)-1]
		if m := frame.FindStringSubmatch(line); m != nil {
			row.Stack += number(m[1])
			row.SpillStores += number(m[2])
			row.SpillLoads += number(m[3])
		}
		if m := registers.FindStringSubmatch(line); m != nil {
			row.Registers = number(m[1])
			complete = true
			if m := shared.FindStringSubmatch(line); m != nil {
				row.Shared = number(m[1]) + number(m[2])
			}
		}
	}
	if !complete {
		return nil, fmt.Errorf("cudagate: the compiler's log says no registers of kernel %s:\n%s", rows[len(rows)-1].Kernel, log)
	}
	return rows, nil
}

// number is the value of what a regular expression found to be digits; 0 for nothing.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}
