package run

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/hook"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/stage"
)

// Folders of the data stage.
const (
	TrainingSet = "training"
	HeldOutSet  = "held-out"
)

// makeData writes the training set and the held-out set into the stage's folder.
func (k *cellRun) makeData(ctx context.Context, w *stage.Work) error {
	gen, err := dataset.NewGenerator(k.c.Data.Kind, k.c.Generator, k.c.Seed, k.solver.Configured.Model)
	if err != nil {
		return fmt.Errorf("prior.data: %w: %w", err, contract.ErrInvalidOption)
	}
	for _, set := range []struct {
		name    string
		count   int
		heldOut bool
	}{{TrainingSet, gen.Examples(), false}, {HeldOutSet, k.c.Data.HeldOut, true}} {
		path := filepath.Join(w.Dir(), set.name)
		if set.count == 0 {
			continue
		}
		if _, err := os.Stat(filepath.Join(path, dataset.ManifestName)); err == nil {
			continue // made by an earlier session
		}
		origin, err := json.Marshal(map[string]any{"kind": k.c.Data.Kind, "options": k.c.Generator, "held_out": set.heldOut, "seed": k.c.Seed})
		if err != nil {
			return err
		}
		task := k.Progress.Start(k.title("data: "+set.name), "examples", 0, set.count)
		dw, err := dataset.Create(path, dataset.Plan{Space: gen.Space(), Count: set.count, Origin: origin})
		if err != nil {
			task.Stop()
			return err
		}
		hook.At("host.data")
		if err := dw.Fill(ctx, gen, set.heldOut); err != nil {
			task.Stop()
			return err
		}
		if err := dw.Commit(); err != nil {
			task.Stop()
			return err
		}
		task.Done(fmt.Sprintf("%d examples", set.count))
	}
	return nil
}

// generatorSums returns the hash of every file that a training set is read from, nil where it is drawn.
func generatorSums(kind string, options json.RawMessage) ([]string, error) {
	paths, err := dataset.Files(kind, options)
	if err != nil {
		return nil, err
	}
	var sums []string
	for _, p := range paths {
		sum, err := experiment.FileSum(p)
		if err != nil {
			return nil, err
		}
		sums = append(sums, sum)
	}
	return sums, nil
}
