package experiment

import (
	"fmt"
	"sort"
	"strings"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/host/session"
)

// maxCells is a guard against a sweep that nobody meant.
const maxCells = 10000

// sweep expands [sweep]: every key of it is a dotted key of the file with a list of values, and every combination is a
// cell. A value that is a table is merged into the table at that key; its own key "label" names it. The key "cases" is
// a list of tables (with a label) that are merged at the top of the file: combinations that belong together; a case may
// have a sweep table of its own, which multiplies that case alone.
func (l *loader) sweep(tree map[string]any) ([]draft, error) {
	base := map[string]any{}
	for k, v := range tree {
		if k != "sweep" {
			base[k] = v
		}
	}
	sw, err := sub(l, tree, "sweep")
	if err != nil {
		return nil, err
	}
	return l.expand([]draft{{Cell: Cell{tree: base}}}, sw, config.Path{"sweep"})
}

// expand multiplies cells by every key of a sweep table: cases first, then the keys in the order of their lines.
func (l *loader) expand(cells []draft, sw map[string]any, table config.Path) ([]draft, error) {
	keys := sortedKeys(sw)
	sort.SliceStable(keys, func(a, b int) bool {
		if (keys[a] == "cases") != (keys[b] == "cases") {
			return keys[a] == "cases"
		}
		return l.doc.Line(table.Join(keys[a])...) < l.doc.Line(table.Join(keys[b])...)
	})
	for _, key := range keys {
		at := table.Join(key)
		values, ok := sw[key].([]any)
		if !ok || len(values) == 0 {
			if _, dotted := sw[key].(map[string]any); dotted {
				return nil, l.doc.Errorf(at, "swept keys are written in quotes: \"%s.…\" = [ … ]", key)
			}
			return nil, l.doc.Errorf(at, "must be a list of values, one cell each")
		}
		if len(cells)*len(values) > maxCells {
			return nil, l.doc.Errorf(at, "the sweep has more than %d cells", maxCells)
		}
		var next []draft
		for _, c := range cells {
			for i, v := range values {
				n, own, err := l.vary(c, key, v, at.Item(i))
				if err != nil {
					return nil, err
				}
				more := []draft{n}
				if own != nil {
					if more, err = l.expand(more, own, at.Item(i).Join("sweep")); err != nil {
						return nil, err
					}
				}
				if next = append(next, more...); len(next) > maxCells {
					return nil, l.doc.Errorf(at, "the sweep has more than %d cells", maxCells)
				}
			}
		}
		cells = next
	}
	return cells, nil
}

// vary gives a cell one value of a swept key. A case may bring a sweep of its own, which is returned.
func (l *loader) vary(c draft, key string, v any, from config.Path) (n draft, own map[string]any, err error) {
	label := ""
	table, isTable := v.(map[string]any)
	if isTable {
		t := map[string]any{}
		for k, x := range table {
			t[k] = x
		}
		if s, ok := t["label"].(string); ok {
			label = s
			delete(t, "label")
		}
		if o, ok := t["sweep"]; ok && key == "cases" {
			if own, ok = o.(map[string]any); !ok {
				return n, nil, l.doc.Errorf(from.Join("sweep"), "must be a table of swept keys")
			}
			delete(t, "sweep")
		}
		table, v = t, t
	}
	n = draft{Cell: Cell{Label: c.Label, Values: append([]Value{}, c.Values...)}, moved: append([]config.Moved{}, c.moved...)}
	if key == "cases" {
		if !isTable || label == "" {
			return n, nil, l.doc.Errorf(from, "a case is a table with a label: [[sweep.cases]] label = \"...\"")
		}
		n.tree = c.tree
		for _, k := range sortedKeys(table) {
			if n.tree, err = config.Override(n.tree, k, table[k]); err != nil {
				return n, nil, l.doc.Locate(err, nil, config.Moved{Path: config.Path{k}, From: from.Join(k)})
			}
			n.moved = append(n.moved, config.Moved{Path: config.Path{k}, From: from.Join(k)})
		}
		n.Values = append(n.Values, Value{Key: "case", Value: label})
		n.Label = label
		return n, own, nil
	}
	path, err := config.ParsePath(key)
	if err != nil {
		return n, nil, l.doc.Errorf(from[:len(from)-1], "%v", err)
	}
	if n.tree, err = config.Override(c.tree, key, v); err != nil {
		return n, nil, l.doc.Locate(err, nil, config.Moved{Path: path, From: from})
	}
	if isTable {
		for _, k := range sortedKeys(table) {
			n.moved = append(n.moved, config.Moved{Path: path.Join(k), From: from.Join(k)})
		}
	} else {
		n.moved = append(n.moved, config.Moved{Path: path, From: from})
	}
	if label == "" {
		label = fmt.Sprint(v)
	}
	n.Values = append(n.Values, Value{Key: key, Value: valueOf(v, label, isTable)})
	part := path[len(path)-1] + "=" + label
	if isTable {
		part = label
	}
	n.Label = strings.TrimPrefix(n.Label+", "+part, ", ")
	return n, own, nil
}

