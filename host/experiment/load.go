package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/host/session"
)

// Describer says what a plugin is: session.Session has it, tests make their own.
type Describer interface {
	Describe(ctx context.Context, ref session.Ref) (contract.Description, error)
}

// Plugin is one plugin of a cell, with its options resolved.
type Plugin struct {
	Ref         session.Ref
	Description contract.Description
	Threads     int
	Workers     int // solvers
	Options     map[string]any
}

// Lookup returns the value of a dotted key of the resolved cell.
func (c *Cell) Lookup(key string) (any, bool) {
	path, err := config.ParsePath(key)
	if err != nil {
		return nil, false
	}
	return config.Lookup(c.tree, path)
}

// OptionsJSON is what the plugin's Configure gets.
func (p *Plugin) OptionsJSON() json.RawMessage { return config.Canonical(p.Options) }

// Numbers are the options that change what a stage computes: those that affect only the named other stages, or nothing,
// are left out. They go into the stage's key.
func (p *Plugin) Numbers(without ...string) map[string]any {
	return config.Without(p.Description.Options, p.Options, append(without, config.Nothing)...)
}

// Cell is one combination of a sweep, resolved. An experiment without a sweep has one.
type Cell struct {
	Label  string // "" for the only cell
	Slug   string // folder name
	Values []Value

	Seed        uint64
	Solver      Plugin
	Prior       *Plugin // nil: the latent vector is the solver's own model
	Checkpoint  string  // folder of a trained prior
	Data        *Data   // nil: no training set
	Generator   json.RawMessage
	Observation *Observation
	ObsSolver   *Plugin // the solver that makes the data; nil: Solver
	Sampler     *Plugin
	Chains      Sampler // the host's keys of [sampler]
	Judge       Judge

	tree map[string]any // resolved, for the lock
}

// Value is one swept key of a cell.
type Value struct {
	Key   string
	Value any
}

// Experiment is a file, resolved.
type Experiment struct {
	File
	Path  string // of the TOML file
	Dir   string // its folder: relative paths start there
	Text  []byte // as it stood
	Lock  bool   // Path is a lock file
	Cells []Cell
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
}

type draft struct {
	Cell
	moved []config.Moved
}

// top is what may stand at the top of a file.
var top = []string{"name", "title", "question", "seed", "run", "solver", "prior", "observation", "sampler", "judge", "report", "sweep"}

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
	judge, err := config.Table(Judge{})
	if err != nil {
		return err
	}
	in, err = sub(l, tree, "judge")
	if err != nil {
		return err
	}
	if resolved, err = config.Resolve(judge, in); err != nil {
		return l.locate(err, config.Path{"judge"}, c.moved)
	}
	if err := config.DecodeTree(resolved, &c.Judge); err != nil {
		return l.locate(err, config.Path{"judge"}, c.moved)
	}
	out["judge"] = resolved
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

// pluginTable resolves a table that holds the host's keys and a plugin's options. host is a struct of the schema; more
// are tables inside it that the caller has resolved already (their keys are passed over).
func (l *loader) pluginTable(kind contract.Kind, table map[string]any, path config.Path, host any, c *draft, more ...config.Option) (map[string]any, *Plugin, error) {
	hostTable, err := config.Table(host)
	if err != nil {
		return nil, nil, err
	}
	hostTable = append(hostTable, more...)
	name, ok := table["plugin"].(string)
	if !ok || name == "" {
		return nil, nil, l.locate(&config.KeyError{Path: config.Path{"plugin"}, Text: fmt.Sprintf("the name of a %s plugin is missing: plugin = \"...\" (waveprior plugin list shows those that are here)", kind)}, path, c.moved)
	}
	ref := session.Ref{Kind: kind, Name: name}
	if p, ok := table["path"].(string); ok && p != "" {
		if ref.Path, err = l.rel(p); err != nil {
			return nil, nil, err
		}
	}
	if d, ok := table["device"].(string); ok && d != "cpu" {
		ref.Device = d
	}
	d, ok := l.described[ref]
	if !ok {
		if d, err = l.plugins.Describe(l.ctx, ref); err != nil {
			return nil, nil, l.locate(&config.KeyError{Path: config.Path{"plugin"}, Text: err.Error()}, path, c.moved)
		}
		l.described[ref] = d
	}
	for _, o := range d.Options {
		for _, h := range hostTable {
			if o.Name == h.Name {
				return nil, nil, l.locate(&config.KeyError{Path: config.Path{"plugin"}, Text: fmt.Sprintf("%s %s: its option %q has the name of a key of the host: it cannot be set", kind, name, o.Name)}, path, c.moved)
			}
		}
	}
	resolved, err := config.Resolve(append(append([]config.Option{}, hostTable...), d.Options...), table)
	if err != nil {
		return nil, nil, l.locate(err, path, c.moved)
	}
	if ref.Path != "" {
		resolved["path"] = ref.Path
	}
	p := &Plugin{Ref: ref, Description: d, Workers: 1, Options: config.Pick(d.Options, resolved)}
	if t, ok := resolved["threads"].(int64); ok {
		p.Threads = int(t)
	}
	if t, ok := resolved["workers"].(int64); ok {
		p.Workers = int(t)
	}
	return resolved, p, nil
}

