package multifrontal_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
)

// written says what a kernel writes: the argument's number, and whether it is of T, of float64 or of int32. equal: both devices
// write the same bits, because each number's operations and their order are the same.
type written struct {
	argument int
	kind     byte // 't', 'd' or 'i'
	equal    bool
}

// twins lists every kernel of the package by its outputs. Sums over pivots have the same order on both devices, but what is
// assembled is added before or after; residual and misfit are summed by a block's tree on a GPU.
var twins = map[string][]written{
	"helm_boxes":             {{8, 't', true}, {10, 't', true}, {12, 'i', true}},
	"helm_pivots":            {{8, 't', false}, {14, 'i', true}},
	"helm_panels":            {{8, 't', false}, {12, 't', false}},
	"helm_updates":           {{10, 't', true}},
	"helm_box_forward":       {{7, 't', false}, {9, 't', false}},
	"helm_box_backward":      {{9, 't', false}},
	"helm_forward_pivots":    {{9, 't', true}},
	"helm_forward_boundary":  {{7, 't', true}},
	"helm_backward_boundary": {{9, 't', true}},
	"helm_backward_pivots":   {{9, 't', true}},
	"helm_diagonals":         {{0, 't', true}},
	"helm_source":            {{0, 't', true}},
	"helm_receive":           {{0, 't', true}},
	"helm_tangent":           {{0, 't', true}},
	"helm_sample":            {{0, 't', true}},
	"helm_products":          {{0, 'd', true}},
	"helm_fold_x":            {{0, 'd', true}},
	"helm_fold_z":            {{0, 'd', true}},
	"helm_residual":          {{0, 'd', false}},
	"helm_misfit":            {{0, 'd', false}, {1, 'd', true}, {2, 't', true}},
}

// pair is two devices of which each kernel runs on both, from the same numbers: what the second one writes is compared with
// what the first one wrote, and replaced by it. A buffer of pair is one of the first device.
type pair struct {
	cuda.Device
	t      testing.TB
	second cuda.Device
	other  map[cuda.Arg]cuda.Buffer // by address on the first device
	own    map[cuda.Arg]cuda.Buffer
	ran    map[string]float64 // normalised mean square error at most
}

func newPair(t testing.TB, first, second cuda.Device) *pair {
	return &pair{Device: first, t: t, second: second, other: map[cuda.Arg]cuda.Buffer{}, own: map[cuda.Arg]cuda.Buffer{}, ran: map[string]float64{}}
}

func (p *pair) Alloc(bytes int) (cuda.Buffer, error) {
	a, err := p.Device.Alloc(bytes)
	must(p.t, err)
	b, err := p.second.Alloc(bytes)
	must(p.t, err)
	p.own[a.Arg()], p.other[a.Arg()] = a, b
	return a, nil
}

func (p *pair) Free(b cuda.Buffer) error {
	must(p.t, p.second.Free(p.other[b.Arg()]))
	delete(p.other, b.Arg())
	delete(p.own, b.Arg())
	return p.Device.Free(b)
}

func (p *pair) Upload(b cuda.Buffer, data []byte) error {
	must(p.t, p.second.Upload(p.other[b.Arg()], data))
	return p.Device.Upload(b, data)
}

func (p *pair) Run(k *cuda.Kernel, units int, args ...cuda.Arg) error {
	p.t.Helper()
	theirs := append([]cuda.Arg(nil), args...)
	for i, a := range theirs {
		if b, ok := p.other[a]; ok {
			theirs[i] = b.Arg()
		}
	}
	must(p.t, p.Device.Run(k, units, args...))
	must(p.t, p.second.Run(k, units, theirs...))
	must(p.t, p.second.Synchronise())
	name, single := strings.CutSuffix(k.Name, "_f32")
	name = strings.TrimSuffix(name, "_f64")
	outputs, ok := twins[name]
	if !ok {
		p.t.Errorf("%s has no entry in the table of twins", k.Name)
	}
	for _, w := range outputs {
		own := p.own[args[w.argument]]
		want, got := make([]byte, own.Bytes()), make([]byte, own.Bytes())
		must(p.t, p.Device.Download(want, own))
		must(p.t, p.second.Download(got, p.other[own.Arg()]))
		p.compare(k.Name, w, single && w.kind == 't', want, got)
		must(p.t, p.second.Upload(p.other[own.Arg()], want))
	}
	return nil
}

