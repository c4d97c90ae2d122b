package field

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/mathext"

	"github.com/waveprior/waveprior/core/rng"
)

// Geology draws maps of one family: P velocity, and Poisson's ratio on the same structure.
type Geology struct {
	family           Family
	layers           int       // of every map; 0: the family's numbers
	cdf              []float64 // of the speeds: cdf[k] = P(v <= VMin + k)
	taps             []float64 // of the Style families' Gaussian process
	nuLower, nuUpper float64
}

// GeologyOptions says what of a family is drawn; the zero value is the family itself.
type GeologyOptions struct {
	Layers int // number of layers of every map, within the family's; 0: uniform over the family's numbers
	// Poisson's ratios lie in PoissonMin..PoissonMax, within 0..0.49; both 0: 0.1..0.4, the range of the elastic
	// data sets (Feng et al., NeurIPS 2023).
	PoissonMin, PoissonMax float64
}

// Elements and draws of a map's random numbers: what has its own place there does not move when something is added.
const (
	drawLayers  = 0 // Intn: their number at element 0, then the interfaces. Style: normals n1, n2 and Poisson's offset
	drawSpeeds  = 1 // uniforms, one a layer. Style: normals of the Gaussian process
	drawShape   = 2 // uniforms of curve and fault. Style: normals of the cells
	drawPoisson = 3 // uniforms, one a layer. Style: normals of its Gaussian process
)

// What a curve and a fault may be. Not published: chosen to look like the published maps, and to leave the mean as it is
// (both directions are equally likely).
const (
	minAmplitude, maxAmplitude = 2, 12 // of a curve, in rows; never so large that the first or last layer gets thinner than edgeRows
	edgeRows                   = 2
	minCycles, maxCycles       = 0.5, 2 // of a curve along the map
	minThrow, maxThrow         = 5, 20  // of a fault, in rows: how far the rock on one side is higher or lower
	minDip, maxDip             = 45, 80 // of a fault, in degrees from the horizontal
	faultMargin                = 15     // columns to either side that a fault does not cross at half depth
)

// NewGeology prepares a family. Errors: a number of layers that the family has not, ratios out of bounds.
func NewGeology(f Family, o GeologyOptions) (*Geology, error) {
	if o.PoissonMin == 0 && o.PoissonMax == 0 {
		o.PoissonMin, o.PoissonMax = 0.1, 0.4
	}
	if !(0 <= o.PoissonMin && o.PoissonMin <= o.PoissonMax && o.PoissonMax <= 0.49) {
		return nil, fmt.Errorf("field: Poisson's ratio from %g to %g, allowed is a range within 0 to 0.49", o.PoissonMin, o.PoissonMax)
	}
	g := &Geology{family: f, layers: o.Layers, nuLower: o.PoissonMin, nuUpper: o.PoissonMax}
	if f.Style != nil {
		if o.Layers != 0 {
			return nil, fmt.Errorf("field: %s has no layers, %d are asked for", f.Name, o.Layers)
		}
		g.taps = gaussTaps(f.Style.Length)
		return g, nil
	}
	if o.Layers != 0 && (o.Layers < f.MinLayers || o.Layers > f.MaxLayers) {
		return nil, fmt.Errorf("field: %s has %d to %d layers, %d are asked for", f.Name, f.MinLayers, f.MaxLayers, o.Layers)
	}
	// Whole numbers, each the floor of a continuous one in VMin..VMax+1, so that Beta(1, 1) makes all equally likely. The
	// table is looked up with 53-bit uniforms: a rounding of its values moves no drawn speed but with probability 1e-13.
	g.cdf = make([]float64, VMax-VMin+1)
	for k := range g.cdf {
		g.cdf[k] = mathext.RegIncBeta(f.P, f.Q, float64(k+1)/float64(len(g.cdf)))
	}
	return g, nil
}

// Family returns what is drawn.
func (g *Geology) Family() Family { return g.family }

// Draw fills vp (m/s) and, unless it is nil, nu (Poisson's ratio), both Rows x Columns, row 0 on top, x fastest, with the
// map of an item, whose random numbers source gives by draw. vp does not depend on whether nu is asked for. Same bits on
// every call. It panics for slices of another length.
func (g *Geology) Draw(vp, nu []float64, source func(draw uint32) rng.Source) {
	if len(vp) != Rows*Columns || nu != nil && len(nu) != Rows*Columns {
		panic(fmt.Sprintf("field: a map of %d velocities and %d Poisson's ratios, want %d each", len(vp), len(nu), Rows*Columns))
	}
	if g.family.Style != nil {
		g.drawStyle(vp, nu, source)
		return
	}
	tops := g.interfaces(source(drawLayers))
	n := len(tops)
	speed, ratio := make([]float64, n), make([]float64, n)
	for k := range n {
		speed[k] = g.speed(source(drawSpeeds).Uniform(k))
		ratio[k] = math.FMA(g.nuUpper-g.nuLower, source(drawPoisson).Uniform(k), g.nuLower)
	}
	if g.family.Sorted {
		slices.Sort(speed)
	}
	lay := g.structure(tops, source(drawShape))
	for iz := range Rows {
		for ix := range Columns {
			k := lay.layer(iz, ix)
			vp[iz*Columns+ix] = speed[k]
			if nu != nil {
				nu[iz*Columns+ix] = ratio[k]
			}
		}
	}
}

