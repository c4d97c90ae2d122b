package cuda_test

import (
	"bytes"
	"testing"

	"github.com/waveprior/waveprior/cuda"
)

// A room keeps its memory while that is enough, gives it back when it grows, and all of it at the end.
func TestRooms(t *testing.T) {
	d, err := cuda.NewCPU(1)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	r := cuda.NewRooms(d)
	b, err := r.Put("x", cuda.BytesOf([]int64{1, 2, 3}))
	if err != nil {
		t.Fatal(err)
	}
	if got := cuda.View[int64](r.Get("x")); len(got) < 3 || got[2] != 3 {
		t.Errorf("x is %v", got)
	}
	smaller, err := r.Put("x", []byte{7})
	if err != nil || smaller.Arg() != b.Arg() || !bytes.Equal(cuda.View[byte](smaller)[:2], []byte{7, 0}) {
		t.Errorf("a smaller x lies elsewhere: %v, %v", smaller, err)
	}
	if _, err := r.Room("x", 1000); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Room("y", 10); err != nil {
		t.Fatal(err)
	}
	if used, _ := d.Memory(); used != 1010 {
		t.Errorf("%d bytes are in use, want 1010", used)
	}
	if _, err := r.Room("z", -1); err == nil {
		t.Error("a room of -1 bytes")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if used, _ := d.Memory(); used != 0 {
		t.Errorf("%d bytes are in use after Close", used)
	}
	if len(cuda.BytesOf([]float32(nil))) != 0 {
		t.Error("bytes of nothing")
	}
}
