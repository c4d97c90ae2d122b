package nn_test

import (
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/nn"
	"github.com/waveprior/waveprior/core/tensor"
)

// What does not fit is kept as the tape's error, named with the shapes, and comes back from every later call.
func TestTapeRefuses(t *testing.T) {
	s := nn.NewStore[float64](device(t, 1))
	l, n := s.Linear("l", 4, 4), s.LayerNorm("n", 3)
	must(t, s.Allocate(nn.ForTraining))
	must(t, s.Init(1))
	other, err := nn.NewTape(s, nn.Value, true)
	must(t, err)
	table, err := nn.NewTable[float64](s.Device(), tensor.FromFloat64s([]float64{1, 2, 3, 4}, 2, 2))
	must(t, err)
	for name, c := range map[string]struct {
		record func(t *tape, x *value)
		says   string
	}{
		"linear":            {func(t *tape, x *value) { t.Linear(l, t.Concat(x, x)) }, "[3 8], 4 numbers"},
		"layer norm":        {func(t *tape, x *value) { t.LayerNorm(n, x) }, "[3 4], 3 numbers"},
		"add":               {func(t *tape, x *value) { t.Add(x, t.Input(false, 2, 6)) }, "[3 4] and [2 6]"},
		"concat":            {func(t *tape, x *value) { t.Concat(x, t.Input(false, 2, 6)) }, "[3 4] of input 0 and [2 6]"},
		"square error":      {func(t *tape, x *value) { t.SquareError(x, t.Input(false, 3, 5), 1) }, "[3 4] and [3 5]"},
		"no rows":           {func(t *tape, x *value) { t.Input(false, 0, 5) }, "[0 5]"},
		"negative":          {func(t *tape, x *value) { t.Input(false, -1, 5) }, "[-1 5]"},
		"another tape's":    {func(t *tape, x *value) { t.GELU(other.Input(false, 3, 4)) }, "another tape"},
		"index of no rows":  {func(t *tape, x *value) { t.Lookup(table, t.Index(0)) }, "0 rows"},
		"after the mistake": {func(t *tape, x *value) { t.Linear(l, t.GELU(t.Linear(l, t.Concat(x, x)))) }, "[3 8], 4 numbers"},
	} {
		tp, err := nn.NewTape(s, nn.Value, true)
		must(t, err)
		x := tp.Input(true, 3, 4)
		c.record(tp, x)
		if tp.Err() == nil || !strings.Contains(tp.Err().Error(), c.says) {
			t.Errorf("%s: error %v, want one that says %q", name, tp.Err(), c.says)
			continue
		}
		for what, err := range map[string]error{"forward": tp.Forward(), "backward": tp.Backward(x), "set": x.Set(make([]float64, 12))} {
			if err != tp.Err() {
				t.Errorf("%s: %s returns %v, want the first mistake", name, what, err)
			}
		}
		must(t, tp.Free())
	}
	tp, err := nn.NewTape(s, nn.Value, false)
	must(t, err)
	x := tp.Input(false, 3, 4)
	y := tp.Linear(l, x)
	for name, err := range map[string]error{
		"backward to nothing": tp.Backward(y), "gradient of nothing": x.Grad(make([]float64, 12)), "short": x.Set(make([]float64, 11)),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Two Backwards from different variables of one tape: each gives its own gradients, parameters it does not depend on get
// zero, and the first again gives its bits again.
func TestSeveralRoots(t *testing.T) {
	s := nn.NewStore[float64](device(t, 2))
	a, b := s.Linear("a", 4, 4), s.Linear("b", 4, 4)
	must(t, s.Allocate(nn.ForTraining))
	must(t, s.Init(1))
	tp, err := nn.NewTape(s, nn.Value, true)
	must(t, err)
	x := tp.Input(true, 3, 4)
	first := tp.GELU(tp.Linear(a, x))
	second := tp.Linear(b, first)
	loss := tp.SquareError(second, x, 1)
	must(t, x.Set(normals[float64](4, 12)))
	must(t, tp.Forward())
	play := func(r root) (dx, dw []float64) {
		if v, ok := r.(*value); ok {
			must(t, v.SetGrad(normals[float64](6, 12)))
		}
		must(t, tp.Backward(r))
		dx = make([]float64, 12)
		must(t, x.Grad(dx))
		return dx, all(t, s, nn.Grad)
	}
	dx, dw := play(loss)
	dx1, dw1 := play(first)
	for i, g := range dw1[20:] {
		if g != 0 || dw[20+i] == 0 {
			t.Fatalf("gradient %d of layer b: %g from the output of layer a, %g from the loss", i, g, dw[20+i])
		}
	}
	if equal(dx, dx1) {
		t.Error("the gradients of two different functions are the same")
	}
	if again, dwAgain := play(loss); !equal(again, dx) || !equal(dwAgain, dw) {
		t.Error("the loss's gradients are others after a Backward from elsewhere")
	}
	if again, dwAgain := play(first); !equal(again, dx1) || !equal(dwAgain, dw1) {
		t.Error("a variable's gradients are others after a Backward from the loss")
	}
}

// Lookup takes rows; TimeTable has the embedding's known values: sin 0 and cos 0 at level 0, sin t and cos t at frequency 1.
func TestLookup(t *testing.T) {
	d := device(t, 2)
	s := nn.NewStore[float64](d)
	s.Linear("a", 1, 1)
	must(t, s.Allocate(nn.ForInference))
	table, err := nn.TimeTable[float64](d, 5)
	must(t, err)
	tp, err := nn.NewTape(s, nn.Value, false)
	must(t, err)
	index := tp.Index(3)
	y := tp.Lookup(table, index)
	must(t, index.Set([]int32{0, 3, 1}))
	must(t, tp.Forward())
	got := make([]float64, 3*nn.TimeWidth)
	must(t, y.Get(got))
	near(t, "sin 0", got[5], 0, 0)
	near(t, "cos 0", got[128+5], 1, 0)
	near(t, "sin 3", got[256], 0.1411200080598672, 1e-14)
	near(t, "cos 3", got[256+128], -0.9899924966004454, 1e-14)
	near(t, "sin 1/10000", got[512+127], 9.9999999833333334e-05, 1e-12)
	must(t, index.Set([]int32{0, 5, 1}))
	if err := tp.Forward(); err == nil {
		t.Error("row 5 of a table of 5: no error")
	}
	if err := index.Set([]int32{0}); err == nil {
		t.Error("one number for three rows: no error")
	}
}
