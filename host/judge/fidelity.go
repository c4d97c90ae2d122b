package judge

import (
	"context"
	"math"

	"github.com/waveprior/waveprior/core/metric"
)

// OpenFWI's convention: velocities of 1500..4500 m/s are mapped to [-1, 1] for MAE and RMSE, to [0, 1] for SSIM.
const slowest, fastest = 1500.0, 4500.0

// score sums what one kind of result (the posterior mean, the best chain) is off by, over observations.
type score struct {
	l2, mae, mse, n                      float64 // in the model's unit
	imageMAE, imageMSE, psnr, ssim, seen float64 // of velocities
}

// add counts x, where its truth is known (else nil).
func (s *score) add(x, truth []float64) {
	if truth == nil {
		return
	}
	s.l2 += metric.RelativeL2(x, truth)
	s.mae += metric.MAE(x, truth)
	s.mse += metric.MSE(x, truth)
	s.n++
}

// addImage takes velocities (nz, nx) in m/s.
func (s *score) addImage(x, truth []float64, nz, nx int) {
	a, b := make([]float64, len(x)), make([]float64, len(x))
	metric.Rescale(a, x, slowest, fastest, -1, 1)
	metric.Rescale(b, truth, slowest, fastest, -1, 1)
	s.imageMAE += metric.MAE(a, b)
	s.imageMSE += metric.MSE(a, b)
	s.psnr += metric.PSNR(a, b, 2)
	metric.Rescale(a, x, slowest, fastest, 0, 1)
	metric.Rescale(b, truth, slowest, fastest, 0, 1)
	s.ssim += metric.SSIM(a, b, nz, nx)
	s.seen++
}

// fidelity saves the mean of every observation's chains, of fields their standard deviation and some samples, too. Where the truth is
// known it compares the mean, the chain of lowest misfit and the start with it: in the model's unit and, where models are velocities over z and x, as images. The
// mean that is compared as an image is the mean of the velocities.
func (j *judging) fidelity(context.Context) (err error) {
	if j.obs == 0 || len(j.alive) == 0 {
		return nil
	}
	var mean, best, start score
	means := make([]float64, 0, j.obs*j.cells)
	std, spread := 0.0, 0.0 // sums over observations of two chains or more
	n := 0.0
	var images fields
	for o := range j.obs {
		var t []float64
		if j.truth != nil {
			t = j.truth[o*j.cells : (o+1)*j.cells]
		}
		models, chains := j.ensemble(o)
		if len(chains) == 0 {
			means = append(means, nans(j.cells)...)
			images.none(j.view, j.truth != nil)
			continue
		}
		mu := make([]float64, j.cells)
		for i := range chains {
			for k := range mu {
				mu[k] += models[i*j.cells+k] / float64(len(chains))
			}
		}
		means = append(means, mu...)
		mean.add(mu, t)
		b := 0
		for i, c := range chains {
			if j.phi[c] < j.phi[chains[b]] {
				b = i
			}
		}
		best.add(models[b*j.cells:(b+1)*j.cells], t)
		if j.start != nil {
			start.add(j.start[o*j.cells:(o+1)*j.cells], t)
		}
		if len(chains) > 1 {
			_, s, err := metric.MeanStd(models, j.cells)
			if err != nil {
				return err
			}
			std += average(s)
			n++
		}
		if j.view == nil {
			continue
		}
		if err := images.add(j.view, models, t); err != nil {
			return err
		}
		if o == 0 {
			if images.samples, err = j.view.of(models[:min(shownSamples, len(chains))*j.cells]); err != nil {
				return err
			}
		}
		if len(chains) > 1 {
			spread += average(images.lastStd(j.view))
		}
		if j.view.velocity && t != nil {
			truth, mu := images.last(j.view)
			mean.addImage(mu, truth, j.view.NZ, j.view.NX)
			v, err := j.view.of(models[b*j.cells : (b+1)*j.cells])
			if err != nil {
				return err
			}
			best.addImage(v, truth, j.view.NZ, j.view.NX)
			if j.start != nil {
				if v, err = j.view.of(j.start[o*j.cells : (o+1)*j.cells]); err != nil {
					return err
				}
				start.addImage(v, truth, j.view.NZ, j.view.NX)
			}
		}
	}
	for name, s := range map[string]score{"mean": mean, "best": best, "start": start} {
		if s.n == 0 {
			continue
		}
		j.m["fidelity.relative_l2_"+name] = s.l2 / s.n
		j.m["fidelity.mae_"+name] = s.mae / s.n
		j.m["fidelity.rmse_"+name] = math.Sqrt(s.mse / s.n)
		if s.seen > 0 {
			j.m["fidelity.openfwi_mae_"+name] = s.imageMAE / s.seen
			j.m["fidelity.openfwi_rmse_"+name] = math.Sqrt(s.imageMSE / s.seen)
			j.m["fidelity.psnr_"+name] = s.psnr / s.seen
			j.m["fidelity.ssim_"+name] = s.ssim / s.seen
		}
	}
	if n > 0 {
		j.m["fidelity.std"] = std / n
		if j.view != nil && j.view.velocity {
			j.m["fidelity.velocity_std"] = spread / n
		}
	}
	if err := images.save(j); err != nil {
		return err
	}
	if err := j.inversion(); err != nil {
		return err
	}
	return j.save("posterior_mean", means, j.obs, j.cells)
}

// fields gathers the truth, where it is known, posterior mean and standard deviation (1/(L-1)) of every observation, and some
// samples, as the view shows them.
type fields struct {
	truth, mean, std []float64
	samples          []float64 // of the first observation, of its first chains
}

// shownSamples is how many samples of the first observation are kept for figures.
const shownSamples = 3

// none stands for an observation whose chains are all lost.
func (f *fields) none(v *view, known bool) {
	if v == nil {
		return
	}
	if known {
		f.truth = append(f.truth, nans(v.cells())...)
	}
	f.mean, f.std = append(f.mean, nans(v.cells())...), append(f.std, nans(v.cells())...)
}

// add takes the models (L, cells) of an observation's chains and its truth, nil if it is not known. One chain has no standard
// deviation: NaN.
func (f *fields) add(v *view, models, truth []float64) error {
	t, err := v.of(truth)
	if err != nil {
		return err
	}
	x, err := v.of(models)
	if err != nil {
		return err
	}
	f.truth = append(f.truth, t...)
	if len(x) == v.cells() {
		f.mean, f.std = append(f.mean, x...), append(f.std, nans(v.cells())...)
		return nil
	}
	mu, std, err := metric.MeanStd(x, v.cells())
	f.mean, f.std = append(f.mean, mu...), append(f.std, std...)
	return err
}

func (f *fields) last(v *view) (truth, mean []float64) {
	return f.truth[len(f.truth)-v.cells():], f.mean[len(f.mean)-v.cells():]
}

func (f *fields) lastStd(v *view) []float64 { return f.std[len(f.std)-v.cells():] }

func (f *fields) save(j *judging) error {
	if j.view == nil {
		return nil
	}
	for name, v := range map[string][]float64{"field_truth": f.truth, "field_mean": f.mean, "field_std": f.std, "field_samples": f.samples} {
		if len(v) == 0 {
			continue
		}
		if err := j.saveField(name, v); err != nil {
			return err
		}
	}
	return nil
}

func average(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s / float64(len(v))
}

func nans(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = math.NaN()
	}
	return v
}
