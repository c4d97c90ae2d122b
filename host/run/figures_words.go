package run

import "fmt"

// words are what figures call the chains of a cell. Draws are those of a posterior or a prior; optima (contract.Optimiser) are the
// ends of an optimisation from several starts, of which nothing is announced.
type words struct {
	chains   string // "8 chains", "3 starts of map"
	mean     string // title of their mean
	spread   string // of their standard deviation, without its unit
	question string // over truth, mean, spread and error
	unknown  string // over mean and spread where no truth is known
	together string // over the same of several cells
	samples  string // over single chains of several cells, below their truth
	singly   string // the same without one
	each     string // one of them, without its number
	remark   string // what the spread is not; "" where it is what it seems
}

func wordsOf(c *CellResult) words {
	n := c.Cell.Chains.Chains
	if !c.Cell.Optimises() {
		return words{chains: fmt.Sprintf("%d chains", n), mean: "mean of the chains", spread: "standard deviation",
			question: "Is the truth where the chains say, and are they off by what they announce?",
			unknown:  "Where do the chains agree, and where do they differ?",
			together: "Posterior mean, its standard deviation, and how far it is off",
			samples:  "Samples of each posterior, below the truth", singly: "Samples of each posterior", each: "sample"}
	}
	starts := fmt.Sprintf("%d starts of %s", n, c.Cell.Sampler.Description.Name)
	return words{chains: starts, mean: "mean of " + starts, spread: "spread between the starts",
		question: fmt.Sprintf("Do %s end at one model, and at the truth?", starts),
		unknown:  fmt.Sprintf("Do %s end at one model?", starts),
		together: fmt.Sprintf("Mean of %s, the spread between the starts, and how far the mean is off", starts),
		samples:  fmt.Sprintf("Where single starts of %s ended, below the truth", c.Cell.Sampler.Description.Name),
		singly:   fmt.Sprintf("Where single starts of %s ended", c.Cell.Sampler.Description.Name), each: "start",
		remark: " The starts are optimised: their spread says how far they disagree, and is no uncertainty."}
}

// parted returns the items of draws and those of optima, first those beside a known truth, in their order, each cut into runs of at
// most maxBeside; no run is empty.
func parted[T any](items []T, of func(T) (c *CellResult, known bool)) (parts [][]T) {
	var by [4][]T
	for _, x := range items {
		k := 0
		c, known := of(x)
		if c.Cell.Optimises() {
			k = 1
		}
		if !known {
			k += 2
		}
		by[k] = append(by[k], x)
	}
	for _, some := range by {
		beside := inOneFigure(len(some))
		for first := 0; first < len(some); first += beside {
			parts = append(parts, some[first:min(first+beside, len(some))])
		}
	}
	return parts
}
