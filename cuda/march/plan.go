package march

import (
	"fmt"
	"sync"

	"github.com/waveprior/waveprior/cuda"
)

// Physics is what a family adds to a Plan. It is called with the plan locked, and returns before or after the work is done.
type Physics[T cuda.Float] interface {
	// Begin makes c.Materials, and c.Extra where there is one, of c.M, which lies on the device in models.
	Begin(c *Call[T], models cuda.Buffer) error
	// Along makes c.Directions, and c.DExtra, of directions dm (c.Sets, c.Many, nodes), which lie in along.
	Along(c *Call[T], dm []T, models, along cuda.Buffer) error
	// Shots runs all shots of the call.
	Shots(c *Call[T]) error
	// Fold fills g (c.Models, c.Many, nodes) from c.G, and c.DExtraOut, summed over shots in their order.
	Fold(c *Call[T], models cuda.Buffer, g []float64) error
}

// Sizes are how much there is of everything.
type Sizes struct {
	Family    string // begins errors
	Nodes     int    // numbers of a model
	Data      int    // numbers of a model's data
	Shots     int    // of a model
	Materials int    // numbers that the kernels read of a model, and of a direction
	Extra     bool   // they read another number of a model
}

// Plan is a propagator on a device. Its methods may be called from any goroutine; they run one after the other. T is the
// type of the wavefields. Models are (models, nodes), data (models, data): what their axes are, the family says.
type Plan[T cuda.Float] struct {
	Device cuda.Device
	Rooms  *cuda.Rooms

	sizes   Sizes
	physics Physics[T]
	mu      sync.Mutex
}

// NewPlan makes a plan; Close frees its memory.
func NewPlan[T cuda.Float](d cuda.Device, s Sizes, physics Physics[T]) *Plan[T] {
	return &Plan[T]{Device: d, Rooms: cuda.NewRooms(d), sizes: s, physics: physics}
}

// Close frees the plan's memory on the device.
func (p *Plan[T]) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.Rooms.Close()
}

// Nodes is how many numbers a model has.
func (p *Plan[T]) Nodes() int { return p.sizes.Nodes }

// Data is how many numbers a model's data are.
func (p *Plan[T]) Data() int { return p.sizes.Data }

// Call is one run of all shots of some models.
type Call[T cuda.Float] struct {
	Models     int
	Many, Sets int // directions of a model; sets of them, or of cotangents: 1 for all models, or one for each
	M          []T // (models, nodes)

	Linear   bool // what directions need of the forward run is kept
	Gradient bool // and the transpose is run

	Materials, Directions, Extra, DExtra cuda.Buffer
	Data, Observed, Which, Cotangent     cuda.Buffer
	Tangent                              cuda.Buffer
	G, DExtraOut                         cuda.Buffer // (models, shots, many, materials); (models, shots, many) float64
}

func (p *Plan[T]) wrong(format string, args ...any) error {
	return fmt.Errorf("%s: "+format, append([]any{p.sizes.Family}, args...)...)
}

// begin checks m and puts the models on the device.
func (p *Plan[T]) begin(m []T) (*Call[T], error) {
	n := p.sizes.Nodes
	if len(m) == 0 || len(m)%n != 0 {
		return nil, p.wrong("a model of %d numbers, want a multiple of %d", len(m), n)
	}
	c := &Call[T]{Models: len(m) / n, Many: 1, Sets: 1, M: m}
	models, err := p.Rooms.Put("models", cuda.BytesOf(m))
	if err != nil {
		return nil, err
	}
	if c.Materials, err = p.Rooms.Room("materials", c.Models*p.sizes.Materials*cuda.SizeOf[T]()); err != nil {
		return nil, err
	}
	return c, p.physics.Begin(c, models)
}

func (p *Plan[T]) models() cuda.Buffer { return p.Rooms.Get("models") }

// Forward fills d for models m.
func (p *Plan[T]) Forward(m, d []T) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.begin(m)
	if err != nil {
		return err
	}
	if err := p.room(c, d); err != nil {
		return err
	}
	if err := p.physics.Shots(c); err != nil {
		return err
	}
	return p.Device.Download(cuda.BytesOf(d), c.Data)
}

// room makes room for d.
func (p *Plan[T]) room(c *Call[T], d []T) (err error) {
	if err := p.want("d", len(d), c.Models*p.sizes.Data); err != nil {
		return err
	}
	c.Data, err = p.Rooms.Room("data", len(d)*cuda.SizeOf[T]())
	return err
}

