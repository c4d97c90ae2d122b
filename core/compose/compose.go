// Package compose makes one solver of several parts: a prior's decoder, the adapters of package space and a solver
// become a solver whose model is the prior's latent vector and whose data are the adapted ones. A sampler sees nothing
// else: Forward, Misfit with its gradient, JVP and VJP are exact compositions of the parts' own (chain rule).
//
//	adapt, err := space.Between(*prior.Configured.Model, *solver.Configured.Model)
//	physics, err := compose.Physics(compose.Parts{Prior: prior, Model: adapt, Solver: solver})
//	st, err := physics.Misfit(ctx, z, which, phi, gradient) // z (batch, latent...), gradient alike
//
// Main types: Parts, [Problem] (a contract.FullSolver), Alloc. [Decoder] is the same for a joint prior that
// decodes data itself.
//
// An item that fails in one part (contract.Status) is not sent to the next ones and harms no other item. An item's result
// depends on that item alone, to the last bit, as it does in the parts.
//
// It does not configure, start or restart anything, and it holds no plugin: the parts are given configured and stay
// the caller's.
package compose

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// Numerics changes when the numbers of a composed problem or of the adapters of package space change: it is part of the keys of cached stages.
const Numerics = "1"

// Alloc gives memory for one intermediate tensor (zeroed or not) and a function that takes it back, which is called
// exactly once on every path. On the path of an error that wraps contract.ErrPluginDied a process that no longer answers
// may still be writing: release is called all the same, and it is the allocator that knows whether the range can be used
// again (the process has been waited for) or must be left alone.
type Alloc func(dt tensor.DType, shape ...int) (t *tensor.Tensor, release func(), err error)

// Heap is the Alloc of Go's heap.
func Heap(dt tensor.DType, shape ...int) (*tensor.Tensor, func(), error) {
	if _, err := tensor.Elements(shape); err != nil {
		return nil, nil, err
	}
	return tensor.New(dt, shape...), func() {}, nil
}

// Parts is what a Problem is made of, each part configured.
type Parts struct {
	Prior  *contract.PriorService  // nil: the latent vector is the solver's model, or what Model takes
	Model  *space.Adapter          // from the prior's model to the solver's; nil: they are the same
	Solver *contract.SolverService // required by Physics
	Data   *space.Adapter          // from the solver's (Decoder: the prior's) data to the observed ones; nil: the same
	Alloc  Alloc                   // of every intermediate; nil: Heap
}

// Problem is a composed solver. It is safe for concurrent use where its parts are, but for Observe.
type Problem struct {
	name   string
	latent space.Space
	data   space.Space
	stages []stage
	alloc  Alloc
	desc   contract.Description

	mu       sync.RWMutex
	observed *tensor.Tensor // where the observations are kept here: (observations, data...)
	noiseStd []float64
}

var _ contract.FullSolver = (*Problem)(nil)

// Physics composes latent -> prior.Decode -> Model -> solver -> Data. Errors: a part is missing or its spaces do not fit
// (space.ErrNoAdapter), the prior does not decode to a model (contract.ErrUnsupported).
func Physics(p Parts) (*Problem, error) {
	if p.Solver == nil || p.Solver.Configured.Model == nil || p.Solver.Configured.Data == nil {
		return nil, fmt.Errorf("compose: physics needs a configured solver (model and data space): %w", contract.ErrNotConfigured)
	}
	var s []stage
	if p.Prior != nil {
		d, err := decodeStage(p.Prior, false)
		if err != nil {
			return nil, err
		}
		s = append(s, d)
	}
	s = appendAdapter(s, p.Model)
	s = append(s, newSolverStage(p.Solver))
	s = appendAdapter(s, p.Data)
	return assemble("physics", p, s)
}

// Decoder composes latent -> prior.Decode's data -> Data for a joint prior: its data without physics. p.Solver and
// p.Model are not looked at.
func Decoder(p Parts) (*Problem, error) {
	if p.Prior == nil {
		return nil, fmt.Errorf("compose: decoder needs a configured prior: %w", contract.ErrNotConfigured)
	}
	d, err := decodeStage(p.Prior, true)
	if err != nil {
		return nil, err
	}
	return assemble("decoder", p, appendAdapter([]stage{d}, p.Data))
}

