package wave

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/cpml"
)

// Plan is a propagator on a device. Its methods may be called from any goroutine; they run one after the other. T is the
// type of the wavefields.
type Plan[T cuda.Float] struct {
	config Config
	d      cuda.Device
	mu     sync.Mutex

	shape              shape
	kernel             kernel
	profile, wavelet   cuda.Buffer
	sources, receivers points
	batch              *batch                 // nil: whole shots, one for each thread
	pool               map[string]cuda.Buffer // grown as needed, kept
}

// points are struct Points of shot.h.
type points struct{ start, node, weight cuda.Buffer }

// New makes a plan; Close frees its memory. The configuration is kept and must not change.
func New[T cuda.Float](d cuda.Device, c Config) (*Plan[T], error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	layers := c
	c = c.withEdges()
	p := &Plan[T]{config: c, d: d, shape: c.shape(), kernel: acousticShots, pool: map[string]cuda.Buffer{}}
	s := &p.shape
	rows, wide := int(s.Rows), int(s.Wide)
	var profile []T
	if c.Sponge {
		p.kernel = spongeShots
		profile = make([]T, s.compact())
		spongeProfile(&c, s, profile)
	} else {
		profile = make([]T, 4*wide+4*rows)
		layer := cpml.Layer{SpeedMS: c.LayerSpeed, Hz: c.LayerHz, SpacingM: c.SpacingM, StepS: c.StepS}
		cpml.Along(layer, profile[:4*wide], wide, int(s.Cols), layers.Left, c.Right)
		cpml.Along(layer, profile[4*wide:], rows, rows, layers.Top, c.Bottom)
	}
	var err error
	if p.profile, err = p.put("profile", bytesOf(profile)); err != nil {
		return nil, err
	}
	wavelets := make([]T, 0, len(c.Wavelets)*c.Steps)
	for _, q := range c.Wavelets {
		for _, x := range q {
			wavelets = append(wavelets, T(x))
		}
	}
	if p.wavelet, err = p.put("wavelet", bytesOf(wavelets)); err != nil {
		return nil, err
	}
	if p.sources, err = p.points("sources", c.Sources); err != nil {
		return nil, err
	}
	if p.receivers, err = p.points("receivers", c.Receivers); err != nil {
		return nil, err
	}
	if d.Name() != "cpu" || c.Batched {
		p.batch, err = p.newBatch()
	}
	return p, err
}

// Close frees the plan's memory on the device.
func (p *Plan[T]) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, b := range p.pool {
		delete(p.pool, name)
		if err := p.d.Free(b); err != nil {
			return err
		}
	}
	return nil
}

func (p *Plan[T]) points(what string, list [][]Node) (points, error) {
	start, node, weight := []int64{0}, []int64{}, []T{}
	for _, nodes := range list {
		for _, n := range nodes {
			row, col := n.IZ+p.config.Top, n.IX+p.config.Left
			node = append(node, int64(row*int(p.shape.Wide)+col), int64(row*p.shape.stride()+col))
			weight = append(weight, T(n.Weight))
		}
		start = append(start, int64(len(weight)))
	}
	var out points
	var err error
	if out.start, err = p.put(what+" start", bytesOf(start)); err != nil {
		return out, err
	}
	if out.node, err = p.put(what+" node", bytesOf(node)); err != nil {
		return out, err
	}
	out.weight, err = p.put(what+" weight", bytesOf(weight))
	return out, err
}

// room is a buffer of at least that many bytes that keeps its name; what was in it may be lost.
func (p *Plan[T]) room(name string, bytes int) (cuda.Buffer, error) {
	b, ok := p.pool[name]
	if ok && b.Bytes() >= bytes {
		return b, nil
	}
	if ok {
		delete(p.pool, name)
		if err := p.d.Free(b); err != nil {
			return b, err
		}
	}
	b, err := p.d.Alloc(bytes)
	if err != nil {
		return b, fmt.Errorf("wave: %s: %w", name, err)
	}
	p.pool[name] = b
	return b, nil
}

func (p *Plan[T]) put(name string, data []byte) (cuda.Buffer, error) {
	b, err := p.room(name, len(data))
	if err != nil {
		return b, err
	}
	return b, p.d.Upload(b, data)
}

func bytesOf[E float32 | float64 | int32 | int64](x []E) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), len(x)*int(unsafe.Sizeof(x[0])))
}

// Shots is the number of shots of a model, and Data how many numbers its data are: shots x steps x receivers.
func (p *Plan[T]) Shots() int { return int(p.shape.Shots) }

// Data is how many numbers a model's data are: shots x steps x receivers.
func (p *Plan[T]) Data() int { return int(p.shape.Shots) * p.shape.perShot() }

// Nodes is how many numbers a model has: nz x nx.
func (p *Plan[T]) Nodes() int { return p.config.NZ * p.config.NX }
