package cuda

import (
	"fmt"
	"unsafe"
)

// Rooms are buffers of a device by name: each grows to the largest size asked for and is kept until Close. For what a plan
// needs again in every call. Not for use by several goroutines at a time.
type Rooms struct {
	d     Device
	named map[string]Buffer
}

// NewRooms returns no buffers yet.
func NewRooms(d Device) *Rooms { return &Rooms{d: d, named: map[string]Buffer{}} }

// Get is the buffer of that name as it is, no memory where there is none.
func (r *Rooms) Get(name string) Buffer { return r.named[name] }

// Room is a buffer of at least that many bytes that keeps its name; what was in it may be lost.
func (r *Rooms) Room(name string, bytes int) (Buffer, error) {
	b, ok := r.named[name]
	if ok && b.Bytes() >= bytes {
		return b, nil
	}
	if ok {
		delete(r.named, name)
		if err := r.d.Free(b); err != nil {
			return Buffer{}, err
		}
	}
	b, err := r.d.Alloc(bytes)
	if err != nil {
		return Buffer{}, fmt.Errorf("%s: %w", name, err)
	}
	r.named[name] = b
	return b, nil
}

// Put is Room with data in it.
func (r *Rooms) Put(name string, data []byte) (Buffer, error) {
	b, err := r.Room(name, len(data))
	if err != nil {
		return b, err
	}
	return b, r.d.Upload(b, data)
}

// Close frees all buffers.
func (r *Rooms) Close() error {
	for name, b := range r.named {
		delete(r.named, name)
		if err := r.d.Free(b); err != nil {
			return err
		}
	}
	return nil
}

// BytesOf is the memory of x; it is valid as long as x is.
func BytesOf[E float32 | float64 | int32 | int64 | complex64 | complex128](x []E) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), len(x)*int(unsafe.Sizeof(x[0])))
}
