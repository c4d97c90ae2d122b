package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/openfwi"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// mixKind is the kind of generator whose items are those of other kinds.
const mixKind = "mix"

type mixOptions struct {
	examplesOption
	Parts any `option:"parts" doc:"list of tables: fraction, above 0 (scaled so that all sum to 1), and kind with its options as in [prior.data], but for examples. Of the first n examples, for every n, fraction x n are of that part, to a whole number"`
}

// mixPart is one table of parts.
type mixPart struct {
	kind     *kind
	options  map[string]any // without fraction, kind and examples
	fraction float64        // of all, summing to 1
}

// partTable is the option table of a part of a kind.
func partTable(k *kind) []config.Option {
	zero := 0.0
	table := []config.Option{
		{Name: "kind", Type: config.String, Doc: "kind of generator"},
		{Name: "fraction", Type: config.Float, Doc: "share of the examples", Min: &zero, MinExclusive: true},
	}
	for _, o := range k.Options {
		if o.Name != "examples" {
			table = append(table, o)
		}
	}
	return table
}

// parts reads and resolves the list of parts.
func (o *mixOptions) parts() ([]mixPart, error) {
	list, ok := o.Parts.([]any)
	if !ok || len(list) == 0 || len(list) > math.MaxUint16 {
		return nil, keyError("parts", "must be a list of tables, [[prior.data.parts]], of one to %d", math.MaxUint16)
	}
	var parts []mixPart
	sum := 0.0
	for i, item := range list {
		at := config.Path{"parts"}.Item(i)
		table, ok := item.(map[string]any)
		if !ok {
			return nil, &config.KeyError{Path: at, Text: fmt.Sprintf("must be a table, got %v", item)}
		}
		k := kindByName(table["kind"])
		if k == nil || k.Name == mixKind {
			return nil, &config.KeyError{Path: at.Join("kind"), Text: fmt.Sprintf("%v is no kind of a part (allowed: %s)", table["kind"], strings.Join(partKinds(), ", "))}
		}
		resolved, err := config.Resolve(partTable(k), table)
		if err != nil {
			return nil, within(at, err)
		}
		p := mixPart{kind: k, fraction: resolved["fraction"].(float64), options: resolved}
		delete(resolved, "kind")
		delete(resolved, "fraction")
		sum += p.fraction
		parts = append(parts, p)
	}
	if math.IsInf(sum, 0) {
		return nil, keyError("parts", "the fractions sum to %g, must be finite", sum)
	}
	for i := range parts {
		parts[i].fraction /= sum
	}
	return parts, nil
}

// within puts a part's place before the keys of an error.
func within(at config.Path, err error) error {
	var errs []error
	for _, e := range config.All(err) {
		key := &config.KeyError{Text: e.Error()}
		_ = errors.As(e, &key)
		errs = append(errs, &config.KeyError{Path: at.Join(key.Path...), Text: key.Text})
	}
	return errors.Join(errs...)
}

// build leaves the work to newMix, which has the seed.
func (o *mixOptions) build(*space.Space) (population, error) { return population{mix: o}, nil }

// CheckParts judges the parts among a kind's options, which stand there as they were read: kinds, fractions, and the parts'
// own options. Errors are *config.KeyErrors. Every kind but mix has none.
func CheckParts(name string, options map[string]any) error {
	if name != mixKind {
		return nil
	}
	_, err := (&mixOptions{Parts: options["parts"]}).parts()
	return err
}

func partKinds() []string {
	var names []string
	for _, k := range kinds {
		if k.Name != mixKind {
			names = append(names, k.Name)
		}
	}
	return names
}

// mix is a Generator of other generators' items.
type mix struct {
	space    space.Space
	examples int
	parts    []Generator
	names    []string // "part 1 (ring)"

	turn turns
}

// newMix makes the parts, each with a seed of its own: two parts of one kind do not share their numbers.
func newMix(o *mixOptions, seed uint64, model *space.Space) (*mix, error) {
	parts, err := o.parts()
	if err != nil {
		return nil, err
	}
	m := &mix{space: *model, examples: o.Examples}
	for _, part := range parts {
		m.turn.fraction = append(m.turn.fraction, part.fraction)
	}
	m.turn.count = make([]int, len(parts))
	if o.Examples > mostTurns {
		return nil, keyError("examples", "%d, a mix has at most %d", o.Examples, mostTurns)
	}
	_, counts := m.turn.upTo(o.Examples)
	for i, part := range parts {
		name := fmt.Sprintf("part %d (%s)", i, part.kind.Name)
		at := config.Path{"parts"}.Item(i)
		options := part.options
		for _, o := range part.kind.Options {
			if o.Name == "examples" {
				options["examples"] = int64(max(counts[i], 1))
			}
		}
		w := rng.New(seed, "dataset/mix").At(0, uint32(i), 0).Block(0)
		g, err := NewGenerator(part.kind.Name, config.Canonical(options), uint64(w[1])<<32|uint64(w[0]), model)
		if err != nil {
			return nil, within(at, err)
		}
		if g.Examples() < counts[i] {
			return nil, &config.KeyError{Path: at, Text: fmt.Sprintf("%d of %d examples are of this part, which has %d", counts[i], o.Examples, g.Examples())}
		}
		m.parts, m.names = append(m.parts, g), append(m.names, name)
	}
	return m, nil
}

