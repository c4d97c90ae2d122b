package space

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/waveprior/waveprior/core/config"
)

// ClampOptions are those of kind "clamp": see Clamp.
type ClampOptions struct {
	Kind  string  `option:"kind" oneof:"clamp" doc:"hold values within bounds; the gradient is 0 where it acts"`
	Field string  `option:"field" default:"" doc:"quantity that is held, empty: all"`
	Lower float64 `option:"lower" default:"-inf" allow:"inf" doc:"lower bound, in the field's unit"`
	Upper float64 `option:"upper" default:"inf" allow:"inf" doc:"upper bound, in the field's unit"`
}

// AffineOptions are those of kind "affine": see Affine.
type AffineOptions struct {
	Kind   string  `option:"kind" oneof:"affine" doc:"scale x + offset"`
	Field  string  `option:"field" default:"" doc:"quantity that is changed, empty: all"`
	Scale  float64 `option:"scale" default:"1.0" doc:"factor, not 0"`
	Offset float64 `option:"offset" default:"0.0" doc:"what is added after scaling; 0 for complex data"`
	Unit   string  `option:"to_unit" default:"1" doc:"unit of the result"`
}

// SignedLogOptions are those of kind "signed-log": see SignedLog.
type SignedLogOptions struct {
	Kind  string  `option:"kind" oneof:"signed-log" doc:"sign(x) log(1 + |x|/scale) of every real number"`
	Scale float64 `option:"scale" above:"0" doc:"where linear turns to logarithmic, in the data's unit"`
}

// SelectOptions are those of the kinds "shots", "receivers", "frequencies", "fields" and "components": see Select.
type SelectOptions struct {
	Kind  string `option:"kind" oneof:"shots,receivers,frequencies,fields,components" doc:"keep these indices of an axis"`
	Index []int  `option:"index" default:"[]" min:"0" doc:"indices to keep, in this order (or first, step and count)"`
	First int    `option:"first" default:"0" min:"0" doc:"first index, where index is empty"`
	Step  int    `option:"step" default:"1" min:"1" doc:"every how many, where index is empty"`
	Count int    `option:"count" default:"0" min:"0" doc:"how many, 0: to the end; where index is empty"`
}

// ResampleOptions are those of kind "resample": see Resample.
type ResampleOptions struct {
	Kind   string   `option:"kind" oneof:"resample" doc:"linear interpolation along a regular axis (no filter: choose a step that holds the signal)"`
	Axis   string   `option:"axis" oneof:"z,x,time" doc:"axis that is resampled"`
	Size   int      `option:"size" min:"1" doc:"number of positions"`
	Step   *float64 `option:"step" above:"0" doc:"spacing, in the axis' unit; absent: the extent is kept"`
	Origin *float64 `option:"origin" doc:"position of index 0, in the axis' unit; absent: as it is"`
}

// UnitOptions are those of kind "convert": another quantity or unit, see Between.
type UnitOptions struct {
	Kind  string `option:"kind" oneof:"convert" doc:"another unit, or another of vp, slowness and squared_slowness"`
	Field string `option:"field" doc:"quantity that is converted"`
	To    string `option:"to" default:"" doc:"quantity that it becomes, empty: the same"`
	Unit  string `option:"to_unit" doc:"unit of the result"`
}

// kind is one kind of adapter table: its options, zero, and what it makes of a table.
type kind struct {
	name    string
	options any
	build   func(in Space, table map[string]any) (*Adapter, error)
}

// built decodes the table into options of type O and builds.
func built[O any](build func(in Space, o *O) (*Adapter, error)) func(Space, map[string]any) (*Adapter, error) {
	return func(in Space, table map[string]any) (*Adapter, error) {
		var o O
		if err := config.DecodeTree(table, &o); err != nil {
			return nil, err
		}
		return build(in, &o)
	}
}

// selected are the axes of the kinds that select.
var selected = map[string]string{"shots": "shot", "receivers": "receiver", "frequencies": "frequency", "fields": "field", "components": "component"}

func kinds() []kind {
	list := []kind{
		{"affine", AffineOptions{}, built(func(in Space, o *AffineOptions) (*Adapter, error) {
			return Affine(in, o.Field, o.Scale, o.Offset, o.Unit)
		})},
		{"band-pass", BandOptions{}, built(func(in Space, o *BandOptions) (*Adapter, error) {
			high := 0.0
			if o.HighHz != nil {
				high = *o.HighHz
			}
			return BandPass(in, o.LowHz, high, o.Order)
		})},
		{"clamp", ClampOptions{}, built(func(in Space, o *ClampOptions) (*Adapter, error) {
			if math.IsInf(o.Lower, -1) && math.IsInf(o.Upper, 1) {
				return nil, errors.New("space: clamp without a bound (give lower, upper or both)")
			}
			return Clamp(in, o.Field, o.Lower, o.Upper)
		})},
		{"convert", UnitOptions{}, built(buildConvert)},
		{"kl", KLOptions{}, built(buildKL)},
		{"resample", ResampleOptions{}, built(buildResample)},
		{"signed-log", SignedLogOptions{}, built(func(in Space, o *SignedLogOptions) (*Adapter, error) {
			return SignedLog(in, o.Scale)
		})},
	}
	for _, name := range []string{"shots", "receivers", "frequencies", "fields", "components"} {
		list = append(list, kind{name, SelectOptions{}, built(buildSelect)})
	}
	return list
}

