package experiment

import (
	"fmt"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/space"
)

// MemorisationSpace returns what goes from a model space to the coordinates in which distances between models are
// measured: the adapters of [judge.memorisation], the identity where there are none. Errors: an adapter that does not take
// what the one before it gives, named by its key.
func (c *Cell) MemorisationSpace(model space.Space) (*space.Adapter, error) {
	a, err := space.FromOptions(model, c.Judge.Memorisation.Adapt)
	if err != nil {
		return nil, fmt.Errorf("judge.memorisation.adapt: %w", err)
	}
	return a, nil
}

// judge resolves [judge].
func (l *loader) judge(tree map[string]any, c *draft, out map[string]any) error {
	path := config.Path{"judge"}
	in, err := sub(l, tree, "judge")
	if err != nil {
		return err
	}
	table, err := config.Table(Judge{})
	if err != nil {
		return err
	}
	memorisation, isTable := in["memorisation"].(map[string]any)
	if isTable {
		if c.Judge.Memorisation.Adapt, memorisation, err = l.adapters(memorisation, path.Join("memorisation"), c); err != nil {
			return err
		}
		in = merge(in, nil) // a copy
		in["memorisation"] = memorisation
	}
	resolved, err := config.Resolve(table, in)
	if err != nil {
		return l.locate(err, path, c.moved)
	}
	if err := config.DecodeTree(resolved, &c.Judge); err != nil {
		return l.locate(err, path, c.moved)
	}
	if len(c.Judge.Memorisation.Adapt) > 0 {
		resolved["memorisation"].(map[string]any)["adapt"] = tables(c.Judge.Memorisation.Adapt)
	}
	out["judge"] = resolved
	return nil
}