func appendAdapter(s []stage, a *space.Adapter) []stage {
	if a == nil {
		return s
	}
	return append(s, &adapterStage{a})
}

// assemble checks that every stage takes what the one before it gives, and drops the identities.
func assemble(name string, p Parts, stages []stage) (*Problem, error) {
	c := &Problem{name: name, latent: *stages[0].in(), data: *stages[len(stages)-1].out(), alloc: p.Alloc}
	if c.alloc == nil {
		c.alloc = Heap
	}
	c.latent.Name, c.data.Name = "latent", "data"
	for i, s := range stages {
		if i > 0 {
			before := stages[i-1]
			a, err := space.Between(*before.out(), *s.in())
			if err != nil {
				return nil, fmt.Errorf("compose: %s: %s does not fit %s: %w", name, before.name(), s.name(), err)
			}
			if !a.IsIdentity() {
				return nil, fmt.Errorf("compose: %s: %s gives %s, %s takes %s: put space.Between (%s) between them: %w",
					name, before.name(), before.out(), s.name(), s.in(), a.Name(), space.ErrNoAdapter)
			}
		}
		if ad, ok := s.(*adapterStage); !ok || !ad.a.IsIdentity() {
			c.stages = append(c.stages, s)
		}
	}
	c.desc = c.describe()
	return c, nil
}

// describe derives the capabilities of the whole from those of its parts.
func (c *Problem) describe() contract.Description {
	d := contract.Description{Kind: contract.KindSolver, Name: c.name, Contract: contract.Version}
	var names, versions, numerics []string
	jvp, vjp := true, true
	for _, s := range c.stages {
		names = append(names, s.name())
		if p := s.description(); p != nil {
			versions = append(versions, p.Name+" "+p.Version)
			numerics = append(numerics, p.Name+" "+p.Numerics)
		}
		jvp = jvp && s.lacks(contract.CapJVP) == nil
		vjp = vjp && s.lacks(contract.CapVJP) == nil
	}
	d.Doc = strings.Join(names, " -> ")
	d.Version, d.Numerics = strings.Join(versions, ", "), strings.Join(numerics, ", ")
	add := func(ok bool, name contract.Capability) {
		if ok {
			d.Capabilities = append(d.Capabilities, name)
		}
	}
	misfit, gradient := true, vjp
	if last := c.delegate(); last != nil {
		misfit, gradient = last.lacks(contract.CapMisfit) == nil, last.lacks(contract.CapGradient) == nil
		for _, s := range c.stages[:len(c.stages)-1] {
			gradient = gradient && s.lacks(contract.CapVJP) == nil
		}
	}
	add(misfit, contract.CapMisfit)
	add(misfit && gradient, contract.CapGradient)
	add(jvp, contract.CapJVP)
	add(vjp, contract.CapVJP)
	return d
}

// delegate returns the solver stage if it is the last one: then observations and misfit are its own.
func (c *Problem) delegate() *solverStage {
	s, _ := c.stages[len(c.stages)-1].(*solverStage)
	return s
}

// Describe names the parts (Doc) and has the capabilities that all of the parts together allow.
func (c *Problem) Describe() contract.Description { return c.desc }

// Latent returns the space of z. It is shared: do not change it.
func (c *Problem) Latent() *space.Space { return &c.latent }

// Data returns the space of the data. It is shared: do not change it.
func (c *Problem) Data() *space.Space { return &c.data }

// Configured returns the composed spaces: Model is the latent space.
func (c *Problem) Configured() contract.Configured {
	return contract.Configured{Model: &c.latent, Data: &c.data}
}

// Service returns the problem as a sampler gets it.
func (c *Problem) Service() *contract.SolverService {
	return &contract.SolverService{Solver: c, Description: c.desc, Configured: c.Configured()}
}

