package arena

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/machine"
)

const (
	step   = 16 << 20 // bytes reserved at least, and by one call of fallocate
	margin = 64 << 20 // bytes of the machine's memory that the arena leaves alone
)

// reserve takes pages for [from, need) and, where there is room, for a step more; it returns the new end of what is
// reserved. lo and hi are the window. The pages are written to at once, which is cheaper than touching them one by one
// (0.7 s a GiB against 2.6).
//
// A memfd's fallocate succeeds until the system kills a process for memory, so what is available (the machine's and the
// control group's) is looked up first.
func (a *Arena) reserve(from, need, lo, hi uint64) (uint64, error) {
	need = min((need+page-1)/page*page, hi)
	grow := max(uint64(step), (from-lo)/4/page*page) // a larger window grows in larger steps
	want := min(max(need, from+grow), hi)
	room := machine.Available()
	if want-from > room || want-from+margin > room {
		want = need
	}
	if want-from > room || want-from+margin > room {
		return 0, fmt.Errorf("arena: %d bytes more are needed, %d are reserved, the machine or its control group has %d available (%d stay free): %w",
			need-from, from-lo, room, margin, contract.ErrOutOfMemory)
	}
	if err := a.fallocate(from, want); err != nil {
		a.unreserve(from, want)
		if want == need || a.fallocate(from, need) != nil {
			a.unreserve(from, need)
			return 0, fmt.Errorf("arena: fallocate of %d bytes beyond the %d reserved ones: %w: %w", need-from, from-lo, err, contract.ErrOutOfMemory)
		}
		want = need
	}
	for at := from; at < want; {
		n := min(want-at, step)
		err := unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(a.base, at)), int(n)), unix.MADV_POPULATE_WRITE)
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
			continue
		}
		if err != nil {
			break // EINVAL: a kernel before 5.14; the pages are reserved and will be touched one by one
		}
		at += n
	}
	return want, nil
}

// fallocate reserves [from, to) in steps, because a signal makes the kernel undo the call that it interrupts.
func (a *Arena) fallocate(from, to uint64) error {
	for at := from; at < to; {
		n := min(to-at, step)
		err := unix.Fallocate(int(a.file.Fd()), 0, int64(at), int64(n))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		at += n
	}
	return nil
}

func (a *Arena) unreserve(from, to uint64) {
	if to > from {
		_ = unix.Fallocate(int(a.file.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, int64(from), int64(to-from))
	}
}
