//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/waveprior/waveprior/cuda/internal/emulated"
)

// gpu is a CUDA device. A CUDA context belongs to an OS thread, so one goroutine, locked to its thread, makes all calls of
// the driver, in the order in which they come out of the queue. Run, Free and small uploads return when they are queued.
//
// gorgonia.org/cu ends the process in its init where there is no driver and no GPU: only binaries that are to run on a GPU
// are built with -tags cuda.
type gpu struct {
	number int
	pool   *pool
	wait   bool // every kernel is waited for: $WAVEPRIOR_CUDA_WAIT

	mu     sync.Mutex // of the queue: order of calls, and closing
	closed bool
	queue  chan func()

	failed atomic.Pointer[error] // the first error of queued work, until Synchronise or Download returns it

	// Of the goroutine that makes the calls:
	context   cu.CUContext
	module    cu.Module
	functions map[string]cu.Function
	last      string // kernel
}

// queued bounds the work that waits for the driver.
const queued = 1024

// smallUpload is the size up to which Upload copies its source and returns.
const smallUpload = 64 << 10

// newGPU opens GPU number n. Kernels come from the file that $WAVEPRIOR_FATBIN names, else from waveprior.fatbin beside the
// executable; the emulated driver has its own and needs none. With $WAVEPRIOR_CUDA_POOL=off every Alloc and Free reaches
// the driver with its exact size, for memory checkers; with $WAVEPRIOR_CUDA_WAIT=on every Run waits for its kernel, so
// that a fault is reported by the kernel that made it.
func newGPU(number int) (Device, error) {
	image, err := fatbin()
	if err != nil {
		return nil, err
	}
	g := &gpu{
		number: number, pool: newPool(os.Getenv("WAVEPRIOR_CUDA_POOL") == "off"), wait: os.Getenv("WAVEPRIOR_CUDA_WAIT") == "on",
		queue: make(chan func(), queued), functions: map[string]cu.Function{},
	}
	opened := make(chan error)
	go g.work(image, opened)
	if err := <-opened; err != nil {
		return nil, err
	}
	return g, nil
}

func fatbin() (string, error) {
	const name = "waveprior.fatbin"
	path := os.Getenv("WAVEPRIOR_FATBIN")
	if path == "" {
		if emulated.Present() {
			return "kernels of the emulated driver", nil
		}
		exe, err := os.Executable()
		if err != nil {
			return "", fmt.Errorf("cuda: the kernels (%s) are looked for beside the executable: %w; set WAVEPRIOR_FATBIN to their path", name, err)
		}
		path = filepath.Join(filepath.Dir(exe), name)
	}
	image, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("cuda: the GPU's kernels: %w; make cuda builds them, and WAVEPRIOR_FATBIN names another file", err)
	}
	return string(image), nil
}

// work makes the context and then every call, until the queue is closed.
func (g *gpu) work(image string, opened chan<- error) {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, and the context's state with it
	if err := g.open(image); err != nil {
		opened <- g.explain(fmt.Errorf("cuda: device cuda:%d cannot be opened: %w", g.number, err))
		return
	}
	opened <- nil
	for f := range g.queue {
		f()
	}
}

func (g *gpu) open(image string) error {
	n, err := cu.NumDevices()
	if err != nil {
		return err
	}
	if g.number >= n {
		return fmt.Errorf("there are %d GPUs, numbered from 0", n)
	}
	d, err := cu.GetDevice(g.number)
	if err != nil {
		return err
	}
	if g.context, err = d.MakeContext(cu.SchedAuto); err != nil {
		return fmt.Errorf("its context: %w", err)
	}
	if g.module, err = cu.LoadData(image); err != nil {
		return errors.Join(fmt.Errorf("its kernels: %w", err), g.context.Destroy())
	}
	return nil
}

// explain adds the emulated driver's text to an error of the driver.
func (g *gpu) explain(err error) error {
	if text := emulated.LastError(); text != "" {
		return fmt.Errorf("%w (%s)", err, text)
	}
	return err
}

// push queues f; ErrClosed where the device is closed.
func (g *gpu) push(f func()) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return ErrClosed
	}
	g.queue <- f
	return nil
}

// call does f after all work that is queued, and waits for it.
func (g *gpu) call(f func() error) error {
	done := make(chan error, 1)
	if err := g.push(func() { done <- f() }); err != nil {
		return err
	}
	return <-done
}

// later queues f, whose error Synchronise or Download returns. Work that comes after an error is left undone.
func (g *gpu) later(f func() error) error {
	return g.push(func() {
		if g.failed.Load() != nil {
			return
		}
		if err := f(); err != nil {
			g.failed.Store(&err)
		}
	})
}

// settle waits for the GPU and returns the first error of queued work. It is called where calls are made.
func (g *gpu) settle() error {
	err := cu.Synchronize()
	if first := g.failed.Swap(nil); first != nil {
		return *first
	}
	if err != nil {
		return g.explain(fmt.Errorf("cuda: kernels up to %s: %w", g.last, err))
	}
	return nil
}

func (g *gpu) Name() string { return "cuda" }

func (g *gpu) Threads() int { return 1 }

func (g *gpu) Memory() (inUse, peak int) { return g.pool.memory() }

