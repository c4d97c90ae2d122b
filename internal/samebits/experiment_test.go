package samebits

import (
	"fmt"
	"maps"
	"sort"
	"strings"
	"sync"
	"testing"
)

// cells are the samplers of the small experiment: a line of its sweep each.
var cells = map[string]string{
	"full":      `{ label = "full", plugin = "dps", variant = "full" }`,
	"published": `{ label = "published", plugin = "dps", variant = "published", zeta = 0.05 }`,
	"ddpm":      `{ label = "ddpm", plugin = "ddpm" }`,
	"exact":     `{ label = "exact", plugin = "gmm-posterior" }`,
}

// small is the experiment of the table: two observations, five chains each, ten steps; every tensor goes inline. A
// checkpoint after every step.
func small(of ...string) string {
	if len(of) == 0 {
		for name := range cells {
			of = append(of, name)
		}
	}
	sort.Strings(of)
	var sweep []string
	for _, name := range of {
		sweep = append(sweep, cells[name])
	}
	return fmt.Sprintf(`name = "samebits"
title = "Same bits"
seed = 7

[run]
checkpoint_s = 0.0

[solver]
plugin = "analytic"
map = "quadratic"

[prior]
plugin = "gmm"
components = "training"
width = 0.2
[prior.schedule]
steps = 10
beta_first = 1e-3
beta_last = 0.5
[prior.data]
kind = "gaussian"
mean = [0.5, -0.3]
covariance = [[1.0, 0.4], [0.4, 0.6]]
examples = 6
held_out = 4

[observation]
truth = "held-out"
count = 2
noise_std = 0.3

[sampler]
plugin = "dps"
chains = 5
snapshots = 3

[judge.exact]
cells = 40
draws = 20

[sweep]
"sampler" = [
  %s
]
`, strings.Join(sweep, ",\n  "))
}

// dropping loses chains along the way: the solver refuses what they come to.
const dropping = `name = "dropping"
seed = 7

[solver]
plugin = "analytic"
map = "quadratic"
bounds = [-1.4, 1.3]

[prior]
plugin = "gmm"
width = 0.2
schedule = { steps = 10, beta_first = 1e-3, beta_last = 0.5 }
data = { kind = "gaussian", mean = [0.5, -0.3], covariance = [[1.0, 0.4], [0.4, 0.6]], examples = 6 }

[observation]
truth = "model"
model = [[0.7, 0.2], [1.0, -0.5]]
noise_std = 0.3

[sampler]
plugin = "dps"
chains = 5
snapshots = 3
`

// adapted has a signed logarithm between the solver's data and the observed ones, so that the host makes the misfit itself
// and asks the solver for VJP.
func adapted() string {
	return strings.Replace(small("full"), "noise_std = 0.3\n", "noise_std = 0.3\nadapt = [{ kind = \"signed-log\", scale = 0.5 }]\n", 1)
}

// ruled takes its truths by a rule: a run within the run, with a prior and samples of its own.
func ruled() string {
	return strings.Replace(small("full"), `truth = "held-out"`, `truth = { rule = "mean-of-most-memorised", count = 1, examples = 4, chains = 7 }`, 1)
}

// wide has models of 80 kB, so that all tensors lie in shared memory however a batch is split, and a prior that is trained in
// more than one report.
const wide = `name = "wide"
seed = 11

[run]
checkpoint_s = 0.0

[solver]
plugin = "analytic"
map = "identity"
dimension = 10000

[prior]
plugin = "gmm"
width = 0.5
[prior.schedule]
steps = 4
beta_first = 1e-2
beta_last = 0.7
[prior.data]
kind = "gaussian"
examples = 8
held_out = 2

[observation]
truth = "held-out"
noise = 0.1

[sampler]
plugin = "dps"
variant = "full"
zeta = 0.01
chains = 6
snapshots = 2
`

// first runs an experiment in the way that all others are compared with: one solver worker of one thread, all chains in one
// group, every plugin a process, nothing killed, and with its figures. Each experiment is run so once for all tests.
func first(t testing.TB, text string) sums {
	t.Helper()
	firsts.Lock()
	row := firsts.rows[text]
	if row == nil {
		row = &firstRow{}
		firsts.rows[text] = row
	}
	firsts.Unlock()
	row.Lock() // whoever comes while it runs waits for it
	defer row.Unlock()
	if row.sums == nil {
		row.sums = alone(t, text)
	}
	return maps.Clone(row.sums)
}

// firsts are what first has, by the experiment's text.
var firsts = struct {
	sync.Mutex
	rows map[string]*firstRow
}{rows: map[string]*firstRow{}}

type firstRow struct {
	sync.Mutex
	sums sums // nil: not yet there
}

// alone makes the run of first.
func alone(t testing.TB, text string) sums {
	t.Helper()
	l := newLab(t, text)
	l.figures = true
	l.start().must(0)
	l.nothingLeft()
	l.tidy()
	s := readSums(t, l.out, l.path)
	if !s.have("history_misfit.npy") {
		t.Fatalf("no history of the misfit among the checksums: %v", s)
	}
	return s
}
