package experiment

import (
	"encoding/json"
	"fmt"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/dataset"
)

// Drawn is truth = { rule = "drawn", ... }: items of a generator, without a prior or a training set.
type Drawn struct {
	Rule string         `option:"rule" oneof:"drawn" doc:"the truths are items of a generator: no prior and no training set are needed"`
	Data map[string]any `option:"data" doc:"the generator: its kind and options as in [prior.data], without a number of examples"`
}

// Generated is a generator, resolved: observation i is its item i.
type Generated struct {
	Kind    string
	Options json.RawMessage
}

// drawn resolves a truth that is drawn.
func (l *loader) drawn(truth map[string]any, c *draft) (*Generated, map[string]any, error) {
	at := config.Path{"observation", "truth"}
	var o Drawn
	var resolved map[string]any
	if err := l.table(truth, &o, at, c, &resolved); err != nil {
		return nil, nil, err
	}
	at = at.Join("data")
	bad := func(key, format string, args ...any) error {
		return l.locate(&config.KeyError{Path: config.Path{key}, Text: fmt.Sprintf(format, args...)}, at, c.moved)
	}
	kind, _ := o.Data["kind"].(string)
	options, err := generatorOptions(kind)
	if err != nil {
		return nil, nil, bad("kind", "%v", err)
	}
	if dataset.FromFiles(kind, o.Data) {
		return nil, nil, bad("kind", "%s are not drawn: truth = \"file\" takes models from a file", kind)
	}
	for _, key := range []string{"examples", "held_out"} {
		if _, ok := o.Data[key]; ok {
			return nil, nil, bad(key, "observation.count says how many truths there are")
		}
	}
	all, err := config.Resolve(options, take(o.Data, "kind"))
	if err != nil {
		return nil, nil, l.locate(err, at, c.moved)
	}
	g := &Generated{Kind: kind, Options: config.Canonical(all)}
	table := take(all, "examples")
	table["kind"] = kind
	resolved["data"] = table
	return g, resolved, nil
}
