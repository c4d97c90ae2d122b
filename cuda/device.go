package cuda

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"unsafe"
)

// Device owns memory and runs kernels on it. All its methods may be called from any goroutine; work is done in the order
// of the calls, and Run may return before it is done (the CPU device returns after).
type Device interface {
	// Name is "cpu" or "cuda".
	Name() string
	// Threads is the number of CPU threads that Run uses; 1 where a GPU does the work. It changes speed, never a result.
	Threads() int
	// Alloc returns a buffer of that many bytes, zero, its address a multiple of 64.
	Alloc(bytes int) (Buffer, error)
	// Free gives a buffer of this device back; a part of one (Slice) cannot be given back. No kernel may still use it.
	Free(b Buffer) error
	// Upload copies src to the beginning of dst.
	Upload(dst Buffer, src []byte) error
	// Download copies the beginning of src to dst, after all work before it is done.
	Download(dst []byte, src Buffer) error
	// Run does the units 0..units-1 of a kernel. What a unit is depends on the problem's size only. On a GPU it returns
	// before the work is done: Synchronise and Download return its errors, and so does every other call from then on, as
	// nothing that was queued behind the error is done. A LostError among them: no device of this GPU works in this process
	// any more.
	Run(k *Kernel, units int, args ...Arg) error
	// Synchronise returns when all work is done, with its first error.
	Synchronise() error
	// Memory is the bytes of the buffers that are allocated, and the most that the device has held at one time for buffers,
	// with what rounding and reuse add.
	Memory() (inUse, peak int)
	// Close frees all buffers. Nothing may be running.
	Close() error
}

// ErrClosed is what every method of a closed device returns.
var ErrClosed = errors.New("cuda: the device is closed")

// ErrOutOfMemory is wrapped by the error of Alloc where the device has no memory left.
var ErrOutOfMemory = errors.New("out of memory")

// LostError is the error of a GPU that this process can use no more: a kernel touched memory that is not its own, or the GPU
// itself failed. CUDA has no way back but another process (cuda.h, CUDA_ERROR_ILLEGAL_ADDRESS and its like: "the process must be
// terminated and relaunched"). It implements contract.DeviceLoss, so that a plugin's process ends and the host starts another.
type LostError struct{ Err error }

func (e *LostError) Error() string { return "the GPU is lost to this process: " + e.Err.Error() }

// Unwrap returns what happened.
func (e *LostError) Unwrap() error { return e.Err }

// DeviceLost is true.
func (e *LostError) DeviceLost() bool { return true }

// Kernel is one hand-written loop. Kernels are package variables of the families, made once by NewKernel.
type Kernel struct {
	// Name is the symbol of the CUDA kernel, as in the family's .cu: extern "C" __global__ void NAME(arguments in order).
	Name string
	// CPU is the C function int NAME_cpu(const uint64_t* args, int64_t lo, int64_t hi): it does the units lo..hi-1, on one
	// thread, and returns 0 or a code of isa.h. Units may be done in any order and at the same time.
	CPU unsafe.Pointer
	// Launch says how a GPU does all units of a call with these arguments; nil: one block of 256 threads for each unit,
	// without dynamic shared memory.
	Launch func(units int, args []Arg) Launch
}

// Launch is how a kernel is started on a GPU: blocks in the grid and threads in a block, each in x, y and z (0 is taken as
// 1), and the bytes of dynamic shared memory of a block.
type Launch struct {
	Grid, Block [3]int
	Shared      int
}

var (
	kernels     []*Kernel
	kernelsLock sync.Mutex
)

// NewKernel makes a kernel and enters it in the list of Kernels.
func NewKernel(name string, cpu unsafe.Pointer, launch func(units int, args []Arg) Launch) *Kernel {
	kernelsLock.Lock()
	defer kernelsLock.Unlock()
	k := &Kernel{Name: name, CPU: cpu, Launch: launch}
	kernels = append(kernels, k)
	return k
}

