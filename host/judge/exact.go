package judge

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/metric"
	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/tensor"
)

// maxListed is the largest number of components whose weights are metrics of their own.
const maxListed = 10

// exactObservations bounds for how many observations the exact posterior is computed.
const exactObservations = 16

// exact computes the exact posterior on a grid (1-D, 2-D), what the linearised posterior is off by, and how far the
// samples are from it. Unconditional samples are compared with the prior itself.
func (j *judging) exact(ctx context.Context) error {
	opt := j.Cell.Judge.Exact
	if opt == nil {
		return nil
	}
	if j.obs > 0 && j.d > 2 {
		j.logf("[judge.exact]: the latent space has %d coordinates, the grid is for 1 or 2: left out", j.d)
		return nil
	}
	if j.mix == nil {
		return j.errorf("[judge.exact] needs a prior with capability %s: %w", contract.CapMixture, contract.ErrUnsupported)
	}
	if j.obs == 0 {
		return j.exactPrior(opt.Draws)
	}
	cells := opt.Cells
	if cells == 0 {
		cells = map[int]int{1: 2000, 2: 400}[j.d]
	}
	axes := make([]mixture.Axis, j.d)
	for i := range axes {
		axes[i] = mixture.Axis{Lo: opt.Lower, Hi: opt.Upper, N: cells}
	}
	grid, err := mixture.NewGrid(axes...)
	if err != nil {
		return j.errorf("[judge.exact]: %w", err)
	}
	points := grid.Points()
	f, err := j.forward(ctx, points)
	if err != nil {
		return err
	}
	logPrior := make([]float64, grid.Size())
	if err := j.mix.LogDensity(logPrior, points); err != nil {
		return j.errorf("[judge.exact]: the prior has no density (width 0): %w", err)
	}
	locals, err := j.locals(ctx)
	if err != nil {
		return err
	}
	n := min(j.obs, exactObservations)
	sum, count := map[string]float64{}, map[string]float64{}
	add := func(key string, v float64) { sum[key] += v; count[key]++ }
	phi := make([]float64, grid.Size())
	for o := range n {
		for i := range phi {
			phi[i] = j.misfitOf(f[i*j.nd:(i+1)*j.nd], o)
		}
		post, err := grid.Posterior(logPrior, phi)
		if err != nil {
			return j.errorf("exact posterior of observation %d: %w", o, err)
		}
		linear := map[mixture.Rule]*mixture.GridDensity{}
		weights := map[mixture.Rule][]float64{}
		for _, rule := range []mixture.Rule{mixture.Exact, mixture.Published} {
			lp, err := mixture.Linearise(j.mix, func(i int) (mixture.Local, error) { return locals(o, i) }, rule)
			if err != nil {
				return err
			}
			weights[rule] = lp.Weights()
			ld := make([]float64, grid.Size())
			if err := lp.LogDensity(ld, points); err != nil {
				return err
			}
			if linear[rule], err = grid.Density(ld); err != nil {
				return err
			}
		}
		add("exact.tv_linearised", post.TotalVariation(linear[mixture.Exact]))
		add("exact.tv_published", post.TotalVariation(linear[mixture.Published]))
		ev, err := j.evidences(grid, phi)
		if err != nil {
			return err
		}
		add("exact.effective_components", mixture.Effective(ev))
		add("exact.effective_linearised", mixture.Effective(weights[mixture.Exact]))
		add("exact.weights_tv_linearised", metric.TotalVariation(ev, weights[mixture.Exact], 1))
		add("exact.weights_tv_published", metric.TotalVariation(ev, weights[mixture.Published], 1))
		if o == 0 {
			if j.mix.N() <= maxListed {
				for i := range ev {
					j.m[fmt.Sprintf("exact.weight_%d", i)] = ev[i]
					j.m[fmt.Sprintf("exact.weight_linearised_%d", i)] = weights[mixture.Exact][i]
					j.m[fmt.Sprintf("exact.weight_published_%d", i)] = weights[mixture.Published][i]
				}
			}
			if err := j.saveDensities(grid, points, logPrior, phi, post, linear[mixture.Exact]); err != nil {
				return err
			}
		}
		if err := j.distances(o, post, opt.Draws, add); err != nil {
			return err
		}
	}
	for k, v := range sum {
		j.m[k] = v / count[k]
	}
	j.m["exact.observations"] = float64(n)
	return j.curvature(ctx)
}

