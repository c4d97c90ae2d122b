package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/hook"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/stage"
)

// Files of the observe stage.
const (
	TruthFile    = "truth.npy"     // (count, model...) in the solver's model space; absent when only data were given
	CleanFile    = "data_true.npy" // (count, data...) before noise
	DataFile     = "data.npy"      // (count, data...)
	NoiseStdFile = "noise_std.npy" // (count)
)

// observations are what the chains are conditioned on.
type observations struct {
	data     *tensor.Tensor // (count, data...)
	noiseStd []float64
}

// observe makes the observations, or takes them from the cache, and hands them to the problem.
func (k *cellRun) observe(ctx context.Context) error {
	o := k.c.Observation
	if o == nil {
		return nil
	}
	in := map[string]any{"truth": o.Truth, "count": o.Count, "noise": o.Noise, "noise_std": o.NoiseStd, "add_noise": o.AddNoise, "seed": k.c.Seed, "model": o.Model, "data": o.Data, "adapt": k.c.DataAdapt, "host": hostNumerics,
		"spaces": []*space.Space{k.solver.Configured.Model, withoutDepths(k.physics.Data())}}
	maker := &k.c.Solver
	if k.c.ObsSolver != nil {
		maker = k.c.ObsSolver
	}
	if o.Truth != "data" {
		in["solver"] = k.identity(maker, maker.Numbers("train", "sample", "judge", "report"))
	}
	if len(o.Index) > 0 {
		in["index"] = o.Index
	}
	switch o.Truth {
	case "held-out", "training":
		in["set"] = k.setKey
	case "data":
		if o.File != nil {
			in["file"] = o.DataSum
		}
	case experiment.RuleDrawn:
		in["drawn"] = o.Drawn
	case "prior":
		in["prior"] = k.priorInputs()
	case "file":
		sum, err := experiment.FileSum(*o.File)
		if err != nil {
			return fmt.Errorf("observation.file: %w", err)
		}
		in["file"] = sum
	}
	if k.truth != nil {
		in["rule"] = k.ruleInputs()
	}
	key, err := stage.Key("observe", in)
	if err != nil {
		return err
	}
	k.observeKey = key
	if err := k.prepareTruth(ctx); err != nil {
		return err
	}
	plugins := []*experiment.Plugin{maker}
	if o.Truth == "prior" {
		plugins = append(plugins, k.c.Prior)
	}
	k.out.Observe, err = k.stage(ctx, "observe", key, in, plugins, nil, func(w *stage.Work) error {
		task := k.Progress.Start(k.title("observe"), "observations", 0, o.Count)
		defer task.Stop()
		hook.At("host.observe")
		if err := k.makeObservations(ctx, w.Dir()); err != nil {
			return err
		}
		task.Done(fmt.Sprintf("%d", o.Count))
		return nil
	})
	if err != nil {
		return err
	}
	if k.out.Rule, err = ReadTruthRule(k.out.Observe); err != nil {
		return err
	}
	d, err := npy.Read(k.out.Observe.Path(DataFile))
	if err != nil {
		return err
	}
	tau, err := npy.Read(k.out.Observe.Path(NoiseStdFile))
	if err != nil {
		return err
	}
	k.observed = &observations{data: d, noiseStd: tau.Float64s()}
	if desc := k.physics.Describe(); !desc.Has(contract.CapMisfit) {
		return nil
	}
	return k.physics.Observe(ctx, d, k.observed.noiseStd)
}

// withoutDepths is what the key of observe holds of the space of the data: no number of that stage depends on where points lie but
// through the options of the solver, which the key has where one is asked.
func withoutDepths(s *space.Space) *space.Space {
	out := *s
	out.Axes = slices.Clone(s.Axes)
	for i := range out.Axes {
		out.Axes[i].Depths = nil
	}
	return &out
}

