package plugin

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/arena"
	"github.com/waveprior/waveprior/core/contract"
	pb "github.com/waveprior/waveprior/core/proto/waveprior/v1"
	"github.com/waveprior/waveprior/core/tensor"
)

// InlineLimit is the size in bytes up to which a tensor is always inline; a larger one always lies in the arena.
const InlineLimit = 64 << 10

// maxMessage is gRPC's limit of a message in bytes, both ways: many inline tensors may be in one message.
const maxMessage = math.MaxInt32

// shapeError is an error about a tensor of a message.
func shapeError(name, format string, args ...any) error {
	return fmt.Errorf("tensor %s: %s: %w", name, fmt.Sprintf(format, args...), contract.ErrShape)
}

// layout checks dtype and shape of a tensor that came over the wire and returns them with the number of bytes.
func layout(name string, w *pb.Tensor) (tensor.DType, []int, int, error) {
	dt := tensor.DType(0)
	if w.Dtype > 0 && w.Dtype <= pb.DType(tensor.Uint8) {
		dt = tensor.DType(w.Dtype)
	}
	if dt.Size() == 0 {
		return 0, nil, 0, shapeError(name, "dtype %d (allowed: 1 float32 .. 7 uint8)", w.Dtype)
	}
	if len(w.Shape) > 32 {
		return 0, nil, 0, shapeError(name, "%d axes (at most 32)", len(w.Shape))
	}
	shape := make([]int, len(w.Shape))
	for i, n := range w.Shape {
		shape[i] = int(n)
	}
	n, err := tensor.Elements(shape)
	if err != nil {
		return 0, nil, 0, fmt.Errorf("tensor %s: %w", name, err)
	}
	return dt, shape, n * dt.Size(), nil
}

// input returns the tensor that a message holds or refers to. Inline bytes are copied to memory aligned to 64 bytes.
// a may be nil: then a reference is an error.
func input(a *arena.Arena, name string, w *pb.Tensor) (*tensor.Tensor, error) {
	if w == nil {
		return nil, shapeError(name, "is missing")
	}
	dt, shape, bytes, err := layout(name, w)
	if err != nil {
		return nil, err
	}
	if bytes > InlineLimit {
		return refer(a, name, w, dt, shape, bytes)
	}
	if w.Offset != nil || len(w.Inline) != bytes {
		return nil, shapeError(name, "%v %v has %d bytes inline (offset given: %v), want %d inline", dt, shape, len(w.Inline), w.Offset != nil, bytes)
	}
	t := tensor.New(dt, shape...)
	copy(t.Data, w.Inline)
	return t, nil
}

// place returns the tensor that an output is written to: in the arena when large, fresh zeroed memory when small.
func place(a *arena.Arena, name string, w *pb.Tensor) (*tensor.Tensor, error) {
	if w == nil {
		return nil, shapeError(name, "is missing")
	}
	dt, shape, bytes, err := layout(name, w)
	if err != nil {
		return nil, err
	}
	if bytes > InlineLimit {
		return refer(a, name, w, dt, shape, bytes)
	}
	if w.Offset != nil || len(w.Inline) != 0 {
		return nil, shapeError(name, "the place for %v %v is small (%d bytes) and must have neither offset nor bytes", dt, shape, bytes)
	}
	return tensor.New(dt, shape...), nil
}

func refer(a *arena.Arena, name string, w *pb.Tensor, dt tensor.DType, shape []int, bytes int) (*tensor.Tensor, error) {
	if w.Offset == nil || len(w.Inline) != 0 {
		return nil, shapeError(name, "%v %v has %d bytes, more than %d: it must lie in the arena (offset given: %v, %d bytes inline)",
			dt, shape, bytes, InlineLimit, w.Offset != nil, len(w.Inline))
	}
	if a == nil {
		return nil, shapeError(name, "%v %v refers to an arena and none was configured", dt, shape)
	}
	t, err := a.At(dt, shape, *w.Offset)
	if err != nil {
		return nil, fmt.Errorf("tensor %s: %w", name, err)
	}
	return t, nil
}