func (m *mix) Space() space.Space { return m.space }
func (m *mix) Examples() int      { return m.examples }

func (m *mix) Fill(first int, batch *tensor.Tensor, heldOut bool) error {
	if err := m.space.Check("dataset: generator mix: batch", batch, -1); err != nil {
		return err
	}
	n := batch.Batch()
	if first < 0 || first+n > mostTurns {
		return fmt.Errorf("dataset: generator mix: items %d..%d, allowed are 0..%d", first, first+n-1, mostTurns-1)
	}
	of, before := m.turn.between(first, first+n)
	for k, g := range m.parts {
		var places []int
		for i, part := range of {
			if int(part) == k {
				places = append(places, i)
			}
		}
		if len(places) == 0 {
			continue
		}
		some := m.space.New(len(places))
		if err := g.Fill(before[k], some, heldOut); err != nil {
			return fmt.Errorf("dataset: generator mix: %s: %w", m.names[k], err)
		}
		for j, i := range places {
			batch.Item(i).CopyFrom(some.Item(j))
		}
	}
	return nil
}

// mostTurns bounds the items of a mix, whose turns are remembered.
const mostTurns = 1 << 24

// turns says which part an item is of: the one that is most behind its fraction of the items up to this one, the first of
// equals. So every prefix has its fractions to less than one item a part, and an item's part depends on its number alone.
type turns struct {
	fraction []float64

	mu    sync.Mutex
	of    []uint16
	count []int // of every part among of
}

// grow takes turns until there are n items. The caller holds mu.
func (t *turns) grow(n int) {
	for i := len(t.of); i < n; i++ {
		best, most := 0, math.Inf(-1)
		for k, f := range t.fraction {
			if behind := float64(f*float64(i+1)) - float64(t.count[k]); behind > most {
				best, most = k, behind
			}
		}
		t.of = append(t.of, uint16(best))
		t.count[best]++
	}
}

// upTo returns the parts of the first n items, and how many of them each part has.
func (t *turns) upTo(n int) (of []uint16, counts []int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.grow(n)
	counts = make([]int, len(t.fraction))
	for _, k := range t.of[:n] {
		counts[k]++
	}
	return t.of[:n:n], counts
}

// between returns the parts of items lo..hi-1, and how many items of each part come before lo.
func (t *turns) between(lo, hi int) (of []uint16, before []int) {
	of, _ = t.upTo(hi)
	_, before = t.upTo(lo)
	return of[lo:], before
}

// partOptions calls f with the kind and the options of everything that a kind's items come from: the parts of a mix, else
// itself. What is no list of tables is passed over: NewGenerator says what is wrong with it.
func partOptions(kind string, options map[string]any, f func(kind string, options map[string]any) error) error {
	if kind != mixKind {
		return f(kind, options)
	}
	list, _ := options["parts"].([]any)
	for i, item := range list {
		part, _ := item.(map[string]any)
		name, _ := part["kind"].(string)
		if name == "" || name == mixKind {
			continue
		}
		if err := f(name, part); err != nil {
			return within(config.Path{"parts"}.Item(i), err)
		}
	}
	return nil
}

// Files returns the files that a kind's items are read from, nil for a kind that draws them: their content is part of the
// items' identity. options are JSON, as for NewGenerator.
func Files(name string, options json.RawMessage) ([]string, error) {
	tree, err := config.ParseJSON(options)
	if err != nil {
		return nil, err
	}
	var all []string
	err = partOptions(name, tree, func(kind string, options map[string]any) error {
		if kind != filesKind {
			return nil
		}
		path, _ := options["path"].(string)
		paths, err := openfwi.Models(path)
		all = append(all, paths...)
		return err
	})
	return all, err
}

// MapPaths puts f's answer in the place of every path among a kind's options: a host makes them absolute.
func MapPaths(name string, options map[string]any, f func(path string) (string, error)) error {
	return partOptions(name, options, func(kind string, options map[string]any) (err error) {
		if path, ok := options["path"].(string); ok && kind == filesKind {
			options["path"], err = f(path)
		}
		return err
	})
}

// FromFiles tells whether any of a kind's items are read from files, which have no more than they have.
func FromFiles(name string, options map[string]any) bool {
	read := false
	_ = partOptions(name, options, func(kind string, _ map[string]any) error {
		read = read || kind == filesKind
		return nil
	})
	return read
}
