package dataset

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

	"github.com/waveprior/waveprior/core/commit"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// Plan says what a dataset will be.
type Plan struct {
	Space  space.Space
	Count  int             // items, from 1
	Shard  int             // items per shard; 0: as many as fit in 64 MiB
	Origin json.RawMessage // JSON, kept in the manifest; nil: not said
}

// shardBytes is what a shard holds by default.
const shardBytes = 64 << 20

// planName is the plan's file in an unfinished folder. A folder goes on only under the same plan.
const planName = "plan.json"

// Writer fills a dataset's folder. What is written lies in path + ".partial" until Commit gives it its name; there every
// whole shard survives a kill. Different shards may be written at the same time; Commit is for one goroutine.
type Writer struct {
	path, partial string
	m             manifest
	first         []int // of each shard: its first item
	done          []bool
}

// Create starts a dataset at path, or goes on with an interrupted one of the same plan: the shards that are whole are
// Done. An unfinished folder of another plan is removed. Errors: a plan that makes no sense; fs.ErrExist when path is
// there already. One writer per path at a time.
func Create(path string, p Plan) (*Writer, error) {
	path = filepath.Clean(path)
	w := &Writer{path: path, partial: path + ".partial",
		m: manifest{Format: format, Space: p.Space, Count: p.Count, Origin: p.Origin}}
	if err := p.Space.Validate(); err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	if p.Count < 1 || p.Shard < 0 {
		return nil, fmt.Errorf("dataset: %s: %d items in shards of %d, want one item or more and no negative shard", path, p.Count, p.Shard)
	}
	if p.Origin != nil && !json.Valid(p.Origin) {
		return nil, fmt.Errorf("dataset: %s: origin is not JSON: %.40q", path, p.Origin)
	}
	per := p.Shard
	if per == 0 {
		per = max(1, shardBytes/(p.Space.Len()*p.Space.DType.Size()))
	}
	for i := 0; i < p.Count; i += per {
		w.first = append(w.first, i)
		w.m.Shards = append(w.m.Shards, shardInfo{File: fmt.Sprintf("%05d.npy", len(w.first)-1), Count: min(per, p.Count-i)})
	}
	w.done = make([]bool, len(w.first))
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("dataset: %s: %w", path, fs.ErrExist)
	}
	plan, err := json.Marshal(w.m)
	if err != nil {
		return nil, fmt.Errorf("dataset: %s: %w", path, err)
	}
	return w, w.resume(append(plan, '\n'))
}

// resume takes over what an interrupted run of the same plan left, or starts with an empty folder.
func (w *Writer) resume(plan []byte) error {
	old, err := os.ReadFile(w.file(planName))
	if err == nil && bytes.Equal(old, plan) {
		if _, err := commit.RemoveStale(w.partial); err != nil { // what a killed run was writing
			return fmt.Errorf("dataset: %w", err)
		}
		for k, s := range w.m.Shards {
			// A shard appears by rename when it is whole; that it is what the plan says is checked all the same.
			if v, err := openShard(w.file(s.File), &w.m.Space, s.Count); err == nil {
				w.done[k] = true
				if err := v.Close(); err != nil {
					return fmt.Errorf("dataset: %w", err)
				}
			}
		}
		return nil
	}
	if err := os.RemoveAll(w.partial); err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	if err := os.MkdirAll(w.partial, 0o777); err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	return w.put(planName, plan)
}

func (w *Writer) file(name string) string { return filepath.Join(w.partial, name) }

func (w *Writer) put(name string, content []byte) error {
	return commit.WriteFile(w.file(name), func(f io.Writer) error {
		_, err := f.Write(content)
		return err
	})
}

// Shards returns the number of shards.
func (w *Writer) Shards() int { return len(w.first) }

// Range returns the first item of shard k and how many items it has.
func (w *Writer) Range(k int) (first, count int) { return w.first[k], w.m.Shards[k].Count }

// Done reports whether shard k is written.
func (w *Writer) Done(k int) bool { return w.done[k] }

// Write writes shard k: (count of Range, axes of the space...). It appears whole or not at all.
func (w *Writer) Write(k int, items *tensor.Tensor) error {
	s := w.m.Shards[k]
	if err := w.m.Space.Check(fmt.Sprintf("dataset: %s: shard %d", w.path, k), items, s.Count); err != nil {
		return err
	}
	if err := npy.Write(w.file(s.File), items); err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	w.done[k] = true
	return nil
}

// Fill writes every shard that is not done from a generator, whose space must be the plan's. It stops between shards when
// ctx is cancelled.
func (w *Writer) Fill(ctx context.Context, g Generator, heldOut bool) error {
	for k := range w.first {
		if w.done[k] {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		first, count := w.Range(k)
		batch := w.m.Space.New(count)
		if err := g.Fill(first, batch, heldOut); err != nil {
			return err
		}
		if err := w.Write(k, batch); err != nil {
			return err
		}
	}
	return nil
}

// Commit writes the manifest and gives the folder its name. Errors: a shard that is not written; a folder that has
// appeared at path meanwhile. On an error what is written stays, and Create goes on from it.
func (w *Writer) Commit() error {
	for k, done := range w.done {
		if !done {
			return fmt.Errorf("dataset: %s: shard %d of %d is not written", w.path, k, len(w.done))
		}
	}
	text, err := json.MarshalIndent(w.m, "", "  ")
	if err != nil {
		return fmt.Errorf("dataset: %s: %w", w.path, err)
	}
	if err := w.put(ManifestName, append(text, '\n')); err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	if err := os.Rename(w.partial, w.path); err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	if err := os.Remove(filepath.Join(w.path, planName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("dataset: %w", err)
	}
	return syncFolder(filepath.Dir(w.path))
}

// syncFolder makes a rename within dir survive a power cut.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("dataset: %w", err)
	}
	return nil
}
