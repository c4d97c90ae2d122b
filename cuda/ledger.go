package cuda

import (
	"fmt"
	"sync"
)

// ledger is the device that NewLedger makes.
type ledger struct {
	record func(k *Kernel, units int, args []Arg)
	mu     sync.Mutex
	next   uint64
	live   map[uint64]int // bytes of each buffer
	held   int
	peak   int
}

// NewLedger returns a device that computes nothing: its buffers are addresses without memory, downloads are zero, and Run
// hands every launch to record and does no more. It stands for a GPU (its Name is "cuda") where only what would be launched
// is asked for: problems of any size cost nothing (cuda/roofline.md is made with it).
func NewLedger(record func(k *Kernel, units int, args []Arg)) Device {
	return &ledger{record: record, next: 1 << 40, live: map[uint64]int{}}
}

func (l *ledger) Name() string { return "cuda" }

func (l *ledger) Threads() int { return 1 }

func (l *ledger) Alloc(bytes int) (Buffer, error) {
	if bytes < 0 || bytes > maxAlloc {
		return Buffer{}, fmt.Errorf("cuda: cannot allocate %d bytes: 0 to %d are allowed", bytes, maxAlloc)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live == nil {
		return Buffer{}, ErrClosed
	}
	b := Buffer{address: l.next, bytes: bytes}
	l.live[b.address] = bytes
	l.held += bytes
	l.peak = max(l.peak, l.held)
	l.next += uint64(bytes+255)/256*256 + 256
	return b, nil
}

func (l *ledger) Free(b Buffer) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live == nil {
		return ErrClosed
	}
	if held, ok := l.live[b.address]; !ok || held != b.bytes {
		return fmt.Errorf("cuda: a buffer of %d bytes cannot be freed: it is not one that Alloc returned, or was freed before", b.bytes)
	}
	delete(l.live, b.address)
	l.held -= b.bytes
	return nil
}

func (l *ledger) Upload(dst Buffer, src []byte) error {
	if len(src) > dst.bytes {
		return fmt.Errorf("cuda: upload of %d bytes into a buffer of %d", len(src), dst.bytes)
	}
	return l.Synchronise()
}

func (l *ledger) Download(dst []byte, src Buffer) error {
	if len(dst) > src.bytes {
		return fmt.Errorf("cuda: download of %d bytes from a buffer of %d", len(dst), src.bytes)
	}
	clear(dst)
	return l.Synchronise()
}

func (l *ledger) Run(k *Kernel, units int, args ...Arg) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live == nil {
		return ErrClosed
	}
	if units < 0 {
		return fmt.Errorf("cuda: kernel %q: %d units", k.Name, units)
	}
	l.record(k, units, args)
	return nil
}

func (l *ledger) Synchronise() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live == nil {
		return ErrClosed
	}
	return nil
}

func (l *ledger) Memory() (inUse, peak int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held, l.peak
}

func (l *ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live == nil {
		return ErrClosed
	}
	l.live = nil
	return nil
}
