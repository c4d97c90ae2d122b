package elastic

import (
	"math"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/plugins/solvers/internal/intime"
)

// earth says which of vp, vs and rho a model has, and how the others come from vp.
type earth struct {
	nodes   int
	vs, rho bool    // are fields of the model
	ratio   float64 // vs/vp, where vs is none
	density float64 // kg/m3, where rho is none; 0: 310 vp^0.25
}

// fields is how many fields a model has.
func (e *earth) fields() int {
	n := 1
	for _, given := range []bool{e.vs, e.rho} {
		if given {
			n++
		}
	}
	return n
}

// gardner is rho of vp, and its derivative.
func gardner(vp float64) (rho, slope float64) {
	rho = 310 * math.Pow(vp, 0.25)
	return rho, 0.25 * rho / vp
}

// at returns vs and rho of node i of a model, and their derivatives with respect to vp where they come from that.
func at[T cuda.Float](e *earth, m []T, i int) (vs, rho, dvs, drho float64) {
	vp := float64(m[i])
	vs, dvs = e.ratio*vp, e.ratio
	if e.vs {
		vs, dvs = float64(m[e.nodes+i]), 0
	}
	switch {
	case e.rho:
		rho = float64(m[(e.fields()-1)*e.nodes+i])
	case e.density > 0:
		rho = e.density
	default:
		rho, drho = gardner(vp)
	}
	return vs, rho, dvs, drho
}

// computed is a propagator's plan for models with fewer fields than it takes: vs and rho are computed from vp, and gradients
// follow the chain back.
type computed[T cuda.Float] struct {
	e    *earth
	plan intime.Plan[T] // of vp, vs and rho
}

func (c *computed[T]) Close() error { return c.plan.Close() }

// all makes models (models, 3, nodes) of models (models, fields, nodes).
func (c *computed[T]) all(m []T) []T {
	e, per := c.e, c.e.fields()*c.e.nodes
	out := make([]T, len(m)/e.fields()*3)
	for k := range len(m) / per {
		from, to := m[k*per:][:per], out[k*3*e.nodes:][:3*e.nodes]
		for i := range e.nodes {
			vs, rho, _, _ := at(e, from, i)
			to[i], to[e.nodes+i], to[2*e.nodes+i] = from[i], T(vs), T(rho)
		}
	}
	return out
}

// directions makes directions of all fields, item by item of dm (sets, many, fields, nodes), about the models m, of which there is
// one for each set or, where there is one set, one set of directions for each.
func (c *computed[T]) directions(m, dm []T, many int) []T {
	e, per := c.e, c.e.fields()*c.e.nodes
	models, sets := len(m)/per, len(dm)/(many*per)
	out := make([]T, models*many*3*e.nodes)
	for k := range models * many {
		model := m[k/many*per:][:per]
		set := k
		if sets == 1 {
			set = k % many
		}
		from, to := dm[set*per:][:per], out[k*3*e.nodes:][:3*e.nodes]
		for i := range e.nodes {
			_, _, dvs, drho := at(e, model, i)
			to[i], to[e.nodes+i], to[2*e.nodes+i] = from[i], T(dvs*float64(from[i])), T(drho*float64(from[i]))
			if e.vs {
				to[e.nodes+i] = from[e.nodes+i]
			}
			if e.rho {
				to[2*e.nodes+i] = from[(e.fields()-1)*e.nodes+i]
			}
		}
	}
	return out
}

// back makes gradients g (models, many, fields, nodes) of those of all fields.
func (c *computed[T]) back(m []T, all, g []float64, many int) {
	e, per := c.e, c.e.fields()*c.e.nodes
	for k := range len(g) / per {
		model, from, to := m[k/many*per:][:per], all[k*3*e.nodes:][:3*e.nodes], g[k*per:][:per]
		for i := range e.nodes {
			_, _, dvs, drho := at(e, model, i)
			to[i] = from[i] + dvs*from[e.nodes+i] + drho*from[2*e.nodes+i]
			if e.vs {
				to[e.nodes+i] = from[e.nodes+i]
			}
			if e.rho {
				to[(e.fields()-1)*e.nodes+i] = from[2*e.nodes+i]
			}
		}
	}
}

// Forward implements intime.Plan.
func (c *computed[T]) Forward(m, d []T) error { return c.plan.Forward(c.all(m), d) }

// Gradient implements intime.Plan.
func (c *computed[T]) Gradient(m, observed []T, which []int, d []T, g []float64) error {
	all := make([]float64, len(g)/c.e.fields()*3)
	if err := c.plan.Gradient(c.all(m), observed, which, d, all); err != nil {
		return err
	}
	c.back(m, all, g, 1)
	return nil
}

// JVP implements intime.Plan.
func (c *computed[T]) JVP(m, dm []T, many int, dd []T) error {
	return c.plan.JVP(c.all(m), c.directions(m, dm, many), many, dd)
}

// VJP implements intime.Plan.
func (c *computed[T]) VJP(m, w []T, many int, g []float64) error {
	all := make([]float64, len(g)/c.e.fields()*3)
	if err := c.plan.VJP(c.all(m), w, many, all); err != nil {
		return err
	}
	c.back(m, all, g, many)
	return nil
}
