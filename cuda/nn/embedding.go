package nn

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
)

// TimeWidth is the width of the time embedding: 128 sines, then 128 cosines.
const TimeWidth = 256

// TimeTable returns a new buffer (levels, TimeWidth) with the embedding of every level t = 0..levels-1: sin(t f_i), i =
// 0..127, then cos(t f_i), f_i = exp(-i ln(10000)/127). It is computed in float64 and rounded; GatherRows takes rows from
// it. (The encoding of Vaswani et al., arXiv:1706.03762, section 3.5, with halves instead of interleaving, as the published
// networks of the memorisation study have it.)
func TimeTable[T cuda.Float](d cuda.Device, levels int) (cuda.Buffer, error) {
	if levels <= 0 {
		return cuda.Buffer{}, fmt.Errorf("nn: time table of %d levels: at least 1 is needed", levels)
	}
	const half = TimeWidth / 2
	rows := make([]T, levels*TimeWidth)
	for i := range half {
		f := math.Exp(-float64(i) * math.Log(10000) / (half - 1))
		for t := range levels {
			rows[t*TimeWidth+i] = T(math.Sin(float64(t) * f))
			rows[t*TimeWidth+half+i] = T(math.Cos(float64(t) * f))
		}
	}
	size := len(rows) * cuda.SizeOf[T]()
	table, err := d.Alloc(size)
	if err != nil {
		return cuda.Buffer{}, err
	}
	return table, d.Upload(table, unsafe.Slice((*byte)(unsafe.Pointer(&rows[0])), size))
}
