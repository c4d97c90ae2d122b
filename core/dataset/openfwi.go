package dataset

import (
	"fmt"
	"slices"

	"github.com/waveprior/waveprior/core/field"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

type openfwiOptions struct {
	examplesOption
	Family     string  `option:"family" oneof:"FlatVel_A,FlatVel_B,CurveVel_A,CurveVel_B,FlatFault_A,FlatFault_B,CurveFault_A,CurveFault_B,Style_A,Style_B" doc:"A: faster with depth, or smoother; B: in any order, or rougher"`
	Layers     int     `option:"layers" default:"0" min:"0" doc:"number of layers of every map, one that the family has; 0: all of them, equally often"`
	PoissonMin float64 `option:"poisson_min" default:"0.1" min:"0" max:"0.49" unit:"1" doc:"least Poisson's ratio, where the model has vs"`
	PoissonMax float64 `option:"poisson_max" default:"0.4" min:"0" max:"0.49" unit:"1" doc:"largest Poisson's ratio, where the model has vs"`
	Density    string  `option:"density" default:"constant" oneof:"constant,gardner" doc:"where the model has rho: the same everywhere, or Gardner's 310 vp^(1/4) kg/m3"`
	Rho        float64 `option:"rho" default:"2000" above:"0" unit:"kg/m3" doc:"the constant density"`
}

// drawsPerFamily keeps the families' random numbers apart: item i of one has nothing to do with item i of another.
const drawsPerFamily = 16

// build draws geology of package field; what of P velocity, S velocity and density a model has, in its order.
func (o *openfwiOptions) build(model *space.Space) (population, error) {
	z, x, err := section(model)
	if err != nil {
		return population{}, err
	}
	family, err := field.FamilyByName(o.Family)
	if err != nil {
		return population{}, err
	}
	if o.PoissonMin > o.PoissonMax {
		return population{}, keyError("poisson_max", "%g, poisson_min is %g (allowed: not below it)", o.PoissonMax, o.PoissonMin)
	}
	rock, err := field.NewGeology(family, field.GeologyOptions{Layers: o.Layers, PoissonMin: o.PoissonMin, PoissonMax: o.PoissonMax})
	if err != nil {
		return population{}, keyError("layers", "%v", err)
	}
	own := space.Space{Name: "geology", DType: tensor.Float64, Axes: []space.Axis{{Name: "field", Size: 1}, z.Cells(field.Rows), x.Cells(field.Columns)},
		Quantities: []space.Quantity{{Name: "vp", Unit: "m/s"}}}
	elastic, plain := false, len(model.Axes) == 3 && model.Axes[0].Name == "field" && z.Size == field.Rows && x.Size == field.Columns
	for _, q := range geologyOf(model) {
		elastic = elastic || q.Name == "vs"
		own.Quantities = append(own.Quantities, q)
	}
	own.Axes[0].Size = len(own.Quantities)
	const n = field.Rows * field.Columns
	first := drawsPerFamily * uint32(slices.Index(field.FamilyNames(), o.Family))
	p := population{examples: o.Examples, space: &own, row: func(m []float64, _ int, source func(uint32) rng.Source) {
		vp := m[:n]
		var nu []float64
		if elastic {
			nu = make([]float64, n)
		}
		rock.Draw(vp, nu, func(draw uint32) rng.Source { return source(first + draw) })
		for k, q := range own.Quantities[1:] {
			out := m[(k+1)*n : (k+2)*n]
			for i, v := range vp {
				switch {
				case q.Name == "vs":
					out[i] = field.SVelocity(v, nu[i])
				case o.Density == "gardner":
					out[i] = field.GardnerDensity(v)
				default:
					out[i] = o.Rho
				}
			}
		}
	}}
	if plain && len(own.Quantities) == 1 && len(model.Quantities) == 1 && model.Quantities[0].Name == "vp" && model.Quantities[0].Unit == "m/s" {
		p.space = nil // the numbers are the model's
	}
	return p, nil
}

// OpenFWIModel is the space of the published maps: P velocity on 70 x 70 cells of 10 m, float32. An elastic one has S
// velocity too, and cells of 5 m.
func OpenFWIModel(elastic bool) space.Space {
	h := 10.0
	s := space.Space{Name: "model", DType: tensor.Float32, Quantities: []space.Quantity{{Name: "vp", Unit: "m/s"}}}
	if elastic {
		h = 5
		s.Quantities = append(s.Quantities, space.Quantity{Name: "vs", Unit: "m/s"})
	}
	s.Axes = []space.Axis{{Name: "field", Size: len(s.Quantities)}, {Name: "z", Unit: "m", Size: field.Rows, Step: h}, {Name: "x", Unit: "m", Size: field.Columns, Step: h}}
	return s
}

// OpenFWIModelOf is the space of the maps for a solver's model: its quantities among P velocity, S velocity and density, in
// SI units, and 70 x 70 cells that cover its grid, float32. Errors: a model without z and x.
func OpenFWIModelOf(model *space.Space) (space.Space, error) {
	z, x, err := section(model)
	if err != nil {
		return space.Space{}, fmt.Errorf("dataset: geology: %w", err)
	}
	s := OpenFWIModel(false)
	s.Axes[1], s.Axes[2] = z.Cells(field.Rows), x.Cells(field.Columns)
	s.Quantities = append(s.Quantities, geologyOf(model)...)
	s.Axes[0].Size = len(s.Quantities)
	return s, nil
}

// geologyOf returns what geology has of a model beside P velocity.
func geologyOf(model *space.Space) (q []space.Quantity) {
	for _, want := range model.Quantities {
		switch want.Name {
		case "vs":
			q = append(q, space.Quantity{Name: "vs", Unit: "m/s"})
		case "rho":
			q = append(q, space.Quantity{Name: "rho", Unit: "kg/m3"})
		}
	}
	return q
}
