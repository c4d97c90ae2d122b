package space

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/field"
	"github.com/waveprior/waveprior/core/tensor"
)

// KLOptions are those of kind "kl": see KL.
type KLOptions struct {
	Kind       string  `option:"kind" oneof:"kl" doc:"coordinates of the projection on the KL basis of cosines: modes^2 numbers of a model of squared slowness"`
	Modes      int     `option:"modes" default:"10" min:"1" doc:"K: number of cosines in either direction, less than the cells"`
	Exponent   float64 `option:"exponent" default:"1.1" doc:"exponent p of the eigenvalues (pi^2 ((i1 + 1/2)^2 + (i2 + 1/2)^2))^(-p/2)"`
	Background float64 `option:"background" default:"0.25" unit:"s2/km2" doc:"what is subtracted from the model"`
	Amplitude  float64 `option:"amplitude" default:"0.02" above:"0" unit:"s2/km2" doc:"factor sigma_m of the basis"`
}

// klProjection is the projection on a KL basis: affine, so that no point is needed.
type klProjection struct{ basis *field.KL }

func (p klProjection) Apply(x, y []float64) error {
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			_, nx := p.basis.Grid()
			return fmt.Errorf("squared_slowness is %g at [%d %d]: a projection needs it finite", v, i/nx, i%nx)
		}
	}
	p.basis.Project(y, x)
	return nil
}

func (p klProjection) JVP(_, dx, dy []float64) { p.basis.ProjectLinear(dy, dx) }
func (p klProjection) VJP(_, w, dx []float64)  { p.basis.ProjectTranspose(dx, w) }
func (p klProjection) ConstantJacobian() bool  { return true }

// KL returns the projection of a model of squared slowness in s2/km2 on the axes z and x (and a field axis of size 1, or
// none) to its KL coordinates (field.KL.Project), in float64: axis "coordinate", in which distances between models are
// measured. The floor of o is not looked at. Errors: another quantity or unit (adapter "convert" makes the right one),
// other axes, and what field.NewKL says.
func KL(in Space, o field.KLOptions) (*Adapter, error) {
	z, x := in.axis("z"), in.axis("x")
	f := in.fieldAxis()
	extra := 0
	if f >= 0 {
		extra = 1
	}
	if z < 0 || x != z+1 || len(in.Axes) != 2+extra || f > 0 || len(in.Quantities) != 1 || in.DType.IsComplex() {
		return nil, fmt.Errorf("%w: kl: of %s (allowed: one real field on the axes z, x)", ErrNoAdapter, &in)
	}
	if q := in.Quantities[0]; q.Name != "squared_slowness" || q.Unit != "s2/km2" {
		return nil, fmt.Errorf("%w: kl: of %s in %s (allowed: squared_slowness in s2/km2; the adapter \"convert\" makes it)", ErrNoAdapter, q.Name, q.Unit)
	}
	o.Floor = math.Inf(-1)
	basis, err := field.NewKL(o, in.Axes[z].Size, in.Axes[x].Size)
	if err != nil {
		return nil, err
	}
	out := in
	out.DType = tensor.Float64
	out.Axes = []Axis{{Name: "coordinate", Size: basis.Dim()}}
	out.Quantities = []Quantity{{Name: "kl_coordinate", Unit: "1"}}
	return New(fmt.Sprintf("kl %d x %d", o.Modes, o.Modes), in, out, klProjection{basis})
}

func buildKL(in Space, o *KLOptions) (*Adapter, error) {
	return KL(in, field.KLOptions{Modes: o.Modes, Exponent: o.Exponent, Background: o.Background, Amplitude: o.Amplitude})
}
