package experiment

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/dataset"
)

// MostMemorised is truth = { rule = "mean-of-most-memorised", ... }: unconditional samples of the prior, trained on the
// first few training examples, are sorted by their ratio r (those that lie nearest to one example, compared with the others,
// first), and the truth is the mean of the first different examples met.
type MostMemorised struct {
	Rule     string         `option:"rule" oneof:"mean-of-most-memorised" doc:"the truth is the mean of the first different training examples met when unconditional samples of the prior are sorted by their ratio r, ties by chain"`
	Count    int            `option:"count" default:"3" min:"1" doc:"examples in the mean of one truth; a further observation takes the next ones"`
	Examples int            `option:"examples" default:"50" min:"2" doc:"size of the training set, instead of prior.data.examples"`
	Chains   int            `option:"chains" default:"384" min:"1" doc:"number of unconditional samples"`
	Sampler  map[string]any `option:"sampler" default:"{}" doc:"keys of a [sampler] table that differ from { plugin = \"ddpm\", variant = \"ddim\", eta = 0.0 }; with another plugin: all that differ from its defaults"`
	Prior    map[string]any `option:"prior" default:"{}" doc:"keys of [prior] that differ, so that cells with different priors can share a truth; with another plugin: all but data that differ from its defaults"`
}

// Farthest is truth = { rule = "farthest", ... }: of the items of another generator the one farthest from the first few
// training examples.
type Farthest struct {
	Rule       string         `option:"rule" oneof:"farthest" doc:"the truth is the candidate whose distance from its nearest training example is largest, ties by number; a further observation takes the next one"`
	Examples   int            `option:"examples" default:"50" min:"2" doc:"size of the training set, instead of prior.data.examples"`
	Candidates int            `option:"candidates" default:"2000" min:"1" doc:"number of candidates"`
	Data       map[string]any `option:"data" default:"{}" doc:"options of the candidates' generator that differ from [prior.data]; with another kind: all that differ from its defaults"`
}

// Names of the truth rules.
const (
	RuleMostMemorised = "mean-of-most-memorised"
	RuleFarthest      = "farthest"
	RuleDrawn         = "drawn"
)

// Rule is a truth rule, resolved. Distances are those of [judge.memorisation].
type Rule struct {
	Name       string
	Count      int   // examples in a truth's mean
	Examples   int   // size of the training set
	Candidates int   // their number
	Run        *Cell // the sub-run: data, train and sample without an observation; of RuleFarthest data alone

	Kind      string          // of the candidates' generator
	Generator json.RawMessage // its options
}

// rule resolves a truth that is a table. table is that of [observation], out where the resolved rule goes.
func (l *loader) rule(truth map[string]any, c *draft) (*Rule, map[string]any, error) {
	at := config.Path{"observation", "truth"}
	bad := func(key, format string, args ...any) error {
		return l.locate(&config.KeyError{Path: config.Path{key}, Text: fmt.Sprintf(format, args...)}, at, c.moved)
	}
	if name := truth["rule"]; (name == RuleMostMemorised || name == RuleFarthest) && (c.Prior == nil || c.Data == nil) {
		return nil, nil, bad("rule", "a truth rule looks for its truth among training examples: it needs a [prior] and [prior.data]")
	}
	var r Rule
	var resolved map[string]any
	name, _ := truth["rule"].(string)
	switch name {
	case RuleMostMemorised:
		var o MostMemorised
		if err := l.table(truth, &o, at, c, &resolved); err != nil {
			return nil, nil, err
		}
		r = Rule{Name: name, Count: o.Count, Examples: o.Examples}
		if o.Count > o.Examples {
			return nil, nil, bad("count", "%d different examples, the training set has %d", o.Count, o.Examples)
		}
		if _, ok := o.Sampler["chains"]; ok {
			return nil, nil, bad("sampler", "its number of chains stands beside it: chains = %d", o.Chains)
		}
		sampler := map[string]any{"plugin": "ddpm", "variant": "ddim", "eta": 0.0}
		if p, ok := o.Sampler["plugin"]; ok && p != "ddpm" {
			sampler = map[string]any{}
		}
		maps.Copy(sampler, o.Sampler)
		sampler["chains"] = int64(o.Chains)
		if _, ok := o.Prior["data"]; ok {
			return nil, nil, bad("prior", "the training set is that of [prior.data], with another number of examples")
		}
		sub, err := l.subrun(c, o.Examples, sampler, o.Prior)
		if err != nil {
			return nil, nil, err
		}
		r.Run = &sub.Cell
		used := maps.Clone(sub.tree["sampler"].(map[string]any))
		delete(used, "chains")
		resolved["sampler"] = used
		if len(o.Prior) > 0 {
			used = maps.Clone(sub.tree["prior"].(map[string]any))
			delete(used, "data")
			resolved["prior"] = used
		}
	case RuleFarthest:
		var o Farthest
		if err := l.table(truth, &o, at, c, &resolved); err != nil {
			return nil, nil, err
		}
		r = Rule{Name: name, Examples: o.Examples, Candidates: o.Candidates}
		sub, err := l.subrun(c, o.Examples, nil, nil)
		if err != nil {
			return nil, nil, err
		}
		r.Run = &sub.Cell
		if resolved["data"], err = l.candidates(&r, o.Data, c); err != nil {
			return nil, nil, err
		}
	default:
		return nil, nil, bad("rule", "must be one of %s, %s, %s, got %q", RuleMostMemorised, RuleFarthest, RuleDrawn, name)
	}
	return &r, resolved, nil
}

