package run

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/hook"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/session"
	"github.com/waveprior/waveprior/host/stage"
)

// Files of the sample stage. Chains are in order; chain c is conditioned on observation c / chains.
const (
	LatentFile        = "latent.npy"         // (chains, latent...) final state
	ModelFile         = "model.npy"          // (chains, model...) decoded, in the solver's model space; NaN where a chain was dropped
	StatusFile        = "status.json"        // of every chain that is not OK
	HistoryFile       = "history.json"       // names of the recorded numbers and the steps they were recorded at
	SnapshotFile      = "snapshots_x0.npy"   // (snapshots, chains, latent...) x0 along the way, or latent where there is no x0
	SnapshotStepsFile = "snapshot_steps.npy" // (snapshots)
)

// HistoryArray is the file of one recorded number: (records, chains) float64.
func HistoryArray(name string) string { return "history_" + name + ".npy" }

// History says what was recorded along the way.
type History struct {
	Names []string `json:"names"`
	Steps []int    `json:"steps"`
	Total int      `json:"total"`
}

// maxRecords bounds the history, so that memory stays flat over any number of steps.
const maxRecords = 512

// ChainStatus is one chain that did not end well.
type ChainStatus struct {
	Chain int    `json:"chain"`
	Code  string `json:"code"`
	Text  string `json:"text"`
	Step  int    `json:"step"`
}

// chainState is everything that a checkpoint holds.
type chainState struct {
	step    int
	total   int
	done    bool
	state   contract.State // (chains, ...)
	dropped []ChainStatus  // in order of chain
	history map[string]*tensor.Tensor
	steps   []int // at which history was recorded
	snaps   *tensor.Tensor
	snapAt  []int
}

const checkpointFile = "checkpoint.safetensors"

// samplePlan returns the key of the sample stage and what it is made of.
func (k *cellRun) samplePlan() (key string, in map[string]any, err error) {
	p := k.c.Sampler
	in = map[string]any{
		"sampler": k.identity(p, p.Numbers("train", "observe", "judge", "report")), "prior": k.priorInputs(),
		"chains": k.c.Chains.Chains, "on_divergence": k.c.Chains.OnDivergence, "snapshots": k.c.Chains.Snapshots,
		"observe": k.observeKey, "solver": k.identity(&k.c.Solver, k.c.Solver.Numbers("train", "observe", "judge", "report")), "seed": k.c.Seed, "host": hostNumerics,
	}
	key, err = stage.Key("sample", in)
	return key, in, err
}

func (k *cellRun) sample(ctx context.Context) error {
	if k.c.Sampler == nil {
		return nil
	}
	p := k.c.Sampler
	key, in, err := k.samplePlan()
	if err != nil {
		return err
	}
	k.sampleKey = key
	k.out.Sample, err = k.stage(ctx, "sample", key, in, []*experiment.Plugin{k.c.Prior, &k.c.Solver, p}, []string{checkpointFile}, func(w *stage.Work) error {
		return k.drawSamples(ctx, w)
	})
	if err != nil {
		return err
	}
	bad, err := ReadStatus(k.out.Sample)
	if err != nil {
		return err
	}
	if len(bad) > 0 {
		k.out.Notes = append(k.out.Notes, fmt.Sprintf("%d of %d chains were dropped; the first: chain %d, %s at step %d: %s", len(bad), k.chains(), bad[0].Chain, bad[0].Code, bad[0].Step, bad[0].Text))
	}
	return nil
}

// ReadStatus returns the chains that did not end well.
func ReadStatus(e *stage.Entry) ([]ChainStatus, error) {
	b, err := os.ReadFile(e.Path(StatusFile))
	if err != nil {
		return nil, err
	}
	var s []ChainStatus
	return s, json.Unmarshal(b, &s)
}

// chains is the number of chains over all observations.
func (k *cellRun) chains() int {
	if k.c.Observation != nil {
		return k.c.Chains.Chains * k.c.Observation.Count
	}
	return k.c.Chains.Chains
}

// which returns the chains lo..hi-1 as the sampler is told of them.
func (k *cellRun) which(ids []int) contract.Chains {
	c := contract.Chains{ID: ids}
	if k.observed != nil {
		for _, id := range ids {
			o := id / k.c.Chains.Chains
			c.Observation = append(c.Observation, o)
			c.NoiseStd = append(c.NoiseStd, k.observed.noiseStd[o])
		}
	}
	return c
}

