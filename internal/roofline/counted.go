package roofline

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/waveprior/waveprior/cuda"
)

// Counted is what the emulated device counted in one launch (cuda/emulated/sanitize: the harness writes a line for each).
type Counted struct {
	Launch
	Read, Written, Operations     float64 // by all threads, every access
	DistinctRead, DistinctWritten float64 // each byte once
	BlocksRead, BlocksWritten     float64 // each byte once a block
}

// countedHead is the first line of the harness's counts.
const countedHead = "kernel\tgrid\tblock\tshared\targuments\tread\twritten\toperations\tdistinct_read\tdistinct_written\tblocks_read\tblocks_written\ttables"

// ParseCounted reads the counts that the harness wrote.
func ParseCounted(tsv []byte) ([]Counted, error) {
	lines := strings.Split(strings.TrimRight(string(tsv), "\n"), "\n")
	if lines[0] != countedHead {
		return nil, fmt.Errorf("roofline: counts begin with %q, they must begin with %q", lines[0], countedHead)
	}
	var all []Counted
	for i, line := range lines[1:] {
		c, err := parseCounted(strings.Split(line, "\t"))
		if err != nil {
			return nil, fmt.Errorf("roofline: counts, line %d: %w", i+2, err)
		}
		all = append(all, c)
	}
	return all, nil
}

func parseCounted(column []string) (Counted, error) {
	var c Counted
	if n := strings.Count(countedHead, "\t") + 1; len(column) != n {
		return c, fmt.Errorf("%d columns, %d are needed", len(column), n)
	}
	c.Kernel = column[0]
	for i, to := range []*[3]int{&c.Grid, &c.Block} {
		if _, err := fmt.Sscan(column[1+i], &to[0], &to[1], &to[2]); err != nil {
			return c, err
		}
	}
	if _, err := fmt.Sscan(column[3], &c.Shared); err != nil {
		return c, err
	}
	for _, a := range strings.Fields(column[4]) {
		var x int64
		if _, err := fmt.Sscan(a, &x); err != nil {
			return c, err
		}
		c.Args = append(c.Args, cuda.Arg(x))
	}
	for i, to := range []*float64{&c.Read, &c.Written, &c.Operations, &c.DistinctRead, &c.DistinctWritten, &c.BlocksRead, &c.BlocksWritten} {
		if _, err := fmt.Sscan(column[5+i], to); err != nil {
			return c, err
		}
	}
	c.Tables = map[int][]int32{}
	for _, t := range strings.Fields(column[12]) {
		number, values, _ := strings.Cut(t, ":")
		i, err := strconv.Atoi(number)
		if err != nil {
			return c, err
		}
		for _, v := range strings.Split(values, ",") {
			x, err := strconv.ParseInt(v, 10, 32)
			if err != nil {
				return c, err
			}
			c.Tables[i] = append(c.Tables[i], int32(x))
		}
	}
	return c, nil
}

// within is the largest ratio of what is counted to what a formula says, and, where the formula promises to say what must be
// moved or done at least, of the formula to the count.
const within = 1.3

// Launches with fewer bytes or operations are not held to the formulas: what one thread or block does once outweighs the rest.
const (
	leastBytes      = 512
	leastOperations = 8 << 10
)

// Check holds one launch to the kernel's formula. held says that it was large enough to be held to the bytes at all.
//
//   - What the threads asked for is at most 1.3 times Work.Loads: for kernels bound by memory that is the least that
//     must be moved, beside what the formula says the caches serve.
//   - The formula's least, Work.Bytes, is within 1.3 of the distinct bytes, both ways: it is neither hoped for nor padded.
//   - Operations are within 1.3, both ways.
func (c Counted) Check() (held bool, err error) {
	w, err := WorkOf(c.Launch)
	if err != nil {
		return false, err
	}
	var wrong []error
	hold := func(what string, counted, formula float64, bothWays bool) {
		if counted > within*formula || bothWays && formula > within*counted {
			wrong = append(wrong, fmt.Errorf("roofline: kernel %s, grid %v, block %v, arguments %d: %s: counted %.0f, the formula says %.0f: %.2f times, at most %.1f is allowed",
				c.Kernel, c.Grid, c.Block, c.Args, what, counted, formula, counted/formula, within))
		}
	}
	if held = c.DistinctRead+c.DistinctWritten >= leastBytes; held {
		hold("bytes that threads ask for", c.Read+c.Written, w.Loads(), false)
		hold("distinct bytes", c.DistinctRead+c.DistinctWritten, w.Bytes(), true)
	}
	if max(c.Operations, w.Operations) >= leastOperations {
		hold("operations", c.Operations, w.Operations, true)
	}
	return held, errors.Join(wrong...)
}

// CheckCounted holds all counted launches to the formulas. Every kernel of the list needs one that is large enough.
func CheckCounted(all []Counted, kernels []*cuda.Kernel) error {
	var wrong []error
	held := map[string]bool{}
	for _, c := range all {
		ok, err := c.Check()
		held[c.Kernel] = held[c.Kernel] || ok
		wrong = append(wrong, err)
	}
	for _, k := range kernels {
		if !held[k.Name] {
			wrong = append(wrong, fmt.Errorf("roofline: kernel %s has no counted launch of %d bytes or more: its Go test must make one", k.Name, leastBytes))
		}
	}
	return errors.Join(wrong...)
}
