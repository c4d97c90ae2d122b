package nn_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/waveprior/waveprior/core/nn"
	"github.com/waveprior/waveprior/cuda"
)

// rows is a batch for an evaluator of the study's network.
type rows[T cuda.Float] struct {
	level []int32
	x, w  []T
}

func randomRows[T cuda.Float](seed uint64, n int) rows[T] {
	r := rand.New(rand.NewPCG(seed, 2))
	b := rows[T]{x: normals[T](seed, n*studyDim), w: normals[T](seed+1, n*studyDim)}
	for range n {
		b.level = append(b.level, int32(r.IntN(studyLevels)))
	}
	return b
}

func (b rows[T]) slice(lo, hi int) rows[T] {
	return rows[T]{b.level[lo:hi], b.x[lo*studyDim : hi*studyDim], b.w[lo*studyDim : hi*studyDim]}
}

// play returns output and input gradient of the rows, by Forward and by VJP.
func (b rows[T]) play(t testing.TB, e *nn.Evaluator[T]) (out, dx []T) {
	t.Helper()
	n := len(b.level)
	out, dx = make([]T, n*studyDim), make([]T, n*studyDim)
	must(t, e.Forward(out, b.level, b.x))
	again := make([]T, n*studyDim)
	must(t, e.VJP(dx, b.w, again, b.level, b.x))
	for i := range out {
		if out[i] != again[i] {
			t.Fatalf("%d rows: VJP's output differs from Forward's at element %d", n, i)
		}
	}
	return out, dx
}

// The bits of a row's output and gradient are the same alone, in any batch, at any place in it, on any number of threads:
// 300 rows at once (more than one pass takes) against every grouping.
func TestRowsDoNotMeet(t *testing.T) {
	const n, seed = 300, 5
	t.Logf("seed %d", seed)
	b := randomRows[float32](seed, n)
	var wantOut, wantDx []float32
	for _, threads := range []int{1, 2, 4} {
		s := newStudy[float32](t, threads, 0, "")
		e, err := nn.NewEvaluator(s.store, nn.EMA, s.net, studyDim)
		must(t, err)
		out, dx := b.play(t, e)
		if wantOut == nil {
			wantOut, wantDx = out, dx
		}
		check := func(what string, at int, out, dx []float32) {
			t.Helper()
			for i := range out {
				if out[i] != wantOut[at*studyDim+i] || dx[i] != wantDx[at*studyDim+i] {
					t.Fatalf("%d threads, %s: row %d differs in its bits", threads, what, at+i/studyDim)
				}
			}
		}
		check("all at once", 0, out, dx)
		for _, group := range []int{1, 7, 31, 32, 33, 64, 100, 256, 257} {
			for lo := 0; lo < n; lo += group {
				if group == 1 && lo%13 != 0 {
					continue
				}
				part := b.slice(lo, min(lo+group, n))
				out, dx := part.play(t, e)
				check("in groups", lo, out, dx)
			}
		}
		must(t, e.Free())
	}
}

// A row that is not finite spoils no other.
func TestBadRowStaysAlone(t *testing.T) {
	s := newStudy[float32](t, 2, 0, "")
	e, err := nn.NewEvaluator(s.store, nn.Value, s.net, studyDim)
	must(t, err)
	b := randomRows[float32](9, 40)
	out, dx := b.play(t, e)
	bad := b
	bad.x = append([]float32(nil), b.x...)
	bad.x[3*studyDim+1] = float32(math.NaN())
	bad.x[17*studyDim+2] = float32(math.Inf(1))
	got, gotDx := make([]float32, len(out)), make([]float32, len(dx))
	must(t, e.Forward(got, bad.level, bad.x))
	must(t, e.VJP(gotDx, bad.w, nil, bad.level, bad.x))
	for i := range out {
		row := i / studyDim
		if spoilt := row == 3 || row == 17; spoilt == (got[i] == out[i] && gotDx[i] == dx[i]) {
			t.Errorf("row %d, element %d: output %g and gradient %g, %g and %g without the bad rows", row, i, got[i], gotDx[i], out[i], dx[i])
		}
	}
}

