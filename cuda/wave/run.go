package wave

import (
	"fmt"
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
)

// call is one run of all shots of some models.
type call[T cuda.Float] struct {
	p          *Plan[T]
	models     int
	many, sets int
	v          []T // (models, nz, nx)

	linear   bool // fields are kept
	gradient bool

	courant, dcourant, extra, dextra cuda.Buffer
	data, observed, which, cotangent cuda.Buffer
	tangent, g, dextraOut            cuda.Buffer
	slowest                          []int // the node of the least velocity of every model
}

// begin checks v and puts the models on the device.
func (p *Plan[T]) begin(v []T) (*call[T], error) {
	n := p.Nodes()
	if len(v) == 0 || len(v)%n != 0 {
		return nil, fmt.Errorf("wave: %d velocities, want a multiple of %d", len(v), n)
	}
	c := &call[T]{p: p, models: len(v) / n, many: 1, sets: 1, v: v}
	models, err := p.put("models", bytesOf(v))
	if err != nil {
		return nil, err
	}
	size := cuda.SizeOf[T]()
	if c.courant, err = p.room("courant", c.models*p.shape.compact()*size); err != nil {
		return nil, err
	}
	sh, err := p.putShape(&p.shape)
	if err != nil {
		return nil, err
	}
	if err := p.d.Run(of[T](courant), c.models, sh.Arg(), c.courant.Arg(), models.Arg(), 0, cuda.Int(1), cuda.Int(1),
		cuda.Real[T](p.config.StepS), cuda.Real[T](p.config.SpacingM)); err != nil {
		return nil, err
	}
	if p.config.Sponge {
		damping := make([]T, c.models)
		c.slowest = make([]int, c.models)
		for m := range damping {
			item := v[m*n:][:n]
			for i, x := range item { // the first of equals
				if x < item[c.slowest[m]] {
					c.slowest[m] = i
				}
			}
			damping[m] = T(p.config.spongeRate() * float64(item[c.slowest[m]]))
		}
		c.extra, err = p.put("damping", bytesOf(damping))
	}
	return c, err
}

