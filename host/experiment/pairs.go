package experiment

import (
	"context"
	"encoding/json"
	"path/filepath"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/host/session"
)

// PairsKind is the kind of generator whose maps a file of pairs asks for.
const PairsKind = "openfwi"

// PairsFile is the host's part of a file for `waveprior data generate`; the options of the generator stand beside it.
type PairsFile struct {
	Name           string `option:"name" doc:"name of the set: letters, digits, - . and _"`
	Title          string `option:"title" default:"" affects:"nothing" doc:"one line about it"`
	Count          int    `option:"count" default:"1000" min:"1" doc:"samples in all. Raise it later and the files that are whole stay: sample i is the same for every count"`
	SamplesPerFile int    `option:"samples_per_file" default:"500" min:"1" max:"1000000" doc:"samples of a file, as published; an interrupted file is begun again, so take fewer where the solver is slow"`
	Seed           int64  `option:"seed" default:"0" min:"0" doc:"seed of all noise"`
	HeldOut        bool   `option:"held_out" default:"false" doc:"draw from the stream of held-out examples, which no training set of this seed has"`
	Out            string `option:"out" default:"" affects:"nothing" doc:"folder to write, from where the command is run; empty: data/NAME"`
	DType          string `option:"dtype" default:"float32" oneof:"float32,float64,float16" doc:"of both files of a pair. The data are those of the model as it is stored"`
	Elastic        bool   `option:"elastic" default:"false" doc:"without a solver: S velocities beside P velocities, in the layout of elastic sets. With one its own model decides"`
}

// Pairs is a file for `waveprior data generate`, resolved.
type Pairs struct {
	PairsFile
	Family    string
	Generator map[string]any // options of the generator, but for examples and layers
	Solver    *Plugin        // makes the data; nil: models only
}

// PairsTable is the option table of such a file: the host's keys, those of the generator, and the table of a solver.
func PairsTable() ([]config.Option, error) {
	table, err := config.Table(PairsFile{})
	if err != nil {
		return nil, err
	}
	options, err := pairsGenerator()
	if err != nil {
		return nil, err
	}
	return append(append(table, options...), config.Option{Name: "solver", Type: config.Map, Optional: true,
		Doc: "[solver], as in an experiment: makes data of every model; without it there are models only"}), nil
}

// pairsGenerator are the generator's options: how many examples and how many layers is the layout's affair.
func pairsGenerator() ([]config.Option, error) {
	options, err := generatorOptions(PairsKind)
	if err != nil {
		return nil, err
	}
	var own []config.Option
	for _, o := range options {
		if o.Name != "examples" && o.Name != "layers" {
			own = append(own, o)
		}
	}
	return own, nil
}

// LoadPairs reads and resolves a file for `waveprior data generate`. Errors are *config.Error with file, line and key.
func LoadPairs(ctx context.Context, path string, over Overrides, d Describer) (*Pairs, error) {
	doc, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	tree, err := override(doc.Tree, over)
	if err != nil {
		return nil, err
	}
	table, err := PairsTable()
	if err != nil {
		return nil, err
	}
	resolved, err := config.Resolve(table, tree)
	if err != nil {
		return nil, doc.Locate(err, nil)
	}
	own, err := config.Table(PairsFile{})
	if err != nil {
		return nil, err
	}
	options, err := pairsGenerator()
	if err != nil {
		return nil, err
	}
	p := &Pairs{Generator: config.Pick(options, resolved)}
	if err := config.DecodeTree(config.Pick(own, resolved), &p.PairsFile); err != nil {
		return nil, doc.Locate(err, nil)
	}
	p.Family, _ = p.Generator["family"].(string)
	if !nameRE.MatchString(p.Name) {
		return nil, doc.Errorf(config.Path{"name"}, "%q is no name for a folder: letters, digits, - . and _ are allowed", p.Name)
	}
	// The values of the generator's options against each other, on any model.
	model := dataset.OpenFWIModel(p.Elastic)
	if _, err := dataset.NewGenerator(PairsKind, p.GeneratorOptions(0), uint64(p.Seed), &model); err != nil {
		return nil, doc.Locate(err, nil)
	}
	if _, ok := tree["solver"]; ok {
		l := &loader{ctx: ctx, doc: doc, plugins: d, dir: filepath.Dir(path), described: map[session.Ref]contract.Description{}}
		if p.Solver, err = l.solver(tree, config.Path{"solver"}, &draft{}, map[string]any{}); err != nil {
			return nil, err
		}
		if p.Elastic {
			return nil, doc.Errorf(config.Path{"elastic"}, "the solver's own model decides: it is for files without [solver]")
		}
	}
	return p, nil
}

// GeneratorOptions are the generator's options as JSON for maps with a number of layers, 0 for any.
func (p *Pairs) GeneratorOptions(layers int) json.RawMessage {
	all := map[string]any{"examples": int64(p.Count)}
	for k, v := range p.Generator {
		all[k] = v
	}
	if layers > 0 {
		all["layers"] = int64(layers)
	}
	return config.Canonical(all)
}
