package plugin

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/waveprior/waveprior/core/arena"
	"github.com/waveprior/waveprior/core/contract"
	pb "github.com/waveprior/waveprior/core/proto/waveprior/v1"
	"github.com/waveprior/waveprior/core/tensor"
)

func ptr[T any](v T) *T { return &v }

// TestWireTensors: what a received tensor may be, as an input and as a place.
func TestWireTensors(t *testing.T) {
	const size = 1 << 20
	a, err := arena.New(size)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	f32 := pb.DType_DTYPE_FLOAT32
	for _, c := range []struct {
		name      string
		w         *pb.Tensor
		in, place bool
	}{
		{"nil", nil, false, false},
		{"small inline", &pb.Tensor{Dtype: f32, Shape: []int64{2, 3}, Inline: make([]byte, 24)}, true, false},
		{"small place", &pb.Tensor{Dtype: f32, Shape: []int64{2, 3}}, false, true},
		{"scalar", &pb.Tensor{Dtype: f32, Inline: make([]byte, 4)}, true, false},
		{"empty", &pb.Tensor{Dtype: f32, Shape: []int64{0, 1 << 62}}, true, true},
		{"short", &pb.Tensor{Dtype: f32, Shape: []int64{2, 3}, Inline: make([]byte, 23)}, false, false},
		{"long", &pb.Tensor{Dtype: f32, Shape: []int64{2, 3}, Inline: make([]byte, 25)}, false, false},
		{"small with offset", &pb.Tensor{Dtype: f32, Shape: []int64{2, 3}, Offset: ptr(uint64(0))}, false, false},
		{"limit inline", &pb.Tensor{Dtype: f32, Shape: []int64{InlineLimit / 4}, Inline: make([]byte, InlineLimit)}, true, false},
		{"limit in the arena", &pb.Tensor{Dtype: f32, Shape: []int64{InlineLimit / 4}, Offset: ptr(uint64(0))}, false, false},
		{"large", &pb.Tensor{Dtype: f32, Shape: []int64{InlineLimit/4 + 1}, Offset: ptr(uint64(64))}, true, true},
		{"large inline", &pb.Tensor{Dtype: f32, Shape: []int64{InlineLimit/4 + 1}, Inline: make([]byte, InlineLimit+4)}, false, false},
		{"large both", &pb.Tensor{Dtype: f32, Shape: []int64{InlineLimit/4 + 1}, Offset: ptr(uint64(0)), Inline: []byte{1}}, false, false},
		{"large nowhere", &pb.Tensor{Dtype: f32, Shape: []int64{InlineLimit/4 + 1}}, false, false},
		{"unaligned", &pb.Tensor{Dtype: f32, Shape: []int64{InlineLimit/4 + 1}, Offset: ptr(uint64(4))}, false, false},
		{"ends at the end", &pb.Tensor{Dtype: f32, Shape: []int64{size / 4}, Offset: ptr(uint64(0))}, true, true},
		{"ends outside", &pb.Tensor{Dtype: f32, Shape: []int64{size / 4}, Offset: ptr(uint64(64))}, false, false},
		{"offset overflow", &pb.Tensor{Dtype: f32, Shape: []int64{InlineLimit}, Offset: ptr(uint64(1<<64 - 64))}, false, false},
		{"shape overflow", &pb.Tensor{Dtype: f32, Shape: []int64{1 << 32, 1 << 32}, Offset: ptr(uint64(0))}, false, false},
		{"negative", &pb.Tensor{Dtype: f32, Shape: []int64{-1}, Inline: nil}, false, false},
		{"two negatives", &pb.Tensor{Dtype: f32, Shape: []int64{-2, -3}, Inline: make([]byte, 24)}, false, false},
		{"no dtype", &pb.Tensor{Shape: []int64{1}, Inline: make([]byte, 4)}, false, false},
		{"unknown dtype", &pb.Tensor{Dtype: 257, Shape: []int64{1}, Inline: make([]byte, 4)}, false, false},
		{"negative dtype", &pb.Tensor{Dtype: -1, Shape: []int64{1}, Inline: make([]byte, 4)}, false, false},
		{"many axes", &pb.Tensor{Dtype: f32, Shape: make([]int64, 33)}, false, false},
	} {
		for _, f := range []struct {
			what string
			f    func(*arena.Arena, string, *pb.Tensor) (*tensor.Tensor, error)
			ok   bool
		}{{"input", input, c.in}, {"place", place, c.place}} {
			x, err := f.f(a, "m", c.w)
			if (err == nil) != f.ok || err != nil && !errors.Is(err, contract.ErrShape) {
				t.Errorf("%s as %s: %v, want ok %v", c.name, f.what, err, f.ok)
			}
			if err == nil {
				if err := x.Check("m", x.DType, x.Shape...); err != nil {
					t.Errorf("%s as %s: %v", c.name, f.what, err)
				}
			}
		}
	}
	large := &pb.Tensor{Dtype: f32, Shape: []int64{InlineLimit}, Offset: ptr(uint64(0))}
	if _, err := input(nil, "m", large); !errors.Is(err, contract.ErrShape) {
		t.Errorf("no arena: %v", err)
	}
}

// FuzzWireTensor: whatever arrives, what comes out is a consistent tensor whose every byte can be read and written, or
// an error of kind shape.
func FuzzWireTensor(f *testing.F) {
	for _, w := range []*pb.Tensor{
		{Dtype: 1, Shape: []int64{2, 3}, Inline: make([]byte, 24)},
		{Dtype: 2, Shape: []int64{100, 100}, Offset: ptr(uint64(128))},
		{Dtype: 4, Shape: []int64{1 << 40, 1 << 40}, Offset: ptr(uint64(1<<64 - 64))},
		{Dtype: 3, Shape: []int64{-1, 0, 5}},
		{Dtype: 7, Shape: []int64{1 << 20}, Offset: ptr(uint64(0))},
	} {
		b, err := proto.Marshal(w)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	a, err := arena.New(1 << 20)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { a.Close() })
	f.Fuzz(func(t *testing.T, b []byte) {
		var w pb.Tensor
		if proto.Unmarshal(b, &w) != nil {
			return
		}
		for _, take := range []func(*arena.Arena, string, *pb.Tensor) (*tensor.Tensor, error){input, place} {
			x, err := take(a, "m", &w)
			if err != nil {
				if !errors.Is(err, contract.ErrShape) {
					t.Errorf("error of another kind: %v", err)
				}
				continue
			}
			if err := x.Check("m", tensor.DType(w.Dtype), x.Shape...); err != nil {
				t.Error(err)
			}
			for i := 0; i < len(x.Data); i += 4096 {
				x.Data[i]++
			}
			if n := len(x.Data); n > 0 {
				x.Data[n-1]++
			}
			back := filled(a, x)
			if (back.Offset != nil) != (len(x.Data) > InlineLimit) || back.Dtype != w.Dtype {
				t.Errorf("the reply is %v %v", back.Dtype, back.Offset)
			}
		}
	})
}
