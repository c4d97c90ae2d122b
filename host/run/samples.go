package run

import (
	"context"
	"math"
	"path/filepath"
	"sort"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
)

// record keeps the numbers of a step: of all steps, or of every so many that at most maxRecords are kept, an equal part of
// them for each of n stages of sampling.
func (st *chainState) record(numbers map[string][]float64, n, stages int) {
	steps := st.total - st.first
	every := (steps*stages + maxRecords - 1) / maxRecords
	if len(numbers) == 0 || every > 1 && (st.step-st.first)%every != 0 && st.step != st.total-1 && !st.done {
		return
	}
	if st.history == nil {
		st.history = map[string]*tensor.Tensor{}
	}
	for name, h := range st.history { // room for this stage
		if len(st.steps) == h.Shape[0] {
			more := blank(h.Shape[0]+min(steps, maxRecords+1), n)
			more.Slice(0, h.Shape[0]).CopyFrom(h)
			st.history[name] = more
		}
	}
	for name, v := range numbers {
		h := st.history[name]
		if h == nil {
			h = blank(len(st.steps)+min(steps, maxRecords+1), n)
			for _, other := range st.history {
				h = blank(other.Shape[0], n)
				break
			}
			st.history[name] = h
		}
		copy(h.Item(len(st.steps)).Float64s(), v)
	}
	st.steps = append(st.steps, st.step)
}

// blank returns a record of nothing.
func blank(rows, n int) *tensor.Tensor {
	h := tensor.New(tensor.Float64, rows, n)
	for i, f := 0, h.Float64s(); i < len(f); i++ {
		f[i] = math.NaN()
	}
	return h
}

// snapshot keeps x0 (latent where the sampler has none) of all chains at evenly spaced steps, the last among them; of several
// stages of sampling each has an equal part of count.
func (st *chainState) snapshot(count, stages int) {
	lo, hi := count*st.stage/stages, count*(st.stage+1)/stages
	taken := 0 // in this stage
	for _, s := range st.snapAt {
		if s >= st.first {
			taken++
		}
	}
	due := int(math.Ceil(float64((taken+1)*(st.total-st.first)) / float64(max(1, hi-lo))))
	if taken >= hi-lo || st.step+1-st.first < due && !st.done {
		return
	}
	t := st.state["x0"]
	if t == nil {
		t = st.state["latent"]
	}
	if st.snaps == nil {
		st.snaps = tensor.New(t.DType, append([]int{count}, t.Shape...)...)
	}
	st.snaps.Item(len(st.snapAt)).CopyFrom(t)
	st.snapAt = append(st.snapAt, st.step)
}

// writeSamples writes what the chains ended with into the stage's folder.
func (k *cellRun) writeSamples(ctx context.Context, dir string, st *chainState) error {
	n := k.chains()
	latent := st.state["latent"].Clone()
	model := k.solver.Configured.Model.New(n)
	gone := map[int]bool{}
	for _, d := range st.dropped {
		gone[d.Chain] = true
	}
	var alive []int
	for c := range n {
		if !gone[c] {
			alive = append(alive, c)
		}
	}
	const chunk = 256
	for lo := 0; lo < len(alive); lo += chunk {
		part := alive[lo:min(lo+chunk, len(alive))]
		z := gather(contract.State{"z": latent}, part)["z"]
		m := k.solver.Configured.Model.New(len(part))
		status, err := k.decode(ctx, z, m)
		if err != nil {
			return err
		}
		for i, c := range part {
			model.Item(c).CopyFrom(m.Item(i))
			st.drop(c, contract.StatusAt(status, i), st.step) // a final state that cannot be decoded is no sample
		}
	}
	for _, d := range st.dropped {
		for _, t := range []*tensor.Tensor{latent.Item(d.Chain), model.Item(d.Chain)} {
			t.SetReals(nan(t.Reals()))
		}
	}
	if err := k.diverged(st); err != nil {
		return err
	}
	if err := npy.Write(filepath.Join(dir, LatentFile), latent); err != nil {
		return err
	}
	if err := npy.Write(filepath.Join(dir, ModelFile), model); err != nil {
		return err
	}
	if k.c.Start != nil {
		start, err := k.startModels()
		if err != nil {
			return err
		}
		if err := npy.Write(filepath.Join(dir, StartFile), start); err != nil {
			return err
		}
	}
	h := History{Steps: st.steps, Total: st.total}
	for i, first := range st.began {
		if len(k.c.Stages) > 1 {
			h.Stages = append(h.Stages, HistoryStage{Label: k.c.Stages[i].Label, First: first})
		}
	}
	for name := range st.history {
		h.Names = append(h.Names, name)
	}
	sort.Strings(h.Names)
	for _, name := range h.Names {
		if err := npy.Write(filepath.Join(dir, HistoryArray(name)), st.history[name].Slice(0, len(st.steps))); err != nil {
			return err
		}
	}
	if st.snaps != nil {
		if err := npy.Write(filepath.Join(dir, SnapshotFile), st.snaps.Slice(0, len(st.snapAt))); err != nil {
			return err
		}
		at := tensor.New(tensor.Int64, len(st.snapAt))
		for i, s := range st.snapAt {
			at.Int64s()[i] = int64(s)
		}
		if err := npy.Write(filepath.Join(dir, SnapshotStepsFile), at); err != nil {
			return err
		}
	}
	if err := writeJSON(filepath.Join(dir, HistoryFile), h); err != nil {
		return err
	}
	if st.dropped == nil {
		st.dropped = []ChainStatus{}
	}
	return writeJSON(filepath.Join(dir, StatusFile), st.dropped)
}
