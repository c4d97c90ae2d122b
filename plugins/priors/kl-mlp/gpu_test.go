//go:build cuda

package klmlp

// gpu says that this build has GPUs: -tags cuda.
const gpu = true
