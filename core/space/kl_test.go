package space_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/field"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// TestKL: the coordinates of a model that is a combination of the basis are that combination's, through a float32 model
// with a field axis too; what is outside of the basis does not count.
func TestKL(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	in := grid(tensor.Float32, 20, 24, 10, sqs)
	in.Axes = append([]space.Axis{{Name: "field", Size: 1}}, in.Axes...)
	a, err := space.FromOptions(in, []map[string]any{{"kind": "kl", "modes": int64(5), "exponent": 0.9, "background": 0.3, "amplitude": 0.1}})
	if err != nil {
		t.Fatal(err)
	}
	if out := a.Out(); out.DType != tensor.Float64 || out.Len() != 25 || out.Axes[0].Name != "coordinate" || a.In().DType != tensor.Float32 {
		t.Errorf("%v to %v", a.In(), out)
	}
	basis, err := field.NewKL(field.KLOptions{Modes: 5, Exponent: 0.9, Background: 0.3, Amplitude: 0.1, Floor: math.Inf(-1)}, 20, 24)
	if err != nil {
		t.Fatal(err)
	}
	z, m := make([]float64, 25), make([]float64, 20*24)
	for i := range z {
		z[i] = r.NormFloat64()
	}
	basis.Values(m, z)
	for i := range m { // mode 7 in depth is orthogonal to the basis
		m[i] += 0.05 * math.Cos(math.Pi*7.5*(float64(i/24)+0.5)/20) * math.Cos(math.Pi*1.5*(float64(i%24)+0.5)/24)
	}
	x, y := in.New(1), a.Out().New(1)
	x.SetReals(m)
	if failed, err := a.Apply(x, y); failed != nil || err != nil {
		t.Fatal(failed, err)
	}
	for i, v := range y.Float64s() {
		// Rounding 0.3 to float32 is 1.5e-8; averaged over cells it is divided by weights down to 0.1 lambda = 5e-3.
		if math.Abs(v-z[i]) > 3e-6 {
			t.Errorf("coordinate %d is %g, want %g", i, v, z[i])
		}
	}
	x.Float32s()[30] = float32(math.Inf(1))
	if failed, err := a.Apply(x, y); err != nil || failed == nil || !strings.Contains(failed[0].Error(), "+Inf at [1 6]") {
		t.Errorf("an infinite model: %v %v", failed, err)
	}
}

func TestKLRefuses(t *testing.T) {
	transposed := grid(tensor.Float32, 20, 24, 10, sqs)
	transposed.Axes[0], transposed.Axes[1] = transposed.Axes[1], transposed.Axes[0]
	for _, test := range []struct {
		in    space.Space
		table map[string]any
		want  string
	}{
		{grid(tensor.Float32, 20, 24, 10, vp), nil, `vp in m/s (allowed: squared_slowness in s2/km2; the adapter "convert" makes it)`},
		{grid(tensor.Float32, 20, 24, 10, sqsSI), nil, "squared_slowness in s2/m2"},
		{grid(tensor.Complex64, 20, 24, 10, sqs), nil, "one real field"},
		{grid(tensor.Float32, 20, 24, 10, sqs, rho), nil, "one real field"},
		{transposed, nil, "one real field"},
		{gather(tensor.Float32), nil, "one real field"},
		{grid(tensor.Float32, 20, 24, 10, sqs), map[string]any{"modes": int64(20)}, "below both sides"},
		{grid(tensor.Float32, 20, 24, 10, sqs), map[string]any{"floor": 1.0}, "floor"},
	} {
		table := map[string]any{"kind": "kl"}
		for k, v := range test.table {
			table[k] = v
		}
		if _, err := space.FromOptions(test.in, []map[string]any{table}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v of %v: %v, want %q", table, &test.in, err, test.want)
		}
	}
}
