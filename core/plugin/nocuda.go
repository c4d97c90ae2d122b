package plugin

import (
	"errors"
	"fmt"
	"regexp"
)

// ErrNoCUDA is wrapped by the error of Launch for a CUDA build that cannot start on this machine, as it has no driver or no
// GPU: the build may be sound.
var ErrNoCUDA = errors.New("no CUDA here")

// withoutCUDA marks an error of fail.
func withoutCUDA(err error) error {
	var e *launchError
	if errors.As(err, &e) {
		e.noCUDA = true
	}
	return err
}

// What the dynamic loader writes to stderr where a CUDA build does not find the driver's library, and what gorgonia.org/cu
// prints on stdout, before main, where the driver finds no GPU or refuses to start; it then exits with 1.
var (
	noDriver = regexp.MustCompile(`error while loading shared libraries: (libcuda\.so[.0-9]*): ([^\n]*)`)
	noDevice = regexp.MustCompile(`Error in initialization, please refer to .* for details on: ([^\n]*)`)
)

// noCUDA says what keeps a CUDA build from starting, from what it wrote, and what to do; "" where that is something else.
func noCUDA(text string) (why, advice string) {
	const cpu = "device = \"cpu\" computes without a GPU (docs/cuda.md)"
	if m := noDriver.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("it cannot start, as there is no CUDA driver: %s: %s", m[1], m[2]), "install NVIDIA's driver on a machine that has a GPU; " + cpu
	}
	if m := noDevice.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("it cannot start, as the CUDA driver finds no GPU that it can use: %s", m[1]),
			"nvidia-smi lists the GPUs, and CUDA_VISIBLE_DEVICES may hide them; " + cpu
	}
	return "", ""
}