// Kernels lists the kernels of all families that this program links: each has a CUDA twin, a test that compares the two,
// and a row in cuda/roofline.md.
func Kernels() []*Kernel {
	kernelsLock.Lock()
	defer kernelsLock.Unlock()
	return slices.Clone(kernels)
}

// KernelError is a code that a CPU kernel returned.
type KernelError struct {
	Kernel string
	Code   int // of isa.h: 1 bad argument, 2 out of memory, 3 a library refused
}

func (e *KernelError) Error() string {
	what := map[int]string{1: "a size that it does not know", 2: "no memory for scratch", 3: "a library call failed"}[e.Code]
	if what == "" {
		what = "unknown"
	}
	return fmt.Sprintf("cuda: kernel %s: code %d (%s)", e.Kernel, e.Code, what)
}

// Arg is one argument of a kernel: eight bytes.
type Arg uint64

// Int is an int64 argument.
func Int(n int) Arg { return Arg(int64(n)) }

// Float32 is a float argument: its bits are the low four bytes.
func Float32(x float32) Arg { return Arg(math.Float32bits(x)) }

// Float64 is a double argument.
func Float64(x float64) Arg { return Arg(math.Float64bits(x)) }

// Float is the type of a kernel's numbers: float32 in use, float64 where gradients are proved.
type Float interface{ float32 | float64 }

// SizeOf is the size of a T in bytes.
func SizeOf[T Float]() int { var t T; return int(unsafe.Sizeof(t)) }

// Real is a scalar argument in the kernel's own type: Float32 or Float64.
func Real[T Float](x float64) Arg {
	if SizeOf[T]() == 4 {
		return Float32(float32(x))
	}
	return Float64(x)
}

// Blocks is the number of blocks of that size that cover n elements: the units of a kernel that works block by block.
func Blocks(n, size int) int { return (n + size - 1) / size }

// Buffer is memory of a device, or a part of such memory. The zero Buffer is no memory: kernels take it as a null pointer
// where they allow one.
type Buffer struct {
	address uint64         // on the device
	host    unsafe.Pointer // the same memory where the CPU can read it, else nil
	bytes   int
}

// Bytes is the size of the buffer.
func (b Buffer) Bytes() int { return b.bytes }

// IsNil reports whether b is no memory.
func (b Buffer) IsNil() bool { return b.address == 0 }

// Arg is the buffer's address as an argument of a kernel.
func (b Buffer) Arg() Arg { return Arg(b.address) }

// Slice is the part of b from byte offset on, of that many bytes; it panics where that is not within b. The part shares
// the memory and is gone with it.
func (b Buffer) Slice(offset, bytes int) Buffer {
	if offset < 0 || bytes < 0 || offset > b.bytes-bytes {
		panic(fmt.Sprintf("cuda: bytes %d to %d of a buffer of %d", offset, offset+bytes, b.bytes))
	}
	part := Buffer{address: b.address + uint64(offset), bytes: bytes}
	if b.host != nil {
		part.host = unsafe.Add(b.host, offset)
	}
	return part
}

// Float32s is the buffer as a slice; nil where the CPU cannot read it. It is valid until the buffer is freed.
func (b Buffer) Float32s() []float32 { return View[float32](b) }

// Float64s is the buffer as a slice; nil where the CPU cannot read it. It is valid until the buffer is freed.
func (b Buffer) Float64s() []float64 { return View[float64](b) }

// View is the buffer as a slice of T: as many as fit, nil where the CPU cannot read it. It is valid until the buffer is
// freed: it is memory of C, which the garbage collector does not keep.
func View[T float32 | float64 | int32 | int64 | complex64 | complex128 | byte](b Buffer) []T {
	if b.host == nil {
		return nil
	}
	var t T
	return unsafe.Slice((*T)(b.host), b.bytes/int(unsafe.Sizeof(t)))
}
