package analytic

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
)

// Solver implements contract.Solver, Misfitter, ForwardLinear and AdjointLinear.
type Solver struct{ kept calls.State[configured] }

// configured is what Configure leaves; it is never changed afterwards, so that calls that run go on with what they took.
type configured struct {
	calls.Spaces
	form         form
	d, n         int
	lower, upper float64 // of every coordinate; the largest finite numbers where there are no bounds
}

// New returns a solver that waits for Configure.
func New() *Solver { return new(Solver) }

var table = config.MustTable(Options{})

// Describe implements contract.Plugin.
func (s *Solver) Describe() contract.Description {
	return contract.Description{
		Kind:     contract.KindSolver,
		Name:     "analytic",
		Version:  "0.1.0",
		Numerics: "1",
		Doc: "Closed-form maps in float64 with exact Jacobians: the stylised one- and two-dimensional problems of the " +
			"memorization study, the identity, and any linear map. For checking priors and samplers against closed " +
			"answers; coordinates and data have no unit.",
		Options: table,
	}
}

// Configure implements contract.Plugin. It forgets earlier observations. Errors: ErrInvalidOption; ErrUnsupported for a
// device other than the CPU.
func (s *Solver) Configure(_ context.Context, c contract.Config) (contract.Configured, error) {
	if c.Device != "" && c.Device != "cpu" {
		return contract.Configured{}, fmt.Errorf("solver analytic: device %q (allowed: cpu): %w", c.Device, contract.ErrUnsupported)
	}
	var o Options
	if err := config.Decode(c.Options, &o); err != nil {
		return contract.Configured{}, fmt.Errorf("solver analytic: %w: %w", contract.ErrInvalidOption, err)
	}
	f, coefficients, err := o.newForm()
	if err != nil {
		return contract.Configured{}, err
	}
	d, n := f.dims()
	o.Dimension = d
	o.Coefficients = coefficients
	cfg := &configured{
		form: f, d: d, n: n, lower: -math.MaxFloat64, upper: math.MaxFloat64,
		Spaces: calls.Spaces{Solver: "analytic",
			Model: space.Space{Name: "model", DType: tensor.Float64,
				Axes:       []space.Axis{{Name: "coordinate", Size: d}},
				Quantities: []space.Quantity{{Name: "coordinate", Unit: "1"}}},
			Data: space.Space{Name: "data", DType: tensor.Float64,
				Axes:       []space.Axis{{Name: "coordinate", Size: n}},
				Quantities: []space.Quantity{{Name: "datum", Unit: "1"}}}},
	}
	if len(o.Bounds) == 2 {
		cfg.lower, cfg.upper = max(cfg.lower, o.Bounds[0]), min(cfg.upper, o.Bounds[1])
		if lower := o.Bounds[0]; !math.IsInf(lower, 0) {
			cfg.Model.Quantities[0].Lower = &lower
		}
		if upper := o.Bounds[1]; !math.IsInf(upper, 0) {
			cfg.Model.Quantities[0].Upper = &upper
		}
	}
	s.kept.Configure(cfg, nil)
	model, data := cfg.Model, cfg.Data
	return contract.Configured{Options: o.canonical(), Model: &model, Data: &data}, nil
}

// canonical returns the options as understood: the map's dimension and coefficients are filled in.
func (o *Options) canonical() json.RawMessage {
	return config.Canonical(map[string]any{
		"map": o.Map, "coefficients": o.Coefficients, "dimension": o.Dimension, "matrix": o.Matrix, "bounds": o.Bounds,
	})
}

// state returns what Configure and Observe left; obs may be nil.
func (s *Solver) state() (*configured, *calls.Observations, error) {
	return s.kept.Take("analytic", nil)
}

// inside reports whether every coordinate of x is finite and within the bounds.
func (c *configured) inside(x []float64) bool {
	for _, v := range x {
		if !(v >= c.lower && v <= c.upper) {
			return false
		}
	}
	return true
}

// check sets the status of the items of m that are NaN, infinite or outside the bounds, with the numbers in the text.
func (c *configured) check(m *tensor.Tensor) []contract.Status {
	x := m.Float64s()
	if c.inside(x) {
		return nil
	}
	return calls.Items(m, func(item *tensor.Tensor) contract.Status {
		if c.inside(item.Float64s()) {
			return contract.Status{}
		}
		text, _ := c.Model.FirstOutside(item)
		return contract.Status{Code: contract.OutOfBounds, Text: text}
	})
}

// overflow gives DIVERGED to items whose data, a (len a multiple of the batch), are not finite though the model is.
func (c *configured) overflow(status []contract.Status, batch int, what string, a []float64) []contract.Status {
	if finite(a) {
		return status
	}
	per := len(a) / batch
	for i := range batch {
		if contract.StatusAt(status, i).Code == contract.OK && !finite(a[i*per:(i+1)*per]) {
			status = contract.SetStatus(status, batch, i, contract.Status{Code: contract.Diverged,
				Text: fmt.Sprintf("%s overflows: the model lies too far from 0", what)})
		}
	}
	return status
}

