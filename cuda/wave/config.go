package wave

import (
	"fmt"
	"math"
)

// Config is a propagator: grid, scheme, layers, acquisition. SI units.
type Config struct {
	NZ, NX   int     // nodes of the model's grid
	SpacingM float64 // h
	StepS    float64 // dt
	Steps    int     // nt
	Order    int     // in space: 2, 4, 6 or 8; the sponge's is 4

	// The nodes of the absorbing layers, into which the model's edge is continued; 0: none, p = 0 beyond the grid.
	Top, Bottom, Left, Right int
	// FreeSurface: p = 0 in row 0, and there is no layer above it.
	FreeSurface bool
	// Sponge: the OpenFWI data sets' scheme instead of C-PML: periodic, damped in the layers (sponge.h).
	Sponge bool
	// C-PML: sigma = 3 LayerSpeed ln(1000)/(2 L) (d/L)^2 in m/s, alpha = pi LayerHz (1 - d/L), at depth d of a layer of width L.
	LayerSpeed, LayerHz float64

	Wavelets  [][]float64 // q of every shot, Steps numbers each
	Sources   [][]Node    // where each shot's source acts
	Receivers [][]Node    // of every shot

	// Memory in bytes for the shots that run at a time; 0: 4 GiB. Gradients are fastest where it holds a field of every step of
	// a shot for each thread; with less they keep the fields of a segment of the steps at a time and do segments again; with
	// little, segments are what takes the least. Never changes a result.
	Memory int
	// Segment in steps, instead of what suits cache and Memory; 0: that.
	Segment int
	// Batched: propagate as on a GPU, all shots side by side and step by step, on the CPU, too. That is slow there, and gives
	// the same numbers: for tests. On a GPU nothing else is done.
	Batched bool
}

// Node is a node of the model's grid with a weight.
type Node struct {
	IZ, IX int
	Weight float64
}

// shape is struct Shape of shot.h.
type shape struct {
	Rows, Cols, Wide, Halo                 int64
	Top, Bottom, Left, Right               int64
	FreeSurface                            int64
	Steps, Shots, Receivers                int64
	Segment, Scratch, State, Kept, PerSlot int64
	Slots                                  int64
}

func (s *shape) compact() int { return int(s.Rows * s.Wide) }
func (s *shape) stride() int  { return int(s.Wide) + 16 }
func (s *shape) field() int   { return (int(s.Rows)+2*int(s.Halo))*s.stride() + 16 }
func (s *shape) perShot() int { return int(s.Steps * s.Receivers) }

// together is kTogether of shot_loops.h.
const together = 4

// round is n rounded up to a multiple of 16.
func round(n int) int { return (n + 15) / 16 * 16 }

