package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/hook"
	"github.com/waveprior/waveprior/host/session"
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
		return fmt.Errorf("prior.data: %w", err)
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

// trainPrior trains into the stage's folder, where checkpoints of an earlier session may lie.
func (k *cellRun) trainPrior(ctx context.Context, w *stage.Work, prior *session.Prior) error {
	if k.out.Data == nil {
		return fmt.Errorf("prior %s is trained, and there is no [prior.data]: %w", k.c.Prior.Ref.Name, contract.ErrInvalidOption)
	}
	folder := filepath.Join(w.Dir(), checkpointFolder)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	task := k.Progress.Start(k.title("train"), "steps", 0, 0)
	defer task.Stop()
	hook.At("host.train")
	req := contract.TrainRequest{Dataset: filepath.Join(k.out.Data.Path(TrainingSet), dataset.ManifestName), Folder: folder}
	if held := filepath.Join(k.out.Data.Path(HeldOutSet), dataset.ManifestName); k.c.Data.HeldOut > 0 {
		req.HeldOut = held
	}
	err := prior.Train(ctx, req, func(p contract.TrainProgress) error {
		task.Update(p.Step, p.Steps, losses(p.Losses))
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	names, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return errors.New("training ended without a checkpoint in its folder")
	}
	task.Done("")
	return nil
}

func losses(m map[string]float64) string {
	var parts []string
	for name, v := range m {
		parts = append(parts, fmt.Sprintf("%s %.4g", name, v))
	}
	sort.Strings(parts)
	return strings.Join(parts, ", ")
}
