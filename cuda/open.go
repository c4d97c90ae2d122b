package cuda

import (
	"fmt"
	"strconv"
	"strings"
)

// Open returns the device of that name: "cpu", which uses that many threads (NewCPU), or "cuda:N", GPU number N. A GPU needs
// a binary built with -tags cuda; in another one, and where there is no such GPU, it is an error that says so.
func Open(device string, threads int) (Device, error) {
	if device == "cpu" {
		return NewCPU(threads)
	}
	number, ok := strings.CutPrefix(device, "cuda:")
	n, err := strconv.ParseUint(number, 10, 8)
	if !ok || err != nil || strconv.FormatUint(n, 10) != number {
		return nil, fmt.Errorf(`cuda: device %q: "cpu" and "cuda:0" (the GPU's number: 0 to 255) are allowed`, device)
	}
	return newGPU(int(n))
}