// speed returns the quantile u of the family's speeds.
func (g *Geology) speed(u float64) float64 {
	return VMin + float64(min(sort.Search(len(g.cdf), func(k int) bool { return u < g.cdf[k] }), len(g.cdf)-1))
}

// interfaces draws the row at which each layer starts, the first at 0: all ways to fill the rows with at least MinRows
// each are equally likely. The rows that are left over are stars, the interfaces bars between them: n-1 places of
// extra+n-1, taken by Floyd's method (Bentley and Floyd, CACM 30 (1987) 754).
func (g *Geology) interfaces(s rng.Source) []int {
	n := g.layers
	if n == 0 {
		n = g.family.MinLayers + s.Intn(0, g.family.MaxLayers-g.family.MinLayers+1)
	}
	places := Rows - n*MinRows + n - 1
	bars := make([]int, 0, n)
	for j := places - (n - 1); j < places; j++ {
		t := s.Intn(1+len(bars), j+1)
		if slices.Contains(bars, t) {
			t = j
		}
		bars = append(bars, t)
	}
	slices.Sort(bars)
	tops := make([]int, n)
	for k := 1; k < n; k++ {
		tops[k] = k*MinRows + bars[k-1] - (k - 1)
	}
	return tops
}

// lay says which layer a cell belongs to.
type lay struct {
	of          [Rows]int        // the layer of a row of flat, whole rock
	faulted     bool             //
	foot, slope float64          // the fault is at column foot + slope (row - middle)
	throw       float64          // rows that the rock to its right lies lower
	left, right [Columns]float64 // rows that a column's rock lies lower on either side of the fault, by curve and throw
}

const middle = (Rows - 1) / 2.0

func (g *Geology) structure(tops []int, s rng.Source) *lay {
	between := func(element int, lo, hi float64) float64 { return math.FMA(hi-lo, s.Uniform(element), lo) }
	l := new(lay)
	for k, top := range tops {
		for row := top; row < Rows; row++ {
			l.of[row] = k
		}
	}
	var amplitude, cycles, phase float64 // phase in turns
	if g.family.Curved {
		room := min(tops[1], Rows-tops[len(tops)-1]) - edgeRows
		amplitude = between(0, minAmplitude, min(maxAmplitude, float64(room)))
		cycles, phase = between(1, minCycles, maxCycles), s.Uniform(2)
	}
	curve := func(x float64) float64 {
		if amplitude == 0 {
			return 0
		}
		return float64(amplitude * math.Sin(2*math.Pi*math.FMA(cycles, x/Columns, phase)))
	}
	if g.family.Faulted {
		l.faulted = true
		l.foot = between(3, faultMargin, Columns-1-faultMargin)
		l.slope = 1 / math.Tan(between(4, minDip, maxDip)*math.Pi/180)
		l.throw = between(5, minThrow, maxThrow)
		if s.Uniform(6) < 0.5 {
			l.slope = -l.slope
		}
		if s.Uniform(7) < 0.5 {
			l.throw = -l.throw
		}
	}
	for ix := range Columns {
		x := float64(ix)
		l.left[ix] = curve(x)
		l.right[ix] = l.throw + curve(math.FMA(-l.slope, l.throw, x)) // slip is along the fault
	}
	return l
}

// layer returns the layer at a cell: that of the flat, whole rock which the curve, then the fault, brought there.
func (l *lay) layer(iz, ix int) int {
	down := l.left[ix]
	if l.faulted && float64(ix) > math.FMA(l.slope, float64(iz)-middle, l.foot) {
		down = l.right[ix]
	}
	return l.of[min(max(int(math.Floor(float64(iz)-down+0.5)), 0), Rows-1)]
}

// SVelocity returns vs = vp sqrt((1/2 - nu)/(1 - nu)), from lambda = rho (vp^2 - 2 vs^2) and nu = lambda/(2 (lambda + mu)).
func SVelocity(vp, nu float64) float64 { return vp * math.Sqrt((0.5-nu)/(1-nu)) }

// GardnerDensity returns 310 vp^(1/4) in kg/m3 for vp in m/s: Gardner, Gardner and Gregory, Geophysics 39 (1974) 770.
func GardnerDensity(vp float64) float64 { return 310 * math.Sqrt(math.Sqrt(vp)) }
