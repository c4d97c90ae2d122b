package figure

import (
	"math"
	"math/big"
	"strings"
	"testing"
)

func TestTicks(t *testing.T) {
	text := func(ts []tick) string {
		var s []string
		for _, t := range ts {
			if !t.minor {
				s = append(s, t.text+map[bool]string{true: "^" + t.exp}[t.exp != ""])
			}
		}
		return strings.Join(s, " ")
	}
	for _, c := range []struct {
		s    scale
		n    int
		want string
		pow  int
	}{
		{scale{lo: 0, hi: 200}, 8, "0 25 50 75 100 125 150 175 200", 0},
		{scale{lo: -0.05, hi: 1.05}, 6, "0 0.2 0.4 0.6 0.8 1.0", 0},
		{scale{lo: 0, hi: 10}, 4, "0 2.5 5.0 7.5 10.0", 0},
		{scale{lo: -3, hi: 3}, 3, "−2 0 2", 0},
		{scale{lo: 0, hi: 3.3e7}, 4, "0 10 20 30", 6},
		{scale{lo: 0, hi: 2.1e-5}, 3, "0 1 2", -5},
		{scale{lo: 1500, hi: 4500}, 4, "2000 3000 4000", 0},
		{scale{lo: 0.5, hi: 500, log: true}, 5, "1 10 100", 0},
		{scale{lo: 1, hi: 10, log: true}, 5, "1 2 5 10", 0},
		{scale{lo: 1e-9, hi: 1e-3, log: true}, 4, "10^−9 10^−7 10^−5 10^−3", 0},
		{scale{lo: 3, hi: 4, log: true}, 3, "3.0 3.5 4.0", 0},
	} {
		ts, pow := c.s.ticks(c.n)
		if got := text(ts); got != c.want || pow != c.pow {
			t.Errorf("ticks of %+v: %q ×10^%d, want %q ×10^%d", c.s, got, pow, c.want, c.pow)
		}
		for _, k := range ts {
			if n := c.s.norm(k.at); n < -1e-9 || n > 1+1e-9 {
				t.Errorf("ticks of %+v: %g lies outside", c.s, k.at)
			}
		}
	}
}

// gauss is a normal density of widths sx, sy on a grid of n x n over -6..6.
func gauss(n int, sx, sy float64) Contours {
	d := Contours{}
	for i := range n {
		d.X = append(d.X, -6+12*float64(i)/float64(n-1))
	}
	d.Y = d.X
	for _, y := range d.Y {
		for _, x := range d.X {
			d.Density = append(d.Density, math.Exp(-x*x/(2*sx*sx)-y*y/(2*sy*sy)))
		}
	}
	return d
}

// The region of mass m of a 2-D normal density is the ellipse (x/sx)² + (y/sy)² = −2 ln(1−m), at the level 1−m of the peak.
func TestContoursOfANormalDensity(t *testing.T) {
	const sx, sy = 1.2, 0.7
	d := gauss(241, sx, sy)
	mass := []float64{0.1, 0.5, 0.9}
	levels := d.massLevels(mass)
	for k, m := range mass {
		if math.Abs(levels[k]-(1-m)) > 0.004 { // a node holds up to 5e-4 of the mass; the level moves as the mass
			t.Errorf("mass %g: level %g of the peak, want %g", m, levels[k], 1-m)
		}
		lines := d.trace(1 - m)
		if len(lines) != 1 {
			t.Fatalf("mass %g: %d lines, want one", m, len(lines))
		}
		line := lines[0]
		if line[0] != line[len(line)-1] {
			t.Errorf("mass %g: the line is not closed", m)
		}
		area := 0.0
		for i, p := range line {
			r2 := math.Pow(p[0]/sx, 2) + math.Pow(p[1]/sy, 2)
			if want := -2 * math.Log(1-m); math.Abs(r2-want) > 0.006 { // 2 h²|f''|/(8 f) of linear interpolation, h = 0.05: at most 0.0046, at mass 0.9
				t.Fatalf("mass %g: point %v has radius² %g, want %g", m, p, r2, want)
			}
			if i > 0 {
				area += (line[i-1][0]*p[1] - p[0]*line[i-1][1]) / 2
			}
		}
		if want := math.Pi * sx * sy * -2 * math.Log(1-m); math.Abs(math.Abs(area)-want) > 0.01*want+1e-3 {
			t.Errorf("mass %g: area %g, want %g", m, area, want)
		}
	}
}

// Two peaks give two lines, a line that leaves the grid stays open, a saddle is decided and loses no edge.
func TestContoursShapes(t *testing.T) {
	grid := func(nx, ny int, v ...float64) Contours {
		d := Contours{Density: v}
		for i := range nx {
			d.X = append(d.X, float64(i))
		}
		for i := range ny {
			d.Y = append(d.Y, float64(i))
		}
		return d
	}
	for _, c := range []struct {
		name   string
		d      Contours
		lines  int
		closed bool
	}{
		{"two peaks", grid(5, 3, 0, 0, 0, 0, 0, 0, 4, 0, 4, 0, 0, 0, 0, 0, 0), 2, true},
		{"open", grid(3, 2, 0, 4, 4, 0, 4, 4), 1, false},
		{"saddle", grid(2, 2, 4, 0, 0, 4), 2, false},
		{"flat", grid(3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1), 0, false},
		{"not finite counts as 0", grid(3, 3, 0, 0, 0, 0, 4, 0, math.NaN(), 0, math.Inf(1)), 1, true},
	} {
		lines := c.d.trace(2)
		if len(lines) != c.lines {
			t.Errorf("%s: %d lines, want %d", c.name, len(lines), c.lines)
		}
		for _, l := range lines {
			if (l[0] == l[len(l)-1]) != c.closed {
				t.Errorf("%s: line %v, closed is not %v", c.name, l, c.closed)
			}
		}
	}
}

