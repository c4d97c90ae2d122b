package solvertest

import (
	"context"
	"encoding/json"
	"maps"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
)

// Options is a solver's table.
type Options map[string]any

// Section is a table in it.
type Section = map[string]any

// With is the table with more options, or others: nil takes one away.
func (o Options) With(more Options) Options {
	out := maps.Clone(o)
	maps.Copy(out, more)
	maps.DeleteFunc(out, func(_ string, v any) bool { return v == nil })
	return out
}

// JSON is the table as Configure takes it.
func (o Options) JSON(t testing.TB) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(o)
	Must(t, err)
	return raw
}

// Must ends the test on an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Configure configures s on the CPU.
func Configure(t testing.TB, s contract.Plugin, o Options, threads int) contract.Configured {
	t.Helper()
	c, err := s.Configure(context.Background(), contract.Config{Options: o.JSON(t), Threads: threads})
	Must(t, err)
	return c
}

// OK ends the test on an error and on a status that is not OK.
func OK(t testing.TB, status []contract.Status, err error) {
	t.Helper()
	Must(t, err)
	for i, s := range status {
		if s.Code != contract.OK {
			t.Fatalf("item %d: %v", i, s)
		}
	}
}

// Batch is a batch of models, given as numbers.
func Batch(c *contract.Configured, items ...[]float64) *tensor.Tensor {
	m := c.Model.New(len(items))
	for i, v := range items {
		m.Item(i).SetReals(v)
	}
	return m
}

// Uniform is a batch of one model that has those values everywhere, one for each of its quantities.
func Uniform(c *contract.Configured, values ...float64) *tensor.Tensor {
	x := make([]float64, c.Model.Len())
	n := len(x) / len(c.Model.Quantities)
	for i := range x {
		x[i] = values[i/n]
	}
	return Batch(c, x)
}

// Forward returns the data of models as numbers.
func Forward(t testing.TB, s contract.Solver, c *contract.Configured, m *tensor.Tensor) []float64 {
	t.Helper()
	d := c.Data.New(m.Batch())
	st, err := s.Forward(context.Background(), m, d)
	OK(t, st, err)
	return d.AppendReals(nil)
}
