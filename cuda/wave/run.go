package wave

import (
	"slices"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/march"
)

// Begin implements march.Physics.
func (p *Plan[T]) Begin(c *march.Call[T], models cuda.Buffer) error {
	if err := p.courants(c.Materials, models, cuda.Buffer{}, c.Models, 1, 1); err != nil || !p.config.Sponge {
		return err
	}
	n := p.Nodes()
	damping := make([]T, c.Models)
	p.slowest = make([]int, c.Models)
	for m := range damping {
		item := c.M[m*n:][:n]
		for i, x := range item { // the first of equals
			if x < item[p.slowest[m]] {
				p.slowest[m] = i
			}
		}
		damping[m] = T(p.config.spongeRate() * float64(item[p.slowest[m]]))
	}
	var err error
	c.Extra, err = p.Rooms.Put("damping", cuda.BytesOf(damping))
	return err
}

// Along implements march.Physics.
func (p *Plan[T]) Along(c *march.Call[T], dv []T, models, along cuda.Buffer) error {
	if err := p.courants(c.Directions, models, along, c.Models*c.Many, c.Many, c.Sets); err != nil || !p.config.Sponge {
		return err
	}
	damping := make([]T, c.Models*c.Many)
	for i := range damping {
		m, set := i/c.Many, i
		if c.Sets == 1 {
			set = i % c.Many
		}
		damping[i] = T(p.config.spongeRate() * float64(dv[set*p.Nodes()+p.slowest[m]]))
	}
	var err error
	c.DExtra, err = p.Rooms.Put("damping directions", cuda.BytesOf(damping))
	return err
}

// courants makes the courant numbers of items: models, or directions of them.
func (p *Plan[T]) courants(out, models, along cuda.Buffer, items, many, sets int) error {
	still := 0
	if p.config.FreeSurface || (p.config.Top > 0 && !p.config.Sponge) {
		still |= 1
	}
	if p.config.Left > 0 && !p.config.Sponge {
		still |= 2
	}
	args := append([]cuda.Arg{out.Arg(), models.Arg(), along.Arg(), cuda.Int(many), cuda.Int(sets)}, p.padding()...)
	return p.Device.Run(march.Of[T](courant), items, append(args, cuda.Int(still), cuda.Int(items),
		cuda.Real[T](p.config.StepS), cuda.Real[T](p.config.SpacingM))...)
}

// padding are the arguments of a march.Padding.
func (p *Plan[T]) padding() []cuda.Arg {
	s, c := &p.shape, &p.config
	return march.Padding(int(s.Rows), int(s.Cols), int(s.Wide), 0, c.Top, c.Left, c.NZ, c.NX)
}

// Fold implements march.Physics.
func (p *Plan[T]) Fold(c *march.Call[T], _ cuda.Buffer, g []float64) error {
	out, err := p.Rooms.Room("folded", 8*len(g))
	if err != nil {
		return err
	}
	items, n, shots := c.Models*c.Many, p.Nodes(), int(p.shape.Shots)
	args := append([]cuda.Arg{out.Arg(), c.G.Arg(), cuda.Int(shots), cuda.Int(c.Many)}, p.padding()...)
	if err := p.Device.Run(march.Of[T](fold), items, append(args, cuda.Int(items))...); err != nil {
		return err
	}
	if err := p.Device.Download(cuda.BytesOf(g), out); err != nil {
		return err
	}
	// g is the sum of y L = C d phi/d C, and C = (v dt/h)^2.
	for i := range g {
		g[i] *= 2 / float64(c.M[i/(c.Many*n)*n+i%n])
	}
	if !p.config.Sponge {
		return nil
	}
	damping := make([]float64, items*shots)
	if err := p.Device.Download(cuda.BytesOf(damping), c.DExtraOut); err != nil {
		return err
	}
	for m := range c.Models {
		for k := range c.Many {
			sum := 0.0
			for shot := range shots {
				sum += damping[(m*shots+shot)*c.Many+k]
			}
			g[(m*c.Many+k)*n+p.slowest[m]] += p.config.spongeRate() * sum
		}
	}
	return nil
}

// Fields of all steps, past the caches, are what a gradient is fastest with: nothing is done again. Where memory holds at least
// half of them, it is the last ones that are kept and the others that are done again. With less, a segment is small enough for
// what it keeps to stay in cache: cached is how many bytes of fields a slot has then. Less than fewest steps is not worth
// the states between.
const (
	cached = 4 << 20
	fewest = 64
)

// keeping returns how many steps a segment has, and how many numbers a slot.
func (p *Plan[T]) keeping(c *march.Call[T], slots int) (int, int) {
	size := cuda.SizeOf[T]()
	s, kept, state := &p.shape, int(p.shape.Kept), 0
	fixed := int(s.Scratch) + (1+c.Many)*int(s.State)
	if c.Gradient {
		state = int(s.State)
	}
	if c.Gradient && !c.Observed.IsNil() {
		fixed += s.perShot()
	}
	if p.config.Sponge {
		fixed += kept // the field before the segment's first step
	}
	memory := p.config.Memory
	if memory == 0 {
		memory = 4 << 30
	}
	steps, room := int(s.Steps), memory/size/slots-fixed
	small := min(steps, max(fewest, cached/(kept*size)))
	slot := func(m int) int { return fixed + m*kept + ((steps+m-1)/m-1)*state }
	m := march.Segment(steps, kept, max(state, 1), 1, room)
	switch {
	case p.config.Segment > 0:
		m = min(steps, p.config.Segment)
	case (2*m < steps || !c.Gradient) && slot(small)-fixed <= room:
		m = small
	}
	return m, slot(m)
}

// Shots implements march.Physics. A shot takes a slot of the workspace for itself while it runs: there are as many as threads.
func (p *Plan[T]) Shots(c *march.Call[T]) error {
	if p.batch != nil {
		return p.batch.Run(c)
	}
	s := p.shape
	units := c.Models * int(s.Shots)
	slots := min(units, p.Device.Threads())
	numbers := int(s.Scratch) + int(s.State)
	s.Segment, s.Slots = s.Steps, int64(slots)
	if c.Linear {
		var steps int
		steps, numbers = p.keeping(c, slots)
		s.Segment = int64(steps)
	}
	s.PerSlot = int64(round(numbers))
	work, busy, err := p.Slots(slots, int(s.PerSlot))
	if err != nil {
		return err
	}
	sh, err := march.PutShape(p.Rooms, &s)
	if err != nil {
		return err
	}
	args := slices.Concat([]cuda.Arg{sh.Arg(), p.profile.Arg(), p.wavelet.Arg()}, p.sources.Args(), p.receivers.Args())
	return p.Device.Run(march.Of[T](p.kernel), units, append(args, c.Materials.Arg(), c.Directions.Arg(), c.Extra.Arg(), c.DExtra.Arg(),
		work.Arg(), busy.Arg(), c.Data.Arg(), c.Observed.Arg(), c.Which.Arg(), c.Cotangent.Arg(), c.Tangent.Arg(),
		c.G.Arg(), c.DExtraOut.Arg(), cuda.Int(c.Many), cuda.Int(c.Sets))...)
}
