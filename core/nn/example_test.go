package nn_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/waveprior/waveprior/core/nn"
	"github.com/waveprior/waveprior/cuda"
)

// A network learns y = x0 x1 on a grid of points.
func Example() {
	d, err := cuda.NewCPU(2)
	if err != nil {
		log.Fatal(err)
	}
	defer d.Close()
	s := nn.NewStore[float32](d)
	in, block, out := s.Linear("in", 2, 64), s.Residual("block", 64), s.Linear("out", 64, 1)
	if err := errors.Join(s.Allocate(nn.ForTraining), s.Init(1)); err != nil {
		log.Fatal(err)
	}
	const rows = 81
	t, err := nn.NewTape(s, nn.Value, true)
	if err != nil {
		log.Fatal(err)
	}
	x, y := t.Input(false, rows, 2), t.Input(false, rows, 1)
	loss := t.SquareError(t.Linear(out, t.Residual(block, t.GELU(t.Linear(in, x)))), y, 1.0/rows)

	var points, values []float32
	for i := range rows {
		a, b := float32(i/9)/4-1, float32(i%9)/4-1
		points, values = append(points, a, b), append(values, a*b)
	}
	if err := errors.Join(t.Err(), x.Set(points), y.Set(values)); err != nil {
		log.Fatal(err)
	}
	adam := nn.Adam{Schedule: nn.Cosine{First: 1e-2, Last: 1e-4, Steps: 300}, Clip: 1, EMADecay: 0.99, EMAWarmup: true}
	for k := range 300 {
		if err := errors.Join(t.Forward(), t.Backward(loss)); err != nil {
			log.Fatal(err)
		}
		if _, err := s.Step(adam, k); err != nil {
			log.Fatal(err)
		}
	}
	l, err := loss.Value()
	fmt.Println(s.Count(), "parameters; mean square error below 1e-4:", l < 1e-4, err)
	// Output: 4545 parameters; mean square error below 1e-4: true <nil>
}