// sampler starts and configures the sampler with its services.
func (k *cellRun) sampler(ctx context.Context) (*session.Sampler, contract.Configured, error) {
	p := k.c.Sampler
	s, err := k.Session.Sampler(ctx, p.Ref)
	if err != nil {
		return nil, contract.Configured{}, err
	}
	cfg := contract.Config{Options: p.OptionsJSON(), Seed: k.c.Seed, Device: device(p), Threads: p.Threads, Prior: k.prior,
		Solvers: map[string]*contract.SolverService{"physics": k.physics.Service()}}
	conf, err := s.Configure(ctx, cfg)
	if err != nil {
		return nil, conf, err
	}
	found := false
	for _, t := range conf.State {
		found = found || t.Name == "latent"
	}
	if !found {
		return nil, conf, fmt.Errorf("sampler %s: its state has no tensor \"latent\": %w", p.Ref.Name, contract.ErrInternal)
	}
	return s, conf, nil
}

// drawSamples runs the chains, from a checkpoint if one lies there, and writes what they end with.
func (k *cellRun) drawSamples(ctx context.Context, w *stage.Work) error {
	s, conf, err := k.sampler(ctx)
	if err != nil {
		return err
	}
	n := k.chains()
	groups := k.groups(n)
	st, err := k.loadCheckpoint(filepath.Join(w.Dir(), checkpointFile), conf, n)
	if err != nil {
		k.Progress.Logf("%s: the checkpoint cannot be used (%v): the chains start again", k.title("sample"), err)
	}
	var release []func()
	defer func() {
		for _, f := range release {
			f()
		}
	}()
	alloc := func(n int) (contract.State, error) {
		state := contract.State{}
		for _, t := range conf.State {
			x, free, err := k.Session.Alloc(t.DType, append([]int{n}, t.Shape...)...)
			if err != nil {
				return nil, err
			}
			x.Zero()
			release = append(release, free)
			state[t.Name] = x
		}
		return state, nil
	}
	now, err := alloc(n)
	if err != nil {
		return err
	}
	next, err := alloc(n)
	if err != nil {
		return err
	}
	task := k.Progress.Start(k.title("sample"), "steps", 0, 0)
	defer task.Stop()
	if st == nil {
		st = &chainState{state: now}
		hook.At("host.sample.start")
		for _, g := range groups {
			total, status, err := s.Start(ctx, k.which(ids(g[0], g[1])), now.Slice(g[0], g[1]))
			if err != nil {
				return err
			}
			st.total = total
			for i := range status {
				st.drop(g[0]+i, status[i], -1)
			}
		}
		if err := k.diverged(st); err != nil {
			return err
		}
	} else {
		for name, t := range st.state {
			now[name].CopyFrom(t)
		}
		st.state = now
	}
	saved := time.Now()
	first := st.step
	task.Update(st.step, st.total, "")
	for st.step < st.total && !st.done {
		if err := ctx.Err(); err != nil {
			return k.checkpoint(w, st, err)
		}
		hook.At("host.sample")
		numbers, err := k.step(ctx, s, st, next, groups)
		if err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return k.checkpoint(w, st, err)
		}
		st.state, next = next, st.state
		st.record(numbers, n)
		st.snapshot(k.c.Chains.Snapshots)
		st.step++
		if err := k.diverged(st); err != nil {
			return k.checkpoint(w, st, err)
		}
		task.Update(st.step, st.total, note(numbers, st))
		if every := k.Experiment.Run.CheckpointS; time.Since(saved).Seconds() >= every && st.step < st.total && !st.done {
			if err := k.checkpoint(w, st, nil); err != nil {
				return err
			}
			saved = time.Now()
		}
	}
	hook.At("host.sample.end")
	if err := k.writeSamples(ctx, w.Dir(), st); err != nil {
		return err
	}
	task.Done(fmt.Sprintf("%d chains, %d steps", n, st.step-first))
	return nil
}

func ids(lo, hi int) []int {
	v := make([]int, hi-lo)
	for i := range v {
		v[i] = lo + i
	}
	return v
}

