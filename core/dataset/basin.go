package dataset

import (
	"fmt"

	"github.com/waveprior/waveprior/core/field"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

type basinOptions struct {
	examplesOption
	WaterM  float64 `option:"water_m" default:"150" min:"0" unit:"m" doc:"depth of the sea floor; water is 1500 m/s"`
	Layers  int     `option:"layers" default:"18" min:"2" max:"200" doc:"number of beds"`
	Faults  int     `option:"faults" default:"3" min:"0" max:"20" doc:"number of normal faults, which end at the unconformity"`
	VTop    float64 `option:"v_top" default:"1700" min:"1500" unit:"m/s" doc:"velocity of the youngest bed"`
	VBottom float64 `option:"v_bottom" default:"4200" above:"1500" unit:"m/s" doc:"velocity of the rock below all beds, and the greatest"`
	Poisson float64 `option:"poisson" default:"0.25" min:"0" max:"0.49" unit:"1" doc:"Poisson's ratio of all rock, where the model has vs; of the water, too. Where it has rho: Gardner's 310 vp^(1/4) kg/m3"`
}

// build draws sections of package field on the model's own grid; what of P velocity, S velocity and density a model has.
func (o *basinOptions) build(model *space.Space) (population, error) {
	z, x, err := section(model)
	if err != nil {
		return population{}, err
	}
	if !(z.Step > 0 && x.Step > 0) || z.Unit != "m" || x.Unit != "m" {
		return population{}, fmt.Errorf("it draws models whose z and x axes have positions in m, the solver takes %v", model)
	}
	own := space.Space{Name: "basin", DType: tensor.Float64, Axes: []space.Axis{{Name: "field", Size: 1}, *z, *x}, Quantities: []space.Quantity{{Name: "vp", Unit: "m/s"}}}
	own.Quantities = append(own.Quantities, geologyOf(model)...)
	own.Axes[0].Size = len(own.Quantities)
	b := field.Basin{Width: float64(x.Size-1) * x.Step, Depth: z.Origin + float64(z.Size-1)*z.Step, Water: o.WaterM, Layers: o.Layers, Faults: o.Faults, Top: o.VTop, Bottom: o.VBottom}
	if err := b.Validate(); err != nil {
		return population{}, err
	}
	n := z.Size * x.Size
	return population{examples: o.Examples, space: &own, row: func(m []float64, _ int, source func(uint32) rng.Source) {
		vp := m[:n]
		b.Draw(vp, z.Size, x.Size, z.Origin, z.Step, 0, x.Step, source)
		for k, q := range own.Quantities[1:] {
			out := m[(k+1)*n : (k+2)*n]
			for i, v := range vp {
				if q.Name == "vs" {
					out[i] = field.SVelocity(v, o.Poisson)
				} else {
					out[i] = field.GardnerDensity(v)
				}
			}
		}
	}}, nil
}
