// Package mapfile opens files for reading by formats that must not trust them: it knows the size before anything is
// allocated, reads pieces, and maps the whole read-only. The array formats (packages npy and safetensors) stand on it.
//
// The main type is [File]:
//
//	f, err := mapfile.Open("shard-000.npy")
//	if err != nil { ... }
//	defer f.Close()
//	b, err := f.Map() // len(b) = f.Size(), read-only
//
// A mapping shows the file itself: if another process cuts the file while it is mapped, the next access kills this one
// (SIGBUS). Files of waveprior are never changed in place (package commit replaces them, and a mapping keeps the old
// one), so this concerns foreign files only; read those whole. It is not for writing, nor for pipes and devices.
// Linux only.
package mapfile

import (
	"fmt"
	"io"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// File is a regular file open for reading, with the size that it had when it was opened.
type File struct {
	f    *os.File
	size int64
	data []byte
}

// Open opens a regular file; a folder, pipe or device is an error that says so (opening a pipe does not wait).
func Open(path string) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		what := "(" + info.Mode().String() + ")"
		if info.IsDir() {
			what = "but a folder"
		}
		err = fmt.Errorf("%s is not a regular file %s", path, what)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &File{f: f, size: info.Size()}, nil
}

// Name returns the path given to Open.
func (f *File) Name() string { return f.f.Name() }

// Size returns the bytes of the file when it was opened.
func (f *File) Size() int64 { return f.size }

// ReadAt reads as io.ReaderAt.
func (f *File) ReadAt(p []byte, off int64) (int, error) { return f.f.ReadAt(p, off) }

// ReadFull fills p from offset off; a file that has become shorter since Open gives io.ErrUnexpectedEOF.
func (f *File) ReadFull(p []byte, off int64) error {
	n, err := f.f.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == io.EOF {
		return fmt.Errorf("%s: %d of %d bytes at byte %d: %w", f.Name(), n, len(p), off, io.ErrUnexpectedEOF)
	}
	return err
}

// CheckMemory returns an error if n bytes are more than the machine's memory: a sparse file can claim any size, and in Go
// an allocation that cannot be had ends the process.
func (f *File) CheckMemory(n int64) error {
	var si unix.Sysinfo_t
	if err := unix.Sysinfo(&si); err != nil {
		return nil // unknown: let the allocation decide
	}
	total := si.Totalram * uint64(si.Unit)
	if n < 0 || uint64(n) > total {
		return fmt.Errorf("%s: reading it takes %d bytes, this machine has %d bytes of memory (it can be opened mapped)", f.Name(), n, total)
	}
	return nil
}

// Map maps the whole file read-only; writing to the bytes ends the process. The bytes are valid until Close, start at a
// page boundary, and are the same at every call. An empty file gives no bytes.
func (f *File) Map() ([]byte, error) {
	if f.data != nil || f.size == 0 {
		return f.data, nil
	}
	if f.size > math.MaxInt/2 {
		return nil, fmt.Errorf("%s: cannot map %d bytes", f.Name(), f.size)
	}
	b, err := unix.Mmap(int(f.f.Fd()), 0, int(f.size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot map %d bytes: %w", f.Name(), f.size, err)
	}
	f.data = b
	return b, nil
}

// Close unmaps and closes the file. A second call does nothing.
func (f *File) Close() error {
	if f.f == nil {
		return nil
	}
	var err error
	if f.data != nil {
		err = unix.Munmap(f.data)
		f.data = nil
	}
	if cerr := f.f.Close(); err == nil {
		err = cerr
	}
	f.f = nil
	return err
}
