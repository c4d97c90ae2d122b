package plugintest

import (
	"context"
	"encoding/json"
	"math"
	"sync/atomic"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// directions is the K of the checks of several directions.
const directions = 3

// CheckSolver runs the suite of solvers.
func CheckSolver(ctx context.Context, t Target, o Options) []Property {
	return run(ctx, &solverSuite{}, t, o)
}

// solverSuite is the suite of solvers; with problem set, of problems composed of plugins.
type solverSuite struct {
	problem bool
	pattern atomic.Uint32 // what outputs are soiled with: another at each call
}

func (*solverSuite) kind() contract.Kind { return contract.KindSolver }

func (su *solverSuite) config(p *probe, resolved json.RawMessage) contract.Config {
	if su.problem {
		resolved = nil
	}
	return contract.Config{Options: resolved, Seed: p.o.Seed, Device: p.o.Device, Threads: p.o.Threads}
}

// source draws models, observations and the like.
func (p *probe) source(what string) func(i int) rng.Source {
	return func(i int) rng.Source { return p.stream(what, i) }
}

// spaces returns the model and the data space.
func (s *subject) spaces() (model, data *space.Space) { return s.conf.Model, s.conf.Data }

// observations are two: data of two other models, with a noise of a tenth of their size.
func (su *solverSuite) observations(p *probe, s *subject) (*tensor.Tensor, []float64) {
	model, data := s.spaces()
	m := points(model, 2, p.o.Scale, p.o.Models, p.source("truth"))
	d := data.New(2)
	st, err := s.solver.Forward(p.ctx, m, d)
	p.must(err, "Forward for the observations")
	tau := make([]float64, 2)
	for i := range tau {
		if code := contract.StatusAt(st, i); code.Code != contract.OK {
			p.fatalf("Forward of a model for the observations: %v (give models that it takes)", code)
		}
		v := d.Item(i).AppendReals(nil)
		tau[i] = 0.1 * float64(i+1) * rms(v)
		if !(tau[i] > 0) || math.IsInf(tau[i], 0) {
			tau[i] = 1
		}
		src := p.stream("noise", i)
		for k := range v {
			v[k] += tau[i] * src.Normal(k)
		}
		d.Item(i).SetReals(v)
	}
	return d, tau
}

func (su *solverSuite) prepare(p *probe, s *subject) {
	if !p.desc.Has(contract.CapMisfit) {
		return
	}
	d, tau := su.observations(p, s)
	p.must(s.solver.Observe(p.ctx, d, tau), "Observe")
}

// out is an output, soiled.
func (su *solverSuite) out(dt tensor.DType, shape ...int) *tensor.Tensor {
	return soil(tensor.New(dt, shape...), byte(su.pattern.Add(1)*37))
}

func (su *solverSuite) operations(p *probe, s *subject, poison int) []operation {
	model, data := s.spaces()
	n := p.o.Batch
	m := points(model, n, p.o.Scale, p.o.Models, p.source("model"))
	if poison >= 0 {
		setNaN(m, poison)
	}
	which := make([]int, n)
	for i := range which {
		which[i] = i % 2
	}
	k := directions
	dm := normals(model.DType, p.o.Scale, p.stream("directions", 0), append([]int{n, k}, model.ItemShape()...)...)
	w := normals(data.DType, 1, p.stream("directions", 1), append([]int{n, k}, data.ItemShape()...)...)
	dirs := func(sp *space.Space, n int) []int { return append([]int{n, k}, sp.ItemShape()...) }

	ops := []operation{{name: "Forward", n: n, run: func(items []int) ([]*tensor.Tensor, []contract.Status, error) {
		d := su.out(data.DType, data.BatchShape(len(items))...)
		st, err := s.solver.Forward(p.ctx, pick(m, items), d)
		return []*tensor.Tensor{d}, st, err
	}}}
	if p.desc.Has(contract.CapMisfit) {
		ops = append(ops, operation{name: "Misfit", n: n, inline: 1, run: func(items []int) ([]*tensor.Tensor, []contract.Status, error) {
			phi := su.out(tensor.Float64, len(items))
			outs := []*tensor.Tensor{phi}
			var g *tensor.Tensor
			if p.desc.Has(contract.CapGradient) {
				g = su.out(model.DType, model.BatchShape(len(items))...)
				outs = append(outs, g)
			}
			st, err := s.solver.Misfit(p.ctx, pick(m, items), pickInts(which, items), phi.Float64s(), g)
			return outs, st, err
		}})
	}
	if p.desc.Has(contract.CapJVP) {
		ops = append(ops, operation{name: "JVP", n: n, run: func(items []int) ([]*tensor.Tensor, []contract.Status, error) {
			dd := su.out(data.DType, dirs(data, len(items))...)
			st, err := s.solver.JVP(p.ctx, pick(m, items), pick(dm, items), dd)
			return []*tensor.Tensor{dd}, st, err
		}})
	}
	if p.desc.Has(contract.CapVJP) {
		ops = append(ops, operation{name: "VJP", n: n, run: func(items []int) ([]*tensor.Tensor, []contract.Status, error) {
			g := su.out(model.DType, dirs(model, len(items))...)
			st, err := s.solver.VJP(p.ctx, pick(m, items), pick(w, items), g)
			return []*tensor.Tensor{g}, st, err
		}})
	}
	return ops
}

func (su *solverSuite) properties() []property {
	var list []property
	if !su.problem {
		list = append(list, basics(func(p *probe, c *contract.Configured) {
			checkSpace(p, "model", c.Model)
			checkSpace(p, "data", c.Data)
		})...)
		list = append(list,
			property{"configure-first", "Calls before Configure are refused as such.", checkConfigureFirst},
			property{"observe-first", "Misfit before Observe is refused as such.", checkObserveFirst})
	}
	list = append(list,
		property{"forward-finite", "Forward of models within their bounds is finite.", checkForward},
		property{"misfit", "phi = 1/2 sum (F(m) - d)^2 / tau^2 over real numbers, for the observation that is named.", checkMisfit},
		property{"gradient-taylor", "The gradient belongs to phi: Taylor remainders fall with slopes 1 and 2.", checkGradient},
		property{"jvp-taylor", "JVP belongs to Forward: Taylor remainders fall with slopes 1 and 2.", checkJVPTaylor},
		property{"vjp-taylor", "VJP belongs to Forward: Taylor remainders of <F(m), w> fall with slopes 1 and 2.", checkVJPTaylor},
		property{"dot-product", "VJP is the transpose of JVP: <J dm, w> = <dm, J^T w>.", checkDot},
		property{"gradient-is-vjp", "The gradient is J^T (F(m) - d) / tau^2.", checkGradientVJP},
		property{"directions", "K directions in one call, one at a time, and one set for all items give the same bits.", checkDirections},
		property{"phi-alone", "Misfit without a gradient gives the bits of phi with one.", checkPhiAlone},
		property{"inputs-read-only", "No call writes to its inputs.", checkSolverInputs},
		property{"shapes", "Wrong shapes and types are refused as such, and the solver lives on.", checkSolverShapes},
		property{"bounds", "A model outside its bounds gets a status, with a text, and the others keep their bits.", checkBounds},
		property{"observations", "Observe copies, and replaces what was observed before.", checkObservations},
		property{"capabilities", "Calls of capabilities that are not claimed are refused as unsupported.", checkSolverCapabilities})
	for _, b := range bits() {
		if su.problem && (b.name == "fresh-instance" || b.name == "threads" || b.name == "reconfigure") {
			continue
		}
		list = append(list, b)
	}
	if !su.problem {
		list = append(list, memoryFlat(1000))
	}
	return list
}