func TestHistogramShares(t *testing.T) {
	a := Histogram{Values: []float64{0, 0.1, 0.25, 0.5, 1, math.NaN()}, Bins: 4}
	b := Histogram{Values: []float64{0.75, 0.76}}
	edges := sharedBins([]Layer{a, Line{}, b}, false)
	if len(edges) != 5 || edges[0] != 0 || edges[4] != 1 {
		t.Fatalf("edges %v, want four bins over 0..1", edges)
	}
	for i, want := range []float64{0.4, 0.2, 0.2, 0.2} { // 0 0.1 | 0.25 | 0.5 | 1: a bin holds its lower edge, the last both
		if got := a.shares(edges, false)[i]; got != want {
			t.Errorf("bin %d: %g, want %g", i, got, want)
		}
	}
	if got := b.shares(edges, false); got[3] != 1 {
		t.Errorf("second set: %v, want all in the last bin", got)
	}
	log := sharedBins([]Layer{Histogram{Values: []float64{1, 1000, -3}, Bins: 3}}, true)
	for i, want := range []float64{1, 10, 100, 1000} {
		if math.Abs(log[i]/want-1) > 1e-12 {
			t.Errorf("logarithmic edges %v", log)
		}
	}
	if got := sharedBins([]Layer{Histogram{Values: []float64{math.NaN()}}}, false); got != nil {
		t.Errorf("edges %v of no value", got)
	}
}

// Against sums of exact rationals.
func TestBinomialQuantile(t *testing.T) {
	for _, c := range []struct {
		n        int
		num, den int64
		p        float64
	}{{10, 1, 2, 0.05}, {10, 1, 2, 0.95}, {200, 9, 10, 0.05}, {200, 9, 10, 0.95}, {400, 1, 20, 0.005}, {400, 1, 20, 0.995}, {7, 0, 1, 0.5}, {7, 1, 1, 0.5}} {
		// Over the common denominator den^n: sum of C(n,k) num^k (den-num)^(n-k) against p den^n.
		num, rest := big.NewInt(c.num), big.NewInt(c.den-c.num)
		n := big.NewInt(int64(c.n))
		bound := new(big.Rat).SetFloat64(c.p)
		bound.Mul(bound, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(c.den), n, nil)))
		want, sum := 0, new(big.Int)
		for k := 0; k <= c.n; k++ {
			term := new(big.Int).Binomial(int64(c.n), int64(k))
			term.Mul(term, new(big.Int).Exp(num, big.NewInt(int64(k)), nil))
			term.Mul(term, new(big.Int).Exp(rest, big.NewInt(int64(c.n-k)), nil))
			if new(big.Rat).SetInt(sum.Add(sum, term)).Cmp(bound) >= 0 {
				want = k
				break
			}
		}
		qf := float64(c.num) / float64(c.den)
		if got := binomialQuantile(c.n, qf, c.p); got != want {
			t.Errorf("binomialQuantile(%d, %g, %g) = %d, want %d", c.n, qf, c.p, got, want)
		}
	}
}

// Sequential maps grow in lightness all the way (CIE Y of sRGB), so that they survive a grey print.
func TestColorMapsAreMonotone(t *testing.T) {
	for _, m := range []ColorMap{Viridis, Magma} {
		last := -1.0
		for i := range 101 {
			c := m.At(float64(i) / 100)
			lin := func(v uint8) float64 { return math.Pow(float64(v)/255, 2.2) }
			y := 0.2126*lin(c.R) + 0.7152*lin(c.G) + 0.0722*lin(c.B)
			if y <= last {
				t.Errorf("map %d: lightness %g at %d %% after %g", m, y, i, last)
			}
			last = y
		}
	}
	if Viridis.At(-5) != rgb(0x440154) || Viridis.At(7) != rgb(0xfde725) || Viridis.At(math.NaN()) != nanInk {
		t.Error("values outside 0..1 are not clamped, or NaN is not grey")
	}
}

func TestSteps(t *testing.T) {
	x, y := steps([]float64{0, 1, 3}, []float64{5, 6, 7})
	for i, want := range [][2]float64{{0, 5}, {1, 5}, {1, 6}, {3, 6}, {3, 7}} {
		if x[i] != want[0] || y[i] != want[1] {
			t.Fatalf("steps: %v %v", x, y)
		}
	}
}

func TestCalibrationPanel(t *testing.T) {
	p := CalibrationPanel("c", 50, Coverage{Label: "a", Nominal: []float64{0.5, 0.9}, Observed: []float64{0.4, 0.8}})
	l := layout(t, &Figure{Panels: []*Panel{p}})
	pp := l.panels[0]
	if pp.x.hi != 1 || pp.y.hi != 1 || pp.x.lo != 0 || pp.y.lo != 0 {
		t.Errorf("axes %+v %+v, want 0..1 on both", pp.x, pp.y)
	}
	band := p.Layers[0].(Line)
	for i, q := range band.X {
		if band.Low[i] > q || band.High[i] < q {
			t.Errorf("nominal %g lies outside its band %g..%g", q, band.Low[i], band.High[i])
		}
	}
	if got := RankPanel("r", nil); len(got.Layers) != 0 {
		t.Errorf("no counts, %d layers", len(got.Layers))
	}
}
