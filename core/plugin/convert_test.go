package plugin

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// Where shots and receivers lie arrives as it was sent, and is checked on the way in.
func TestAxesOnTheWire(t *testing.T) {
	want := &space.Space{Name: "data", DType: tensor.Float32, Quantities: []space.Quantity{{Name: "pressure", Unit: "1"}},
		Axes: []space.Axis{{Name: "time", Unit: "s", Size: 3, Origin: 0.5, Step: 0.25}, {Name: "receiver", Unit: "m", Size: 2, Values: []float64{5, 7}, Depths: []float64{40, 20}}}}
	if got, err := spaceFromWire(spaceToWire(want)); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v, want %+v", got, err, want)
	}
	want.Axes[1].Depths = []float64{40}
	if _, err := spaceFromWire(spaceToWire(want)); !errors.Is(err, contract.ErrShape) || !strings.Contains(err.Error(), "axis receiver has 1 depths for size 2") {
		t.Errorf("a depth too few: %v", err)
	}
}

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
