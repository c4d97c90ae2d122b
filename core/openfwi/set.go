package openfwi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"

	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
)

// Set is the samples of one file or of several, as one sequence. Reading is safe for concurrent use.
type Set struct {
	files []*npy.Rows
	ends  []int // of each file: the number of samples up to and with it
}

// Models lists the model files of a path in the order of their numbers: the path itself if it is a file; of a folder, those
// of its own, else those of its folder "model", with a name that KindOf knows. Errors: there are none.
func Models(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("openfwi: %w", err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	type numbered struct {
		path    string
		numbers []int
	}
	var found []numbered
	for _, dir := range []string{path, filepath.Join(path, "model")} {
		names, err := filepath.Glob(filepath.Join(escape(dir), "*.npy"))
		if err != nil {
			return nil, fmt.Errorf("openfwi: %w", err)
		}
		for _, name := range names {
			if kind, numbers := KindOf(name); kind == Model {
				found = append(found, numbered{name, numbers})
			}
		}
		if len(found) > 0 {
			break
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("openfwi: %s: no model files there or in its folder model (names: model1.npy, vel2_1_0.npy, vp_1.npy)", path)
	}
	sort.SliceStable(found, func(i, j int) bool { return slices.Compare(found[i].numbers, found[j].numbers) < 0 })
	paths := make([]string, len(found))
	for i, f := range found {
		paths[i] = f.path
	}
	return paths, nil
}

// escape makes a folder's name stand for itself in a pattern.
func escape(dir string) string {
	var out []rune
	for _, r := range dir {
		if r == '*' || r == '?' || r == '[' || r == '\\' {
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(out)
}

// Open opens the model files of a path (Models). Errors: those of Models and npy.OpenRows; files whose samples differ in
// shape; no samples at all.
func Open(path string) (*Set, error) {
	paths, err := Models(path)
	if err != nil {
		return nil, err
	}
	return OpenFiles(paths...)
}

// OpenFiles opens given files, in this order.
func OpenFiles(paths ...string) (_ *Set, err error) {
	s := new(Set)
	defer func() {
		if err != nil {
			_ = s.Close()
		}
	}()
	n := 0
	for _, p := range paths {
		r, err := npy.OpenRows(p)
		if err != nil {
			return nil, err
		}
		s.files = append(s.files, r)
		if first := s.files[0]; !slices.Equal(r.Item(), first.Item()) {
			return nil, fmt.Errorf("openfwi: %s has samples of shape %v, %s of %v: the files of a set agree", p, r.Item(), first.Name(), first.Item())
		}
		n += r.Len()
		s.ends = append(s.ends, n)
	}
	if n == 0 {
		return nil, fmt.Errorf("openfwi: no samples in %d files", len(paths))
	}
	return s, nil
}

// Len returns the number of samples.
func (s *Set) Len() int { return s.ends[len(s.ends)-1] }

// Item returns the shape of a sample, e.g. [1 70 70].
func (s *Set) Item() []int { return s.files[0].Item() }

// Files returns the paths of the files.
func (s *Set) Files() []string {
	names := make([]string, len(s.files))
	for i, f := range s.files {
		names[i] = f.Name()
	}
	return names
}

// Where returns the file of sample i, and its row there. It panics unless 0 <= i < Len.
func (s *Set) Where(i int) (file string, row int) {
	f, row := s.find(i)
	return f.Name(), row
}

func (s *Set) find(i int) (f *npy.Rows, row int) {
	if i < 0 || i >= s.Len() {
		panic(fmt.Sprintf("openfwi: sample %d of %d", i, s.Len()))
	}
	k := sort.SearchInts(s.ends, i+1)
	return s.files[k], i - s.ends[k] + s.files[k].Len()
}

// Read fills dst, shape (1, Item...) of Float32 or Float64, with sample i. It panics unless 0 <= i < Len.
func (s *Set) Read(i int, dst *tensor.Tensor) error {
	f, row := s.find(i)
	if len(dst.Shape) == 0 || dst.Shape[0] != 1 {
		return fmt.Errorf("openfwi: one sample to be read into shape %v: %w", dst.Shape, tensor.ErrShape)
	}
	return f.Read(row, dst)
}

// Close closes the files.
func (s *Set) Close() error {
	var errs []error
	for _, f := range s.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
