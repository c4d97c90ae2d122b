package nn

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/cuda"
)

// keptSteps is for how many steps a training's numbers stay on the device at most.
const keptSteps = 256

// numbers are what the steps of a training say, losses and gradient norms, kept on the device until somebody asks: to read
// them after every step would have host and device wait for each other.
type numbers[T cuda.Float] struct {
	tape *Tape[T]
	loss *Loss[T]
	own  cuda.Buffer // where the loss of a step lies otherwise
	buf  cuda.Buffer // (keptSteps, 1 + rows) float64: the square of the gradient's norm, the loss of each row
	host []float64
	n    int // steps kept
}

func newNumbers[T cuda.Float](t *Tape[T], l *Loss[T]) (*numbers[T], error) {
	k := &numbers[T]{tape: t, loss: l, own: l.losses, host: make([]float64, keptSteps*(1+l.rows))}
	var err error
	k.buf, err = t.dev.Alloc(8 * len(k.host))
	return k, err
}

// next says where the numbers of the next step go: the square of its gradient's norm is returned, the losses of its rows go
// there by themselves.
func (k *numbers[T]) next() cuda.Buffer {
	width := 8 * (1 + k.loss.rows)
	part := k.buf.Slice(k.n*width, width)
	k.loss.losses = part.Slice(8, width-8)
	k.n++
	return part.Slice(0, 8)
}

func (k *numbers[T]) full() bool { return k.n == keptSteps }

// read calls f with loss and gradient norm of every step that is kept, in their order, and forgets them.
func (k *numbers[T]) read(f func(loss, norm float64) error) error {
	width := 1 + k.loss.rows
	host := k.host[:k.n*width]
	if k.n == 0 {
		return nil
	}
	if err := k.tape.dev.Download(bytesOf(host), k.buf); err != nil {
		return fmt.Errorf("nn: losses of %d steps: %w", k.n, err)
	}
	k.n = 0
	for ; len(host) > 0; host = host[width:] {
		if err := f(k.loss.sum(host[1:width]), math.Sqrt(host[0])); err != nil {
			return err
		}
	}
	return nil
}

// free gives the memory back.
func (k *numbers[T]) free() error {
	k.loss.losses = k.own
	return k.tape.dev.Free(k.buf)
}
