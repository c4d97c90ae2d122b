// Package run carries an experiment out: its stages data, train, observe, sample, judge and report, cell by cell, each
// taken from the cache where its key is there already, each resumable, and the run folder that people look at.
package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/waveprior/waveprior/core/commit"
	"github.com/waveprior/waveprior/core/compose"
	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/host/claims"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/progress"
	"github.com/waveprior/waveprior/host/session"
	"github.com/waveprior/waveprior/host/stage"
)

// Options of a run.
type Options struct {
	Experiment  *experiment.Experiment
	Dir         string // run folder
	Cache       *stage.Cache
	Session     *session.Session
	Progress    *progress.Reporter
	StrictCache bool // key stages by the plugins' checksums too
	Force       bool // use a run folder that belongs to something else
	NoFigures   bool // draw nothing: arrays and numbers alone
	Version     string
}

// CellResult is one cell, done.
type CellResult struct {
	Cell     *experiment.Cell
	Entries  []*stage.Entry // in the order of the stages
	Cached   []bool         // taken from the cache
	Metrics  map[string]float64
	Notes    []string // lines for the report: binaries that changed, chains that were dropped
	Sample   *stage.Entry
	Observe  *stage.Entry
	Data     *stage.Entry
	Train    *stage.Entry // nil: nothing was trained
	Judge    *stage.Entry
	Truth    *CellResult        // of the run of its truth rule, whose cost is not the method's: not in WallS and Cost; nil: none
	Rule     *TruthRule         // what that rule took
	WallS    float64            // of the stages it uses, also those from the cache
	Cost     map[string]float64 // of the same
	Restarts int
}

// Result is a whole run.
type Result struct {
	Dir     string
	Cells   []*CellResult
	Started time.Time
	WallS   float64
	PeakRSS int64 // of the host, bytes
	PeakShm uint64
	// DevicePeak is the most memory of its GPU that each plugin process held, bytes (session.DevicePeaks).
	DevicePeak map[string]uint64
	Restarts   int
	Claims     []claims.Result
}

// ErrRunDir is wrapped by the refusal of a run folder that belongs to something else.
var ErrRunDir = errors.New("run folder belongs to something else")

// ErrFolder is wrapped by errors about a run folder or a cache in which nothing can be written.
var ErrFolder = errors.New("folder cannot be used")

// Run carries the experiment out. When ctx is cancelled it stops at the next step, keeps what is done, and returns
// ctx's error: the same call goes on from there.
func Run(ctx context.Context, o Options) (*Result, error) {
	r := &runner{Options: o, sums: map[session.Ref]string{}}
	var err error
	if r.claims, err = claims.Load(o.Experiment.Path); err != nil { // before anything is computed
		return nil, err
	}
	res := &Result{Dir: o.Dir, Started: time.Now()}
	if err := o.Cache.Check(); err != nil {
		return nil, unusable(err, "--cache FOLDER or WAVEPRIOR_CACHE name another one")
	}
	lock, err := r.prepareDir()
	if err != nil {
		return nil, err
	}
	for i := range o.Experiment.Cells {
		c := &o.Experiment.Cells[i]
		cr, err := r.cell(ctx, c)
		if err != nil {
			if c.Label != "" {
				err = fmt.Errorf("cell %s: %w", c.Label, err)
			}
			return nil, err
		}
		res.Cells = append(res.Cells, cr)
	}
	res.WallS = time.Since(res.Started).Seconds()
	res.Restarts = o.Session.RestartCount()
	res.PeakShm = o.Session.PeakBytes()
	res.DevicePeak = o.Session.DevicePeaks()
	res.PeakRSS = peakRSS()
	return res, r.writeDir(res, lock)
}

type runner struct {
	Options
	claims []claims.Claim
	mu     sync.Mutex
	sums   map[session.Ref]string
}

// checksum returns the sha256 of a plugin's binary, "" in-process or attached.
func (r *runner) checksum(ref session.Ref) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.sums[ref]; ok {
		return s
	}
	s := ""
	if path, err := session.Find(ref); err == nil && r.Session.Attach[ref.Kind] == "" {
		h := sha256.New()
		_, err := copyFile(h, path)
		if ref.Device != "" && err == nil { // the kernels of a CUDA build; the emulated driver needs no file of them
			if _, err = copyFile(h, fatbin(path)); errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
		}
		if err == nil {
			s = hex.EncodeToString(h.Sum(nil))
		}
	}
	r.sums[ref] = s
	return s
}

