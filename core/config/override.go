package config

import "fmt"

// Override returns a copy of the tree with the value at a dotted key replaced (ParsePath's syntax: "prior.data.examples",
// "sampler.stages[0].steps"); the tree itself stays as it is. A scalar or list replaces what is there; a table is merged,
// key by key and at any depth, into the table that is there. Tables on the way that do not exist are made. What the key
// means, and whether its type is right, is judged later, by Resolve.
//
// Every error is a *KeyError that names the key: it is malformed or empty, leads through something that is no table, names
// a list item that is not there, or would put a scalar in place of a table or a table in place of a scalar.
func Override(tree map[string]any, key string, value any) (map[string]any, error) {
	path, err := ParsePath(key)
	if err != nil || len(path) == 0 {
		return nil, &KeyError{Path: Path{key}, Text: "not a dotted key, such as prior.data.examples or sampler.stages[0].steps"}
	}
	out := Clone(tree).(map[string]any)
	var at any = out
	for i, e := range path[:len(path)-1] {
		switch t := at.(type) {
		case map[string]any:
			next, ok := t[e]
			if !ok {
				if _, item := itemIndex(path[i+1]); item {
					return nil, &KeyError{Path: path, Text: fmt.Sprintf("%s is not there: a list to change items of must be given", path[:i+1])}
				}
				next = map[string]any{}
				t[e] = next
			}
			at = next
		default:
			next, err := item(at, path, i)
			if err != nil {
				return nil, err
			}
			at = next
		}
	}
	last := len(path) - 1
	switch t := at.(type) {
	case map[string]any:
		old, exists := t[path[last]]
		merged, err := merge(old, exists, Clone(value), path)
		if err != nil {
			return nil, err
		}
		t[path[last]] = merged
	default:
		old, err := item(at, path, last)
		if err != nil {
			return nil, err
		}
		merged, err := merge(old, true, Clone(value), path)
		if err != nil {
			return nil, err
		}
		i, _ := itemIndex(path[last])
		at.([]any)[i] = merged
	}
	return out, nil
}

// item returns the item of the list `at` that path[i] names.
func item(at any, path Path, i int) (any, error) {
	list, ok := at.([]any)
	if !ok {
		return nil, &KeyError{Path: path, Text: fmt.Sprintf("%s is no table but %s", path[:i], describe(at))}
	}
	n, ok := itemIndex(path[i])
	if !ok {
		return nil, &KeyError{Path: path, Text: fmt.Sprintf("%s is a list: name one of its %d items, as %s", path[:i], len(list), path[:i].Item(0))}
	}
	if n >= len(list) {
		return nil, &KeyError{Path: path, Text: fmt.Sprintf("%s has %d items, the first is [0]", path[:i], len(list))}
	}
	return list[n], nil
}

// merge puts value in the place of old.
func merge(old any, exists bool, value any, path Path) (any, error) {
	from, valueIsTable := value.(map[string]any)
	into, oldIsTable := old.(map[string]any)
	switch {
	case !exists || !valueIsTable && !oldIsTable:
		return value, nil
	case !valueIsTable:
		return nil, &KeyError{Path: path, Text: "is a table; give a table of the keys to change, got " + describe(value)}
	case !oldIsTable:
		return nil, &KeyError{Path: path, Text: "is no table but " + describe(old) + "; got " + describe(value)}
	}
	for _, k := range sortedKeys(from) {
		old, exists := into[k]
		merged, err := merge(old, exists, from[k], path.Join(k))
		if err != nil {
			return nil, err
		}
		into[k] = merged
	}
	return into, nil
}

// Clone copies a tree: tables and lists are new, scalars shared.
func Clone(v any) any {
	switch t := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(t))
		for k, e := range t {
			out[k] = Clone(e)
		}
		return out
	case []any:
		out := make([]any, len(t))
		for i, e := range t {
			out[i] = Clone(e)
		}
		return out
	}
	return v
}
