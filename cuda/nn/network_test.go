package nn_test

import (
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/nn"
)

// network is the published network on flat arrays, as core/nn lays it out, for benchmarks.
type network struct {
	d                              cuda.Device
	arrays                         nn.AdamArrays
	sum, scratch, losses           cuda.Buffer
	input, target, hidden, pre     []cuda.Buffer // hidden[l] (rows, width) enters block l; pre[l] is its dense layer's output
	stats                          []cuda.Buffer
	slope, inner, normScratch, out cuda.Buffer
	layers                         []layer
}

// layer is where a dense layer and its norm lie in the flat arrays.
type layer struct{ w, b, gamma, beta, in, out int }

func newNetwork(t testing.TB, d cuda.Device) *network {
	t.Helper()
	n := &network{d: d}
	at := 0
	take := func(count int) int { at += count; return at - count }
	add := func(in, out int, norm bool) {
		l := layer{in: in, out: out, w: take(in * out), b: take(out)}
		if norm {
			l.gamma, l.beta = take(out), take(out)
		}
		n.layers = append(n.layers, l)
	}
	add(stepIn, stepWidth, false)
	for range stepBlocks {
		add(stepWidth, stepWidth, true)
	}
	add(stepWidth, stepOut, false)
	small := normals[float32](t, at, 0.01)
	n.arrays = nn.AdamArrays{W: upload(t, d, small), G: upload(t, d, small), M: zeros[float32](t, d, at), V: zeros[float32](t, d, at), EMA: upload(t, d, small)}
	n.sum, n.scratch = zeros[float64](t, d, 1), zeros[float64](t, d, nn.SumSquaresScratch(at))
	n.losses = zeros[float64](t, d, stepRows)
	n.input = []cuda.Buffer{upload(t, d, normals[float32](t, stepRows*stepIn, 1))}
	n.target = []cuda.Buffer{upload(t, d, normals[float32](t, stepRows*stepOut, 1))}
	n.out = zeros[float32](t, d, stepRows*stepOut)
	for range stepBlocks + 1 {
		n.hidden = append(n.hidden, zeros[float32](t, d, stepRows*stepWidth))
		n.pre = append(n.pre, zeros[float32](t, d, stepRows*stepWidth))
		n.stats = append(n.stats, zeros[float32](t, d, 2*stepRows))
	}
	n.slope, n.inner = zeros[float32](t, d, stepRows*stepWidth), zeros[float32](t, d, stepRows*stepWidth)
	n.normScratch = zeros[float32](t, d, nn.NormScratch(stepRows, stepWidth))
	return n
}

func (n *network) part(of cuda.Buffer, at, count int) cuda.Buffer { return of.Slice(4*at, 4*count) }

func (l layer) shape() nn.LinearShape {
	return nn.LinearShape{Rows: stepRows, In: l.in, Out: l.out}
}

func (n *network) forward(y, x cuda.Buffer, l layer) error {
	return nn.LinearForward[float32](n.d, y, x, n.part(n.arrays.W, l.w, l.in*l.out), n.part(n.arrays.W, l.b, l.out), l.shape())
}

func (n *network) backward(dx, dy, x cuda.Buffer, l layer, accumulate bool) error {
	if !dx.IsNil() {
		if err := nn.LinearBackwardInput[float32](n.d, dx, dy, n.part(n.arrays.W, l.w, l.in*l.out), l.shape(), accumulate); err != nil {
			return err
		}
	}
	return nn.LinearBackwardWeight[float32](n.d, n.part(n.arrays.G, l.w, l.in*l.out), n.part(n.arrays.G, l.b, l.out), x, dy, l.shape(), false)
}

func (n *network) normForward(l int) error {
	p := n.layers[l+1]
	return nn.NormGeluForward[float32](n.d, n.hidden[l+1], n.pre[l+1], n.hidden[l], n.part(n.arrays.W, p.gamma, stepWidth),
		n.part(n.arrays.W, p.beta, stepWidth), n.stats[l], stepRows, stepWidth)
}

func (n *network) normBackward(l int) error {
	p := n.layers[l+1]
	return nn.NormGeluBackward[float32](n.d, n.inner, n.part(n.arrays.G, p.gamma, stepWidth), n.part(n.arrays.G, p.beta, stepWidth),
		n.slope, n.pre[l+1], n.part(n.arrays.W, p.gamma, stepWidth), n.part(n.arrays.W, p.beta, stepWidth), n.stats[l],
		n.normScratch, stepRows, stepWidth, false)
}

// gradient is a forward and a backward pass.
func (n *network) gradient() error {
	last := n.layers[stepBlocks+1]
	calls := []func() error{
		func() error { return n.forward(n.pre[0], n.input[0], n.layers[0]) },
		func() error {
			return nn.GeluForward[float32](n.d, n.hidden[0], n.pre[0], stepRows*stepWidth)
		},
	}
	for l := range stepBlocks {
		calls = append(calls,
			func() error { return n.forward(n.pre[l+1], n.hidden[l], n.layers[l+1]) },
			func() error { return n.normForward(l) })
	}
	calls = append(calls,
		func() error { return n.forward(n.out, n.hidden[stepBlocks], last) },
		func() error {
			return nn.SquareError[float32](n.d, n.losses, n.out, n.out, n.target[0], stepRows, stepOut, 1.0/stepRows)
		},
		func() error { return n.backward(n.slope, n.out, n.hidden[stepBlocks], last, false) })
	for l := stepBlocks - 1; l >= 0; l-- {
		calls = append(calls,
			func() error { return n.normBackward(l) },
			func() error { return n.backward(n.slope, n.inner, n.hidden[l], n.layers[l+1], true) })
	}
	calls = append(calls,
		func() error {
			return nn.GeluBackward[float32](n.d, n.slope, n.slope, n.pre[0], stepRows*stepWidth)
		},
		func() error { return n.backward(cuda.Buffer{}, n.slope, n.input[0], n.layers[0], false) })
	return inOrder(calls)
}

// products are the dense layers of a step alone.
func (n *network) products(int) error {
	x := n.hidden[1]
	for i, l := range n.layers {
		in, dx := x, n.slope
		switch i {
		case 0:
			in, dx = n.input[0], cuda.Buffer{}
		}
		out := n.inner
		if l.out == stepOut {
			out = n.out
		}
		if err := n.forward(out, in, l); err != nil {
			return err
		}
		if err := n.backward(dx, out, in, l, i > 0); err != nil {
			return err
		}
	}
	return nil
}

// pointwise is what is between them.
func (n *network) pointwise(int) error {
	for l := range stepBlocks {
		if err := n.normForward(l); err != nil {
			return err
		}
		if err := n.normBackward(l); err != nil {
			return err
		}
	}
	return nil
}

func (n *network) norm(int) error {
	return nn.SumSquares[float32](n.d, n.sum, n.arrays.G, n.scratch, stepParameters)
}

func (n *network) adam(k int) error {
	return nn.Adam[float32](n.d, n.arrays, stepParameters, nn.AdamStep{Step: k + 1, Rate: 5e-4, Beta1: 0.9, Beta2: 0.999,
		Epsilon: 1e-8, EMADecay: 0.9999, Clip: 1, SumSquares: n.sum})
}

func inOrder(calls []func() error) error {
	for _, f := range calls {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}
