// Package stage keeps the results of an experiment's stages: a folder per stage, keyed by the hash of everything that
// its numbers depend on, committed by one rename, shared by the cells of a sweep and by all experiments.
//
// A stage in progress works in its part folder, which survives the process: the next run goes on from what lies there.
// A lock, released by the kernel when its holder dies, keeps two runs from working on the same stage at once.
package stage

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
	"slices"
	"sort"
	"time"

	"golang.org/x/sys/unix"

	"github.com/waveprior/waveprior/core/commit"
	"github.com/waveprior/waveprior/core/hook"
)

// Layout is part of every key: it changes when the files that stages write change their meaning.
const Layout = "1"

// Key returns the key of a stage: the hash of its name and of everything that its numbers depend on. Inputs must
// marshal to JSON; maps are sorted and floats written so that they read back exactly, so equal inputs have equal keys.
func Key(stage string, inputs any) (string, error) {
	b, err := json.Marshal(map[string]any{"stage": stage, "layout": Layout, "inputs": inputs})
	if err != nil {
		return "", fmt.Errorf("stage %s: key: %w", stage, err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:12]), nil
}

// Manifest stands beside a stage's files.
type Manifest struct {
	Stage    string             `json:"stage"`
	Key      string             `json:"key"`
	Inputs   json.RawMessage    `json:"inputs"`
	Started  time.Time          `json:"started"`
	WallS    float64            `json:"wall_s"`             // over all sessions that worked on it
	Sessions int                `json:"sessions"`           // 1 unless it was interrupted
	Binaries map[string]string  `json:"binaries,omitempty"` // plugin -> sha256 of the binary that computed it
	Cost     map[string]float64 `json:"cost,omitempty"`     // counted work, e.g. "forward"
	Files    []File             `json:"files"`

	// Kept is what else a stage's maker wants to remember (Work.Keep): no content of the stage, so that it may tell of one
	// computation of it, which another one does not repeat.
	Kept map[string]json.RawMessage `json:"kept,omitempty"`
}

// File is one file of a stage.
type File struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Entry is a committed stage.
type Entry struct {
	Dir      string
	Manifest Manifest
}

// Path returns the path of a file of the stage.
func (e *Entry) Path(name string) string { return filepath.Join(e.Dir, name) }

// Cache is a folder of stages.
type Cache struct {
	Dir string
	// Log gets a line when an entry is found damaged; nil: silent.
	Log func(format string, args ...any)
}

const manifestName = "stage.json"

// Check makes the cache's folder and fails when nothing can be written in it.
func (c *Cache) Check() error {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return fmt.Errorf("cache %s: %w", c.Dir, err)
	}
	f, err := os.CreateTemp(c.Dir, ".check-*")
	if err != nil {
		return fmt.Errorf("cache %s: %w", c.Dir, err)
	}
	f.Close()
	return os.Remove(f.Name())
}

// Lookup returns a committed stage, nil without an error where there is none. A damaged one (a file missing, cut short or
// changed) counts as absent; Begin, which has the lock, moves it aside.
func (c *Cache) Lookup(stage, key string) (*Entry, error) {
	e, damage, err := c.read(stage, key)
	if damage != nil {
		return nil, nil
	}
	return e, err
}

