//go:build !cuda

package cuda_test

var deviceNames = []string{"cpu"}
