package experiment

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/host/session"
)

// Describer says what a plugin is: session.Session has it, tests make their own.
type Describer interface {
	Describe(ctx context.Context, ref session.Ref) (contract.Description, error)
}

var nameRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

// Overrides are set on the command line, as key = value in TOML, before the sweep.
type Overrides []string

// Load reads and resolves an experiment. Errors are *config.Error with file, line and key, joined when there are
// several; missing capabilities wrap contract.ErrUnsupported.
func Load(ctx context.Context, path string, over Overrides, d Describer) (*Experiment, error) {
	doc, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	l := &loader{ctx: ctx, doc: doc, plugins: d, dir: filepath.Dir(path), described: map[session.Ref]contract.Description{}}
	e := &Experiment{Path: path, Dir: l.dir}
	tree, err := override(doc.Tree, over)
	if err != nil {
		return nil, err
	}
	if _, ok := tree["lock"]; ok {
		if err := l.lock(e, tree); err != nil {
			return nil, err
		}
		return e, nil
	}
	cells, err := l.sweep(tree)
	if err != nil {
		return nil, err
	}
	if err := overridden(over, cells); err != nil {
		return nil, err
	}
	var errs []error
	for i := range cells {
		c := &cells[i]
		if err := l.cell(e, c); err != nil {
			errs = append(errs, err)
			if len(errs) == 1 && len(cells) > 1 && c.Label != "" && !positioned(err) {
				errs[0] = fmt.Errorf("cell %s: %w", c.Label, err)
			}
			break // the cells share nearly all of their keys: one report of each mistake is enough
		}
		e.Cells = append(e.Cells, c.Cell)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if err := slugs(e.Cells); err != nil {
		return nil, doc.Locate(err, nil)
	}
	return e, nil
}

// override applies what the command line sets.
func override(tree map[string]any, over Overrides) (map[string]any, error) {
	for _, o := range over {
		extra, err := config.Parse("--set "+o, []byte(o))
		if err != nil {
			return nil, fmt.Errorf("--set %s: want KEY=VALUE as in TOML: %w", o, err)
		}
		tree = merge(tree, extra.Tree)
	}
	return tree, nil
}

// overridden is an error where the sweep puts another value in the place of one that the command line sets.
func overridden(over Overrides, cells []draft) error {
	set, err := override(map[string]any{}, over)
	if err != nil {
		return err
	}
	delete(set, "sweep")
	for i := range cells {
		if key := differs(cells[i].tree, set, ""); key != "" {
			return fmt.Errorf("--set %s: the sweep gives it other values: set them by --set 'sweep.\"%s\"=[...]'", key, key)
		}
	}
	return nil
}

// differs returns the dotted key of the first value of want that the tree has not, "" where it has all.
func differs(tree, want map[string]any, prefix string) string {
	for _, k := range sortedKeys(want) {
		sub, isTable := want[k].(map[string]any)
		have, _ := tree[k].(map[string]any)
		switch {
		case isTable:
			if key := differs(have, sub, prefix+k+"."); key != "" {
				return key
			}
		case !reflect.DeepEqual(tree[k], want[k]):
			return prefix + k
		}
	}
	return ""
}

func positioned(err error) bool {
	var e *config.Error
	return errors.As(err, &e)
}

func merge(tree, extra map[string]any) map[string]any {
	out := config.Clone(tree).(map[string]any)
	for k, v := range extra {
		a, ok1 := out[k].(map[string]any)
		b, ok2 := v.(map[string]any)
		if ok1 && ok2 {
			out[k] = merge(a, b)
		} else {
			out[k] = v
		}
	}
	return out
}

type loader struct {
	ctx       context.Context
	doc       *config.Document
	plugins   Describer
	dir       string
	described map[session.Ref]contract.Description
	summed    map[string]string // hashes of files of data by their paths: the cells of a sweep share them
}

type draft struct {
	Cell
	moved  []config.Moved
	device string // at the top of the file: that of the plugins that name none
}

// top is what may stand at the top of a file.
var top = []string{"name", "title", "question", "seed", "device", "run", "solver", "prior", "observation", "sampler", "judge", "report", "sweep"}

// cell resolves one combination.
func (l *loader) cell(e *Experiment, c *draft) error {
	tree := c.tree
	for k := range tree {
		if !contains(top, k) {
			return l.locate(config.UnknownKey(config.Path{k}, top), nil, c.moved)
		}
	}
	out := map[string]any{}
	head, err := config.Table(File{})
	if err != nil {
		return err
	}
	in := map[string]any{}
	for _, o := range head {
		if v, ok := tree[o.Name]; ok {
			in[o.Name] = v
		}
	}
	resolved, err := config.Resolve(head, in)
	if err != nil {
		return l.locate(err, nil, c.moved)
	}
	if err := config.DecodeTree(resolved, &e.File); err != nil {
		return l.locate(err, nil, c.moved)
	}
	if !nameRE.MatchString(e.Name) {
		return l.doc.Errorf(config.Path{"name"}, "%q is no name for a folder: letters, digits, - . and _ are allowed", e.Name)
	}
	for k, v := range resolved {
		out[k] = v
	}
	c.Seed = uint64(e.Seed)
	if c.device, err = l.topDevice(tree, c.moved); err != nil {
		return err
	}

	solver, err := l.solver(tree, config.Path{"solver"}, c, out)
	if err != nil {
		return err
	}
	c.Solver = *solver
	if _, ok := tree["prior"]; ok {
		if err := l.prior(tree, c, out); err != nil {
			return err
		}
	}
	if _, ok := tree["observation"]; ok {
		if err := l.observation(tree, c, out); err != nil {
			return err
		}
	}
	if _, ok := tree["sampler"]; ok {
		if err := l.sampler(tree, c, out); err != nil {
			return err
		}
	}
	if err := l.judge(tree, c, out); err != nil {
		return err
	}
	c.tree = out
	return nil
}

func (l *loader) locate(err error, prefix config.Path, moved []config.Moved) error {
	return l.doc.Locate(err, prefix, moved...)
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// sub returns a table of the tree, empty when absent.
func sub(l *loader, tree map[string]any, name string) (map[string]any, error) {
	v, ok := tree[name]
	if !ok {
		return map[string]any{}, nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, l.doc.Errorf(config.Path{name}, "must be a table, [%s]", name)
	}
	return m, nil
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// LoadSolver resolves the [solver] table of a file alone, and its seed; everything else in the file is passed over.
func LoadSolver(ctx context.Context, path string, over Overrides, d Describer) (*Plugin, uint64, error) {
	doc, err := config.Load(path)
	if err != nil {
		return nil, 0, err
	}
	l := &loader{ctx: ctx, doc: doc, plugins: d, dir: filepath.Dir(path), described: map[session.Ref]contract.Description{}}
	tree, err := override(doc.Tree, over)
	if err != nil {
		return nil, 0, err
	}
	seed := int64(0)
	if v, ok := tree["seed"]; ok {
		if seed, ok = v.(int64); !ok || seed < 0 {
			return nil, 0, doc.Errorf(config.Path{"seed"}, "must be an integer >= 0, got %v", v)
		}
	}
	c := &draft{}
	if c.device, err = l.topDevice(tree, nil); err != nil {
		return nil, 0, err
	}
	p, err := l.solver(tree, config.Path{"solver"}, c, map[string]any{})
	return p, uint64(seed), err
}
