// Package arena is the run's shared memory: one memfd of the host, mapped once by the host and by every plugin, in which
// tensors lie so that processes pass references instead of data.
//
// The file is sparse and as large as it will ever be (256 GiB of addresses by default); pages are reserved in steps with
// fallocate, so that lack of memory is contract.ErrOutOfMemory with numbers and never a SIGBUS. The range is cut into
// windows: the host allocates in its own, each plugin in the one that it was granted, and everyone may read and write
// what a call refers to. A memfd has no name: when the last process that maps it is gone, nothing is left.
//
//	a, err := arena.New(arena.DefaultSize)
//	t, err := a.Alloc(tensor.Float64, 32, 128, 128)
//	off, ok := a.Offset(t) // what goes over the wire
//	err = a.Free(t)
//
// It is not a garbage collector and does not know tensors that others allocate: an owner frees what it allocated. It is
// not for tensors that outlive the run.
package arena

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
)

// DefaultSize is the virtual size of a run's arena in bytes. It costs addresses, not memory.
const DefaultSize int64 = 256 << 30

// Align is the alignment in bytes of every allocation and of every offset on the wire.
const Align = 64

// page is what the size of an arena and the bounds of windows are multiples of.
const page = 4096

// Ref says where an arena is and which window of it belongs to the receiver.
type Ref struct {
	Path      string // "/proc/<host>/fd/<n>"
	Size      uint64 // bytes of the whole
	OwnOffset uint64 // the receiver's window
	OwnSize   uint64 // 0: it allocates nothing
}

// Arena is one mapping. All methods may be called from several goroutines.
type Arena struct {
	file   *os.File
	base   unsafe.Pointer
	size   uint64
	path   string
	window window

	mu     sync.Mutex // guards grants and closed
	grants *ranges    // the host's half for others' windows, nil in a plugin
	given  map[uint64]*grant
	closed bool
}

// grant is a window that was given to another process.
type grant struct {
	off, size uint64
	holds     int
	released  bool
}

// New makes the arena of a run, in the host. size is in bytes and is rounded up to pages; a limit on file sizes
// (ulimit -f) below it shrinks it. The first half is the host's window, from the second half come those of Grant.
func New(size int64) (*Arena, error) {
	if size < 4*page {
		return nil, fmt.Errorf("arena: size %d bytes, at least %d are needed: %w", size, 4*page, contract.ErrInvalidOption)
	}
	bytes := (uint64(size) + page - 1) / page * page
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &lim); err == nil && lim.Cur < bytes {
		bytes = lim.Cur / page * page
		if bytes < 4*page {
			return nil, fmt.Errorf("arena: the limit on file sizes (ulimit -f) is %d bytes, at least %d are needed: %w",
				lim.Cur, 4*page, contract.ErrOutOfMemory)
		}
	}
	fd, err := unix.MemfdCreate("waveprior-arena", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("arena: memfd_create: %w: %w", err, contract.ErrOutOfMemory)
	}
	f := os.NewFile(uintptr(fd), "waveprior-arena")
	if err := unix.Ftruncate(fd, int64(bytes)); err != nil {
		f.Close()
		return nil, fmt.Errorf("arena: %d bytes of addresses: ftruncate: %w: %w", bytes, err, contract.ErrOutOfMemory)
	}
	a := &Arena{file: f, size: bytes, path: fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd), given: map[uint64]*grant{}}
	if err := a.mmap(); err != nil {
		f.Close()
		return nil, err
	}
	half := bytes / 2 / page * page
	a.window.init(a, 0, half)
	a.grants = newRanges(half, bytes-half)
	return a, nil
}

// Open maps the arena that a host described. The file must be as large as the reference says, and the window inside it.
func Open(r Ref) (*Arena, error) {
	if r.OwnOffset%page != 0 || r.OwnOffset > r.Size || r.OwnSize > r.Size-r.OwnOffset || r.Size > 1<<46 {
		return nil, fmt.Errorf("arena %s: window %d+%d in %d bytes (multiples of %d inside the arena): %w",
			r.Path, r.OwnOffset, r.OwnSize, r.Size, page, contract.ErrShape)
	}
	f, err := os.OpenFile(r.Path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("arena: %w (is the host still running, and of the same user?): %w", err, contract.ErrInternal)
	}
	st, err := f.Stat()
	if err != nil || st.Size() < 0 || uint64(st.Size()) < r.Size || r.Size == 0 {
		f.Close()
		return nil, fmt.Errorf("arena %s: the file has %d bytes, the reference says %d: %w", r.Path, st.Size(), r.Size, contract.ErrShape)
	}
	a := &Arena{file: f, size: r.Size, path: r.Path}
	if err := a.mmap(); err != nil {
		f.Close()
		return nil, err
	}
	a.window.init(a, r.OwnOffset, r.OwnSize)
	return a, nil
}

func (a *Arena) mmap() error {
	p, err := unix.MmapPtr(int(a.file.Fd()), 0, nil, uintptr(a.size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_NORESERVE)
	if err != nil {
		return fmt.Errorf("arena: mapping %d bytes of addresses (ulimit -v?): %w: %w", a.size, err, contract.ErrOutOfMemory)
	}
	a.base = p
	return nil
}

// Close unmaps the arena. No tensor of it may be used afterwards, by anyone in this process.
func (a *Arena) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil
	}
	a.closed = true
	err := unix.MunmapPtr(a.base, uintptr(a.size))
	return errors.Join(err, a.file.Close())
}

// Size returns the bytes of addresses.
func (a *Arena) Size() uint64 { return a.size }

// Path returns what other processes open.
func (a *Arena) Path() string { return a.path }