// distances compares the chains of one observation with exact draws, beside what two sets of exact draws differ by; optima are no
// draws.
func (j *judging) distances(o int, post *mixture.GridDensity, draws int, add func(string, float64)) error {
	if j.Sample == nil || draws == 0 || j.Cell.Optimises() {
		return nil
	}
	_, chains := j.ensemble(o)
	n := min(len(chains), draws, metric.MaxAssignment)
	if n < 2 {
		return nil
	}
	x := j.latentsOf(chains[:n])
	stream := rng.New(j.Seed, "judge/exact-draws")
	sets := make([][]float64, 2)
	for s := range sets {
		u := make([]float64, n*(1+j.d))
		stream.At(uint32(s), uint32(o), 0).Uniforms(u)
		sets[s] = make([]float64, n*j.d)
		post.Draw(sets[s], u)
	}
	if o == 0 {
		if err := j.save("exact_draws", sets[0], n, j.d); err != nil {
			return err
		}
	}
	return j.w2(x, sets[0], sets[1], add)
}

func (j *judging) w2(x, a, b []float64, add func(string, float64)) error {
	w, err := metric.W2(x, a, j.d)
	if err != nil {
		return err
	}
	floor, err := metric.W2(b, a, j.d)
	if err != nil {
		return err
	}
	add("exact.w2", w)
	add("exact.w2_floor", floor)
	add("exact.w2_excess", w-floor)
	n := len(x) / j.d
	mean := func(v []float64, k int) (m float64) {
		for i := range n {
			m += v[i*j.d+k] / float64(n)
		}
		return m
	}
	s := 0.0
	for k := range j.d {
		s += math.Pow(mean(x, k)-mean(a, k), 2)
	}
	add("exact.mean_shift", math.Sqrt(s))
	return nil
}

// exactPrior compares unconditional samples with exact draws of the prior, in any dimension.
func (j *judging) exactPrior(draws int) error {
	n := min(len(j.alive), draws, metric.MaxAssignment)
	if j.Sample == nil || n < 2 {
		return nil
	}
	stream := rng.New(j.Seed, "judge/exact-draws")
	sets := make([][]float64, 2)
	for s := range sets {
		sets[s] = make([]float64, n*j.d)
		for i := range n {
			u := stream.At(uint32(s), uint32(i), 1).Uniform(0)
			j.mix.Draw(sets[s][i*j.d:(i+1)*j.d], u, stream.At(uint32(s), uint32(i), 2).Normals)
		}
	}
	if err := j.save("exact_draws", sets[0], n, j.d); err != nil {
		return err
	}
	return j.w2(j.latentsOf(j.alive[:n]), sets[0], sets[1], func(k string, v float64) { j.m[k] = v })
}

// locals returns what the linearised posterior needs at each component: residual and Jacobian of the problem there.
func (j *judging) locals(ctx context.Context) (func(o, i int) (mixture.Local, error), error) {
	n := j.mix.N()
	f, err := j.forward(ctx, j.mix.Means)
	if err != nil {
		return nil, err
	}
	jac := make([][]float64, n)
	failed := make([]bool, n)
	dir := tensor.New(j.Physics.Latent().DType, append([]int{1, j.d}, j.Physics.Latent().ItemShape()...)...)
	e := make([]float64, j.d*j.d)
	for i := range j.d {
		e[i*j.d+i] = 1
	}
	dir.SetReals(e)
	for lo := 0; lo < n; lo += 256 {
		hi := min(lo+256, n)
		z := j.Physics.Latent().New(hi - lo)
		z.SetReals(j.mix.Means[lo*j.d : hi*j.d])
		data := j.Physics.Data()
		dd := tensor.New(data.DType, append([]int{hi - lo, j.d}, data.ItemShape()...)...)
		st, err := j.Physics.JVP(ctx, z, dir, dd)
		if err != nil {
			return nil, err
		}
		for i := range hi - lo {
			failed[lo+i] = contract.StatusAt(st, i).Code != contract.OK
			rows := dd.Item(i).AppendReals(nil) // (d, nd): the transpose of J
			t := make([]float64, j.nd*j.d)
			for a := range j.d {
				for b := range j.nd {
					t[b*j.d+a] = rows[a*j.nd+b]
				}
			}
			jac[lo+i] = t
		}
	}
	return func(o, i int) (mixture.Local, error) {
		r := make([]float64, j.nd) // y - F(x_n)
		for k := range r {
			r[k] = j.data[o*j.nd+k] - f[i*j.nd+k]
			if math.IsNaN(r[k]) || failed[i] {
				return mixture.Local{Phi: math.Inf(1)}, nil
			}
		}
		return mixture.NewLocal(r, jac[i], j.tau[o]), nil
	}, nil
}

