package plugin

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/diffusion"
	pb "github.com/waveprior/waveprior/core/proto/waveprior/v1"
	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

func spaceToWire(s *space.Space) *pb.Space {
	if s == nil {
		return nil
	}
	w := &pb.Space{Name: s.Name, Dtype: pb.DType(s.DType)}
	for _, a := range s.Axes {
		w.Axes = append(w.Axes, &pb.Axis{Name: a.Name, Unit: a.Unit, Size: int64(a.Size), Origin: a.Origin, Step: a.Step, Values: a.Values, Depths: a.Depths})
	}
	for _, q := range s.Quantities {
		w.Quantities = append(w.Quantities, &pb.Quantity{Name: q.Name, Unit: q.Unit, Lower: q.Lower, Upper: q.Upper})
	}
	return w
}

// spaceFromWire converts and validates.
func spaceFromWire(w *pb.Space) (*space.Space, error) {
	if w == nil {
		return nil, nil
	}
	s := &space.Space{Name: w.Name}
	if w.Dtype > 0 && w.Dtype <= pb.DType(tensor.Uint8) {
		s.DType = tensor.DType(w.Dtype)
	}
	for _, a := range w.Axes {
		s.Axes = append(s.Axes, space.Axis{Name: a.GetName(), Unit: a.GetUnit(), Size: int(a.GetSize()), Origin: a.GetOrigin(), Step: a.GetStep(), Values: a.GetValues(), Depths: a.GetDepths()})
	}
	for _, q := range w.Quantities {
		s.Quantities = append(s.Quantities, space.Quantity{Name: q.GetName(), Unit: q.GetUnit(), Lower: q.Lower, Upper: q.Upper})
	}
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", err, contract.ErrShape)
	}
	return s, nil
}

// length converts an optional length between the wire and Go.
func length[To, From int | uint32](n *From) *To {
	if n == nil {
		return nil
	}
	v := To(*n)
	return &v
}

func optionsToWire(options []config.Option) []*pb.Option {
	var w []*pb.Option
	for _, o := range options {
		w = append(w, &pb.Option{
			Name: o.Name, Type: string(o.Type), Unit: o.Unit, Doc: o.Doc, DefaultJson: string(o.Default), Optional: o.Optional,
			Allowed: o.Allowed, Min: o.Min, Max: o.Max, MinExclusive: o.MinExclusive, MaxExclusive: o.MaxExclusive,
			Options: optionsToWire(o.Options), Affects: o.Stage,
			AllowInf: o.AllowInf, AllowNan: o.AllowNaN, MinLen: uint32(max(o.MinLen, 0)), MaxLen: length[uint32](o.MaxLen),
		})
	}
	return w
}

func optionsFromWire(w []*pb.Option) []config.Option {
	var options []config.Option
	for _, o := range w {
		c := config.Option{
			Name: o.GetName(), Type: config.Type(o.GetType()), Unit: o.GetUnit(), Doc: o.GetDoc(), Optional: o.GetOptional(), Allowed: o.GetAllowed(),
			Min: o.Min, Max: o.Max, MinExclusive: o.GetMinExclusive(), MaxExclusive: o.GetMaxExclusive(),
			Options: optionsFromWire(o.GetOptions()), Stage: o.GetAffects(),
			AllowInf: o.GetAllowInf(), AllowNaN: o.GetAllowNan(), MinLen: int(o.GetMinLen()), MaxLen: length[int](o.MaxLen),
		}
		if o.GetDefaultJson() != "" {
			c.Default = json.RawMessage(o.GetDefaultJson())
		}
		options = append(options, c)
	}
	return options
}

func descriptionToWire(d contract.Description) *pb.Description {
	w := &pb.Description{
		Kind: string(d.Kind), Name: d.Name, Version: d.Version, Numerics: d.Numerics, Contract: d.Contract, Doc: d.Doc,
		Options: optionsToWire(d.Options), Device: d.Device,
	}
	for _, c := range d.Capabilities {
		w.Capabilities = append(w.Capabilities, string(c))
	}
	for _, n := range d.Needs {
		w.Needs = append(w.Needs, &pb.Need{Service: n.Service, Capability: string(n.Capability), Option: n.Option, Value: n.Value})
	}
	return w
}

func descriptionFromWire(w *pb.Description) contract.Description {
	d := contract.Description{
		Kind: contract.Kind(w.GetKind()), Name: w.GetName(), Version: w.GetVersion(), Numerics: w.GetNumerics(),
		Contract: w.GetContract(), Doc: w.GetDoc(), Options: optionsFromWire(w.GetOptions()),
		Device: w.GetDevice(),
	}
	for _, c := range w.GetCapabilities() {
		d.Capabilities = append(d.Capabilities, contract.Capability(c))
	}
	for _, n := range w.GetNeeds() {
		d.Needs = append(d.Needs, contract.Need{Service: n.GetService(), Capability: contract.Capability(n.GetCapability()), Option: n.GetOption(), Value: n.GetValue()})
	}
	return d
}

