package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

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

// population is what a kind makes of its options.
type population struct {
	row      row
	examples int          // training items that the options ask for
	length   int          // of a list: how many items there are; 0: no end
	space    *space.Space // of a row where that is not the model: an adapter leads from it to the model; float64
	files    *fileItems   // where the items come from instead of row
	mix      *mixOptions  // instead of all that: the items are other kinds'
}

// kind is a GeneratorKind with its constructor, from options (JSON) and the space of a model.
type kind struct {
	GeneratorKind
	build func(raw json.RawMessage, model *space.Space) (population, error)
}

var kinds = []kind{
	newVector("points", "The given points, in their order: the whole training set. No held-out items.", false, (*pointsOptions).build),
	newVector("regular-polygon", "The corners of a regular polygon around the origin of the plane. No held-out items.", false, (*polygonOptions).build),
	newVector("linspace", "Equally spaced points on a line, or a subset of them. No held-out items.", false, (*linspaceOptions).build),
	newVector("gaussian", "A Gaussian in any number of dimensions.", true, (*gaussianOptions).build),
	newVector("ring", "A ring in the plane, uniform in angle, with a Gaussian spread of the radius: a curved population that no "+
		"Gaussian describes.", true, (*ringOptions).build),
	newVector("gaussian-mixture", "A Gaussian mixture in any number of dimensions.", true, (*mixtureOptions).build),
	newKind("gaussian-field", "Gaussian random fields of squared slowness on the model's z and x axes, a periodic square that is "+
		"stretched over them, or their projections on the KL basis of cosines: the population of the memorisation study.", true, (*fieldOptions).build),
	newKind("openfwi", "Layered, curved, faulted and natural maps of velocity, as in the ten 2-D families of OpenFWI: 70 x 70 cells that are "+
		"stretched over the model's z and x axes. A model with S velocity or density gets them too.", true, (*openfwiOptions).build),
	newKind("marmousi-like", "Sections of a marine basin on the model's own grid, in the manner of the Marmousi model: water, flat beds, an unconformity, and under it "+
		"beds that are tilted, folded and faulted. A model with S velocity or density gets them too.", true, (*basinOptions).build),
	newKind(filesKind, "Models in files, in the layout of OpenFWI or one array: they are stretched over the model's z and x axes.", true, (*filesOptions).build),
	newKind(mixKind, "Items of several kinds, files among them, by fractions, each item from a part by turns: sets are nested, as of every kind. "+
		"Held-out items are the parts' own.", true, (*mixOptions).build),
}

// newKind reads the option table off the options' struct; a mistake there panics at the start of every test.
func newKind[O any](name, doc string, heldOut bool, build func(o *O, model *space.Space) (population, error)) kind {
	table, err := config.Table(new(O))
	if err != nil {
		panic(err)
	}
	k := kind{GeneratorKind: GeneratorKind{Name: name, Doc: doc, HeldOut: heldOut, Options: table}}
	k.build = func(raw json.RawMessage, model *space.Space) (population, error) {
		o := new(O)
		if err := config.Decode(raw, o); err != nil {
			return population{}, err
		}
		return build(o, model)
	}
	return k
}

