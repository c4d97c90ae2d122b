package gmm

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// TestDecode: exact in float64, rounded to nearest in float32; derivatives are the identity, and adjoint to each other.
func TestDecode(t *testing.T) {
	const seed, batch, k, d = 5, 4, 3, 6
	for _, dt := range []tensor.DType{tensor.Float64, tensor.Float32} {
		s := model(dt, d)
		p := contract.LocalPrior(New())
		c, err := p.Configure(ctx, contract.Config{Options: json.RawMessage(`{}`), Target: []space.Space{s}})
		if err != nil {
			t.Fatal(err)
		}
		if c.Latent.DType != tensor.Float64 || c.Model.DType != dt || c.Latent.Name != "latent" || c.Latent.Quantities[0].Lower != nil || c.Model.Quantities[0].Lower == nil {
			t.Errorf("spaces %v, %v", c.Latent, c.Model)
		}
		z, m, back := normals(seed, "z", batch, d), c.Model.New(batch), c.Latent.New(batch)
		status, err := p.Decode(ctx, z, m, nil)
		ok(t, status, err)
		status, err = p.Encode(ctx, m, nil, back)
		ok(t, status, err)
		for i, v := range z.Float64s() {
			want := v
			if dt == tensor.Float32 {
				want = float64(float32(v))
			}
			if back.Float64s()[i] != want {
				t.Errorf("%v: %g decodes and encodes to %g, want %g", dt, v, back.Float64s()[i], want)
			}
		}
		for _, sets := range []int{1, batch} {
			dz, w := normals(seed, "dz", sets, k, d), tensor.New(dt, sets, k, d)
			w.SetReals(normals(seed, "w", sets, k, d).Float64s())
			dm, dzw := tensor.New(dt, batch, k, d), tensor.New(tensor.Float64, batch, k, d)
			status, err = p.DecodeJVP(ctx, z, dz, dm, nil)
			ok(t, status, err)
			status, err = p.DecodeVJP(ctx, z, w, nil, dzw)
			ok(t, status, err)
			for i := range batch {
				for j := range k {
					set := min(i, sets-1)
					a, b, scale := 0.0, 0.0, 0.0
					u, v := dm.Item(i).Item(j).AppendReals(nil), w.Item(set).Item(j).AppendReals(nil)
					x, y := dz.Item(set).Item(j).Float64s(), dzw.Item(i).Item(j).Float64s()
					for q := range d {
						a += u[q] * v[q]
						b += x[q] * y[q]
						scale += math.Abs(u[q] * v[q])
					}
					tolerance := 1e-15
					if dt == tensor.Float32 {
						tolerance = 6e-8 // half a unit in the last place of every dm
					}
					near(t, fmt.Sprintf("seed %d: %v sets %d item %d direction %d", seed, dt, sets, i, j), a/scale, b/scale, tolerance)
				}
			}
		}
		z.Item(1).Float64s()[3] = math.Inf(-1)
		z.Item(2).Float64s()[0] = 1e60
		status, err = p.Decode(ctx, z, m, nil)
		if err != nil || contract.StatusAt(status, 0).Code != contract.OK || contract.StatusAt(status, 1).Code != contract.OutOfBounds {
			t.Errorf("%v: statuses %v, %v", dt, status, err)
		}
		if got := contract.StatusAt(status, 2).Code; (got == contract.Diverged) != (dt == tensor.Float32) {
			t.Errorf("%v: 1e60 decodes with %v", dt, got)
		}
		for what, err := range map[string]error{
			"Decode":    second(p.Decode(ctx, z, nil, z)),
			"Encode":    second(p.Encode(ctx, nil, z, z)),
			"DecodeVJP": second(p.DecodeVJP(ctx, z, nil, z, z)),
			"DecodeJVP": second(p.DecodeJVP(ctx, z, z, nil, z)),
		} {
			if !errors.Is(err, contract.ErrUnsupported) {
				t.Errorf("%s of data: %v", what, err)
			}
		}
	}
}

func second(_ []contract.Status, err error) error { return err }
