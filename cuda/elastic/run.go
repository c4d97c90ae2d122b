package elastic

import (
	"slices"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/march"
)

// Begin implements march.Physics.
func (p *Plan[T]) Begin(c *march.Call[T], models cuda.Buffer) error {
	return p.materials(c.Materials, models, cuda.Buffer{}, c.Models, 1, 1)
}

// Along implements march.Physics.
func (p *Plan[T]) Along(c *march.Call[T], _ []T, models, along cuda.Buffer) error {
	return p.materials(c.Directions, models, along, c.Models*c.Many, c.Many, c.Sets)
}

// materials makes those of items: models, or directions of them.
func (p *Plan[T]) materials(out, models, along cuda.Buffer, items, many, sets int) error {
	args := append([]cuda.Arg{out.Arg(), models.Arg(), along.Arg(), cuda.Int(many), cuda.Int(sets)}, p.padding()...)
	return p.Device.Run(march.Of[T](materials), items, append(args, cuda.Int(items), cuda.Float64(p.config.beta()))...)
}

// padding are the arguments of a march.Padding, and whether there is a free surface.
func (p *Plan[T]) padding() []cuda.Arg {
	s, c := &p.shape, &p.config
	return append(march.Padding(int(s.Rows), int(s.Cols), int(s.Wide), int(s.Lead), c.Top, c.Left, c.NZ, c.NX), cuda.Int(int(s.FreeSurface)))
}

// Fold implements march.Physics.
func (p *Plan[T]) Fold(c *march.Call[T], models cuda.Buffer, g []float64) error {
	out, err := p.Rooms.Room("folded", 8*len(g))
	if err != nil {
		return err
	}
	items := c.Models * c.Many
	args := append([]cuda.Arg{out.Arg(), models.Arg(), c.G.Arg(), cuda.Int(int(p.shape.Shots)), cuda.Int(c.Many)}, p.padding()...)
	if err := p.Device.Run(march.Of[T](fold), items, append(args, cuda.Int(items))...); err != nil {
		return err
	}
	return p.Device.Download(cuda.BytesOf(g), out)
}

// keeping returns how many steps a segment has, and how many numbers a slot. Of the gradient, whose transpose takes steps two by two: all
// steps where Memory suffices, else as many as fit beside the states between the segments, and where nothing fits, what takes
// the least. Of a tangent, which goes through a segment right after the forward run: what a cache holds.
func (p *Plan[T]) keeping(c *march.Call[T], slots int) (int, int) {
	s := &p.shape
	steps, kept, state, rows := int(s.Steps), parts*s.compact(), 0, 0
	if c.Gradient {
		kept, state, rows = 2*s.compact(), int(s.State), 4*int(s.Wide)
		if !c.Observed.IsNil() {
			rows += s.perShot()
		}
	}
	slot := func(m int) int { return (1+c.Many)*int(s.State) + rows + m*kept + ((steps+m-1)/m-1)*state }
	even := func(m int) int { return min(steps, m+m%2) }
	if m := p.config.Segment; m > 0 {
		return even(m), slot(even(m))
	}
	if !c.Gradient {
		m := min(steps, max(together, cached/(kept*cuda.SizeOf[T]())))
		return m, slot(m)
	}
	memory := p.config.Memory
	if memory == 0 {
		memory = 8 << 30
	}
	least := even(2)
	for m := 2; m <= steps; m += 2 {
		if slot(m) < slot(least) {
			least = m
		}
	}
	best := least
	for m := least; m < steps+2; m += 2 {
		if m := min(m, steps); slot(m)*cuda.SizeOf[T]()*slots <= memory {
			best = m
		}
	}
	return best, slot(best)
}

// Shots implements march.Physics. A shot takes a slot of the workspace for itself while it runs: there are as many as threads.
func (p *Plan[T]) Shots(c *march.Call[T]) error {
	if p.batch != nil {
		return p.batch.Run(c)
	}
	s := p.shape
	units := c.Models * int(s.Shots)
	slots := min(units, p.Device.Threads())
	steps, numbers := int(s.Steps), int(s.State)
	if c.Linear {
		steps, numbers = p.keeping(c, slots)
	}
	s.Segment, s.Slots, s.PerSlot = int64(steps), int64(slots), int64(round(numbers))
	work, busy, err := p.Slots(slots, int(s.PerSlot))
	if err != nil {
		return err
	}
	sh, err := march.PutShape(p.Rooms, &s)
	if err != nil {
		return err
	}
	args := []cuda.Arg{sh.Arg(), p.profile.Arg(), p.wavelet.Arg()}
	args = slices.Concat(args, p.sources.Args(), p.injected.Args())
	return p.Device.Run(march.Of[T](shots), units, append(args, c.Materials.Arg(), c.Directions.Arg(), work.Arg(), busy.Arg(),
		c.Data.Arg(), c.Observed.Arg(), c.Which.Arg(), c.Cotangent.Arg(), c.Tangent.Arg(), c.G.Arg(),
		cuda.Int(c.Many), cuda.Int(c.Sets))...)
}