func (l *loader) solver(tree map[string]any, path config.Path, c *draft, out map[string]any) (*Plugin, error) {
	name := path[len(path)-1]
	v, ok := tree[name]
	if !ok {
		return nil, l.doc.Errorf(path, "the table is missing: an experiment needs a [%s]", path)
	}
	table, ok := v.(map[string]any)
	if !ok {
		return nil, l.doc.Errorf(path, "must be a table, [%s]", path)
	}
	resolved, p, err := l.pluginTable(contract.KindSolver, table, path, Solver{}, c)
	if err != nil {
		return nil, err
	}
	out[name] = resolved
	return p, nil
}

func (l *loader) prior(tree map[string]any, c *draft, out map[string]any) error {
	path := config.Path{"prior"}
	table, err := sub(l, tree, "prior")
	if err != nil {
		return err
	}
	var more []config.Option
	data, hasData := table["data"].(map[string]any)
	if _, ok := table["data"]; ok && !hasData {
		return l.locate(&config.KeyError{Path: config.Path{"data"}, Text: "must be a table, [prior.data]"}, path, c.moved)
	}
	if hasData {
		dataTable, err := config.Table(Data{})
		if err != nil {
			return err
		}
		kind, _ := data["kind"].(string)
		gen, err := generatorOptions(kind)
		if err != nil {
			return l.locate(&config.KeyError{Path: config.Path{"data", "kind"}, Text: err.Error()}, path, c.moved)
		}
		dataTable = append(dataTable, gen...)
		more = append(more, config.Option{Name: "data", Type: "table", Doc: "training set", Options: dataTable})
	}
	resolved, p, err := l.pluginTable(contract.KindPrior, table, path, Prior{}, c, more...)
	if err != nil {
		return err
	}
	out["prior"] = resolved
	c.Prior = p
	if hasData {
		m := resolved["data"].(map[string]any)
		gen, _ := generatorOptions(m["kind"].(string))
		c.Generator = config.Canonical(config.Pick(gen, m))
		c.Data = &Data{Kind: m["kind"].(string), HeldOut: int(m["held_out"].(int64))}
	}
	if s, ok := resolved["checkpoint"].(string); ok {
		if c.Checkpoint, err = l.rel(s); err == nil {
			err = folder(c.Checkpoint)
		}
		if err != nil {
			return l.locate(&config.KeyError{Path: config.Path{"checkpoint"}, Text: err.Error()}, path, c.moved)
		}
		resolved["checkpoint"] = c.Checkpoint
	}
	switch {
	case c.Checkpoint != "":
	case !p.Description.Has(contract.CapTrain):
	case !hasData:
		return l.locate(&config.KeyError{Path: config.Path{"data"}, Text: fmt.Sprintf("prior %s is trained: it needs [prior.data] or checkpoint = \"folder\"", p.Ref.Name)}, path, c.moved)
	}
	return nil
}

