package contract

import (
	"fmt"
	"strconv"
	"strings"
)

// Kinds of devices.
const (
	DeviceCPU  = "cpu"
	DeviceCUDA = "cuda"
)

// CheckDevice judges the name of a device: "cpu" and "" are the CPU, "cuda:0", "cuda:1", ... the GPUs that the CUDA driver
// shows, by its numbers ($CUDA_VISIBLE_DEVICES applies). Whether there is such a one is not known before it is used.
func CheckDevice(device string) error {
	if device == "" || device == DeviceCPU {
		return nil
	}
	number, ok := strings.CutPrefix(device, DeviceCUDA+":")
	if n, err := strconv.ParseUint(number, 10, 16); ok && err == nil && strconv.FormatUint(n, 10) == number {
		return nil
	}
	return fmt.Errorf("no such device: %q (allowed: \"cpu\", or \"cuda:N\" for GPU number N = 0, 1, ...)", device)
}

// DeviceKind is "cpu" or "cuda" for a device that CheckDevice lets pass. Results may differ between kinds, within stated
// tolerances; the number of a GPU decides nothing (docs/cuda.md).
func DeviceKind(device string) string {
	if strings.HasPrefix(device, DeviceCUDA) {
		return DeviceCUDA
	}
	return DeviceCPU
}
