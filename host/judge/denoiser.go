package judge

import (
	"context"
	"errors"
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/diffusion"
	"github.com/waveprior/waveprior/core/metric"
	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/space"
)

// denoiserLevels is at how many noise levels the learned denoiser is compared, evenly over the schedule with both ends.
const denoiserLevels = 10

// denoiserPoints is how many noisy points are drawn per level and set: every example of a smaller set several times.
const denoiserPoints = 200

// maxMemorised bounds N d of the empirical denoiser, so that judging stays far cheaper than training.
const maxMemorised = 1 << 24

// denoiser measures how far the learned denoiser is from the optimal empirical one, that of a prior which has memorised its
// N training examples z_n (s = 0), D_gmm(x) = sum_n w_n z_n with w = softmax(-|x - alpha_t z_n|^2/(2 sigma_t^2)):
//
//	gap(t) = E|D_net(x_t) - D_gmm(x_t)|^2 / E|z - mean z|^2, x_t = alpha_t z + sigma_t eps
//
// in latent coordinates, for z of the training set and, separately, of held-out examples (memorization study, section 4).
// Gap 0 is complete memorisation. On held-out examples a denoiser that has generalised is nearer to z than D_gmm: the block
// gives E|D - z|^2/E|z - mean z|^2 of both. Priors that are mixtures know their denoiser in closed form and are left out.
func (j *judging) denoiser(ctx context.Context) error {
	if j.Prior == nil || j.train == nil || j.Prior.Configured.Schedule == nil || len(j.Cell.ModelAdapt) > 0 {
		return nil
	}
	desc := &j.Prior.Description
	if desc.Has(contract.CapMixture) || !desc.Has(contract.CapDenoise) || !desc.Has(contract.CapEncode) || j.Prior.Configured.Model == nil {
		return nil
	}
	d := j.Prior.Configured.Latent.Reals()
	if n := len(j.train) / j.cells; n*d > maxMemorised {
		j.logf("judge: %d training examples of %d latent coordinates: the empirical denoiser is not computed (at most %d numbers)", n, d, maxMemorised)
		return nil
	}
	into, err := space.Between(*j.Solver.Configured.Model, *j.Prior.Configured.Model)
	if errors.Is(err, space.ErrNoAdapter) {
		return nil
	}
	if err != nil {
		return err
	}
	train, err := j.encode(ctx, into, j.train)
	if err != nil {
		return err
	}
	sets := []noisySet{{name: "training", z: train}}
	if len(j.held) > 0 {
		held, err := j.encode(ctx, into, j.held)
		if err != nil {
			return err
		}
		if len(held) >= 2*d { // one example has no variance
			sets = append(sets, noisySet{name: "held_out", z: held})
		} else {
			j.logf("judge: %d held-out example that could be encoded: denoiser.*_held_out need 2", len(held)/d)
		}
	}
	if len(train) < 2*d {
		return nil
	}
	memorised, err := mixture.New(train, d, nil, mixture.Isotropic(0))
	if err != nil {
		return err
	}
	sch := j.Prior.Configured.Schedule
	levels := evenly(sch.Steps(), denoiserLevels)
	var rows []float64
	sum := map[string]float64{}
	for _, t := range levels {
		exact, err := memorised.At(sch.Alpha[t], sch.Sigma[t])
		if err != nil {
			return err
		}
		rows = append(rows, float64(t))
		for _, s := range sets {
			g, err := j.gap(ctx, s, exact, sch, t)
			if err != nil {
				return err
			}
			rows = append(rows, g.gap, g.net, g.exact)
			j.m[fmt.Sprintf("denoiser.gap_%s_t%d", s.name, t)] = g.gap
			sum["denoiser.gap_"+s.name] += g.gap / float64(len(levels))
			sum["denoiser.error_"+s.name] += g.net / float64(len(levels))
			sum["denoiser.error_memorised_"+s.name] += g.exact / float64(len(levels))
		}
	}
	for k, v := range sum {
		j.m[k] = v
	}
	return j.save("denoiser_gap", rows, len(levels), 1+3*len(sets)) // t, and per set: gap, error of the network, of D_gmm
}

