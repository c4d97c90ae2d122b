package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sort"

	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// Dataset is an open dataset. Reading is safe for concurrent use; nothing that it returned as a view may be used after
// Close.
type Dataset struct {
	manifest *manifest
	shards   []*npy.Mapped
	ends     []int // of each shard: the number of items up to and with it
}

// Open opens a dataset by its manifest and maps its shards read-only. Errors: those of opening files; ErrManifest for a
// manifest that is cut, foreign or of another version, and for a shard that is missing, cut, or not what the manifest says.
func Open(manifestPath string) (*Dataset, error) {
	m, err := readManifest(manifestPath)
	if err != nil {
		return nil, err
	}
	d := &Dataset{manifest: m}
	n := 0
	for i, s := range m.Shards {
		v, err := openShard(filepath.Join(filepath.Dir(manifestPath), s.File), &m.Space, s.Count)
		if err != nil {
			_ = d.Close()
			return nil, fmt.Errorf("%w: %s: shard %d of %d: %w", ErrManifest, manifestPath, i, len(m.Shards), err)
		}
		n += s.Count
		d.shards, d.ends = append(d.shards, v), append(d.ends, n)
	}
	return d, nil
}

// openShard maps a shard and checks that it is count items of the space.
func openShard(path string, s *space.Space, count int) (*npy.Mapped, error) {
	v, err := npy.Open(path)
	if err != nil {
		return nil, err
	}
	if err := s.Check(path, v.Tensor, count); err != nil {
		_ = v.Close()
		return nil, err
	}
	return v, nil
}

// Close unmaps the shards. A second call does nothing.
func (d *Dataset) Close() error {
	var errs []error
	for _, v := range d.shards {
		errs = append(errs, v.Close())
	}
	d.shards = nil
	return errors.Join(errs...)
}

// Len returns the number of items.
func (d *Dataset) Len() int { return d.manifest.Count }

// Space returns the space of an item.
func (d *Dataset) Space() space.Space { return d.manifest.Space }

// Origin returns where the items come from, as whoever wrote them put it; nil: not said.
func (d *Dataset) Origin() json.RawMessage { return slices.Clone(d.manifest.Origin) }

// Item returns item i, the space's axes without a batch axis, as a view of the mapped file: writing to it ends the
// process. It panics unless 0 <= i < Len.
func (d *Dataset) Item(i int) *tensor.Tensor {
	if i < 0 || i >= d.manifest.Count {
		panic(fmt.Sprintf("dataset: item %d of %d", i, d.manifest.Count))
	}
	k := sort.SearchInts(d.ends, i+1)
	v := d.shards[k].Tensor
	return v.Item(i - d.ends[k] + v.Shape[0])
}

// Reals appends the real numbers of item i (complex ones as real, imaginary), exactly, to dst and returns it.
func (d *Dataset) Reals(i int, dst []float64) []float64 { return d.Item(i).AppendReals(dst) }

// Matrix returns all items as float64 numbers, row-major (Len x Space().Reals()). Where the dataset is one float64 shard
// that is a view of the mapped file, under the rules of Item; elsewhere a copy. fresh says that it is a copy.
func (d *Dataset) Matrix() (m []float64, fresh bool) {
	if len(d.shards) == 1 && d.manifest.Space.DType == tensor.Float64 {
		return d.shards[0].Tensor.Float64s(), false
	}
	m = make([]float64, 0, d.manifest.Count*d.manifest.Space.Reals())
	for _, v := range d.shards {
		m = v.Tensor.AppendReals(m)
	}
	return m, true
}

// Order returns the order of n items in an epoch (from 0): Philox with purpose "shuffle" and step = epoch, so that it
// depends on nothing else. It panics for a negative epoch, or one beyond 32 bits.
func Order(seed uint64, epoch, n int) []int {
	if epoch < 0 || uint64(epoch) >= 1<<32 {
		panic(fmt.Sprintf("dataset: epoch %d, must be in [0, 2^32)", epoch))
	}
	return rng.New(seed, "shuffle").At(uint32(epoch), 0, 0).Perm(n)
}