// groups splits n chains as the experiment asks: [lo, hi) each.
func (k *cellRun) groups(n int) [][2]int {
	size := k.c.Chains.Group
	if size == 0 {
		size = n
	}
	var g [][2]int
	for lo := 0; lo < n; lo += size {
		g = append(g, [2]int{lo, min(lo+size, n)})
	}
	return g
}

// step takes all chains that are not dropped one step on. Numbers are per chain, NaN for a dropped one.
func (k *cellRun) step(ctx context.Context, s contract.Sampler, st *chainState, next contract.State, groups [][2]int) (map[string][]float64, error) {
	n := k.chains()
	numbers := map[string][]float64{}
	gone := map[int]bool{}
	for _, d := range st.dropped {
		gone[d.Chain] = true
	}
	done := true
	for _, g := range groups {
		var alive []int
		for c := g[0]; c < g[1]; c++ {
			if !gone[c] {
				alive = append(alive, c)
			}
		}
		if len(alive) < g[1]-g[0] { // a dropped chain keeps its last state
			for name, t := range st.state {
				next[name].Slice(g[0], g[1]).CopyFrom(t.Slice(g[0], g[1]))
			}
		}
		if len(alive) == 0 {
			continue
		}
		in, out := st.state.Slice(g[0], g[1]), next.Slice(g[0], g[1])
		if len(alive) < g[1]-g[0] {
			in, out = gather(st.state, alive), gather(next, alive)
		}
		r, err := s.Step(ctx, st.step, k.which(alive), in, out)
		if err != nil {
			return nil, err
		}
		if len(alive) < g[1]-g[0] {
			for name, t := range out {
				for i, c := range alive {
					next[name].Item(c).CopyFrom(t.Item(i))
				}
			}
		}
		for name, v := range r.Numbers {
			if len(v) != len(alive) {
				return nil, fmt.Errorf("sampler %s: step %d reports %d values of %q for %d chains: %w", k.c.Sampler.Ref.Name, st.step, len(v), name, len(alive), contract.ErrInternal)
			}
			if numbers[name] == nil {
				numbers[name] = nan(n)
			}
			for i, c := range alive {
				numbers[name][c] = v[i]
			}
		}
		for i := range r.Status {
			st.drop(alive[i], r.Status[i], st.step)
		}
		done = done && r.Done
	}
	st.done = done
	return numbers, nil
}

// gather copies some chains.
func gather(s contract.State, chains []int) contract.State {
	out := contract.State{}
	for name, t := range s {
		c := tensor.New(t.DType, append([]int{len(chains)}, t.Shape[1:]...)...)
		for i, j := range chains {
			c.Item(i).CopyFrom(t.Item(j))
		}
		out[name] = c
	}
	return out
}

func (st *chainState) drop(chain int, s contract.Status, step int) {
	if s.Code == contract.OK {
		return
	}
	i := sort.Search(len(st.dropped), func(i int) bool { return st.dropped[i].Chain >= chain })
	if i < len(st.dropped) && st.dropped[i].Chain == chain {
		return
	}
	st.dropped = append(st.dropped, ChainStatus{})
	copy(st.dropped[i+1:], st.dropped[i:])
	st.dropped[i] = ChainStatus{Chain: chain, Code: s.Code.String(), Text: s.Text, Step: step}
}

// diverged decides, by the experiment's on_divergence, whether dropped chains end the run.
func (k *cellRun) diverged(st *chainState) error {
	n := k.chains()
	if len(st.dropped) == 0 || k.c.Chains.OnDivergence == "drop" && len(st.dropped) < n {
		return nil
	}
	d := st.dropped[0]
	what := "on_divergence = \"stop\""
	if len(st.dropped) == n {
		what = "no chain is left"
	}
	return fmt.Errorf("%d of %d chains failed (%s); the first: chain %d, %s at step %d: %s", len(st.dropped), n, what, d.Chain, d.Code, d.Step, d.Text)
}

func note(numbers map[string][]float64, st *chainState) string {
	text := ""
	if m := numbers["misfit"]; len(m) > 0 {
		v := make([]float64, 0, len(m))
		for _, x := range m {
			if !math.IsNaN(x) {
				v = append(v, x)
			}
		}
		sort.Float64s(v)
		if len(v) > 0 {
			text = fmt.Sprintf("median misfit %.4g", v[len(v)/2])
		}
	}
	if len(st.dropped) > 0 {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%d chains dropped", len(st.dropped))
	}
	return text
}
