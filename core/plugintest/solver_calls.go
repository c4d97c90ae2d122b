package plugintest

import (
	"bytes"
	"errors"
	"math"
	"strings"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
)

func checkConfigureFirst(p *probe) {
	sh := p.subject() // for the shapes
	model, data := sh.spaces()
	s := p.start()
	_, err := s.solver.Forward(p.ctx, model.New(1), data.New(1))
	p.want(err, contract.ErrNotConfigured, "Forward before Configure")
	if p.desc.Has(contract.CapMisfit) {
		p.want(s.solver.Observe(p.ctx, data.New(1), []float64{1}), contract.ErrNotConfigured, "Observe before Configure")
		_, err := s.solver.Misfit(p.ctx, model.New(1), []int{0}, make([]float64, 1), nil)
		p.want(err, contract.ErrNotConfigured, "Misfit before Configure")
	}
}

func checkObserveFirst(p *probe) {
	p.subject() // that it can be configured at all
	p.needs(contract.CapMisfit)
	s := p.start()
	p.must(p.configure(s, nil), "Configure")
	m := points(s.conf.Model, 1, p.o.Scale, p.o.Models, p.source("model"))
	_, err := s.solver.Misfit(p.ctx, m, []int{0}, make([]float64, 1), nil)
	p.want(err, contract.ErrNoObservation, "Misfit before Observe")
}

func checkForward(p *probe) {
	s := p.subject()
	model, data := s.spaces()
	m := points(model, p.o.Batch, p.o.Scale, p.o.Models, p.source("model"))
	d := soil(data.New(p.o.Batch), 0xff) // NaN in every float
	st, err := s.solver.Forward(p.ctx, m, d)
	p.ok(st, err, "Forward")
	for i := range p.o.Batch {
		for k, v := range d.Item(i).AppendReals(nil) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				p.fatalf("item %d, number %d is %g, and the item's status is OK", i, k, v)
			}
		}
	}
	p.notef("rms of the data %.3g", rms(d.AppendReals(nil)))
}

// checkDirections: K at once, one at a time, and shared sets.
func checkDirections(p *probe) {
	s := p.subject()
	model, data := s.spaces()
	const n, k = 3, directions
	m := points(model, n, p.o.Scale, p.o.Models, p.source("model"))
	type linear struct {
		name     string
		in, out  func(n, k int) *tensor.Tensor
		call     func(m, in, out *tensor.Tensor) ([]contract.Status, error)
		claimed  bool
		inScale  float64
		inStream int
	}
	dirs := func(dt tensor.DType, item []int) func(n, k int) *tensor.Tensor {
		return func(n, k int) *tensor.Tensor { return soil(tensor.New(dt, append([]int{n, k}, item...)...), 0xff) }
	}
	mDirs, dDirs := dirs(model.DType, model.ItemShape()), dirs(data.DType, data.ItemShape())
	any := false
	for _, l := range []linear{
		{"JVP", mDirs, dDirs, func(m, in, out *tensor.Tensor) ([]contract.Status, error) { return s.solver.JVP(p.ctx, m, in, out) }, p.desc.Has(contract.CapJVP), p.o.Scale, 0},
		{"VJP", dDirs, mDirs, func(m, in, out *tensor.Tensor) ([]contract.Status, error) { return s.solver.VJP(p.ctx, m, in, out) }, p.desc.Has(contract.CapVJP), 1, 1},
	} {
		if !l.claimed {
			continue
		}
		any = true
		shared := normals(l.in(1, k).DType, l.inScale, p.stream("directions", l.inStream), l.in(1, k).Shape...)
		repeated := l.in(n, k)
		for i := range n {
			repeated.Item(i).CopyFrom(shared.Item(0))
		}
		a, b := l.out(n, k), l.out(n, k)
		st, err := l.call(m, repeated, a)
		p.ok(st, err, l.name)
		st, err = l.call(m, shared, b)
		p.ok(st, err, l.name+" with one set for all")
		if !bytes.Equal(a.Data, b.Data) {
			p.failf("%s: one set for all items and the same set for each item differ", l.name)
		}
		for j := range k {
			in, out := l.in(1, 1), l.out(n, 1)
			in.Item(0).Item(0).CopyFrom(shared.Item(0).Item(j))
			st, err := l.call(m, in, out)
			p.ok(st, err, l.name+" of one direction")
			for i := range n {
				if !bytes.Equal(out.Item(i).Item(0).Data, a.Item(i).Item(j).Data) {
					p.failf("%s: direction %d of item %d alone and among %d differ", l.name, j, i, k)
				}
			}
		}
	}
	if !any {
		p.skipf("neither jvp nor vjp is claimed")
	}
}

