package march

import (
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
)

// Lists are nodes of some lists, and their weights: list k has entries start[k] to start[k+1]-1. How many numbers say where an entry
// is, the family's shot.h says.
type Lists struct{ start, node, weight cuda.Buffer }

// PutLists puts lists on the device.
func PutLists[T cuda.Float](r *cuda.Rooms, what string, start, node []int64, weight []T) (l Lists, err error) {
	if l.start, err = r.Put(what+" start", cuda.BytesOf(start)); err != nil {
		return l, err
	}
	if l.node, err = r.Put(what+" node", cuda.BytesOf(node)); err != nil {
		return l, err
	}
	l.weight, err = r.Put(what+" weight", cuda.BytesOf(weight))
	return l, err
}

// Args are a kernel's arguments: start, node, weight.
func (l Lists) Args() []cuda.Arg { return []cuda.Arg{l.start.Arg(), l.node.Arg(), l.weight.Arg()} }

// PutWavelets puts wavelets (shots, steps) on the device.
func PutWavelets[T cuda.Float](r *cuda.Rooms, wavelets [][]float64) (cuda.Buffer, error) {
	var all []T
	for _, q := range wavelets {
		for _, x := range q {
			all = append(all, T(x))
		}
	}
	return r.Put("wavelet", cuda.BytesOf(all))
}

// PutShape puts a family's struct Shape, int64 numbers, on the device.
func PutShape[S any](r *cuda.Rooms, s *S) (cuda.Buffer, error) {
	return r.Put("shape", unsafe.Slice((*byte)(unsafe.Pointer(s)), unsafe.Sizeof(*s)))
}

// Slots makes room for shots that run whole, each in a slot of its own while it runs: work (slots, numbers) and busy (slots), 0.
func (p *Plan[T]) Slots(slots, numbers int) (work, busy cuda.Buffer, err error) {
	if work, err = p.Rooms.Room("work", slots*numbers*cuda.SizeOf[T]()); err != nil {
		return work, busy, err
	}
	busy, err = p.Rooms.Put("busy", cuda.BytesOf(make([]int64, slots)))
	return work, busy, err
}
