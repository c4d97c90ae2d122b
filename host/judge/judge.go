// Package judge turns samples into numbers: fidelity, data fit, calibration, memorisation, and distances from exact
// references. Every number has a flat key, documented in Docs (docs/metrics.md is made from it), and stands in the
// stage's metrics.json; arrays that figures need stand beside it as .npy.
package judge

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/waveprior/waveprior/core/commit"
	"github.com/waveprior/waveprior/core/compose"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/metric"
	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/stage"
)

// Numerics is part of the judge stage's key: it changes when a metric's value changes.
const Numerics = "6"

// Input is what there is to judge.
type Input struct {
	Cell    *experiment.Cell
	Solver  *contract.SolverService
	Prior   *contract.PriorService // nil: none
	Physics *compose.Problem       // latent to data; its observations are set
	Adapted *space.Adapter         // from the solver's data to the observed ones; nil: they are the same
	Seed    uint64
	Dir     string // where metrics.json and the arrays go
	Log     func(format string, args ...any)

	Data, Observe, Sample *stage.Entry // nil: no such stage
	TrainingSet           string       // folder names within Data
	HeldOutSet            string
	Set                   *space.Space // of the items of both; nil: the solver's model
}

// MetricsFile is the judge stage's file of numbers, name to value.
const MetricsFile = "metrics.json"

// judging is the work of one call: everything as float64, row-major.
type judging struct {
	Input
	m map[string]float64

	per     int       // chains per observation
	chains  int       // all chains
	alive   []int     // chains that ended well
	latents []float64 // (chains, d)
	d       int
	models  []float64 // (chains, cells)
	cells   int

	obs    int       // observations, 0: unconditional
	data   []float64 // (obs, nd)
	nd     int
	tau    []float64 // (obs)
	truth  []float64 // (obs, cells), nil: none
	phi    []float64 // (chains) misfit of the final samples, nil: unconditional
	start  []float64 // (obs, cells) where chains started by [sampler.start], nil: elsewhere
	train  []float64 // (N, cells), nil: none
	held   []float64 // (n, cells), nil: none
	mix    *mixture.Mixture
	view   *view // nil: models are no fields
	closer []func()

	startData []float64 // (nd) of the first observation's start, nil: none
}

// Run computes all metrics and writes them into in.Dir.
func Run(ctx context.Context, in Input) error {
	j := &judging{Input: in, m: map[string]float64{}}
	defer func() {
		for _, f := range j.closer {
			f()
		}
	}()
	if err := j.load(ctx); err != nil {
		return err
	}
	blocks := []func(context.Context) error{j.dataBlock, j.fidelity, j.calibration, j.memorisation, j.denoiser, j.exact, j.effectiveComponents}
	for _, b := range blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := b(ctx); err != nil {
			return err
		}
	}
	if err := j.describeField(); err != nil {
		return err
	}
	for k, v := range j.m {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			delete(j.m, k)
			j.logf("judge: %s is %g: left out", k, v)
		}
	}
	return commit.WriteFile(filepath.Join(in.Dir, MetricsFile), func(w io.Writer) error {
		b, err := json.MarshalIndent(j.m, "", "  ") // keys come out sorted
		if err != nil {
			return err
		}
		_, err = w.Write(append(b, '\n'))
		return err
	})
}

// ReadMetrics returns the metrics of a judged cell.
func ReadMetrics(e *stage.Entry) (map[string]float64, error) {
	b, err := os.ReadFile(e.Path(MetricsFile))
	if err != nil {
		return nil, err
	}
	m := map[string]float64{}
	return m, json.Unmarshal(b, &m)
}

func quantile(x []float64, q float64) float64 { return metric.Quantile(x, q) }

// reals reads an .npy file as a matrix of real numbers, one row per item.
func reals(path string) (v []float64, rows int, err error) {
	t, err := npy.Read(path)
	if err != nil {
		return nil, 0, err
	}
	return t.AppendReals(nil), t.Batch(), nil
}

