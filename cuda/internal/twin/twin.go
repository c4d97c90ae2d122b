// Package twin compares the kernels of two devices launch by launch: a Pair is a device that runs every kernel on both, from
// the same numbers, and compares what they write. So whole computations of a family are comparisons of its kernels. Tests alone
// import it (internal/rules).
package twin

import (
	"bytes"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
)

// Written says what a kernel writes: the argument's number, and whether it is of the kernel's type ('t'), of float64 ('d') or of
// int32 ('i'). Equal: both devices write the same bits, because each number's operations and their order are the same.
type Written struct {
	Argument int
	Kind     byte
	Equal    bool
}

// Writes is a Written.
func Writes(argument int, kind byte, equal bool) Written { return Written{argument, kind, equal} }

// Pair is two devices of which each kernel runs on both: what the second one writes is compared with what the first one wrote,
// and replaced by it. A buffer of the Pair is one of the first device.
type Pair struct {
	cuda.Device
	t      testing.TB
	second cuda.Device
	table  map[string][]Written
	other  map[cuda.Arg]cuda.Buffer // by address on the first device
	own    map[cuda.Arg]cuda.Buffer
	// Ran is the normalised mean square error of each kernel at most.
	Ran map[string]float64
}

// NewPair pairs two devices; table has every kernel's outputs by its name, without the number type where it has one.
func NewPair(t testing.TB, first, second cuda.Device, table map[string][]Written) *Pair {
	return &Pair{Device: first, t: t, second: second, table: table, other: map[cuda.Arg]cuda.Buffer{}, own: map[cuda.Arg]cuda.Buffer{}, Ran: map[string]float64{}}
}

// CPU is the CPU with so many threads, until the test ends.
func CPU(t testing.TB, threads int) cuda.Device {
	t.Helper()
	d, err := cuda.NewCPU(threads)
	return until(t, d, err)
}

// GPU is the first GPU, which may be the emulated one, until the test ends.
func GPU(t testing.TB) cuda.Device {
	t.Helper()
	d, err := cuda.Open("cuda:0", 1)
	return until(t, d, err)
}

func until(t testing.TB, d cuda.Device, err error) cuda.Device {
	t.Helper()
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (p *Pair) must(err error) {
	p.t.Helper()
	must(p.t, err)
}

// Alloc implements cuda.Device.
func (p *Pair) Alloc(bytes int) (cuda.Buffer, error) {
	a, err := p.Device.Alloc(bytes)
	p.must(err)
	b, err := p.second.Alloc(bytes)
	p.must(err)
	p.own[a.Arg()], p.other[a.Arg()] = a, b
	return a, nil
}

// Free implements cuda.Device.
func (p *Pair) Free(b cuda.Buffer) error {
	p.must(p.second.Free(p.other[b.Arg()]))
	delete(p.other, b.Arg())
	delete(p.own, b.Arg())
	return p.Device.Free(b)
}

// Upload implements cuda.Device.
func (p *Pair) Upload(b cuda.Buffer, data []byte) error {
	p.must(p.second.Upload(p.partner(b.Arg()), data))
	return p.Device.Upload(b, data)
}

// partner is the buffer of the second device that belongs to an address of the first; no memory where it is not one.
func (p *Pair) partner(a cuda.Arg) cuda.Buffer {
	if b, ok := p.other[a]; ok {
		return b
	}
	for base, own := range p.own { // a part of a buffer
		if a > base && a < base+cuda.Arg(own.Bytes()) {
			return p.other[base].Slice(int(a-base), own.Bytes()-int(a-base))
		}
	}
	return cuda.Buffer{}
}

// Run implements cuda.Device.
func (p *Pair) Run(k *cuda.Kernel, units int, args ...cuda.Arg) error {
	p.t.Helper()
	theirs := append([]cuda.Arg(nil), args...)
	for i, a := range theirs {
		if b := p.partner(a); !b.IsNil() {
			theirs[i] = b.Arg()
		}
	}
	p.must(p.Device.Run(k, units, args...))
	p.must(p.second.Run(k, units, theirs...))
	p.must(p.second.Synchronise())
	name, single := concept(k.Name)
	outputs, ok := p.table[name]
	if !ok {
		p.t.Errorf("%s has no entry in the table of twins", k.Name)
	}
	for _, w := range outputs {
		if args[w.Argument] == 0 {
			continue // not wanted
		}
		base := args[w.Argument]
		for a, own := range p.own {
			if base >= a && base < a+cuda.Arg(own.Bytes()) {
				base = a
				break
			}
		}
		own := p.own[base]
		want, got := make([]byte, own.Bytes()), make([]byte, own.Bytes())
		p.must(p.Device.Download(want, own))
		p.must(p.second.Download(got, p.other[base]))
		p.compare(k.Name, w, single && w.Kind == 't', want, got)
		p.must(p.second.Upload(p.other[base], want))
	}
	return nil
}

// concept is a kernel's name without its number type, and whether that is float32.
func concept(kernel string) (name string, single bool) {
	name, single = strings.CutSuffix(kernel, "_f32")
	return strings.TrimSuffix(name, "_f64"), single
}

// Log says how far apart the devices were, kernel by kernel.
func (p *Pair) Log() {
	p.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(p.Ran)) {
		p.t.Logf("%s: normalised mean square error at most %.2g", name, p.Ran[name])
	}
}