func (g *gpu) Alloc(bytes int) (Buffer, error) {
	if bytes < 0 || bytes > maxAlloc {
		return Buffer{}, fmt.Errorf("cuda: cannot allocate %d bytes: 0 to %d are allowed", bytes, maxAlloc)
	}
	size := g.pool.sizeOf(bytes)
	address, ok := g.pool.take(size)
	if !ok {
		err := g.call(func() (err error) {
			address, err = g.grow(size)
			return err
		})
		if errors.Is(err, ErrClosed) {
			return Buffer{}, err
		} else if err != nil {
			inUse, _ := g.pool.memory()
			return Buffer{}, g.explain(fmt.Errorf("cuda: no memory for a buffer of %d bytes (%d bytes are in use): %w", bytes, inUse, err))
		}
	}
	g.pool.use(address, block{bytes, size})
	if err := g.later(func() error {
		if err := cu.MemsetD8(cu.DevicePtr(address), 0, int64(size)); err != nil {
			return g.explain(fmt.Errorf("cuda: clearing a new buffer of %d bytes: %w", bytes, err))
		}
		return nil
	}); err != nil {
		return Buffer{}, err
	}
	return Buffer{address: address, bytes: bytes}, nil
}

// grow takes memory from the driver, and where there is none gives back what lies idle and tries again.
func (g *gpu) grow(size int) (uint64, error) {
	p, err := cu.MemAlloc(int64(size))
	if err != nil {
		idle := g.pool.drain()
		if len(idle) == 0 {
			return 0, err
		}
		for _, a := range idle {
			if err := cu.MemFree(cu.DevicePtr(a)); err != nil {
				return 0, err
			}
		}
		if p, err = cu.MemAlloc(int64(size)); err != nil {
			return 0, err
		}
	}
	g.pool.grew(size)
	return uint64(p), nil
}

func (g *gpu) Free(b Buffer) error {
	if err := g.pool.release(b.address, b.bytes); err != nil {
		return err
	}
	if !g.pool.exact {
		return nil
	}
	return g.call(func() error {
		if err := cu.MemFree(cu.DevicePtr(b.address)); err != nil {
			return g.explain(fmt.Errorf("cuda: freeing a buffer of %d bytes: %w", b.bytes, err))
		}
		return nil
	})
}

func (g *gpu) Upload(dst Buffer, src []byte) error {
	if len(src) > dst.bytes {
		return fmt.Errorf("cuda: upload of %d bytes into a buffer of %d", len(src), dst.bytes)
	}
	wait := len(src) > smallUpload
	if !wait {
		src = append(make([]byte, 0, len(src)), src...)
	}
	copyIn := func() error {
		if len(src) == 0 {
			return nil
		}
		if err := cu.MemcpyHtoD(cu.DevicePtr(dst.address), unsafe.Pointer(&src[0]), int64(len(src))); err != nil {
			return g.explain(fmt.Errorf("cuda: upload of %d bytes: %w", len(src), err))
		}
		return nil
	}
	if wait {
		return g.call(copyIn)
	}
	return g.later(copyIn)
}

func (g *gpu) Download(dst []byte, src Buffer) error {
	if len(dst) > src.bytes {
		return fmt.Errorf("cuda: download of %d bytes from a buffer of %d", len(dst), src.bytes)
	}
	return g.call(func() error {
		if err := g.settle(); err != nil || len(dst) == 0 {
			return err
		}
		if err := cu.MemcpyDtoH(unsafe.Pointer(&dst[0]), cu.DevicePtr(src.address), int64(len(dst))); err != nil {
			return g.explain(fmt.Errorf("cuda: download of %d bytes: %w", len(dst), err))
		}
		return nil
	})
}

// Run queues the kernel. What goes wrong then is returned by the next Synchronise or Download, with the kernel's name.
func (g *gpu) Run(k *Kernel, units int, args ...Arg) error {
	if units == 0 {
		return g.push(func() {})
	}
	launch, err := k.LaunchOf(units, args)
	if err != nil {
		return err
	}
	values := append([]Arg(nil), args...)
	return g.later(func() error {
		if err := g.launch(k.Name, launch, values); err != nil {
			return g.explain(fmt.Errorf("cuda: kernel %s: %w", k.Name, err))
		}
		return nil
	})
}

func (g *gpu) launch(name string, l Launch, args []Arg) error {
	f, ok := g.functions[name]
	if !ok {
		var err error
		if f, err = g.module.Function(name); err != nil {
			return err
		}
		g.functions[name] = f
	}
	// The driver cannot see how many arguments it is given; the emulated one knows how many it needs.
	if emulated.Present() {
		if want := len(emulated.Kernels()[name].Parameters); want != len(args) {
			return fmt.Errorf("%d arguments, the .cu has %d parameters", len(args), want)
		}
	}
	params := make([]unsafe.Pointer, len(args))
	for i := range args {
		params[i] = unsafe.Pointer(&args[i])
	}
	g.last = name
	if err := f.Launch(l.Grid[0], l.Grid[1], l.Grid[2], l.Block[0], l.Block[1], l.Block[2], l.Shared, cu.NoStream, params); err != nil {
		return err
	}
	if g.wait {
		return cu.Synchronize()
	}
	return nil
}

func (g *gpu) Synchronise() error { return g.call(g.settle) }

// Close gives all memory back. What is still in use is the context's to free.
func (g *gpu) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return ErrClosed
	}
	g.closed = true
	done := make(chan error, 1)
	g.queue <- func() {
		err := g.settle()
		for _, a := range g.pool.drain() {
			err = errors.Join(err, cu.MemFree(cu.DevicePtr(a)))
		}
		// After a fault of a kernel the driver refuses all but this; the fault was returned before, or is returned now.
		done <- errors.Join(err, g.context.Destroy())
	}
	close(g.queue)
	return <-done
}