// evidences returns the exact posterior weight of every component, by quadrature on the grid.
func (j *judging) evidences(grid *mixture.Grid, phi []float64) ([]float64, error) {
	ev, err := grid.LogEvidences(j.mix, phi)
	if err != nil {
		return nil, err
	}
	for i := range ev {
		ev[i] += math.Log(j.mix.Weights[i])
	}
	total := mixture.LogSumExp(ev)
	if math.IsInf(total, 0) || math.IsNaN(total) {
		return nil, errors.New("judge: no component has any evidence on the grid")
	}
	for i := range ev {
		ev[i] = math.Exp(ev[i] - total)
	}
	return ev, nil
}

// saveDensities keeps what the figures of the exact posterior need: prior, likelihood, exact and linearised posterior.
func (j *judging) saveDensities(grid *mixture.Grid, points, logPrior, phi []float64, post, linear *mixture.GridDensity) error {
	n := grid.Size()
	prior, like := make([]float64, n), make([]float64, n)
	least := math.Inf(1)
	for _, v := range phi {
		least = min(least, v)
	}
	for i := range n {
		prior[i], like[i] = math.Exp(logPrior[i]), math.Exp(least-phi[i])
	}
	if err := j.save("exact_points", points, n, j.d); err != nil {
		return err
	}
	if err := j.save("exact_components", j.mix.Means, j.mix.N(), j.d); err != nil {
		return err
	}
	for name, v := range map[string][]float64{"exact_prior": prior, "exact_likelihood": like, "exact_posterior": post.P, "exact_linearised": linear.P} {
		if err := j.save(name, v, n); err != nil {
			return err
		}
	}
	return nil
}

// curvature says how far F is from linear over a component of the prior: max over components and coordinates of
// |F(x+s e) - 2 F(x) + F(x-s e)|/(2 tau), s the component's standard deviation along e. The linearised posterior holds
// where it is far below 1.
func (j *judging) curvature(ctx context.Context) error {
	n := j.mix.N()
	if n*j.d > 4096 {
		return nil
	}
	cov := j.mix.Cov
	std := make([]float64, j.d)
	for a := range std {
		switch {
		case cov.Factor != nil:
			s := 0.0
			for b := range a + 1 {
				s += cov.Factor[a*j.d+b] * cov.Factor[a*j.d+b]
			}
			std[a] = math.Sqrt(s)
		case cov.Diagonal != nil:
			std[a] = math.Sqrt(cov.Diagonal[a])
		default:
			std[a] = math.Sqrt(cov.Variance)
		}
	}
	var points []float64
	for i := range n {
		x := j.mix.Means[i*j.d : (i+1)*j.d]
		for a := range j.d {
			for _, sign := range []float64{1, 0, -1} {
				p := append([]float64(nil), x...)
				p[a] += sign * std[a]
				points = append(points, p...)
			}
		}
	}
	f, err := j.forward(ctx, points)
	if err != nil {
		return err
	}
	worst := 0.0
	for i := range n * j.d {
		s := 0.0
		for k := range j.nd {
			c := f[(3*i)*j.nd+k] - 2*f[(3*i+1)*j.nd+k] + f[(3*i+2)*j.nd+k]
			s += float64(c * c)
		}
		v := math.Sqrt(s) / 2 / j.tau[0]
		if math.IsNaN(v) {
			return nil // a point that cannot be computed: there is no largest
		}
		worst = max(worst, v)
	}
	j.m["exact.curvature_over_tau"] = worst
	return nil
}

