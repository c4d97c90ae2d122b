package contract

import (
	"errors"
	"fmt"

	"github.com/waveprior/waveprior/core/tensor"
)

// StatusCode says how one item of a batch fared. The numbers are those of the wire.
type StatusCode int

// The codes.
const (
	OK          StatusCode = 0
	Diverged    StatusCode = 1
	Unstable    StatusCode = 2 // time step, dispersion: the text has the numbers
	OutOfBounds StatusCode = 3 // NaN or outside the space's bounds
	Cancelled   StatusCode = 4
	Failed      StatusCode = 5 // anything else that concerns this item alone
)

func (c StatusCode) String() string {
	switch c {
	case OK:
		return "OK"
	case Diverged:
		return "DIVERGED"
	case Unstable:
		return "UNSTABLE"
	case OutOfBounds:
		return "OUT_OF_BOUNDS"
	case Cancelled:
		return "CANCELLED"
	case Failed:
		return "FAILED"
	}
	return fmt.Sprintf("STATUS(%d)", int(c))
}

// Status is the state of one item of a batch.
type Status struct {
	Code StatusCode
	Text string
}

func (s Status) String() string {
	if s.Text == "" {
		return s.Code.String()
	}
	return s.Code.String() + ": " + s.Text
}

// StatusAt returns the status of item i; a nil slice means that all are OK.
func StatusAt(s []Status, i int) Status {
	if s == nil {
		return Status{}
	}
	return s[i]
}

// SetStatus sets item i of n, allocating the slice on first use, and keeps the first failure of an item.
func SetStatus(s []Status, n, i int, st Status) []Status {
	if st.Code == OK {
		return s
	}
	if s == nil {
		s = make([]Status, n)
	}
	if s[i].Code == OK {
		s[i] = st
	}
	return s
}

// MergeStatus keeps, item by item, the first failure of a and b.
func MergeStatus(a, b []Status) []Status {
	for i, st := range b {
		a = SetStatus(a, len(b), i, st)
	}
	return a
}

// The sentinel errors that keep their identity across the wire (errors.Is).
var (
	ErrInvalidOption = errors.New("invalid option")
	ErrShape         = tensor.ErrShape
	ErrUnsupported   = errors.New("unsupported")
	ErrNotConfigured = errors.New("not configured")
	ErrNoObservation = errors.New("no observation")
	ErrOutOfMemory   = errors.New("out of memory")
	ErrCheckpoint    = errors.New("bad checkpoint")
	ErrInternal      = errors.New("internal error")
	// ErrPluginDied: the process ended, hung past its limit, or cannot be reached. Never sent by a plugin.
	ErrPluginDied = errors.New("plugin died")
)

// Unsupported returns an error for a missing capability that names what there is.
func Unsupported(d Description, c Capability) error {
	return fmt.Errorf("%s %s has no capability %s (it has: %v): %w", d.Kind, d.Name, c, d.Capabilities, ErrUnsupported)
}