// table resolves a table at a path into a struct of the schema.
func (l *loader) table(in map[string]any, into any, at config.Path, c *draft, resolved *map[string]any) error {
	options, err := config.Table(into)
	if err != nil {
		return err
	}
	if *resolved, err = config.Resolve(options, in); err != nil {
		return l.locate(err, at, c.moved)
	}
	return config.DecodeTree(*resolved, into)
}

// subrun is the cell with another size of the training set, an unconditional sampler (nil: none) and other keys of its prior,
// without an observation. A cell of a sweep over that size has the same keys, so that the prior is trained once.
func (l *loader) subrun(c *draft, examples int, sampler, prior map[string]any) (*draft, error) {
	at := config.Path{"observation", "truth"}
	options, err := generatorOptions(c.Data.Kind)
	if err != nil {
		return nil, err
	}
	if !has(options, "examples") {
		return nil, l.locate(&config.KeyError{Path: config.Path{"examples"}, Text: fmt.Sprintf("a training set of kind %q has no number of examples to choose", c.Data.Kind)}, at, c.moved)
	}
	tree, err := config.Override(c.tree, "prior.data.examples", int64(examples))
	if err != nil {
		return nil, l.locate(err, nil, c.moved)
	}
	own := tree["prior"].(map[string]any)
	delete(own, "checkpoint") // trained on another set
	if name, ok := prior["plugin"]; ok && name != c.Prior.Ref.Name {
		tree["prior"] = map[string]any{"data": own["data"]}
	}
	if len(prior) > 0 {
		if tree, err = config.Override(tree, "prior", prior); err != nil {
			return nil, l.locate(err, nil, append(c.moved, config.Moved{Path: config.Path{"prior"}, From: origin(at.Join("prior"), c.moved)}))
		}
	}
	for _, other := range []string{"observation", "sampler", "judge", "report"} {
		delete(tree, other)
	}
	s := &draft{Cell: Cell{Label: c.Label, tree: tree}}
	replaced := []config.Path{{"prior", "data", "examples"}}
	if sampler != nil {
		tree["sampler"] = sampler
		replaced = append(replaced, config.Path{"sampler"})
	}
	for _, k := range sortedKeys(prior) {
		replaced = append(replaced, config.Path{"prior", k})
	}
	for _, m := range c.moved {
		gone := false
		for _, p := range replaced {
			gone = gone || m.Path.HasPrefix(p)
		}
		if !gone {
			s.moved = append(s.moved, m)
		}
	}
	for _, p := range replaced {
		from := at.Join(p[len(p)-1])
		if p[0] == "prior" && p[1] != "data" {
			from = at.Join(p...)
		}
		s.moved = append(s.moved, config.Moved{Path: p, From: origin(from, c.moved)})
	}
	var head Experiment // of the whole file: read, and the same
	return s, l.cell(&head, s)
}

// origin is where what stands at a path of the tree stands in the file.
func origin(p config.Path, moved []config.Moved) config.Path {
	from := p
	for _, m := range moved {
		if p.HasPrefix(m.Path) {
			from = m.From.Join(p[len(m.Path):]...)
		}
	}
	return from
}

// candidates resolves the generator of a rule's candidates: [prior.data] with other options.
func (l *loader) candidates(r *Rule, data map[string]any, c *draft) (map[string]any, error) {
	at := config.Path{"observation", "truth", "data"}
	bad := func(key, format string, args ...any) error {
		return l.locate(&config.KeyError{Path: config.Path{key}, Text: fmt.Sprintf(format, args...)}, at, c.moved)
	}
	for _, key := range []string{"examples", "held_out"} {
		if _, ok := data[key]; ok {
			return nil, bad(key, "the candidates are no training set: candidates says how many there are")
		}
	}
	all := map[string]any{}
	own, _ := c.tree["prior"].(map[string]any)["data"].(map[string]any)
	if kind, ok := data["kind"]; !ok || kind == c.Data.Kind {
		maps.Copy(all, own)
	}
	maps.Copy(all, data)
	delete(all, "held_out")
	kind, ok := all["kind"].(string)
	if !ok {
		return nil, bad("kind", "must be a string, a kind of training set")
	}
	options, err := generatorOptions(kind)
	if err != nil {
		return nil, bad("kind", "%v", err)
	}
	if dataset.FromFiles(kind, all) {
		return nil, bad("kind", "%s has no more examples than it has: candidates are drawn, by another kind", kind)
	}
	delete(all, "kind")
	if has(options, "examples") {
		all["examples"] = int64(r.Candidates)
	}
	resolved, err := config.Resolve(options, all)
	if err != nil {
		return nil, l.locate(err, at, c.moved)
	}
	r.Kind, r.Generator = kind, config.Canonical(resolved)
	delete(resolved, "examples")
	resolved["kind"] = kind
	return resolved, nil
}

func has(options []config.Option, name string) bool {
	for _, o := range options {
		if o.Name == name {
			return true
		}
	}
	return false
}

// Text says in words what the rule takes for a truth.
func (r *Rule) Text() string {
	if r.Name == RuleFarthest {
		changed := strings.Trim(string(r.Generator), "{}")
		return fmt.Sprintf("the farthest of %d candidates (%s: %s) from the first %d training examples", r.Candidates, r.Kind, changed, r.Examples)
	}
	return fmt.Sprintf("mean of the %d most memorised of %d training examples, by %d unconditional samples", r.Count, r.Examples, r.Run.Chains.Chains)
}
