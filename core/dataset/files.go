package dataset

import (
	"fmt"
	"math"
	"slices"

	"github.com/waveprior/waveprior/core/openfwi"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// filesKind is the kind of generator that reads files.
const filesKind = "files"

type filesOptions struct {
	Path     string `option:"path" doc:"a folder in the layout of OpenFWI (model1.npy, vel2_1_0.npy, ..., there or in its folder model), or one .npy file (samples, z, x) or (samples, 1, z, x); float16, float32 or float64. Relative to the experiment's folder"`
	Examples int    `option:"examples" default:"0" min:"0" doc:"size of the training set; example i is the same for every size. 0: all samples, and none is held out"`
	Order    string `option:"order" default:"shuffled" oneof:"shuffled,files" doc:"shuffled: by the seed; files: in the order of the files, the first examples train. Held-out examples are taken from the end"`
	Quantity string `option:"quantity" default:"vp" doc:"what the numbers are, as in a solver's model space: vp, squared_slowness, ..."`
	Unit     string `option:"unit" default:"m/s" doc:"their unit"`
}

// fileItems is a population of samples in files.
type fileItems struct {
	paths  []string
	count  int
	order  []int // sample of item i; nil: i
	sample []int // shape of a sample
	own    *space.Space
}

// build looks at the files' headers.
func (o *filesOptions) build(model *space.Space) (population, error) {
	z, x, err := section(model)
	if err != nil {
		return population{}, err
	}
	if kind, _ := openfwi.KindOf(o.Path); kind == openfwi.Data {
		return population{}, keyError("path", "%s has the name of a file of data, models are wanted (model1.npy, vel2_1_0.npy, vp_1.npy)", o.Path)
	}
	set, err := openfwi.Open(o.Path)
	if err != nil {
		return population{}, keyError("path", "%v", err)
	}
	defer set.Close()
	f := &fileItems{paths: set.Files(), count: set.Len(), sample: set.Item()}
	grid := slices.Clone(f.sample)
	if len(grid) == 3 && grid[0] == 1 {
		grid = grid[1:]
	}
	if len(grid) != 2 || grid[0] < 2 || grid[1] < 2 {
		return population{}, keyError("path", "%s has samples of shape %v, want (1, z, x) or (z, x)", f.paths[0], f.sample)
	}
	examples := o.Examples
	if examples == 0 {
		examples = f.count
	}
	if examples > f.count {
		return population{}, keyError("examples", "%d, but the %d files have %d samples", examples, len(f.paths), f.count)
	}
	if o.Order == "shuffled" {
		f.order = []int{} // NewGenerator fills it
	}
	own := &space.Space{Name: "file", DType: tensor.Float64, Axes: []space.Axis{z.Cells(grid[0]), x.Cells(grid[1])},
		Quantities: []space.Quantity{{Name: o.Quantity, Unit: o.Unit}}}
	f.own = own
	return population{examples: examples, files: f, space: own}, nil
}

// shuffle puts the samples into the order of a seed: the permutation of purpose "dataset/files".
func (f *fileItems) shuffle(seed uint64) {
	if f.order != nil {
		f.order = rng.New(seed, "dataset/files").At(0, 0, 0).Perm(f.count)
	}
}

// item returns the sample of training item i, or of held-out item i, which count from the end.
func (f *fileItems) item(i int, heldOut bool) int {
	if heldOut {
		i = f.count - 1 - i
	}
	if f.order != nil {
		return f.order[i]
	}
	return i
}

// check refuses items that are not there, or that are both training and held-out.
func (f *fileItems) check(first, n, examples int, heldOut bool) error {
	switch {
	case heldOut && examples == f.count:
		return fmt.Errorf("%w: all %d samples of the files are training examples (set examples to fewer)", ErrNoHeldOut, f.count)
	case heldOut && first+n > f.count-examples:
		return fmt.Errorf("held-out items %d..%d, but of %d samples %d are training examples: %d are left", first, first+n-1, f.count, examples, f.count-examples)
	case !heldOut && first+n > examples:
		return fmt.Errorf("items %d..%d, examples = %d", first, first+n-1, examples)
	}
	return nil
}

// read opens the files for some items; close them when they are read.
func (f *fileItems) read(heldOut bool) (read func(x *tensor.Tensor, i int) error, done func() error, err error) {
	set, err := openfwi.OpenFiles(f.paths...)
	if err != nil {
		return nil, nil, err
	}
	if set.Len() != f.count || !slices.Equal(set.Item(), f.sample) {
		_ = set.Close()
		return nil, nil, fmt.Errorf("%s and its neighbours changed: %d samples of shape %v, there were %d of %v", f.paths[0], set.Len(), set.Item(), f.count, f.sample)
	}
	shape := append([]int{1}, f.sample...)
	return func(x *tensor.Tensor, i int) error {
		k := f.item(i, heldOut)
		err := set.Read(k, x.Reshape(shape...))
		if err == nil {
			if text := f.wrong(x.Float64s()); text != "" {
				file, row := set.Where(k)
				err = fmt.Errorf("%s, sample %d: %s", file, row, text)
			}
		}
		return err
	}, set.Close, nil
}

// wrong says what no earth has: numbers that are not finite, and of rock's velocities, slownesses and densities those that are not
// above 0; "" where there is none.
func (f *fileItems) wrong(v []float64) string {
	q, columns := f.own.Quantities[0], f.own.Axes[1].Size
	positive := slices.Contains([]string{"vp", "slowness", "squared_slowness", "rho"}, q.Name)
	for i, x := range v {
		switch {
		case math.IsNaN(x) || math.IsInf(x, 0):
			return fmt.Sprintf("%s is %g at (iz %d, ix %d), it must be finite", q.Name, x, i/columns, i%columns)
		case positive && x <= 0:
			return fmt.Sprintf("%s is %g %s at (iz %d, ix %d), it must be above 0", q.Name, x, q.Unit, i/columns, i%columns)
		}
	}
	return ""
}
