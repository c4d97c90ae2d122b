package judge

import (
	"encoding/json"
	"errors"
	"io"
	"path/filepath"

	"github.com/waveprior/waveprior/core/commit"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// FieldFile is the judge stage's description of the field arrays beside it (field_*.npy, gallery_*.npy): a [Field] as JSON.
// It is there where models are fields over z and x.
const FieldFile = "field.json"

// Field says what the numbers of a field array (items, NZ, NX) are: values of one quantity over z (down) and x.
type Field struct {
	Quantity string  `json:"quantity"`
	Unit     string  `json:"unit"`
	NZ       int     `json:"nz"`
	NX       int     `json:"nx"`
	Z0       float64 `json:"z0_m"`
	X0       float64 `json:"x0_m"`
	DZ       float64 `json:"dz_m"` // 0: the axes have no positions
	DX       float64 `json:"dx_m"`
}

// view takes models to the field that people look at: P velocity in m/s where the model has it or a power of it (squared
// slowness), else the first quantity in its own unit.
type view struct {
	Field
	adapter  *space.Adapter
	velocity bool
}

// newView returns nil for models that are no fields over z and x.
func newView(model *space.Space) (*view, error) {
	var z, x *space.Axis
	for i := range model.Axes {
		switch a := &model.Axes[i]; a.Name {
		case "z":
			z = a
		case "x":
			x = a
		}
	}
	if z == nil || x == nil || z.Size < 2 || x.Size < 2 {
		return nil, nil
	}
	first := model.Quantities[0]
	for _, q := range []space.Quantity{{Name: "vp", Unit: "m/s"}, {Name: first.Name, Unit: first.Unit}} {
		to := space.Space{Name: "view", DType: tensor.Float64, Axes: []space.Axis{*z, *x}, Quantities: []space.Quantity{q}}
		a, err := space.Between(*model, to)
		if errors.Is(err, space.ErrNoAdapter) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return &view{Field: Field{Quantity: q.Name, Unit: q.Unit, NZ: z.Size, NX: x.Size, Z0: z.Origin, X0: x.Origin, DZ: z.Step, DX: x.Step},
			adapter: a, velocity: q.Name == "vp"}, nil
	}
	return nil, nil // a model with more axes than these
}

// cells is the number of values of the view.
func (v *view) cells() int { return v.NZ * v.NX }

// of takes models (n, cells of the model) to the view (n, nz*nx). A model that has no velocity is NaN.
func (v *view) of(models []float64) ([]float64, error) { return apply(v.adapter, models) }

// apply carries items (n, in) through an adapter: (n, out), as float64. Items are rounded to the dtype of the adapter's
// input first, which they come from. An item that fails is NaN.
func apply(a *space.Adapter, items []float64) ([]float64, error) {
	in, out := a.In(), a.Out()
	d := in.Reals()
	n := len(items) / d
	v := make([]float64, 0, n*out.Reals())
	for lo := 0; lo < n; lo += chunk {
		hi := min(lo+chunk, n)
		x, y := in.New(hi-lo), out.New(hi-lo)
		x.SetReals(items[lo*d : hi*d])
		failed, err := a.Apply(x, y)
		if err != nil {
			return nil, err
		}
		for i, bad := range failed {
			if bad != nil {
				y.Item(i).SetReals(nans(out.Reals()))
			}
		}
		v = y.AppendReals(v)
	}
	return v, nil
}

// saveField writes an array of n fields of the view, (n, nz, nx).
func (j *judging) saveField(name string, v []float64) error {
	return j.save(name, v, len(v)/j.view.cells(), j.view.NZ, j.view.NX)
}

// describeField writes FieldFile.
func (j *judging) describeField() error {
	if j.view == nil {
		return nil
	}
	return commit.WriteFile(filepath.Join(j.Dir, FieldFile), func(w io.Writer) error {
		return json.NewEncoder(w).Encode(j.view.Field)
	})
}
