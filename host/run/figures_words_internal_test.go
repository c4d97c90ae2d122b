package run

import (
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/host/experiment"
)

// ofSampler is a cell whose sampler has these capabilities.
func ofSampler(name string, chains int, can ...contract.Capability) *CellResult {
	p := &experiment.Plugin{Description: contract.Description{Kind: contract.KindSampler, Name: name, Capabilities: can}}
	return &CellResult{Cell: &experiment.Cell{Sampler: p, Chains: experiment.Sampler{Chains: chains}}}
}

// TestWords: draws have a posterior's words; what ends at optima has none of them, by its capability and not by its name.
func TestWords(t *testing.T) {
	for _, tc := range []struct {
		c    *CellResult
		mean string
		draw bool
	}{
		{ofSampler("dps", 8), "mean of the chains", true},
		{ofSampler("map", 8, contract.CapStart), "mean of the chains", true},
		{ofSampler("newton", 3, contract.CapStart, contract.CapOptimise), "mean of 3 starts of newton", false},
		{&CellResult{Cell: &experiment.Cell{}}, "mean of the chains", true},
	} {
		w := wordsOf(tc.c)
		all := strings.ToLower(strings.Join([]string{w.chains, w.mean, w.spread, w.question, w.together, w.samples, w.singly, w.unknown, w.each, w.remark}, " | "))
		for _, word := range []string{"posterior", "standard deviation", "announce", "sample"} {
			if strings.Contains(all, word) != tc.draw {
				t.Errorf("%v: %q in %q", tc.c.Cell.Sampler, word, all)
			}
		}
		if w.mean != tc.mean || (w.remark == "") != tc.draw || (len(optimaNotes([]*CellResult{tc.c, tc.c})) == 0) != tc.draw || (kind(tc.c) == "optimised starts") == tc.draw {
			t.Errorf("%v: %+v", tc.c.Cell.Sampler, w)
		}
	}
}

// TestParted: no figure has draws beside optima, none is empty, and all cells are shown once, draws first.
func TestParted(t *testing.T) {
	var cells []*CellResult
	for i := range 13 {
		if i%2 == 0 {
			cells = append(cells, ofSampler("dps", i))
		} else {
			cells = append(cells, ofSampler("map", i, contract.CapOptimise))
		}
	}
	var got []int
	var sizes []int
	for _, part := range parted(cells, func(c *CellResult) (*CellResult, bool) { return c, true }) {
		sizes = append(sizes, len(part))
		for _, c := range part {
			if c.Cell.Optimises() != part[0].Cell.Optimises() {
				t.Error("a figure has both kinds")
			}
			got = append(got, c.Cell.Chains.Chains)
		}
	}
	if !slices.Equal(got, []int{0, 2, 4, 6, 8, 10, 12, 1, 3, 5, 7, 9, 11}) || !slices.Equal(sizes, []int{4, 3, 3, 3}) {
		t.Errorf("cells %v in figures of %v", got, sizes)
	}
}
