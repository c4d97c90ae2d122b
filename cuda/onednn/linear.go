package onednn

/*
#cgo CXXFLAGS: -std=c++17 -O2 -fopenmp -Wall -Wextra
#cgo LDFLAGS: -ldnnl -lgomp
#include <stdint.h>
int onednn_linear_cpu(const uint64_t*, int64_t, int64_t);
int onednn_linear_backward_input_cpu(const uint64_t*, int64_t, int64_t);
int onednn_linear_backward_weight_cpu(const uint64_t*, int64_t, int64_t);
int64_t onednn_cached(void);
int64_t onednn_scratch_bytes(void);
int onednn_threads(void);
*/
import "C"

import (
	"fmt"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/nn"
)

var (
	linear               = cuda.Kernel{Name: "onednn_linear", CPU: C.onednn_linear_cpu}
	linearBackwardInput  = cuda.Kernel{Name: "onednn_linear_backward_input", CPU: C.onednn_linear_backward_input_cpu}
	linearBackwardWeight = cuda.Kernel{Name: "onednn_linear_backward_weight", CPU: C.onednn_linear_backward_weight_cpu}
)

// panel is the width of the output panels, fixed: 512 is the library's best for rows of 50 and 32 in layers of 2048.
const panel = 512

// State is what the wrapper's rules are tested by.
type State struct {
	Primitives   int // kept, one for each shape seen
	ScratchBytes int // the most that one of them needs
	Threads      int // that the library would use on the calling OS thread
}

// Look returns the wrapper's state.
func Look() State {
	return State{int(C.onednn_cached()), int(C.onednn_scratch_bytes()), int(C.onednn_threads())}
}

// LinearForward is nn.LinearForward[float32] by oneDNN: y = x w + b. The bits of a row depend on the number of rows.
func LinearForward(d cuda.Device, y, x, w, b cuda.Buffer, s nn.LinearShape) error {
	tile, err := check(s, y, s.Rows*s.Out, x, s.Rows*s.In, w, s.In*s.Out)
	if err != nil {
		return err
	}
	if !b.IsNil() && b.Bytes() < 4*s.Out {
		return fmt.Errorf("onednn: linear: the bias has %d bytes, %d are needed", b.Bytes(), 4*s.Out)
	}
	return d.Run(&linear, cuda.Blocks(s.Out, panel)*(s.Rows/tile), y.Arg(), x.Arg(), w.Arg(), b.Arg(), cuda.Int(s.Rows),
		cuda.Int(s.In), cuda.Int(s.Out), cuda.Int(tile), cuda.Int(panel))
}

// LinearBackwardInput is nn.LinearBackwardInput[float32] by oneDNN: dx = dy w^T, or added.
func LinearBackwardInput(d cuda.Device, dx, dy, w cuda.Buffer, s nn.LinearShape, accumulate bool) error {
	tile, err := check(s, dx, s.Rows*s.In, dy, s.Rows*s.Out, w, s.In*s.Out)
	if err != nil {
		return err
	}
	return d.Run(&linearBackwardInput, cuda.Blocks(s.In, panel)*(s.Rows/tile), dx.Arg(), dy.Arg(), w.Arg(),
		cuda.Int(s.Rows), cuda.Int(s.In), cuda.Int(s.Out), cuda.Int(tile), cuda.Int(panel), flag(accumulate))
}

// LinearBackwardWeight is nn.LinearBackwardWeight[float32] by oneDNN, without db: dw = x^T dy, or added.
func LinearBackwardWeight(d cuda.Device, dw, x, dy cuda.Buffer, s nn.LinearShape, accumulate bool) error {
	if _, err := check(s, dw, s.In*s.Out, x, s.Rows*s.In, dy, s.Rows*s.Out); err != nil {
		return err
	}
	return d.Run(&linearBackwardWeight, cuda.Blocks(s.In, panel), dw.Arg(), x.Arg(), dy.Arg(), cuda.Int(s.Rows),
		cuda.Int(s.In), cuda.Int(s.Out), cuda.Int(panel), flag(accumulate))
}

// check takes the three matrices of a product with their sizes, and returns the tile.
func check(s nn.LinearShape, a cuda.Buffer, na int, b cuda.Buffer, nb int, c cuda.Buffer, nc int) (int, error) {
	if s.Rows <= 0 || s.In <= 0 || s.Out <= 0 || s.Tile < 0 || s.Tile > 0 && s.Rows%s.Tile != 0 {
		return 0, fmt.Errorf("onednn: linear: %d rows (tiles of %d), %d to %d: sizes must be positive, rows whole tiles", s.Rows, s.Tile, s.In, s.Out)
	}
	if a.Bytes() < 4*na || b.Bytes() < 4*nb || c.Bytes() < 4*nc {
		return 0, fmt.Errorf("onednn: linear: buffers of %d, %d, %d bytes, needed are %d, %d, %d", a.Bytes(), b.Bytes(), c.Bytes(), 4*na, 4*nb, 4*nc)
	}
	if s.Tile == 0 {
		return s.Rows, nil
	}
	return s.Tile, nil
}

func flag(on bool) cuda.Arg {
	if on {
		return 1
	}
	return 0
}