func checkPhiAlone(p *probe) {
	p.needs(contract.CapGradient)
	s := p.subject()
	for i, x := range p.models(s) {
		a, _, err := p.misfit(s, x, 0, true)
		p.must(err, "Misfit with gradient")
		b, _, err := p.misfit(s, x, 0, false)
		p.must(err, "Misfit")
		if math.Float64bits(a) != math.Float64bits(b) {
			p.failf("model %d: phi is %.17g with a gradient and %.17g without", i, a, b)
		}
	}
}

func checkSolverInputs(p *probe) {
	s := p.fresh(nil)
	model, data := s.spaces()
	n := 3
	if s.inst.Alloc != nil { // large enough for shared memory: small tensors are copied on their way
		n = max(n, (64<<10)/max(1, min(model.Len()*model.DType.Size(), data.Len()*data.DType.Size()))+1)
	}
	m0 := points(model, n, p.o.Scale, p.o.Models, p.source("model"))
	m := p.alloc(s, m0)
	d := p.alloc(s, data.New(n))
	st, err := s.solver.Forward(p.ctx, m, d)
	p.ok(st, err, "Forward")
	p.unchanged("Forward", "m", m, m0)
	if p.desc.Has(contract.CapMisfit) {
		d0, tau, which := d.Clone(), make([]float64, n), upTo(n)
		for i := range tau {
			tau[i] = 1
		}
		p.must(s.solver.Observe(p.ctx, d, tau), "Observe of %d data", n)
		p.unchanged("Observe", "d", d, d0)
		var g *tensor.Tensor
		if p.desc.Has(contract.CapGradient) {
			g = p.alloc(s, model.New(n))
		}
		st, err := s.solver.Misfit(p.ctx, m, which, make([]float64, n), g)
		p.ok(st, err, "Misfit")
		p.unchanged("Misfit", "m", m, m0)
	}
	k1 := func(shape []int) []int { return append([]int{shape[0], 1}, shape[1:]...) }
	if p.desc.Has(contract.CapJVP) {
		dm0 := normals(model.DType, p.o.Scale, p.stream("directions", 0), k1(m.Shape)...)
		dm := p.alloc(s, dm0)
		st, err := s.solver.JVP(p.ctx, m, dm, p.alloc(s, tensor.New(data.DType, k1(d.Shape)...)))
		p.ok(st, err, "JVP")
		p.unchanged("JVP", "m", m, m0)
		p.unchanged("JVP", "dm", dm, dm0)
	}
	if p.desc.Has(contract.CapVJP) {
		w0 := normals(data.DType, 1, p.stream("directions", 1), k1(d.Shape)...)
		w := p.alloc(s, w0)
		st, err := s.solver.VJP(p.ctx, m, w, p.alloc(s, tensor.New(model.DType, k1(m.Shape)...)))
		p.ok(st, err, "VJP")
		p.unchanged("VJP", "m", m, m0)
		p.unchanged("VJP", "w", w, w0)
	}
}

// longer is a shape whose last extent is one more.
func longer(shape []int) []int {
	s := append([]int(nil), shape...)
	s[len(s)-1]++
	return s
}

// otherDType is another type of the same kind of number.
func otherDType(dt tensor.DType) tensor.DType {
	switch dt {
	case tensor.Float64:
		return tensor.Float32
	case tensor.Complex64:
		return tensor.Complex128
	case tensor.Complex128:
		return tensor.Complex64
	}
	return tensor.Float64
}