// Complete looks at what has run on two CPU devices: every kernel whose name begins with the prefix, and everything in the table,
// and both devices wrote the same.
func (p *Pair) Complete(prefix string) {
	p.t.Helper()
	ran := map[string]bool{}
	for name, e := range p.Ran {
		short, _ := concept(name)
		ran[short] = true
		if e != 0 {
			p.t.Errorf("kernel %s: normalised mean square error %g on another number of threads, want the same numbers", name, e)
		}
	}
	for _, k := range cuda.Kernels() {
		if _, ok := p.Ran[k.Name]; !ok && strings.HasPrefix(k.Name, prefix) {
			p.t.Errorf("kernel %s: the comparison does not run it", k.Name)
		}
	}
	for name := range p.table {
		if !ran[name] {
			p.t.Errorf("kernel %s is in the table of twins, and the comparison does not run it", name)
		}
	}
}

// compare looks at the bits first: mostly they are the same.
func (p *Pair) compare(name string, w Written, single bool, want, got []byte) {
	p.t.Helper()
	p.Ran[name] = max(p.Ran[name], 0)
	if bytes.Equal(want, got) {
		if w.Kind != 'i' && !(single && finite(numbersOf[float32](want)) || !single && finite(numbersOf[float64](want))) {
			p.t.Fatalf("%s: argument %d: not all that was written is finite", name, w.Argument)
		}
		return
	}
	var a, b []float64
	switch {
	case w.Kind == 'i':
		a, b = wide(numbersOf[int32](want)), wide(numbersOf[int32](got))
	case single:
		a, b = wide(numbersOf[float32](want)), wide(numbersOf[float32](got))
	default:
		a, b = numbersOf[float64](want), numbersOf[float64](got)
	}
	off, size := 0.0, 0.0
	for i, v := range a {
		if w.Equal && math.Float64bits(v) != math.Float64bits(b[i]) {
			p.t.Fatalf("%s: argument %d, number %d of %d: %.17g on the second device, %.17g on the first: want the same bits", name,
				w.Argument, i, len(a), b[i], v)
		}
		off += (v - b[i]) * (v - b[i])
		size += v * v
	}
	bound := 1e-24
	if single {
		bound = 1e-11 // the order of sums: far below the 1e-7 that a kernel is allowed
	}
	if off != 0 && !(off <= bound*size) {
		p.t.Fatalf("%s: argument %d: normalised mean square error %.3g, allowed %g", name, w.Argument, off/size, bound)
	}
	if size > 0 {
		p.Ran[name] = max(p.Ran[name], off/size)
	}
}

func numbersOf[T int32 | float32 | float64](b []byte) []T {
	var x T
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), len(b)/int(unsafe.Sizeof(x)))
}

func wide[T int32 | float32](x []T) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// finite tells whether all of x are. The race detector does not look at it: the numbers are the comparison's own, and many.
//
//go:norace
func finite[T float32 | float64](x []T) bool {
	for _, v := range x {
		if v-v != 0 {
			return false
		}
	}
	return true
}
