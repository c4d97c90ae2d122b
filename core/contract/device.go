package contract

import (
	"errors"
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
	if n, err := strconv.ParseUint(number, 10, 8); ok && err == nil && strconv.FormatUint(n, 10) == number {
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

// DeviceLoss is an error, or in the chain of one, that tells that a process can use its GPU no more, and that another process
// may: CUDA has no other way back from a fault. A plugin's process that would answer a call with it ends instead (package
// plugin), so that the host starts another one, configures it and asks again. cuda.LostError is one.
type DeviceLoss interface {
	error
	DeviceLost() bool
}

// IsDeviceLoss tells whether err is or wraps a DeviceLoss.
func IsDeviceLoss(err error) bool {
	var l DeviceLoss
	return errors.As(err, &l) && l.DeviceLost()
}