// folderSum is the hash of the names and contents of all files in a folder, in order.
func folderSum(dir string) (string, error) {
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		sum, err := experiment.FileSum(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		fmt.Fprintf(h, "%q %s\n", name, sum)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

// makeObservations writes truths, clean data, noisy data and noise levels.
func (k *cellRun) makeObservations(ctx context.Context, dir string) error {
	o := k.c.Observation
	data := k.physics.Data()
	var clean *tensor.Tensor
	if o.Truth == "data" {
		var err error
		if clean, err = k.givenData(); err == nil {
			err = unchanged(o) // since its content became part of the key, before the training
		}
		if err != nil {
			return err
		}
	} else {
		truth, err := k.truths(ctx, dir)
		if err != nil {
			return err
		}
		if err := npy.Write(filepath.Join(dir, TruthFile), truth); err != nil {
			return err
		}
		solver := k.solver
		if k.c.ObsSolver != nil {
			if solver, err = k.observationSolver(ctx); err != nil {
				return err
			}
			if truth, err = carry(truth, *k.solver.Configured.Model, *solver.Configured.Model); err != nil {
				return fmt.Errorf("observation.solver: %w", err)
			}
		}
		raw := solver.Configured.Data.New(o.Count)
		st, err := solver.Solver.Forward(ctx, truth, raw)
		if err != nil {
			return err
		}
		for i := range o.Count {
			if s := contract.StatusAt(st, i); s.Code != contract.OK {
				return fmt.Errorf("observation: truth %d cannot be observed: %v: %w", i, s, contract.ErrInvalidOption)
			}
		}
		if k.c.ObsSolver != nil {
			if raw, err = carry(raw, *solver.Configured.Data, *k.solver.Configured.Data); err != nil {
				return fmt.Errorf("observation.solver: its data do not fit the solver's: %w", err)
			}
			// The two may be the same plugin, configured for the data just now: back to the experiment's own.
			if err := k.configureSolver(ctx); err != nil {
				return err
			}
		}
		clean = raw
		if k.adapted != nil {
			clean = data.New(o.Count)
			bad, err := k.adapted.Apply(raw, clean)
			if err == nil {
				err = errors.Join(bad...)
			}
			if err != nil {
				return fmt.Errorf("observation.adapt: %w", err)
			}
		}
	}
	if err := npy.Write(filepath.Join(dir, CleanFile), clean); err != nil {
		return err
	}
	tau := tensor.New(tensor.Float64, o.Count)
	noisy := clean.Clone()
	stream := rng.New(k.c.Seed, "observation/noise")
	for i := range o.Count {
		d := clean.Item(i).AppendReals(nil)
		level := noiseLevel(o, d, clean.DType.IsComplex())
		if !(level > 0) || math.IsInf(level, 0) {
			return fmt.Errorf("observation %d: noise level %g: max |d| is %g", i, level, maxAbs(d, clean.DType.IsComplex()))
		}
		tau.Float64s()[i] = level
		if !o.AddNoise {
			continue
		}
		n := make([]float64, len(d))
		stream.At(0, uint32(i), 0).Normals(n)
		for j := range d {
			d[j] += float64(level * n[j])
		}
		noisy.Item(i).SetReals(d)
	}
	if err := npy.Write(filepath.Join(dir, NoiseStdFile), tau); err != nil {
		return err
	}
	return npy.Write(filepath.Join(dir, DataFile), noisy)
}

// noiseLevel is tau of each real number: noise is sqrt(E|n|^2) relative to max |d|, and complex noise has
// E|n|^2 = 2 tau^2.
func noiseLevel(o *experiment.Observation, reals []float64, isComplex bool) float64 {
	if o.NoiseStd != nil {
		return *o.NoiseStd
	}
	tau := *o.Noise * maxAbs(reals, isComplex)
	if isComplex {
		tau /= math.Sqrt2
	}
	return tau
}

func maxAbs(reals []float64, isComplex bool) float64 {
	m := 0.0
	if isComplex {
		for i := 0; i+1 < len(reals); i += 2 {
			m = max(m, math.Hypot(reals[i], reals[i+1]))
		}
		return m
	}
	for _, v := range reals {
		m = max(m, math.Abs(v))
	}
	return m
}

func (k *cellRun) observationSolver(ctx context.Context) (*contract.SolverService, error) {
	return k.solverService(ctx, k.c.ObsSolver)
}

// carry takes a batch from one space to another.
func carry(t *tensor.Tensor, from, to space.Space) (*tensor.Tensor, error) {
	a, err := space.Between(from, to)
	if err != nil {
		return nil, err
	}
	out := to.New(t.Batch())
	bad, err := a.Apply(t, out)
	if err != nil {
		return nil, err
	}
	return out, errors.Join(bad...)
}

// truths returns the true models (count, model...) in the solver's model space; dir is where a rule writes what it took.
func (k *cellRun) truths(ctx context.Context, dir string) (*tensor.Tensor, error) {
	o := k.c.Observation
	model := k.solver.Configured.Model
	out := model.New(o.Count)
	switch o.Truth {
	case "model":
		return k.modelRows()
	case "file":
		return fromFile(o, model, "models")
	case "held-out", "training":
		name := HeldOutSet
		if o.Truth == "training" {
			name = TrainingSet
		}
		items, err := k.items(k.out.Data, name, o.Count)
		if err != nil {
			return nil, fmt.Errorf("observation.count: %w", err)
		}
		return items, nil
	case "prior":
		z, err := k.priorDraws(ctx, o.Count)
		if err != nil {
			return nil, err
		}
		st, err := k.decode(ctx, z, out)
		if err != nil {
			return nil, err
		}
		for i, s := range st {
			if s.Code != contract.OK {
				return nil, fmt.Errorf("observation: draw %d of the prior cannot be decoded: %v", i, s)
			}
		}
	case experiment.RuleDrawn:
		gen, err := dataset.NewGenerator(o.Drawn.Kind, o.Drawn.Options, k.c.Seed, model)
		if err == nil {
			err = gen.Fill(0, out, false)
		}
		if err != nil {
			return nil, fmt.Errorf("observation.truth.data: %w: %w", err, contract.ErrInvalidOption)
		}
	case experiment.RuleMostMemorised, experiment.RuleFarthest:
		return out, k.ruleTruths(dir, out)
	default:
		return nil, fmt.Errorf("observation.truth = %q", o.Truth)
	}
	return out, nil
}

// modelFile reads models (n, model...) of the solver's space, or one without the batch; key is what names the file.
func (k *cellRun) modelFile(key, path string) (*tensor.Tensor, error) {
	t, _, err := ReadItems(path, k.solver.Configured.Model)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", key, err, contract.ErrInvalidOption)
	}
	return t, nil
}

// priorDraws returns exact draws of a prior that is a Gaussian mixture, in its latent space.
func (k *cellRun) priorDraws(ctx context.Context, n int) (*tensor.Tensor, error) {
	m, err := k.prior.Prior.Mixture(ctx)
	if err != nil {
		return nil, err
	}
	mix, err := m.Closed()
	if err != nil {
		return nil, err
	}
	z := k.latent().New(n)
	stream := rng.New(k.c.Seed, "truth/prior")
	row := make([]float64, mix.Dim)
	for i := range n {
		u := stream.At(0, uint32(i), 0).Uniform(0)
		mix.Draw(row, u, stream.At(0, uint32(i), 1).Normals)
		z.Item(i).SetReals(row)
	}
	return z, nil
}

// decode takes latents to the solver's model space. An item that fails is NaN in out, and its status says why.
func (k *cellRun) decode(ctx context.Context, z, out *tensor.Tensor) ([]contract.Status, error) {
	if k.prior == nil {
		out.CopyFrom(z)
		return nil, nil
	}
	m := k.prior.Configured.Model.New(z.Batch())
	st, err := k.prior.Prior.Decode(ctx, z, m, nil)
	if err != nil {
		return nil, err
	}
	bad, err := k.model.Apply(m, out)
	if err != nil {
		return nil, err
	}
	var status []contract.Status
	for i := range z.Batch() {
		s := contract.StatusAt(st, i)
		if s.Code == contract.OK && bad != nil && bad[i] != nil {
			s = contract.Status{Code: contract.OutOfBounds, Text: bad[i].Error()}
		}
		if s.Code != contract.OK {
			out.Item(i).SetReals(nan(out.Item(i).Reals()))
			status = contract.SetStatus(status, z.Batch(), i, s)
		}
	}
	return status, nil
}

func nan(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = math.NaN()
	}
	return v
}
