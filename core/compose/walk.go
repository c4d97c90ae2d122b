package compose

import (
	"context"
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// walk is the state of one call: the items still alive and what belongs to them. All tensors hold the live items only,
// in their order, so that no part sees an item that failed before it.
type walk struct {
	c       *Problem
	ctx     context.Context
	n       int               // items of the call
	live    []int             // their numbers
	status  []contract.Status // of all n items, nil: all OK
	at      []held            // at[s] is what stage s takes
	dir     held              // directions: (live, K, ...), or (1, K, ...) for all
	shared  bool              // dir is one set for all
	release []func()
}

// held is a tensor, and whether its memory is this call's own (a caller's is read-only).
type held struct {
	t   *tensor.Tensor
	own bool
}

func (c *Problem) begin(ctx context.Context, z *tensor.Tensor) *walk {
	w := &walk{c: c, ctx: ctx, n: z.Batch(), live: make([]int, z.Batch()), at: make([]held, len(c.stages)+1)}
	for i := range w.live {
		w.live[i] = i
	}
	w.at[0] = held{t: z}
	return w
}

// end gives all intermediates back.
func (w *walk) end() {
	for i := len(w.release) - 1; i >= 0; i-- {
		w.release[i]()
	}
	w.release = nil
}

func (w *walk) alloc(dt tensor.DType, shape ...int) (*tensor.Tensor, error) {
	t, release, err := w.c.alloc(dt, shape...)
	if err != nil {
		return nil, fmt.Errorf("%s: %v %v: %w", w.c.name, dt, shape, err)
	}
	w.release = append(w.release, release)
	return t, nil
}

// forward applies the first count stages. Where result is not nil, what the last of them gives goes there, each item in
// its own place.
func (w *walk) forward(count int, result *tensor.Tensor) error {
	for s := range count {
		if len(w.live) == 0 {
			return nil
		}
		if err := w.ctx.Err(); err != nil {
			return fmt.Errorf("%s: forward: %w", w.c.name, err)
		}
		var final *tensor.Tensor
		if s == count-1 {
			final = result
		}
		st := w.c.stages[s]
		y, err := w.target(final, st.out(), -1)
		if err != nil {
			return err
		}
		status, err := st.apply(w.ctx, w.at[s].t, y)
		if err != nil {
			return fmt.Errorf("%s: %s: forward: %w", w.c.name, st.name(), err)
		}
		w.at[s+1] = held{y, y != final}
		if err := w.settle(st, status, y, final); err != nil {
			return err
		}
	}
	return nil
}

// target returns where a stage writes: final itself if all items are alive, else memory of this call. k < 0: an item
// each, else k directions each.
func (w *walk) target(final *tensor.Tensor, s *space.Space, k int) (*tensor.Tensor, error) {
	if final != nil && len(w.live) == w.n {
		return final, nil
	}
	shape := []int{len(w.live)}
	if k >= 0 {
		shape = append(shape, k)
	}
	return w.alloc(s.DType, append(shape, s.ItemShape()...)...)
}

// settle ends a stage. With a final place, it copies the items there that were computed elsewhere; without, it drops the
// items that failed from all that is held.
func (w *walk) settle(st stage, status []contract.Status, y, final *tensor.Tensor) error {
	if status != nil && len(status) != len(w.live) {
		return fmt.Errorf("%s: %s gave %d statuses for %d items: %w", w.c.name, st.name(), len(status), len(w.live), contract.ErrInternal)
	}
	if final != nil && y != final {
		for j, i := range w.live {
			final.Item(i).CopyFrom(y.Item(j))
		}
	}
	var keep []int
	for j, i := range w.live {
		f := contract.StatusAt(status, j)
		if f.Code == contract.OK {
			keep = append(keep, j)
			continue
		}
		if f.Text != "" {
			f.Text = st.name() + ": " + f.Text
		} else {
			f.Text = st.name()
		}
		w.status = contract.SetStatus(w.status, w.n, i, f)
	}
	if len(keep) == len(w.live) || final != nil {
		return nil
	}
	return w.keep(keep)
}

// keep drops all live items but these (ascending positions among the live ones).
func (w *walk) keep(keep []int) error {
	for s := range w.at {
		if err := w.compact(&w.at[s], keep); err != nil {
			return err
		}
	}
	if err := w.compact(&w.dir, keep); err != nil { // never shared here: each push leaves one set per item
		return err
	}
	for j, k := range keep {
		w.live[j] = w.live[k]
	}
	w.live = w.live[:len(keep)]
	return nil
}

// compact moves the kept items of h to its front, in a copy if the memory is a caller's.
func (w *walk) compact(h *held, keep []int) error {
	if h.t == nil {
		return nil
	}
	dst := h.t
	if !h.own && len(keep) > 0 {
		var err error
		if dst, err = w.alloc(h.t.DType, append([]int{len(keep)}, h.t.Shape[1:]...)...); err != nil {
			return err
		}
		h.own = true
	}
	for j, k := range keep {
		if dst != h.t || j != k {
			dst.Item(j).CopyFrom(h.t.Item(k))
		}
	}
	h.t = dst.Slice(0, len(keep))
	return nil
}

// setDirection takes a caller's directions: (batch, K, ...) or (1, K, ...) for all. Items may have been dropped already.
func (w *walk) setDirection(u *tensor.Tensor) {
	w.dir = held{t: u}
	w.shared = u.Shape[0] == 1 && w.n != 1
}

// alignDirection gives a caller's directions per item the items that are alive now.
func (w *walk) alignDirection() error {
	if w.shared || w.dir.t.Shape[0] == len(w.live) || len(w.live) == 0 {
		return nil
	}
	return w.compact(&w.dir, w.live)
}

// pullBack carries the directions through the first count stages backwards, into dz.
func (w *walk) pullBack(count int, dz *tensor.Tensor) error {
	for s := count - 1; s >= 0; s-- {
		if err := w.push(s, contract.CapVJP, dz, s == 0); err != nil {
			return err
		}
	}
	return nil
}

// push carries the directions through stage s, forwards (CapJVP) or backwards (CapVJP); the last one writes to result.
func (w *walk) push(s int, way contract.Capability, result *tensor.Tensor, last bool) error {
	if len(w.live) == 0 {
		return nil
	}
	if err := w.ctx.Err(); err != nil {
		return fmt.Errorf("%s: %s: %w", w.c.name, way, err)
	}
	if err := w.alignDirection(); err != nil {
		return err
	}
	st := w.c.stages[s]
	to, call := st.out(), st.jvp
	if way == contract.CapVJP {
		to, call = st.in(), st.vjp
	}
	var final *tensor.Tensor
	if last {
		final = result
	}
	v, err := w.target(final, to, w.dir.t.Shape[1])
	if err != nil {
		return err
	}
	status, err := call(w.ctx, w.at[s].t, w.dir.t, v)
	if err != nil {
		return fmt.Errorf("%s: %s: %s: %w", w.c.name, st.name(), way, err)
	}
	w.dir, w.shared = held{v, v != final}, false
	return w.settle(st, status, v, final)
}
