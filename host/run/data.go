package run

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/hook"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/stage"
)

// Folders of the data stage.
const (
	TrainingSet = "training"
	HeldOutSet  = "held-out"
)

// setSpace is the space of the items of the training set and the held-out set: what the prior decodes to where that has the
// axes of the solver's model, so that solvers which differ in the quantity or the bounds of their model share one trained
// prior. The solver's model stands for it where nothing is trained here, where the prior has other axes (it adapts the items
// itself), and where adapters of the experiment's own lie between the two.
func (k *cellRun) setSpace(ctx context.Context) (*space.Space, error) {
	model := k.solver.Configured.Model
	prior, conf, err := k.untrained(ctx)
	if prior == nil || err != nil {
		return model, err
	}
	if conf.Model == nil || len(k.c.ModelAdapt) > 0 || !reflect.DeepEqual(conf.Model.Axes, model.Axes) {
		return model, nil
	}
	return conf.Model, nil
}

// items returns the first n items of a set of a data stage as models of the solver: (n, model...).
func (k *cellRun) items(e *stage.Entry, set string, n int) (*tensor.Tensor, error) {
	d, err := dataset.Open(filepath.Join(e.Path(set), dataset.ManifestName))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if d.Len() < n {
		return nil, fmt.Errorf("%d examples are wanted, the %s set has %d: %w", n, set, d.Len(), contract.ErrInvalidOption)
	}
	s := d.Space()
	items := s.New(n)
	for i := range n {
		items.Item(i).CopyFrom(d.Item(i))
	}
	return carry(items, s, *k.solver.Configured.Model)
}

// dataPlan makes the keys of the training set and of the data stage, and returns what the latter is made of.
func (k *cellRun) dataPlan(ctx context.Context) (in map[string]any, err error) {
	if k.set == nil { // asked once: the prior is configured for it
		if k.set, err = k.setSpace(ctx); err != nil {
			return nil, err
		}
	}
	in = map[string]any{"kind": k.c.Data.Kind, "generator": k.c.Generator, "space": k.set, "seed": k.c.Seed, "host": hostNumerics}
	if sums, err := generatorSums(k.c.Data.Kind, k.c.Generator); err != nil {
		return nil, fmt.Errorf("prior.data: %w: %w", err, contract.ErrInvalidOption)
	} else if sums != nil {
		in["files"] = sums
	}
	if k.setKey, err = stage.Key("data", in); err != nil {
		return nil, err
	}
	in["held_out"] = k.c.Data.HeldOut
	k.dataKey, err = stage.Key("data", in)
	return in, err
}

// data makes the training set and the held-out set.
func (k *cellRun) data(ctx context.Context) error {
	if k.c.Data == nil {
		return nil
	}
	in, err := k.dataPlan(ctx)
	if err != nil {
		return err
	}
	k.out.Data, err = k.stage(ctx, "data", k.dataKey, in, nil, nil, func(w *stage.Work) error {
		return k.makeData(ctx, w)
	})
	return err
}

// makeData writes the training set and the held-out set into the stage's folder.
func (k *cellRun) makeData(ctx context.Context, w *stage.Work) error {
	gen, err := dataset.NewGenerator(k.c.Data.Kind, k.c.Generator, k.c.Seed, k.set)
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