// noisySet is one set of clean latent vectors (n, d).
type noisySet struct {
	name string
	z    []float64
}

// gaps are mean squared distances at one level, in units of the variance of the clean vectors.
type gaps struct{ gap, net, exact float64 }

// gap draws noisy points, the same for every size of a nested training set, and compares the denoisers there.
func (j *judging) gap(ctx context.Context, s noisySet, exact *mixture.Level, sch *diffusion.Schedule, t int) (gaps, error) {
	latent := j.Prior.Configured.Latent
	d := latent.Reals()
	n := min(len(s.z)/d, denoiserPoints)
	each := (denoiserPoints + n - 1) / n
	stream := rng.New(j.Seed, "judge/denoiser-"+s.name)
	clean, noisy := make([]float64, 0, n*each*d), make([]float64, 0, n*each*d)
	eps := make([]float64, d)
	for i := range n {
		for k := range each {
			stream.At(uint32(t), uint32(i), uint32(k)).Normals(eps)
			for c, e := range eps {
				noisy = append(noisy, float64(sch.Alpha[t]*s.z[i*d+c])+float64(sch.Sigma[t]*e))
			}
			clean = append(clean, s.z[i*d:(i+1)*d]...)
		}
	}
	x, y, level := latent.New(n*each), latent.New(n*each), make([]int, n*each)
	for i := range level {
		level[i] = t
	}
	x.SetReals(noisy)
	status, err := j.Prior.Prior.Denoise(ctx, x, level, y)
	if err != nil {
		return gaps{}, err
	}
	at, net := x.AppendReals(nil), y.AppendReals(nil) // x as the network saw it, rounded
	best := make([]float64, len(at))
	exact.Denoise(best, at)
	kept := 0
	for i := range n * each {
		if contract.StatusAt(status, i).Code != contract.OK {
			continue
		}
		for _, v := range [][]float64{net, best, clean} {
			copy(v[kept*d:(kept+1)*d], v[i*d:(i+1)*d])
		}
		kept++
	}
	if kept < 2 {
		return gaps{}, j.errorf("denoiser: %d of %d points at level %d could be denoised", kept, n*each, t)
	}
	net, best, clean = net[:kept*d], best[:kept*d], clean[:kept*d]
	var g gaps
	if g.gap, err = metric.DenoiserGap(net, best, clean, d); err != nil {
		return g, err
	}
	if g.net, err = metric.DenoiserGap(net, clean, clean, d); err != nil {
		return g, err
	}
	g.exact, err = metric.DenoiserGap(best, clean, clean, d)
	return g, err
}

// encode takes models of the solver's space to latent vectors (n, d); those that cannot be encoded are left out.
func (j *judging) encode(ctx context.Context, into *space.Adapter, models []float64) ([]float64, error) {
	m, err := apply(into, models)
	if err != nil {
		return nil, err
	}
	model, latent := j.Prior.Configured.Model, j.Prior.Configured.Latent
	cells := model.Reals()
	var z []float64
	for lo := 0; lo < len(m)/cells; lo += chunk {
		hi := min(lo+chunk, len(m)/cells)
		x, y := model.New(hi-lo), latent.New(hi-lo)
		x.SetReals(m[lo*cells : hi*cells])
		status, err := j.Prior.Prior.Encode(ctx, x, nil, y)
		if err != nil {
			return nil, err
		}
		for i := range hi - lo {
			if contract.StatusAt(status, i).Code == contract.OK {
				z = y.Item(i).AppendReals(z)
			}
		}
	}
	return z, nil
}

// evenly returns k of 0..n-1, evenly spaced with both ends; all where there are no more.
func evenly(n, k int) []int {
	if n <= k {
		k = n
	}
	at := make([]int, k)
	for i := range at {
		if k > 1 {
			at[i] = (i*(n-1) + (k-1)/2) / (k - 1)
		}
	}
	return at
}
