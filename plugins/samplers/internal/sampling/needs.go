package sampling

import (
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// CheckNeeds compares what a sampler needs under its options (name to value) with what its services can do. The error
// wraps contract.ErrUnsupported, names the first capability that is missing, for which option, and what there is instead.
func CheckNeeds(d contract.Description, options map[string]string, c contract.Config) error {
	for _, need := range d.Needs {
		if need.Option != "" && options[need.Option] != need.Value {
			continue
		}
		why := ""
		if need.Option != "" {
			why = fmt.Sprintf(" for %s = %q", need.Option, need.Value)
		}
		have, ok := service(need.Service, c)
		if !ok {
			return fmt.Errorf("sampler %s needs a %s service%s; this experiment has none: %w",
				d.Name, need.Service, why, contract.ErrUnsupported)
		}
		if need.Capability != "" && !have.Has(need.Capability) {
			return fmt.Errorf("sampler %s needs %s capability %s%s; %s %s has: %v: %w",
				d.Name, need.Service, need.Capability, why, have.Kind, have.Name, have.Capabilities, contract.ErrUnsupported)
		}
	}
	return nil
}

func service(name string, c contract.Config) (contract.Description, bool) {
	if name == "prior" {
		if c.Prior == nil {
			return contract.Description{}, false
		}
		return c.Prior.Description, true
	}
	s, ok := c.Solvers[name]
	if !ok || s == nil {
		return contract.Description{}, false
	}
	return s.Description, true
}

// Latent returns the prior's latent space, after checking that samplers can work in it: it is there, its numbers are
// float32 or float64, and a physics service, if there is one, takes it as its model. Without a prior it is the model of the
// physics service. Errors wrap contract.ErrUnsupported or contract.ErrShape.
func Latent(sampler string, c contract.Config) (*space.Space, error) {
	if c.Prior == nil {
		m := c.Solvers["physics"].Configured.Model
		if m == nil || m.Validate() != nil || m.DType != tensor.Float32 && m.DType != tensor.Float64 {
			return nil, fmt.Errorf("sampler %s: the physics service takes %v; float32 and float64 models are possible: %w", sampler, m, contract.ErrUnsupported)
		}
		return m, nil
	}
	l := c.Prior.Configured.Latent
	if l == nil {
		return nil, fmt.Errorf("sampler %s: prior %s has no latent space: %w", sampler, c.Prior.Description.Name, contract.ErrUnsupported)
	}
	if err := l.Validate(); err != nil {
		return nil, fmt.Errorf("sampler %s: latent space of prior %s: %w", sampler, c.Prior.Description.Name, err)
	}
	if l.DType != tensor.Float32 && l.DType != tensor.Float64 {
		return nil, fmt.Errorf("sampler %s: latent space %v; float32 and float64 are possible: %w", sampler, l, contract.ErrUnsupported)
	}
	if p := c.Solvers["physics"]; p != nil {
		m := p.Configured.Model
		if m == nil {
			return nil, fmt.Errorf("sampler %s: the physics service has not said what model it takes: %w", sampler, contract.ErrNotConfigured)
		}
		if m.DType != l.DType || fmt.Sprint(m.ItemShape()) != fmt.Sprint(l.ItemShape()) {
			return nil, fmt.Errorf("sampler %s: the physics service takes %v, the prior's latent space is %v; they must agree: %w",
				sampler, m, l, contract.ErrShape)
		}
	}
	return l, nil
}

// StateLayout is the state of every sampler here: "latent" and "x0", both of the latent space.
func StateLayout(latent *space.Space) []contract.StateTensor {
	return []contract.StateTensor{
		{Name: "latent", DType: latent.DType, Shape: latent.ItemShape()},
		{Name: "x0", DType: latent.DType, Shape: latent.ItemShape()},
	}
}

// CheckChains returns an error unless the chain numbers can key noise (0..2^32-1), the lists are as long as each other,
// and every state has "latent" and "x0" of that many chains. observed: an observation with tau > 0 for each is needed.
func CheckChains(sampler string, latent *space.Space, chains contract.Chains, observed bool, states ...contract.State) error {
	n := chains.Len()
	for i, id := range chains.ID {
		if id < 0 || int64(id) > 1<<32-1 {
			return fmt.Errorf("sampler %s: chain %d of the batch has number %d; 0..%d are possible", sampler, i, id, int64(1<<32-1))
		}
	}
	if observed {
		if chains.Observation == nil && n > 0 { // over the wire an empty list is nil
			return fmt.Errorf("sampler %s is for posteriors: its chains need an observation: %w", sampler, contract.ErrNoObservation)
		}
		if len(chains.Observation) != n || len(chains.NoiseStd) != n {
			return fmt.Errorf("sampler %s: %d chains with %d observations and %d noise levels: %w",
				sampler, n, len(chains.Observation), len(chains.NoiseStd), contract.ErrShape)
		}
		for i, tau := range chains.NoiseStd {
			if !(tau > 0) || chains.Observation[i] < 0 {
				return fmt.Errorf("sampler %s: chain %d has observation %d with noise std %g; 0 or above, and above 0, are needed",
					sampler, chains.ID[i], chains.Observation[i], tau)
			}
		}
	}
	for _, s := range states {
		for _, name := range []string{"latent", "x0"} {
			if err := latent.Check(fmt.Sprintf("sampler %s: state %q", sampler, name), s[name], n); err != nil {
				return err
			}
		}
	}
	return nil
}
