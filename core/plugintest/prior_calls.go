package plugintest

import (
	"errors"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/gradcheck"
	"github.com/waveprior/waveprior/core/tensor"
)

func checkPriorConfigureFirst(p *probe) {
	s := p.start()
	sp := p.targets()[0]
	if p.desc.Has(contract.CapDenoise) {
		_, err := s.prior.Denoise(p.ctx, sp.New(1), []int{0}, sp.New(1))
		p.want(err, contract.ErrNotConfigured, "Denoise before Configure")
	}
	if p.desc.Has(contract.CapDecode) {
		_, err := s.prior.Decode(p.ctx, sp.New(1), sp.New(1), nil)
		p.want(err, contract.ErrNotConfigured, "Decode before Configure")
	}
}

func checkPriorSpaces(p *probe) {
	s := p.subject()
	c := &s.conf
	checkSpace(p, "latent", c.Latent)
	if p.desc.Has(contract.CapDenoise) {
		if c.Schedule == nil {
			p.failf("it claims denoise and Configure answers without a schedule")
		} else if err := c.Schedule.Validate(); err != nil {
			p.failf("%v", err)
		}
	}
	if p.desc.Has(contract.CapDecode) && c.Model == nil && c.Data == nil {
		p.failf("it claims decode and Configure answers with neither a model nor a data space")
	}
	if len(p.fail) > 0 {
		p.unconfigured = "what Configure answers is not sound, see spaces"
		return
	}
	p.notef("latent %v", c.Latent)
	if c.Schedule != nil {
		p.notef("%d levels, sigma %.3g to %.3g", c.Schedule.Steps(), c.Schedule.Sigma[0], c.Schedule.Sigma[c.Schedule.Steps()-1])
	}
}

// weights draws the numbers of one item of a space's type.
func (p *probe) weights(what string, i int, like *tensor.Tensor) *tensor.Tensor {
	return normals(like.DType, 1, p.stream(what, i), like.Shape...)
}

func checkDenoiseTaylor(p *probe) {
	p.needs(contract.CapDenoise, contract.CapDenoiseVJP)
	s := p.subject()
	sp, e := s.conf.Latent, eps(s.conf.Latent.DType)
	top := s.conf.Schedule.Steps() - 1
	levels := []int{top / 4, top / 2, top}
	xs := p.noisy(s, p.latents(s, len(levels)), levels)
	// Several weights at once: the remainder along one of them may vanish at a step by chance.
	const weights = 8
	for i, t := range levels {
		x := xs.Item(i).AppendReals(nil)
		w := normals(sp.DType, 1, p.stream("weights", i), sp.BatchShape(weights)...)
		dx := normals(sp.DType, 0.5*s.conf.Schedule.Sigma[t], p.stream("direction", i), sp.BatchShape(1)...).AppendReals(nil)
		at, level, g := sp.New(weights), make([]int, weights), sp.New(weights)
		for k := range weights {
			at.Item(k).SetReals(x)
			level[k] = t
		}
		st, err := s.prior.DenoiseVJP(p.ctx, at, level, w, g)
		p.ok(st, err, "DenoiseVJP")
		products := func(a *tensor.Tensor, v []float64) []float64 {
			out := make([]float64, weights)
			for k := range out {
				out[k] = inner(a.Item(k).AppendReals(nil), v)
			}
			return out
		}
		f := func(x []float64) ([]float64, error) {
			x0 := sp.New(1)
			st, err := s.prior.Denoise(p.ctx, one(sp, x), []int{t}, x0)
			if err == nil && contract.StatusAt(st, 0).Code != contract.OK {
				err = statusError{contract.StatusAt(st, 0)}
			}
			return products(w, x0.AppendReals(nil)), err
		}
		p.taylor("<x0, w>", e*math.Sqrt(float64(sp.Reals())), f, x, dx, products(g, dx))
	}
}

