package run_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/host/run"
)

// ruled is a sweep over the size of the training set, with a truth rule.
func ruled(truth, more string) string {
	return fmt.Sprintf(`name = "ruled"
seed = 3
[solver]
plugin = "analytic"
map = "identity"
dimension = 3
[prior]
plugin = "gmm"
width = 0.2
schedule = { steps = 12, beta_first = 1e-3, beta_last = 0.5 }
[prior.data]
kind = "gaussian"
mean = [0.5, -0.3, 1.0]
examples = 6
held_out = 4
[observation]
truth = %s
noise_std = 0.3
[sampler]
plugin = "dps"
chains = 3
%s
`, truth, more)
}

const sweepN = "[sweep]\n\"prior.data.examples\" = [6, 11]\n"

// training returns the examples of a cell's training set.
func training(t *testing.T, c *run.CellResult) [][]float64 {
	t.Helper()
	d, err := dataset.Open(filepath.Join(c.Data.Path(run.TrainingSet), dataset.ManifestName))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var rows [][]float64
	for i := range d.Len() {
		rows = append(rows, d.Reals(i, nil))
	}
	return rows
}

// brute is the ratio r of a point by its definition: all distances sorted, the first over the mean of the next k-1.
func brute(x []float64, train [][]float64, k int, coordinate func(v float64) float64) (r, first float64, nearest int) {
	type near struct {
		d float64
		i int
	}
	var all []near
	for i, e := range train {
		s := 0.0
		for j := range e {
			s += math.Pow(coordinate(x[j])-coordinate(e[j]), 2)
		}
		all = append(all, near{math.Sqrt(s), i})
	}
	sort.Slice(all, func(a, b int) bool { return all[a].d < all[b].d })
	sum := 0.0
	k = min(k, len(all))
	for _, n := range all[1:k] {
		sum += n.d
	}
	return all[0].d / (sum / float64(k-1)), all[0].d, all[0].i
}

func TestMostMemorised(t *testing.T) {
	for _, test := range []struct {
		name, more string
		k          int
		coordinate func(v float64) float64
	}{
		{"model space", "", 50, func(v float64) float64 { return v }},
		{"coordinates", "[judge.memorisation]\nnearest = 4\nadapt = [{ kind = \"clamp\", lower = 0.0 }, { kind = \"affine\", scale = 3.0 }]\n", 4, func(v float64) float64 { return 3 * max(v, 0) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			text := ruled(`{ rule = "mean-of-most-memorised", count = 2, examples = 6, chains = 40, sampler = { steps = 9 } }`, test.more+sweepN)
			text = strings.Replace(text, "noise_std", "count = 2\nnoise_std", 1)
			res := b.run(text)
			small, large := res.Cells[0], res.Cells[1]

			// What the rule should take, from the arrays of its run alone.
			samples := read(t, filepath.Join(b.stageOf(t, large.Truth, "sample"), run.ModelFile))
			if samples.Batch() != 40 {
				t.Fatalf("%d samples", samples.Batch())
			}
			train := training(t, small)
			type met struct {
				r              float64
				chain, example int
			}
			var all []met
			for c := range samples.Batch() {
				r, _, i := brute(samples.Item(c).AppendReals(nil), train, test.k, test.coordinate)
				all = append(all, met{r, c, i})
			}
			sort.SliceStable(all, func(a, b int) bool { return all[a].r < all[b].r })
			var want []met
			for _, m := range all {
				if !slices.ContainsFunc(want, func(w met) bool { return w.example == m.example }) && len(want) < 4 {
					want = append(want, m)
				}
			}
			if len(want) < 4 {
				t.Fatalf("only %d examples were met: the test needs other numbers", len(want))
			}
			truth := read(t, large.Observe.Path(run.TruthFile))
			for n, got := range large.Rule.Truths {
				mean := make([]float64, 3)
				for i := range 2 {
					w := want[2*n+i]
					if got.Examples[i] != w.example || got.Chains[i] != w.chain || math.Abs(got.Ratios[i]-w.r) > 1e-12 {
						t.Errorf("truth %d takes %+v, want %+v", n, got, w)
					}
					for j, v := range train[w.example] {
						mean[j] += v / 2
					}
				}
				for j, v := range truth.Item(n).AppendReals(nil) {
					if math.Abs(v-mean[j]) > 1e-15 {
						t.Errorf("truth %d is %v, want %v", n, truth.Item(n).AppendReals(nil), mean)
						break
					}
				}
			}

			if strings.Contains(test.more, "adapt") {
				return
			}
			// One training of six examples, for the small cell and the rule; the same truth for both cells; drawn once.
			if got := [...]int{b.entries("data"), b.entries("train"), b.entries("observe"), b.entries("sample")}; got != [...]int{2, 2, 1, 3} {
				t.Errorf("data, train, observe, sample are %v times in the cache, want 2, 2, 1, 3", got)
			}
			if a, b := b.stageOf(t, large.Truth, "train"), b.stageOf(t, small, "train"); a != b {
				t.Errorf("the rule's prior is %s, that of the cell %s", a, b)
			}
			if small.Observe.Dir != large.Observe.Dir || small.Rule.Truths[0].String() != large.Rule.Truths[0].String() {
				t.Error("the cells have different truths")
			}
			if large.Truth.Cost["denoise"] != 9*40 || large.Cost["denoise"] != 12*3*2 { // a method does not pay for its truth
				t.Errorf("cost of the cell %v, of its rule's run %v", large.Cost, large.Truth.Cost)
			}
			page, err := os.ReadFile(filepath.Join(res.Dir, "report.html"))
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{"by a rule: mean of the 2 most memorised of 6 training examples, by 40 unconditional samples", large.Rule.Truths[1].String(), "truth: sample"} {
				if !strings.Contains(string(page), text) {
					t.Errorf("the report does not say %q", text)
				}
			}

			// From the cache; then with nothing but the observation left; then with another seed.
			again := b.run(text)
			if !again.Cells[1].Cached[2] || len(again.Cells[1].Truth.Entries) != 3 {
				t.Errorf("second run: cached %v, the rule's run has %d stages", again.Cells[1].Cached, len(again.Cells[1].Truth.Entries))
			}
			if err := os.RemoveAll(b.stageOf(t, large.Truth, "sample")); err != nil {
				t.Fatal(err)
			}
			if again = b.run(text); len(again.Cells[1].Truth.Entries) != 2 || b.entries("sample") != 2 {
				t.Errorf("the observation is in the cache, and the rule was carried out again: %d samples", b.entries("sample"))
			}
			other := b.run(text, "seed=4")
			if other.Cells[0].Observe.Dir == small.Observe.Dir || other.Cells[0].Rule.Truths[0].String() == small.Rule.Truths[0].String() {
				t.Errorf("another seed takes the same: %v", other.Cells[0].Rule.Truths[0])
			}
			// The rule's prior from a checkpoint: the one that was trained, so the same samples under another key.
			pre := b.run(strings.Replace(text, "sampler = { steps", fmt.Sprintf("prior = { checkpoint = %q }, sampler = { steps", filepath.Join(b.stageOf(t, small, "train"), "checkpoint")), 1))
			if got := pre.Cells[1].Rule.Truths; got[0].String() != large.Rule.Truths[0].String() || pre.Cells[1].Observe.Dir == large.Observe.Dir || len(pre.Cells[1].Truth.Entries) != 2 {
				t.Errorf("with a checkpoint the rule takes %v in %d stages, want %v in 2", got, len(pre.Cells[1].Truth.Entries), large.Rule.Truths)
			}
			lock := b.runFile(t, filepath.Join(res.Dir, "lock.toml"))
			if lock.Cells[1].Observe.Dir != large.Observe.Dir || lock.Cells[1].Sample.Dir != large.Sample.Dir {
				t.Error("the lock repeats another run")
			}
		})
	}
}