// finite reports whether no number of a is NaN or infinite.
func finite(a []float64) bool {
	for _, v := range a {
		if !(v >= -math.MaxFloat64 && v <= math.MaxFloat64) {
			return false
		}
	}
	return true
}

// Forward implements contract.Solver: d (batch, n) = F(m), m (batch, d). Statuses: OUT_OF_BOUNDS for a model that is NaN,
// infinite or outside the bounds; DIVERGED where F(m) overflows.
func (s *Solver) Forward(_ context.Context, m, d *tensor.Tensor) ([]contract.Status, error) {
	c, _, err := s.state()
	if err != nil {
		return nil, err
	}
	if err := c.CheckForward(m, d); err != nil {
		return nil, err
	}
	status := c.check(m)
	c.form.forward(m.Float64s(), d.Float64s())
	return c.overflow(status, m.Batch(), "F(m)", d.Float64s()), nil
}

// Observe implements contract.Misfitter: d (k, n) and tau (k) are copied. Errors: a wrong shape, a datum that is not
// finite, a tau that is not above 0.
func (s *Solver) Observe(_ context.Context, d *tensor.Tensor, noiseStd []float64) error {
	c, _, err := s.state()
	if err != nil {
		return err
	}
	obs, err := c.Spaces.Observe(d, noiseStd)
	if err != nil {
		return err
	}
	return s.kept.Observe("analytic", c, obs)
}

// Misfit implements contract.Misfitter: phi_i = 1/2 |(F(m_i) - d_which[i])/tau|^2, and J^T (F(m_i) - d)/tau^2 in gradient
// (batch, d) unless it is nil. Statuses as Forward; DIVERGED also where phi overflows. Errors: ErrNoObservation.
func (s *Solver) Misfit(_ context.Context, m *tensor.Tensor, which []int, phi []float64, gradient *tensor.Tensor) ([]contract.Status, error) {
	c, obs, err := s.state()
	if err != nil {
		return nil, err
	}
	if err := c.CheckMisfit(obs, m, which, phi, gradient); err != nil {
		return nil, err
	}
	batch, observed := m.Batch(), obs.D.Float64s()
	status := c.check(m)
	x, r := m.Float64s(), make([]float64, batch*c.n)
	c.form.forward(x, r)
	for i, k := range which {
		ri, di, tau := r[i*c.n:(i+1)*c.n], observed[k*c.n:(k+1)*c.n], obs.Tau[k]
		sum := 0.0
		for j, v := range ri {
			e := (v - di[j]) / tau
			sum = math.FMA(e, e, sum)
			ri[j] = e / tau
		}
		phi[i] = 0.5 * sum
	}
	status = c.overflow(status, batch, "the misfit", phi)
	if gradient != nil {
		g := gradient.Float64s()
		for i := range batch {
			c.form.adjoint(x[i*c.d:(i+1)*c.d], r[i*c.n:(i+1)*c.n], g[i*c.d:(i+1)*c.d])
		}
		status = c.overflow(status, batch, "the gradient", g)
	}
	return status, nil
}

// JVP implements contract.ForwardLinear: dd (batch, K, n) = J(m_i) dm, dm (batch or 1, K, d). Statuses as Forward.
func (s *Solver) JVP(_ context.Context, m, dm, dd *tensor.Tensor) ([]contract.Status, error) {
	c, _, err := s.state()
	if err != nil {
		return nil, err
	}
	k, err := c.CheckTangent(m, dm, dd)
	if err != nil {
		return nil, err
	}
	return c.directions(k, m, dm, dd, c.d, c.n, c.form.tangent)
}

// VJP implements contract.AdjointLinear: dm (batch, K, d) = J(m_i)^T w, w (batch or 1, K, n). Statuses as Forward.
func (s *Solver) VJP(_ context.Context, m, w, dm *tensor.Tensor) ([]contract.Status, error) {
	c, _, err := s.state()
	if err != nil {
		return nil, err
	}
	k, err := c.CheckAdjoint(m, w, dm)
	if err != nil {
		return nil, err
	}
	return c.directions(k, m, w, dm, c.n, c.d, c.form.adjoint)
}

// directions applies f(x, in, out) to K directions per item, in (batch or 1, K, nIn), out (batch, K, nOut), which were checked.
func (c *configured) directions(k int, m, in, out *tensor.Tensor, nIn, nOut int, f func(x, in, out []float64)) ([]contract.Status, error) {
	status := c.check(m)
	x, b := m.Float64s(), out.Float64s()
	for i := range m.Batch() {
		xi, ai, bi := x[i*c.d:(i+1)*c.d], calls.Set(in, i).Float64s(), b[i*k*nOut:(i+1)*k*nOut]
		for j := range k {
			f(xi, ai[j*nIn:(j+1)*nIn], bi[j*nOut:(j+1)*nOut])
		}
	}
	return status, nil
}
