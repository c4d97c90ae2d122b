package judge

// Doc documents one metric, or a family of them (a * stands for any text). docs/metrics.md and the report are made from
// Docs, and a test holds every metric that a run writes to it.
type Doc struct {
	Key, Unit, Text string
}

// Docs lists all metrics by block.
var Docs = []Doc{
	{"samples.chains", "", "number of chains, over all observations"},
	{"samples.dropped", "", "chains that diverged or failed and are in none of the other numbers"},

	{"data.misfit_median", "", "median over chains of phi = 1/2 sum (F(x)-d)^2/tau^2 at the final sample"},
	{"data.misfit_min", "", "smallest phi of all chains"},
	{"data.chi2_median", "", "median over chains of chi^2 = |F(x)-d|^2/(tau^2 n), n real numbers; 1 is expected at the truth"},
	{"data.chi2_mean", "", "mean over chains of chi^2"},

	{"data.misfit_truth", "", "phi of the truths themselves, mean over observations"},
	{"data.chi2_truth", "", "chi^2 of the truths themselves, mean over observations: about 1 where the data are the solver's own, more where they carry model error"},
	{"data.misfit_start", "", "phi of the models of [sampler.start], mean over observations"},
	{"data.chi2_start", "", "chi^2 of the models of [sampler.start], mean over observations"},

	{"fidelity.relative_l2_*", "", "|x - truth|/|truth|, mean over observations, of the mean of the chains (mean), of the chain of lowest misfit (best) and of the model of [sampler.start] (start)"},
	{"fidelity.mae_*", "model's", "mean of |x - truth| over cells and observations, of the mean of the chains (mean) and of the chain of lowest misfit (best)"},
	{"fidelity.rmse_*", "model's", "root of the mean of (x - truth)^2 over all cells and observations, of the mean of the chains (mean) and of the chain of lowest misfit (best)"},
	{"fidelity.openfwi_mae_*", "", "the same of velocities over z and x mapped from 1500..4500 m/s to [-1, 1] (times 1500: m/s); the mean is that of the velocities"},
	{"fidelity.openfwi_rmse_*", "", "root of the mean square of the same"},
	{"fidelity.psnr_*", "dB", "20 log10(3000 m/s / RMSE of the velocity), mean over observations"},
	{"fidelity.ssim_*", "", "structural similarity of velocities mapped from 1500..4500 m/s to [0, 1]: 11 x 11 Gaussian window, sigma 1.5 cells"},
	{"fidelity.std", "model's", "standard deviation over chains, 1/(L-1), mean over cells and observations. Of optima (sampler map) it says how far their starts disagree, which is no uncertainty; they have no calibration"},
	{"fidelity.velocity_std", "m/s", "the same of the velocity"},

	{"calibration.truths", "", "truths that are judged: those that kept three quarters of their chains or more; every cell of every truth is one case"},
	{"calibration.chains", "", "L: chains per truth, as many as the truth with the fewest kept"},
	{"calibration.coverage_*_nominal", "", "what the interval from the k-th smallest to the k-th largest of L samples covers of exchangeable truths: (L+1-2k)/(L+1)"},
	{"calibration.coverage_*", "", "share of cases (cells of truths) inside the central interval of about 50 or 90 %, by ranks; _low and _high are the 95 % interval: Wilson's, which takes the cells as independent, for models of a few coordinates; for fields by bootstrap over truths, absent below 5 of them"},
	{"calibration.crps", "model's", "mean continuous ranked probability score, fair in the number of samples; lower is better"},
	{"calibration.rmse", "model's", "root mean square error of the ensemble mean over all cases"},
	{"calibration.spread", "model's", "sqrt((1+1/L) mean variance), what the ensemble announces as its error"},
	{"calibration.spread_over_rmse", "", "spread over error; 1 is calibrated, below 1 overconfident"},
	{"calibration.tarp", "", "TARP: max over a of |P(f < a) - a|, f the share of samples nearer to the reference than the truth; the reference is the training example that fits the data best"},
	{"calibration.tarp_signed", "", "P(f < a) - a where that maximum is"},
	{"calibration.tarp_critical", "", "1.36/sqrt(n): a calibrated sampler exceeds it with probability 5 %"},

	{"memorisation.ratio_median", "", "median ratio r of the samples: distance to the nearest training example over the mean distance to the next k-1, k = min(50, N) or as [judge.memorisation] says, in its coordinates (default: the solver's model space), float64"},
	{"memorisation.*_ratio_median", "", "the same for held-out examples, for each training example against the others (leave_one_out, k at most N-1) and for the truths; of one truth its r"},
	{"memorisation.threshold_null", "", "5 % quantile of r of held-out examples: the threshold at which 5 % of them would count as memorised; the same for prior and posterior samples of one training set"},
	{"memorisation.rate_null", "", "share of samples with r below that quantile; 0.05 is no memorisation; the interval is the wider of bootstrap (null resampled too) and Wilson, 95 %"},
	{"memorisation.rate_*", "", "share of samples with r below the threshold, with the wider of bootstrap and Wilson interval, 95 %"},
	{"memorisation.*_rate_*", "", "the same rate for held-out examples (held_out: what it is with no memorisation at all), for each training example against the others (leave_one_out) and, of five truths or more, for the truths"},
	{"memorisation.ct_z", "", "C_T test: Z of held-out against generated distances to the training set; Z << 0 is copying"},
	{"memorisation.neighbours_different", "", "number of different nearest training examples among the samples"},
	{"memorisation.neighbours_effective", "", "exp(H) of the shares of samples per nearest training example"},
	{"memorisation.samples", "", "number of samples that the rates rest on"},
	{"memorisation.examples", "", "N: number of training examples"},
	{"memorisation.held_out", "", "number of held-out examples that the null rests on"},
	{"memorisation.coordinates", "", "number of coordinates in which distances are measured"},

	{"denoiser.gap_*_t*", "", "E|D_net - D_gmm|^2/E|z - mean z|^2 at x_t = alpha_t z + sigma_t eps of one level t, D_gmm the optimal empirical denoiser of the N training examples: for z of the training set (training) and held out (held_out). 0 is complete memorisation"},
	{"denoiser.gap_*", "", "the same, mean over ten levels evenly spaced from the first to the last"},
	{"denoiser.error_memorised_*", "", "E|D_gmm - z|^2/E|z - mean z|^2, mean over the levels: how well the optimal empirical denoiser finds z"},
	{"denoiser.error_*", "", "E|D_net - z|^2/E|z - mean z|^2, mean over the levels: how well the learned denoiser finds z. Below error_memorised on held-out examples is generalisation"},

	{"exact.observations", "", "observations whose exact posterior was computed, at most 16; the other numbers of this block are means over them where not said otherwise (W2: those with two chains or more)"},
	{"exact.tv_linearised", "", "total variation, 1/2 integral |p - q|, between the exact posterior on a grid and the linearised one, weights with the determinant"},
	{"exact.tv_published", "", "the same, weights without the determinant, as in the study's published code"},
	{"exact.weights_tv_*", "", "total variation between the exact posterior weights of the prior's components (quadrature) and the linearised ones"},
	{"exact.weight_linearised_*", "", "posterior weight of a component by the linearisation, with the determinant (first observation)"},
	{"exact.weight_published_*", "", "posterior weight of a component by the linearisation, without the determinant (first observation)"},
	{"exact.weight_*", "", "exact posterior weight of a component, by quadrature (first observation)"},
	{"exact.effective_components", "", "exp(H) of the exact posterior weights"},
	{"exact.effective_linearised", "", "exp(H) of the linearised weights"},
	{"exact.curvature_over_tau", "", "largest |F(x+s e) - 2 F(x) + F(x-s e)|/(2 tau) over components and coordinates, s their width, tau of the first observation; the linearisation holds where it is far below 1"},
	{"exact.w2", "latent's", "Wasserstein-2 distance between the chains (the first min(chains, draws, 2000)) and as many exact draws, by assignment; unconditional samples are compared with the prior"},
	{"exact.w2_floor", "latent's", "the same between two sets of exact draws: what sampling noise alone amounts to"},
	{"exact.w2_excess", "latent's", "w2 - w2_floor"},
	{"exact.mean_shift", "latent's", "distance between the means of the chains and of as many exact draws"},

	{"components.effective_narrowest_*", "", "exp(H) of the exact weights at the smallest width, for N training points"},
	{"components.effective_widest_*", "", "the same at the largest width"},
	{"components.effective_at_s_crit_*", "", "the same at the width nearest to s_crit"},
	{"components.s_crit_*", "latent's", "sqrt(delta tau/mean|F'|), delta the spacing of the N training points: below it one component is said to rule"},

	{"cost.wall_s", "s", "wall time of the stages that the cell rests on (data to sample), over all sessions, also where they came from the cache"},
	{"cost.*.wall_s", "s", "wall time of one stage"},
	{"cost.forward", "", "solver evaluations F(m), those within misfits and derivatives included (data to sample)"},
	{"cost.adjoint", "", "adjoint solves: gradients and J^T w"},
	{"cost.jvp", "", "tangent solves J dm"},
	{"cost.denoise", "", "network evaluations: denoiser"},
	{"cost.denoise_vjp", "", "network evaluations: adjoint of the denoiser"},
	{"cost.decode", "", "decoder evaluations"},
	{"cost.decode_vjp", "", "adjoint decoder evaluations"},
	{"cost.decode_jvp", "", "tangent decoder evaluations"},
}

// DocMap returns the texts by key, as the report takes them.
func DocMap() map[string]string {
	m := make(map[string]string, len(Docs))
	for _, d := range Docs {
		m[d.Key] = d.Text
	}
	return m
}
