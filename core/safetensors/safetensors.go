// Package safetensors reads and writes named tensors as .safetensors files: the checkpoints of networks. What it writes
// is byte for byte what the safetensors library (0.8) writes, with the metadata's keys sorted, so equal tensors give
// equal files.
//
// The main type is [File], from Read (in memory) or Open (mapped, read-only); Write makes a file appear by rename:
//
//	err := safetensors.Write("net.safetensors", map[string]*tensor.Tensor{"w": w}, map[string]string{"step": "5000"})
//	f, err := safetensors.Open("net.safetensors")
//	if err != nil { ... }
//	defer f.Close()
//	w, err := f.Tensor("w")
//
// dtypes: F32, F64, C64, I32, I64, U8. The format has no complex number of two float64: Write refuses complex128. Files
// with other dtypes (F16, BF16, BOOL...) are refused. Every error about a file's content wraps [ErrFormat] and names
// file, size and header; nothing is allocated that the file's size does not cover.
//
// The checks are those of the reference (no hole, no overlap, nothing after the last tensor), and stricter in three:
// the header starts with '{', no key is there twice, and an entry has no key but dtype, shape and data_offsets.
// It is not for tensors in several files, nor for appending.
//
// Source of the format: README of github.com/huggingface/safetensors, "Format", and safetensors/src/tensor.rs there.
package safetensors

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/waveprior/waveprior/core/commit"
	"github.com/waveprior/waveprior/core/mapfile"
	"github.com/waveprior/waveprior/core/tensor"
)

// ErrFormat is wrapped by every error about the content of a file.
var ErrFormat = errors.New("safetensors: bad file")

// ErrNotFound is wrapped by the error of a tensor name that a file does not have.
var ErrNotFound = errors.New("safetensors: no such tensor")

// Entry is what the header says of one tensor, checked.
type Entry struct {
	Name       string
	DType      tensor.DType
	Shape      []int
	Begin, End int64 // bytes, counted from the end of the header
}

// Header is what a file says about itself, checked against its size.
type Header struct {
	Entries  []Entry           // in the order of their bytes
	Metadata map[string]string // of __metadata__, nil if there is none
	Offset   int64             // where the tensors' bytes start
}

// ReadHeader looks at a file without reading its tensors. The errors are those of Read.
func ReadHeader(path string) (Header, error) {
	f, h, err := open(path)
	if err != nil {
		return Header{}, err
	}
	return h, f.Close()
}

// File is an open file. Its methods may be called by several goroutines, but for Close.
type File struct {
	Header  Header
	path    string
	names   []string
	tensors map[string]*tensor.Tensor
	f       *mapfile.File // nil for one in memory
}

// Read reads a file into memory. Errors: those of opening it, and ErrFormat for one that is not exactly as the format
// demands or has a dtype that package tensor has not.
func Read(path string) (*File, error) { return load(path, false) }

// Open maps a file read-only; nothing but the header is read until it is used. The errors are those of Read. Tensors
// whose bytes do not start at a multiple of 8 (the format packs them by the size of the dtype) are read into memory,
// since a Tensor's do.
func Open(path string) (*File, error) { return load(path, true) }

func load(path string, mapped bool) (*File, error) {
	mf, h, err := open(path)
	if err != nil {
		return nil, err
	}
	f := &File{Header: h, path: path, f: mf, tensors: make(map[string]*tensor.Tensor, len(h.Entries))}
	if err := f.fill(mapped); err != nil {
		_ = mf.Close()
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	if !mapped {
		f.f = nil
		if err := mf.Close(); err != nil {
			return nil, fmt.Errorf("safetensors: %w", err)
		}
	}
	return f, nil
}

func (f *File) fill(mapped bool) error {
	var b []byte
	var err error
	if mapped {
		b, err = f.f.Map()
	} else {
		err = f.f.CheckMemory(f.f.Size())
	}
	if err != nil {
		return err
	}
	for _, e := range f.Header.Entries {
		lo, hi := f.Header.Offset+e.Begin, f.Header.Offset+e.End
		var t *tensor.Tensor
		if mapped && lo%8 == 0 {
			t = &tensor.Tensor{DType: e.DType, Shape: slices.Clone(e.Shape), Data: b[lo:hi:hi]}
		} else {
			if err := f.f.CheckMemory(hi - lo); err != nil {
				return err
			}
			t = tensor.New(e.DType, e.Shape...)
			if err := f.f.ReadFull(t.Data, lo); err != nil {
				return err
			}
		}
		f.tensors[e.Name] = t
		f.names = append(f.names, e.Name)
	}
	slices.Sort(f.names)
	return nil
}

// Names returns the names of the tensors, sorted.
func (f *File) Names() []string { return slices.Clone(f.names) }

// Metadata returns the value of a key of __metadata__, and whether it is there.
func (f *File) Metadata(key string) (string, bool) {
	v, ok := f.Header.Metadata[key]
	return v, ok
}

// Tensor returns a tensor by name; an unknown name gives ErrNotFound with the names there are. The same name gives the
// same Tensor at every call. Of a file from Open it is read-only (writing ends the process) and valid until Close.
func (f *File) Tensor(name string) (*tensor.Tensor, error) {
	t, ok := f.tensors[name]
	if !ok {
		const show = 20
		more := ""
		if len(f.names) > show {
			more = fmt.Sprintf(" and %d more", len(f.names)-show)
		}
		return nil, fmt.Errorf("%w: %q in %s (it has: %q%s)", ErrNotFound, name, f.path, f.names[:min(show, len(f.names))], more)
	}
	return t, nil
}

// Close unmaps a file from Open: its tensors must not be used any more. On one from Read, and the second time, it does
// nothing.
func (f *File) Close() error {
	if f.f == nil {
		return nil
	}
	return f.f.Close()
}

func open(path string) (*mapfile.File, Header, error) {
	f, err := mapfile.Open(path)
	if err != nil {
		return nil, Header{}, fmt.Errorf("safetensors: %w", err)
	}
	h, err := decodeHeader(path, f, f.Size())
	if err != nil {
		_ = f.Close()
		return nil, Header{}, err
	}
	return f, h, nil
}

// Write writes the tensors so that the file appears at path at once, whole, on the disk; a file that is there is
// replaced. metadata may be nil. Equal arguments give equal bytes: tensors are in order of dtype (I64, F64, C64, F32,
// I32, U8) and then of name. On an error the path is as it was, and nothing else is left. Errors: a name that is
// "__metadata__" or not UTF-8, complex128, a tensor that is not what it says (tensor.ErrShape), and for a full disk a
// *commit.SpaceError with the bytes needed and free.
func Write(path string, tensors map[string]*tensor.Tensor, metadata map[string]string) error {
	names := slices.Collect(maps.Keys(tensors))
	for _, name := range names {
		if err := check(name, tensors[name]); err != nil {
			return fmt.Errorf("safetensors: cannot write %s: %w", path, err)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := rank(tensors[b].DType) - rank(tensors[a].DType); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	head, err := encodeHeader(names, tensors, metadata)
	if err != nil {
		return fmt.Errorf("safetensors: cannot write %s: %w", path, err)
	}
	size := int64(len(head))
	for _, name := range names {
		size += int64(len(tensors[name].Data))
	}
	return commit.WriteFileSize(path, size, func(w io.Writer) error {
		if _, err := w.Write(head); err != nil {
			return err
		}
		for _, name := range names {
			if _, err := w.Write(tensors[name].Data); err != nil {
				return err
			}
		}
		return nil
	})
}
