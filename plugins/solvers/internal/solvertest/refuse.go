package solvertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
)

// Refused is a change of options that makes them wrong, and a part of the error. It has no name of its own, so that tables need no keys.
type Refused = struct {
	Change Options
	Want   string
}

// RefusedOptions wants good options taken, an ErrInvalidOption that says what is wrong for each change of them and for half a table,
// and ErrUnsupported for a GPU that is not there.
func RefusedOptions(t *testing.T, newSolver func() contract.Solver, good Options, list map[string]Refused) {
	t.Helper()
	configure := func(c contract.Config) error {
		_, err := newSolver().Configure(context.Background(), c)
		return err
	}
	Must(t, configure(contract.Config{Options: good.JSON(t)}))
	for name, c := range list {
		if err := configure(contract.Config{Options: good.With(c.Change).JSON(t)}); !errors.Is(err, contract.ErrInvalidOption) || !strings.Contains(err.Error(), c.Want) {
			t.Errorf("%s: %v, want ErrInvalidOption with %q", name, err, c.Want)
		}
	}
	if err := configure(contract.Config{Options: json.RawMessage(`{`)}); !errors.Is(err, contract.ErrInvalidOption) {
		t.Errorf("half a table: %v, want ErrInvalidOption", err)
	}
	if err := configure(contract.Config{Options: good.JSON(t), Device: "cuda:250"}); !errors.Is(err, contract.ErrUnsupported) {
		t.Errorf("device cuda:250: %v, want ErrUnsupported", err)
	}
}

// RefusedCalls wants errors for a noise that is no standard deviation and for two observations with one, and for a gradient of the good
// model beyond float32 a status and not an infinity.
func RefusedCalls(t *testing.T, s contract.FullSolver, c *contract.Configured, good *tensor.Tensor) {
	t.Helper()
	ctx := context.Background()
	for _, tau := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if err := s.Observe(ctx, c.Data.New(1), []float64{tau}); !errors.Is(err, contract.ErrInvalidOption) {
			t.Errorf("tau = %g: %v, want ErrInvalidOption", tau, err)
		}
	}
	if err := s.Observe(ctx, c.Data.New(2), []float64{1}); !errors.Is(err, tensor.ErrShape) {
		t.Errorf("two observations, one tau: %v, want ErrShape", err)
	}
	Must(t, s.Observe(ctx, c.Data.New(1), []float64{1e-30}))
	st, err := s.Misfit(ctx, good, []int{0}, make([]float64, 1), c.Model.New(1))
	if err != nil || contract.StatusAt(st, 0).Code != contract.Diverged {
		t.Errorf("a gradient that overflows: %v %v, want DIVERGED", st, err)
	}
}

// Node is what a model has at a node, a value of each of its quantities, and what Forward says to that. As Refused it has no name of its
// own.
type Node = struct {
	Values []float64
	Code   contract.StatusCode
	Text   string // a part of the status
}

// ModelStatus wants for a good model with one node changed the status that the list says, with its numbers, and for the rest of the
// batch the bits that it has alone.
func ModelStatus(t *testing.T, s contract.Solver, c *contract.Configured, good []float64, node int, list []Node) {
	t.Helper()
	ctx := context.Background()
	alone, d := c.Data.New(1), c.Data.New(3)
	st, err := s.Forward(ctx, Batch(c, good), alone)
	OK(t, st, err)
	n := len(good) / len(c.Model.Quantities)
	for _, x := range list {
		bad := append([]float64(nil), good...)
		for k, v := range x.Values {
			bad[k*n+node] = v
		}
		st, err := s.Forward(ctx, Batch(c, good, bad, good), d)
		Must(t, err)
		if got := contract.StatusAt(st, 1); got.Code != x.Code || !strings.Contains(got.Text, x.Text) {
			t.Errorf("%v at node %d: %v, want %v with %q", x.Values, node, got, x.Code, x.Text)
		}
		for _, i := range []int{0, 2} {
			if contract.StatusAt(st, i).Code != contract.OK || !bytes.Equal(d.Item(i).Data, alone.Item(0).Data) {
				t.Errorf("%v at node %d: item %d beside it: %v, or other bits", x.Values, node, i, contract.StatusAt(st, i))
			}
		}
	}
}

// BoundsAreTaken wants a model of one quantity taken that is at a bound of its space everywhere, whatever rounding to float32 makes of
// the bound.
func BoundsAreTaken(t *testing.T, s contract.Solver, c *contract.Configured) {
	t.Helper()
	q := c.Model.Quantities[0]
	for _, v := range []float64{*q.Lower, *q.Upper} {
		m := Uniform(c, v)
		if text, inside := c.Model.FirstOutside(m.Item(0)); !inside {
			t.Errorf("all of the model is %.9g, a bound: %s", v, text)
		}
		if st, err := s.Forward(context.Background(), m, c.Data.New(1)); err != nil || contract.StatusAt(st, 0).Code != contract.OK {
			t.Errorf("all of the model is %.9g, a bound: %v %v", v, st, err)
		}
	}
}
