//go:build cuda

package cuda

import (
	"fmt"
	"math/bits"
	"sync"
)

// pool keeps the device memory that a GPU device took from the driver: what is in use, and what lies idle until a buffer of
// its size is wanted again. Taking memory from the driver waits for all kernels; a training step must not.
type pool struct {
	exact bool // no rounding and nothing idle: every Alloc and Free reaches the driver

	mu         sync.Mutex
	live       map[uint64]block
	idle       map[int][]uint64 // by size
	used       int              // bytes that callers asked for and hold
	held, peak int              // bytes taken from the driver, now and at most
}

type block struct{ bytes, size int }

func newPool(exact bool) *pool {
	return &pool{exact: exact, live: map[uint64]block{}, idle: map[int][]uint64{}}
}

// sizeOf is the size of the memory for a buffer: rounded up to a multiple of an eighth of its power of two, so that at most
// an eighth is lost and buffers of nearly the same size share memory.
func (p *pool) sizeOf(bytes int) int {
	bytes = max(bytes, 64)
	if p.exact {
		return bytes
	}
	step := max(256, 1<<max(0, bits.Len(uint(bytes-1))-4))
	return (bytes + step - 1) / step * step
}

// take returns idle memory of that size.
func (p *pool) take(size int) (address uint64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := p.idle[size]
	if len(idle) == 0 {
		return 0, false
	}
	p.idle[size] = idle[:len(idle)-1]
	return idle[len(idle)-1], true
}

// grew notes memory that the driver gave.
func (p *pool) grew(size int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held += size
	p.peak = max(p.peak, p.held)
}

// use notes that a caller holds the memory now.
func (p *pool) use(address uint64, b block) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live[address] = b
	p.used += b.bytes
}

// release ends the use of a buffer. Its memory is idle then, or, where the pool is exact, the caller's to give to the driver.
func (p *pool) release(address uint64, bytes int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, ok := p.live[address]
	if !ok || b.bytes != bytes {
		return fmt.Errorf("cuda: a buffer of %d bytes cannot be freed: it is not one that Alloc returned, or was freed before", bytes)
	}
	delete(p.live, address)
	p.used -= b.bytes
	if p.exact {
		p.held -= b.size
	} else {
		p.idle[b.size] = append(p.idle[b.size], address)
	}
	return nil
}

// drain takes all idle memory out of the pool, for the driver.
func (p *pool) drain() []uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []uint64
	for size, addresses := range p.idle {
		all = append(all, addresses...)
		p.held -= size * len(addresses)
		delete(p.idle, size)
	}
	return all
}

func (p *pool) memory() (inUse, peak int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.used, p.peak
}
