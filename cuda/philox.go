package cuda

/*
#include <stdint.h>
int philox_normals_f32_cpu(const uint64_t*, int64_t, int64_t);
int philox_normals_f64_cpu(const uint64_t*, int64_t, int64_t);
*/
import "C"

import "fmt"

var (
	normals32 = NewKernel("philox_normals_f32", C.philox_normals_f32_cpu, launchNormals)
	normals64 = NewKernel("philox_normals_f64", C.philox_normals_f64_cpu, launchNormals)
)

// normalsPanel is the number of elements of a row in a unit; even, as a block of Philox makes two.
const normalsPanel = 4096

// Noise names one draw of many chains: row i of what Normals fills is core/rng's Source at (Step, chain of row i, Draw) of
// the stream with that key.
type Noise struct {
	Key        [2]uint32 // rng.Stream.Key
	Step, Draw uint32
	// Chains holds the rows' chains, int32 each (as bits of a uint32); no buffer: row i is chain First + i.
	Chains Buffer
	First  uint32
}

// Normals writes standard normals: dst[i][j] = normal number j of row i's source, j = 0..width-1, rows of dst stride numbers
// apart; what lies between rows stays. They have the bits of core/rng (Normals; Normals32 for float32) on every device: see
// philox.h.
func Normals[T Float](d Device, dst Buffer, stride int, n Noise, rows, width int) error {
	size := SizeOf[T]()
	switch {
	case rows < 1 || width < 1 || stride < width:
		return fmt.Errorf("cuda: normals: %d rows of %d, %d apart: at least 1 of each, and no overlap, is needed", rows, width, stride)
	case dst.Bytes() < size*((rows-1)*stride+width):
		return fmt.Errorf("cuda: normals: a buffer of %d bytes, %d rows of %d numbers, %d apart, need %d",
			dst.Bytes(), rows, width, stride, size*((rows-1)*stride+width))
	case !n.Chains.IsNil() && n.Chains.Bytes() < 4*rows:
		return fmt.Errorf("cuda: normals: the chains have %d bytes, %d rows need %d", n.Chains.Bytes(), rows, 4*rows)
	}
	k := normals32
	if size == 8 {
		k = normals64
	}
	return d.Run(k, rows*Blocks(width, normalsPanel), dst.Arg(), Int(stride), n.Chains.Arg(), Int(int(n.First)),
		Arg(uint64(n.Key[1])<<32|uint64(n.Key[0])), Int(int(n.Step)), Int(int(n.Draw)), Int(width), Int(rows), Int(normalsPanel))
}

// launchNormals gives each pair of elements a thread: blocks as wide as a row's pairs, up to 256, and as many rows as fit.
func launchNormals(_ int, args []Arg) Launch {
	const threads, most = 256, 65535
	pairs, rows := Blocks(int(args[7]), 2), int(args[8])
	across := 32
	for across < threads && across < pairs {
		across *= 2
	}
	high := threads / across
	return Launch{Grid: [3]int{min(Blocks(pairs, across), most), min(Blocks(rows, high), most)}, Block: [3]int{across, high}}
}
