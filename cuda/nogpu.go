//go:build !cuda

package cuda

import "fmt"

func newGPU(number int) (Device, error) {
	return nil, fmt.Errorf("cuda: device cuda:%d: this binary was built without GPU support; build it with -tags cuda (make cuda), "+
		"or use device cpu", number)
}