func (p *Plan[T]) putShape(s *shape) (cuda.Buffer, error) {
	return p.put("shape", unsafe.Slice((*byte)(unsafe.Pointer(s)), unsafe.Sizeof(*s)))
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
func (c *call[T]) keeping(slots int) (int, int) {
	p, size := c.p, cuda.SizeOf[T]()
	s, kept, state := &p.shape, int(p.shape.Kept), 0
	fixed := int(s.Scratch) + (1+c.many)*int(s.State)
	if c.gradient {
		state = int(s.State)
	}
	if c.gradient && !c.observed.IsNil() {
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
	m := segment(steps, kept, max(state, 1), room)
	switch {
	case p.config.Segment > 0:
		m = min(steps, p.config.Segment)
	case (2*m < steps || !c.gradient) && slot(small)-fixed <= room:
		m = small
	}
	return m, slot(m)
}

// shots runs all units. A shot takes a slot of the workspace for itself while it runs: there are as many as threads.
func (c *call[T]) shots() error {
	p := c.p
	s, size := p.shape, cuda.SizeOf[T]()
	units := c.models * int(s.Shots)
	slots := min(units, p.d.Threads())
	numbers := int(s.Scratch) + int(s.State)
	s.Segment, s.Slots = s.Steps, int64(slots)
	if c.linear {
		var steps int
		steps, numbers = c.keeping(slots)
		s.Segment = int64(steps)
	}
	s.PerSlot = int64(round(numbers))
	work, err := p.room("work", slots*int(s.PerSlot)*size)
	if err != nil {
		return err
	}
	busy, err := p.put("busy", bytesOf(make([]int64, slots)))
	if err != nil {
		return err
	}
	sh, err := p.putShape(&s)
	if err != nil {
		return err
	}
	return p.d.Run(of[T](p.kernel), units, sh.Arg(), p.profile.Arg(), p.wavelet.Arg(),
		p.sources.start.Arg(), p.sources.node.Arg(), p.sources.weight.Arg(),
		p.receivers.start.Arg(), p.receivers.node.Arg(), p.receivers.weight.Arg(),
		c.courant.Arg(), c.dcourant.Arg(), c.extra.Arg(), c.dextra.Arg(), work.Arg(), busy.Arg(),
		c.data.Arg(), c.observed.Arg(), c.which.Arg(), c.cotangent.Arg(), c.tangent.Arg(),
		c.g.Arg(), c.dextraOut.Arg(), cuda.Int(c.many), cuda.Int(c.sets))
}

// Forward fills d (models, shots, steps, receivers) for v (models, nz, nx) in m/s: row n of a shot is the field at the
// receivers at (n + 1) dt.
func (p *Plan[T]) Forward(v, d []T) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.begin(v)
	if err != nil {
		return err
	}
	if err := want("d", len(d), c.models*p.Data()); err != nil {
		return err
	}
	if c.data, err = p.room("data", len(d)*cuda.SizeOf[T]()); err != nil {
		return err
	}
	if err := c.shots(); err != nil {
		return err
	}
	return p.d.Download(bytesOf(d), c.data)
}

// Gradient fills d as Forward, and g (models, nz, nx) with the gradient of 1/2 |d - observed[which]|^2 with respect to v;
// observed is (observations, shots, steps, receivers).
func (p *Plan[T]) Gradient(v, observed []T, which []int, d []T, g []float64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.begin(v)
	if err != nil {
		return err
	}
	if err := want("d", len(d), c.models*p.Data()); err != nil {
		return err
	}
	if len(which) != c.models || len(observed) == 0 || len(observed)%p.Data() != 0 {
		return fmt.Errorf("wave: %d models with %d observation numbers, %d observed data: want a multiple of %d", c.models, len(which), len(observed), p.Data())
	}
	index := make([]int64, len(which))
	for i, k := range which {
		if k < 0 || k >= len(observed)/p.Data() {
			return fmt.Errorf("wave: model %d asks for observation %d of %d", i, k, len(observed)/p.Data())
		}
		index[i] = int64(k)
	}
	if c.data, err = p.room("data", len(d)*cuda.SizeOf[T]()); err != nil {
		return err
	}
	if c.observed, err = p.put("observed", bytesOf(observed)); err != nil {
		return err
	}
	if c.which, err = p.put("which", bytesOf(index)); err != nil {
		return err
	}
	if err := c.transpose(g); err != nil {
		return err
	}
	return p.d.Download(bytesOf(d), c.data)
}

// VJP fills g (models, many, nz, nx) with J^T w, w (sets, many, shots, steps, receivers), sets 1 or one for each model.
func (p *Plan[T]) VJP(v, w []T, many int, g []float64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.begin(v)
	if err != nil {
		return err
	}
	if err := c.directions(len(w), p.Data(), many); err != nil {
		return err
	}
	if c.cotangent, err = p.put("cotangent", bytesOf(w)); err != nil {
		return err
	}
	return c.transpose(g)
}

// transpose runs shots with a transpose and fills g.
func (c *call[T]) transpose(g []float64) error {
	p, n, size := c.p, c.p.Nodes(), cuda.SizeOf[T]()
	if err := want("g", len(g), c.models*c.many*n); err != nil {
		return err
	}
	units := c.models * int(p.shape.Shots)
	var err error
	if c.g, err = p.room("gradients", units*c.many*p.shape.compact()*size); err != nil {
		return err
	}
	if p.config.Sponge {
		if c.dextraOut, err = p.room("damping gradients", 8*units*c.many); err != nil {
			return err
		}
	}
	c.linear, c.gradient = true, true
	if err := c.shots(); err != nil {
		return err
	}
	out, err := p.room("folded", 8*len(g))
	if err != nil {
		return err
	}
	if err := p.d.Run(of[T](fold), c.models*c.many, p.pool["shape"].Arg(), out.Arg(), c.g.Arg(), cuda.Int(c.many)); err != nil {
		return err
	}
	if err := p.d.Download(bytesOf(g), out); err != nil {
		return err
	}
	// g is the sum of y L = C d phi/d C, and C = (v dt/h)^2.
	for i := range g {
		g[i] *= 2 / float64(c.v[i/(c.many*n)*n+i%n])
	}
	if !p.config.Sponge {
		return nil
	}
	damping := make([]float64, units*c.many)
	if err := p.d.Download(bytesOf(damping), c.dextraOut); err != nil {
		return err
	}
	for m := range c.models {
		for k := range c.many {
			sum := 0.0
			for shot := range int(p.shape.Shots) {
				sum += damping[(m*int(p.shape.Shots)+shot)*c.many+k]
			}
			g[(m*c.many+k)*n+c.slowest[m]] += p.config.spongeRate() * sum
		}
	}
	return nil
}

// JVP fills dd (models, many, shots, steps, receivers) with J dv, dv (sets, many, nz, nx), sets 1 or one for each model.
func (p *Plan[T]) JVP(v, dv []T, many int, dd []T) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.begin(v)
	if err != nil {
		return err
	}
	if err := c.directions(len(dv), p.Nodes(), many); err != nil {
		return err
	}
	if err := want("dd", len(dd), c.models*many*p.Data()); err != nil {
		return err
	}
	size := cuda.SizeOf[T]()
	models := p.pool["models"]
	along, err := p.put("directions", bytesOf(dv))
	if err != nil {
		return err
	}
	if c.dcourant, err = p.room("courant directions", c.models*many*p.shape.compact()*size); err != nil {
		return err
	}
	if err := p.d.Run(of[T](courant), c.models*many, p.pool["shape"].Arg(), c.dcourant.Arg(), models.Arg(), along.Arg(),
		cuda.Int(many), cuda.Int(c.sets), cuda.Real[T](p.config.StepS), cuda.Real[T](p.config.SpacingM)); err != nil {
		return err
	}
	if p.config.Sponge {
		damping := make([]T, c.models*many)
		for i := range damping {
			m, set := i/many, i
			if c.sets == 1 {
				set = i % many
			}
			damping[i] = T(p.config.spongeRate() * float64(dv[set*p.Nodes()+c.slowest[m]]))
		}
		if c.dextra, err = p.put("damping directions", bytesOf(damping)); err != nil {
			return err
		}
	}
	if c.tangent, err = p.room("tangents", len(dd)*size); err != nil {
		return err
	}
	c.linear = true
	if err := c.shots(); err != nil {
		return err
	}
	return p.d.Download(bytesOf(dd), c.tangent)
}

// directions sets many and sets from the length of what is given.
func (c *call[T]) directions(length, per, many int) error {
	if many < 1 || length%(many*per) != 0 || (length/(many*per) != 1 && length/(many*per) != c.models) {
		return fmt.Errorf("wave: %d numbers for %d directions of %d each, want one set of them or one for each of %d models", length, many, per, c.models)
	}
	c.many, c.sets = many, length/(many*per)
	return nil
}

func want(what string, have, want int) error {
	if have != want {
		return fmt.Errorf("wave: %s has %d numbers, want %d", what, have, want)
	}
	return nil
}
