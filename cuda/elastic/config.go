package elastic

import (
	"fmt"
	"math"
)

// Config is a propagator: grid, scheme, layers, acquisition. SI units.
type Config struct {
	NZ, NX   int     // nodes of the model's grid
	SpacingM float64 // h
	StepS    float64 // dt of the scheme
	Steps    int     // of the scheme
	Each     int     // how many steps are a row of data, of which the last one's velocities are recorded; 0: 1. Steps is a multiple
	Order    int     // in space: 2 or 4

	// The nodes of the absorbing layers, into which the model's edge is continued; 0: none, all is 0 beyond the grid.
	Top, Bottom, Left, Right int
	// FreeSurface: szz = sxz = 0 on row 0, and there is no layer above it.
	FreeSurface bool
	// C-PML: the speed in m/s and the frequency in Hz that the layers are made for (package cuda/cpml).
	LayerSpeed, LayerHz float64

	Wavelets [][]float64 // of every shot, Steps numbers each: the force in N/m or the moment rate in N/s of step n
	Sources  [][]Node    // where each shot's source acts: forces on VX and VZ, explosions on SXX and SZZ
	// What is recorded: vx and vz of every receiver, as weighted sums of velocities.
	Receivers [][2][]Node

	// Memory in bytes for the shots that run at a time; 0: 8 GiB. Gradients keep a segment of the steps at a time and do
	// segments again; with little memory segments are what takes the least. Never changes a result.
	Memory int
	// Segment in steps, instead of what suits cache and Memory; 0: that.
	Segment int
	// Batched: all shots of a call go through time side by side, a step at a time, as on a GPU, where that is always so. On a CPU
	// it is slower; the numbers are the same. Where Memory is 0 it is then 32 GiB.
	Batched bool
}

// Field is one of the five fields on the staggered grid: at node (iz, ix), half a spacing to the right (VX), below (VZ), or
// both (SXZ, on which nothing acts).
type Field int

// The fields.
const (
	VX Field = iota
	VZ
	SXX
	SZZ
	SXZ
)

// Node is a place of a field with a weight. A source's weights times its wavelet are spread over the area h^2 of a cell: of a
// force with weights that add up to 1 the force is the wavelet.
type Node struct {
	Field  Field
	IZ, IX int
	Weight float64
}

// shape is struct Shape of shot.h.
type shape struct {
	Rows, Cols, Wide, Halo    int64
	Top, Bottom, Left, Right  int64
	Lead, LeftEnd, RightBegin int64
	FreeSurface               int64
	Steps, Each               int64
	Shots, Receivers          int64
	Segment, State            int64
	PerSlot, Slots            int64
}

const (
	parts      = 5       // fields, materials, what is kept of a step for a tangent
	remembered = 5       // memories of a row of the layers along x, and along z (step_loops.h)
	together   = 12      // steps that are under way together at most (scheme_loops.h)
	cached     = 4 << 20 // bytes that a cache holds of what is kept for a tangent
)

func (s *shape) compact() int { return int(s.Rows * s.Wide) }
func (s *shape) stride() int  { return int(s.Wide) + 16 }
func (s *shape) field() int   { return (int(s.Rows)+2*int(s.Halo))*s.stride() + 16 }
func (s *shape) origin() int  { return int(s.Halo)*s.stride() + 16 }
func (s *shape) perShot() int { return int(2 * s.Steps / s.Each * s.Receivers) }

// round is n rounded up to a multiple of 16.
func round(n int) int { return (n + 15) / 16 * 16 }

