package acoustic

import (
	"slices"

	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/core/space"
)

// Record is what receivers record.
type Record struct {
	Quantity        string   `option:"quantity" default:"pressure" oneof:"pressure,vx,vz" doc:"pressure: p itself, without a unit. vx, vz: a component of the particle velocity, downwards for vz, of the same waves in a medium of density rho where the wavelet is the moment rate of an explosion in N/s: minus the gradient of p over rho c^2, c the velocity at the sources. That is what solver elastic records of an explosion where there are no shear waves"`
	DensityKgM3     *float64 `option:"density_kg_m3" above:"0" unit:"kg/m3" doc:"rho; required for vx and vz"`
	SourceVelocityM *float64 `option:"source_velocity_m_s" above:"0" unit:"m/s" doc:"c; required for vx and vz. The source is v^2 q here and an explosion has no such factor: amplitudes are right where the models have this velocity at the sources"`
}

// check judges what the table cannot.
func (r *Record) check() error {
	given := r.DensityKgM3 != nil && r.SourceVelocityM != nil
	switch {
	case r.Quantity == "pressure" && (r.DensityKgM3 != nil || r.SourceVelocityM != nil):
		return invalid("record.density_kg_m3 and record.source_velocity_m_s go with record.quantity = \"vx\" or \"vz\", it is \"pressure\"")
	case r.Quantity != "pressure" && !given:
		return invalid("record.quantity = %q needs record.density_kg_m3 and record.source_velocity_m_s", r.Quantity)
	}
	return nil
}

// quantity is that of the data.
func (r *Record) quantity() space.Quantity {
	if r.Quantity == "pressure" {
		return space.Quantity{Name: "pressure", Unit: "1"}
	}
	return space.Quantity{Name: r.Quantity, Unit: "m/s"}
}

// nodes are the nodes and weights of a receiver at (z, x) in m: those of the point, or for a velocity those of the points half a
// spacing to both sides, the second-order difference of the interpolated field. Errors are those of seismic.Sinc: the points must
// lie on the grid.
//
// With P_tt = v^2 laplace P + q delta an explosion of moment rate q moves the medium by v = -grad P/rho (rho v_t = -grad p,
// p_t = -rho v^2 div v + q delta, so that p = P_t); this solver's p, of p_tt = ... + v^2 q delta, is c^2 P.
func (r *Record) nodes(s *seismic.Sinc, z, x float64) ([]seismic.Node, error) {
	if r.Quantity == "pressure" {
		return s.Nodes(z, x)
	}
	half := s.SpacingM / 2
	dz, dx := half, 0.0
	if r.Quantity == "vx" {
		dz, dx = 0, half
	}
	ahead, err := s.Nodes(z+dz, x+dx)
	if err != nil {
		return nil, err
	}
	behind, err := s.Nodes(z-dz, x-dx)
	if err != nil {
		return nil, err
	}
	scale := -1 / (s.SpacingM * *r.DensityKgM3 * *r.SourceVelocityM * *r.SourceVelocityM)
	for i := range ahead {
		ahead[i].Weight *= scale
	}
	for _, n := range behind {
		k := slices.IndexFunc(ahead, func(a seismic.Node) bool { return a.IZ == n.IZ && a.IX == n.IX })
		if k < 0 {
			k = len(ahead)
			ahead = append(ahead, seismic.Node{IZ: n.IZ, IX: n.IX})
		}
		ahead[k].Weight -= scale * n.Weight
	}
	return ahead, nil
}
