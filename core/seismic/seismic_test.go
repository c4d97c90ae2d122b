package seismic_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/seismic"
)

func ptr[T any](x T) *T { return &x }

func TestPositions(t *testing.T) {
	line := seismic.Positions{ZM: ptr(10.0), XFirstM: ptr(0.0), XLastM: ptr(90.0), Count: ptr(4)}
	list, err := line.List("sources")
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range [][]float64{{10, 0}, {10, 30}, {10, 60}, {10, 90}} {
		if !slices.Equal(list[k], want) {
			t.Errorf("point %d of the line: %v, want %v", k, list[k], want)
		}
	}
	if a := seismic.Axis("shot", list); a.Size != 4 || a.Unit != "m" || !slices.Equal(a.Values, []float64{0, 30, 60, 90}) || !slices.Equal(a.Depths, []float64{10, 10, 10, 10}) {
		t.Errorf("axis %+v", a)
	}
	if a := seismic.Axis("shot", [][]float64{{0, 5}, {1, 6}}); a.Size != 2 || !slices.Equal(a.Values, []float64{5, 6}) || !slices.Equal(a.Depths, []float64{0, 1}) {
		t.Errorf("axis of two depths %+v", a)
	}
	for name, c := range map[string]struct {
		p    seismic.Positions
		want string
	}{
		"none":      {seismic.Positions{}, "sources: there are none"},
		"both":      {seismic.Positions{ZM: ptr(1.0), PositionsM: [][]float64{{1, 2}}}, "both given"},
		"half":      {seismic.Positions{ZM: ptr(1.0), Count: ptr(2)}, "2 of them are given"},
		"one point": {seismic.Positions{ZM: ptr(1.0), XFirstM: ptr(0.0), XLastM: ptr(1.0), Count: ptr(1)}, "x_first_m = 0 and x_last_m = 1"},
		"three":     {seismic.Positions{PositionsM: [][]float64{{1, 2}, {1, 2, 3}}}, "position 1 has 3 numbers"},
	} {
		if _, err := c.p.List("sources"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// Ricker is minus the second derivative of a Gaussian, has its peak of 1 at the delay, zeros at delay +- 1/(sqrt(2) pi f), and no
// mean. The data sets' one has 147 samples at 15 Hz and 1 ms, the middle one the largest.
func TestWavelets(t *testing.T) {
	const f, dt = 12.5, 1e-4
	q := seismic.Ricker(2401, dt, f, 0.12)
	gauss := func(x float64) float64 { return math.Exp(-math.Pow(math.Pi*f*x, 2)) / (2 * math.Pow(math.Pi*f, 2)) }
	sum := 0.0
	for k, x := range q {
		sum += x * dt
		at := float64(k)*dt - 0.12
		const e = 1e-4
		if want := -(gauss(at+e) - 2*gauss(at) + gauss(at-e)) / (e * e); math.Abs(x-want) > 1e-4 {
			t.Fatalf("sample %d: %g, want %g", k, x, want)
		}
	}
	if q[1200] != 1 || math.Abs(sum) > 1e-8 {
		t.Errorf("peak %g, mean %g", q[1200], sum)
	}
	o := seismic.RickerOpenFWI(1000, 1e-3, 15)
	if o[73] != 1 || o[146] == 0 || o[147] != 0 || o[0] != o[146] {
		t.Errorf("the data sets' wavelet: %v", o[:150])
	}
	if math.Abs(o[60]-seismic.Ricker(1000, 1e-3, 15, 0.073)[60]) > 1e-12 {
		t.Error("the data sets' wavelet is no Ricker wavelet")
	}
	if short := seismic.RickerOpenFWI(100, 1e-3, 15); len(short) != 100 || short[99] == 0 {
		t.Errorf("a cut wavelet: %v", short)
	}
	spectrum := func(x float64) float64 { return x * x * math.Exp(1-x*x) } // of 1 at the peak
	if s := spectrum(seismic.HighestRicker); math.Abs(s-0.0328) > 1e-4 {
		t.Errorf("at %g times the peak the spectrum is %g", seismic.HighestRicker, s)
	}
}

// Stability is the known limits, and where the scheme's growth begins: 4 = C times the largest eigenvalue of -L.
func TestStability(t *testing.T) {
	for order, want := range map[int]float64{2: 0.7071, 4: 0.6124, 6: 0.5752, 8: 0.5546} {
		if got := seismic.Stability(order); math.Abs(got-want) > 5e-5 {
			t.Errorf("order %d: %g, want %g", order, got, want)
		}
	}
	if got := seismic.PointsPerWavelength(1500, 15, 10); got != 10 {
		t.Errorf("%g points per wavelength, want 10", got)
	}
}

// Interpolated plane waves are right to what the window of each half-width allows at a quarter of the sampling wavenumber,
// and on a node a point is that node. Weights are symmetric: a point and its mirror image have mirrored weights.
func TestSinc(t *testing.T) {
	s := seismic.Sinc{NZ: 40, NX: 50, SpacingM: 10}
	worst := map[int]float64{}
	for r := 2; r <= 10; r++ {
		s.HalfWidth = r
		for _, at := range [][2]float64{{203, 247}, {195, 255}, {201, 249}} {
			nodes, err := s.Nodes(at[0], at[1])
			if err != nil {
				t.Fatal(err)
			}
			if len(nodes) != 4*r*r {
				t.Fatalf("half-width %d: %d nodes", r, len(nodes))
			}
			const k = math.Pi / 2 / 10 * 0.7
			for _, phase := range []float64{0, 1} {
				got := 0.0
				for _, n := range nodes {
					got += n.Weight * math.Cos(k*10*float64(n.IZ)+phase) * math.Cos(k*10*float64(n.IX))
				}
				worst[r] = max(worst[r], math.Abs(got-math.Cos(k*at[0]+phase)*math.Cos(k*at[1])))
			}
		}
	}
	for r, bound := range map[int]float64{2: 0.2, 4: 0.01, 6: 1e-3, 8: 1e-4} {
		if worst[r] > bound {
			t.Errorf("half-width %d: error %.2g, allowed %g", r, worst[r], bound)
		}
	}
	s.HalfWidth = 4
	on, err := s.Nodes(120, 250+1e-7)
	if err != nil || len(on) != 1 || on[0] != (seismic.Node{IZ: 12, IX: 25, Weight: 1}) {
		t.Errorf("on a node: %v %v", on, err)
	}
	column, err := s.Nodes(120, 253)
	if err != nil || len(column) != 8 {
		t.Errorf("in a row: %v %v", column, err)
	}
	mirror, err := s.Nodes(120, 247)
	if err != nil {
		t.Fatal(err)
	}
	for k := range column {
		if got := mirror[len(mirror)-1-k].Weight; math.Abs(got-column[k].Weight) > 1e-14 {
			t.Errorf("weight %d is %g, of the mirror image %g", k, column[k].Weight, got)
		}
	}
}

// Above a free surface the field is odd: recording an odd field near it is right, and nodes stay within the grid.
func TestSincAtFreeSurface(t *testing.T) {
	s := seismic.Sinc{HalfWidth: 6, NZ: 40, NX: 50, SpacingM: 10, FreeSurface: true}
	for _, z := range []float64{3, 10, 14, 25} {
		nodes, err := s.Nodes(z, 250)
		if err != nil {
			t.Fatal(err)
		}
		const k = math.Pi / 2 / 10 * 0.6
		got := 0.0
		for _, n := range nodes {
			if n.IZ <= 0 {
				t.Errorf("z = %g: node %+v", z, n)
			}
			got += n.Weight * math.Sin(k*10*float64(n.IZ))
		}
		if math.Abs(got-math.Sin(k*z)) > 1e-3 {
			t.Errorf("z = %g: %g, want %g", z, got, math.Sin(k*z))
		}
	}
}

func TestSincErrors(t *testing.T) {
	s := seismic.Sinc{HalfWidth: 4, NZ: 40, NX: 50, SpacingM: 10, Left: 10}
	for _, c := range []struct {
		z, x  float64
		width int
		free  bool
		want  string
	}{
		{-1, 0, 4, false, "lies outside the grid (z = -1 m, the grid's nodes are at 0..390 m)"},
		{0, 491, 4, false, "lies outside the grid (x = 491 m, the grid's nodes are at 0..490 m)"},
		{math.NaN(), 0, 4, false, "outside"},
		{5, 200, 4, false, "needs the node (iz -3, ix 20)"},
		{200, 485, 4, false, "needs the node (iz 20, ix 50)"},
		{0, 200, 4, true, "lies on the free surface"},
		{200, 200, 0, false, "half-width 0"},
		{200, 200, 11, false, "half-width 11"},
	} {
		s := s
		s.HalfWidth, s.FreeSurface = c.width, c.free
		if _, err := s.Nodes(c.z, c.x); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("(%g, %g): %v, want %q", c.z, c.x, err, c.want)
		}
	}
	if _, err := s.Nodes(200, 5); err != nil { // on the layer
		t.Error(err)
	}
}
