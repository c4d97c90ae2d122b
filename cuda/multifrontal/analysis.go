package multifrontal

import (
	"errors"
	"fmt"
	"math"
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/helmholtz"
)

// Problem is what all systems of a batch share: the grid of the models and the layer around it, where sources and receivers
// are, and the frequencies.
type Problem struct {
	NZ, NX, Cells      int   // a model's grid, and the nodes of the layer on every side
	Sources, Receivers []int // nodes of the padded grid (pz, px), none twice in a list
	Frequencies        []Frequency
}

// Frequency is the matrix of one frequency but for the model, S = diag(Mass m - Links) + neighbours, and what a source of
// 1 stands for. Planes of the padded grid, row-major (pz, px).
type Frequency struct {
	Mass, Links []complex128
	Right, Down []complex128 // to the node (iz, ix+1), (iz+1, ix); 0 where that would leave the grid
	Strength    float64      // of a source
}

func (p *Problem) nodes() int { return (p.NZ + 2*p.Cells) * (p.NX + 2*p.Cells) }

// Analysis is a plan's tables and a problem's operators on a device. It does not change and serves any number of engines.
type Analysis struct {
	device  cuda.Device
	problem Problem
	tables  *tables
	buffers []cuda.Buffer

	lists, operators, strength     cuda.Buffer
	links                          [2]cuda.Buffer // couplings in float32 and float64
	rows, nodes                    cuda.Buffer    // row of a node, node of a row
	sourceAt, receiverAt, receiver cuda.Buffer    // by row: shot, receiver, or -1; row of each receiver
}

// NewAnalysis uploads what engines share. plan is one of the padded grid. It fails for a plan of nine points, for planes that do
// not fit, and where the device has no memory.
func NewAnalysis(d cuda.Device, plan *helmholtz.Plan, p Problem) (*Analysis, error) {
	tree := plan.Tree()
	n := p.nodes()
	if tree.NZ != p.NZ+2*p.Cells || tree.NX != p.NX+2*p.Cells || p.NZ < 1 || p.NX < 1 || p.Cells < 0 {
		return nil, fmt.Errorf("multifrontal: a plan of %d x %d nodes for models of %d x %d in a layer of %d", tree.NZ, tree.NX, p.NZ, p.NX, p.Cells)
	}
	if len(p.Sources) == 0 || len(p.Receivers) == 0 || len(p.Frequencies) == 0 {
		return nil, fmt.Errorf("multifrontal: %d sources, %d receivers and %d frequencies: at least one each", len(p.Sources),
			len(p.Receivers), len(p.Frequencies))
	}
	t, err := newTables(tree)
	if err != nil {
		return nil, err
	}
	a := &Analysis{device: d, problem: p, tables: t}
	operators := make([]complex128, 0, 4*n*len(p.Frequencies))
	strength := make([]float64, len(p.Frequencies))
	single, double := make([]complex64, 2*t.plane*len(p.Frequencies)), make([]complex128, 2*t.plane*len(p.Frequencies))
	for f, q := range p.Frequencies {
		scale, err := q.scale(n)
		if err != nil {
			return nil, fmt.Errorf("multifrontal: frequency %d: %w", f, err)
		}
		for _, plane := range [][]complex128{q.Mass, q.Links, q.Right, q.Down} {
			for _, v := range plane {
				operators = append(operators, complex(real(v)*scale, imag(v)*scale))
			}
		}
		strength[f] = q.Strength * scale
		for part, plane := range [][]complex128{q.Right, q.Down} {
			for i, v := range plane {
				at := (2*f+part)*t.plane + (i/tree.NX+1)*(tree.NX+2) + i%tree.NX + 1
				double[at] = complex(real(v)*scale, imag(v)*scale)
				single[at] = complex64(double[at])
			}
		}
	}
	places := func(list []int) ([]int32, error) {
		at := make([]int32, n)
		for i := range at {
			at[i] = -1
		}
		for k, node := range list {
			if node < 0 || node >= n {
				return nil, fmt.Errorf("multifrontal: node %d, the padded grid has 0 to %d", node, n-1)
			}
			if row := t.order[node]; at[row] >= 0 {
				return nil, fmt.Errorf("multifrontal: points %d and %d are both node %d", at[row], k, node)
			}
			at[t.order[node]] = int32(k)
		}
		return at, nil
	}
	sources, err := places(p.Sources)
	if err != nil {
		return nil, err
	}
	receivers, err := places(p.Receivers)
	if err != nil {
		return nil, err
	}
	receiver, nodes := make([]int32, len(p.Receivers)), make([]int32, n)
	for k, node := range p.Receivers {
		receiver[k] = t.order[node]
	}
	for node, row := range t.order {
		nodes[row] = int32(node)
	}
	for _, u := range []struct {
		to   *cuda.Buffer
		data []byte
	}{
		{&a.lists, bytesOf(t.lists)}, {&a.operators, bytesOf(operators)}, {&a.strength, bytesOf(strength)},
		{&a.links[0], bytesOf(single)}, {&a.links[1], bytesOf(double)}, {&a.rows, bytesOf(t.order)}, {&a.nodes, bytesOf(nodes)},
		{&a.sourceAt, bytesOf(sources)}, {&a.receiverAt, bytesOf(receivers)}, {&a.receiver, bytesOf(receiver)},
	} {
		if *u.to, err = upload(d, u.data); err != nil {
			a.Close()
			return nil, err
		}
		a.buffers = append(a.buffers, *u.to)
	}
	return a, nil
}

// Close frees what NewAnalysis uploaded; engines of it must be closed before.
func (a *Analysis) Close() error { return free(a.device, &a.buffers) }

// scale is the power of two that brings the diagonal's typical size to about 1.
func (q *Frequency) scale(n int) (float64, error) {
	sum := 0.0
	for _, plane := range [][]complex128{q.Mass, q.Links, q.Right, q.Down} {
		if len(plane) != n {
			return 0, fmt.Errorf("a plane of %d numbers, the padded grid has %d nodes", len(plane), n)
		}
	}
	for _, v := range q.Links {
		sum += math.Abs(real(v)) + math.Abs(imag(v))
	}
	if mean := sum / float64(n); mean > 0 && !math.IsInf(mean, 0) {
		_, e := math.Frexp(mean)
		return math.Ldexp(1, -e), nil
	}
	return 1, nil
}

// bytesOf is the memory of s.
func bytesOf[E any](s []E) []byte {
	var e E
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(e)))
}

// upload returns a new buffer with the data.
func upload(d cuda.Device, data []byte) (cuda.Buffer, error) {
	b, err := d.Alloc(len(data))
	if err != nil {
		return b, err
	}
	if err := d.Upload(b, data); err != nil {
		return cuda.Buffer{}, errors.Join(err, d.Free(b))
	}
	return b, nil
}

// free gives all buffers back and returns the first error.
func free(d cuda.Device, buffers *[]cuda.Buffer) error {
	var first error
	for _, b := range *buffers {
		if err := d.Free(b); err != nil && first == nil {
			first = err
		}
	}
	*buffers = nil
	return first
}