func checkMixture(p *probe) {
	p.needs(contract.CapMixture)
	s := p.subject()
	m, err := s.prior.Mixture(p.ctx)
	p.must(err, "Mixture")
	closed, err := m.Closed()
	p.must(err, "Mixture")
	sum := 0.0
	for _, w := range m.Weights.Float64s() {
		sum += w
	}
	if math.Abs(sum-1) > 1e-9 {
		p.failf("the weights sum to %.17g", sum)
	}
	p.notef("%d components in %d dimensions", closed.N(), closed.Dim)
	if closed.Dim != s.conf.Latent.Reals() {
		p.fatalf("the mixture has %d dimensions, the latent space %d real numbers", closed.Dim, s.conf.Latent.Reals())
	}
	if !p.desc.Has(contract.CapDenoise) {
		return
	}
	n := p.o.Batch
	level := spread(s.conf.Schedule.Steps(), n)
	x, x0 := p.noisy(s, p.latents(s, n), level), s.conf.Latent.New(n)
	st, err := s.prior.Denoise(p.ctx, x, level, x0)
	p.ok(st, err, "Denoise")
	worst := 0.0
	for i, t := range level {
		l, err := closed.At(s.conf.Schedule.Alpha[t], s.conf.Schedule.Sigma[t])
		p.must(err, "level %d", t)
		want := make([]float64, closed.Dim)
		l.Denoise(want, x.Item(i).AppendReals(nil))
		got := x0.Item(i).AppendReals(nil)
		diff := make([]float64, len(got))
		for k := range got {
			diff[k] = got[k] - want[k]
		}
		rel := gradcheck.Norm(diff) / max(gradcheck.Norm(want), p.o.Scale)
		worst = max(worst, rel)
		// Responsibilities multiply rounding by |x|^2/sigma^2: 1e-8 of 2e-16 leaves room for sigma = 1e-3.
		if tol := 1e2 * dotTolerance(eps(s.conf.Latent.DType)); !(rel <= tol) {
			p.failf("level %d: Denoise differs from the mixture's denoiser by %.2e (allowed: %.0e): %v and %v", t, rel, tol, got, want)
		}
	}
	p.notef("largest difference %.1e", worst)
}

// decode returns the model and the data of z, one after the other, as real numbers.
func (p *probe) decode(s *subject, z []float64) ([]float64, error) {
	model, data := s.decoded()
	su := p.suite.(*priorSuite)
	m, d := su.out(model, 1), su.out(data, 1)
	st, err := s.prior.Decode(p.ctx, one(s.conf.Latent, z), m, d)
	if err == nil && contract.StatusAt(st, 0).Code != contract.OK {
		err = statusError{contract.StatusAt(st, 0)}
	}
	return reals(m, d), err
}

// reals are the numbers of the tensors that are there, in order.
func reals(ts ...*tensor.Tensor) []float64 {
	var v []float64
	for _, t := range outputs(ts...) {
		v = t.AppendReals(v)
	}
	return v
}

// decodeJVP and decodeVJP are the derivatives of decode.
func (p *probe) decodeJVP(s *subject, z, dz []float64) []float64 {
	model, data := s.decoded()
	su := p.suite.(*priorSuite)
	dm, dd := su.out(model, 1, 1), su.out(data, 1, 1)
	in := one(s.conf.Latent, dz)
	st, err := s.prior.DecodeJVP(p.ctx, one(s.conf.Latent, z), in.Reshape(append([]int{1}, in.Shape...)...), dm, dd)
	p.ok(st, err, "DecodeJVP")
	return reals(dm, dd)
}

func (p *probe) decodeVJP(s *subject, z, w []float64) []float64 {
	model, data := s.decoded()
	su := p.suite.(*priorSuite)
	wm, wd, dz := su.out(model, 1, 1), su.out(data, 1, 1), su.out(s.conf.Latent, 1, 1)
	for _, t := range outputs(wm, wd) {
		t.SetReals(w[:t.Reals()])
		w = w[t.Reals():]
	}
	st, err := s.prior.DecodeVJP(p.ctx, one(s.conf.Latent, z), wm, wd, dz)
	p.ok(st, err, "DecodeVJP")
	return dz.AppendReals(nil)
}

