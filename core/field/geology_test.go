package field

import (
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/waveprior/waveprior/core/rng"
)

func geology(t testing.TB, family string, o GeologyOptions) *Geology {
	t.Helper()
	f, err := FamilyByName(family)
	if err != nil {
		t.Fatal(err)
	}
	g, err := NewGeology(f, o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// numbers gives the random numbers of map i.
func numbers(seed uint64, i int) func(uint32) rng.Source {
	s := rng.New(seed, "dataset/training")
	return func(draw uint32) rng.Source { return s.At(0, uint32(i), draw) }
}

// TestFamilyStatistics: mean and standard deviation of v over all cells of all maps are those of the real sets (spec,
// section 4) within 5 %, and every value within 1500..4500 m/s. Standard errors are taken from the maps' own scatter, and
// they must be small enough that 5 % is a test: three of them.
func TestFamilyStatistics(t *testing.T) {
	const seed = 11
	for _, f := range Families() {
		maps := 600
		if f.Style != nil { // they take long to draw, and scatter less
			maps = 300
		}
		g := geology(t, f.Name, GeologyOptions{})
		vp := make([]float64, Rows*Columns)
		means, squares := make([]float64, maps), make([]float64, maps)
		for i := range maps {
			g.Draw(vp, nil, numbers(seed, i))
			for _, v := range vp {
				if !(v >= VMin && v <= VMax) {
					t.Fatalf("%s: map %d has %g m/s", f.Name, i, v)
				}
				d := v - f.Mean
				means[i] += v / (Rows * Columns)
				squares[i] += d * d / (Rows * Columns)
			}
		}
		mean, meanError := stat.Mean(means, nil), stat.StdDev(means, nil)/math.Sqrt(float64(maps))
		around, spread := stat.Mean(squares, nil), stat.StdDev(squares, nil)/math.Sqrt(float64(maps))
		std := math.Sqrt(around - (mean-f.Mean)*(mean-f.Mean))
		stdError := spread / (2 * std)
		t.Logf("%-12s mean %.0f +- %.0f (real %.0f), std %.0f +- %.0f (real %.0f)", f.Name, mean, meanError, f.Mean, std, stdError, f.Std)
		if meanError > 0.05/3*f.Mean || stdError > 0.05/3*f.Std {
			t.Errorf("%s: %d maps are too few: standard errors %.0f and %.0f m/s", f.Name, maps, meanError, stdError)
		}
		if math.Abs(mean/f.Mean-1) > 0.05 || math.Abs(std/f.Std-1) > 0.05 {
			t.Errorf("seed %d: %s: mean %.0f, standard deviation %.0f m/s; the real maps have %.0f and %.0f", seed, f.Name, mean, std, f.Mean, f.Std)
		}
	}
}

// runs returns the thicknesses of equal values down a column.
func runs(vp []float64, ix int) (thick []int, speed []float64) {
	for iz := range Rows {
		v := vp[iz*Columns+ix]
		if len(speed) == 0 || speed[len(speed)-1] != v {
			thick, speed = append(thick, 0), append(speed, v)
		}
		thick[len(thick)-1]++
	}
	return thick, speed
}

// TestLayers: flat maps have the family's number of layers, each number equally often, every layer of 8 rows or more, whole
// numbers of m/s that rise with depth in the A families.
func TestLayers(t *testing.T) {
	const maps, seed = 900, 3
	vp := make([]float64, Rows*Columns)
	for _, name := range []string{"FlatVel_A", "FlatVel_B", "CurveVel_A", "CurveVel_B"} {
		g := geology(t, name, GeologyOptions{})
		f := g.Family()
		counts := make([]int, f.MaxLayers+1)
		thinnest := MinRows
		if f.Curved {
			thinnest = edgeRows // the first and the last; those between keep theirs, but for the rounding of a row
		}
		for i := range maps {
			g.Draw(vp, nil, numbers(seed, i))
			first, speed := runs(vp, 0)
			for ix := range Columns {
				thick, speed := runs(vp, ix)
				if !f.Curved && !slices.Equal(thick, first) {
					t.Fatalf("seed %d: %s: map %d: layers of %v rows in column %d, of %v in column 0", seed, name, i, thick, ix, first)
				}
				for k, n := range thick {
					least := thinnest
					if f.Curved && k > 0 && k < len(thick)-1 {
						least = MinRows - 1
					}
					if n < least {
						t.Fatalf("seed %d: %s: map %d: a layer of %d rows in column %d, want %d", seed, name, i, n, ix, least)
					}
				}
				if f.Sorted && !slices.IsSorted(speed) {
					t.Fatalf("seed %d: %s: map %d: speeds %v do not rise", seed, name, i, speed)
				}
			}
			for _, v := range speed {
				if v != math.Trunc(v) {
					t.Fatalf("%s: %g m/s", name, v)
				}
			}
			counts[len(first)]++ // two equal neighbours would count as one: with 3001 speeds, hardly ever
		}
		for n := f.MinLayers; n <= f.MaxLayers; n++ {
			want := float64(maps) / float64(f.MaxLayers-f.MinLayers+1)
			if math.Abs(float64(counts[n])-want) > 5*math.Sqrt(want) {
				t.Errorf("seed %d: %s: %d maps of %d layers, want %.0f", seed, name, counts[n], n, want)
			}
		}
	}
}

// TestInterfaces: all ways to fill the rows are equally likely: 3 layers of 8 rows and more in 70 rows have
// C(48, 2) = 1128 ways; chi-squared over them.
func TestInterfaces(t *testing.T) {
	const draws, seed = 28200, 7
	g := geology(t, "FlatFault_A", GeologyOptions{Layers: 3})
	seen := map[[2]int]int{}
	for i := range draws {
		tops := g.interfaces(numbers(seed, i)(drawLayers))
		if len(tops) != 3 || tops[0] != 0 {
			t.Fatalf("layers start at %v", tops)
		}
		seen[[2]int{tops[1], tops[2]}]++
	}
	ways, chi := 0, 0.0
	for a := MinRows; a <= Rows-2*MinRows; a++ {
		for b := a + MinRows; b <= Rows-MinRows; b++ {
			ways++
			d := float64(seen[[2]int{a, b}]) - 25
			chi += d * d / 25
		}
	}
	if ways != 1128 || len(seen) != ways {
		t.Fatalf("%d of %d ways are drawn", len(seen), ways)
	}
	if sigma := math.Sqrt(2 * 1127); math.Abs(chi-1127) > 5*sigma {
		t.Errorf("seed %d: chi-squared %.0f of 1127 degrees, standard deviation %.0f", seed, chi, sigma)
	}
}

// TestSpeeds: the speeds' moments are those of a Beta distribution: mean p/(p+q), variance pq/((p+q)^2 (p+q+1)).
func TestSpeeds(t *testing.T) {
	for _, name := range []string{"FlatVel_A", "FlatVel_B", "FlatFault_A", "FlatFault_B"} {
		g := geology(t, name, GeologyOptions{})
		p, q := g.family.P, g.family.Q
		const n = 200000 // equally spaced quantiles: no noise
		v := make([]float64, n)
		for i := range v {
			v[i] = g.speed((float64(i) + 0.5) / n)
		}
		// A whole number is the floor of its continuous one: half a m/s lower on average.
		mean, std := 1500+3001*p/(p+q)-0.5, 3001*math.Sqrt(p*q/((p+q)*(p+q)*(p+q+1)))
		if m, s := stat.Mean(v, nil), stat.PopStdDev(v, nil); math.Abs(m-mean) > 0.01 || math.Abs(s-std) > 0.1 || slices.Min(v) != VMin || slices.Max(v) != VMax {
			t.Errorf("%s: mean %.3f (want %.3f), std %.2f (want %.2f), %g to %g", name, m, mean, s, std, slices.Min(v), slices.Max(v))
		}
	}
}

// TestFault: on each side of one straight dipping line, the map is the unfaulted one, as it is or shifted along the line.
func TestFault(t *testing.T) {
	for _, name := range []string{"FlatFault_A", "FlatFault_B", "CurveFault_A", "CurveFault_B"} {
		g := geology(t, name, GeologyOptions{})
		shifted := 0
		for i := range 50 {
			src := numbers(9, i)
			tops := g.interfaces(src(drawLayers))
			l := g.structure(tops, src(drawShape))
			whole := *l
			whole.faulted = false
			if a := math.Abs(l.throw); a < minThrow || a > maxThrow {
				t.Fatalf("%s: map %d: throw %g", name, i, l.throw)
			}
			for iz := range Rows {
				for ix := range Columns {
					x := l.foot + l.slope*(float64(iz)-middle)
					if float64(ix) < x-1e-9 && l.layer(iz, ix) != whole.layer(iz, ix) {
						t.Fatalf("%s: map %d: cell (%d, %d) left of the fault moved", name, i, iz, ix)
					}
					if !g.family.Curved && float64(ix) > x+1e-9 { // flat: the rock comes from throw rows above
						row := int(math.Floor(float64(iz) - l.throw + 0.5))
						if want := whole.layer(row, ix); l.layer(iz, ix) != want {
							t.Fatalf("%s: map %d: cell (%d, %d) is of layer %d, want %d", name, i, iz, ix, l.layer(iz, ix), want)
						}
						if whole.layer(iz, ix) != l.layer(iz, ix) {
							shifted++
						}
					}
				}
			}
		}
		if !g.family.Curved && shifted < 1000 {
			t.Errorf("%s: only %d cells are moved by the faults of 50 maps", name, shifted)
		}
	}
}

// TestStyleCorrelation: the Gaussian process has unit variance and the correlation exp(-r^2/(2 l^2)), along both axes.
func TestStyleCorrelation(t *testing.T) {
	for _, length := range []float64{1.96, 3.48} {
		const maps = 120
		dst, taps := make([]float64, Rows*Columns), gaussTaps(length)
		var variance float64
		var along [2][8]float64
		for i := range maps {
			process(dst, taps, numbers(21, i)(0))
			for iz := range Rows - 8 {
				for ix := range Columns - 8 {
					v := dst[iz*Columns+ix]
					variance += v * v
					for r := range 8 {
						along[0][r] += v * dst[iz*Columns+ix+r]
						along[1][r] += v * dst[(iz+r)*Columns+ix]
					}
				}
			}
		}
		n := float64(maps * (Rows - 8) * (Columns - 8))
		// About 62^2/(4 pi l^2) independent patches a map: the error of a correlation is 1 over the root of their number.
		tolerance := 5 / math.Sqrt(maps*62*62/(4*math.Pi*length*length))
		if math.Abs(variance/n-1) > tolerance {
			t.Errorf("length %g: variance %.4f, want 1 +- %.4f", length, variance/n, tolerance)
		}
		for axis := range along {
			for r, sum := range along[axis] {
				want := math.Exp(-float64(r*r) / (2 * length * length))
				if math.Abs(sum/n-want) > tolerance {
					t.Errorf("length %g, axis %d: correlation at %d cells %.4f, want %.4f +- %.4f", length, axis, r, sum/n, want, tolerance)
				}
			}
		}
	}
}

// TestPoisson: ratios lie in their range, one per layer, and do not touch the velocity; vs has the ratio that it was made of.
func TestPoisson(t *testing.T) {
	alone, vp, nu := make([]float64, Rows*Columns), make([]float64, Rows*Columns), make([]float64, Rows*Columns)
	for _, f := range Families() {
		g := geology(t, f.Name, GeologyOptions{PoissonMin: 0.15, PoissonMax: 0.35})
		lo, hi := 1.0, 0.0
		for i := range 12 {
			g.Draw(alone, nil, numbers(2, i))
			g.Draw(vp, nu, numbers(2, i))
			if !slices.Equal(alone, vp) {
				t.Fatalf("%s: map %d: other velocities with Poisson's ratio", f.Name, i)
			}
			ratio := map[float64]float64{}
			for k, v := range vp {
				vs := SVelocity(v, nu[k])
				if got := (v*v - 2*vs*vs) / (2 * (v*v - vs*vs)); math.Abs(got-nu[k]) > 1e-12 { // the textbook's inverse
					t.Fatalf("%s: vp %g and vs %g have Poisson's ratio %g, want %g", f.Name, v, vs, got, nu[k])
				}
				lo, hi = min(lo, nu[k]), max(hi, nu[k])
				if f.Style == nil {
					if old, ok := ratio[v]; ok && old != nu[k] {
						t.Fatalf("%s: map %d: the layer of %g m/s has the ratios %g and %g", f.Name, i, v, old, nu[k])
					}
					ratio[v] = nu[k]
				}
			}
		}
		if lo < 0.15 || hi > 0.35 || lo > 0.18 || hi < 0.32 {
			t.Errorf("%s: ratios from %g to %g, want 0.15 to 0.35 nearly filled", f.Name, lo, hi)
		}
	}
	if got := GardnerDensity(2500); math.Abs(got-2192.03) > 0.01 { // 310 * 2500^0.25 = 310 * 7.0710678
		t.Errorf("Gardner's density of 2500 m/s is %.2f", got)
	}
}

func TestGeologyErrors(t *testing.T) {
	if _, err := FamilyByName("FlatVel_C"); err == nil || !strings.Contains(err.Error(), `"FlatVel_C" (allowed: FlatVel_A, `) {
		t.Error(err)
	}
	for _, test := range []struct {
		family, want string
		o            GeologyOptions
	}{
		{"FlatVel_A", "2 to 7 layers, 8 are asked for", GeologyOptions{Layers: 8}},
		{"FlatFault_B", "6 to 8 layers, 5 are asked for", GeologyOptions{Layers: 5}},
		{"Style_A", "no layers, 3", GeologyOptions{Layers: 3}},
		{"Style_A", "from 0.3 to 0.5, allowed", GeologyOptions{PoissonMin: 0.3, PoissonMax: 0.5}},
		{"FlatVel_A", "from 0.3 to 0.2", GeologyOptions{PoissonMin: 0.3, PoissonMax: 0.2}},
	} {
		f, err := FamilyByName(test.family)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewGeology(f, test.o); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %+v: %v, want %q", test.family, test.o, err, test.want)
		}
	}
}

func BenchmarkGeology(b *testing.B) {
	for _, name := range []string{"FlatVel_A", "CurveFault_B", "Style_A"} {
		b.Run(name, func(b *testing.B) {
			g, vp, i := geology(b, name, GeologyOptions{}), make([]float64, Rows*Columns), 0
			for b.Loop() {
				g.Draw(vp, nil, numbers(1, i))
				i++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "maps/s")
		})
	}
}