// fatbin is the file with the kernels that a CUDA build loads: $WAVEPRIOR_FATBIN, else the one beside its binary.
func fatbin(binary string) string {
	if f := os.Getenv("WAVEPRIOR_FATBIN"); f != "" {
		return f
	}
	return filepath.Join(filepath.Dir(binary), "waveprior.fatbin")
}

func copyFile(w io.Writer, path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return io.Copy(w, f)
}

// identity is what a stage's key holds of a plugin.
func (r *runner) identity(p *experiment.Plugin, options map[string]any) map[string]any {
	id := numbersOf(p, options)
	if r.StrictCache {
		id["sha256"] = r.checksum(p.Ref)
	}
	return id
}

// numbersOf is what of a plugin decides on its numbers, as far as its author says so. Of its device that is the kind: what a
// GPU computed is never taken for the CPU's, and every GPU's for any other's.
func numbersOf(p *experiment.Plugin, options map[string]any) map[string]any {
	device := "" // of the CPU, since before there were others
	if p.Ref.Device != "" {
		device = contract.DeviceKind(p.Ref.Device)
	}
	return map[string]any{"kind": p.Ref.Kind, "name": p.Ref.Name, "numerics": p.Description.Numerics, "device": device, "options": json.RawMessage(config.Canonical(options))}
}

func (r *runner) binaries(plugins ...*experiment.Plugin) map[string]string {
	out := map[string]string{}
	for _, p := range plugins {
		if p == nil {
			continue
		}
		if s := r.checksum(p.Ref); s != "" {
			out[session.BuildName(p.Ref)] = s
		}
	}
	return out
}

// runIdentity is the file in a run folder that says whose it is.
type runIdentity struct {
	Experiment string    `json:"experiment"`
	Key        string    `json:"key"`
	Started    time.Time `json:"started"`
	Done       bool      `json:"done"`
}

const identityName = "run.json"

// prepareDir makes the run folder, refuses one that is not this experiment's, and writes the experiment and its lock.
func (r *runner) prepareDir() (lock []byte, err error) {
	e := r.Experiment
	tree := e.LockTree(r.checksum)
	lock, err = config.Encode(tree, fmt.Sprintf("The experiment %q, resolved: every default filled in, every plugin with its version.\nwaveprior run lock.toml repeats the run.", e.Name))
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	key, err := r.numbersKey()
	if err != nil {
		return nil, err
	}
	id := runIdentity{Experiment: e.Name, Key: key, Started: time.Now().UTC()}
	if err = os.MkdirAll(r.Dir, 0o755); err == nil {
		_, err = commit.RemoveStaleBelow(r.Dir) // what a killed run was writing
	}
	if err != nil {
		return nil, r.unusable(err)
	}
	b, err := os.ReadFile(filepath.Join(r.Dir, identityName))
	switch {
	case err == nil:
		var was runIdentity
		if json.Unmarshal(b, &was) != nil {
			was = runIdentity{Experiment: "unreadable " + identityName}
		}
		if (was.Experiment != id.Experiment || was.Key != id.Key) && !r.Force {
			what := fmt.Sprintf("of experiment %q", was.Experiment)
			if was.Experiment == id.Experiment {
				what = fmt.Sprintf("of another version of %q (its key is %s, this one's %s; diff its experiment.toml with %s)", was.Experiment, was.Key, id.Key, e.Path)
			}
			return nil, fmt.Errorf("%s holds a run %s: --out FOLDER names another folder, --force uses this one: %w", r.Dir, what, ErrRunDir)
		}
	case errors.Is(err, fs.ErrNotExist):
		names, _ := os.ReadDir(r.Dir)
		if len(names) > 0 && !r.Force {
			return nil, fmt.Errorf("%s is not empty and holds no run: --out FOLDER names another folder, --force uses this one: %w", r.Dir, ErrRunDir)
		}
	default:
		return nil, r.unusable(err)
	}
	// Whose it is comes first: a folder without it is somebody else's, and a run that is killed right here must know its
	// folder again.
	if err := writeJSON(filepath.Join(r.Dir, identityName), id); err != nil {
		return nil, r.unusable(err)
	}
	text, err := os.ReadFile(e.Path)
	if err != nil {
		return nil, err
	}
	experimentFile := filepath.Join(r.Dir, "experiment.toml")
	if _, err := os.Stat(experimentFile); !e.Lock || errors.Is(err, fs.ErrNotExist) { // a lock repeats a run, whose text stays
		if err := writeFile(experimentFile, text); err != nil {
			return nil, err
		}
	}
	if err := r.copyClaims(); err != nil {
		return nil, err
	}
	return lock, writeFile(filepath.Join(r.Dir, "lock.toml"), lock)
}