// The evaluator's gradient is that of central differences, float64, within 1e-8, and no parameter's gradient is touched;
// float32 is within 1e-5 of float64 from the same float32 weights.
func TestVJP(t *testing.T) {
	const n = 3
	s := newStudy[float64](t, 2, 0, "")
	single := newStudy[float32](t, 2, 0, "")
	for _, p := range s.store.Params() {
		v, err := single.store.Get(nn.Value, p.Name)
		must(t, err)
		wide, err := s.store.Get(nn.Value, p.Name)
		must(t, err)
		wide.SetReals(v.AppendReals(nil))
		must(t, s.store.Set(nn.Value, p.Name, wide))
	}
	e, err := nn.NewEvaluator(s.store, nn.Value, s.net, studyDim)
	must(t, err)
	b := randomRows[float64](21, n)
	_, dx := b.play(t, e)
	out := make([]float64, n*studyDim)
	value := func() (sum float64) {
		must(t, e.Forward(out, b.level, b.x))
		for i := range out {
			sum += b.w[i] * out[i]
		}
		return sum
	}
	const h = 1e-5
	worst, largest := 0.0, 0.0
	for i := range b.x {
		keep := b.x[i]
		b.x[i] = keep + h
		up := value()
		b.x[i] = keep - h
		down := value()
		b.x[i] = keep
		worst, largest = max(worst, math.Abs(dx[i]-(up-down)/(2*h))), max(largest, math.Abs(dx[i]))
	}
	if !(worst < 1e-8*largest) {
		t.Errorf("the VJP differs from central differences by %g, largest element %g", worst, largest)
	}
	for i, g := range all(t, s.store, nn.Grad) {
		if g != 0 {
			t.Fatalf("parameter gradient %d is %g after VJPs", i, g)
		}
	}
	se, err := nn.NewEvaluator(single.store, nn.Value, single.net, studyDim)
	must(t, err)
	narrow := rows[float32]{level: b.level}
	for i := range b.x {
		narrow.x, narrow.w = append(narrow.x, float32(b.x[i])), append(narrow.w, float32(b.w[i]))
	}
	out32, dx32 := narrow.play(t, se)
	value()
	for i := range dx {
		if d := math.Abs(float64(dx32[i]) - dx[i]); !(d < 1e-5*largest) {
			t.Errorf("gradient %d: float32 %g, float64 %g", i, dx32[i], dx[i])
		}
		if d := math.Abs(float64(out32[i]) - out[i]); !(d < 1e-5) {
			t.Errorf("output %d: float32 %g, float64 %g", i, out32[i], out[i])
		}
	}
}

// Wrong sizes, and a level that the table does not have, are errors.
func TestEvaluatorRefuses(t *testing.T) {
	s := newStudy[float32](t, 1, 0, "")
	e, err := nn.NewEvaluator(s.store, nn.Value, s.net, studyDim)
	must(t, err)
	x, out := make([]float32, 2*studyDim), make([]float32, 2*studyDim)
	for name, err := range map[string]error{
		"no rows of x":     e.Forward(out, []int32{0, 1}, x[:3]),
		"no input":         e.Forward(out, []int32{0, 1}),
		"short output":     e.Forward(out[:5], []int32{0, 1}, x),
		"level":            e.Forward(out, []int32{0, studyLevels}, x),
		"negative level":   e.Forward(out, []int32{-1, 0}, x),
		"short gradient":   e.VJP(out[:5], x, nil, []int32{0, 1}, x),
		"short weights":    e.VJP(out, x[:5], nil, []int32{0, 1}, x),
		"short second out": e.VJP(out, x, out[:5], []int32{0, 1}, x),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	must(t, e.Forward(nil, nil, nil))
	if _, err := nn.NewEvaluator(s.store, nn.Value, s.net, studyDim+1); err == nil {
		t.Error("a network of another width: no error")
	}
	if _, err := nn.NewEvaluator(s.store, nn.Grad, s.net, studyDim); err == nil {
		t.Error("weights from the array of gradients: no error")
	}
}