// read returns a stage, or what is wrong with it; none of both where there is none.
func (c *Cache) read(stage, key string) (e *Entry, damage, err error) {
	e = &Entry{Dir: filepath.Join(c.Dir, stage, key)}
	b, err := os.ReadFile(filepath.Join(e.Dir, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		if _, gone := os.Stat(e.Dir); gone != nil {
			return nil, nil, nil
		}
		return nil, fmt.Errorf("%s is missing", manifestName), nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("cache: %w", err)
	}
	if damage = json.Unmarshal(b, &e.Manifest); damage == nil {
		damage = e.verify()
	}
	if damage != nil {
		return nil, damage, nil
	}
	return e, nil, nil
}

// aside is Lookup for the holder of the stage's lock.
func (c *Cache) aside(stage, key string) (*Entry, error) {
	e, damage, err := c.read(stage, key)
	if damage == nil {
		return e, err
	}
	if c.Log != nil {
		c.Log("cache: %s/%s is damaged (%v): it is moved aside and computed again", stage, key, damage)
	}
	dir := filepath.Join(c.Dir, stage, key)
	if err := os.Rename(dir, fmt.Sprintf("%s.damaged-%d", dir, time.Now().UnixNano())); err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	return nil, nil
}

// verifyHashed is the size up to which Lookup reads a file again; of larger ones it checks the size alone.
const verifyHashed = 16 << 20

func (e *Entry) verify() error {
	for _, f := range e.Manifest.Files {
		path := e.Path(f.Name)
		st, err := os.Stat(path)
		if err != nil {
			return err
		}
		if st.Size() != f.Bytes {
			return fmt.Errorf("%s has %d bytes, its manifest says %d", f.Name, st.Size(), f.Bytes)
		}
		if f.Bytes > verifyHashed {
			continue
		}
		sum, err := hashFile(path)
		if err != nil {
			return err
		}
		if sum != f.SHA256 {
			return fmt.Errorf("%s has checksum %.12s, its manifest says %.12s", f.Name, sum, f.SHA256)
		}
	}
	return nil
}

func hashFile(path string) (string, error) {
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

// Work is a stage in progress. Its holder has the lock.
type Work struct {
	cache    *Cache
	dir      string
	manifest Manifest
	lock     *os.File
	started  time.Time
}

// Begin takes the lock of a stage, waiting for another run that holds it, and returns either the finished entry, where
// that other run has finished it, or the work to do. inputs are recorded in the manifest.
func (c *Cache) Begin(ctx context.Context, stage, key string, inputs any) (*Work, *Entry, error) {
	raw, err := json.Marshal(inputs)
	if err != nil {
		return nil, nil, err
	}
	base := filepath.Join(c.Dir, stage)
	if err := os.MkdirAll(base, 0o755); err != nil {
		return nil, nil, fmt.Errorf("cache: %w", err)
	}
	lock, err := c.lock(ctx, filepath.Join(base, key+".lock"))
	if err != nil {
		return nil, nil, err
	}
	if e, err := c.aside(stage, key); e != nil || err != nil {
		lock.Close()
		return nil, e, err
	}
	w := &Work{cache: c, dir: filepath.Join(base, key+".part"), lock: lock, started: time.Now()}
	if e, err := w.recover(key); e != nil || err != nil {
		w.Release()
		return nil, e, err
	}
	w.manifest = Manifest{Stage: stage, Key: key, Inputs: raw, Started: w.started.UTC()}
	if b, err := os.ReadFile(filepath.Join(w.dir, progressName)); err == nil {
		var p Manifest
		if json.Unmarshal(b, &p) == nil && p.Key == key {
			w.manifest.Started, w.manifest.WallS, w.manifest.Sessions, w.manifest.Cost = p.Started, p.WallS, p.Sessions, p.Cost
		}
	}
	w.manifest.Sessions++
	if err := os.MkdirAll(w.dir, 0o755); err != nil {
		lock.Close()
		return nil, nil, fmt.Errorf("cache: %w", err)
	}
	return w, nil, nil
}

const progressName = "progress.json"

// recover finishes a Commit that was cut off between manifest and rename: all files are there, and an hour of sampling need
// not be done again. Otherwise it clears what a killed session was writing. It returns nil where there is work to do.
func (w *Work) recover(key string) (*Entry, error) {
	if _, err := os.Stat(w.dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if _, err := commit.RemoveStale(w.dir); err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	path := filepath.Join(w.dir, manifestName)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	e := &Entry{Dir: w.dir}
	if json.Unmarshal(b, &e.Manifest) != nil || e.Manifest.Key != key || e.verify() != nil {
		return nil, os.Remove(path)
	}
	w.manifest = e.Manifest
	return w.place()
}

func (c *Cache) lock(ctx context.Context, path string) (*os.File, error) {
	said := false
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return nil, fmt.Errorf("cache: %w", err)
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return f, nil
		}
		f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("cache: lock %s: %w", path, err)
		}
		if !said && c.Log != nil {
			said = true
			c.Log("cache: another run is computing %s: waiting for it", filepath.Base(filepath.Dir(path)))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Dir is where the stage writes. Files that lie there were left by an earlier session of the same stage.
func (w *Work) Dir() string { return w.dir }

// Resumed reports whether an earlier session has worked on this stage.
func (w *Work) Resumed() bool { return w.manifest.Sessions > 1 }

// Count adds to the stage's counted work.
func (w *Work) Count(cost map[string]float64) {
	if w.manifest.Cost == nil {
		w.manifest.Cost = map[string]float64{}
	}
	for k, v := range cost {
		w.manifest.Cost[k] += v
	}
}

// Keep remembers a value under a name in the manifest, beside the stage's content.
func (w *Work) Keep(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("stage %s: %s: %w", w.manifest.Stage, name, err)
	}
	if w.manifest.Kept == nil {
		w.manifest.Kept = map[string]json.RawMessage{}
	}
	w.manifest.Kept[name] = b
	return nil
}

// Note records wall time and counted work so far, beside a checkpoint, so that the next session adds to them.
func (w *Work) Note() error {
	m := w.manifest
	m.WallS += time.Since(w.started).Seconds()
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(w.dir, progressName), b)
}

// Release gives the lock back and leaves the part folder for the next session.
func (w *Work) Release() {
	if w.lock != nil {
		w.lock.Close()
		w.lock = nil
	}
}

// Commit makes the part folder the stage. drop names files that served the work only (checkpoints): they go last, so that
// a Commit that is cut off loses nothing.
func (w *Work) Commit(binaries map[string]string, drop ...string) (*Entry, error) {
	defer w.Release()
	hook.At("host." + w.manifest.Stage + ".commit")
	w.manifest.WallS += time.Since(w.started).Seconds()
	w.manifest.Binaries = binaries
	files, err := listFiles(w.dir, append(drop, progressName))
	if err != nil {
		return nil, fmt.Errorf("stage %s: %w", w.manifest.Stage, err)
	}
	w.manifest.Files = files
	for _, f := range files { // run folders link to them: who edits one there must not edit the cache
		if err := os.Chmod(filepath.Join(w.dir, f.Name), 0o444); err != nil {
			return nil, fmt.Errorf("stage %s: %w", w.manifest.Stage, err)
		}
	}
	b, err := json.MarshalIndent(w.manifest, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := writeFile(filepath.Join(w.dir, manifestName), b); err != nil {
		return nil, fmt.Errorf("stage %s: %w", w.manifest.Stage, err)
	}
	hook.At("host." + w.manifest.Stage + ".manifest")
	return w.place()
}

// place removes what the manifest does not list and gives the part folder its name.
func (w *Work) place() (*Entry, error) {
	fail := func(err error) (*Entry, error) {
		return nil, fmt.Errorf("stage %s: commit: %w", w.manifest.Stage, err)
	}
	keep := map[string]bool{manifestName: true}
	for _, f := range w.manifest.Files {
		keep[f.Name] = true
	}
	have, err := fileNames(w.dir)
	if err != nil {
		return fail(err)
	}
	for _, name := range have {
		if keep[name] {
			continue
		}
		if err := os.Remove(filepath.Join(w.dir, name)); err != nil {
			return fail(err)
		}
	}
	dir := filepath.Join(w.cache.Dir, w.manifest.Stage, w.manifest.Key)
	if err := os.Rename(w.dir, dir); err != nil {
		return fail(err)
	}
	hook.At("host." + w.manifest.Stage + ".renamed")
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return fail(err)
	}
	return &Entry{Dir: dir, Manifest: w.manifest}, nil
}

// fileNames returns the files under dir, relative to it, in order.
func fileNames(dir string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		names = append(names, name)
		return err
	})
	sort.Strings(names)
	return names, err
}

// listFiles describes the files under dir, but for those named in without.
func listFiles(dir string, without []string) ([]File, error) {
	names, err := fileNames(dir)
	if err != nil {
		return nil, err
	}
	var files []File
	for _, name := range names {
		if slices.Contains(without, name) || name == manifestName {
			continue
		}
		path := filepath.Join(dir, name)
		st, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		sum, err := hashFile(path)
		if err != nil {
			return nil, err
		}
		files = append(files, File{Name: name, Bytes: st.Size(), SHA256: sum})
	}
	return files, nil
}
