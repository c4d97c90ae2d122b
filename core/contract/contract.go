// Package contract is what waveprior's parts say to each other, as Go interfaces: solvers, priors, samplers and their
// optional capabilities. The same interfaces are implemented by plugin authors, called in-process, and served over
// gRPC by package plugin; core/proto holds the wire form for other languages.
//
// Rules that hold for every call:
//
//   - The first axis of a tensor is the batch. Inputs are read-only. The caller allocates outputs, the callee fills them.
//   - A bad item does not fail the call: it gets a [Status]; its output is unspecified. A nil status slice: all OK.
//   - An error fails the whole call and wraps one of the sentinel errors of this package where one fits.
//   - An item's result depends on that item alone, to the last bit, never on the batch it came in.
//   - A call can be repeated: nothing but Configure, Observe and Train changes what later calls answer.
//
// Lifecycle: Describe; Configure; for a trainable prior Train and Configure again with the checkpoint; for a solver
// Observe; then any number of calls. A restarted process gets Configure and Observe again and answers as before.
package contract

import (
	"context"
	"encoding/json"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/diffusion"
	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// Version is the contract that this code speaks: the proto package.
const Version = "waveprior.v1"

// Kind is what a plugin is.
type Kind string

// The kinds.
const (
	KindSolver  Kind = "solver"
	KindPrior   Kind = "prior"
	KindSampler Kind = "sampler"
)

// Capability names an optional part of the contract.
type Capability string

// The capabilities. A Go plugin has those whose interface it implements (Capabilities derives them).
const (
	CapTrain      Capability = "train"       // Trainer
	CapMisfit     Capability = "misfit"      // Misfitter
	CapGradient   Capability = "gradient"    // Misfitter, unless it has NoGradient
	CapJVP        Capability = "jvp"         // ForwardLinear
	CapVJP        Capability = "vjp"         // AdjointLinear
	CapDenoise    Capability = "denoise"     // Denoiser
	CapDenoiseVJP Capability = "denoise-vjp" // DenoiseAdjoint
	CapDecode     Capability = "decode"      // Decoder
	CapDecodeVJP  Capability = "decode-vjp"  // DecodeAdjoint
	CapDecodeJVP  Capability = "decode-jvp"  // DecodeTangent
	CapEncode     Capability = "encode"      // Encoder
	CapMixture    Capability = "mixture"     // MixturePrior
	CapStart      Capability = "start"       // Starter
	CapOptimise   Capability = "optimise"    // Optimiser
)

// Need says that a sampler needs a capability of one of its services, always or where an option has a value.
type Need struct {
	Service    string     // "prior", "physics", "decoder"
	Capability Capability // "": the service itself
	Option     string     // "": always
	Value      string     // the option's value for which it is needed
}

// Description says what a plugin is.
type Description struct {
	Kind         Kind
	Name         string // TOML key = folder = binary suffix
	Version      string
	Numerics     string // changes when results change: part of the stage keys
	Contract     string // Version; filled by package plugin
	Device       string // kind of device that this build computes on: "cuda"; "" is the CPU. Filled by package plugin
	Doc          string
	Options      []config.Option
	Capabilities []Capability // filled by package plugin from the interfaces
	Needs        []Need       // samplers
}

// Has reports whether the description lists a capability.
func (d *Description) Has(c Capability) bool {
	for _, have := range d.Capabilities {
		if have == c {
			return true
		}
	}
	return false
}

// Config is what a plugin is told once, before it works.
type Config struct {
	Options    json.RawMessage // the plugin's TOML table, resolved: every option has a value
	Seed       uint64
	Device     string        // "cpu", "cuda:0" (CheckDevice); "" is "cpu"
	Threads    int           // 0: one
	Target     []space.Space // to a prior: the solver's model and data space, named "model" and "data"
	Checkpoint string        // to a prior: the folder that Train filled, "" before training

	// Samplers. Prior is nil when there is none; Solvers has "physics", and "decoder" for a joint prior.
	Prior   *PriorService
	Solvers map[string]*SolverService
}

// PriorService is a prior as a sampler sees it.
type PriorService struct {
	Prior       FullPrior
	Description Description
	Configured  Configured
}

// SolverService is a solver whose model is the latent vector.
type SolverService struct {
	Solver      FullSolver
	Description Description
	Configured  Configured
}

// Configured is a plugin's answer to Config.
type Configured struct {
	Options  json.RawMessage     // as understood, for the lock file; nil: as given
	Model    *space.Space        // solver: takes; prior: decodes to
	Data     *space.Space        // solver: gives; joint prior: decodes to
	Latent   *space.Space        // prior
	Schedule *diffusion.Schedule // diffusion prior
	State    []StateTensor       // sampler
	Scheme   *seismic.Scheme     // solver in time: what its grid carries, for estimates; nil: not said
}

// StateTensor is one tensor of a sampler's state: (chains, Shape...). "latent" (what the prior's level applies to) and
// "x0" are reserved names that the host snapshots. Each chain's state is its own: nothing is shared between chains.
type StateTensor struct {
	Name  string
	DType tensor.DType
	Shape []int
}

// State is a sampler's state by name, each tensor (chains, ...).
type State map[string]*tensor.Tensor

// NewState allocates a state for n chains.
func NewState(layout []StateTensor, n int) State {
	s := make(State, len(layout))
	for _, t := range layout {
		s[t.Name] = tensor.New(t.DType, append([]int{n}, t.Shape...)...)
	}
	return s
}

// Slice returns chains lo..hi-1 as views.
func (s State) Slice(lo, hi int) State {
	v := make(State, len(s))
	for name, t := range s {
		v[name] = t.Slice(lo, hi)
	}
	return v
}

// Plugin is what every plugin is.
type Plugin interface {
	// Describe answers at once, before Configure too.
	Describe() Description
	// Configure replaces an earlier configuration. Errors: ErrInvalidOption, ErrUnsupported, ErrCheckpoint.
	Configure(ctx context.Context, c Config) (Configured, error)
}

// DeviceMeter is implemented by plugins that can compute on a GPU. The host shows the number beside what a run costs.
type DeviceMeter interface {
	// DevicePeak is the most memory of a GPU, in bytes, that this plugin held at once since the process started; 0: none. It
	// answers at once, from any goroutine.
	DevicePeak() int
}

// TrainRequest says from what and where to. The dataset is a manifest (package dataset); the folder keeps checkpoints.
type TrainRequest struct {
	Dataset string
	Folder  string
	// HeldOut is the manifest of items of the same population that are no training examples, "": none. A trainer may report
	// a loss on them; what it learns does not depend on them.
	HeldOut string
}

// TrainProgress is one report of a training run.
type TrainProgress struct {
	Step, Steps int
	Losses      map[string]float64
	Rate        float64 // steps per second
}

// Trainer is capability "train". It writes checkpoints into the folder (by rename), and when checkpoints lie there it
// goes on from them to the same bits. It returns nil when training is complete. What it reports is shown, and its losses are
// kept beside what it wrote. A trainer that keeps a history itself writes losses.npy into the folder, (rows,
// columns) with the step first and then what is minimised, and losses.json with the columns' names: part of the content, the
// same after any interruption.
type Trainer interface {
	Train(ctx context.Context, r TrainRequest, report func(TrainProgress) error) error
}

// Solver maps earth models to data: d = F(m).
type Solver interface {
	Plugin
	// Forward fills d (batch, data...) for m (batch, model...).
	Forward(ctx context.Context, m, d *tensor.Tensor) ([]Status, error)
}

// Misfitter is the capabilities "misfit" and "gradient".
type Misfitter interface {
	// Observe replaces the observations: d (observations, data...), noiseStd tau > 0 of each real number, one per
	// observation, in the data's unit. They are copied.
	Observe(ctx context.Context, d *tensor.Tensor, noiseStd []float64) error
	// Misfit fills phi[i] = 1/2 sum (F(m_i) - d_which[i])^2 / tau^2 over real numbers, and, unless nil, gradient
	// (batch, model...) with d phi_i / d m_i, with respect to the field that the model space names. Errors: ErrNoObservation.
	Misfit(ctx context.Context, m *tensor.Tensor, which []int, phi []float64, gradient *tensor.Tensor) ([]Status, error)
}

// NoGradient is implemented by a Misfitter that refuses a gradient.
type NoGradient interface{ NoGradient() }

// ForwardLinear is capability "jvp".
type ForwardLinear interface {
	// JVP fills dd (batch, K, data...) with J(m_i) dm[i,k]; dm (batch or 1, K, model...): one set per item or one for all.
	JVP(ctx context.Context, m, dm, dd *tensor.Tensor) ([]Status, error)
}

// AdjointLinear is capability "vjp".
type AdjointLinear interface {
	// VJP fills dm (batch, K, model...) with Re J(m_i)^H w[i,k]; w (batch or 1, K, data...).
	VJP(ctx context.Context, m, w, dm *tensor.Tensor) ([]Status, error)
}

// Denoiser is capability "denoise".
type Denoiser interface {
	// Denoise fills x0 (batch, latent...) with E[x0 | x_t = x[i]] at t = level[i], an index into the schedule.
	Denoise(ctx context.Context, x *tensor.Tensor, level []int, x0 *tensor.Tensor) ([]Status, error)
}

// DenoiseAdjoint is capability "denoise-vjp".
type DenoiseAdjoint interface {
	// DenoiseVJP fills dx (batch, latent...) with (d x0/d x)^T w[i].
	DenoiseVJP(ctx context.Context, x *tensor.Tensor, level []int, w, dx *tensor.Tensor) ([]Status, error)
}

// Decoder is capability "decode".
type Decoder interface {
	// Decode fills model (batch, model...) and data (batch, data...) for z (batch, latent...); nil: not wanted.
	Decode(ctx context.Context, z, model, data *tensor.Tensor) ([]Status, error)
}

// DecodeAdjoint is capability "decode-vjp".
type DecodeAdjoint interface {
	// DecodeVJP fills dz (batch, K, latent...) with (d model/d z)^T wModel[i,k] + (d data/d z)^T wData[i,k];
	// w (batch or 1, K, ...), one of the two may be nil.
	DecodeVJP(ctx context.Context, z, wModel, wData, dz *tensor.Tensor) ([]Status, error)
}

// DecodeTangent is capability "decode-jvp".
type DecodeTangent interface {
	// DecodeJVP fills dModel (batch, K, model...) and dData (batch, K, data...) along dz (batch or 1, K, latent...); nil: not wanted.
	DecodeJVP(ctx context.Context, z, dz, dModel, dData *tensor.Tensor) ([]Status, error)
}

// Encoder is capability "encode".
type Encoder interface {
	// Encode fills z (batch, latent...) from model or data; one of the two may be nil.
	Encode(ctx context.Context, model, data, z *tensor.Tensor) ([]Status, error)
}

// MixturePrior is capability "mixture": the prior is a Gaussian mixture in latent coordinates.
type MixturePrior interface {
	Mixture(ctx context.Context) (*Mixture, error)
}

// Mixture is a Gaussian mixture: Means (N, d), Weights (N) summing to 1, and one covariance for all components,
// Covariance (1): variance of every coordinate; (d): diagonal; (d, d): lower Cholesky factor. All float64.
type Mixture struct {
	Means, Covariance, Weights *tensor.Tensor
}

// Prior says what earth models look like. All of its abilities are capabilities.
type Prior interface{ Plugin }

// Chains says which chains a sampler's call is about; each slice has one entry per chain of the batch.
type Chains struct {
	ID          []int     // number of the chain in the run: the key of its noise
	Observation []int     // which observation it is conditioned on; nil: unconditional
	NoiseStd    []float64 // tau of that observation; nil: unconditional
}

// Slice returns chains lo..hi-1.
func (c Chains) Slice(lo, hi int) Chains {
	s := Chains{ID: c.ID[lo:hi]}
	if c.Observation != nil {
		s.Observation, s.NoiseStd = c.Observation[lo:hi], c.NoiseStd[lo:hi]
	}
	return s
}

// Len returns the number of chains.
func (c Chains) Len() int { return len(c.ID) }

// StepResult is what a step reports beside the new state.
type StepResult struct {
	Numbers map[string][]float64 // per chain, e.g. "misfit"
	Done    bool                 // no further step is needed
	Status  []Status
}

// Sampler draws samples, one step at a time.
type Sampler interface {
	Plugin
	// Start fills the state of these chains before step 0 and returns the number of steps.
	Start(ctx context.Context, chains Chains, state State) (steps int, status []Status, err error)
	// Step takes state to next, which lies elsewhere. A pure function of its arguments and of what the services answer.
	Step(ctx context.Context, step int, chains Chains, state, next State) (StepResult, error)
}

// Starter is capability "start": a sampler whose chains can start where they are told to. Such chains can go on from where
// other ones ended, under other options or with other data: the stages of [[sampler.stages]].
type Starter interface {
	// StartAt is Start with the latent vectors x (chains, latent...) that the chains start from. A vector that cannot be
	// started from fails its chain alone.
	StartAt(ctx context.Context, chains Chains, x *tensor.Tensor, state State) (steps int, status []Status, err error)
}

// Optimiser is capability "optimise": a sampler whose chains end at optima, one for each start, and not at draws from a distribution.
// Nothing is called; it says that the spread of the chains is no uncertainty, so that it is neither judged nor named as one.
type Optimiser interface{ Optimises() }

// FullSolver is a solver with every method: what callers hold. A missing capability answers ErrUnsupported.
type FullSolver interface {
	Solver
	Misfitter
	ForwardLinear
	AdjointLinear
}

// FullPrior is a prior with every method: what callers hold. A missing capability answers ErrUnsupported.
type FullPrior interface {
	Prior
	Trainer
	Denoiser
	DenoiseAdjoint
	Decoder
	DecodeAdjoint
	DecodeTangent
	Encoder
	MixturePrior
}