// decodePoint draws a latent vector, a direction there, and weights of what is decoded, rounded to their types.
func (p *probe) decodePoint(s *subject, i int) (z, dz, w []float64, e float64) {
	model, data := s.decoded()
	su := p.suite.(*priorSuite)
	z = p.latents(s, i+1).Item(i).AppendReals(nil)
	dz = normals(s.conf.Latent.DType, 0.1*p.o.Scale, p.stream("direction", i), s.conf.Latent.BatchShape(1)...).AppendReals(nil)
	e = eps(s.conf.Latent.DType)
	for _, t := range outputs(su.out(model, 1), su.out(data, 1)) {
		w = p.weights("weights", i, t).AppendReals(w)
		e = max(e, eps(t.DType))
	}
	return z, dz, w, e
}

func checkDecodeTaylor(p *probe) {
	p.needs(contract.CapDecode, contract.CapDecodeJVP)
	s := p.subject()
	for i := range checkedModels {
		z, dz, _, e := p.decodePoint(s, i)
		p.taylor("decode", e, func(z []float64) ([]float64, error) { return p.decode(s, z) }, z, dz, p.decodeJVP(s, z, dz))
	}
}

func checkDecodeVJPTaylor(p *probe) {
	p.needs(contract.CapDecode, contract.CapDecodeVJP)
	s := p.subject()
	for i := range checkedModels {
		z, dz, w, e := p.decodePoint(s, i)
		p.taylor("<decode, w>", e*math.Sqrt(float64(len(w))), func(z []float64) ([]float64, error) {
			v, err := p.decode(s, z)
			return []float64{inner(v, w)}, err
		}, z, dz, []float64{inner(p.decodeVJP(s, z, w), dz)})
	}
}

func checkDecodeDot(p *probe) {
	p.needs(contract.CapDecodeJVP, contract.CapDecodeVJP)
	s := p.subject()
	for i := range checkedModels {
		z, dz, w, e := p.decodePoint(s, i)
		dot := gradcheck.DotProduct(dz, p.decodeJVP(s, z, dz), w, p.decodeVJP(s, z, w))
		if err := dot.Check(dotTolerance(e)); err != nil {
			p.failf("latent vector %d: %v", i, err)
		}
		p.notef("%v", dot)
	}
}

func checkEncode(p *probe) {
	p.needs(contract.CapDecode, contract.CapEncode)
	s := p.subject()
	model, data := s.decoded()
	su := p.suite.(*priorSuite)
	worst := 0.0
	for i := range checkedModels {
		z := p.latents(s, i+1).Slice(i, i+1)
		a, b := [2]*tensor.Tensor{su.out(model, 1), su.out(data, 1)}, [2]*tensor.Tensor{su.out(model, 1), su.out(data, 1)}
		st, err := s.prior.Decode(p.ctx, z, a[0], a[1])
		p.ok(st, err, "Decode")
		again := su.out(s.conf.Latent, 1)
		st, err = s.prior.Encode(p.ctx, a[0], a[1], again)
		p.ok(st, err, "Encode")
		st, err = s.prior.Decode(p.ctx, again, b[0], b[1])
		p.ok(st, err, "Decode")
		u, v := reals(a[:]...), reals(b[:]...)
		for k := range v {
			v[k] -= u[k]
		}
		rel := gradcheck.Norm(v) / max(gradcheck.Norm(u), math.SmallestNonzeroFloat64)
		worst = max(worst, rel)
		if !(rel <= p.o.EncodeTolerance) {
			p.failf("decode(encode(m)) differs from m = decode(z) by %.2e of its norm (allowed: %.0e)", rel, p.o.EncodeTolerance)
		}
	}
	p.notef("largest difference %.1e", worst)
}