func TestFarthest(t *testing.T) {
	b := newBench(t)
	text := ruled(`{ rule = "farthest", examples = 5, candidates = 600, data = { std = [2.0] } }`, sweepN)
	res := b.run(text)
	c := res.Cells[1]
	train := training(t, c)[:5] // nested
	truth := read(t, c.Observe.Path(run.TruthFile)).AppendReals(nil)
	_, d, nearest := brute(truth, train, 5, func(v float64) float64 { return v })
	got := c.Rule.Truths[0]
	if *got.Nearest != nearest || math.Abs(got.Distance-d) > 1e-12 || *got.Candidate < 0 || *got.Candidate >= 600 {
		t.Errorf("the rule took %v; the truth is at %g from example %d", got, d, nearest)
	}
	// The farthest of 600 draws of standard deviation 2 around the same mean lies far out: P(|z| < 3.2 std) of one draw is
	// 0.98 in 3-D, so that none of 600 lies beyond is 1e-5. And it is unlike an example made rougher: 2 (x - mean) + mean.
	out := 0.0
	for j, m := range []float64{0.5, -0.3, 1.0} {
		out += (truth[j] - m) * (truth[j] - m)
	}
	if math.Sqrt(out) < 2*3.2 {
		t.Errorf("the farthest candidate %v is %g from the mean", truth, math.Sqrt(out))
	}
	if n := *got.Candidate; n < 11 {
		same := true
		for j, m := range []float64{0.5, -0.3, 1.0} {
			same = same && math.Abs(2*(training(t, c)[n][j]-m)+m-truth[j]) < 1e-9
		}
		if same {
			t.Error("candidates have the noise of the training set")
		}
	}
	if got := [...]int{b.entries("data"), b.entries("train"), b.entries("observe")}; got != [...]int{3, 2, 1} {
		t.Errorf("data, train, observe are %v times in the cache, want 3, 2, 1", got)
	}
	// More candidates: the first ones are the same, so that the distance cannot fall.
	more := b.run(strings.Replace(text, "candidates = 600", "candidates = 1800", 1)).Cells[0].Rule.Truths[0]
	if more.Distance < got.Distance || more.Distance == got.Distance && *more.Candidate != *got.Candidate {
		t.Errorf("of 1800 candidates %v, of 600 %v", more, got)
	}
	// Another kind of generator altogether.
	kind := b.run(strings.Replace(text, "{ std = [2.0] }", `{ kind = "gaussian-mixture", means = [[9, 9, 9]], std = [1e-3] }`, 1))
	for _, v := range read(t, kind.Cells[0].Observe.Path(run.TruthFile)).AppendReals(nil) {
		if math.Abs(v-9) > 0.1 {
			t.Errorf("a candidate of the mixture at 9 is at %g", v)
		}
	}
}

// TestRuleRefuses: what only the run can know.
func TestRuleRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"too few are met", ruled(`{ rule = "mean-of-most-memorised", count = 5, examples = 6, chains = 2 }`, ""), "2 unconditional samples lie nearest to"},
		{"an adapter that does not fit", ruled(`{ rule = "farthest", examples = 5 }`, "[judge.memorisation]\nadapt = [{ kind = \"resample\", axis = \"z\", size = 3 }]"), "judge.memorisation.adapt"},
		{"more truths than candidates", strings.Replace(ruled(`{ rule = "farthest", examples = 5, candidates = 2 }`, ""), "noise_std", "count = 3\nnoise_std", 1), "2 candidates for 3 truths"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			if _, err := b.try(t.Context(), c.text); err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, contract.ErrInvalidOption) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