func checkSolverShapes(p *probe) {
	s := p.subject()
	model, data := s.spaces()
	forward := p.operations(p, s, -1)[0]
	before := p.do(forward, []int{0, 1})
	refuse := func(err error, what string) { p.want(err, contract.ErrShape, "%s", what) }
	call := func(m, d *tensor.Tensor, what string) {
		_, err := s.solver.Forward(p.ctx, m, d)
		refuse(err, "Forward with "+what)
	}
	call(tensor.New(model.DType, longer(model.BatchShape(2))...), data.New(2), "a longer model")
	call(tensor.New(otherDType(model.DType), model.BatchShape(2)...), data.New(2), "a model of another type")
	call(tensor.New(model.DType, append(model.BatchShape(2), 1)...), data.New(2), "a model of one axis more")
	call(model.New(2), tensor.New(data.DType, longer(data.BatchShape(2))...), "a place for longer data")
	call(model.New(2), tensor.New(otherDType(data.DType), data.BatchShape(2)...), "a place for data of another type")
	call(model.New(2), data.New(3), "places for 3 data for 2 models")
	if p.desc.Has(contract.CapMisfit) {
		m := points(model, 2, p.o.Scale, p.o.Models, p.source("model"))
		if _, err := s.solver.Misfit(p.ctx, m, []int{0, 1 << 20}, make([]float64, 2), nil); err == nil {
			p.failf("Misfit against observation %d of 2: no error", 1<<20)
		} else if errors.Is(err, errBroken) {
			p.must(err, "Misfit")
		}
		if p.desc.Has(contract.CapGradient) {
			_, err := s.solver.Misfit(p.ctx, m, []int{0, 1}, make([]float64, 2), tensor.New(model.DType, longer(model.BatchShape(2))...))
			refuse(err, "Misfit with a longer gradient")
		}
	}
	two := func(dt tensor.DType, item []int, n, k int) *tensor.Tensor {
		return tensor.New(dt, append([]int{n, k}, item...)...)
	}
	ms, ds := model.ItemShape(), data.ItemShape()
	if p.desc.Has(contract.CapJVP) {
		_, err := s.solver.JVP(p.ctx, model.New(2), two(model.DType, ms, 2, 2), two(data.DType, ds, 2, 3))
		refuse(err, "JVP of 2 directions with places for 3")
		_, err = s.solver.JVP(p.ctx, model.New(3), two(model.DType, ms, 2, 2), two(data.DType, ds, 3, 2))
		refuse(err, "JVP of 3 models with 2 sets of directions")
	}
	if p.desc.Has(contract.CapVJP) {
		_, err := s.solver.VJP(p.ctx, model.New(2), two(data.DType, ds, 2, 2), two(model.DType, ms, 2, 3))
		refuse(err, "VJP of 2 directions with places for 3")
		_, err = s.solver.VJP(p.ctx, model.New(2), two(data.DType, longer(ds), 2, 2), two(model.DType, ms, 2, 2))
		refuse(err, "VJP of longer directions")
	}
	p.same(forward, before, []int{0, 1}, p.do(forward, []int{0, 1}), "after refused calls")
}

func checkBounds(p *probe) {
	s := p.subject()
	model, data := s.spaces()
	lower, upper := limits(model)
	k, out := -1, 0.0
	for i := range lower {
		if !math.IsInf(upper[i], 0) {
			k, out = i, upper[i]+max(1, math.Abs(upper[i]))
		} else if !math.IsInf(lower[i], 0) {
			k, out = i, lower[i]-max(1, math.Abs(lower[i]))
		}
	}
	if k < 0 {
		p.skipf("the model space has no bounds")
	}
	m := points(model, 3, p.o.Scale, p.o.Models, p.source("model"))
	clean, d := data.New(3), data.New(3)
	st, err := s.solver.Forward(p.ctx, m, clean)
	p.ok(st, err, "Forward")
	v := m.Item(1).AppendReals(nil)
	v[k] = out
	m.Item(1).SetReals(v)
	st, err = s.solver.Forward(p.ctx, m, d)
	p.must(err, "Forward")
	got := contract.StatusAt(st, 1)
	if got.Code == contract.OK || strings.TrimSpace(got.Text) == "" {
		p.failf("a model with number %d = %g outside %g..%g has status %q, want one that is not OK, with a text", k, out, lower[k], upper[k], got)
	}
	for _, i := range []int{0, 2} {
		if diff := differ(outcome{[]*tensor.Tensor{clean}, nil}, i, outcome{[]*tensor.Tensor{d}, st}, i); diff != "" {
			p.failf("item %d beside a model outside its bounds: %s", i, diff)
		}
	}
	p.notef("%v", got)
}

