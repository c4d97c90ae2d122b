package dataset

import (
	"fmt"

	"github.com/waveprior/waveprior/core/field"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

type fieldOptions struct {
	examplesOption
	Noise        string  `option:"noise" default:"hermitian" oneof:"hermitian,real" doc:"hermitian: stationary Gaussian fields; real: the published generator, which multiplies the spectrum with real white noise, so that every field is point-symmetric and has half of the variance"`
	Alpha        float64 `option:"alpha" default:"3" doc:"exponent of the root spectrum (4 pi^2 k^2 + tau^2)^(-alpha/2), k integer; smaller is rougher"`
	Tau          float64 `option:"tau" default:"5" min:"0" doc:"inverse correlation length, in 1/side of the square"`
	Grid         int     `option:"grid" default:"64" min:"2" max:"4096" doc:"points per side on which the field is drawn"`
	VSlow        float64 `option:"v_slow" default:"1500" above:"0" unit:"m/s" doc:"velocity three standard deviations of squared slowness on the slow side of the mean"`
	VFast        float64 `option:"v_fast" default:"3000" above:"0" unit:"m/s" doc:"velocity three standard deviations of squared slowness on the fast side of the mean"`
	KLModes      int     `option:"kl_modes" default:"0" min:"0" doc:"K: an item is the field's projection on K^2 cosines, evaluated on the model's grid; 0: the field itself, interpolated linearly to the model's grid"`
	KLExponent   float64 `option:"kl_exponent" default:"1.1" doc:"exponent p of the KL basis; it changes no item but by rounding"`
	KLBackground float64 `option:"kl_background" default:"0.25" unit:"s2/km2" doc:"background of the KL basis: what the projection leaves where it keeps nothing"`
	KLAmplitude  float64 `option:"kl_amplitude" default:"0.02" above:"0" unit:"s2/km2" doc:"amplitude of the KL basis; it changes no item but by rounding"`
	KLFloor      float64 `option:"kl_floor" default:"1e-6" above:"0" unit:"s2/km2" doc:"least value of an item, of the field itself too"`
}

// build draws the field of package field whose white noise are the normals of draw 0: mean (a+b)/2 and standard deviation
// (b-a)/6, a = 1/v_fast^2 and b = 1/v_slow^2 (memorisation study, section 3).
func (o *fieldOptions) build(model *space.Space) (population, error) {
	z, x, err := section(model)
	if err != nil {
		return population{}, err
	}
	if o.VFast <= o.VSlow {
		return population{}, keyError("v_fast", "%g m/s, v_slow is %g m/s (allowed: faster)", o.VFast, o.VSlow)
	}
	a, b := 1e6/(o.VFast*o.VFast), 1e6/(o.VSlow*o.VSlow) // s2/km2
	g, err := field.NewGaussian(field.Spectrum{Grid: o.Grid, Alpha: o.Alpha, Tau: o.Tau, Mean: (a + b) / 2, Std: (b - a) / 6, Noise: field.Noise(o.Noise)})
	if err != nil {
		return population{}, err
	}
	own := space.Space{Name: "field", DType: tensor.Float64, Quantities: []space.Quantity{{Name: "squared_slowness", Unit: "s2/km2"}}}
	if o.KLModes == 0 {
		for _, axis := range []*space.Axis{z, x} {
			own.Axes = append(own.Axes, axis.Cells(o.Grid))
		}
		return population{examples: o.Examples, space: &own, row: func(m []float64, _ int, source func(uint32) rng.Source) {
			g.Draw(m, source(0))
			for i, v := range m {
				m[i] = max(v, o.KLFloor)
			}
		}}, nil
	}
	own.Axes = []space.Axis{*z, *x}
	basis := field.KLOptions{Modes: o.KLModes, Exponent: o.KLExponent, Background: o.KLBackground, Amplitude: o.KLAmplitude, Floor: o.KLFloor}
	from, err := field.NewKL(basis, o.Grid, o.Grid)
	if err != nil {
		return population{}, err
	}
	to, err := field.NewKL(basis, z.Size, x.Size)
	if err != nil {
		return population{}, err
	}
	return population{examples: o.Examples, space: &own, row: func(m []float64, _ int, source func(uint32) rng.Source) {
		f, c := make([]float64, o.Grid*o.Grid), make([]float64, to.Dim())
		g.Draw(f, source(0))
		from.Project(c, f)
		to.Evaluate(m, c)
	}}, nil
}

// section returns the z and x axes of a model.
func section(model *space.Space) (z, x *space.Axis, err error) {
	for i := range model.Axes {
		switch a := &model.Axes[i]; a.Name {
		case "z":
			z = a
		case "x":
			x = a
		}
	}
	if z == nil || x == nil {
		return nil, nil, fmt.Errorf("it draws models with the axes z and x, the solver takes %v", model)
	}
	return z, x, nil
}
