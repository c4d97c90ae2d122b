package run

import "fmt"

// words are what figures call the chains of a cell. Draws are those of a posterior or a prior; optima (contract.Optimiser) are the
// ends of an optimisation from several starts, of which nothing is announced.
type words struct {
	chains   string // "8 chains", "3 starts of map"
	mean     string // title of their mean
	spread   string // of their standard deviation, without its unit
	question string // over truth, mean, spread and error
	together string // over the same of several cells
	samples  string // over single chains of several cells
	each     string // one of them, without its number
	remark   string // what the spread is not; "" where it is what it seems
}

func wordsOf(c *CellResult) words {
	n := c.Cell.Chains.Chains
	if !c.Cell.Optimises() {
		return words{chains: fmt.Sprintf("%d chains", n), mean: "mean of the chains", spread: "standard deviation",
			question: "Is the truth where the chains say, and are they off by what they announce?",
			together: "Posterior mean, its standard deviation, and how far it is off",
			samples:  "Samples of each posterior, below the truth", each: "sample"}
	}
	starts := fmt.Sprintf("%d starts of %s", n, c.Cell.Sampler.Description.Name)
	return words{chains: starts, mean: "mean of " + starts, spread: "spread between the starts",
		question: fmt.Sprintf("Do %s end at one model, and at the truth?", starts),
		together: fmt.Sprintf("Mean of %s, the spread between the starts, and how far the mean is off", starts),
		samples:  fmt.Sprintf("Where single starts of %s ended, below the truth", c.Cell.Sampler.Description.Name), each: "start",
		remark: " The starts are optimised: their spread says how far they disagree, and is no uncertainty."}
}

// parted returns the items of draws and those of optima, in their order, each cut into runs of at most maxBeside; no run is empty.
func parted[T any](items []T, cell func(T) *CellResult) (parts [][]T) {
	var by [2][]T
	for _, x := range items {
		k := 0
		if cell(x).Cell.Optimises() {
			k = 1
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
