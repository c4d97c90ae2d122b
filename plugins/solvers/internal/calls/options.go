package calls

import (
	"fmt"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
)

// Decode fills o, a pointer to a solver's options, from what Configure is given, and checks the device's name. Errors: ErrUnsupported
// for a device that contract.CheckDevice refuses, ErrInvalidOption.
func Decode(solver string, c contract.Config, o any) error {
	if err := contract.CheckDevice(c.Device); err != nil {
		return fmt.Errorf("solver %s: %w: %w", solver, err, contract.ErrUnsupported)
	}
	if err := config.Decode(c.Options, o); err != nil {
		return fmt.Errorf("solver %s: %w: %w", solver, contract.ErrInvalidOption, err)
	}
	return nil
}
