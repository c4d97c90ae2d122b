package experiment

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/host/session"
)

// Plugin is one plugin of a cell, with its options resolved.
type Plugin struct {
	Ref         session.Ref
	Description contract.Description
	Threads     int
	Workers     int // solvers
	Options     map[string]any
	sums        map[string]string // of the files that options name, by their paths: hashes of their content
}

// Lookup returns the value of a dotted key of the resolved cell.
func (c *Cell) Lookup(key string) (any, bool) {
	path, err := config.ParsePath(key)
	if err != nil {
		return nil, false
	}
	return config.Lookup(c.tree, path)
}

// OptionsJSON is what the plugin's Configure gets.
func (p *Plugin) OptionsJSON() json.RawMessage { return config.Canonical(p.Options) }

// Numbers are the options that change what a stage computes: those that affect only the named other stages, or nothing,
// are left out, and a file's name is its content's hash. They go into the stage's key.
func (p *Plugin) Numbers(without ...string) map[string]any {
	return config.Without(p.Description.Options, p.hashed(), append(without, config.Nothing)...)
}

// hashed are the options with the hash of its content for every file.
func (p *Plugin) hashed() map[string]any {
	out, err := config.MapFiles(p.Description.Options, p.Options, func(name string) (string, error) { return "sha256:" + p.sums[name], nil })
	if err != nil {
		panic(err) // there is none
	}
	return out
}

// Plugins lists the plugins that the cell uses, those of its truth rule among them.
func (c *Cell) Plugins() []*Plugin {
	all := []*Plugin{&c.Solver}
	for _, p := range []*Plugin{c.Prior, c.ObsSolver, c.Sampler} {
		if p != nil {
			all = append(all, p)
		}
	}
	if c.Observation != nil && c.Observation.Rule != nil && c.Observation.Rule.Run.Sampler != nil {
		all = append(all, c.Observation.Rule.Run.Prior, c.Observation.Rule.Run.Sampler)
	}
	return all
}

// Cell is one combination of a sweep, resolved. An experiment without a sweep has one.
type Cell struct {
	Label  string // "" for the only cell
	Slug   string // folder name
	Values []Value

	Seed        uint64
	Solver      Plugin
	Prior       *Plugin // nil: the latent vector is the solver's own model
	Checkpoint  string  // folder of a trained prior
	Data        *Data   // nil: no training set
	Generator   json.RawMessage
	Observation *Observation
	ObsSolver   *Plugin  // the solver that makes the data; nil: Solver
	ModelAdapt  Adapters // explicit adapters after what the prior decodes to
	DataAdapt   Adapters // explicit adapters after the solver's data
	Sampler     *Plugin
	Chains      Sampler // the host's keys of [sampler]
	Start       *Start  // nil: where the sampler itself starts
	Stages      []Stage // of sampling, each from where the one before it ended; none: one, by [sampler] itself
	Judge       Judge

	tree map[string]any // resolved, for the lock
}

// Optimises tells whether the cell's chains are optima, not draws (contract.Optimiser).
func (c *Cell) Optimises() bool {
	return c.Sampler != nil && c.Sampler.Description.Has(contract.CapOptimise)
}

// Value is one swept key of a cell.
type Value struct {
	Key   string
	Value any
}

// Experiment is a file, resolved.
type Experiment struct {
	File
	Path  string // of the TOML file
	Dir   string // its folder: relative paths start there
	Text  []byte // as it stood
	Lock  bool   // Path is a lock file
	Cells []Cell
}

// slugs gives every cell a folder name of its own. Cells with the same label would be one in metrics and claims.
func slugs(cells []Cell) error {
	seen, labels := map[string]int{}, map[string]bool{}
	for i := range cells {
		c := &cells[i]
		if labels[c.Label] {
			return &config.KeyError{Path: config.Path{"sweep"}, Text: fmt.Sprintf("two cells are both called %q: give them different labels", c.Label)}
		}
		labels[c.Label] = true
		if c.Label == "" {
			continue
		}
		s := strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-_=+", r) {
				return r
			}
			return '_'
		}, c.Label)
		if len(s) > 100 {
			s = s[:100]
		}
		if s[0] == '.' { // nor a hidden folder, nor the one above
			s = "_" + s[1:]
		}
		if n := seen[s]; n > 0 {
			s = fmt.Sprintf("%s~%d", s, n+1) // ~ is in no slug: another cell cannot have this one
		}
		seen[strings.SplitN(s, "~", 2)[0]]++
		c.Slug = s
	}
	return nil
}