// Alloc returns a zeroed tensor in this process's window, aligned to 64 bytes. Errors: contract.ErrOutOfMemory when the
// window or the machine has no room, contract.ErrShape.
func (a *Arena) Alloc(dt tensor.DType, shape ...int) (*tensor.Tensor, error) {
	t, err := a.AllocRaw(dt, shape...)
	if err == nil {
		t.Zero()
	}
	return t, err
}

// AllocRaw is Alloc without the zeroing: for places that will be filled whole.
func (a *Arena) AllocRaw(dt tensor.DType, shape ...int) (*tensor.Tensor, error) {
	n, err := tensor.Elements(shape)
	if err != nil {
		return nil, fmt.Errorf("arena: %w", err)
	}
	if dt.Size() == 0 {
		return nil, fmt.Errorf("arena: %v: %w", dt, contract.ErrShape)
	}
	off, err := a.window.alloc(uint64(n) * uint64(dt.Size()))
	if err != nil {
		return nil, err
	}
	return a.view(dt, shape, off, n*dt.Size()), nil
}

func (a *Arena) view(dt tensor.DType, shape []int, off uint64, bytes int) *tensor.Tensor {
	return &tensor.Tensor{DType: dt, Shape: append([]int(nil), shape...), Data: unsafe.Slice((*byte)(unsafe.Add(a.base, off)), bytes)[:bytes:bytes]}
}

// Free gives the range of a tensor that Alloc returned back. While it is held (Hold) it is not used again. A tensor that
// is not the start of an allocation of this process, or was freed before, is an error wrapping contract.ErrInternal.
func (a *Arena) Free(t *tensor.Tensor) error {
	off, ok := a.Offset(t)
	if !ok {
		return fmt.Errorf("arena: Free of a tensor that is not in the arena: %w", contract.ErrInternal)
	}
	return a.window.free(off)
}

// Offset returns where a tensor's bytes start in the arena, and whether all of them lie in it.
func (a *Arena) Offset(t *tensor.Tensor) (uint64, bool) {
	if t == nil || cap(t.Data) == 0 {
		return 0, false
	}
	p, base := uintptr(unsafe.Pointer(unsafe.SliceData(t.Data))), uintptr(a.base)
	if p < base || uint64(p-base) >= a.size || uint64(len(t.Data)) > a.size-uint64(p-base) {
		return 0, false
	}
	return uint64(p - base), true
}

// At returns the tensor at an offset that came from elsewhere. Everything is checked: dtype, shape, overflow, alignment,
// bounds; errors wrap contract.ErrShape.
func (a *Arena) At(dt tensor.DType, shape []int, off uint64) (*tensor.Tensor, error) {
	n, err := tensor.Elements(shape)
	if err != nil {
		return nil, err
	}
	if dt.Size() == 0 {
		return nil, fmt.Errorf("arena: %v: %w", dt, contract.ErrShape)
	}
	bytes := uint64(n) * uint64(dt.Size())
	if off%Align != 0 {
		return nil, fmt.Errorf("arena: offset %d is not a multiple of %d: %w", off, Align, contract.ErrShape)
	}
	if off > a.size || bytes > a.size-off {
		return nil, fmt.Errorf("arena: %d bytes at offset %d end outside the arena of %d bytes: %w", bytes, off, a.size, contract.ErrShape)
	}
	return a.view(dt, shape, off, int(bytes)), nil
}

// Hold keeps the range that t lies in from being used again until release is called, whoever frees it meanwhile. It
// works for this process's allocations and views of them, and in the host for tensors in a granted window (the window is
// held); for others there is nothing to hold. release may be called once.
func (a *Arena) Hold(t *tensor.Tensor) (release func()) {
	off, ok := a.Offset(t)
	if !ok {
		return func() {}
	}
	if a.window.covers(off) {
		return a.window.hold(off)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, g := range a.given {
		if off >= g.off && off-g.off < g.size {
			g.holds++
			return func() {
				a.mu.Lock()
				defer a.mu.Unlock()
				g.holds--
				a.settle(g)
			}
		}
	}
	return func() {}
}

// Grant cuts a window of size bytes (rounded up to pages) for another process. release gives it back, with its memory,
// once nothing holds it; call it when that process is gone.
func (a *Arena) Grant(size int64) (r Ref, release func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.grants == nil {
		return Ref{}, nil, fmt.Errorf("arena: only the host grants windows: %w", contract.ErrInternal)
	}
	bytes := (uint64(max(size, 1)) + page - 1) / page * page
	off, ok := a.grants.take(bytes)
	if !ok {
		return Ref{}, nil, fmt.Errorf("arena: no window of %d bytes is left (%d windows given, %d bytes for all): %w",
			bytes, len(a.given), a.size/2, contract.ErrOutOfMemory)
	}
	g := &grant{off: off, size: bytes}
	a.given[off] = g
	return Ref{Path: a.path, Size: a.size, OwnOffset: off, OwnSize: bytes}, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		g.released = true
		a.settle(g)
	}, nil
}

// settle returns a released window that nothing holds: its pages go back to the system. Called with mu held.
func (a *Arena) settle(g *grant) {
	if !g.released || g.holds > 0 || a.closed || a.given[g.off] != g {
		return
	}
	delete(a.given, g.off)
	// Failure leaves old bytes in pages that the next owner overwrites or clears: nothing is wrong but the memory.
	_ = unix.Fallocate(int(a.file.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, int64(g.off), int64(g.size))
	a.grants.put(g.off, g.size)
}

// Stats are figures of this process's window, in bytes.
type Stats struct {
	InUse    uint64 // allocated now, held ranges included
	Peak     uint64 // the largest InUse so far
	Reserved uint64 // pages taken from the system
	Window   uint64 // what could be allocated at most
}

// Stats returns the figures of this process's window.
func (a *Arena) Stats() Stats { return a.window.stats() }
