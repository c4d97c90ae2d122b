package plugin

import (
	"errors"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/seismic"
)

// A solver's scheme arrives as it was sent; one that makes no sense is refused with its numbers.
func TestSchemeOnTheWire(t *testing.T) {
	want := seismic.Scheme{Order: 4, Staggered: true, StepS: 5e-4, SpacingM: 5, PeakHz: 15, HighestHz: 37.5, ShearOfVp: 0.5}
	got, err := configuredFromWire(configuredToWire(contract.Configured{Scheme: &want}))
	if err != nil || got.Scheme == nil || *got.Scheme != want {
		t.Errorf("%+v %v, want %+v", got.Scheme, err, want)
	}
	if got, err := configuredFromWire(configuredToWire(contract.Configured{})); err != nil || got.Scheme != nil {
		t.Errorf("none: %+v %v", got.Scheme, err)
	}
	bad := want
	bad.StepS = 0
	if _, err := configuredFromWire(configuredToWire(contract.Configured{Scheme: &bad})); !errors.Is(err, contract.ErrInternal) {
		t.Errorf("a step of 0 s: %v", err)
	}
}