func configuredToWire(c contract.Configured) *pb.Configured {
	w := &pb.Configured{OptionsJson: string(c.Options), Model: spaceToWire(c.Model), Data: spaceToWire(c.Data), Latent: spaceToWire(c.Latent)}
	if s := c.Schedule; s != nil {
		w.Schedule = &pb.Schedule{Alpha: s.Alpha, Sigma: s.Sigma, Beta: s.Beta}
	}
	for _, t := range c.State {
		st := &pb.StateTensor{Name: t.Name, Dtype: pb.DType(t.DType)}
		for _, n := range t.Shape {
			st.Shape = append(st.Shape, int64(n))
		}
		w.State = append(w.State, st)
	}
	if s := c.Scheme; s != nil {
		w.Scheme = &pb.Scheme{Order: uint32(s.Order), Staggered: s.Staggered, StepS: s.StepS, SpacingM: s.SpacingM, PeakHz: s.PeakHz, HighestHz: s.HighestHz, ShearOfVp: s.ShearOfVp}
	}
	return w
}

// configuredFromWire converts and checks what a plugin answered.
func configuredFromWire(w *pb.Configured) (c contract.Configured, err error) {
	if w.GetOptionsJson() != "" {
		c.Options = json.RawMessage(w.OptionsJson)
		if !json.Valid(c.Options) {
			return c, fmt.Errorf("the options it answered are not JSON: %.80q: %w", w.OptionsJson, contract.ErrInternal)
		}
	}
	if c.Model, err = spaceFromWire(w.GetModel()); err != nil {
		return c, err
	}
	if c.Data, err = spaceFromWire(w.GetData()); err != nil {
		return c, err
	}
	if c.Latent, err = spaceFromWire(w.GetLatent()); err != nil {
		return c, err
	}
	if s := w.GetSchedule(); s != nil {
		if len(s.Sigma) != len(s.Alpha) || len(s.Beta) != len(s.Alpha) {
			return c, fmt.Errorf("a schedule with %d alpha, %d sigma, %d beta (as many of each): %w", len(s.Alpha), len(s.Sigma), len(s.Beta), contract.ErrShape)
		}
		c.Schedule = &diffusion.Schedule{Alpha: s.Alpha, Sigma: s.Sigma, Beta: s.Beta}
	}
	seen := map[string]bool{}
	for _, t := range w.GetState() {
		dt, shape, _, err := layout(t.GetName(), &pb.Tensor{Dtype: t.GetDtype(), Shape: t.GetShape()})
		if err != nil {
			return c, fmt.Errorf("state: %w", err)
		}
		if seen[t.GetName()] {
			return c, fmt.Errorf("state: two tensors are named %q: %w", t.GetName(), contract.ErrShape)
		}
		seen[t.GetName()] = true
		c.State = append(c.State, contract.StateTensor{Name: t.GetName(), DType: dt, Shape: shape})
	}
	if s := w.GetScheme(); s != nil {
		for _, x := range []float64{s.StepS, s.SpacingM, s.PeakHz, s.HighestHz} {
			if !(x > 0) || math.IsInf(x, 0) {
				return c, fmt.Errorf("a scheme with step %g s, spacing %g m, peak %g Hz, highest %g Hz (all above 0 and finite): %w",
					s.StepS, s.SpacingM, s.PeakHz, s.HighestHz, contract.ErrInternal)
			}
		}
		if !(s.ShearOfVp >= 0 && s.ShearOfVp < 1) {
			return c, fmt.Errorf("a scheme whose shear waves have %g of vp (0 to less than 1): %w", s.ShearOfVp, contract.ErrInternal)
		}
		c.Scheme = &seismic.Scheme{Order: int(s.Order), Staggered: s.Staggered, StepS: s.StepS, SpacingM: s.SpacingM, PeakHz: s.PeakHz, HighestHz: s.HighestHz, ShearOfVp: s.ShearOfVp}
	}
	return c, nil
}

func chainsToWire(c contract.Chains) (*pb.Chains, error) {
	n := len(c.ID)
	if c.Observation != nil && len(c.Observation) != n || c.NoiseStd != nil && len(c.NoiseStd) != n {
		return nil, fmt.Errorf("chains: %d numbers, %d observations, %d noise levels (as many of each, or none of the last two): %w",
			n, len(c.Observation), len(c.NoiseStd), contract.ErrShape)
	}
	id, err := toUint32s("chain id", c.ID)
	if err != nil {
		return nil, err
	}
	obs, err := toUint32s("observation", c.Observation)
	if err != nil {
		return nil, err
	}
	return &pb.Chains{Id: id, Observation: obs, NoiseStd: c.NoiseStd}, nil
}

func chainsFromWire(w *pb.Chains) (contract.Chains, error) {
	n := len(w.GetId())
	if k := len(w.GetObservation()); k != 0 && k != n {
		return contract.Chains{}, fmt.Errorf("chains: %d observations for %d chains: %w", k, n, contract.ErrShape)
	}
	if k := len(w.GetNoiseStd()); k != len(w.GetObservation()) {
		return contract.Chains{}, fmt.Errorf("chains: %d noise levels for %d observations: %w", k, len(w.GetObservation()), contract.ErrShape)
	}
	c := contract.Chains{ID: toInts(w.GetId()), Observation: toInts(w.GetObservation())}
	if len(w.GetNoiseStd()) > 0 {
		c.NoiseStd = w.NoiseStd
	}
	return c, nil
}
