package plugintest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// Target says how to get the plugin that is checked.
type Target struct {
	// New returns a fresh instance that is not configured: a new value, or a new process.
	New func(ctx context.Context) (*Instance, error)
	// Path is the binary where the target is a process, "" where it is not: the properties of processes need it.
	Path string
	// Env is added to the environment of processes that the suite starts from Path itself.
	Env []string
}

// Instance is one plugin, as its callers hold it.
type Instance struct {
	// Plugin is a contract.FullSolver, contract.FullPrior or contract.Sampler.
	Plugin contract.Plugin
	// Close ends it. It must return though the plugin hangs.
	Close func()
	// PID is that of its process, 0 in-process.
	PID int
	// Alloc gives memory that the plugin sees without a copy, nil: the heap.
	Alloc func(dt tensor.DType, shape ...int) (*tensor.Tensor, error)
}

// InProcess is a target in this process: newPlugin returns a new value at every call.
func InProcess(newPlugin func() contract.Plugin) Target {
	return Target{New: func(context.Context) (*Instance, error) {
		p := newPlugin()
		full, err := complete(p)
		if err != nil {
			return nil, err
		}
		return &Instance{Plugin: full, Close: func() {}}, nil
	}}
}

// complete gives an in-process plugin every method of its kind.
func complete(p contract.Plugin) (contract.Plugin, error) {
	switch d := p.Describe(); d.Kind {
	case contract.KindSolver:
		if s, ok := p.(contract.Solver); ok {
			return contract.LocalSolver(s), nil
		}
		return nil, fmt.Errorf("plugintest: %T says that it is a solver and has no method Forward", p)
	case contract.KindPrior:
		return contract.LocalPrior(p), nil
	case contract.KindSampler:
		if s, ok := p.(contract.Sampler); ok {
			return contract.LocalSampler(s), nil
		}
		return nil, fmt.Errorf("plugintest: %T says that it is a sampler and has no methods Start and Step", p)
	default:
		return nil, fmt.Errorf("plugintest: %T has kind %q (allowed: solver, prior, sampler)", p, d.Kind)
	}
}

// Options say under what a plugin is checked. The zero value suits a plugin whose options all have defaults.
type Options struct {
	Name    string          // the expected name, "": any
	Options json.RawMessage // the plugin's own options that differ from the defaults, a JSON object
	Seed    uint64          // of everything drawn
	Threads int             // 0: one
	Device  string

	// CallLimit is how long one call may take; 0: 30 s. Training gets ten times that.
	CallLimit time.Duration
	// Skip leaves properties out, by name, with the reason.
	Skip map[string]string
	// Dir is a folder for files of the check (training); "": a temporary one, removed at the end.
	Dir string

	// Models are points to check a solver at, (batch, model...): nil: drawn, uniformly within bounds where the space has
	// both, of size Scale otherwise. More points than given are drawn around them.
	Models *tensor.Tensor
	Scale  float64 // 0: 1, or the root mean square of Models
	Batch  int     // items of a check of batches; 0: 35, across the contract's tiles of 32
	Big    int     // items of the big batch; 0: as many as make every tensor larger than 64 KiB. Left out, and said, where CallLimit is too short

	// Target are the spaces that a prior is told; nil: a model of 2 coordinates in float64.
	Target []space.Space
	// Dataset is the manifest that a prior trains on; "": a small one made for the target's model.
	Dataset string
	// EncodeTolerance bounds |decode(encode(decode(z))) - decode(z)| / |decode(z)|; 0: 1e-6. Learned encoders need more.
	EncodeTolerance float64

	// Steps is how many steps of a sampler are compared; 0: 25. Levels is the length of the reference prior's schedule; 0: 20.
	Steps, Levels int
}

func (o Options) fill() Options {
	if o.CallLimit == 0 {
		o.CallLimit = 30 * time.Second
	}
	if o.Batch == 0 {
		o.Batch = 35
	}
	if o.Scale == 0 {
		o.Scale = 1
		if o.Models != nil {
			if v := rms(o.Models.AppendReals(nil)); v > 0 {
				o.Scale = v
			}
		}
	}
	if o.EncodeTolerance == 0 {
		o.EncodeTolerance = 1e-6
	}
	if o.Steps == 0 {
		o.Steps = 25
	}
	if o.Levels == 0 {
		o.Levels = 20
	}
	return o
}
