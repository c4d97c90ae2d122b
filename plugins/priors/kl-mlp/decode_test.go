package klmlp

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/field"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

const seed = 17

func normals(s space.Space, chain, n int) *tensor.Tensor {
	t := s.New(n)
	v := make([]float64, t.Len())
	rng.New(seed, "kl-mlp/test").At(0, uint32(chain), 0).Normals(v)
	t.SetReals(v)
	return t
}

// TestDecode: without a checkpoint z are raw coordinates, of field.KL on the solver's cells; Encode gives them again.
func TestDecode(t *testing.T) {
	for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64} {
		p := New()
		c := configuredAt(t, p, `{"modes": 4}`, "", 2, earth(dt, 20, 30))
		if c.Model.DType != dt || c.Latent.DType != tensor.Float32 || c.Latent.Len() != 16 || c.Schedule.Steps() != 200 {
			t.Fatalf("spaces %v, %v", c.Model, c.Latent)
		}
		z, m, back := normals(*c.Latent, 0, 5), c.Model.New(5), c.Latent.New(5)
		status, err := p.Decode(ctx, z, m, nil)
		ok(t, status, err)
		status, err = p.Encode(ctx, m, nil, back)
		ok(t, status, err)
		basis, err := field.NewKL(field.Published(4), 20, 30)
		if err != nil {
			t.Fatal(err)
		}
		want := make([]float64, 600)
		tolerance := map[tensor.DType]float64{tensor.Float32: 0x1p-25, tensor.Float64: 0}[dt] // half a unit of 0.25 to 0.5
		for i := range 5 {
			basis.Evaluate(want, z.Item(i).AppendReals(nil))
			for k, v := range m.Item(i).AppendReals(nil) {
				if math.Abs(v-want[k]) > tolerance {
					t.Fatalf("%v: item %d, cell %d: %.17g, want %.17g", dt, i, k, v, want[k])
				}
			}
			for k, v := range back.Item(i).Float32s() {
				if math.Abs(float64(v-z.Item(i).Float32s()[k])) > 1e-5 { // 2^-25/sqrt(600) over the least weight 3e-4
					t.Fatalf("%v: item %d: coordinate %d is %g after Decode and Encode, was %g", dt, i, k, v, z.Item(i).Float32s()[k])
				}
			}
		}
	}
}

// TestFloor: where the floor acts the model is the floor and the derivatives are 0; elsewhere they are the basis', by
// finite differences and by the dot product; one set of directions for all items is as good as one for each.
func TestFloor(t *testing.T) {
	p := New()
	c := configuredAt(t, p, `{"modes": 3, "amplitude": 0.3, "floor": 0.2}`, "", 2, earth(tensor.Float64, 15, 11))
	const batch, k = 4, 2
	z, m := normals(*c.Latent, 1, batch), c.Model.New(batch)
	status, err := p.Decode(ctx, z, m, nil)
	ok(t, status, err)
	dz := normals(*c.Latent, 2, k).Reshape(1, k, 9)
	w := normals(*c.Model, 3, k).Reshape(1, k, 1, 15, 11)
	dm, wz := tensor.New(tensor.Float64, batch, k, 1, 15, 11), tensor.New(tensor.Float32, batch, k, 9)
	status, err = p.DecodeJVP(ctx, z, dz, dm, nil)
	ok(t, status, err)
	status, err = p.DecodeVJP(ctx, z, w, nil, wz)
	ok(t, status, err)
	held := 0
	const h = 1.0 / 1024
	for i := range batch {
		for j := range k {
			up, down := z.Clone(), z.Clone()
			for n, v := range dz.Item(0).Item(j).Float32s() {
				up.Item(i).Float32s()[n] += h * v
				down.Item(i).Float32s()[n] -= h * v
			}
			mu, md := c.Model.New(batch), c.Model.New(batch)
			status, err = p.Decode(ctx, up, mu, nil)
			ok(t, status, err)
			status, err = p.Decode(ctx, down, md, nil)
			ok(t, status, err)
			got := dm.Item(i).Item(j).Float64s()
			dot, abs := 0.0, 0.0
			for n, v := range m.Item(i).Float64s() {
				switch {
				case v == 0.2:
					held++
					if got[n] != 0 {
						t.Fatalf("item %d, cell %d is held and has the derivative %g", i, n, got[n])
					}
				case math.Abs(v-0.2) > 0.01: // no side is changed within the difference; z +- h dz is rounded to float32
					want := (mu.Item(i).Float64s()[n] - md.Item(i).Float64s()[n]) / (2 * h)
					if math.Abs(got[n]-want) > 1e-4 {
						t.Fatalf("item %d, cell %d: derivative %g, differences %g", i, n, got[n], want)
					}
				}
				term := got[n] * w.Item(0).Item(j).Float64s()[n]
				dot += term
				abs += math.Abs(term)
			}
			for n, v := range wz.Item(i).Item(j).Float32s() {
				term := float64(v) * float64(dz.Item(0).Item(j).Float32s()[n])
				dot -= term
				abs += math.Abs(term)
			}
			if math.Abs(dot) > 1e-7*abs { // wz is rounded to float32
				t.Errorf("item %d, direction %d: <J dz, w> - <dz, J^T w> = %g of %g", i, j, dot, abs)
			}
		}
	}
	if held == 0 || held > batch*k*165/2 {
		t.Errorf("%d of %d cells are held: the test shows nothing", held, batch*k*165)
	}
}

