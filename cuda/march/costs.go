package march

import (
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
)

// Costs are what a launch moves and does, which its scalar arguments alone do not say: bytes of global memory, each once, bytes
// that threads ask for, and operations. They are its last four arguments; no kernel reads them, and the counts of the emulated device
// are held to them (internal/roofline).
type Costs struct{ Read, Written, Asked, Operations int }

// Args are the four arguments.
func (c Costs) Args() []cuda.Arg {
	return []cuda.Arg{cuda.Int(c.Read), cuda.Int(c.Written), cuda.Int(c.Asked), cuda.Int(c.Operations)}
}

// Launch is a launch of a kernel of a batch, or the end of a portion.
type Launch struct {
	Grid                            *Grid
	Models, Many, Shot, Shots       int // the first shot, how many; a unit is a shot's direction
	First, Last, Blocks             int // phases; of a unit
	Tangent, Keep, Record, Observed bool
	States, Materials, ExtraOut     cuda.Buffer // at the end
	Size                            int         // bytes of a number
}

// Units is their number.
func (l *Launch) Units() int { return l.Shots * l.Many }

// Threads is their number.
func (l *Launch) Threads() int { return BlockThreads * l.Blocks * l.Units() }

// Touched is how many models the launch's shots are of.
func (l *Launch) Touched() int {
	shots := int(l.Grid.Shots)
	return (l.Shot+l.Shots-1)/shots - l.Shot/shots + 1
}

// GridBytes is what every block reads before it begins.
const GridBytes = int(unsafe.Sizeof(Grid{}))

// Rows adds what it costs to record that many rows of data of every unit.
func (c *Costs) Rows(l *Launch, rows int) {
	g, units := l.Grid, l.Units()
	entries, channels := int(g.Recorded), int(g.Components*g.Receivers)
	c.Read += 4*(channels+1+entries) + l.Size*entries
	if l.First == l.Last { // the nodes that receivers see are not read but for them
		c.Read += l.Size * units * rows * entries
	}
	c.Written += l.Size * units * rows * channels
	c.Asked += units * rows * (channels*(8+l.Size) + entries*(4+2*l.Size))
	c.Operations += units * rows * 2 * entries
}

// Injected adds what it costs to drive every unit of the transpose by that many rows of data, the operations being the scheme's of
// an entry.
func (c *Costs) Injected(l *Launch, rows, operations int) {
	g, units := l.Grid, l.Units()
	data := units * rows * int(g.Components*g.Receivers) * l.Size
	c.Read += data
	if l.Observed {
		c.Read += data
		c.Asked += 8 * BlockThreads * l.Blocks * units
	}
	lines := int(g.ReceiverLines) * int(g.Cols) // of which nodes are looked at
	c.Asked += units * rows * (4*lines + int(g.ReceiverEntries)*(8+4+4*l.Size))
	c.Operations += operations * units * rows * int(g.ReceiverEntries)
}

// Census counts nodes of a grid: all; and, over both axes, those near a layer, with a memory variable of their own at a half point,
// with one before, and inside a layer.
type Census struct{ All, Near, Half, Before, In int }

// Axis is struct LayerAxis of grid.h.
type Axis struct{ before, after, Variables int }

// Axes are z and x.
func (g *Grid) Axes() [2]Axis {
	axis := func(n, before, after int32) Axis {
		if after == 0 {
			return Axis{int(before), int(n), int(before)}
		}
		return Axis{int(before), int(n - 1 - after), int(before + after + 1)}
	}
	return [2]Axis{axis(g.Rows, g.Top, g.Bottom), axis(g.Cols, g.Left, g.Right)}
}

// Census counts the nodes.
func (g *Grid) Census() Census {
	rows, cols := int(g.Rows), int(g.Cols)
	c := Census{All: rows * cols}
	for k, a := range g.Axes() {
		n, other := [2]int{rows, cols}[k], [2]int{cols, rows}[k]
		half := func(i int) bool { return i >= 0 && (i < a.before || i >= a.after) }
		for i := range n {
			if half(i) || half(i-1) {
				c.Near += other
			}
			if half(i) {
				c.Half += other
			}
			if half(i - 1) {
				c.Before += other
			}
			if i < a.before || i > a.after {
				c.In += other
			}
		}
	}
	return c
}