// Kinds lists what the key "kind" of an adapter table may be.
func Kinds() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	slices.Sort(names)
	return names
}

// KindOptions returns the option table of one kind of adapter table, for help and docs.
func KindOptions(name string) ([]config.Option, error) {
	for _, k := range kinds() {
		if k.name == name {
			return config.Table(k.options)
		}
	}
	return nil, fmt.Errorf("space: no adapter of kind %q (allowed: %v)", name, Kinds())
}

// FromOptions builds the adapters that an experiment asks for by itself, in order: each table of [solver.adapt] or
// [data.adapt] has a kind and that kind's options (KindOptions). No table gives the identity. Errors are
// *config.KeyError with the table's index as the first key.
//
//	[[data.adapt]]
//	kind = "shots"
//	first = 0
//	step = 2
func FromOptions(in Space, tables []map[string]any) (*Adapter, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	c := Identity(in)
	for i, t := range tables {
		at := config.Path{}.Item(i)
		name, _ := t["kind"].(string)
		j := slices.IndexFunc(kinds(), func(k kind) bool { return k.name == name })
		if j < 0 {
			return nil, &config.KeyError{Path: at.Join("kind"), Text: fmt.Sprintf("no adapter of kind %q (allowed: %v)", name, Kinds())}
		}
		a, err := kinds()[j].build(c.out, t)
		if err != nil {
			return nil, under(at, err)
		}
		if c, err = Chain(c, a); err != nil {
			return nil, under(at, err)
		}
	}
	return c, nil
}

// under puts a table's place before the keys that an error names.
func under(at config.Path, err error) error {
	var errs []error
	for _, e := range config.All(err) {
		var k *config.KeyError
		if errors.As(e, &k) {
			moved := *k
			moved.Path = append(slices.Clone(at), k.Path...)
			errs = append(errs, &moved)
			continue
		}
		errs = append(errs, &config.KeyError{Path: at, Text: e.Error()})
	}
	return errors.Join(errs...)
}

func buildSelect(in Space, o *SelectOptions) (*Adapter, error) {
	axis := selected[o.Kind]
	a := in.axis(axis)
	if a < 0 {
		return nil, fmt.Errorf("space: %s: no axis %q in %s", o.Kind, axis, &in)
	}
	index := o.Index
	if len(index) == 0 {
		for k := o.First; k < in.Axes[a].Size && (o.Count == 0 || len(index) < o.Count); k += o.Step {
			index = append(index, k)
		}
		if len(index) < o.Count {
			return nil, fmt.Errorf("space: %s: %d from %d in steps of %d (axis %s has 0..%d)", o.Kind, o.Count, o.First, o.Step, axis, in.Axes[a].Size-1)
		}
	} else if o.First != 0 || o.Step != 1 || o.Count != 0 {
		return nil, fmt.Errorf("space: %s: index and first, step or count (allowed: one of both ways)", o.Kind)
	}
	return Select(in, axis, index)
}

func buildResample(in Space, o *ResampleOptions) (*Adapter, error) {
	a := in.axis(o.Axis)
	if a < 0 {
		return nil, fmt.Errorf("space: resample: no axis %q in %s", o.Axis, &in)
	}
	to := Axis{Name: o.Axis, Unit: in.Axes[a].Unit, Size: o.Size, Origin: in.Axes[a].Origin}
	if o.Origin != nil {
		to.Origin = *o.Origin
	}
	switch {
	case o.Step != nil:
		to.Step = *o.Step
	case o.Size > 1:
		to.Step = (in.Axes[a].last() - to.Origin) / float64(o.Size-1)
	default:
		to.Step = in.Axes[a].Step
	}
	return Resample(in, o.Axis, to)
}

func buildConvert(in Space, o *UnitOptions) (*Adapter, error) {
	to := in.withQuantities(o.Field, func(q Quantity) Quantity {
		if o.To != "" {
			q.Name = o.To
		}
		return Quantity{Name: q.Name, Unit: o.Unit}
	})
	if _, named := in.laws(o.Field, powerLaw{1, 2}); named == 0 || o.Field == "" {
		return nil, fmt.Errorf("space: convert: no field %q in %s", o.Field, &in)
	}
	return Between(in, to)
}
