package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/waveprior/waveprior/core/space"
)

// Numerics changes when the items of a generator change: it is part of the keys of cached stages.
const Numerics = "1"

// ManifestName is the name of the manifest within a dataset's folder.
const ManifestName = "dataset.json"

// ErrManifest is wrapped by every error about the content of a dataset: a manifest that is cut, of another kind or
// version, or that does not agree with its shards.
var ErrManifest = errors.New("dataset: bad dataset")

// format is what tells a manifest from any other JSON file; it changes with its meaning.
const format = "waveprior.dataset/1"

// maxManifest bounds what is read of a manifest, in bytes: a million shards have less.
const maxManifest = 64 << 20

// manifest is dataset.json.
type manifest struct {
	Format string      `json:"format"`
	Space  space.Space `json:"space"`
	Count  int         `json:"count"`
	Shards []shardInfo `json:"shards"`
	// Origin says where the items come from, in the words of whoever wrote them.
	Origin json.RawMessage `json:"origin,omitempty"`
}

// shardInfo is one .npy file of the folder: (count, axes of the space...).
type shardInfo struct {
	File  string `json:"file"`
	Count int    `json:"count"`
}

// readManifest reads and checks a manifest, but for what is in the shards.
func readManifest(path string) (*manifest, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	m, err := parseManifest(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %s (%d bytes): %w", ErrManifest, path, len(raw), err)
	}
	return m, nil
}

func parseManifest(raw []byte) (*manifest, error) {
	if len(raw) > maxManifest {
		return nil, fmt.Errorf("longer than %d bytes", maxManifest)
	}
	var head struct {
		Format *string `json:"format"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, fmt.Errorf("not JSON, or cut off: %w", err)
	}
	if head.Format == nil {
		return nil, fmt.Errorf("no dataset manifest: it has no \"format\", want %q", format)
	}
	if *head.Format != format {
		return nil, fmt.Errorf("format is %q, this version reads %q", *head.Format, format)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	m := new(manifest)
	if err := dec.Decode(m); err != nil {
		return nil, err
	}
	return m, m.check()
}

// check returns an error naming the first thing that is inconsistent.
func (m *manifest) check() error {
	if err := m.Space.Validate(); err != nil {
		return err
	}
	if m.Count < 1 {
		return fmt.Errorf("count is %d, a dataset has one item or more", m.Count)
	}
	sum := 0
	for i, s := range m.Shards {
		if s.File == "" || s.File != filepath.Base(s.File) || s.File == "." || s.File == ".." {
			return fmt.Errorf("shard %d: file %q is not a plain file name", i, s.File)
		}
		if s.Count < 1 || s.Count > m.Count-sum {
			return fmt.Errorf("shard %d (%s) has %d items, with those before it that is not 1..%d", i, s.File, s.Count, m.Count-sum)
		}
		sum += s.Count
	}
	if sum != m.Count {
		return fmt.Errorf("the %d shards have %d items, count is %d", len(m.Shards), sum, m.Count)
	}
	return nil
}
