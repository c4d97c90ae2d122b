//go:build cuda

package diffusion_test

// gpu says that this build has GPUs: -tags cuda.
const gpu = true
