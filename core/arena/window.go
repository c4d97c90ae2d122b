package arena

import (
	"fmt"
	"sort"
	"sync"

	"github.com/waveprior/waveprior/core/contract"
)

// ranges is a set of free ranges: sorted, disjoint, never adjacent.
type ranges struct{ free []span }

type span struct{ off, size uint64 }

func newRanges(off, size uint64) *ranges {
	r := &ranges{}
	if size > 0 {
		r.free = []span{{off, size}}
	}
	return r
}

// take cuts size bytes from the first range that has them.
func (r *ranges) take(size uint64) (uint64, bool) {
	for i := range r.free {
		s := &r.free[i]
		if s.size < size {
			continue
		}
		off := s.off
		s.off += size
		s.size -= size
		if s.size == 0 {
			r.free = append(r.free[:i], r.free[i+1:]...)
		}
		return off, true
	}
	return 0, false
}

// put returns a range and joins it with its neighbours.
func (r *ranges) put(off, size uint64) {
	i := sort.Search(len(r.free), func(i int) bool { return r.free[i].off > off })
	left := i > 0 && r.free[i-1].off+r.free[i-1].size == off
	right := i < len(r.free) && off+size == r.free[i].off
	switch {
	case left && right:
		r.free[i-1].size += size + r.free[i].size
		r.free = append(r.free[:i], r.free[i+1:]...)
	case left:
		r.free[i-1].size += size
	case right:
		r.free[i].off, r.free[i].size = off, r.free[i].size+size
	default:
		r.free = append(r.free, span{})
		copy(r.free[i+1:], r.free[i:])
		r.free[i] = span{off, size}
	}
}

// largest returns the size of the largest free range.
func (r *ranges) largest() uint64 {
	var n uint64
	for _, s := range r.free {
		n = max(n, s.size)
	}
	return n
}

// block is one allocation.
type block struct {
	off, size uint64
	holds     int
	freed     bool
}

// window is where one process allocates: [off, off+size). First fit, so that low addresses are used again first and the
// reserved pages are a prefix of the window.
type window struct {
	arena     *Arena
	off, size uint64

	mu       sync.Mutex
	ranges   *ranges
	blocks   []*block // sorted by off
	reserved uint64   // end of the reserved prefix, an offset in the arena
	inUse    uint64
	peak     uint64
}

func (w *window) init(a *Arena, off, size uint64) {
	w.arena, w.off, w.size, w.reserved, w.ranges = a, off, size, off, newRanges(off, size)
}

func (w *window) covers(off uint64) bool { return off >= w.off && off-w.off < w.size }

func (w *window) alloc(bytes uint64) (uint64, error) {
	size := (max(bytes, 1) + Align - 1) / Align * Align
	w.mu.Lock()
	defer w.mu.Unlock()
	off, ok := w.ranges.take(size)
	if !ok {
		return 0, fmt.Errorf("arena: %d bytes asked, the window of %d bytes has %d in use and its largest free range is %d: %w",
			bytes, w.size, w.inUse, w.ranges.largest(), contract.ErrOutOfMemory)
	}
	if end := off + size; end > w.reserved {
		to, err := w.arena.reserve(w.reserved, end, w.off, w.off+w.size)
		if err != nil {
			w.ranges.put(off, size)
			return 0, err
		}
		w.reserved = to
	}
	i := w.search(off)
	w.blocks = append(w.blocks, nil)
	copy(w.blocks[i+1:], w.blocks[i:])
	w.blocks[i] = &block{off: off, size: size}
	w.inUse += size
	w.peak = max(w.peak, w.inUse)
	return off, nil
}

// search returns the index of the first block that starts at off or later.
func (w *window) search(off uint64) int {
	return sort.Search(len(w.blocks), func(i int) bool { return w.blocks[i].off >= off })
}

func (w *window) free(off uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := w.search(off)
	if i == len(w.blocks) || w.blocks[i].off != off || w.blocks[i].freed {
		return fmt.Errorf("arena: Free at offset %d, where no allocation of this process starts (freed twice, a view, or another's): %w",
			off, contract.ErrInternal)
	}
	w.blocks[i].freed = true
	w.settle(w.blocks[i])
	return nil
}

// hold keeps the block around an offset.
func (w *window) hold(off uint64) func() {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := w.search(off + 1)
	if i == 0 {
		return func() {}
	}
	b := w.blocks[i-1]
	if off-b.off >= b.size {
		return func() {}
	}
	b.holds++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		b.holds--
		w.settle(b)
	}
}

// settle makes a freed block that nothing holds available. Called with mu held.
func (w *window) settle(b *block) {
	if !b.freed || b.holds > 0 {
		return
	}
	i := w.search(b.off)
	w.blocks = append(w.blocks[:i], w.blocks[i+1:]...)
	w.ranges.put(b.off, b.size)
	w.inUse -= b.size
}

func (w *window) stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Stats{InUse: w.inUse, Peak: w.peak, Reserved: w.reserved - w.off, Window: w.size}
}
