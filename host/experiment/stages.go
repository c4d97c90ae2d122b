package experiment

import (
	"fmt"
	"maps"
	"slices"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/npy"
)

// Start is [sampler.start]: the model that the chains of an observation start from.
type Start struct {
	Model      string  `option:"model" oneof:"truth,file" doc:"truth: the observation's own true model, smoothed: what a study starts from that is not about finding a start; file: given ones"`
	File       *string `option:"file" doc:"path of an .npy file of models, for model = \"file\": one for all observations or one each"`
	SmoothM    float64 `option:"smooth_m" default:"0" min:"0" unit:"m" doc:"standard deviation of the Gaussian that smooths the model along z and x; 0: as it is"`
	KeepAboveM float64 `option:"keep_above_m" default:"0" min:"0" unit:"m" doc:"what lies at less depth than this (water) is neither smoothed nor smeared into what lies below"`
}

// StageKeys are the host's keys of a table of [[sampler.stages]]; options of the sampler that differ stand beside them.
type StageKeys struct {
	Label string `option:"label" default:"" doc:"its name in figures; empty: its number (changes no result)" affects:"nothing"`
}

// Stage is one table of [[sampler.stages]], resolved: the sampler with the stage's options, and adapters that observed and
// computed data go through behind those of [observation].
type Stage struct {
	Label   string
	Adapt   Adapters
	Sampler *Plugin
}

// SamplerStages lists the stages of sampling: those of the experiment, or one that is the sampler's table itself.
func (c *Cell) SamplerStages() []Stage {
	if len(c.Stages) > 0 || c.Sampler == nil {
		return c.Stages
	}
	return []Stage{{Sampler: c.Sampler}}
}

// whole are the keys of [sampler] that a stage cannot change.
var whole = []string{"plugin", "path", "device", "threads", "chains", "group", "on_divergence", "snapshots", "start", "stages"}

// take returns a table without the given keys.
func take(table map[string]any, keys ...string) map[string]any {
	rest := maps.Clone(table)
	for _, k := range keys {
		delete(rest, k)
	}
	return rest
}

// start resolves [sampler.start].
func (l *loader) start(v any, c *draft) (map[string]any, error) {
	path := config.Path{"sampler", "start"}
	table, ok := v.(map[string]any)
	if !ok {
		return nil, l.locate(&config.KeyError{Path: path, Text: "must be a table, [sampler.start]"}, nil, c.moved)
	}
	var s Start
	var resolved map[string]any
	if err := l.table(table, &s, path, c, &resolved); err != nil {
		return nil, err
	}
	bad := func(key, format string, args ...any) error {
		return l.locate(&config.KeyError{Path: config.Path{key}, Text: fmt.Sprintf(format, args...)}, path, c.moved)
	}
	switch {
	case (s.Model == "file") != (s.File != nil):
		return nil, bad("file", "goes with model = \"file\", and model is %q", s.Model)
	case s.Model == "truth" && c.Observation != nil && c.Observation.Truth == "data":
		return nil, bad("model", "given data have no true model")
	}
	if s.File != nil {
		f, err := l.rel(*s.File)
		if err == nil {
			_, err = npy.ReadHeader(f)
		}
		if err != nil {
			return nil, bad("file", "%v", err)
		}
		s.File = &f
		resolved["file"] = f
	}
	c.Start = &s
	return resolved, nil
}

// stages resolves [[sampler.stages]]; table is [sampler] without them.
func (l *loader) stages(v any, table map[string]any, c *draft) ([]any, error) {
	at := config.Path{"sampler", "stages"}
	bad := func(path config.Path, format string, args ...any) error {
		return l.locate(&config.KeyError{Path: path, Text: fmt.Sprintf(format, args...)}, nil, c.moved)
	}
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, bad(at, "must be a list of tables, [[sampler.stages]]")
	}
	options, err := config.Table(StageKeys{})
	if err != nil {
		return nil, err
	}
	var out []any
	for i, x := range list {
		path := at.Item(i)
		given, ok := x.(map[string]any)
		if !ok {
			return nil, bad(path, "must be a table")
		}
		var s Stage
		if s.Adapt, given, err = l.adapters(given, path, c); err != nil {
			return nil, err
		}
		if len(s.Adapt) > 0 && c.Observation == nil {
			return nil, bad(path.Join("adapt"), "there are no data to adapt: sampler %v is not conditioned on an [observation]", table["plugin"])
		}
		keys := StageKeys{}
		if err := config.DecodeTree(config.Pick(options, given), &keys); err != nil {
			return nil, l.locate(err, path, c.moved)
		}
		s.Label = keys.Label
		if s.Label == "" {
			s.Label = fmt.Sprintf("stage %d", i+1)
		}
		given = take(given, "label")
		merged, moved := maps.Clone(table), slices.Clone(c.moved)
		for _, k := range sortedKeys(given) {
			if contains(whole, k) {
				return nil, bad(path.Join(k), "is one for all stages: it belongs into [sampler]")
			}
			merged[k] = given[k]
			moved = append(moved, config.Moved{Path: config.Path{"sampler", k}, From: origin(path.Join(k), c.moved)})
		}
		d := &draft{moved: moved, device: c.device}
		resolved, p, err := l.pluginTable(contract.KindSampler, merged, config.Path{"sampler"}, Sampler{}, d)
		if err != nil {
			return nil, err
		}
		s.Sampler = p
		c.Stages = append(c.Stages, s)
		t := map[string]any{"label": s.Label}
		for k := range given {
			t[k] = resolved[k]
		}
		if len(s.Adapt) > 0 {
			t["adapt"] = tables(s.Adapt)
		}
		out = append(out, t)
	}
	return out, nil
}

// starts checks that the sampler can start where it is told to, which every stage but the first needs, too.
func (l *loader) starts(c *draft) error {
	what := ""
	switch {
	case c.Start != nil:
		what = "start"
	case len(c.Stages) > 1:
		what = "stages"
	default:
		return nil
	}
	bad := func(text string) error {
		return fmt.Errorf("%w: %w", l.locate(&config.KeyError{Path: config.Path{"sampler", what}, Text: text}, nil, c.moved), contract.ErrUnsupported)
	}
	if d := &c.Sampler.Description; !d.Has(contract.CapStart) {
		return bad(fmt.Sprintf("needs sampler capability %s; sampler %s has: %s", contract.CapStart, c.Sampler.Ref.Name, list(d.Capabilities)))
	}
	if c.Start == nil {
		return nil
	}
	if c.Observation == nil {
		return bad("the chains have no [observation] to start for")
	}
	if c.Prior != nil && !c.Prior.Description.Has(contract.CapEncode) {
		return bad(fmt.Sprintf("a model to start from needs prior capability %s; prior %s has: %s", contract.CapEncode, c.Prior.Ref.Name, list(c.Prior.Description.Capabilities)))
	}
	return nil
}