// filled is the reply to a place: the same, with the bytes of a small tensor.
func filled(a *arena.Arena, t *tensor.Tensor) *pb.Tensor {
	if t == nil {
		return nil
	}
	w := header(t)
	if len(t.Data) <= InlineLimit {
		w.Inline = t.Data
	} else if off, ok := a.Offset(t); ok {
		w.Offset = &off
	}
	return w
}

// header is dtype and shape.
func header(t *tensor.Tensor) *pb.Tensor {
	w := &pb.Tensor{Dtype: pb.DType(t.DType), Shape: make([]int64, len(t.Shape))}
	for i, n := range t.Shape {
		w.Shape[i] = int64(n)
	}
	return w
}

// decoder turns the tensors of one request into tensors and keeps the first error.
type decoder struct {
	arena *arena.Arena
	err   error
}

func (d *decoder) keep(t *tensor.Tensor, err error) *tensor.Tensor {
	if err != nil && d.err == nil {
		d.err = err
	}
	return t
}

// in takes an input, which must be there.
func (d *decoder) in(name string, w *pb.Tensor) *tensor.Tensor {
	return d.keep(input(d.arena, name, w))
}

// inOpt takes an input that may be absent.
func (d *decoder) inOpt(name string, w *pb.Tensor) *tensor.Tensor {
	if w == nil {
		return nil
	}
	return d.in(name, w)
}

// out takes a place, which must be there.
func (d *decoder) out(name string, w *pb.Tensor) *tensor.Tensor {
	return d.keep(place(d.arena, name, w))
}

// outOpt takes a place that may be absent.
func (d *decoder) outOpt(name string, w *pb.Tensor) *tensor.Tensor {
	if w == nil {
		return nil
	}
	return d.out(name, w)
}

// perItem checks that a list has one entry per item of a batch.
func (d *decoder) perItem(name string, n int, t *tensor.Tensor) {
	if d.err == nil && t != nil && n != t.Batch() {
		d.err = fmt.Errorf("%s has %d entries for a batch of %d: %w", name, n, t.Batch(), contract.ErrShape)
	}
}

// toUint32s converts indices for the wire.
func toUint32s(name string, v []int) ([]uint32, error) {
	if v == nil {
		return nil, nil
	}
	u := make([]uint32, len(v))
	for i, x := range v {
		if x < 0 || x > math.MaxUint32 {
			return nil, fmt.Errorf("%s of item %d is %d (allowed: 0..%d): %w", name, i, x, uint32(math.MaxUint32), contract.ErrShape)
		}
		u[i] = uint32(x)
	}
	return u, nil
}

// toInts is the inverse of toUint32s; an empty list is nil.
func toInts(u []uint32) []int {
	if len(u) == 0 {
		return nil
	}
	v := make([]int, len(u))
	for i, x := range u {
		v[i] = int(x)
	}
	return v
}

// statusToWire converts item states; nil, and a list in which all are OK, is empty.
func statusToWire(s []contract.Status) []*pb.ItemStatus {
	bad := false
	for _, st := range s {
		bad = bad || st != contract.Status{}
	}
	if !bad {
		return nil
	}
	w := make([]*pb.ItemStatus, len(s))
	for i, st := range s {
		w[i] = &pb.ItemStatus{Code: pb.StatusCode(st.Code), Text: st.Text}
	}
	return w
}

// statusFromWire converts item states of a batch of n.
func statusFromWire(w []*pb.ItemStatus, n int) ([]contract.Status, error) {
	if len(w) == 0 {
		return nil, nil
	}
	if len(w) != n {
		return nil, fmt.Errorf("the answer has %d item states for a batch of %d: %w", len(w), n, contract.ErrShape)
	}
	s := make([]contract.Status, n)
	for i, st := range w {
		s[i] = contract.Status{Code: contract.StatusCode(st.GetCode()), Text: st.GetText()}
	}
	return s, nil
}
