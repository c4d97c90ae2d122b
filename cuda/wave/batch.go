package wave

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
)

// What an H100 holds of the kernels that march: two blocks on each of its 132 multiprocessors.
const blocksAtOnce = 2 * 132

// A step of a block with fewer turns (of 256 nodes each) than this takes less time than a launch: then the block does all steps of
// its shot, however few shots there are. One multiprocessor does about 2.5 nodes a cycle, so that 64 turns are 4 us.
const turnsOfLaunch = 64

// deviceMemory is what a call takes of a GPU's memory for wavefields, where Config says nothing.
const deviceMemory = 32 << 30

// mostUnits is how many units go into one launch, of 65 535.
const mostUnits = 1 << 15

// grid is struct Grid of batch.h.
type grid struct {
	Rows, Cols, Wide, Halo                        int32
	Top, Bottom, Left, Right                      int32
	FreeSurface                                   int32
	Steps, Shots, Receivers                       int32
	From, To, Above, Below                        int32
	Forward, Back                                 int32
	SourceLines, SourceNodes, SourceEntries       int32
	ReceiverLines, ReceiverNodes, ReceiverEntries int32
	Recorded                                      int32
	Profile                                       int32
}

// batch is what the kernels of a batch share.
type batch struct {
	grid                       grid
	numbers                    cuda.Buffer
	sources, receivers, record spots
	march, back                kernel
	earlier                    int // steps that are kept before a segment
	axes                       [2]axis
}

// axis is struct LayerAxis of acoustic_march.h: z and x.
type axis struct{ before, after, variables int }

func newAxis(n, before, after int) axis {
	if after == 0 {
		return axis{before, n, before}
	}
	return axis{before, n - 1 - after, before + after + 1}
}

// newBatch puts on the device what the kernels of a batch read.
func (p *Plan[T]) newBatch() (*batch, error) {
	s, c := &p.shape, &p.config
	rows, cols := int(s.Rows), int(s.Cols)
	b := &batch{march: acousticMarch, back: acousticBack, axes: [2]axis{newAxis(rows, c.Top, c.Bottom), newAxis(cols, c.Left, c.Right)}}
	variables := rows*b.axes[1].variables + b.axes[0].variables*int(s.Wide)
	forward, back, profile := 2*s.field()+3*variables, 2*s.field()+5*variables, 4*int(s.Wide)+4*rows
	if c.Sponge {
		b.march, b.back, b.earlier = spongeMarch, spongeBack, 1
		forward, back, profile = 2*s.field(), 2*s.field()+s.compact(), s.compact()
	}
	if back > math.MaxInt32 || c.Steps > math.MaxInt32 {
		return nil, fmt.Errorf("wave: %d x %d nodes with layers: a shot's state has %d numbers, a GPU's kernels take up to %d", rows, cols, back, math.MaxInt32)
	}
	groups, all := make([][]int, len(c.Sources)), make([]int, len(c.Receivers))
	for k := range groups {
		groups[k] = []int{k}
	}
	for k := range all {
		all[k] = k
	}
	var err error
	if b.sources, err = p.putSpots("source spots", groups, c.Sources); err != nil {
		return nil, err
	}
	if b.receivers, err = p.putSpots("receiver spots", [][]int{all}, c.Receivers); err != nil {
		return nil, err
	}
	if b.record, err = p.putRecord(c.Receivers); err != nil {
		return nil, err
	}
	from, to := c.pieces()
	above, below := 0, rows
	if c.Top > 0 {
		above = c.Top + 1
	}
	if c.Bottom > 0 {
		below = rows - c.Bottom - 1
	}
	b.grid = grid{
		int32(rows), int32(cols), int32(s.Wide), int32(s.Halo), int32(c.Top), int32(c.Bottom), int32(c.Left), int32(c.Right),
		int32(s.FreeSurface), int32(s.Steps), int32(s.Shots), int32(s.Receivers), int32(from), int32(to), int32(above), int32(below),
		int32(forward), int32(back), b.sources.lines, b.sources.nodes, b.sources.entries,
		b.receivers.lines, b.receivers.nodes, b.receivers.entries, b.record.entries, int32(profile),
	}
	b.numbers, err = p.put("grid", unsafe.Slice((*byte)(unsafe.Pointer(&b.grid)), unsafe.Sizeof(b.grid)))
	return b, err
}

// blocks is how many blocks a unit gets: one, which goes through the steps by itself, or one for each strip of rows, as many as
// fill a GPU, a launch for every step.
func (b *batch) blocks(units int) int {
	strips := cuda.Blocks(int(b.grid.Rows), marchRows)
	if 2*units > blocksAtOnce || strips*cuda.Blocks(int(b.grid.Cols), marchColumns) <= turnsOfLaunch {
		return 1
	}
	return min(strips, blocksAtOnce/units)
}

// portion is some shots, which run side by side.
type portion[T cuda.Float] struct {
	*call[T]
	b           *batch
	shot, shots int // the first one, how many
	segment     int // steps that are kept at a time

	states, more, checkpoints, kept cuda.Buffer // more: of the directions
}

// numbers is how many numbers a shot takes with segments of m steps.
func (c *call[T]) numbers(m int) int {
	g := &c.p.batch.grid
	n := int(g.Forward)
	if c.linear {
		n += (m + c.p.batch.earlier) * c.p.shape.compact()
	}
	if c.gradient {
		return n + c.many*int(g.Back) + (cuda.Blocks(int(g.Steps), m)-1)*int(g.Forward)
	}
	if c.linear {
		n += c.many * int(g.Forward)
	}
	return n
}

// fit is how many shots run side by side in so much memory, and how many steps are kept at a time: all shots and all steps if
// that fits, else as many shots as keep a GPU busy with all steps; else shorter segments, which are done again.
func (c *call[T]) fit(all, memory int) (shots, steps int) {
	p := c.p
	steps = int(p.shape.Steps)
	room := memory / cuda.SizeOf[T]()
	all = min(all, max(1, mostUnits/c.many))
	if p.config.Segment > 0 {
		m := min(steps, p.config.Segment)
		return max(1, min(all, room/c.numbers(m))), m
	}
	if n := min(all, room/c.numbers(steps)); n == all || n*c.many >= blocksAtOnce {
		return n, steps
	}
	state := 1
	if c.gradient {
		state = int(p.batch.grid.Forward)
	}
	fixed := c.numbers(steps) - steps*p.shape.compact()
	for shots = min(all, max(1, blocksAtOnce/c.many)); ; shots = (shots + 1) / 2 {
		m := segment(steps, p.shape.compact(), state, room/shots-fixed)
		if shots == 1 || c.numbers(m)*shots <= room {
			return shots, m
		}
	}
}
