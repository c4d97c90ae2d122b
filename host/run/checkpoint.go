package run

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/hook"
	"github.com/waveprior/waveprior/core/safetensors"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/stage"
)

// checkpoint writes the chains' state by rename; cause, which may be nil, is what the caller stops for.
func (k *cellRun) checkpoint(w *stage.Work, st *chainState, cause error) error {
	tensors := map[string]*tensor.Tensor{}
	for name, t := range st.state {
		tensors["state/"+name] = t
	}
	for name, t := range st.history {
		tensors["history/"+name] = t
	}
	if st.snaps != nil {
		tensors["snapshots"] = st.snaps
	}
	meta := map[string]string{"step": strconv.Itoa(st.step), "total": strconv.Itoa(st.total)}
	for name, v := range map[string]any{"dropped": st.dropped, "history_steps": st.steps, "snapshot_steps": st.snapAt, "stage_steps": st.began} {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		meta[name] = string(b)
	}
	hook.At("host.checkpoint")
	err := safetensors.Write(filepath.Join(w.Dir(), checkpointFile), tensors, meta)
	if err == nil {
		w.Count(k.Session.Counts())
		err = w.Note()
	}
	if cause == nil {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w (and the checkpoint could not be written: %w)", cause, err)
	}
	return cause
}

// loadCheckpoint returns nil without an error where there is none.
func (k *cellRun) loadCheckpoint(path string, conf contract.Configured, n int) (*chainState, error) {
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return nil, nil
	}
	f, err := safetensors.Read(path)
	if err != nil {
		return nil, err
	}
	st := &chainState{state: contract.State{}, history: map[string]*tensor.Tensor{}}
	for _, t := range conf.State {
		x, err := f.Tensor("state/" + t.Name)
		if err != nil {
			return nil, err
		}
		if err := x.Check("checkpoint: "+t.Name, t.DType, append([]int{n}, t.Shape...)...); err != nil {
			return nil, err
		}
		st.state[t.Name] = x
	}
	for _, name := range f.Names() {
		if len(name) > 8 && name[:8] == "history/" {
			if st.history[name[8:]], err = f.Tensor(name); err != nil {
				return nil, err
			}
		}
		if name == "snapshots" {
			if st.snaps, err = f.Tensor(name); err != nil {
				return nil, err
			}
		}
	}
	num := func(key string) int {
		s, _ := f.Metadata(key)
		v, e := strconv.Atoi(s)
		if e != nil && err == nil {
			err = fmt.Errorf("checkpoint: %s = %q", key, s)
		}
		return v
	}
	st.step, st.total = num("step"), num("total")
	st.began = []int{0}
	if s, ok := f.Metadata("stage_steps"); ok { // else it is older than stages are
		if e := json.Unmarshal([]byte(s), &st.began); e != nil || len(st.began) == 0 {
			return nil, fmt.Errorf("checkpoint: stage_steps = %q", s)
		}
	}
	st.stage = len(st.began) - 1
	st.first = st.began[st.stage]
	for key, v := range map[string]any{"dropped": &st.dropped, "history_steps": &st.steps, "snapshot_steps": &st.snapAt} {
		s, _ := f.Metadata(key)
		if e := json.Unmarshal([]byte(s), v); e != nil && err == nil {
			err = fmt.Errorf("checkpoint: %s: %w", key, e)
		}
	}
	if err != nil {
		return nil, err
	}
	return st, nil
}

// checkpointStage is the stage of sampling that a checkpoint is of, 0 where it cannot be told.
func (k *cellRun) checkpointStage(path string) int {
	f, err := safetensors.Read(path)
	if err != nil {
		return 0
	}
	s, _ := f.Metadata("stage_steps")
	var began []int
	if json.Unmarshal([]byte(s), &began) != nil || len(began) == 0 || len(began) > len(k.c.SamplerStages()) {
		return 0
	}
	return len(began) - 1
}
