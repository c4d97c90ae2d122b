package experiment

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/host/session"
)

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
	given, ref := table, session.Ref{Kind: kind, Name: name}
	if p, ok := table["path"].(string); ok && p != "" {
		if ref.Path, err = l.rel(p); err != nil {
			return nil, nil, err
		}
	}
	table, ref.Device, err = l.device(kind, table, path, c)
	if err != nil {
		return nil, nil, err
	}
	d, ok := l.described[ref]
	if !ok {
		if d, err = l.plugins.Describe(l.ctx, ref); err != nil {
			at, key := path, "plugin"
			if ref.Device != "" { // the device is what cannot be had, mostly
				at, key = deviceAt(given, path), "device"
			}
			return nil, nil, l.locate(&config.KeyError{Path: config.Path{key}, Text: err.Error()}, at, c.moved)
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
	p := &Plugin{Ref: ref, Description: d, Workers: 1, sums: map[string]string{}}
	if resolved, err = config.MapFiles(d.Options, resolved, func(name string) (string, error) { return l.file(name, p.sums) }); err != nil {
		return nil, nil, l.locate(err, path, c.moved)
	}
	p.Options = config.Pick(d.Options, resolved)
	if w, ok := resolved["workers"].(int64); ok {
		p.Workers = int(w)
	}
	p.Threads = max(1, runtime.GOMAXPROCS(0)/p.Workers)
	if t, ok := resolved["threads"].(int64); ok && t > 0 {
		p.Threads = int(t)
	}
	return resolved, p, nil
}

// device returns where a plugin computes, "" for the CPU, and its table with that in it: its own device, else the file's.
// Samplers, which have no builds for GPUs, take none from the file; theirs is judged with their options.
func (l *loader) device(kind contract.Kind, table map[string]any, path config.Path, c *draft) (map[string]any, string, error) {
	if kind == contract.KindSampler {
		return table, "", nil
	}
	at := deviceAt(table, path)
	if at == nil {
		table = maps.Clone(table)
		table["device"] = c.device
	}
	device, ok := table["device"].(string)
	if !ok {
		return table, "", nil // the option table says what is wrong with it
	}
	if err := contract.CheckDevice(device); err != nil {
		return nil, "", l.locate(&config.KeyError{Path: config.Path{"device"}, Text: err.Error()}, at, c.moved)
	}
	if device == contract.DeviceCPU {
		device = ""
	}
	return table, device, nil
}

// deviceAt is the table in which a plugin's device stands: its own, or the file's top, nil.
func deviceAt(table map[string]any, path config.Path) config.Path {
	if _, own := table["device"]; own {
		return path
	}
	return nil
}

// topDevice is the device at the top of a file.
func (l *loader) topDevice(tree map[string]any, moved []config.Moved) (string, error) {
	v, ok := tree["device"]
	if !ok {
		return contract.DeviceCPU, nil
	}
	device, ok := v.(string)
	err := fmt.Errorf("must be a string, got %v", v)
	if ok {
		err = contract.CheckDevice(device)
	}
	if err != nil {
		return "", l.locate(&config.KeyError{Path: config.Path{"device"}, Text: err.Error()}, nil, moved)
	}
	return device, nil
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
	if c.ModelAdapt, table, err = l.adapters(table, path, c); err != nil {
		return err
	}
	resolved, p, err := l.pluginTable(contract.KindPrior, table, path, Prior{}, c, more...)
	if err != nil {
		return err
	}
	if len(c.ModelAdapt) > 0 {
		resolved["adapt"] = tables(c.ModelAdapt)
	}
	out["prior"] = resolved
	c.Prior = p
	if hasData {
		m := resolved["data"].(map[string]any)
		gen, _ := generatorOptions(m["kind"].(string))
		if err := dataset.CheckParts(m["kind"].(string), m); err != nil {
			return l.locate(err, path.Join("data"), c.moved)
		}
		if err := dataset.MapPaths(m["kind"].(string), m, l.rel); err != nil {
			return err
		}
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

// file makes the name of a file among a plugin's options absolute and notes the hash of its content.
func (l *loader) file(name string, sums map[string]string) (string, error) {
	path, err := l.rel(name)
	if err == nil {
		sums[path], err = FileSum(path)
	}
	return path, err
}

// sum is FileSum, once for all cells.
func (l *loader) sum(path string) (string, error) {
	if s, ok := l.summed[path]; ok {
		return s, nil
	}
	s, err := FileSum(path)
	if err == nil {
		if l.summed == nil {
			l.summed = map[string]string{}
		}
		l.summed[path] = s
	}
	return s, err
}

// FileSum is the SHA-256 of a file's content, in hexadecimal digits.
func FileSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
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
