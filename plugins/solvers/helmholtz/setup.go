package helmholtz

import (
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	fronts "github.com/waveprior/waveprior/cuda/helmholtz"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
)

// setup is what Configure leaves. Nothing of it but the pool of workers changes afterwards, so that calls that run go on
// with what they took.
type setup struct {
	calls.Spaces
	padding
	spacingM, sigmaMax float64
	hz                 []float64
	sources, receivers []int // padded nodes
	operators          []*operator
	plan               *fronts.Plan
	precision          fronts.Precision
	refine             int
	layer              bool // the gradient has the absorbing layer's share
	lower, upper       float64

	device  *device // nil: all is done by workers
	threads int
	workers chan *worker // one entry per thread: an idle worker, or nil where none was made yet
}

func newSetup(o *Options, threads int) (*setup, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	g := &o.Grid
	s := &setup{
		Spaces:   calls.Spaces{Solver: "helmholtz"},
		padding:  padding{nz: g.NZ, nx: g.NX, cells: o.Boundary.Cells},
		spacingM: g.SpacingM, sigmaMax: o.Boundary.SigmaMax, hz: o.FrequencyHz,
		refine: o.RefinementSteps, layer: o.EdgeGradient == "exact", threads: max(1, threads),
	}
	src, err := locate(&o.Sources, "sources", "shot", g)
	if err != nil {
		return nil, err
	}
	rec, err := locate(&o.Receivers, "receivers", "receiver", g)
	if err != nil {
		return nil, err
	}
	for k := range src.iz {
		s.sources = append(s.sources, s.node(src.iz[k], src.ix[k]))
	}
	for k := range rec.iz {
		s.receivers = append(s.receivers, s.node(rec.iz[k], rec.ix[k]))
	}
	highest := 0.0
	for _, f := range s.hz {
		highest = max(highest, f)
	}
	s.lower, s.upper = slownessLimits(s.spacingM, highest)
	if s.upper <= s.lower {
		return nil, invalid("at %g Hz a spacing of %g m has fewer than %d nodes per wavelength at any velocity below %g m/s", highest, s.spacingM, leastPoints, 1e7)
	}
	pz, px := s.size()
	if s.plan, err = fronts.NewPlan(pz, px, fronts.FivePoint); err != nil { // before memory is taken for a grid that is too large
		return nil, fmt.Errorf("solver helmholtz: a padded grid of %d x %d nodes: %w: %w", pz, px, contract.ErrInvalidOption, err)
	}
	for _, f := range s.hz {
		s.operators = append(s.operators, newOperator(s.padding, s.spacingM, s.sigmaMax, f))
	}
	model, data := tensor.Float32, tensor.Complex64
	s.precision = fronts.Single
	if o.Precision == "float64" {
		model, data, s.precision = tensor.Float64, tensor.Complex128, fronts.Double
	}
	s.Model = space.Space{Name: "model", DType: model,
		Axes: []space.Axis{{Name: "field", Size: 1},
			{Name: "z", Unit: "m", Size: g.NZ, Step: g.SpacingM}, {Name: "x", Unit: "m", Size: g.NX, Step: g.SpacingM}},
		Quantities: []space.Quantity{{Name: "squared_slowness", Unit: "s2/km2", Lower: &s.lower, Upper: &s.upper}}}
	s.Data = space.Space{Name: "data", DType: data,
		Axes: []space.Axis{{Name: "frequency", Unit: "Hz", Size: len(s.hz), Values: s.hz},
			src.axis, rec.axis},
		Quantities: []space.Quantity{{Name: "wavefield", Unit: "1"}}}
	s.workers = make(chan *worker, s.threads)
	for range s.threads {
		s.workers <- nil
	}
	return s, nil
}

// perFrequency is the number of data of one frequency.
func (s *setup) perFrequency() int { return len(s.sources) * len(s.receivers) }

// take returns an idle worker, waiting for one where all are busy; put gives it back. A worker that is made keeps its
// memory for later calls.
func (s *setup) take() (*worker, error) {
	w := <-s.workers
	if w != nil {
		return w, nil
	}
	w, err := newWorker(s)
	if err != nil {
		s.workers <- nil
		return nil, fmt.Errorf("solver helmholtz: memory for a factorisation: %w: %w", contract.ErrOutOfMemory, err)
	}
	return w, nil
}

func (s *setup) put(w *worker) { s.workers <- w }