// check says what a configuration lacks.
func (c *Config) check() error {
	bad := func(format string, args ...any) error { return fmt.Errorf("wave: "+format, args...) }
	switch {
	case c.NZ < 2 || c.NX < 2 || c.NZ > 1<<20 || c.NX > 1<<20:
		return bad("a grid of %d x %d nodes: 2 to %d a side are allowed", c.NZ, c.NX, 1<<20)
	case !(c.SpacingM > 0) || !(c.StepS > 0) || math.IsInf(c.SpacingM+c.StepS, 0):
		return bad("spacing %g m, time step %g s: both must be above 0", c.SpacingM, c.StepS)
	case c.Steps < 1:
		return bad("%d steps, at least 1 is needed", c.Steps)
	case c.Order != 2 && c.Order != 4 && c.Order != 6 && c.Order != 8, c.Sponge && c.Order != 4:
		return bad("order %d in space (allowed: 2, 4, 6, 8; the sponge's is 4)", c.Order)
	case min(c.Top, c.Bottom, c.Left, c.Right) < 0:
		return bad("layers of %d, %d, %d, %d nodes: none may be negative", c.Top, c.Bottom, c.Left, c.Right)
	case c.FreeSurface && (c.Top > 0 || c.Sponge):
		return bad("a free surface with a layer of %d nodes above it, or with the sponge", c.Top)
	case c.NZ+c.Top+c.Bottom <= c.Order/2:
		return bad("%d rows with layers: order %d needs more than %d", c.NZ+c.Top+c.Bottom, c.Order, c.Order/2)
	case c.FreeSurface && c.Bottom > 0 && c.NZ < c.Order/2: // the image of a row in the layer would lie in a stencil
		return bad("%d rows between a free surface and a layer: order %d needs at least %d", c.NZ, c.Order, c.Order/2)
	case c.Sponge && min(c.NZ+c.Top+c.Bottom, c.NX+c.Left+c.Right) < 4:
		return bad("a sponge on fewer than 4 nodes a side")
	case !c.Sponge && c.Top+c.Bottom+c.Left+c.Right > 0 && !(c.LayerSpeed > 0 && c.LayerHz >= 0 && !math.IsInf(c.LayerSpeed+c.LayerHz, 0)):
		return bad("layers for %g m/s and %g Hz: the speed must be above 0", c.LayerSpeed, c.LayerHz)
	case len(c.Sources) == 0 || len(c.Receivers) == 0 || len(c.Wavelets) != len(c.Sources):
		return bad("%d sources with %d wavelets, %d receivers: one wavelet for each source, at least one receiver", len(c.Sources), len(c.Wavelets), len(c.Receivers))
	}
	for k, q := range c.Wavelets {
		if len(q) != c.Steps {
			return bad("wavelet %d has %d numbers for %d steps", k, len(q), c.Steps)
		}
	}
	for what, points := range map[string][][]Node{"source": c.Sources, "receiver": c.Receivers} {
		for k, p := range points {
			for _, n := range p {
				if n.IZ < -c.Top || n.IZ >= c.NZ+c.Bottom || n.IX < -c.Left || n.IX >= c.NX+c.Right {
					return bad("%s %d acts on node (iz %d, ix %d): with its layers the grid has iz %d..%d, ix %d..%d", what, k,
						n.IZ, n.IX, -c.Top, c.NZ+c.Bottom-1, -c.Left, c.NX+c.Right-1)
				}
			}
		}
	}
	return nil
}

// withEdges is the configuration with one node more above and left of the layers there. It stands still, as do all nodes beyond
// the grid, and has psi at the half point between it and the outermost node of the layer: without that the layers above and
// left absorb less than those below and right, where that half point is the last node's own (TestAbsorption).
func (c Config) withEdges() Config {
	if c.Sponge {
		return c
	}
	if c.Top > 0 {
		c.Top++
	}
	if c.Left > 0 {
		c.Left++
	}
	return c
}

// shape works out where everything lies; size is that of a number.
func (c *Config) shape() shape {
	b := func(x bool) int64 {
		if x {
			return 1
		}
		return 0
	}
	rows, cols, halo := c.NZ+c.Top+c.Bottom, c.NX+c.Left+c.Right, c.Order/2
	wide := round(cols)
	s := shape{
		Rows: int64(rows), Cols: int64(cols), Wide: int64(wide), Halo: int64(halo),
		Top: int64(c.Top), Bottom: int64(c.Bottom), Left: int64(c.Left), Right: int64(c.Right), FreeSurface: b(c.FreeSurface),
		Steps: int64(c.Steps), Shots: int64(len(c.Sources)), Receivers: int64(len(c.Receivers)),
	}
	if c.Sponge {
		s.State, s.Kept = int64(2*s.field()+s.compact()), int64(s.field())
		return s
	}
	left, right := c.pieces()
	layeredRows := 0
	for _, n := range []int{c.Top, c.Bottom} {
		if n > 0 {
			layeredRows += n + 1
		}
	}
	s.Scratch = int64(wide + 16 + together*(c.Top+c.Bottom)*wide)
	s.State = int64(2*s.field() + 2*rows*(left+wide-right) + 2*layeredRows*wide)
	s.Kept = int64(s.compact())
	return s
}

// pieces are the columns below which, and from which on, a row is taken to be in a layer left or right: whole vectors, so that it
// has at most three pieces (class Acoustic).
func (c *Config) pieces() (from, to int) {
	cols, halo := c.NX+c.Left+c.Right, c.Order/2
	to = round(cols)
	if c.Left > 0 {
		from = round(c.Left + halo)
	}
	if c.Right > 0 {
		to = max(0, (cols-c.Right-halo)/16*16)
	}
	if from >= to || from > round(cols) {
		return round(cols), round(cols)
	}
	return from, to
}