func (j *judging) set(name string) ([]float64, error) {
	if j.Data == nil {
		return nil, nil
	}
	path := filepath.Join(j.Data.Path(name), dataset.ManifestName)
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return nil, nil
	}
	d, err := dataset.Open(path)
	if err != nil {
		return nil, err
	}
	j.closer = append(j.closer, func() { d.Close() })
	m, _ := d.Matrix()
	if j.Set == nil {
		return m, nil
	}
	a, err := space.Between(*j.Set, *j.Solver.Configured.Model)
	if err != nil || a.IsIdentity() {
		return m, err
	}
	return apply(a, m)
}

func (j *judging) load(ctx context.Context) (err error) {
	j.d, j.cells, j.nd = j.Physics.Latent().Reals(), j.Solver.Configured.Model.Reals(), j.Physics.Data().Reals()
	if j.view, err = newView(j.Solver.Configured.Model); err != nil {
		return err
	}
	if j.Observe != nil {
		if j.data, j.obs, err = reals(j.Observe.Path("data.npy")); err != nil {
			return err
		}
		if j.tau, _, err = reals(j.Observe.Path("noise_std.npy")); err != nil {
			return err
		}
		if _, err := os.Stat(j.Observe.Path("truth.npy")); err == nil {
			if j.truth, _, err = reals(j.Observe.Path("truth.npy")); err != nil {
				return err
			}
		}
	}
	if j.train, err = j.set(j.TrainingSet); err != nil {
		return err
	}
	if j.held, err = j.set(j.HeldOutSet); err != nil {
		return err
	}
	if j.Prior != nil && j.Prior.Description.Has(contract.CapMixture) {
		m, err := j.Prior.Prior.Mixture(ctx)
		if err != nil {
			return err
		}
		if j.mix, err = m.Closed(); err != nil {
			return err
		}
	}
	if j.Sample == nil {
		return nil
	}
	if j.latents, j.chains, err = reals(j.Sample.Path("latent.npy")); err != nil {
		return err
	}
	if j.models, _, err = reals(j.Sample.Path("model.npy")); err != nil {
		return err
	}
	if err := j.loadStart(); err != nil {
		return err
	}
	j.per = j.Cell.Chains.Chains
	for c := range j.chains {
		if !math.IsNaN(j.models[c*j.cells]) && !math.IsNaN(j.latents[c*j.d]) {
			j.alive = append(j.alive, c)
		}
	}
	j.m["samples.chains"] = float64(j.chains)
	j.m["samples.dropped"] = float64(j.chains - len(j.alive))
	return nil
}

// ensemble returns the models (L, cells) and chain numbers of one observation's chains that ended well.
func (j *judging) ensemble(o int) (models []float64, chains []int) {
	for _, c := range j.alive {
		if j.obs == 0 || c/j.per == o {
			models = append(models, j.models[c*j.cells:(c+1)*j.cells]...)
			chains = append(chains, c)
		}
	}
	return models, chains
}

// latentsOf gathers the latent vectors of some chains.
func (j *judging) latentsOf(chains []int) []float64 {
	var v []float64
	for _, c := range chains {
		v = append(v, j.latents[c*j.d:(c+1)*j.d]...)
	}
	return v
}

// chunk bounds the items of one call.
const chunk = 4096

// forward evaluates the problem at points (n, d) of the latent space: (n, nd). Items that fail are NaN.
func (j *judging) forward(ctx context.Context, points []float64) ([]float64, error) {
	n := len(points) / j.d
	out := make([]float64, 0, n*j.nd)
	for lo := 0; lo < n; lo += chunk {
		hi := min(lo+chunk, n)
		z := j.Physics.Latent().New(hi - lo)
		z.SetReals(points[lo*j.d : hi*j.d])
		data := j.Physics.Data().New(hi - lo)
		st, err := j.Physics.Forward(ctx, z, data)
		if err != nil {
			return nil, err
		}
		out = data.AppendReals(out)
		for i := range hi - lo {
			if contract.StatusAt(st, i).Code != contract.OK {
				for k := range j.nd {
					out[(lo+i)*j.nd+k] = math.NaN()
				}
			}
		}
	}
	return out, nil
}

// misfitOf is |f - y|^2/(2 tau^2) of a row of data against observation o; +Inf for a row that failed.
func (j *judging) misfitOf(f []float64, o int) float64 {
	s := 0.0
	for k, v := range f {
		r := v - j.data[o*j.nd+k]
		s += float64(r * r)
	}
	s /= 2 * j.tau[o] * j.tau[o]
	if math.IsNaN(s) {
		return math.Inf(1)
	}
	return s
}

