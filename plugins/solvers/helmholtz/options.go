package helmholtz

import (
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/seismic"
)

// Options is the solver's TOML table.
type Options struct {
	Grid            Grid              `option:"grid" doc:"the model's grid: nz x nx nodes, node (iz, ix) at depth iz spacing_m and offset ix spacing_m"`
	Boundary        Boundary          `option:"boundary" doc:"the absorbing layer around the grid; the model's edge is continued into it"`
	FrequencyHz     []float64         `option:"frequency_hz" above:"0" len:"1.." unit:"Hz" doc:"frequencies, in the order of the data's first axis; no two alike"`
	Sources         seismic.Positions `option:"sources" doc:"point sources, one shot each: positions_m, or a line of z_m, x_first_m, x_last_m and count. A point belongs to node floor(z/spacing_m), floor(x/spacing_m): it is rounded down to the cell that it lies in"`
	Receivers       seismic.Positions `option:"receivers" doc:"receivers, the same for every shot: positions_m, or a line of z_m, x_first_m, x_last_m and count. A point belongs to node floor(z/spacing_m), floor(x/spacing_m): it is rounded down to the cell that it lies in"`
	Precision       string            `option:"precision" default:"float32" oneof:"float32,float64" doc:"of the factorisation and the wavefields, and of the spaces: float32 models with complex64 data, or float64 with complex128"`
	RefinementSteps int               `option:"refinement_steps" default:"0" min:"0" max:"10" doc:"steps of iterative refinement of every solve, residuals in float64; each costs as much as the solve. Without any, float32 data are good to some 1e-6 to 1e-5 of their norm, and where the first shot's residual is above 5e-5 (slow and rough models) that model and frequency is solved in float64 at about twice the cost"`
	EdgeGradient    string            `option:"edge_gradient" default:"exact" oneof:"exact,published" doc:"exact: the absorbing layer's share of the gradient is added to the edge cells that were continued into it. published: it is left out, as the memorization study's code does, and the gradient is no longer that of the misfit"`
}

// Grid is the model's grid.
type Grid struct {
	NZ       int     `option:"nz" min:"2" max:"8192" doc:"nodes in depth"`
	NX       int     `option:"nx" min:"2" max:"8192" doc:"nodes across"`
	SpacingM float64 `option:"spacing_m" above:"0" unit:"m" doc:"distance of nodes"`
}

// Boundary is the absorbing layer.
type Boundary struct {
	Kind     string  `option:"kind" default:"pml" oneof:"pml" doc:"pml: a perfectly matched layer, s = 1 + i sigma/omega, sigma = sigma_max (d/L)^2, zero flux at its outer edge"`
	Cells    int     `option:"cells" min:"1" max:"1024" doc:"nodes of the layer on every side"`
	SigmaMax float64 `option:"sigma_max" above:"0" unit:"1/s" doc:"damping at the outermost node"`
}

// invalid is an error of the options.
func invalid(format string, args ...any) error {
	return fmt.Errorf("solver helmholtz: "+format+": %w", append(args, contract.ErrInvalidOption)...)
}

// check judges what the table cannot: options that depend on each other.
func (o *Options) check() error {
	for i, f := range o.FrequencyHz {
		for j, g := range o.FrequencyHz[:i] {
			if f == g {
				return invalid("frequency_hz %d and %d are both %g Hz: give each frequency once", j, i, f)
			}
		}
	}
	return nil
}
