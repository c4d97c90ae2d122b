package klmlp

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/nn"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/tensor"
)

// HistoryName is the file in Train's folder with the losses: (rows, 4) float64, a row every history_every steps and after
// the last one, with the columns
//
//	0  steps done
//	1  the loss that was minimised: mean over the steps since the row before
//	2  the loss of the running mean's network on training examples, at fixed levels and noise
//	3  the same on held-out items, at the same levels and noise; NaN without any
//
// Columns 2 and 3 part where the network memorises.
const HistoryName = "losses.npy"

// HistoryNames is the file beside it with the columns' names.
const HistoryNames = "losses.json"

var historyColumns = []string{"step", "loss", "training examples", "held-out examples"}

// scored is how many pairs of example and level columns 2 and 3 are means of.
const scored = 4 * nn.Tile

// history keeps the losses of a training.
type history struct {
	every, steps   int
	rows           *tensor.Tensor // (rows, 4)
	pending        *tensor.Tensor // (2): sum and number of the losses since the last row
	eval           *nn.Evaluator[float32]
	training, held *score
}

// score is a fixed set of noisy coordinates.
type score struct {
	level     []int32
	x, eps, y []float32 // (scored, d)
}

// newHistory draws the noise of columns 2 and 3: pair r is example r modulo their number at a level of its own stratum, with
// noise r of the stream "kl-mlp/score".
func newHistory(c *configured, eval *nn.Evaluator[float32], training, held []float32) *history {
	o := &c.options.Train
	n := (o.Steps + o.HistoryEvery - 1) / o.HistoryEvery
	h := &history{every: o.HistoryEvery, steps: o.Steps, eval: eval, rows: tensor.New(tensor.Float64, n, len(historyColumns)), pending: tensor.New(tensor.Float64, 2)}
	for i := range h.rows.Float64s() {
		h.rows.Float64s()[i] = math.NaN()
	}
	h.training = newScore(c, training)
	if len(held) > 0 {
		h.held = newScore(c, held)
	}
	return h
}

func newScore(c *configured, z []float32) *score {
	d, stream := c.basis.Dim(), rng.New(c.seed, "kl-mlp/score")
	s := &score{level: make([]int32, scored), x: make([]float32, scored*d), eps: make([]float32, scored*d), y: make([]float32, scored*d)}
	strata := stream.At(0, 0, 1).Perm(scored)
	for r := range scored {
		level := (2*strata[r] + 1) * c.schedule.Steps() / (2 * scored)
		s.level[r] = int32(level)
		stream.At(0, uint32(r), 0).Normals32(s.eps[r*d : (r+1)*d])
		i := r % (len(z) / d)
		c.mix(s.x[r*d:(r+1)*d], z[i*d:(i+1)*d], s.eps[r*d:(r+1)*d], level)
	}
	return s
}

// loss is the mean of |eps_hat - eps|^2, in float64.
func (s *score) loss(e *nn.Evaluator[float32]) (float64, error) {
	if err := e.Forward(s.y, s.level, s.x); err != nil {
		return 0, err
	}
	sum := 0.0
	for i, v := range s.y {
		r := float64(v) - float64(s.eps[i])
		sum = math.FMA(r, r, sum)
	}
	return sum / scored, nil
}

// resume takes over what a checkpoint has.
func (h *history) resume(t map[string]*tensor.Tensor) error {
	if err := t[keyHistory].Check(keyHistory, tensor.Float64, h.rows.Shape...); err != nil {
		return err
	}
	if err := t[keyPending].Check(keyPending, tensor.Float64, h.pending.Shape...); err != nil {
		return err
	}
	h.rows.CopyFrom(t[keyHistory])
	h.pending.CopyFrom(t[keyPending])
	return nil
}

// after takes in the loss of a step; step counts those done.
func (h *history) after(step int, loss float64) error {
	p := h.pending.Float64s()
	p[0] += loss
	p[1]++
	if step%h.every != 0 && step != h.steps {
		return nil
	}
	row := h.rows.Item((step - 1) / h.every).Float64s()
	row[0], row[1] = float64(step), p[0]/p[1]
	p[0], p[1] = 0, 0
	for i, s := range []*score{h.training, h.held} {
		if s == nil {
			continue
		}
		v, err := s.loss(h.eval)
		if err != nil {
			return fmt.Errorf("loss at fixed noise after %d steps: %w", step, err)
		}
		row[2+i] = v
	}
	return nil
}

// losses are what a report says: the given loss, and the newest of columns 2 and 3.
func (h *history) losses(loss float64) map[string]float64 {
	m := map[string]float64{"loss": loss}
	for i := h.rows.Batch() - 1; i >= 0; i-- {
		row := h.rows.Item(i).Float64s()
		if math.IsNaN(row[0]) {
			continue
		}
		m["ema"] = row[2]
		if !math.IsNaN(row[3]) {
			m["held_out"] = row[3]
		}
		break
	}
	return m
}
