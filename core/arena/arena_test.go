package arena_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/waveprior/waveprior/core/arena"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
)

func newArena(t testing.TB, size int64) *arena.Arena {
	t.Helper()
	a, err := arena.New(size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func alloc(t testing.TB, a *arena.Arena, bytes int) *tensor.Tensor {
	t.Helper()
	x, err := a.Alloc(tensor.Uint8, bytes)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestAllocatorAgainstModel: random allocations, frees and holds never overlap, are aligned, zeroed and in the host's
// half, and everything coalesces: at the end the whole window is one range again.
func TestAllocatorAgainstModel(t *testing.T) {
	const size = 64 << 20
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	a := newArena(t, size)
	type live struct {
		t     *tensor.Tensor
		mark  byte
		holds []func()
		freed bool
	}
	var all []*live
	var peak, sum uint64
	drop := func(i int) {
		l := all[i]
		if !l.freed {
			if err := a.Free(l.t); err != nil {
				t.Fatal(err)
			}
			l.freed = true
		}
		for _, release := range l.holds {
			release()
		}
		sum -= uint64(len(l.t.Data)+63) / 64 * 64
		all = append(all[:i], all[i+1:]...)
	}
	for step := range 4000 {
		switch {
		case r.IntN(5) < 3:
			n := 1 + r.IntN(100_000)
			x, err := a.Alloc(tensor.Uint8, n)
			if errors.Is(err, contract.ErrOutOfMemory) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			off, ok := a.Offset(x)
			if !ok || off%64 != 0 || off+uint64(n) > size/2 {
				t.Fatalf("step %d: offset %d of %d bytes, %v", step, off, n, ok)
			}
			for _, b := range x.Data {
				if b != 0 {
					t.Fatalf("step %d: not zeroed", step)
				}
			}
			l := &live{t: x, mark: byte(step)}
			for i := range x.Data {
				x.Data[i] = l.mark
			}
			all = append(all, l)
			sum += uint64(n+63) / 64 * 64
			peak = max(peak, sum)
		case len(all) > 0 && r.IntN(2) == 0:
			l := all[r.IntN(len(all))] // a hold keeps it, also once freed
			l.holds = append(l.holds, a.Hold(l.t.Slice(len(l.t.Data)/2, len(l.t.Data))))
			if r.IntN(2) == 0 && !l.freed {
				if err := a.Free(l.t); err != nil {
					t.Fatal(err)
				}
				l.freed = true
			}
		case len(all) > 0:
			i := r.IntN(len(all))
			for _, b := range all[i].t.Data {
				if b != all[i].mark {
					t.Fatalf("step %d: a range was used twice", step)
				}
			}
			drop(i)
		}
		if s := a.Stats(); s.InUse != sum || s.Peak != peak || s.Reserved > s.Window || s.Reserved < s.InUse {
			t.Fatalf("step %d: %+v, want %d in use, peak %d", step, s, sum, peak)
		}
	}
	for len(all) > 0 {
		drop(0)
	}
	if x := alloc(t, a, size/2); a.Stats().InUse != uint64(len(x.Data)) {
		t.Errorf("%+v", a.Stats())
	}
}

func TestMisuse(t *testing.T) {
	a := newArena(t, 8<<20)
	x := alloc(t, a, 1000)
	for name, bad := range map[string]*tensor.Tensor{
		"heap": tensor.New(tensor.Uint8, 4), "view": x.Slice(64, 128), "nil": nil, "empty": {},
	} {
		if err := a.Free(bad); !errors.Is(err, contract.ErrInternal) {
			t.Errorf("Free of %s: %v", name, err)
		}
	}
	if err := a.Free(x); err != nil {
		t.Fatal(err)
	}
	if err := a.Free(x); !errors.Is(err, contract.ErrInternal) {
		t.Errorf("freed twice: %v", err)
	}
	if _, err := a.Alloc(tensor.Uint8, 5<<20); !errors.Is(err, contract.ErrOutOfMemory) {
		t.Errorf("larger than the window: %v", err)
	}
	if _, err := a.Alloc(tensor.Invalid, 5); !errors.Is(err, contract.ErrShape) {
		t.Errorf("no dtype: %v", err)
	}
	if _, err := a.Alloc(tensor.Float64, 1<<40, 1<<40); !errors.Is(err, contract.ErrShape) {
		t.Errorf("overflow: %v", err)
	}
	if _, err := arena.New(100); err == nil {
		t.Error("an arena of 100 bytes")
	}
	for _, c := range []struct {
		dt    tensor.DType
		shape []int
		off   uint64
		ok    bool
	}{
		{tensor.Float64, []int{1 << 20}, 0, true},
		{tensor.Float64, []int{1<<20 + 1}, 0, false},
		{tensor.Float64, []int{1}, 8<<20 - 64, true},
		{tensor.Float64, []int{9}, 8<<20 - 64, false},
		{tensor.Float64, []int{1}, 8 << 20, false},
		{tensor.Float64, []int{1}, 1<<64 - 64, false},
		{tensor.Float64, []int{1}, 8, false},
		{tensor.Float64, []int{-1}, 0, false},
		{tensor.DType(9), []int{1}, 0, false},
	} {
		if got, err := a.At(c.dt, c.shape, c.off); (err == nil) != c.ok || !c.ok && !errors.Is(err, contract.ErrShape) {
			t.Errorf("At(%v %v, %d) = %v, %v, want ok %v", c.dt, c.shape, c.off, got, err, c.ok)
		}
	}
}

// TestNoMemoryIsAnError: more than the machine has is refused with numbers, before a page is taken.
func TestNoMemoryIsAnError(t *testing.T) {
	a := newArena(t, arena.DefaultSize)
	_, err := a.AllocRaw(tensor.Uint8, 127<<30)
	if err == nil {
		t.Skip("this machine has 127 GiB to spare")
	}
	if !errors.Is(err, contract.ErrOutOfMemory) {
		t.Error(err)
	}
	if s := a.Stats(); s.Reserved != 0 || s.InUse != 0 {
		t.Errorf("%+v", s)
	}
	alloc(t, a, 100) // and it still works
}

// TestOtherMapping: a second mapping sees the same bytes, allocates in its own window, and the window comes back only
// when nothing holds it.
func TestOtherMapping(t *testing.T) {
	a := newArena(t, 64<<20)
	ref, release, err := a.Grant(8 << 20)
	if err != nil {
		t.Fatal(err)
	}
	b, err := arena.Open(ref)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	x := alloc(t, a, 1000)
	off, _ := a.Offset(x)
	y, err := b.At(tensor.Uint8, []int{1000}, off)
	if err != nil {
		t.Fatal(err)
	}
	y.Data[999] = 7
	if x.Data[999] != 7 {
		t.Error("the mappings differ")
	}
	z := alloc(t, b, 1<<20)
	zoff, _ := b.Offset(z)
	if zoff < ref.OwnOffset || zoff+1<<20 > ref.OwnOffset+ref.OwnSize {
		t.Errorf("offset %d outside %+v", zoff, ref)
	}
	if _, err := b.Alloc(tensor.Uint8, 8<<20); !errors.Is(err, contract.ErrOutOfMemory) {
		t.Errorf("beyond the window: %v", err)
	}
	if _, _, err := b.Grant(1); err == nil {
		t.Error("a plugin granted a window")
	}
	seen, err := a.At(tensor.Uint8, []int{10}, zoff)
	if err != nil {
		t.Fatal(err)
	}
	let := a.Hold(seen)
	release()
	again, releaseAgain, err := a.Grant(8 << 20)
	if err != nil || again.OwnOffset == ref.OwnOffset {
		t.Errorf("a held window was granted again: %+v, %v", again, err)
	}
	let()
	third, _, err := a.Grant(8 << 20)
	if err != nil || third.OwnOffset != ref.OwnOffset {
		t.Errorf("the window did not come back: %+v, %v", third, err)
	}
	releaseAgain()
	if _, _, err := a.Grant(32 << 20); !errors.Is(err, contract.ErrOutOfMemory) {
		t.Errorf("windows without end: %v", err)
	}
	for name, bad := range map[string]arena.Ref{
		"no file":  {Path: "/proc/self/fd/9999", Size: 1 << 20},
		"too long": {Path: ref.Path, Size: ref.Size + 4096},
		"window":   {Path: ref.Path, Size: ref.Size, OwnOffset: ref.Size, OwnSize: 4096},
		"overflow": {Path: ref.Path, Size: ref.Size, OwnOffset: 4096, OwnSize: 1<<64 - 4096},
		"empty":    {},
	} {
		if c, err := arena.Open(bad); err == nil {
			c.Close()
			t.Errorf("%s: opened", name)
		}
	}
}

func TestConcurrent(t *testing.T) {
	a := newArena(t, 256<<20)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 300 {
				x, err := a.Alloc(tensor.Uint8, 1+(g*7919+i*104729)%50_000)
				if err != nil {
					t.Error(err)
					return
				}
				let := a.Hold(x)
				for j := range x.Data {
					x.Data[j] = byte(g)
				}
				for _, b := range x.Data {
					if b != byte(g) {
						t.Error("a range was given twice")
						return
					}
				}
				if err := a.Free(x); err != nil {
					t.Error(err)
				}
				let()
			}
		})
	}
	wg.Wait()
	if s := a.Stats(); s.InUse != 0 {
		t.Errorf("%+v", s)
	}
}

// TestFileSizeLimit: under ulimit -f the arena shrinks instead of ending the process by SIGXFSZ.
func TestFileSizeLimit(t *testing.T) {
	if os.Getenv("ARENA_TEST_LIMIT") != "" {
		a := newArena(t, arena.DefaultSize)
		if a.Size() != 1<<20 {
			t.Errorf("size %d", a.Size())
		}
		alloc(t, a, 100_000)
		if _, err := a.Alloc(tensor.Uint8, 1<<20); !errors.Is(err, contract.ErrOutOfMemory) {
			t.Error(err)
		}
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", "-c", fmt.Sprintf("ulimit -f 1024; exec %q -test.run TestFileSizeLimit", exe))
	cmd.Env = append(os.Environ(), "ARENA_TEST_LIMIT=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func ExampleArena_Alloc() {
	a, err := arena.New(arena.DefaultSize)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer a.Close()
	t, err := a.Alloc(tensor.Float64, 32, 128)
	if err != nil {
		fmt.Println(err)
		return
	}
	off, ok := a.Offset(t.Slice(1, 3))
	fmt.Println(off, ok, a.Stats().InUse)
	// Output: 1024 true 32768
}
