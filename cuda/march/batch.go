package march

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
)

// What an H100 holds of the kernels that march: two blocks on each of its 132 multiprocessors.
const blocksAtOnce = 2 * 132

// A phase of a block with fewer turns (of 256 nodes each) than this takes less time than a launch: then the block does all steps of
// its shot, however few shots there are. One multiprocessor does about 2.5 nodes a cycle, so that 64 turns are 4 us.
const turnsOfLaunch = 64

// deviceMemory is what a call takes of a GPU's memory for wavefields, where nothing else is said.
const deviceMemory = 32 << 30

// mostUnits is how many units go into one launch, of 65 535.
const mostUnits = 1 << 15

// Grid is struct Grid of grid.h. The scheme fills in all but Forward, Back, Kept and the numbers of spots, which NewBatch does.
type Grid struct {
	Rows, Cols, Wide, Halo                                        int32
	Top, Bottom, Left, Right                                      int32
	FreeSurface                                                   int32
	Steps, Phases, Each                                           int32
	Shots, Receivers, Components                                  int32
	From, To, Above, Below                                        int32
	Forward, Back                                                 int32
	Materials                                                     int32
	Kept, Earlier                                                 int32
	SourceGroups, SourceLines, SourceNodes, SourceEntries         int32
	ReceiverGroups, ReceiverLines, ReceiverNodes, ReceiverEntries int32
	Recorded                                                      int32
	Profile                                                       int32
}

// data is how many numbers a model's data are.
func (g *Grid) data() int {
	return int(g.Components) * int(g.Shots) * int(g.Steps/g.Each) * int(g.Receivers)
}

// Scheme is what a batch runs: a family's kernels, with what they read that no model changes.
type Scheme struct {
	Grid          Grid
	Forward, Back Kernel // with the arguments of units.h, launched by ForwardLaunch and BackLaunch
	// States: numbers of a unit's state, forward and of the transpose; they may not fit Grid.Forward and Grid.Back.
	States [2]int
	// Kept: numbers that a step keeps, for the transpose and for a tangent. Grid.Kept tells the kernels which it is.
	Kept                         [2]int
	Profile, Wavelet             cuda.Buffer
	Sources, Injected            []Spot // what acts on the state forward, and in the transpose
	SourceGroups, InjectedGroups int
	Record                       [][]Place // of every channel: component x receivers + receiver
	ForwardCosts, BackCosts      func(l *Launch) Costs
	Memory, Segment              int                   // as in the family's Config; 0: what suits
	Together                     int                   // a segment for the transpose has a multiple of these, or all steps; 0: 1
	After                        func(l *Launch) error // runs when the transpose of some shots is done; nil: nothing
}

// Batch runs calls on a device with all shots side by side.
type Batch[T cuda.Float] struct {
	Scheme
	d                          cuda.Device
	rooms                      *cuda.Rooms
	Numbers                    cuda.Buffer // the grid on the device
	along                      Grid        // the grid of calls that keep for a tangent, and where that is
	alongNumbers               cuda.Buffer
	sources, injected, channel spots
}

// NewBatch puts on the device what the kernels of a batch read. name of the family begins errors.
func NewBatch[T cuda.Float](d cuda.Device, rooms *cuda.Rooms, family string, s Scheme) (*Batch[T], error) {
	g := &s.Grid
	if most := max(s.States[0], s.States[1]); most > math.MaxInt32 || s.Grid.Steps > math.MaxInt32/g.Phases {
		return nil, fmt.Errorf("%s: %d x %d nodes with layers, %d steps: a shot's state has %d numbers, a GPU's kernels take up to %d of them, and phases",
			family, g.Rows, g.Cols, g.Steps, most, math.MaxInt32)
	}
	g.Forward, g.Back, g.Kept = int32(s.States[0]), int32(s.States[1]), int32(s.Kept[0])
	b := &Batch[T]{Scheme: s, d: d, rooms: rooms}
	g = &b.Grid
	rows, wide := int(g.Rows), int(g.Wide)
	var err error
	if b.sources, err = putSpots[T](rooms, "source spots", rows, wide, s.SourceGroups, s.Sources); err != nil {
		return nil, err
	}
	if b.injected, err = putSpots[T](rooms, "receiver spots", rows, wide, s.InjectedGroups, s.Injected); err != nil {
		return nil, err
	}
	if b.channel, err = putRecord[T](rooms, s.Record); err != nil {
		return nil, err
	}
	g.SourceGroups, g.SourceLines, g.SourceNodes, g.SourceEntries = b.sources.groups, b.sources.lines, b.sources.nodes, b.sources.entries
	g.ReceiverGroups, g.ReceiverLines, g.ReceiverNodes, g.ReceiverEntries = b.injected.groups, b.injected.lines, b.injected.nodes, b.injected.entries
	g.Recorded = b.channel.entries
	if b.Numbers, err = putGrid(rooms, "grid", g); err != nil {
		return nil, err
	}
	b.along = *g
	b.along.Kept = int32(s.Kept[1])
	b.alongNumbers, err = putGrid(rooms, "grid of tangents", &b.along)
	return b, err
}

