package elastic

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

	linear   bool // steps are kept
	gradient bool

	shape, model, materials, directions cuda.Buffer
	data, observed, which, cotangent    cuda.Buffer
	tangent, g                          cuda.Buffer
}

// begin checks m and puts the models on the device.
func (p *Plan[T]) begin(m []T) (*call[T], error) {
	n := p.Nodes()
	if len(m) == 0 || len(m)%n != 0 {
		return nil, fmt.Errorf("elastic: a model of %d numbers, want a multiple of %d (vp, vs, rho)", len(m), n)
	}
	c := &call[T]{p: p, models: len(m) / n, many: 1, sets: 1}
	var err error
	if c.model, err = p.rooms.Put("models", cuda.BytesOf(m)); err != nil {
		return nil, err
	}
	if c.materials, err = p.rooms.Room("materials", c.models*parts*p.shape.compact()*cuda.SizeOf[T]()); err != nil {
		return nil, err
	}
	if c.shape, err = p.putShape(&p.shape); err != nil {
		return nil, err
	}
	return c, p.d.Run(of[T](materials), c.models, c.shape.Arg(), c.materials.Arg(), c.model.Arg(), 0, cuda.Int(1), cuda.Int(1),
		cuda.Float64(p.config.beta()))
}

func (p *Plan[T]) putShape(s *shape) (cuda.Buffer, error) {
	return p.rooms.Put("shape", unsafe.Slice((*byte)(unsafe.Pointer(s)), unsafe.Sizeof(*s)))
}

// keeping returns how many steps a segment has, and how many numbers a slot: all steps where Memory suffices, else as many as
// fit beside the states between the segments, and where nothing fits, what takes the least.
func (c *call[T]) keeping(slots int) (int, int) {
	p := c.p
	s := &p.shape
	steps, kept, state := int(s.Steps), parts*s.compact(), 0
	fixed := (1 + c.many) * int(s.State)
	if c.gradient {
		state = int(s.State)
		fixed = int(s.State) + c.many*int(s.Adjoint)
		if !c.observed.IsNil() {
			fixed += s.perShot()
		}
	}
	memory := p.config.Memory
	if memory == 0 {
		memory = 4 << 30
	}
	slot := func(m int) int { return fixed + m*kept + ((steps+m-1)/m-1)*state }
	if m := p.config.Segment; m > 0 {
		return min(m, steps), slot(min(m, steps))
	}
	least := 1
	for m := 2; m <= steps; m++ {
		if slot(m) < slot(least) {
			least = m
		}
	}
	best := least
	for m := least; m <= steps; m++ {
		if slot(m)*cuda.SizeOf[T]()*slots <= memory {
			best = m
		}
	}
	return best, slot(best)
}

// shots runs all units. A shot takes a slot of the workspace for itself while it runs: there are as many as threads.
func (c *call[T]) shots() error {
	p := c.p
	s := p.shape
	units := c.models * int(s.Shots)
	slots := min(units, p.d.Threads())
	steps, numbers := int(s.Steps), int(s.State)
	if c.linear {
		steps, numbers = c.keeping(slots)
	}
	s.Segment, s.Slots, s.PerSlot = int64(steps), int64(slots), int64(round(numbers))
	work, err := p.rooms.Room("work", slots*int(s.PerSlot)*cuda.SizeOf[T]())
	if err != nil {
		return err
	}
	busy, err := p.rooms.Put("busy", cuda.BytesOf(make([]int64, slots)))
	if err != nil {
		return err
	}
	sh, err := p.putShape(&s)
	if err != nil {
		return err
	}
	args := []cuda.Arg{sh.Arg(), p.profile.Arg(), p.wavelet.Arg()}
	for _, w := range []weights{p.sources, p.injected, p.receivers} {
		args = append(args, w.args()...)
	}
	return p.d.Run(of[T](shots), units, append(args, c.materials.Arg(), c.directions.Arg(), work.Arg(), busy.Arg(),
		c.data.Arg(), c.observed.Arg(), c.which.Arg(), c.cotangent.Arg(), c.tangent.Arg(), c.g.Arg(),
		cuda.Int(c.many), cuda.Int(c.sets))...)
}

// Forward fills d (models, 2, shots, rows, receivers) for m (models, 3, nz, nx), vp and vs in m/s and rho in kg/m3: vx and vz in
// m/s at the receivers after the last step of a row. Velocities of step n lie half a step after its forces.
func (p *Plan[T]) Forward(m, d []T) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.begin(m)
	if err != nil {
		return err
	}
	if err := c.room(d); err != nil {
		return err
	}
	if err := c.shots(); err != nil {
		return err
	}
	return p.d.Download(cuda.BytesOf(d), c.data)
}