func (p *pair) compare(name string, w written, single bool, want, got []byte) {
	p.t.Helper()
	wide := func(b []byte) []float64 {
		var out []float64
		switch {
		case w.kind == 'i':
			for _, v := range unsafe.Slice((*int32)(unsafe.Pointer(&b[0])), len(b)/4) {
				out = append(out, float64(v))
			}
		case single:
			for _, v := range unsafe.Slice((*float32)(unsafe.Pointer(&b[0])), len(b)/4) {
				out = append(out, float64(v))
			}
		default:
			out = unsafe.Slice((*float64)(unsafe.Pointer(&b[0])), len(b)/8)
		}
		return out
	}
	a, b := wide(want), wide(got)
	off, size := 0.0, 0.0
	for i, v := range a {
		if w.equal && math.Float64bits(v) != math.Float64bits(b[i]) {
			p.t.Fatalf("%s: argument %d, number %d of %d: %.17g on the second device, %.17g on the first: want the same bits", name,
				w.argument, i, len(a), b[i], v)
		}
		off += (v - b[i]) * (v - b[i])
		size += v * v
	}
	bound := 1e-24
	if single {
		bound = 1e-11 // the order of sums: far below the 1e-7 that a kernel is allowed
	}
	if off != 0 && !(off <= bound*size) {
		p.t.Fatalf("%s: argument %d: normalised mean square error %.3g, allowed %g", name, w.argument, off/size, bound)
	}
	if math.IsNaN(size) {
		p.t.Fatalf("%s: argument %d: not finite", name, w.argument)
	}
	p.ran[name] = max(p.ran[name], 0)
	if size > 0 {
		p.ran[name] = max(p.ran[name], off/size)
	}
}

// compareTwins runs all kernels on both devices: grids of one box, and with fronts of several tiles and blocks, at a number of
// shots that is none of right-hand sides that a block carries.
func compareTwins(t *testing.T, first, second cuda.Device, sizes [][3]int) *pair {
	t.Helper()
	p := newPair(t, first, second)
	for _, size := range sizes {
		everything[float32](t, p, size, 2, 2, 6)
		everything[float64](t, p, size, 2, 2, 6)
	}
	// One system in a small place: launches that the emulated device may record (cuda/emulated/record.h).
	everything[float32](t, p, [3]int{23, 17, 2}, 1, 1, 4)
	everything[float64](t, p, [3]int{23, 17, 2}, 1, 1, 4)
	return p
}

func everything[T cuda.Float](t *testing.T, d cuda.Device, size [3]int, count, frequencies, directions int) {
	t.Helper()
	const seed = 8
	r := rand.New(rand.NewPCG(seed, 1))
	p := problem(r, size[0], size[1], size[2], frequencies, 5)
	cells, n, systems := p.NZ*p.NX, len(p.Sources)*len(p.Receivers), count*frequencies
	e := engine[T](t, d, p, systems, count, directions)
	observed, weight := make([]complex128, frequencies*n), make([]float64, systems*directions)
	for i := range observed {
		observed[i] = complex(r.NormFloat64(), r.NormFloat64())
	}
	for i := range weight {
		weight[i] = 1 + float64(i%5)
	}
	must(t, e.SetObservations(nil, observed, []float64{0.7}))
	must(t, e.Load(models[T](r, count*cells), 0, frequencies))
	must(t, e.Background())
	must(t, e.Data(make([]T, 2*systems*n)))
	must(t, e.Misfit(make([]int, count), make([]float64, systems), true, true, false))
	must(t, e.Tangent(models[T](r, count*directions*cells), directions, make([]T, 2*systems*directions*n)))
	must(t, e.Adjoint(models[T](r, 2*systems*directions*n), weight, directions, false, true))
}

// TestTwinsAreComplete: every kernel of the package is in the table, is run by the comparison, and writes what the table says;
// on one thread and on three it writes the same.
func TestTwinsAreComplete(t *testing.T) {
	second, err := cuda.NewCPU(3)
	must(t, err)
	t.Cleanup(func() { second.Close() })
	p := compareTwins(t, cpu(t), second, [][3]int{{14, 20, 2}})
	for _, k := range cuda.Kernels() {
		if e, ok := p.ran[k.Name]; strings.HasPrefix(k.Name, "helm_") && (!ok || e != 0) {
			t.Errorf("kernel %s: ran %v, error %g on another number of threads", k.Name, ok, e)
		}
	}
	if len(p.ran) != 2*len(twins)-2 { // two have no number type
		t.Errorf("%d kernels ran, the table has %d", len(p.ran), len(twins))
	}
}
