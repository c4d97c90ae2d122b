// Package probe is a kernel for the tests of package cuda: it writes down what a kernel finds when it runs. Tests cannot
// hold C themselves. It is not for use anywhere else.
//
//	err := d.Run(&probe.Kernel, units, ran.Arg(), state.Arg(), product.Arg(), cuda.Int(-1))
package probe

/*
#cgo CXXFLAGS: -std=c++17 -O2 -Wall -Wextra
#include <stdint.h>
int probe_cpu(const uint64_t*, int64_t, int64_t);
unsigned probe_state(void);
*/
import "C"

import (
	"github.com/waveprior/waveprior/cuda"
)

// Kernel does for each unit u: ran[u]++ (int64), state[u] = MXCSR (int64), product[u] = x y of two normal numbers whose
// product is denormal (float64). At unit fail it returns code 2.
var Kernel = cuda.Kernel{Name: "probe", CPU: C.probe_cpu}

// State is MXCSR of the calling thread.
func State() uint32 { return uint32(C.probe_state()) }
