package pairs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/waveprior/waveprior/core/commit"
	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/field"
	"github.com/waveprior/waveprior/core/openfwi"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/progress"
	"github.com/waveprior/waveprior/host/session"
)

// Options of Generate.
type Options struct {
	Pairs    *experiment.Pairs
	Dir      string
	Session  *session.Session   // for the solver; nil where there is none
	Progress *progress.Reporter // nil: none
}

// ErrFolder is wrapped where the folder belongs to something else.
var ErrFolder = errors.New("the folder belongs to something else")

// identityName is the file in a set's folder that says what the set is.
const identityName = "pairs.json"

// part is what one file of a sample's files has: one quantity of the models, or one component of the data.
type part struct {
	kind  openfwi.Kind
	name  string // quantity "vp", or component "x"
	index int    // on the field or component axis
	shape []int  // of a sample in the file
	dt    tensor.DType
	half  bool
}

// job is a set that is being made.
type job struct {
	Options
	layout openfwi.Layout
	model  space.Space // of the maps as they are drawn and stored
	parts  []part
	solver *contract.SolverService
	pool   *session.SolverPool
	adapt  *space.Adapter
	gens   map[int]dataset.Generator // by number of layers
}

// prepare configures the solver and settles spaces and files.
func (o Options) prepare(ctx context.Context) (*job, error) {
	j := &job{Options: o, gens: map[int]dataset.Generator{}, model: dataset.OpenFWIModel(o.Pairs.Elastic)}
	family, err := field.FamilyByName(o.Pairs.Family)
	if err != nil {
		return nil, err
	}
	if p := o.Pairs.Solver; p != nil {
		if j.pool, err = o.Session.Solver(ctx, p.Ref, p.Workers); err != nil {
			return nil, err
		}
		device := p.Ref.Device
		if device == "" {
			device = "cpu"
		}
		conf, err := j.pool.Configure(ctx, contract.Config{Options: p.OptionsJSON(), Seed: uint64(o.Pairs.Seed), Device: device, Threads: p.Threads})
		if err != nil {
			return nil, err
		}
		j.solver = &contract.SolverService{Solver: j.pool, Description: j.pool.Describe(), Configured: conf}
		if j.model, err = dataset.OpenFWIModelOf(conf.Model); err != nil {
			return nil, fmt.Errorf("solver %s: %w: %w", p.Ref.Name, err, contract.ErrInvalidOption)
		}
	}
	if o.Pairs.DType == "float64" {
		j.model.DType = tensor.Float64
	}
	elastic := len(j.model.Quantities) > 1
	for k, q := range j.model.Quantities {
		j.parts = append(j.parts, part{kind: openfwi.Model, name: q.Name, index: k, shape: []int{1, field.Rows, field.Columns}, dt: j.model.DType, half: o.Pairs.DType == "float16"})
	}
	if j.solver != nil {
		conf := j.solver.Configured
		if j.adapt, err = space.Between(j.model, *conf.Model); err != nil {
			return nil, fmt.Errorf("solver %s cannot take these maps: %w: %w", o.Pairs.Solver.Ref.Name, err, contract.ErrInvalidOption)
		}
		data := j.dataParts(conf.Data)
		elastic = elastic || len(data) > 1
		j.parts = append(j.parts, data...)
	}
	j.layout = openfwi.NewLayout(family, elastic)
	return j, nil
}

// dataParts splits data by component, which is the first axis where they have one.
func (j *job) dataParts(d *space.Space) []part {
	p := part{kind: openfwi.Data, shape: d.ItemShape(), dt: d.DType}
	if !d.DType.IsComplex() { // complex data are kept as they are
		p.dt, p.half = j.model.DType, j.Pairs.DType == "float16"
	}
	if len(d.Axes) < 2 || d.Axes[0].Name != "component" {
		return []part{p}
	}
	p.shape = p.shape[1:]
	var parts []part
	for k, q := range d.Quantities {
		p.index, p.name = k, strings.TrimPrefix(q.Name, "v") // vx, vz
		parts = append(parts, p)
	}
	return parts
}