// Configure changes nothing: the parts came configured. It answers with the composed spaces, and refuses options.
func (c *Problem) Configure(_ context.Context, cfg contract.Config) (contract.Configured, error) {
	if o := strings.TrimSpace(string(cfg.Options)); o != "" && o != "{}" && o != "null" {
		return contract.Configured{}, fmt.Errorf("%s has no options, got %s: %w", c.name, o, contract.ErrInvalidOption)
	}
	return c.Configured(), nil
}

// Forward fills d (batch, data...) for z (batch, latent...).
func (c *Problem) Forward(ctx context.Context, z, d *tensor.Tensor) ([]contract.Status, error) {
	if err := c.checkPoint(z, d); err != nil {
		return nil, err
	}
	w := c.begin(ctx, z)
	defer w.end()
	if err := w.forward(len(c.stages), d); err != nil {
		return nil, err
	}
	return w.status, nil
}

func (c *Problem) checkPoint(z, d *tensor.Tensor) error {
	err := c.latent.Check(c.name+": latent", z, -1)
	if err == nil && d != nil {
		err = c.data.Check(c.name+": data", d, z.Batch())
	}
	return err
}

// JVP fills dd (batch, K, data...) with J(z_i) dz[i,k]; dz (batch or 1, K, latent...).
func (c *Problem) JVP(ctx context.Context, z, dz, dd *tensor.Tensor) ([]contract.Status, error) {
	if err := c.needs(contract.CapJVP, 0, len(c.stages)); err != nil {
		return nil, err
	}
	if err := c.checkDirections(z, dz, dd, &c.latent, &c.data); err != nil {
		return nil, err
	}
	w := c.begin(ctx, z)
	defer w.end()
	if err := w.forward(c.lastCurved(), nil); err != nil {
		return nil, err
	}
	w.setDirection(dz)
	for s := range c.stages {
		if err := w.push(s, contract.CapJVP, dd, s == len(c.stages)-1); err != nil {
			return nil, err
		}
	}
	return w.status, nil
}

// VJP fills dz (batch, K, latent...) with Re J(z_i)^H v[i,k]; v (batch or 1, K, data...).
func (c *Problem) VJP(ctx context.Context, z, v, dz *tensor.Tensor) ([]contract.Status, error) {
	if err := c.needs(contract.CapVJP, 0, len(c.stages)); err != nil {
		return nil, err
	}
	if err := c.checkDirections(z, v, dz, &c.data, &c.latent); err != nil {
		return nil, err
	}
	w := c.begin(ctx, z)
	defer w.end()
	if err := w.forward(c.lastCurved(), nil); err != nil {
		return nil, err
	}
	w.setDirection(v)
	if err := w.pullBack(len(c.stages), dz); err != nil {
		return nil, err
	}
	return w.status, nil
}

func (c *Problem) checkDirections(z, u, v *tensor.Tensor, from, to *space.Space) error {
	if err := c.checkPoint(z, nil); err != nil {
		return err
	}
	if u == nil || v == nil || len(u.Shape) < 2 || len(v.Shape) < 2 {
		return fmt.Errorf("%w: %s: directions need the shape (batch, K, item...)", tensor.ErrShape, c.name)
	}
	n, k := z.Batch(), v.Shape[1]
	nu := n
	if u.Shape[0] == 1 {
		nu = 1
	}
	return errors.Join(
		u.Check(c.name+": directions in", from.DType, append([]int{nu, k}, from.ItemShape()...)...),
		v.Check(c.name+": directions out", to.DType, append([]int{n, k}, to.ItemShape()...)...))
}

// needs returns an error naming the first of the stages lo..hi-1 that lacks the capability.
func (c *Problem) needs(what contract.Capability, lo, hi int) error {
	for _, s := range c.stages[lo:hi] {
		if err := s.lacks(what); err != nil {
			return fmt.Errorf("%s has no %s: %w", c.name, what, err)
		}
	}
	return nil
}

// lastCurved returns how many stages must be applied so that every stage whose Jacobian depends on its point has it: the
// index of the last such stage.
func (c *Problem) lastCurved() int {
	for s := len(c.stages) - 1; s > 0; s-- {
		if !c.stages[s].constantJacobian() {
			return s
		}
	}
	return 0
}
