// Package wave is the family of propagators in time: kernels in which one unit of work is one shot of one model, all its time
// steps in one call, the shot's state in cache.
//
// acoustic.h has the equation, the scheme and the layers of the acoustic propagator, sponge.h the scheme that made the
// OpenFWI data sets, shot.h the layout, shot_loops.h how a shot is run forward, along directions of the model, and backwards.
//
//	p, err := wave.New[float32](device, wave.Config{NZ: 70, NX: 70, SpacingM: 10, StepS: 1e-3, Steps: 1000, Order: 4, ...})
//	err = p.Forward(v, d)                                    // v (models, nz, nx) in m/s, d (models, shots, steps, receivers)
//	err = p.Gradient(v, observed, which, d, g)               // of 1/2 |d - observed|^2, with respect to v
//
// Main types: [Config], [Plan]. Gradients and VJP are exact transposes of the discrete scheme; what they need of the forward
// run is kept, or done again from states in between, to the same bits.
//
// On a GPU all shots of a call go through time side by side, a step at a time, by kernels of their own (package
// cuda/march, docs/adr/0016): the same formulas, operations and numbers.
//
// It checks neither stability nor dispersion, and knows positions as nodes with weights only: package core/seismic and the
// solver plugins do the rest.
package wave

/*
#cgo CXXFLAGS: -std=c++17 -O3 -fopenmp-simd -Wall -Wextra -Wno-psabi -Wno-maybe-uninitialized
*/
import "C"
