// Package cudarun tests whole runs on a GPU: the host, which links no CUDA, starts the builds waveprior-...-cuda of plugins for
// device = "cuda:0". The tests have the build tag cuda and take whatever driver the loader finds; make cuda-test-emulated
// runs them on the emulated one.
//
// testdata/tiny.toml is the quickstart cut down until an emulated GPU does it in half a minute: training, ddpm, dps.
package cudarun
