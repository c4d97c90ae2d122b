package field_test

import (
	"math"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/field"
	"github.com/waveprior/waveprior/core/rng"
)

func basin() field.Basin {
	return field.Basin{Width: 3000, Depth: 1200, Water: 150, Layers: 18, Faults: 3, Top: 1700, Bottom: 4200}
}

// drawBasin returns item i on a grid of spacing h.
func drawBasin(b field.Basin, seed uint64, h float64) (vp []float64, nz, nx int) {
	nz, nx = int(b.Depth/h)+1, int(b.Width/h)+1
	vp = make([]float64, nz*nx)
	s := rng.New(seed, "test/basin")
	b.Draw(vp, nz, nx, 0, h, 0, h, func(draw uint32) rng.Source { return s.At(0, 0, draw) })
	return vp, nz, nx
}

// TestBasin: over twenty sections, water where it should be, speeds within their bounds that grow with depth on average, beds
// and not gradients, and faults that make a difference under the unconformity alone.
func TestBasin(t *testing.T) {
	b := basin()
	upper, lower := 0.0, 0.0
	for seed := range uint64(20) {
		vp, nz, nx := drawBasin(b, seed, 15)
		jumps := 0
		for iz := range nz {
			for ix := range nx {
				v, z := vp[iz*nx+ix], 15*float64(iz)
				switch {
				case z < 0.9*b.Water && v != field.WaterSpeed:
					t.Fatalf("seed %d: %g m/s in the water, at %g m", seed, v, z)
				case z > 1.1*b.Water && (v < 0.85*b.Top || v > b.Bottom):
					t.Fatalf("seed %d: %g m/s at %g m", seed, v, z)
				}
				if iz > 0 && math.Abs(v-vp[(iz-1)*nx+ix]) > 80 {
					jumps++
				}
				if z > 200 && z <= 500 {
					upper += v
				} else if z > 900 {
					lower += v
				}
			}
		}
		if n := float64(jumps) / float64(nx); n < 4 || n > 25 {
			t.Errorf("seed %d: %g jumps of velocity in a column", seed, n)
		}
		whole := b
		whole.Faults = 0
		other, _, _ := drawBasin(whole, seed, 15)
		for i := range vp {
			if z := 15 * float64(i/nx); z < b.Water+0.1*(b.Depth-b.Water) && vp[i] != other[i] {
				t.Fatalf("seed %d: a fault cuts the beds above the unconformity, at %g m", seed, z)
			}
		}
		differ := 0
		for i := range vp {
			if vp[i] != other[i] {
				differ++
			}
		}
		if share := float64(differ) / float64(len(vp)); share < 0.05 || share > 0.9 {
			t.Errorf("seed %d: faults change %g of the section", seed, share)
		}
	}
	if n := 20.0 * 201; upper/n/20 > 0.8*lower/n/20 {
		t.Errorf("mean speed from 200 to 500 m %g, below 900 m %g", upper/n/20, lower/n/20)
	}
}

// TestBasinGrids: the earth is the same on a grid of half the spacing.
func TestBasinGrids(t *testing.T) {
	coarse, nz, nx := drawBasin(basin(), 3, 30)
	fine, _, mx := drawBasin(basin(), 3, 15)
	for iz := range nz {
		for ix := range nx {
			if a, b := coarse[iz*nx+ix], fine[2*iz*mx+2*ix]; a != b {
				t.Fatalf("at %d, %d: %g on the coarse grid, %g on the fine one", iz, ix, a, b)
			}
		}
	}
}

// TestBasinRefuses: what is out of bounds is named with its number.
func TestBasinRefuses(t *testing.T) {
	for want, change := range map[string]func(b *field.Basin){
		"0 x 1200 m":     func(b *field.Basin) { b.Width = 0 },
		"600 m of water": func(b *field.Basin) { b.Water = 600 },
		"1 beds":         func(b *field.Basin) { b.Layers = 1 },
		"21 faults":      func(b *field.Basin) { b.Faults = 21 },
		"1400 to":        func(b *field.Basin) { b.Top = 1400 },
		"to 1700 m/s":    func(b *field.Basin) { b.Bottom = 1700 },
	} {
		b := basin()
		change(&b)
		if err := b.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if b := basin(); b.Validate() != nil {
		t.Error(b.Validate())
	}
}

// TestSmooth: a constant stays one, rows above the first are let be, and a spike becomes the Gaussian of that width: its second
// moment is the variance, 1 % for the cut at four standard deviations. Near the edges weights are scaled: 1e-4 of the sum.
func TestSmooth(t *testing.T) {
	const nz, nx, sz, sx = 61, 71, 4.0, 6.0
	m := make([]float64, nz*nx)
	for i := range m {
		m[i] = 2
	}
	field.Smooth(m, nz, nx, sz, sx, 0)
	for i, v := range m {
		if math.Abs(v-2) > 1e-12 {
			t.Fatalf("a constant is %g at %d", v, i)
		}
	}
	clear(m)
	const iz, ix = 30, 35
	m[iz*nx+ix] = 1
	field.Smooth(m, nz, nx, sz, sx, 0)
	sum, zz, xx := 0.0, 0.0, 0.0
	for i, v := range m {
		dz, dx := float64(i/nx-iz), float64(i%nx-ix)
		sum, zz, xx = sum+v, zz+v*dz*dz, xx+v*dx*dx
	}
	if math.Abs(sum-1) > 1e-4 || math.Abs(zz-sz*sz) > 0.01*sz*sz || math.Abs(xx-sx*sx) > 0.01*sx*sx {
		t.Errorf("a spike: sum %g, variances %g and %g, want 1, %g and %g", sum, zz, xx, sz*sz, sx*sx)
	}
	for i := range m {
		m[i] = float64(i / nx) // row number
	}
	field.Smooth(m, nz, nx, sz, 0, 20)
	for i, v := range m {
		row := i / nx
		if row < 20 && v != float64(row) || row >= 20 && v < 20 {
			t.Fatalf("row %d is %g", row, v)
		}
	}
}
