package cuda

/*
#cgo CXXFLAGS: -std=c++17 -O3 -fopenmp-simd -Wall -Wextra
#cgo nocallback waveprior_call
#cgo noescape waveprior_call
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int waveprior_detect_isa(void);
int waveprior_isa(void);
void waveprior_set_isa(int level);

typedef int (*waveprior_kernel)(const uint64_t*, int64_t, int64_t);

static int waveprior_call(void* kernel, const uint64_t* args, int64_t lo, int64_t hi) {
  return ((waveprior_kernel)kernel)(args, lo, hi);
}

// Zeroed and aligned to 64 bytes; from 4 MiB on to 2 MiB, with huge pages where the kernel grants them.
static void* waveprior_alloc(size_t bytes) {
  const size_t big = (size_t)4 << 20, page = (size_t)2 << 20;
  void* p = NULL;
  if (posix_memalign(&p, bytes >= big ? page : 64, bytes) != 0) return NULL;
  if (bytes >= big) madvise(p, bytes, MADV_HUGEPAGE);
  memset(p, 0, bytes);
  return p;
}
*/
import "C"

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// maxAlloc bounds one allocation, so that a negative or absurd size is an error and not a crash.
const maxAlloc = 1 << 40

// cpu runs kernels on goroutines, each in one C call at a time.
type cpu struct {
	threads int
	mu      sync.Mutex
	live    map[uint64]Buffer
	held    int // bytes of live
	peak    int
	closed  atomic.Bool
}

// NewCPU returns the CPU device. threads <= 0 means as many as the process may use. A processor without AVX2 and FMA
// (x86-64-v3) is an error.
func NewCPU(threads int) (Device, error) {
	if C.waveprior_detect_isa() == 0 {
		return nil, fmt.Errorf("cuda: this processor lacks AVX2, FMA or BMI2: kernels need x86-64-v3 or x86-64-v4")
	}
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return &cpu{threads: threads, live: map[uint64]Buffer{}}, nil
}

// ISA is the instruction set that CPU kernels run at: 4 for x86-64-v4, 3 for x86-64-v3. Results are the same bits for
// both but for libraries (oneDNN).
func ISA() int { return int(C.waveprior_isa()) }

// SetISA makes CPU kernels of all families run at level 3 or 4, for tests and comparisons; no kernel may be running. It is
// an error if the processor cannot.
func SetISA(level int) error {
	if best := int(C.waveprior_detect_isa()); level < 3 || level > best {
		return fmt.Errorf("cuda: instruction set level %d: this processor has 3 to %d", level, best)
	}
	C.waveprior_set_isa(C.int(level))
	return nil
}

func (c *cpu) Name() string { return "cpu" }

func (c *cpu) Threads() int { return c.threads }

func (c *cpu) Alloc(bytes int) (Buffer, error) {
	if bytes < 0 || bytes > maxAlloc {
		return Buffer{}, fmt.Errorf("cuda: cannot allocate %d bytes: 0 to %d are allowed", bytes, maxAlloc)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() {
		return Buffer{}, ErrClosed
	}
	p := C.waveprior_alloc(C.size_t(max(bytes, 64)))
	if p == nil {
		return Buffer{}, fmt.Errorf("cuda: no memory for a buffer of %d bytes (%d bytes are in use): %w", bytes, c.held, ErrOutOfMemory)
	}
	b := Buffer{address: uint64(uintptr(p)), host: p, bytes: bytes}
	c.live[b.address] = b
	c.held += bytes
	c.peak = max(c.peak, c.held)
	return b, nil
}

func (c *cpu) Free(b Buffer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() {
		return ErrClosed
	}
	held, ok := c.live[b.address]
	if !ok || held.bytes != b.bytes {
		return fmt.Errorf("cuda: a buffer of %d bytes cannot be freed: it is not one that Alloc returned, or was freed before", b.bytes)
	}
	delete(c.live, b.address)
	c.held -= b.bytes
	C.free(held.host)
	return nil
}

func (c *cpu) Memory() (inUse, peak int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held, c.peak
}

func (c *cpu) Upload(dst Buffer, src []byte) error {
	if c.closed.Load() {
		return ErrClosed
	}
	if len(src) > dst.bytes {
		return fmt.Errorf("cuda: upload of %d bytes into a buffer of %d", len(src), dst.bytes)
	}
	copy(View[byte](dst), src)
	return nil
}

func (c *cpu) Download(dst []byte, src Buffer) error {
	if c.closed.Load() {
		return ErrClosed
	}
	if len(dst) > src.bytes {
		return fmt.Errorf("cuda: download of %d bytes from a buffer of %d", len(dst), src.bytes)
	}
	copy(dst, View[byte](src))
	return nil
}

// Run hands out the units in pieces, in order, to the caller and threads-1 more goroutines. Who gets which is chance and
// changes nothing, as units are independent. After an error the rest is left undone.
func (c *cpu) Run(k *Kernel, units int, args ...Arg) error {
	if c.closed.Load() {
		return ErrClosed
	}
	if k.CPU == nil || units < 0 {
		return fmt.Errorf("cuda: kernel %q: no CPU twin, or %d units", k.Name, units)
	}
	if len(args) == 0 {
		args = []Arg{0}
	}
	call := func(lo, hi int) C.int {
		return C.waveprior_call(k.CPU, (*C.uint64_t)(unsafe.Pointer(&args[0])), C.int64_t(lo), C.int64_t(hi))
	}
	workers := min(c.threads, units)
	if workers <= 1 {
		if units > 0 {
			if code := call(0, units); code != 0 {
				return &KernelError{k.Name, int(code)}
			}
		}
		return nil
	}
	// Small pieces even out a core that is shared with others; 16 a thread keep the calls' cost below a few us.
	piece := max(1, units/(16*workers))
	var next, failed atomic.Int64
	work := func() {
		for failed.Load() == 0 {
			hi := int(next.Add(int64(piece)))
			lo := hi - piece
			if lo >= units {
				return
			}
			if code := call(lo, min(hi, units)); code != 0 {
				failed.CompareAndSwap(0, int64(code))
			}
		}
	}
	var wait sync.WaitGroup
	for range workers - 1 {
		wait.Go(work)
	}
	work()
	wait.Wait()
	if code := failed.Load(); code != 0 {
		return &KernelError{k.Name, int(code)}
	}
	return nil
}

func (c *cpu) Synchronise() error {
	if c.closed.Load() {
		return ErrClosed
	}
	return nil
}

func (c *cpu) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Swap(true) {
		return ErrClosed
	}
	for address, b := range c.live {
		delete(c.live, address)
		C.free(b.host)
	}
	c.held = 0
	return nil
}