// generatorOptions returns the option table of a kind of training set.
func generatorOptions(kind string) ([]config.Option, error) {
	var names []string
	for _, k := range dataset.GeneratorKinds() {
		if k.Name == kind {
			return k.Options, nil
		}
		names = append(names, k.Name)
	}
	if kind == "" {
		return nil, fmt.Errorf("the kind of training set is missing; allowed: %s", strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("no such kind of training set: %q; allowed: %s", kind, strings.Join(names, ", "))
}

// rel makes a path of the file, which starts at the file's folder, absolute: so it stands in the lock, which lies elsewhere.
func (l *loader) rel(p string) (string, error) {
	if !filepath.IsAbs(p) {
		p = filepath.Join(l.dir, p)
	}
	return filepath.Abs(p)
}

// folder fails unless a folder is there.
func folder(path string) error {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no such folder: %s", path)
	case err != nil:
		return err
	case !st.IsDir():
		return fmt.Errorf("%s is a file, a checkpoint is a folder", path)
	}
	return nil
}

func (l *loader) observation(tree map[string]any, c *draft, out map[string]any) error {
	path := config.Path{"observation"}
	table, err := sub(l, tree, "observation")
	if err != nil {
		return err
	}
	opts, err := config.Table(Observation{})
	if err != nil {
		return err
	}
	own := map[string]any{}
	for k, v := range table {
		if k != "solver" {
			own[k] = v
		}
	}
	resolved, err := config.Resolve(opts, own)
	if err != nil {
		return l.locate(err, path, c.moved)
	}
	var o Observation
	if err := config.DecodeTree(resolved, &o); err != nil {
		return l.locate(err, path, c.moved)
	}
	bad := func(key, format string, args ...any) error {
		return l.locate(&config.KeyError{Path: config.Path{key}, Text: fmt.Sprintf(format, args...)}, path, c.moved)
	}
	if (o.Noise == nil) == (o.NoiseStd == nil) {
		return bad("noise", "give either noise (relative to max |d|) or noise_std (in the data's unit)")
	}
	for key, v := range map[string]*float64{"noise": o.Noise, "noise_std": o.NoiseStd} { // one of the two is given
		if v != nil && *v == 0 {
			return bad(key, "must be above 0: the likelihood needs a noise level (add_noise = false leaves the data exact)")
		}
	}
	if o.Noise != nil && o.Truth == "data" {
		return bad("noise", "observed data come with a noise_std of their own")
	}
	for _, need := range []struct {
		truth, key string
		have       bool
		n          int
	}{
		{"model", "model", o.Model != nil, length(o.Model)},
		{"data", "data", o.Data != nil, length(o.Data)},
		{"file", "file", o.File != nil, 0},
	} {
		if (o.Truth == need.truth) != need.have {
			return bad(need.key, "goes with truth = %q, and truth is %q", need.truth, o.Truth)
		}
		if need.have && need.n > 0 {
			if _, given := table["count"]; given && o.Count != need.n {
				return bad("count", "is %d, but %d are given", o.Count, need.n)
			}
			o.Count = need.n
			resolved["count"] = int64(need.n)
		}
	}
	switch {
	case o.Truth == "held-out" && (c.Data == nil || c.Data.HeldOut < o.Count):
		have := 0
		if c.Data != nil {
			have = c.Data.HeldOut
		}
		return bad("truth", "held-out truths: count = %d, but prior.data.held_out = %d", o.Count, have)
	case o.Truth == "training" && c.Data == nil:
		return bad("truth", "training truths need [prior.data]")
	case o.Truth == "prior" && c.Prior == nil:
		return bad("truth", "draws of the prior need a [prior]")
	case o.Truth == "prior" && !c.Prior.Description.Has(contract.CapMixture):
		return fmt.Errorf("%w: %w", bad("truth", "\"prior\" needs prior capability %s; prior %s has: %s", contract.CapMixture, c.Prior.Ref.Name, list(c.Prior.Description.Capabilities)), contract.ErrUnsupported)
	}
	if o.File != nil {
		f, err := l.rel(*o.File)
		if err == nil {
			_, err = npy.ReadHeader(f)
		}
		if err != nil {
			return bad("file", "%v", err)
		}
		o.File = &f
		resolved["file"] = f
	}
	c.Observation = &o
	if _, ok := table["solver"]; ok {
		p, err := l.solver(table, config.Path{"observation", "solver"}, c, resolved)
		if err != nil {
			return err
		}
		c.ObsSolver = p
	}
	out["observation"] = resolved
	return nil
}

func length(v *[][]float64) int {
	if v == nil {
		return 0
	}
	return len(*v)
}

func (l *loader) sampler(tree map[string]any, c *draft, out map[string]any) error {
	path := config.Path{"sampler"}
	table, err := sub(l, tree, "sampler")
	if err != nil {
		return err
	}
	resolved, p, err := l.pluginTable(contract.KindSampler, table, path, Sampler{}, c)
	if err != nil {
		return err
	}
	hostTable, err := config.Table(Sampler{})
	if err != nil {
		return err
	}
	if err := config.DecodeTree(config.Pick(hostTable, resolved), &c.Chains); err != nil {
		return l.locate(err, path, c.moved)
	}
	c.Sampler = p
	out["sampler"] = resolved
	if !conditional(p) {
		c.Observation, c.ObsSolver = nil, nil // its samples are the prior's: there is nothing that they depend on
	}
	return l.needs(c)
}

// conditional tells whether a sampler, as it is configured, draws from a posterior: whether it needs the physics.
func conditional(p *Plugin) bool {
	for _, n := range p.Description.Needs {
		if n.Service != "prior" && (n.Option == "" || fmt.Sprint(p.Options[n.Option]) == n.Value) {
			return true
		}
	}
	return false
}

// needs checks before anything starts that the sampler finds what it needs.
func (l *loader) needs(c *draft) error {
	var prior *contract.Description
	if c.Prior != nil {
		prior = &c.Prior.Description
	}
	for _, n := range c.Sampler.Description.Needs {
		if n.Option != "" && fmt.Sprint(c.Sampler.Options[n.Option]) != n.Value {
			continue
		}
		why := ""
		if n.Option != "" {
			why = fmt.Sprintf(" with %s = %q", n.Option, n.Value)
		}
		at := func(key, text string) error {
			return fmt.Errorf("%w: %w", l.locate(&config.KeyError{Path: config.Path{key}, Text: text}, nil, c.moved), contract.ErrUnsupported)
		}
		switch n.Service {
		case "prior":
			if prior == nil {
				return at("sampler", fmt.Sprintf("sampler %s%s needs a [prior]", c.Sampler.Ref.Name, why))
			}
			if n.Capability != "" && !prior.Has(n.Capability) {
				return at("prior", fmt.Sprintf("sampler %s%s needs prior capability %s; prior %s has: %s", c.Sampler.Ref.Name, why, n.Capability, prior.Name, list(prior.Capabilities)))
			}
		case "physics":
			if c.Observation == nil {
				return at("sampler", fmt.Sprintf("sampler %s%s needs an [observation]", c.Sampler.Ref.Name, why))
			}
			if n.Capability != "" && !c.Solver.Description.Has(n.Capability) {
				return at("solver", fmt.Sprintf("sampler %s%s needs solver capability %s; solver %s has: %s", c.Sampler.Ref.Name, why, n.Capability, c.Solver.Ref.Name, list(c.Solver.Description.Capabilities)))
			}
			if prior == nil {
				continue
			}
			for solver, decode := range map[contract.Capability]contract.Capability{contract.CapGradient: contract.CapDecodeVJP, contract.CapVJP: contract.CapDecodeVJP, contract.CapJVP: contract.CapDecodeJVP} {
				if n.Capability == solver && !prior.Has(decode) {
					return at("prior", fmt.Sprintf("sampler %s%s needs prior capability %s; prior %s has: %s (the physics' %s is wanted with respect to the latent vector)",
						c.Sampler.Ref.Name, why, decode, prior.Name, list(prior.Capabilities), solver))
				}
			}
		}
	}
	return nil
}

func list(c []contract.Capability) string {
	s := make([]string, len(c))
	for i, x := range c {
		s[i] = string(x)
	}
	return strings.Join(s, ", ")
}

// slugs gives every cell a folder name of its own. Cells with the same label would be one in metrics and claims.
func slugs(cells []Cell) error {
	seen, labels := map[string]int{}, map[string]bool{}
	for i := range cells {
		c := &cells[i]
		if labels[c.Label] {
			return &config.KeyError{Path: config.Path{"sweep"}, Text: fmt.Sprintf("two cells are both called %q: give them different labels", c.Label)}
		}
		labels[c.Label] = true
		if c.Label == "" {
			continue
		}
		s := strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-_=+", r) {
				return r
			}
			return '_'
		}, c.Label)
		if len(s) > 100 {
			s = s[:100]
		}
		if s[0] == '.' { // nor a hidden folder, nor the one above
			s = "_" + s[1:]
		}
		if n := seen[s]; n > 0 {
			s = fmt.Sprintf("%s~%d", s, n+1) // ~ is in no slug: another cell cannot have this one
		}
		seen[strings.SplitN(s, "~", 2)[0]]++
		c.Slug = s
	}
	return nil
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
	p, err := l.solver(tree, config.Path{"solver"}, &draft{}, map[string]any{})
	return p, uint64(seed), err
}
