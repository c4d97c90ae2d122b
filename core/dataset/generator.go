package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// ErrNoHeldOut is wrapped by Fill's error where a kind has no held-out items.
var ErrNoHeldOut = errors.New("no held-out items")

// Generator draws items of a population: training items 0, 1, ... and held-out items 0, 1, ..., each keyed by its number
// alone. Safe for concurrent use.
type Generator interface {
	// Space returns the space of an item.
	Space() space.Space
	// Examples returns how many training items the options ask for. Fill gives more than these where the kind has more.
	Examples() int
	// Fill fills batch, a batch of Space(), with the items first, first+1, ... Errors: a batch of another shape; held-out
	// items of a kind that has none (ErrNoHeldOut); items beyond the last of a list.
	Fill(first int, batch *tensor.Tensor, heldOut bool) error
}

// GeneratorKind describes one kind of generator.
type GeneratorKind struct {
	Name    string
	Doc     string
	HeldOut bool            // it has held-out items
	Options []config.Option // its TOML table but for the key kind
}

// row draws one item into x (d); source is nil for a list. Source(draw) has the item's numbers.
type row func(x []float64, i int, source func(draw uint32) rng.Source)

// kind is a GeneratorKind with its constructor: from options (JSON) and d it makes the row function, the number of
// examples, and for a list the number of items there are (0: no end).
type kind struct {
	GeneratorKind
	build func(raw json.RawMessage, d int) (r row, examples, length int, err error)
}

var kinds = []kind{
	newKind("points", "The given points, in their order: the whole training set. No held-out items.", false, (*pointsOptions).build),
	newKind("regular-polygon", "The corners of a regular polygon around the origin of the plane. No held-out items.", false, (*polygonOptions).build),
	newKind("linspace", "Equally spaced points on a line, or a subset of them. No held-out items.", false, (*linspaceOptions).build),
	newKind("gaussian", "A Gaussian in any number of dimensions.", true, (*gaussianOptions).build),
	newKind("ring", "A ring in the plane, uniform in angle, with a Gaussian spread of the radius: a curved population that no "+
		"Gaussian describes.", true, (*ringOptions).build),
	newKind("gaussian-mixture", "A Gaussian mixture in any number of dimensions.", true, (*mixtureOptions).build),
}

// newKind reads the option table off the options' struct; a mistake there panics at the start of every test.
func newKind[O any](name, doc string, heldOut bool, build func(o *O, d int) (row, int, int, error)) kind {
	table, err := config.Table(new(O))
	if err != nil {
		panic(err)
	}
	k := kind{GeneratorKind: GeneratorKind{Name: name, Doc: doc, HeldOut: heldOut, Options: table}}
	k.build = func(raw json.RawMessage, d int) (row, int, int, error) {
		o := new(O)
		if err := config.Decode(raw, o); err != nil {
			return nil, 0, 0, err
		}
		return build(o, d)
	}
	return k
}

// GeneratorKinds lists the kinds, always in the same order.
func GeneratorKinds() []GeneratorKind {
	list := make([]GeneratorKind, len(kinds))
	for i, k := range kinds {
		list[i] = k.GeneratorKind
	}
	return list
}

// NewGenerator makes a generator of a kind from its options (JSON, strictly decoded) and the run's seed; its items are
// models of the given space, whatever its axes: the options count its numbers in row-major order. Errors: an unknown kind,
// wrong options (*config.KeyError where one key is at fault), a space that does not fit the kind.
func NewGenerator(name string, options json.RawMessage, seed uint64, model *space.Space) (Generator, error) {
	var names []string
	for i := range kinds {
		k := &kinds[i]
		names = append(names, k.Name)
		if k.Name != name {
			continue
		}
		if err := model.Validate(); err != nil {
			return nil, fmt.Errorf("dataset: generator %s: %w", name, err)
		}
		if dt := model.DType; dt != tensor.Float64 && dt != tensor.Float32 {
			return nil, fmt.Errorf("dataset: generator %s draws float64 or float32 models, the space is %v", name, model)
		}
		r, examples, length, err := k.build(options, model.Len())
		if err != nil {
			return nil, fmt.Errorf("dataset: generator %s: %w", name, err)
		}
		return &generator{kind: k, space: *model, row: r, examples: examples, length: length,
			training: rng.New(seed, "dataset/training"), heldOut: rng.New(seed, "dataset/held-out")}, nil
	}
	return nil, fmt.Errorf("dataset: no generator %q (allowed: %s)", name, strings.Join(names, ", "))
}

// generator implements Generator on a row function.
type generator struct {
	kind              *kind
	space             space.Space
	row               row
	examples, length  int
	training, heldOut rng.Stream
}

func (g *generator) Space() space.Space { return g.space }
func (g *generator) Examples() int      { return g.examples }

func (g *generator) Fill(first int, batch *tensor.Tensor, heldOut bool) error {
	if err := g.space.Check("dataset: generator "+g.kind.Name+": batch", batch, -1); err != nil {
		return err
	}
	n, d := batch.Batch(), g.space.Len()
	if heldOut && !g.kind.HeldOut {
		return fmt.Errorf("dataset: generator %s: %w: the training items are all there is. Take a kind that has some (%s), or a truth "+
			"that is not held out", g.kind.Name, ErrNoHeldOut, strings.Join(heldOutKinds(), ", "))
	}
	if first < 0 || uint64(first)+uint64(n) > 1<<32 {
		return fmt.Errorf("dataset: generator %s: items %d..%d, allowed are 0..2^32-1", g.kind.Name, first, first+n-1)
	}
	if g.length > 0 && first+n > g.length {
		return fmt.Errorf("dataset: generator %s: items %d..%d, it has %d (0..%d)", g.kind.Name, first, first+n-1, g.length, g.length-1)
	}
	stream := g.training
	if heldOut {
		stream = g.heldOut
	}
	x := make([]float64, d)
	for k := range n {
		i := first + k
		g.row(x, i, func(draw uint32) rng.Source { return stream.At(0, uint32(i), draw) })
		batch.Item(k).SetReals(x)
	}
	return nil
}

func heldOutKinds() []string {
	var names []string
	for _, k := range kinds {
		if k.HeldOut {
			names = append(names, k.Name)
		}
	}
	return names
}
