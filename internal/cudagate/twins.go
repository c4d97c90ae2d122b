package main

import (
	"errors"
	"fmt"

	"github.com/waveprior/waveprior/cuda"
	_ "github.com/waveprior/waveprior/cuda/diffusion" // families are imported for their kernels
	_ "github.com/waveprior/waveprior/cuda/elastic"
	_ "github.com/waveprior/waveprior/cuda/march"
	_ "github.com/waveprior/waveprior/cuda/mixture"
	_ "github.com/waveprior/waveprior/cuda/multifrontal"
	_ "github.com/waveprior/waveprior/cuda/nn"
	_ "github.com/waveprior/waveprior/cuda/wave"
	"github.com/waveprior/waveprior/internal/roofline"
)

// twins compares the kernels that Go knows with those that were compiled: each is in both, and has a formula.
func twins(rows []roofline.Compiled) error {
	compiled := map[string]bool{}
	for _, r := range rows {
		compiled[r.Kernel] = true
	}
	var wrong []error
	known := map[string]bool{}
	for _, k := range cuda.Kernels() {
		known[k.Name] = true
		if !compiled[k.Name] {
			wrong = append(wrong, fmt.Errorf("cudagate: kernel %s has no CUDA twin: no .cu has extern \"C\" __global__ void %s(", k.Name, k.Name))
		}
	}
	for _, r := range rows {
		if !known[r.Kernel] && r.Arch == architectures[0] {
			wrong = append(wrong, fmt.Errorf("cudagate: the CUDA kernel %s is none of cuda.Kernels(): no family makes it (cuda.NewKernel), or cudagate does not import the family", r.Kernel))
		}
	}
	for _, name := range roofline.Missing() {
		wrong = append(wrong, fmt.Errorf("cudagate: kernel %s has no formula in internal/roofline", name))
	}
	return errors.Join(wrong...)
}
