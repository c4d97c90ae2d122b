package experiment

import (
	"fmt"
	"strings"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
)

func (l *loader) sampler(tree map[string]any, c *draft, out map[string]any) error {
	path := config.Path{"sampler"}
	table, err := sub(l, tree, "sampler")
	if err != nil {
		return err
	}
	start, staged := table["start"], table["stages"]
	table = take(table, "start", "stages")
	resolved, p, err := l.pluginTable(contract.KindSampler, table, path, Sampler{}, c)
	if err != nil {
		return err
	}
	hostTable, err := config.Table(Sampler{})
	if err != nil {
		return err
	}
	if err := config.DecodeTree(config.Pick(hostTable, resolved), &c.Chains); err != nil {
		return l.locate(err, path, c.moved)
	}
	c.Sampler = p
	out["sampler"] = resolved
	if !conditional(p) {
		c.Observation, c.ObsSolver = nil, nil // its samples are the prior's: there is nothing that they depend on
	}
	if start != nil {
		if resolved["start"], err = l.start(start, c); err != nil {
			return err
		}
	}
	if staged != nil {
		if resolved["stages"], err = l.stages(staged, table, c); err != nil {
			return err
		}
	}
	if err := l.starts(c); err != nil {
		return err
	}
	for _, s := range c.SamplerStages() {
		if err := l.needs(c, s.Sampler); err != nil {
			return err
		}
	}
	return nil
}

// conditional tells whether a sampler, as it is configured, draws from a posterior: whether it needs the physics.
func conditional(p *Plugin) bool {
	for _, n := range p.Description.Needs {
		if n.Service != "prior" && (n.Option == "" || fmt.Sprint(p.Options[n.Option]) == n.Value) {
			return true
		}
	}
	return false
}

// needs checks before anything starts that the sampler, under the options of a stage, finds what it needs.
func (l *loader) needs(c *draft, sampler *Plugin) error {
	var prior *contract.Description
	if c.Prior != nil {
		prior = &c.Prior.Description
	}
	for _, n := range sampler.Description.Needs {
		if n.Option != "" && fmt.Sprint(sampler.Options[n.Option]) != n.Value {
			continue
		}
		why := ""
		if n.Option != "" {
			why = fmt.Sprintf(" with %s = %q", n.Option, n.Value)
		}
		at := func(key, text string) error {
			return fmt.Errorf("%w: %w", l.locate(&config.KeyError{Path: config.Path{key}, Text: text}, nil, c.moved), contract.ErrUnsupported)
		}
		switch n.Service {
		case "prior":
			if prior == nil {
				return at("sampler", fmt.Sprintf("sampler %s%s needs a [prior]", sampler.Ref.Name, why))
			}
			if n.Capability != "" && !prior.Has(n.Capability) {
				return at("prior", fmt.Sprintf("sampler %s%s needs prior capability %s; prior %s has: %s", sampler.Ref.Name, why, n.Capability, prior.Name, list(prior.Capabilities)))
			}
		case "physics":
			if c.Observation == nil {
				return at("sampler", fmt.Sprintf("sampler %s%s needs an [observation]", sampler.Ref.Name, why))
			}
			if n.Capability != "" && !c.Solver.Description.Has(n.Capability) {
				return at("solver", fmt.Sprintf("sampler %s%s needs solver capability %s; solver %s has: %s", sampler.Ref.Name, why, n.Capability, c.Solver.Ref.Name, list(c.Solver.Description.Capabilities)))
			}
			if prior == nil {
				continue
			}
			for solver, decode := range map[contract.Capability]contract.Capability{contract.CapGradient: contract.CapDecodeVJP, contract.CapVJP: contract.CapDecodeVJP, contract.CapJVP: contract.CapDecodeJVP} {
				if n.Capability == solver && !prior.Has(decode) {
					return at("prior", fmt.Sprintf("sampler %s%s needs prior capability %s; prior %s has: %s (the physics' %s is wanted with respect to the latent vector)",
						sampler.Ref.Name, why, decode, prior.Name, list(prior.Capabilities), solver))
				}
			}
		}
	}
	return nil
}

func list(c []contract.Capability) string {
	if len(c) == 0 {
		return "none"
	}
	s := make([]string, len(c))
	for i, x := range c {
		s[i] = string(x)
	}
	return strings.Join(s, ", ")
}
