package nn

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
	kernels "github.com/waveprior/waveprior/cuda/nn"
)

// TimeWidth is the width of TimeTable's rows: 128 sines, then 128 cosines.
const TimeWidth = kernels.TimeWidth

// Table is a constant array (entries, width) on a device, whose rows Tape.Lookup takes. It is not trained.
type Table[T cuda.Float] struct {
	dev            cuda.Device
	entries, width int
	buf            cuda.Buffer
}

// TimeTable returns the sinusoidal embedding of the levels t = 0..levels-1 of a diffusion: row t is sin(t f_i), then
// cos(t f_i), f_i = exp(-i ln(10000)/127), i = 0..127 (Vaswani et al., arXiv:1706.03762, section 3.5, not interleaved).
func TimeTable[T cuda.Float](d cuda.Device, levels int) (*Table[T], error) {
	b, err := kernels.TimeTable[T](d, levels)
	if err != nil {
		return nil, err
	}
	return &Table[T]{d, levels, TimeWidth, b}, nil
}

// NewTable copies x (entries, width), of dtype T, to the device.
func NewTable[T cuda.Float](d cuda.Device, x *tensor.Tensor) (*Table[T], error) {
	if err := x.Check("nn: table", dtypeOf[T](), -1, -1); err != nil {
		return nil, err
	}
	if x.Len() == 0 {
		return nil, fmt.Errorf("nn: a table of shape %v has no elements", x.Shape)
	}
	b, err := d.Alloc(len(x.Data))
	if err != nil {
		return nil, err
	}
	return &Table[T]{d, x.Shape[0], x.Shape[1], b}, d.Upload(b, x.Data)
}

// Width is the width of a row.
func (t *Table[T]) Width() int { return t.width }

// Free gives the memory back; tapes that look up in the table must not be played any more.
func (t *Table[T]) Free() error { return t.dev.Free(t.buf) }

// Index is an input of whole numbers, one a row.
type Index[T cuda.Float] struct {
	tape        *Tape[T]
	rows        int
	buf         cuda.Buffer // its own memory
	from        cuda.Buffer // where the numbers are: buf, or what Bind was given
	least, most int32       // of the numbers that Set copied
}

// Index is an input that the caller fills with Set before a Forward.
func (t *Tape[T]) Index(rows int) *Index[T] {
	if rows <= 0 {
		t.fail("index of %d rows", rows)
	}
	buf := t.scratch(4 * max(rows, 0))
	return &Index[T]{tape: t, rows: rows, buf: buf, from: buf}
}

// Set copies the numbers.
func (x *Index[T]) Set(i []int32) error {
	switch {
	case x.tape.err != nil:
		return x.tape.err
	case len(i) != x.rows:
		return fmt.Errorf("nn: %d numbers for an index of %d rows", len(i), x.rows)
	}
	x.from, x.least, x.most = x.buf, slices.Min(i), slices.Max(i)
	return x.tape.dev.Upload(x.buf, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(i))), 4*len(i)))
}

// Bind has the index read its numbers from b (rows int32) from now on, where they lie already: nothing is copied. They are
// least to most, the caller's word for it.
func (x *Index[T]) Bind(b cuda.Buffer, least, most int32) error {
	switch {
	case x.tape.err != nil:
		return x.tape.err
	case b.Bytes() < 4*x.rows:
		return fmt.Errorf("nn: an index of %d rows cannot be read from %d bytes", x.rows, b.Bytes())
	}
	x.from, x.least, x.most = b, least, most
	return nil
}

// lookup is the op of Lookup.
type lookup[T cuda.Float] struct {
	t     *Tape[T]
	table *Table[T]
	index *Index[T]
	y     *Var[T]
}

// Lookup records y (rows, width): row i is row index[i] of the table. An index that the table does not have is an error
// of Forward.
func (t *Tape[T]) Lookup(table *Table[T], index *Index[T]) *Var[T] {
	o := &lookup[T]{t: t, table: table, index: index, y: t.newVar(max(index.rows, 1), table.width)}
	return t.record(o.y, o)
}

func (o *lookup[T]) inputs() []*Var[T]    { return nil }
func (o *lookup[T]) parameters() []*Param { return nil }

// forward looks at what Set kept of the numbers: they lie on the device.
func (o *lookup[T]) forward() error {
	if least, most := o.index.least, o.index.most; least < 0 || int(most) >= o.table.entries {
		return fmt.Errorf("nn: lookup: an index holds the numbers %d to %d: the table has rows 0 to %d", least, most, o.table.entries-1)
	}
	return kernels.GatherRows[T](o.t.dev, o.y.value, o.table.width, o.table.buf, o.index.from, o.table.entries, o.index.rows, o.table.width)
}

func (o *lookup[T]) backward(_, _ []bool) error { return nil }