// newVector is newKind for a kind that looks at nothing but the number of a model's elements, in row-major order.
func newVector[O any](name, doc string, heldOut bool, build func(o *O, d int) (row, int, int, error)) kind {
	return newKind(name, doc, heldOut, func(o *O, model *space.Space) (population, error) {
		r, examples, length, err := build(o, model.Len())
		return population{row: r, examples: examples, length: length}, err
	})
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
// models of the given space. The kinds of fields and files look at its z and x axes; for the others the options count its
// numbers in row-major order. Errors: an unknown kind, wrong options (*config.KeyError where one key is at fault), a space that does not fit.
func NewGenerator(name string, options json.RawMessage, seed uint64, model *space.Space) (Generator, error) {
	k := kindByName(name)
	if k == nil {
		var names []string
		for _, k := range kinds {
			names = append(names, k.Name)
		}
		return nil, fmt.Errorf("dataset: no generator %q (allowed: %s)", name, strings.Join(names, ", "))
	}
	if err := model.Validate(); err != nil {
		return nil, fmt.Errorf("dataset: generator %s: %w", name, err)
	}
	if dt := model.DType; dt != tensor.Float64 && dt != tensor.Float32 {
		return nil, fmt.Errorf("dataset: generator %s draws float64 or float32 models, the space is %v", name, model)
	}
	p, err := k.build(options, model)
	if err != nil {
		return nil, fmt.Errorf("dataset: generator %s: %w", name, err)
	}
	if p.mix != nil {
		m, err := newMix(p.mix, seed, model)
		if err != nil {
			return nil, fmt.Errorf("dataset: generator %s: %w", name, err)
		}
		return m, nil
	}
	g := &generator{kind: k, space: *model, population: p,
		training: rng.New(seed, "dataset/training"), heldOut: rng.New(seed, "dataset/held-out")}
	if p.files != nil {
		p.files.shuffle(seed)
	}
	if p.space != nil {
		if g.adapt, err = space.Between(*p.space, *model); err != nil {
			return nil, fmt.Errorf("dataset: generator %s: %w", name, err)
		}
	}
	return g, nil
}

// kindByName returns nil where there is none.
func kindByName(name any) *kind {
	for i := range kinds {
		if kinds[i].Name == name {
			return &kinds[i]
		}
	}
	return nil
}

// generator implements Generator on a population.
type generator struct {
	kind  *kind
	space space.Space
	population
	adapt             *space.Adapter // from population.space to space; nil: they are the same
	training, heldOut rng.Stream
}

func (g *generator) Space() space.Space { return g.space }
func (g *generator) Examples() int      { return g.examples }

func (g *generator) Fill(first int, batch *tensor.Tensor, heldOut bool) error {
	if err := g.space.Check("dataset: generator "+g.kind.Name+": batch", batch, -1); err != nil {
		return err
	}
	n := batch.Batch()
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
	if g.files != nil {
		if err := g.files.check(first, n, g.examples, heldOut); err != nil {
			return fmt.Errorf("dataset: generator %s: %w", g.kind.Name, err)
		}
	}
	stream := g.training
	if heldOut {
		stream = g.heldOut
	}
	// Items are each other's strangers: who draws which changes no bit.
	threads := max(1, min(runtime.GOMAXPROCS(0), n*g.space.Len()/fillGrain, n))
	errs := make([]error, threads)
	var wg sync.WaitGroup
	for t := range threads {
		wg.Go(func() { errs[t] = g.fill(first, batch, n*t/threads, n*(t+1)/threads, stream, heldOut) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// fillGrain is the number of values below which Fill starts no second goroutine.
const fillGrain = 1 << 14

// fill draws the items lo..hi-1 of the batch, which are first+lo... of the population.
func (g *generator) fill(first int, batch *tensor.Tensor, lo, hi int, stream rng.Stream, heldOut bool) (err error) {
	own := &g.space
	if g.population.space != nil {
		own = g.population.space
	}
	x := tensor.New(tensor.Float64, own.BatchShape(1)...)
	draw := func(x *tensor.Tensor, i int) error {
		g.row(x.Float64s(), i, func(draw uint32) rng.Source { return stream.At(0, uint32(i), draw) })
		return nil
	}
	if g.files != nil {
		var done func() error
		if draw, done, err = g.files.read(heldOut); err != nil {
			return fmt.Errorf("dataset: generator %s: %w", g.kind.Name, err)
		}
		defer func() { err = errors.Join(err, done()) }()
	}
	for k := lo; k < hi; k++ {
		i := first + k
		if err := draw(x, i); err != nil {
			return fmt.Errorf("dataset: generator %s: item %d: %w", g.kind.Name, i, err)
		}
		if g.adapt == nil {
			batch.Item(k).SetReals(x.Float64s())
			continue
		}
		failed, err := g.adapt.Apply(x, batch.Slice(k, k+1))
		if err == nil && failed != nil {
			err = failed[0]
		}
		if err != nil {
			return fmt.Errorf("dataset: generator %s: item %d: %w", g.kind.Name, i, err)
		}
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