// room makes room for d.
func (c *call[T]) room(d []T) (err error) {
	if err := want("d", len(d), c.models*c.p.Data()); err != nil {
		return err
	}
	c.data, err = c.p.rooms.Room("data", len(d)*cuda.SizeOf[T]())
	return err
}

// Gradient fills d as Forward, and g (models, 3, nz, nx) with the gradient of 1/2 |d - observed[which]|^2 with respect to m;
// observed is (observations, 2, shots, rows, receivers).
func (p *Plan[T]) Gradient(m, observed []T, which []int, d []T, g []float64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.begin(m)
	if err != nil {
		return err
	}
	if err := c.room(d); err != nil {
		return err
	}
	if len(which) != c.models || len(observed) == 0 || len(observed)%p.Data() != 0 {
		return fmt.Errorf("elastic: %d models with %d observation numbers, %d observed data: want a multiple of %d", c.models, len(which), len(observed), p.Data())
	}
	index := make([]int64, len(which))
	for i, k := range which {
		if k < 0 || k >= len(observed)/p.Data() {
			return fmt.Errorf("elastic: model %d asks for observation %d of %d", i, k, len(observed)/p.Data())
		}
		index[i] = int64(k)
	}
	if c.observed, err = p.rooms.Put("observed", cuda.BytesOf(observed)); err != nil {
		return err
	}
	if c.which, err = p.rooms.Put("which", cuda.BytesOf(index)); err != nil {
		return err
	}
	if err := c.transpose(g); err != nil {
		return err
	}
	return p.d.Download(cuda.BytesOf(d), c.data)
}

// VJP fills g (models, many, 3, nz, nx) with J^T w, w (sets, many, 2, shots, rows, receivers), sets 1 or one for each model.
func (p *Plan[T]) VJP(m, w []T, many int, g []float64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.begin(m)
	if err != nil {
		return err
	}
	if err := c.sort(len(w), p.Data(), many); err != nil {
		return err
	}
	if c.cotangent, err = p.rooms.Put("cotangent", cuda.BytesOf(w)); err != nil {
		return err
	}
	return c.transpose(g)
}

// transpose runs shots with a transpose and fills g.
func (c *call[T]) transpose(g []float64) error {
	p := c.p
	if err := want("g", len(g), c.models*c.many*p.Nodes()); err != nil {
		return err
	}
	units := c.models * int(p.shape.Shots)
	var err error
	if c.g, err = p.rooms.Room("gradients", units*c.many*parts*p.shape.compact()*cuda.SizeOf[T]()); err != nil {
		return err
	}
	c.linear, c.gradient = true, true
	if err := c.shots(); err != nil {
		return err
	}
	out, err := p.rooms.Room("folded", 8*len(g))
	if err != nil {
		return err
	}
	if err := p.d.Run(of[T](fold), c.models*c.many, p.rooms.Get("shape").Arg(), out.Arg(), c.model.Arg(), c.g.Arg(), cuda.Int(c.many)); err != nil {
		return err
	}
	return p.d.Download(cuda.BytesOf(g), out)
}

// JVP fills dd (models, many, 2, shots, rows, receivers) with J dm, dm (sets, many, 3, nz, nx), sets 1 or one for each model.
func (p *Plan[T]) JVP(m, dm []T, many int, dd []T) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.begin(m)
	if err != nil {
		return err
	}
	if err := c.sort(len(dm), p.Nodes(), many); err != nil {
		return err
	}
	if err := want("dd", len(dd), c.models*many*p.Data()); err != nil {
		return err
	}
	along, err := p.rooms.Put("directions", cuda.BytesOf(dm))
	if err != nil {
		return err
	}
	size := cuda.SizeOf[T]()
	if c.directions, err = p.rooms.Room("material directions", c.models*many*parts*p.shape.compact()*size); err != nil {
		return err
	}
	if err := p.d.Run(of[T](materials), c.models*many, c.shape.Arg(), c.directions.Arg(), c.model.Arg(), along.Arg(),
		cuda.Int(many), cuda.Int(c.sets), cuda.Float64(p.config.beta())); err != nil {
		return err
	}
	if c.tangent, err = p.rooms.Room("tangents", len(dd)*size); err != nil {
		return err
	}
	c.linear = true
	if err := c.shots(); err != nil {
		return err
	}
	return p.d.Download(cuda.BytesOf(dd), c.tangent)
}

// sort sets many and sets from the length of what is given.
func (c *call[T]) sort(length, per, many int) error {
	if many < 1 || length%(many*per) != 0 || (length/(many*per) != 1 && length/(many*per) != c.models) {
		return fmt.Errorf("elastic: %d numbers for %d directions of %d each, want one set of them or one for each of %d models", length, many, per, c.models)
	}
	c.many, c.sets = many, length/(many*per)
	return nil
}

func want(what string, have, want int) error {
	if have != want {
		return fmt.Errorf("elastic: %s has %d numbers, want %d", what, have, want)
	}
	return nil
}
