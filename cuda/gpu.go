//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"os"
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
// The first error of queued work ends the device, whosever work it was: nothing that was queued behind it is done, and every
// later call returns it. Otherwise a second goroutine could read what its kernels never wrote.
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

	failed atomic.Pointer[error] // what ended the device, nil: nothing
	told   atomic.Bool           // a call returned it

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

// newGPU opens GPU number n with the kernels of fatbin. With $WAVEPRIOR_CUDA_POOL=off every Alloc and Free reaches the driver
// with its exact size, for memory checkers; with $WAVEPRIOR_CUDA_WAIT=on every Run waits for its kernel, so that a fault is
// reported by the kernel that made it.
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

// work makes the context and then every call, until the queue is closed.
func (g *gpu) work(image string, opened chan<- error) {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, and the context's state with it
	if err := g.open(image); err != nil {
		opened <- fmt.Errorf("cuda: device cuda:%d cannot be opened: %w", g.number, err)
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
		return explain(err)
	}
	if g.number >= n {
		return fmt.Errorf("there are %d GPUs, numbered from 0", n)
	}
	d, err := cu.GetDevice(g.number)
	if err != nil {
		return explain(err)
	}
	if g.context, err = d.MakeContext(cu.SchedAuto); err != nil {
		return fmt.Errorf("its context: %w", explain(err))
	}
	if g.module, err = cu.LoadData(image); err != nil {
		return errors.Join(fmt.Errorf("its kernels (compiled for compute capability 8.0 and later): %w", explain(err)), g.context.Destroy())
	}
	return nil
}

// explain adds the emulated driver's text to an error that the driver just returned.
func explain(err error) error {
	if text := emulated.LastError(); text != "" {
		return fmt.Errorf("%w (%s)", err, text)
	}
	return err
}

// judge explains an error of the driver, and makes it a LostError where the context is gone: then all calls fail, and one that
// has no other reason to does too. It is called where calls are made.
func (g *gpu) judge(err error) error {
	if err = explain(err); cu.Synchronize() != nil {
		return &LostError{err}
	}
	return err
}

// end notes what ends the device.
func (g *gpu) end(err error) { g.failed.CompareAndSwap(nil, &err) }

// ended is the error that ended the device.
func (g *gpu) ended() error {
	if err := g.failed.Load(); err != nil {
		g.told.Store(true)
		return *err
	}
	return nil
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
	if err := g.push(func() {
		err := g.ended()
		if err == nil {
			if err = f(); errors.As(err, new(*LostError)) {
				g.end(err)
				g.told.Store(true)
			}
		}
		done <- err
	}); err != nil {
		return err
	}
	return <-done
}

// later queues f, whose error ends the device.
func (g *gpu) later(f func() error) error {
	if err := g.ended(); err != nil {
		return err
	}
	return g.push(func() {
		if g.failed.Load() != nil {
			return
		}
		if err := f(); err != nil {
			g.end(err)
		}
	})
}

// settle waits for the GPU. It is called where calls are made.
func (g *gpu) settle() error {
	if err := cu.Synchronize(); err != nil {
		return &LostError{fmt.Errorf("cuda: kernels up to %s: %w", g.last, explain(err))}
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
		if errors.Is(err, ErrOutOfMemory) {
			inUse, _ := g.pool.memory()
			return Buffer{}, fmt.Errorf("cuda: no memory for a buffer of %d bytes (%d bytes are in use): %w", bytes, inUse, err)
		} else if err != nil {
			return Buffer{}, err
		}
	}
	g.pool.use(address, block{bytes, size})
	if err := g.later(func() error {
		if err := cu.MemsetD8(cu.DevicePtr(address), 0, int64(size)); err != nil {
			return fmt.Errorf("cuda: clearing a new buffer of %d bytes: %w", bytes, g.judge(err))
		}
		return nil
	}); err != nil {
		return Buffer{}, err
	}
	return Buffer{address: address, bytes: bytes}, nil
}

// grow takes memory from the driver, and where there is none gives back what lies idle and tries again. Error:
// ErrOutOfMemory.
func (g *gpu) grow(size int) (uint64, error) {
	p, err := cu.MemAlloc(int64(size))
	if errors.Is(err, cu.OutOfMemory) {
		if err := g.giveBack(g.pool.drain()...); err != nil {
			return 0, err
		}
		p, err = cu.MemAlloc(int64(size))
	}
	switch {
	case errors.Is(err, cu.OutOfMemory):
		return 0, fmt.Errorf("%w: %w", ErrOutOfMemory, explain(err))
	case err != nil:
		return 0, fmt.Errorf("cuda: allocating %d bytes: %w", size, g.judge(err))
	}
	g.pool.grew(size)
	return uint64(p), nil
}

// giveBack frees memory of the driver, when no kernel uses it any more: cuMemFree does not promise to wait.
func (g *gpu) giveBack(addresses ...uint64) error {
	if len(addresses) == 0 {
		return nil
	}
	if err := g.settle(); err != nil {
		return err
	}
	var first error
	for _, a := range addresses {
		if err := cu.MemFree(cu.DevicePtr(a)); err != nil && first == nil {
			first = fmt.Errorf("cuda: freeing memory: %w", g.judge(err))
		}
	}
	return first
}

// Free gives the buffer back to the pool; a device that ended frees all when it is closed.
func (g *gpu) Free(b Buffer) error {
	g.mu.Lock()
	closed := g.closed
	g.mu.Unlock()
	if closed {
		return ErrClosed
	}
	if err := g.pool.release(b.address, b.bytes); err != nil {
		return err
	}
	if !g.pool.exact || g.failed.Load() != nil {
		return nil
	}
	return g.call(func() error { return g.giveBack(b.address) })
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
			return fmt.Errorf("cuda: upload of %d bytes: %w", len(src), g.judge(err))
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
			return fmt.Errorf("cuda: download of %d bytes: %w", len(dst), g.judge(err))
		}
		return nil
	})
}

// Run queues the kernel. What goes wrong then is returned by all calls that come after, with the kernel's name.
func (g *gpu) Run(k *Kernel, units int, args ...Arg) error {
	if units == 0 {
		return g.later(func() error { return nil })
	}
	launch, err := k.LaunchOf(units, args)
	if err != nil {
		return err
	}
	values := append([]Arg(nil), args...)
	return g.later(func() error {
		if err := g.launch(k.Name, launch, values); err != nil {
			return fmt.Errorf("cuda: kernel %s: %w", k.Name, err)
		}
		return nil
	})
}

func (g *gpu) launch(name string, l Launch, args []Arg) error {
	f, ok := g.functions[name]
	if !ok {
		var err error
		if f, err = g.module.Function(name); err != nil {
			return g.judge(err)
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
		return g.judge(err)
	}
	if g.wait {
		return g.settle()
	}
	return nil
}

func (g *gpu) Synchronise() error { return g.call(g.settle) }

// Close gives all memory back, what is still in use with the context. It returns what ended the device where no call has.
func (g *gpu) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return ErrClosed
	}
	g.closed = true
	done := make(chan error, 1)
	g.queue <- func() {
		if g.failed.Load() == nil {
			err := g.settle()
			if err == nil {
				err = g.giveBack(g.pool.drain()...)
			}
			if err != nil {
				g.end(err)
			}
		}
		err := g.context.Destroy()
		if told := g.told.Load(); g.failed.Load() != nil {
			err = nil // a context that is gone may refuse this, too
			if !told {
				err = g.ended()
			}
		}
		done <- err
	}
	close(g.queue)
	return <-done
}
