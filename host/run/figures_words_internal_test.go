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

// TestParted: no figure has draws beside optima or a known truth beside an unknown one, none is empty, and all cells are shown once,
// known truths first, of these draws.
func TestParted(t *testing.T) {
	var cells []*CellResult
	for i := range 19 {
		if i%2 == 0 {
			cells = append(cells, ofSampler("dps", i))
		} else {
			cells = append(cells, ofSampler("map", i, contract.CapOptimise))
		}
	}
	var got []int
	var sizes []int
	known := func(c *CellResult) bool { return c.Cell.Chains.Chains%3 != 2 }
	for _, part := range parted(cells, func(c *CellResult) (*CellResult, bool) { return c, known(c) }) {
		sizes = append(sizes, len(part))
		for _, c := range part {
			if c.Cell.Optimises() != part[0].Cell.Optimises() {
				t.Error("a figure has both kinds")
			}
			if known(c) != known(part[0]) {
				t.Error("a figure has cells with a known truth and cells without")
			}
			got = append(got, c.Cell.Chains.Chains)
		}
	}
	if !slices.Equal(got, []int{0, 4, 6, 10, 12, 16, 18, 1, 3, 7, 9, 13, 15, 2, 8, 14, 5, 11, 17}) || !slices.Equal(sizes, []int{4, 3, 3, 3, 3, 3}) {
		t.Errorf("cells %v in figures of %v", got, sizes)
	}
}