func putGrid(rooms *cuda.Rooms, name string, g *Grid) (cuda.Buffer, error) {
	return rooms.Put(name, unsafe.Slice((*byte)(unsafe.Pointer(g)), unsafe.Sizeof(*g)))
}

// grid is that of a call, and where it is on the device.
func (b *Batch[T]) grid(c *Call[T]) (*Grid, cuda.Buffer) {
	if c.Linear && !c.Gradient {
		return &b.along, b.alongNumbers
	}
	return &b.Grid, b.Numbers
}

// blocks is how many blocks a unit gets: one, which goes through the steps by itself, or one for each strip of rows, as many as
// fill a GPU, a launch for every phase.
func (b *Batch[T]) blocks(units int) int {
	strips := cuda.Blocks(int(b.Grid.Rows), blockRows)
	if 2*units > blocksAtOnce || strips*cuda.Blocks(int(b.Grid.Cols), blockColumns) <= turnsOfLaunch {
		return 1
	}
	return min(strips, blocksAtOnce/units)
}

// numbers is how many numbers a shot takes with segments of m steps.
func (b *Batch[T]) numbers(c *Call[T], m int) int {
	g, _ := b.grid(c)
	n := int(g.Forward)
	if c.Linear {
		n += (m + int(g.Earlier)) * int(g.Kept)
	}
	if c.Gradient {
		return n + c.Many*int(g.Back) + (cuda.Blocks(int(g.Steps), m)-1)*int(g.Forward)
	}
	if c.Linear {
		n += c.Many * int(g.Forward)
	}
	return n
}

// fit is how many shots run side by side in so much memory, and how many steps are kept at a time: all shots and all steps if
// that fits, else as many shots as keep a GPU busy with all steps; else shorter segments, which are done again.
func (b *Batch[T]) fit(c *Call[T], all, memory int) (shots, steps int) {
	g, _ := b.grid(c)
	steps = int(g.Steps)
	together := 1
	if c.Gradient {
		together = max(1, b.Together)
	}
	room := memory / cuda.SizeOf[T]()
	all = min(all, max(1, mostUnits/c.Many))
	if b.Scheme.Segment > 0 {
		m := min(steps, multiple(b.Scheme.Segment, together))
		return max(1, min(all, room/b.numbers(c, m))), m
	}
	if n := min(all, room/b.numbers(c, steps)); n == all || n*c.Many >= blocksAtOnce {
		return n, steps
	}
	state := 1
	if c.Gradient {
		state = int(g.Forward)
	}
	fixed := b.numbers(c, steps) - steps*int(g.Kept)
	for shots = min(all, max(1, blocksAtOnce/c.Many)); ; shots = (shots + 1) / 2 {
		m := Segment(steps, int(g.Kept), state, together, room/shots-fixed)
		if shots == 1 || b.numbers(c, m)*shots <= room {
			return shots, m
		}
	}
}

// Segment is how many of so many steps are kept at a time by a shot with room for that many numbers, `kept` for a step, `state` for what
// lies between two segments: as many as fit beside the states between; where nothing fits, what takes the least. It is all steps or a
// multiple of `together`.
func Segment(steps, kept, state, together, room int) int {
	if steps*kept <= room {
		return steps
	}
	need := func(m int) int { return m*kept + ((steps+m-1)/m-1)*state }
	least := min(steps, multiple(max(1, int(math.Sqrt(float64(steps)*float64(state)/float64(kept)))), together))
	best := least
	for m := least; m < steps && need(m) <= room; m += together {
		best = m
	}
	return best
}

// multiple is n rounded up to one of m.
func multiple(n, m int) int { return (n + m - 1) / m * m }
