package intime

import (
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/machine"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
)

// Precision is that of an option, float32 or float64.
func Precision(option string) tensor.DType {
	if option == "float64" {
		return tensor.Float64
	}
	return tensor.Float32
}

// Gather is what a solver's data are: samples of dt s, of which the first is at dt, of quantities at receivers, shot by shot.
type Gather struct {
	Shots, Receivers space.Axis
	Samples          int
	DtS              float64
	Quantities       []space.Quantity
}

// SetSpaces makes the spaces: models (quantities, nz, nx), data (quantities, shots, samples, receivers).
func (s *Setup) SetSpaces(dtype tensor.DType, g *Grid, model []space.Quantity, r Gather) {
	s.Model = space.Space{Name: "model", DType: dtype, Quantities: model,
		Axes: []space.Axis{{Name: "field", Size: len(model)}, {Name: "z", Unit: "m", Size: *g.NZ, Step: *g.SpacingM},
			{Name: "x", Unit: "m", Size: *g.NX, Step: *g.SpacingM}}}
	s.Data = space.Space{Name: "data", DType: dtype, Quantities: r.Quantities,
		Axes: []space.Axis{{Name: "component", Size: len(r.Quantities)}, r.Shots,
			{Name: "time", Unit: "s", Size: r.Samples, Origin: r.DtS, Step: r.DtS}, r.Receivers}}
	s.Shots = r.Shots.Size
}

// Open opens the device with the setup's threads, and then makes the plan of the model's type with it and what it may take for
// wavefields: memoryMB on the CPU, and never more than half of what is free; 0, what suits, on a GPU. Errors: ErrUnsupported for a
// device that is not there; the plan's with ErrInvalidOption.
func (s *Setup) Open(device string, memoryMB int, single func(d cuda.Device, memory int) (Plan[float32], error),
	double func(d cuda.Device, memory int) (Plan[float64], error)) error {
	memory := 0
	if contract.DeviceKind(device) == contract.DeviceCPU {
		device, memory = contract.DeviceCPU, min(memoryMB<<20, int(machine.Available()/2))
	}
	var err error
	if s.Device, err = cuda.Open(device, s.Threads); err != nil {
		return fmt.Errorf("solver %s: %w: %w", s.Solver, err, contract.ErrUnsupported)
	}
	if s.Model.DType == tensor.Float32 {
		s.Single, err = single(s.Device, memory)
	} else {
		s.Double, err = double(s.Device, memory)
	}
	if err != nil {
		s.Device.Close()
		return fmt.Errorf("solver %s: %w: %w", s.Solver, err, contract.ErrInvalidOption)
	}
	return nil
}
