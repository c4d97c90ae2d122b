package experiment

import (
	"fmt"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/space"
)

// Adapters is an explicit chain of adapters, resolved: what space.FromOptions takes.
type Adapters []map[string]any

// MarshalJSON writes it canonically, for stage keys: an open bound of a clamp is an infinity, which plain JSON cannot hold.
func (a Adapters) MarshalJSON() ([]byte, error) {
	if a == nil {
		return []byte("null"), nil
	}
	return config.Canonical(tables(a)), nil
}

// adapters takes the explicit adapters, adapt = [{ kind = "...", ... }], out of a table and resolves each.
func (l *loader) adapters(table map[string]any, path config.Path, c *draft) (Adapters, map[string]any, error) {
	v, ok := table["adapt"]
	if !ok {
		return nil, table, nil
	}
	rest := make(map[string]any, len(table))
	for k, x := range table {
		if k != "adapt" {
			rest[k] = x
		}
	}
	bad := func(p config.Path, format string, args ...any) error {
		return l.locate(&config.KeyError{Path: p, Text: fmt.Sprintf(format, args...)}, path, c.moved)
	}
	items, ok := v.([]any)
	if !ok {
		return nil, nil, bad(config.Path{"adapt"}, "must be a list of tables, [{ kind = \"...\" }]")
	}
	var out Adapters
	for i, x := range items {
		at := config.Path{"adapt"}.Item(i)
		t, ok := x.(map[string]any)
		if !ok {
			return nil, nil, bad(at, "must be a table, { kind = \"...\" }")
		}
		kind, _ := t["kind"].(string)
		options, err := space.KindOptions(kind)
		if err != nil {
			return nil, nil, bad(at.Join("kind"), "%v", err)
		}
		resolved, err := config.Resolve(options, t)
		if err != nil {
			return nil, nil, l.locate(err, path.Join(at...), c.moved)
		}
		out = append(out, resolved)
	}
	return out, rest, nil
}

func tables(list Adapters) []any {
	out := make([]any, len(list))
	for i, t := range list {
		out[i] = t
	}
	return out
}