// Gradient fills d as Forward, and g (models, nodes) with the gradient of 1/2 |d - observed[which]|^2 with respect to m; observed is
// (observations, data).
func (p *Plan[T]) Gradient(m, observed []T, which []int, d []T, g []float64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.begin(m)
	if err != nil {
		return err
	}
	if err := p.room(c, d); err != nil {
		return err
	}
	n := p.sizes.Data
	if len(which) != c.Models || len(observed) == 0 || len(observed)%n != 0 {
		return p.wrong("%d models with %d observation numbers, %d observed data: want a multiple of %d", c.Models, len(which), len(observed), n)
	}
	index := make([]int64, len(which))
	for i, k := range which {
		if k < 0 || k >= len(observed)/n {
			return p.wrong("model %d asks for observation %d of %d", i, k, len(observed)/n)
		}
		index[i] = int64(k)
	}
	if c.Observed, err = p.Rooms.Put("observed", cuda.BytesOf(observed)); err != nil {
		return err
	}
	c.Observed = c.Observed.Slice(0, len(observed)*cuda.SizeOf[T]())
	if c.Which, err = p.Rooms.Put("which", cuda.BytesOf(index)); err != nil {
		return err
	}
	if err := p.transpose(c, g); err != nil {
		return err
	}
	return p.Device.Download(cuda.BytesOf(d), c.Data)
}

// VJP fills g (models, many, nodes) with J^T w, w (sets, many, data), sets 1 or one for each model.
func (p *Plan[T]) VJP(m, w []T, many int, g []float64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.begin(m)
	if err != nil {
		return err
	}
	if err := p.directions(c, len(w), p.sizes.Data, many); err != nil {
		return err
	}
	if c.Cotangent, err = p.Rooms.Put("cotangent", cuda.BytesOf(w)); err != nil {
		return err
	}
	return p.transpose(c, g)
}

// transpose runs shots with a transpose and fills g.
func (p *Plan[T]) transpose(c *Call[T], g []float64) error {
	if err := p.want("g", len(g), c.Models*c.Many*p.sizes.Nodes); err != nil {
		return err
	}
	units := c.Models * p.sizes.Shots * c.Many
	var err error
	if c.G, err = p.Rooms.Room("gradients", units*p.sizes.Materials*cuda.SizeOf[T]()); err != nil {
		return err
	}
	if p.sizes.Extra {
		if c.DExtraOut, err = p.Rooms.Room("extra gradients", 8*units); err != nil {
			return err
		}
	}
	c.Linear, c.Gradient = true, true
	if err := p.physics.Shots(c); err != nil {
		return err
	}
	return p.physics.Fold(c, p.models(), g)
}

// JVP fills dd (models, many, data) with J dm, dm (sets, many, nodes), sets 1 or one for each model.
func (p *Plan[T]) JVP(m, dm []T, many int, dd []T) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.begin(m)
	if err != nil {
		return err
	}
	if err := p.directions(c, len(dm), p.sizes.Nodes, many); err != nil {
		return err
	}
	if err := p.want("dd", len(dd), c.Models*many*p.sizes.Data); err != nil {
		return err
	}
	along, err := p.Rooms.Put("directions", cuda.BytesOf(dm))
	if err != nil {
		return err
	}
	size := cuda.SizeOf[T]()
	if c.Directions, err = p.Rooms.Room("material directions", c.Models*many*p.sizes.Materials*size); err != nil {
		return err
	}
	if err := p.physics.Along(c, dm, p.models(), along); err != nil {
		return err
	}
	if c.Tangent, err = p.Rooms.Room("tangents", len(dd)*size); err != nil {
		return err
	}
	c.Linear = true
	if err := p.physics.Shots(c); err != nil {
		return err
	}
	return p.Device.Download(cuda.BytesOf(dd), c.Tangent)
}

// directions sets c.Many and c.Sets from the length of what is given.
func (p *Plan[T]) directions(c *Call[T], length, per, many int) error {
	if many < 1 || length%(many*per) != 0 || (length/(many*per) != 1 && length/(many*per) != c.Models) {
		return p.wrong("%d numbers for %d directions of %d each, want one set of them or one for each of %d models", length, many, per, c.Models)
	}
	c.Many, c.Sets = many, length/(many*per)
	return nil
}

func (p *Plan[T]) want(what string, have, want int) error {
	if have != want {
		return p.wrong("%s has %d numbers, want %d", what, have, want)
	}
	return nil
}
