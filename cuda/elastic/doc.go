// Package elastic is the propagator of elastic P-SV waves in time: kernels in which one unit of work is one shot of one model,
// all its time steps in one call.
//
// elastic.h has the equations, the scheme and the layers; scheme_loops.h a whole step, shot_loops.h how a shot is run forward,
// along directions of the model, and backwards.
//
//	p, err := elastic.New[float32](device, elastic.Config{NZ: 70, NX: 70, SpacingM: 10, StepS: 1e-3, Steps: 1000, Order: 4, ...})
//	err = p.Forward(m, d)                        // m (models, 3, nz, nx): vp, vs, rho; d (models, 2, shots, steps, receivers): vx, vz
//	err = p.Gradient(m, observed, which, d, g)   // of 1/2 |d - observed|^2, with respect to vp, vs and rho
//
// Main types: [Config], [Plan], whose calls are those of march.Plan. Gradients and VJP are exact transposes of the discrete scheme, the layers and the free surface
// included; what they need of the forward run is kept, or done again from states in between, to the same bits.
//
// On a GPU all shots of a call go through time side by side, half a step at a time, by kernels of their own (elastic_march.h; package
// cuda/march, docs/adr/0017): the same formulas, operations and numbers.
//
// It checks neither stability nor dispersion, and knows positions as nodes with weights only: package core/seismic and the
// solver plugin do the rest.
package elastic

/*
#cgo CXXFLAGS: -std=c++17 -O3 -fopenmp-simd -Wall -Wextra -Wno-psabi -Wno-maybe-uninitialized
*/
import "C"
