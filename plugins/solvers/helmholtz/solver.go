package helmholtz

import (
	"context"
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
)

// Solver implements contract.Solver, Misfitter, ForwardLinear and AdjointLinear.
type Solver struct {
	kept calls.State[setup]
	peak int // bytes of a GPU that earlier configurations held at most; belongs to kept
}

// New returns a solver that waits for Configure.
func New() *Solver { return new(Solver) }

var table = config.MustTable(Options{})

// Describe implements contract.Plugin.
func (s *Solver) Describe() contract.Description {
	return contract.Description{
		Kind:     contract.KindSolver,
		Name:     "helmholtz",
		Version:  "0.1.0",
		Numerics: "1",
		Doc: "Acoustic waves of constant density in the frequency domain, two dimensions: point sources, data the wavefield " +
			"at the receivers, model the squared slowness in s2/km2. Second-order 5-point stencil with perfectly matched " +
			"layers; a symmetric direct factorisation per model and frequency serves all shots, the adjoint, and every direction.",
		Options: table,
	}
}

// Configure implements contract.Plugin. It forgets earlier observations. Errors: ErrInvalidOption; ErrUnsupported for a GPU that
// is not there, or in a build that cannot use one; ErrOutOfMemory where what all calls share does not fit the GPU.
func (s *Solver) Configure(_ context.Context, c contract.Config) (contract.Configured, error) {
	var o Options
	if err := calls.Decode("helmholtz", c, &o); err != nil {
		return contract.Configured{}, err
	}
	cfg, err := newSetup(&o, c.Threads)
	if err != nil {
		return contract.Configured{}, err
	}
	if contract.DeviceKind(c.Device) != contract.DeviceCPU {
		if cfg.device, err = cfg.openDevice(c.Device); err != nil {
			return contract.Configured{}, err
		}
	}
	before := s.kept.Configure(cfg, func(before *setup) { s.peak = s.devicePeak(before) })
	if before != nil && before.device != nil {
		if err := before.device.close(); err != nil {
			return contract.Configured{}, fmt.Errorf("solver helmholtz: the earlier configuration's device: %w", err)
		}
	}
	model, data := cfg.Model, cfg.Data
	return contract.Configured{Model: &model, Data: &data}, nil
}

// DevicePeak implements contract.DeviceMeter.
func (s *Solver) DevicePeak() (peak int) {
	s.kept.View(func(c *setup) { peak = s.devicePeak(c) })
	return peak
}

// devicePeak is DevicePeak while c, which may be nil, is what s.kept has.
func (s *Solver) devicePeak(c *setup) int {
	if c == nil || c.device == nil {
		return s.peak
	}
	_, peak := c.device.dev.Memory()
	return max(s.peak, peak)
}

// state returns what Configure and Observe left; obs may be nil.
func (s *Solver) state() (*setup, *calls.Observations, error) { return s.kept.Take("helmholtz", nil) }

// Forward implements contract.Solver: d (batch, nf, ns, nr) = u at the receivers, m (batch, 1, nz, nx) in s2/km2. Statuses:
// OUT_OF_BOUNDS for a model that is not finite or not above 0; UNSTABLE for one with too few nodes per wavelength; DIVERGED
// where S is singular to working precision or the data are not finite.
func (s *Solver) Forward(ctx context.Context, m, d *tensor.Tensor) ([]contract.Status, error) {
	c, _, err := s.state()
	if err != nil {
		return nil, err
	}
	if err := c.CheckForward(m, d); err != nil {
		return nil, err
	}
	return c.compute(ctx, m, c.check(m), c.forwardTask(d), func(w *worker, item, f int) contract.Status {
		out := make([]complex128, c.perFrequency())
		if st := c.background(w, m.Item(item), f, out); st.Code != contract.OK {
			return st
		}
		store(d.Item(item), f*len(out), out)
		return contract.Status{}
	})
}

// background prepares a worker for one model and frequency and fills d (ns, nr) with the data.
func (c *setup) background(w *worker, m *tensor.Tensor, f int, d []complex128) contract.Status {
	pad := w.padded(1)[0]
	c.pad(m, 0, 1, pad)
	if err := w.prepare(pad, f); err != nil {
		return contract.Status{Code: contract.Diverged, Text: fmt.Sprintf("at %g Hz: %v", c.hz[f], err)}
	}
	w.record(d)
	if !finite(d) {
		return contract.Status{Code: contract.Diverged, Text: fmt.Sprintf("at %g Hz: the wavefield is not finite", c.hz[f])}
	}
	return contract.Status{}
}

// pad continues a field (nz, nx) that begins at element `from` of t, times scale, into the layer.
func (c *setup) pad(t *tensor.Tensor, from int, scale float64, out []float64) {
	n := c.nz * c.nx
	if t.DType == tensor.Float32 {
		continueEdges(c.padding, t.Float32s()[from:from+n], out)
	} else {
		continueEdges(c.padding, t.Float64s()[from:from+n], out)
	}
	if scale != 1 {
		for i := range out {
			out[i] *= scale
		}
	}
}

// store writes v to the elements of t from `from` on, rounded to t's dtype.
func store(t *tensor.Tensor, from int, v []complex128) {
	if t.DType == tensor.Complex128 {
		copy(t.Complex128s()[from:], v)
		return
	}
	out := t.Complex64s()[from : from+len(v)]
	for i, x := range v {
		out[i] = complex64(x)
	}
}

// load reads elements of t from `from` on into v.
func load(t *tensor.Tensor, from int, v []complex128) {
	if t.DType == tensor.Complex128 {
		copy(v, t.Complex128s()[from:])
		return
	}
	for i, x := range t.Complex64s()[from : from+len(v)] {
		v[i] = complex128(x)
	}
}

// finite reports whether no number is NaN or infinite.
func finite(d []complex128) bool {
	for _, v := range d {
		if !(math.Abs(real(v)) <= maxFinite && math.Abs(imag(v)) <= maxFinite) {
			return false
		}
	}
	return true
}

// powerOfTwo returns 2^-e with e the exponent of the largest number that top is, 1 where that is 0 or not finite: what
// brings single precision's right-hand sides to about 1 without rounding.
func powerOfTwo(top float64) float64 {
	if !(top > 0 && top <= maxFinite) {
		return 1
	}
	_, e := math.Frexp(top)
	return math.Ldexp(1, max(-1000, min(1000, -e)))
}

// maxFinite bounds what is neither NaN nor infinite.
const maxFinite = math.MaxFloat64