// TestTargets: what is decoded for which solver, and that the host finds a way from there to the solver.
func TestTargets(t *testing.T) {
	vp := earth(tensor.Float32, 20, 24)
	vp.Quantities = []space.Quantity{{Name: "vp", Unit: "m/s"}}
	bare := space.Space{Name: "model", DType: tensor.Float64, Axes: []space.Axis{{Name: "coordinate", Size: 7}}, Quantities: []space.Quantity{{Name: "x"}}}
	for _, test := range []struct {
		target []space.Space
		want   string
		reach  bool
	}{
		{[]space.Space{earth(tensor.Float64, 20, 24)}, "model float64 (field 1, z 20, x 24) of squared_slowness [s2/km2]", true},
		{[]space.Space{{Name: "data"}, vp}, "model float32 (field 1, z 20, x 24) of squared_slowness [s2/km2]", true},
		{[]space.Space{bare}, "model float64 (z 31, x 31) of squared_slowness [s2/km2]", false},
		{nil, "model float32 (z 31, x 31) of squared_slowness [s2/km2]", false},
	} {
		c := configuredAt(t, New(), `{"modes": 5, "grid": 31}`, "", 1, test.target...)
		if got := c.Model.String(); got != test.want {
			t.Errorf("target %v: %s, want %s", test.target, got, test.want)
		}
		if len(test.target) > 0 {
			if _, err := space.Between(*c.Model, test.target[len(test.target)-1]); (err == nil) != test.reach {
				t.Errorf("from %v to %v: %v", c.Model, test.target, err)
			}
		}
	}
}

func TestConfigureErrors(t *testing.T) {
	s := earth(tensor.Float32, 12, 64)
	broken := s
	broken.Axes = append([]space.Axis{{Name: "field", Size: 2}}, s.Axes[1:]...)
	for _, test := range []struct {
		options, want string
		target        space.Space
		err           error
	}{
		{`{"modes": 12}`, "12 modes per side on 12 x 64 cells", s, contract.ErrInvalidOption},
		{`{"modes": 0}`, "modes", s, contract.ErrInvalidOption},
		{`{"widht": 8}`, "widht", s, contract.ErrInvalidOption},
		{`{"modes": 3, "schedule": {"beta_first": 0.1}}`, "0 < first <= last < 1", s, contract.ErrInvalidOption},
		{`{"modes": 3, "train": {"learning_rate_last": 1}}`, "learning_rate_last = 1 is above", s, contract.ErrInvalidOption},
		{`{"modes": 3}`, "2 quantities", broken, contract.ErrInvalidOption},
	} {
		if test.want == "2 quantities" {
			test.want = "1 quantities, its axes ask for 2"
		}
		_, err := New().Configure(ctx, contract.Config{Options: json.RawMessage(test.options), Target: []space.Space{test.target}})
		if !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %v with %q", test.options, err, test.err, test.want)
		}
	}
	_, err := New().Configure(ctx, contract.Config{Options: json.RawMessage(`{}`), Device: "cuda:99"})
	if !errors.Is(err, contract.ErrUnsupported) {
		t.Errorf("device: %v", err)
	}
}

// TestStatuses: a latent vector or model that is not finite fails alone.
func TestStatuses(t *testing.T) {
	p := New()
	c := configuredAt(t, p, `{"modes": 3}`, "", 2, earth(tensor.Float32, 8, 8))
	z, m := normals(*c.Latent, 4, 3), c.Model.New(3)
	z.Item(1).Float32s()[2] = float32(math.NaN())
	z.Item(2).Float32s()[0] = 3e38
	status, err := p.Decode(ctx, z, m, nil)
	if err != nil || contract.StatusAt(status, 0).Code != contract.OK || contract.StatusAt(status, 1).Code != contract.OutOfBounds {
		t.Errorf("%v, %v", status, err)
	}
	status, err = p.Decode(ctx, z, nil, nil)
	if err != nil || status != nil {
		t.Errorf("nothing wanted: %v, %v", status, err)
	}
	m.Item(2).Float32s()[5] = float32(math.Inf(1))
	status, err = p.Encode(ctx, m, nil, z)
	if err != nil || contract.StatusAt(status, 0).Code != contract.OK || contract.StatusAt(status, 2).Code != contract.OutOfBounds {
		t.Errorf("%v, %v", status, err)
	}
	for what, err := range map[string]error{
		"Decode":    second(p.Decode(ctx, z, m, m)),
		"DecodeVJP": second(p.DecodeVJP(ctx, z, nil, m, z)),
		"DecodeJVP": second(p.DecodeJVP(ctx, z, z, nil, m)),
		"Encode":    second(p.Encode(ctx, nil, m, z)),
	} {
		if !errors.Is(err, contract.ErrUnsupported) {
			t.Errorf("%s with data: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"Denoise": second(p.Denoise(ctx, z, []int{0, 0, 0}, z)), "DenoiseVJP": second(p.DenoiseVJP(ctx, z, []int{0, 0, 0}, z, z)),
	} {
		if !errors.Is(err, contract.ErrNotConfigured) || !strings.Contains(err.Error(), "run Train") {
			t.Errorf("%s before training: %v", what, err)
		}
	}
}

func second(_ []contract.Status, err error) error { return err }