func valueOf(v any, label string, isTable bool) any {
	if isTable {
		return label
	}
	return v
}

// LockTree returns the lock file's tree: every cell resolved, every plugin's version, numerics and checksum.
func (e *Experiment) LockTree(checksum func(session.Ref) string) map[string]any {
	out := map[string]any{"name": e.Name, "lock": map[string]any{"version": int64(1)}}
	var cells []any
	plugins := map[string]any{}
	for i := range e.Cells {
		c := &e.Cells[i]
		t := map[string]any{"label": c.Label}
		for _, k := range sortedKeys(c.tree) {
			if k != "name" {
				t[k] = c.tree[k]
			}
		}
		var values []any
		for _, v := range c.Values {
			values = append(values, map[string]any{"key": v.Key, "value": v.Value})
		}
		if len(values) > 0 {
			t["values"] = values
		}
		cells = append(cells, t)
		for _, p := range c.Plugins() {
			plugins[session.BuildName(p.Ref)] = map[string]any{
				"version": p.Description.Version, "numerics": p.Description.Numerics, "sha256": checksum(p.Ref),
			}
		}
	}
	out["cell"] = cells
	out["lock"].(map[string]any)["plugins"] = plugins
	return out
}

// lock reads a lock file: its cells are resolved already, and are checked again all the same.
func (l *loader) lock(e *Experiment, tree map[string]any) error {
	e.Lock = true
	for _, k := range sortedKeys(tree) {
		if k != "name" && k != "lock" && k != "cell" {
			return l.doc.Errorf(config.Path{k}, "a lock file has name, lock and [[cell]] only (--set does not reach its cells: edit them, or run the experiment itself)")
		}
	}
	cells, ok := tree["cell"].([]any)
	if !ok || len(cells) == 0 {
		return l.doc.Errorf(config.Path{"cell"}, "a lock file has at least one [[cell]]")
	}
	for i, v := range cells {
		t, ok := v.(map[string]any)
		if !ok {
			return l.doc.Errorf(config.Path{"cell"}.Item(i), "must be a table")
		}
		c := draft{Cell: Cell{tree: map[string]any{"name": tree["name"]}}}
		at := config.Path{"cell"}.Item(i)
		for k, x := range t {
			switch k {
			case "label":
				c.Label, _ = x.(string)
			case "values":
				vs, _ := x.([]any)
				for _, v := range vs {
					m, _ := v.(map[string]any)
					key, _ := m["key"].(string)
					c.Values = append(c.Values, Value{Key: key, Value: m["value"]})
				}
			default:
				c.tree[k] = x
				c.moved = append(c.moved, config.Moved{Path: config.Path{k}, From: at.Join(k)})
			}
		}
		if err := l.cell(e, &c); err != nil {
			return err
		}
		e.Cells = append(e.Cells, c.Cell)
	}
	locked, _ := config.Lookup(tree, config.Path{"lock", "plugins"})
	m, _ := locked.(map[string]any)
	for _, ref := range l.refs() {
		d := l.described[ref]
		key := session.BuildName(ref)
		p, _ := m[key].(map[string]any)
		if was, ok := p["numerics"].(string); ok && was != d.Numerics {
			return l.doc.Errorf(config.Path{"lock", "plugins", key, "numerics"}, "was %q when this run was made, the plugin that is here has %q: its numbers differ, and the lock cannot be repeated with it", was, d.Numerics)
		}
	}
	return l.doc.Locate(slugs(e.Cells), nil)
}

// refs lists the described plugins in a fixed order.
func (l *loader) refs() []session.Ref {
	refs := make([]session.Ref, 0, len(l.described))
	for ref := range l.described {
		refs = append(refs, ref)
	}
	sort.Slice(refs, func(i, j int) bool { return fmt.Sprint(refs[i]) < fmt.Sprint(refs[j]) })
	return refs
}
