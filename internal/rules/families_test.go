package rules

// Every family, so that cuda.Kernels() lists what the product has.
import (
	_ "github.com/waveprior/waveprior/cuda/diffusion"
	_ "github.com/waveprior/waveprior/cuda/elastic"
	_ "github.com/waveprior/waveprior/cuda/march"
	_ "github.com/waveprior/waveprior/cuda/mixture"
	_ "github.com/waveprior/waveprior/cuda/multifrontal"
	_ "github.com/waveprior/waveprior/cuda/nn"
	_ "github.com/waveprior/waveprior/cuda/wave"
)