// dataBlock: misfit and chi^2 of the final samples and of the truths, and the misfit on the way.
func (j *judging) dataBlock(ctx context.Context) error {
	if j.obs == 0 || len(j.alive) == 0 {
		return nil
	}
	if err := j.along(); err != nil {
		return err
	}
	if err := j.truthFit(ctx); err != nil {
		return err
	}
	if err := j.startFit(ctx); err != nil {
		return err
	}
	f, err := j.forward(ctx, j.latentsOf(j.alive))
	if err != nil {
		return err
	}
	j.phi = make([]float64, j.chains)
	for i := range j.phi {
		j.phi[i] = math.NaN()
	}
	var all []float64
	for i, c := range j.alive {
		j.phi[c] = j.misfitOf(f[i*j.nd:(i+1)*j.nd], c/j.per)
		all = append(all, j.phi[c])
	}
	if best := j.bestOf(0); best >= 0 {
		if err := j.saveGather(f[best*j.nd : (best+1)*j.nd]); err != nil {
			return err
		}
	}
	j.m["data.misfit_median"] = quantile(all, 0.5)
	j.m["data.misfit_min"] = quantile(all, 0)
	j.m["data.chi2_median"] = 2 * quantile(all, 0.5) / float64(j.nd)
	mean := 0.0
	for _, v := range all {
		mean += v
	}
	j.m["data.chi2_mean"] = 2 * mean / float64(len(all)) / float64(j.nd)
	return nil
}

// bestOf is the place among those alive of the chain of an observation with the lowest misfit, -1 where none is left.
func (j *judging) bestOf(o int) int {
	best := -1
	for i, c := range j.alive {
		if c/j.per == o && (best < 0 || j.phi[c] < j.phi[j.alive[best]]) {
			best = i
		}
	}
	return best
}

// fit puts the mean misfit of models (observations, model...) and its chi^2 under two names, and returns their data, adapted as the
// observed ones are, and which of them there are.
func (j *judging) fit(ctx context.Context, models []float64, misfit, chi2 string) (f []float64, st []contract.Status, err error) {
	m, d := j.Solver.Configured.Model.New(j.obs), j.Solver.Configured.Data.New(j.obs)
	m.SetReals(models)
	if st, err = j.Solver.Solver.Forward(ctx, m, d); err != nil {
		return nil, nil, err
	}
	if j.Adapted != nil {
		raw := d
		d = j.Adapted.Out().New(j.obs)
		bad, err := j.Adapted.Apply(raw, d)
		if err != nil {
			return nil, nil, err
		}
		for o, b := range bad {
			if b != nil {
				st = contract.SetStatus(st, j.obs, o, contract.Status{Code: contract.Failed, Text: b.Error()})
			}
		}
	}
	f = d.AppendReals(nil)
	phi, n := 0.0, 0.0
	for o := range j.obs {
		if contract.StatusAt(st, o).Code == contract.OK {
			phi += j.misfitOf(f[o*j.nd:(o+1)*j.nd], o)
			n++
		}
	}
	if n > 0 {
		j.m[misfit], j.m[chi2] = phi/n, 2*phi/n/float64(j.nd)
	}
	return f, st, nil
}

// truthFit is chi^2 of the truths themselves through the solver: 1 in expectation where the data are the solver's own.
func (j *judging) truthFit(ctx context.Context) error {
	if j.truth == nil {
		return nil
	}
	_, _, err := j.fit(ctx, j.truth, "data.misfit_truth", "data.chi2_truth")
	return err
}

// save writes an array for the figures.
func (j *judging) save(name string, v []float64, shape ...int) error {
	return npy.Write(filepath.Join(j.Dir, name+".npy"), tensor.FromFloat64s(v, shape...))
}

func (j *judging) logf(format string, args ...any) {
	if j.Log != nil {
		j.Log(format, args...)
	}
}

func (j *judging) errorf(format string, args ...any) error {
	return fmt.Errorf("judge: "+format, args...)
}