func checkPriorShapes(p *probe) {
	s := p.subject()
	latent := s.conf.Latent
	ops := p.operations(p, s, -1)
	var before []outcome
	for _, op := range ops {
		before = append(before, p.do(op, []int{0, 1}))
	}
	wrong := tensor.New(latent.DType, longer(latent.BatchShape(2))...)
	if p.desc.Has(contract.CapDenoise) {
		call := func(x *tensor.Tensor, level []int, x0 *tensor.Tensor, what string) {
			_, err := s.prior.Denoise(p.ctx, x, level, x0)
			p.want(err, contract.ErrShape, "Denoise with %s", what)
		}
		call(wrong, []int{0, 0}, latent.New(2), "a longer x")
		call(tensor.New(otherDType(latent.DType), latent.BatchShape(2)...), []int{0, 0}, latent.New(2), "an x of another type")
		call(latent.New(2), []int{0, 0}, latent.New(3), "3 places for 2 items")
		call(latent.New(2), []int{0}, latent.New(2), "1 level for 2 items")
		if _, err := s.prior.Denoise(p.ctx, latent.New(1), []int{s.conf.Schedule.Steps()}, latent.New(1)); err == nil {
			p.failf("Denoise at level %d of 0..%d: no error", s.conf.Schedule.Steps(), s.conf.Schedule.Steps()-1)
		} else if errors.Is(err, errBroken) {
			p.must(err, "Denoise")
		}
	}
	if p.desc.Has(contract.CapDecode) {
		model, data := s.decoded()
		su := p.suite.(*priorSuite)
		_, err := s.prior.Decode(p.ctx, wrong, su.out(model, 2), su.out(data, 2))
		p.want(err, contract.ErrShape, "Decode of longer latent vectors")
		_, err = s.prior.Decode(p.ctx, latent.New(2), su.out(model, 3), su.out(data, 3))
		p.want(err, contract.ErrShape, "Decode of 2 latent vectors to 3 places")
	}
	for i, op := range ops {
		p.same(op, before[i], []int{0, 1}, p.do(op, []int{0, 1}), "after refused calls")
	}
}

func checkPriorCapabilities(p *probe) {
	s := p.subject()
	l := s.conf.Latent
	su := p.suite.(*priorSuite)
	model, data := s.decoded()
	var unclaimed []contract.Capability
	for _, c := range []struct {
		c    contract.Capability
		call func() error
	}{
		{contract.CapTrain, func() error { return s.prior.Train(p.ctx, contract.TrainRequest{}, nil) }},
		{contract.CapDenoise, func() error { _, err := s.prior.Denoise(p.ctx, l.New(1), []int{0}, l.New(1)); return err }},
		{contract.CapDenoiseVJP, func() error {
			_, err := s.prior.DenoiseVJP(p.ctx, l.New(1), []int{0}, l.New(1), l.New(1))
			return err
		}},
		{contract.CapDecode, func() error { _, err := s.prior.Decode(p.ctx, l.New(1), su.out(model, 1), su.out(data, 1)); return err }},
		{contract.CapDecodeVJP, func() error {
			_, err := s.prior.DecodeVJP(p.ctx, l.New(1), su.out(model, 1, 1), su.out(data, 1, 1), su.out(l, 1, 1))
			return err
		}},
		{contract.CapDecodeJVP, func() error {
			_, err := s.prior.DecodeJVP(p.ctx, l.New(1), su.out(l, 1, 1), su.out(model, 1, 1), su.out(data, 1, 1))
			return err
		}},
		{contract.CapEncode, func() error { _, err := s.prior.Encode(p.ctx, su.out(model, 1), su.out(data, 1), l.New(1)); return err }},
		{contract.CapMixture, func() error { _, err := s.prior.Mixture(p.ctx); return err }},
	} {
		if !p.desc.Has(c.c) {
			unclaimed = append(unclaimed, c.c)
			p.want(c.call(), contract.ErrUnsupported, "a call of %s, which is not claimed", c.c)
		}
	}
	for _, c := range []contract.Capability{contract.CapMisfit, contract.CapGradient, contract.CapJVP, contract.CapVJP} {
		if p.desc.Has(c) {
			p.failf("capability %q is not one of a prior", c)
		}
	}
	p.notef("not claimed: %v", unclaimed)
}
