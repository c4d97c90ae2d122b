package marchtest

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/internal/twin"
)

// SameBits wants the same bits whatever the threads, the batch, the instruction set, or how many steps are kept at a time.
func SameBits(t *testing.T, c Case) {
	t.Run(c.Name, func(t *testing.T) {
		sameBits(t, c.Single, c.Steps)
		sameBits(t, c.Double, c.Steps)
	})
}

func sameBits[T cuda.Float](t *testing.T, f Family[T], steps int) {
	t.Helper()
	want := Everything(t, twin.CPU(t, 1), f, How{}, 0, 1, 2)
	same := func(what string, threads int, how How, models ...int) {
		t.Helper()
		for name, x := range Everything(t, twin.CPU(t, threads), f, how, models...) {
			if !bytes.Equal(x, want[name]) {
				t.Errorf("%T: %s has other bits %s", T(0), name, what)
			}
		}
	}
	same("alone, on two threads", 2, How{}, 1)
	same("in another order on three threads", 3, How{}, 2, 0)
	for _, m := range []int{1, 7, steps - 1} {
		same(fmt.Sprintf("in segments of %d steps", m), 2, How{Segment: m}, 0, 2)
	}
	same("with no memory", 2, How{Memory: 1}, 1)
	best := cuda.ISA()
	defer func() { Must(t, cuda.SetISA(best)) }()
	Must(t, cuda.SetISA(3))
	same("with AVX2", 1, How{}, 0, 1)
}

// AgainstPlain wants the data of a plain program in float64, to 1e-12 of a shot's largest in float64 and to `single` in float32.
// plain gives those of one of so many shots, component by component; change, unless nil, is done to the drawn model before.
func AgainstPlain(t *testing.T, c Case, single float64, shots int, change func(m []float64), plain func(m []float64, shot int) [][]float64) {
	t.Run(c.Name, func(t *testing.T) {
		againstPlain(t, c.Double, 1e-12, shots, change, plain)
		againstPlain(t, c.Single, single, shots, change, plain)
	})
}

func againstPlain[T cuda.Float](t *testing.T, f Family[T], bound float64, shots int, change func(m []float64), plain func(m []float64, shot int) [][]float64) {
	t.Helper()
	p, err := f.New(twin.CPU(t, 1), How{})
	Must(t, err)
	m := f.Model(Seeded(t))
	exact := Doubles(m)
	if change != nil {
		change(exact)
	}
	for i, x := range exact {
		m[i] = T(x)
	}
	d := make([]T, p.Data())
	Must(t, p.Forward(m, d))
	for shot := range shots {
		for component, want := range plain(exact, shot) {
			got, top := d[(component*shots+shot)*len(want):][:len(want)], 0.0
			for _, x := range want {
				top = max(top, math.Abs(x))
			}
			for i, x := range want {
				if !(math.Abs(float64(got[i])-x) <= bound*top) {
					t.Fatalf("%T: shot %d, component %d, number %d of %d: %.17g, want %.17g (largest %.3g)", T(0), shot, component, i, len(want), got[i], x, top)
				}
			}
			if top == 0 {
				t.Fatalf("%T: shot %d, component %d: no wave", T(0), shot, component)
			}
		}
	}
}

// BatchAsShots wants of the kernels of a batch, a phase at a time for all shots, the numbers of whole shots one at a time: with all
// steps kept, in segments, with no memory, and with so many bytes of it.
func BatchAsShots(t *testing.T, c Case, memory int) {
	t.Run(c.Name, func(t *testing.T) {
		batchAsShots(t, c.Single, c.Steps, memory)
		batchAsShots(t, c.Double, c.Steps, memory)
	})
}

func batchAsShots[T cuda.Float](t *testing.T, f Family[T], steps, memory int) {
	t.Helper()
	want := Everything(t, twin.CPU(t, 2), f, How{}, 0, 1)
	for _, how := range []How{{}, {Segment: 7}, {Segment: 1}, {Memory: 1}, {Segment: steps, Memory: memory}} {
		how.Batched = true
		equal[T](t, fmt.Sprintf("%T, %+v", T(0), how), Everything(t, twin.CPU(t, 2), f, how, 0, 1), want)
	}
}

// RefusedCalls wants errors of the family for calls of a plan with too few or too many numbers, and with an observation that is not there.
func RefusedCalls[T cuda.Float](t *testing.T, family string, p Plan[T]) {
	t.Helper()
	m, dm, d, g := make([]T, p.Nodes()), make([]T, p.Nodes()), make([]T, p.Data()), make([]float64, p.Nodes())
	for name, err := range map[string]error{
		"no model":             p.Forward(nil, d),
		"half a model":         p.Forward(m[:5], d),
		"data of two":          p.Forward(m, append(d, d...)),
		"observation 1 of one": p.Gradient(m, d, []int{1}, d, g),
		"no observation":       p.Gradient(m, nil, []int{0}, d, g),
		"gradient of half":     p.Gradient(m, d, []int{0}, d, g[1:]),
		"no directions":        p.VJP(m, d, 0, g),
		"half a direction":     p.JVP(m, dm[1:], 1, d),
		"tangent of half":      p.JVP(m, dm, 1, d[1:]),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), family+": ") {
			t.Errorf("%s: %v, want an error of %s", name, err, family)
		}
	}
}