// check says what a configuration lacks.
func (c *Config) check() error {
	bad := func(format string, args ...any) error { return fmt.Errorf("elastic: "+format, args...) }
	rows := c.NZ + c.Top + c.Bottom
	switch {
	case c.NZ < 2 || c.NX < 2 || c.NZ > 1<<20 || c.NX > 1<<20:
		return bad("a grid of %d x %d nodes: 2 to %d a side are allowed", c.NZ, c.NX, 1<<20)
	case !(c.SpacingM > 0) || !(c.StepS > 0) || math.IsInf(c.SpacingM+c.StepS, 0):
		return bad("spacing %g m, time step %g s: both must be above 0", c.SpacingM, c.StepS)
	case c.Steps < 1 || c.Steps%c.each() != 0:
		return bad("%d steps, %d to a row of data: a multiple is needed", c.Steps, c.each())
	case c.Order != 2 && c.Order != 4:
		return bad("order %d in space (allowed: 2, 4)", c.Order)
	case min(c.Top, c.Bottom, c.Left, c.Right) < 0:
		return bad("layers of %d, %d, %d, %d nodes: none may be negative", c.Top, c.Bottom, c.Left, c.Right)
	case c.FreeSurface && c.Top > 0:
		return bad("a free surface with a layer of %d nodes above it", c.Top)
	case c.FreeSurface && c.NZ < 4, rows < 4:
		return bad("%d rows, %d with layers: at least 4 are needed, below a free surface without the layers", c.NZ, rows)
	case c.Top+c.Bottom+c.Left+c.Right > 0 && !(c.LayerSpeed > 0 && c.LayerHz >= 0 && !math.IsInf(c.LayerSpeed+c.LayerHz, 0)):
		return bad("layers for %g m/s and %g Hz: the speed must be above 0", c.LayerSpeed, c.LayerHz)
	case len(c.Sources) == 0 || len(c.Receivers) == 0 || len(c.Wavelets) != len(c.Sources):
		return bad("%d sources with %d wavelets, %d receivers: one wavelet for each source, at least one receiver", len(c.Sources), len(c.Wavelets), len(c.Receivers))
	}
	for k, q := range c.Wavelets {
		if len(q) != c.Steps {
			return bad("wavelet %d has %d numbers for %d steps", k, len(q), c.Steps)
		}
	}
	for k, s := range c.Sources {
		if err := c.checkNodes("source", k, s, SZZ); err != nil {
			return err
		}
	}
	for k, r := range c.Receivers {
		for _, nodes := range r {
			if err := c.checkNodes("receiver", k, nodes, VZ); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Config) checkNodes(what string, k int, nodes []Node, last Field) error {
	for _, n := range nodes {
		if n.Field < 0 || n.Field > last {
			return fmt.Errorf("elastic: %s %d acts on field %d, allowed are 0 to %d", what, k, n.Field, last)
		}
		if n.IZ < -c.Top || n.IZ >= c.NZ+c.Bottom || n.IX < -c.Left || n.IX >= c.NX+c.Right {
			return fmt.Errorf("elastic: %s %d acts on node (iz %d, ix %d): with its layers the grid has iz %d..%d, ix %d..%d", what, k,
				n.IZ, n.IX, -c.Top, c.NZ+c.Bottom-1, -c.Left, c.NX+c.Right-1)
		}
		if c.FreeSurface && n.Field == SZZ && n.IZ == 0 {
			return fmt.Errorf("elastic: %s %d acts on szz of the free surface, where it is 0", what, k)
		}
	}
	return nil
}

func (c *Config) each() int { return max(1, c.Each) }

// pieces chooses the first column of the grid so that rows have few vectors and few of them lie in layers: the pieces of a
// row end at multiples of 16 columns, and reach halo columns further than the layers.
func (s *shape) pieces(c *Config) {
	cols, halo := int(s.Cols), int(s.Halo)
	best := math.MaxInt
	for lead := range 16 {
		wide := round(lead + cols)
		left, right := 0, wide
		if c.Left > 0 {
			left = round(lead + c.Left + halo)
		}
		if c.Right > 0 {
			right = max(0, (lead+cols-c.Right-1-halo)/16*16)
		}
		if left > right {
			left, right = wide, wide
		}
		if cost := 2*wide + left + wide - right; cost < best {
			best = cost
			s.Lead, s.Wide, s.LeftEnd, s.RightBegin = int64(lead), int64(wide), int64(left), int64(right)
		}
	}
}

// withEdges is the configuration with one node more above and left of the layers there. It stands still, as all nodes beyond the grid
// do, but for its half points towards the layer: without these the layers above and left end half a node before those below and
// right, where they are the last node's own (TestSymmetry).
func (c Config) withEdges() Config {
	if c.Top > 0 {
		c.Top++
	}
	if c.Left > 0 {
		c.Left++
	}
	return c
}

// shape works out where everything lies.
func (c *Config) shape() shape {
	s := shape{
		Rows: int64(c.NZ + c.Top + c.Bottom), Cols: int64(c.NX + c.Left + c.Right), Halo: int64(c.Order / 2),
		Top: int64(c.Top), Bottom: int64(c.Bottom), Left: int64(c.Left), Right: int64(c.Right),
		Steps: int64(c.Steps), Each: int64(c.each()), Shots: int64(len(c.Sources)), Receivers: int64(len(c.Receivers)),
	}
	if c.FreeSurface {
		s.FreeSurface = 1
	}
	if c.Batched {
		s.Wide = int64(round(int(s.Cols))) // rows begin where memory does
		return s
	}
	s.pieces(c)
	layered, layeredRows := s.LeftEnd+s.Wide-s.RightBegin, s.Top
	if c.Bottom > 0 {
		layeredRows += s.Bottom + 1
	}
	s.State = int64(parts*s.field()) + remembered*(s.Rows*layered+layeredRows*s.Wide)
	return s
}