// path returns where a part of file f lies.
func (j *job) path(p *part, f int) string {
	name := j.layout.Data(f, p.name)
	if p.kind == openfwi.Model {
		name = j.layout.Model(f, p.name)
	}
	return filepath.Join(j.Dir, filepath.FromSlash(name))
}

// generator returns that of a file's maps.
func (j *job) generator(f int) (dataset.Generator, error) {
	layers := j.layout.Layers(f)
	g := j.gens[layers]
	if g == nil {
		var err error
		if g, err = dataset.NewGenerator(experiment.PairsKind, j.Pairs.GeneratorOptions(layers), uint64(j.Pairs.Seed), &j.model); err != nil {
			return nil, err
		}
		j.gens[layers] = g
	}
	return g, nil
}

// identity is what all files of a set depend on, but for their number.
type identity struct {
	Format         string          `json:"format"`
	Name           string          `json:"name"`
	Generator      json.RawMessage `json:"generator"`
	Seed           int64           `json:"seed"`
	HeldOut        bool            `json:"held_out"`
	SamplesPerFile int             `json:"samples_per_file"`
	DType          string          `json:"dtype"`
	Numerics       string          `json:"numerics"`
	Model          space.Space     `json:"model"`
	Data           *space.Space    `json:"data,omitempty"`
	Solver         json.RawMessage `json:"solver,omitempty"`
}

const identityFormat = "waveprior.pairs/1"

// claim makes the folder, or finds that it is this set's. Errors wrap ErrFolder where it is not.
func (j *job) claim() error {
	id := identity{Format: identityFormat, Name: j.Pairs.Name, Generator: config.Canonical(j.Pairs.Generator), Seed: j.Pairs.Seed, HeldOut: j.Pairs.HeldOut,
		SamplesPerFile: j.Pairs.SamplesPerFile, DType: j.Pairs.DType, Numerics: dataset.Numerics, Model: j.model}
	if s := j.Pairs.Solver; s != nil {
		id.Data = j.solver.Configured.Data
		id.Solver = config.Canonical(map[string]any{"name": s.Ref.Name, "device": s.Ref.Device, "numerics": s.Description.Numerics, "options": s.Numbers()})
	}
	text, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	path := filepath.Join(j.Dir, identityName)
	old, err := os.ReadFile(path)
	switch {
	case err == nil && bytes.Equal(old, text):
		for _, dir := range j.folders() {
			if _, err := commit.RemoveStale(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // what a killed run was writing
				return err
			}
		}
	case err == nil:
		return fmt.Errorf("%s: %w: %s. Take another folder (-o), or remove this one", j.Dir, ErrFolder, difference(old, text))
	case !errors.Is(err, fs.ErrNotExist):
		return err
	default:
		entries, err := os.ReadDir(j.Dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), ".waveprior-") {
				return fmt.Errorf("%s: %w: it has files (%s), but no %s. Take another folder (-o)", j.Dir, ErrFolder, e.Name(), identityName)
			}
		}
	}
	for _, dir := range j.folders() {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
	}
	if old != nil {
		return nil
	}
	return commit.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// folders lists the folders of the set's files.
func (j *job) folders() []string {
	dirs := []string{j.Dir}
	for i := range j.parts {
		if dir := filepath.Dir(j.path(&j.parts[i], 0)); dir != j.Dir {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// difference names the first line of two identities that differs.
func difference(old, now []byte) string {
	a, b := strings.Split(string(old), "\n"), strings.Split(string(now), "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d of its %s is %.200s, here it would be %.200s", i+1, identityName, strings.TrimSpace(a[i]), strings.TrimSpace(b[i]))
		}
	}
	return "its " + identityName + " was cut"
}