// copyClaims puts the claims beside the lock, so that a run of the lock is judged as this one is.
func (r *runner) copyClaims() error {
	text, err := os.ReadFile(claims.Path(r.Experiment.Path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return writeFile(claims.Path(filepath.Join(r.Dir, "lock.toml")), text)
}

// unusable tells what stands in the way of the run folder; a full disk is no fault of the folder.
func (r *runner) unusable(err error) error {
	return unusable(fmt.Errorf("run folder %s: %w", r.Dir, err), "--out FOLDER names another one")
}

func unusable(err error, advice string) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return err
	}
	return fmt.Errorf("%w: %s: %w", err, advice, ErrFolder)
}

// hostNumerics is what the keys of all stages hold of the host's own numbers: data sets, noise, composition and adapters.
var hostNumerics = map[string]string{"dataset": dataset.Numerics, "rng": rng.Numerics, "compose": compose.Numerics}

// numbersKey is the identity of all that the run computes, whoever built its plugins.
func (r *runner) numbersKey() (_ string, err error) {
	var cells []any
	for i := range r.Experiment.Cells {
		c := &r.Experiment.Cells[i]
		in := map[string]any{"label": c.Label, "seed": c.Seed, "judge": c.Judge, "solver": numbersOf(&c.Solver, c.Solver.Numbers()), "observation": c.Observation, "generator": c.Generator, "data": c.Data, "adapt": []any{c.ModelAdapt, c.DataAdapt}, "host": hostNumerics}
		if c.Checkpoint != "" {
			sum, err := folderSum(c.Checkpoint)
			if err != nil {
				return "", fmt.Errorf("prior.checkpoint: %w", err)
			}
			in["checkpoint"] = sum
		}
		if o := c.Observation; o != nil && o.Drawn != nil {
			in["truth"] = o.Drawn
		}
		if o := c.Observation; o != nil && o.Rule != nil {
			in["truth"] = ruleNumbers(o.Rule)
			if o.Rule.Run.Checkpoint != "" {
				if in["truth_checkpoint"], err = folderSum(o.Rule.Run.Checkpoint); err != nil {
					return "", fmt.Errorf("observation.truth.prior.checkpoint: %w", err)
				}
			}
		}
		for name, p := range map[string]*experiment.Plugin{"prior": c.Prior, "sampler": c.Sampler, "observation-solver": c.ObsSolver} {
			if p != nil {
				in[name] = numbersOf(p, p.Numbers())
			}
		}
		if start, err := startNumbers(c.Start); err != nil {
			return "", err
		} else if start != nil {
			in["start"] = start
		}
		var stages []any
		for _, s := range c.Stages {
			stages = append(stages, []any{s.Adapt, numbersOf(s.Sampler, s.Sampler.Numbers())})
		}
		if stages != nil {
			in["stages"] = stages
		}
		if c.Sampler != nil {
			in["chains"] = []any{c.Chains.Chains, c.Chains.OnDivergence, c.Chains.Snapshots}
		}
		cells = append(cells, in)
	}
	return stage.Key("run", cells)
}

func writeFile(path string, b []byte) error {
	return commit.WriteFile(path, func(w io.Writer) error { _, err := w.Write(b); return err })
}

func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(path, append(b, '\n'))
}

// peakRSS returns VmHWM of this process in bytes, 0 if it cannot be read.
func peakRSS() int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(b), "\n") {
		var kb int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kb); err == nil {
			return kb << 10
		}
	}
	return 0
}
