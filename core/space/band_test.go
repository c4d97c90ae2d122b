package space_test

import (
	"math"
	"math/cmplx"
	"testing"

	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

func traces(nt, nr int, dt float64) space.Space {
	return space.Space{Name: "data", DType: tensor.Float64, Axes: []space.Axis{{Name: "component", Size: 1}, {Name: "shot", Size: 2},
		{Name: "time", Unit: "s", Size: nt, Origin: dt, Step: dt}, {Name: "receiver", Size: nr}}, Quantities: []space.Quantity{{Name: "pressure", Unit: "1"}}}
}

// TestBandPass: the Fourier transform of the answer to an impulse is that of a Butterworth filter, whose power is known in closed
// form. 4096 samples hold the answer to 1e-10.
func TestBandPass(t *testing.T) {
	const nt, dt = 4096, 2e-3
	in := traces(nt, 3, dt)
	for _, tc := range []struct {
		low, high float64
		order     int
	}{{0, 8, 4}, {0, 30, 5}, {4, 0, 3}, {3, 12, 4}, {0, 20, 1}} {
		a, err := space.BandPass(in, tc.low, tc.high, tc.order)
		if err != nil {
			t.Fatal(err)
		}
		x, y := in.New(1), in.New(1)
		const shot, receiver = 1, 2
		at := func(v []float64, it int) *float64 { return &v[(shot*nt+it)*3+receiver] }
		*at(x.Float64s(), 0) = 1
		if _, err := a.Apply(x, y); err != nil {
			t.Fatal(err)
		}
		for _, f := range []float64{0, 1, 2, 5, 8, 15, 30, 60, 120} {
			var h complex128
			for it := range nt {
				h += complex(*at(y.Float64s(), it), 0) * cmplx.Exp(complex(0, -2*math.Pi*f*dt*float64(it)))
			}
			want := 1.0
			w := math.Tan(math.Pi * f * dt)
			if tc.high > 0 {
				want /= 1 + math.Pow(w/math.Tan(math.Pi*tc.high*dt), float64(2*tc.order))
			}
			if tc.low > 0 {
				r := math.Pow(w/math.Tan(math.Pi*tc.low*dt), float64(2*tc.order))
				want *= r / (1 + r)
			}
			if got := real(h)*real(h) + imag(h)*imag(h); math.Abs(got-want) > 1e-9 {
				t.Errorf("%+v at %g Hz: power %.12g, want %.12g", tc, f, got, want)
			}
		}
		for i, v := range y.Float64s() { // no other trace has heard of it
			if i%3 != receiver && v != 0 || i < shot*nt*3 && v != 0 {
				t.Fatalf("%+v: %g at %d", tc, v, i)
			}
		}
	}
}

// TestBandPassRefuses: corners beyond the sampling, data without times.
func TestBandPassRefuses(t *testing.T) {
	in := traces(100, 2, 2e-3)
	for _, c := range [][3]float64{{0, 250, 4}, {0, 0, 4}, {8, 4, 4}, {-1, 4, 4}, {math.NaN(), 4, 4}, {0, 4, 0}} {
		if _, err := space.BandPass(in, c[0], c[1], int(c[2])); err == nil {
			t.Errorf("corners %g, %g, order %g: no error", c[0], c[1], c[2])
		}
	}
	in.Axes[2].Step = 0
	if _, err := space.BandPass(in, 0, 4, 4); err == nil {
		t.Error("no sampling: no error")
	}
	in.Axes = in.Axes[:2]
	if _, err := space.BandPass(in, 0, 4, 4); err == nil {
		t.Error("no time axis: no error")
	}
}
