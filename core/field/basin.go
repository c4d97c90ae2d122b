package field

import (
	"fmt"
	"math"
	"sort"

	"github.com/waveprior/waveprior/core/rng"
)

// Basin draws sections of a marine basin in the manner of the Marmousi model (Versteeg, The Leading Edge 13 (1994) 927), by
// rules of its own: water, flat young beds, an unconformity, and under it older beds that are tilted, folded over an anticline
// and cut by normal faults, down to fast rock; a lens of slow rock lies under the crest. Lengths are in m, speeds in m/s.
type Basin struct {
	Width, Depth float64 // of the section, from the surface
	Water        float64 // depth of the sea floor, where it is 1500 m/s above
	Layers       int     // beds, at least 2
	Faults       int
	Top, Bottom  float64 // speeds of the youngest bed and of the rock below all beds
}

// WaterSpeed is that of P waves in a basin's water.
const WaterSpeed = 1500.0

// Validate returns an error naming the first thing that is out of bounds.
func (b *Basin) Validate() error {
	switch {
	case !(b.Width > 0) || !(b.Depth > 0) || math.IsInf(b.Width+b.Depth, 0):
		return fmt.Errorf("field: basin of %g x %g m (allowed: above 0)", b.Width, b.Depth)
	case !(b.Water >= 0 && b.Water < 0.5*b.Depth):
		return fmt.Errorf("field: %g m of water in a basin of %g m (allowed: 0 to less than half of it)", b.Water, b.Depth)
	case b.Layers < 2 || b.Layers > 200 || b.Faults < 0 || b.Faults > 20:
		return fmt.Errorf("field: basin with %d beds and %d faults (allowed: 2..200 and 0..20)", b.Layers, b.Faults)
	case !(b.Top >= WaterSpeed && b.Top < b.Bottom):
		return fmt.Errorf("field: basin from %g to %g m/s (allowed: from %g m/s, growing)", b.Top, b.Bottom, WaterSpeed)
	}
	return nil
}

// Draws of a section's random numbers.
const (
	basinBeds   = 0 // uniforms: thickness, speed and its sign for each bed
	basinShape  = 1 // uniforms of floor, unconformity, tilt, anticline and lens
	basinFaults = 2 // uniforms: place, dip and throw of each fault
)

// section is a drawn basin. Ages are in m of beds above the youngest, as they were laid down.
type section struct {
	b          *Basin
	bottoms    []float64 // age at which each bed ends
	speeds     []float64 // at its top
	young      float64   // thickness of the beds above the unconformity
	floor      [2]float64
	slope      float64 // of the unconformity
	tilt       float64
	crest      [3]float64 // x, height and width of the anticline
	lens       [3]float64 // depth under the unconformity, half-thickness, change of speed
	at, cot, d []float64  // faults: x at the unconformity, cotangent of the dip, throw
}

// Draw fills vp (nz x nx, x fastest) at the depths z0 + iz dz and the offsets x0 + ix dx, in m, with the section whose random
// numbers source gives by draw. The same earth on any grid. It panics for a slice of another length.
func (b *Basin) Draw(vp []float64, nz, nx int, z0, dz, x0, dx float64, source func(draw uint32) rng.Source) {
	if len(vp) != nz*nx {
		panic(fmt.Sprintf("field: %d velocities for a section of %d x %d", len(vp), nz, nx))
	}
	s := b.section(source)
	for iz := range nz {
		for ix := range nx {
			vp[iz*nx+ix] = s.speed(z0+float64(iz)*dz, x0+float64(ix)*dx)
		}
	}
}

func (b *Basin) section(source func(draw uint32) rng.Source) *section {
	s := &section{b: b}
	between := func(r rng.Source, element int, lo, hi float64) float64 {
		return math.FMA(hi-lo, r.Uniform(element), lo)
	}
	rock := b.Depth - b.Water
	beds, age := source(basinBeds), 0.0
	all := 1.25 * rock // more than the section is deep: tilt and anticline bring it up
	for k := range b.Layers {
		thick := all / float64(b.Layers) * between(beds, 3*k, 0.4, 1.6)
		v := b.Top + (b.Bottom-b.Top)*math.Pow(age/all, 0.8)
		v *= 1 + 0.09*between(beds, 3*k+1, -1, 1)
		if k > 2 && beds.Uniform(3*k+2) < 0.25 { // slower than what lies above
			v *= 0.86
		}
		age += thick
		s.bottoms = append(s.bottoms, age)
		s.speeds = append(s.speeds, min(max(v, b.Top), b.Bottom))
	}
	r := source(basinShape)
	s.young = rock * between(r, 0, 0.16, 0.24)
	s.floor = [2]float64{between(r, 1, 0.02, 0.06) * b.Water, between(r, 2, 0, 2*math.Pi)}
	s.slope = between(r, 3, -0.03, 0.03)
	s.tilt = math.Copysign(between(r, 4, 0.08, 0.16), r.Uniform(5)-0.5)
	s.crest = [3]float64{b.Width * between(r, 6, 0.3, 0.7), rock * between(r, 7, 0.2, 0.3), b.Width * between(r, 8, 0.12, 0.2)}
	s.lens = [3]float64{rock * between(r, 9, 0.12, 0.2), rock * between(r, 10, 0.03, 0.05), -0.14}
	f := source(basinFaults)
	for k := range b.Faults {
		place := (float64(k) + between(f, 4*k, 0.3, 0.7)) / float64(b.Faults)
		s.at = append(s.at, b.Width*(0.1+0.8*place))
		s.cot = append(s.cot, math.Copysign(1/math.Tan(between(f, 4*k+1, 50, 72)*math.Pi/180), f.Uniform(4*k+2)-0.5))
		s.d = append(s.d, rock*between(f, 4*k+3, 0.05, 0.13))
	}
	return s
}

// speed at a depth and an offset.
func (s *section) speed(z, x float64) float64 {
	b := s.b
	below := z - b.Water - float64(s.floor[0]*math.Sin(3*math.Pi*x/b.Width+s.floor[1]))
	if below < 0 {
		return WaterSpeed
	}
	age := below
	old := below - s.young - float64(s.slope*(x-0.5*b.Width)) // depth under the unconformity
	if old >= 0 {
		t := (x - s.crest[0]) / s.crest[2]
		up := s.crest[1] * math.Exp(-0.5*t*t)
		age = s.young + old + up + float64(s.tilt*(x-0.5*b.Width)) + math.Abs(s.tilt)*0.5*b.Width
		for k, at := range s.at {
			// The plane dips to the side to which its cotangent points; what lies above it has slid down.
			if (x-at-float64(s.cot[k]*old))*s.cot[k] > 0 {
				age -= s.d[k]
			}
		}
		age = max(age, s.young)
		if lz, lx := (old-s.lens[0])/s.lens[1], 2*t; lz*lz+lx*lx < 1 {
			return s.bed(age) * (1 + s.lens[2])
		}
	}
	return s.bed(age)
}

// bed is the speed of an age: that of its bed, which grows a little downwards, or of the rock below all beds.
func (s *section) bed(age float64) float64 {
	k := sort.SearchFloat64s(s.bottoms, age)
	if k == len(s.bottoms) {
		return s.b.Bottom
	}
	top := 0.0
	if k > 0 {
		top = s.bottoms[k-1]
	}
	return min(s.speeds[k]+0.25*(age-top), s.b.Bottom)
}