func checkObservations(p *probe) {
	p.needs(contract.CapMisfit)
	s := p.fresh(nil)
	su := p.suite.(*solverSuite)
	d, tau := su.observations(p, s)
	x := p.models(s)[0]
	phi := func(which int) float64 {
		v, _, err := p.misfit(s, x, which, false)
		p.must(err, "Misfit")
		return v
	}
	a := [2]float64{phi(0), phi(1)}
	swapped := pick(d, []int{1, 0})
	p.must(s.solver.Observe(p.ctx, swapped, []float64{tau[1], tau[0]}), "Observe")
	soil(swapped, 0xff)
	if b := [2]float64{phi(1), phi(0)}; a != b {
		p.failf("observations replaced by the same in the other order: phi %v became %v", a, b)
	}
	p.must(s.solver.Observe(p.ctx, d.Slice(0, 1), tau[:1]), "Observe of one")
	if b := phi(0); b != a[0] {
		p.failf("observed again alone: phi %g became %g", a[0], b)
	}
	if _, _, err := p.misfit(s, x, 1, false); err == nil {
		p.failf("Misfit against observation 1 of 1: no error")
	}
	for _, bad := range []float64{0, -1, math.NaN()} {
		if err := s.solver.Observe(p.ctx, d.Slice(0, 1), []float64{bad}); err == nil {
			p.failf("Observe with noise_std = %g: no error (tau must be above 0)", bad)
		} else if errors.Is(err, errBroken) {
			p.must(err, "Observe")
		}
	}
}

func checkSolverCapabilities(p *probe) {
	s := p.subject()
	model, data := s.spaces()
	k1 := func(dt tensor.DType, item []int) *tensor.Tensor {
		return tensor.New(dt, append([]int{1, 1}, item...)...)
	}
	m, d := model.New(1), data.New(1)
	dm, dd := k1(model.DType, model.ItemShape()), k1(data.DType, data.ItemShape())
	var unclaimed []contract.Capability
	for _, c := range []struct {
		c    contract.Capability
		call func() error
	}{
		{contract.CapMisfit, func() error { return s.solver.Observe(p.ctx, d, []float64{1}) }},
		{contract.CapMisfit, func() error {
			_, err := s.solver.Misfit(p.ctx, m, []int{0}, make([]float64, 1), nil)
			return err
		}},
		{contract.CapGradient, func() error {
			_, err := s.solver.Misfit(p.ctx, m, []int{0}, make([]float64, 1), model.New(1))
			return err
		}},
		{contract.CapJVP, func() error { _, err := s.solver.JVP(p.ctx, m, dm, dd); return err }},
		{contract.CapVJP, func() error { _, err := s.solver.VJP(p.ctx, m, dd, dm); return err }},
	} {
		if !p.desc.Has(c.c) {
			unclaimed = append(unclaimed, c.c)
			p.want(c.call(), contract.ErrUnsupported, "a call of %s, which is not claimed", c.c)
		}
	}
	for _, c := range p.desc.Capabilities {
		switch c {
		case contract.CapTrain, contract.CapMisfit, contract.CapGradient, contract.CapJVP, contract.CapVJP:
		default:
			p.failf("capability %q is not one of a solver (train, misfit, gradient, jvp, vjp)", c)
		}
	}
	p.notef("not claimed: %v", unclaimed)
}