// effectiveComponents draws exp(H) of the exact posterior weights against the width of a memorised prior, for sets of
// N training points: memorization study, section 2. Each component's evidence is by quadrature.
func (j *judging) effectiveComponents(ctx context.Context) error {
	opt := j.Cell.Judge.Components
	if opt == nil {
		return nil
	}
	if j.d != 1 || j.obs == 0 {
		return j.errorf("[judge.effective_components] is for one latent coordinate and an observation; there are %d coordinates and %d observations", j.d, j.obs)
	}
	lo, hi, cells := -5.0, 5.0, 2000
	if e := j.Cell.Judge.Exact; e != nil {
		lo, hi = e.Lower, e.Upper
		if e.Cells > 0 {
			cells = e.Cells
		}
	}
	grid, err := mixture.NewGrid(mixture.Axis{Lo: lo, Hi: hi, N: cells})
	if err != nil {
		return err
	}
	points := grid.Points()
	f, err := j.forward(ctx, points)
	if err != nil {
		return err
	}
	like := make([]float64, grid.Size())
	for i := range like {
		like[i] = j.misfitOf(f[i*j.nd:(i+1)*j.nd], 0)
	}
	widths := make([]float64, opt.Widths)
	for i := range widths {
		t := float64(i) / float64(opt.Widths-1)
		widths[i] = math.Exp((1-t)*math.Log(opt.WidthFirst) + t*math.Log(opt.WidthLast))
	}
	var rows, crit, counts []float64
	for _, n := range opt.Counts {
		if n > opt.Points || n < 2 {
			return j.errorf("[judge.effective_components]: N = %d of %d points", n, opt.Points)
		}
		x := make([]float64, n)
		for i := range x {
			at := int(float64(i) * float64(opt.Points-1) / float64(n-1)) // linspace(0, points-1, N), truncated
			x[i] = opt.First + (opt.Last-opt.First)*float64(at)/float64(opt.Points-1)
		}
		slope, err := j.meanSlope(ctx, x)
		if err != nil {
			return err
		}
		crit = append(crit, mixture.CriticalWidth((opt.Last-opt.First)/float64(n-1), j.tau[0], slope))
		counts = append(counts, float64(n))
		for _, s := range widths {
			ev := make([]float64, n)
			for i, c := range x {
				terms := make([]float64, grid.Size())
				for k, p := range points {
					t := (p - c) / s
					terms[k] = -0.5*t*t - like[k]
				}
				ev[i] = mixture.LogSumExp(terms)
			}
			total := mixture.LogSumExp(ev)
			for i := range ev {
				ev[i] = math.Exp(ev[i] - total)
			}
			rows = append(rows, mixture.Effective(ev))
		}
		last := rows[len(rows)-len(widths):]
		j.m[fmt.Sprintf("components.effective_narrowest_%d", n)] = last[0]
		j.m[fmt.Sprintf("components.effective_widest_%d", n)] = last[len(last)-1]
		j.m[fmt.Sprintf("components.s_crit_%d", n)] = crit[len(crit)-1]
		at := 0
		for i, s := range widths {
			if math.Abs(math.Log(s/crit[len(crit)-1])) < math.Abs(math.Log(widths[at]/crit[len(crit)-1])) {
				at = i
			}
		}
		j.m[fmt.Sprintf("components.effective_at_s_crit_%d", n)] = last[at]
	}
	if err := j.save("components_effective", rows, len(counts), len(widths)); err != nil {
		return err
	}
	if err := j.save("components_s_crit", crit, len(crit)); err != nil {
		return err
	}
	if err := j.save("components_counts", counts, len(counts)); err != nil {
		return err
	}
	return j.save("components_widths", widths, len(widths))
}

// meanSlope is mean |F'| at the training points, by central differences.
func (j *judging) meanSlope(ctx context.Context, x []float64) (float64, error) {
	const h = 1e-5
	var p []float64
	for _, v := range x {
		p = append(p, v+h, v-h)
	}
	f, err := j.forward(ctx, p)
	if err != nil {
		return 0, err
	}
	s := 0.0
	for i := range x {
		q := 0.0
		for k := range j.nd {
			d := (f[(2*i)*j.nd+k] - f[(2*i+1)*j.nd+k]) / (2 * h)
			q += d * d
		}
		s += math.Sqrt(q) / float64(len(x))
	}
	return s, nil
}
