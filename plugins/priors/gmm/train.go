package gmm

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// maxGaussian bounds the coordinates of components = "gaussian", whose covariance has d^2 numbers and whose set-up takes
// O(d^3): 4096 are 128 MiB and minutes.
const maxGaussian = 4096

// reportEvery is the number of examples between two reports, and between two looks at the context.
const reportEvery = 8192

// Train implements contract.Trainer: it reads the training set and writes gmm.safetensors into the folder, by rename. It
// takes what the components need: the examples, or their mean and unbiased covariance in two passes with sums in the order
// of the examples. An interrupted training starts again and ends with the same bits; it takes seconds. A step is an
// example read. Errors: a dataset that is none or of another shape, a value that is not finite, one example where a
// covariance needs two.
func (p *Prior) Train(ctx context.Context, r contract.TrainRequest, report func(contract.TrainProgress) error) error {
	c, err := p.state()
	if err != nil {
		return err
	}
	d, err := dataset.Open(r.Dataset)
	if err != nil {
		return fmt.Errorf("prior gmm: %w", err)
	}
	defer d.Close()
	s := d.Space()
	var adapt *space.Adapter
	if c.options.own() {
		adapt, err = space.Between(s, c.model)
		s = c.model
	} else {
		err = sameShape(s, c.model)
	}
	if err != nil {
		return fmt.Errorf("%w: prior gmm: dataset %s: %w", tensor.ErrShape, r.Dataset, err)
	}
	t := &trainer{ctx: ctx, c: c, data: d, adapt: adapt, report: report, start: time.Now(), row: make([]float64, 0, c.d)}
	ck := &checkpoint{components: c.options.Components, space: s}
	if ck.components == "gaussian" {
		err = t.gaussian(ck)
	} else {
		err = t.examples(ck)
	}
	if err != nil {
		return fmt.Errorf("prior gmm: %w", err)
	}
	if err := ck.write(r.Folder); err != nil {
		return fmt.Errorf("prior gmm: %w", err)
	}
	return nil
}

// trainer is one run of Train.
type trainer struct {
	ctx    context.Context
	c      *configured
	data   *dataset.Dataset
	adapt  *space.Adapter // from its items to the models; nil: they are the same numbers
	report func(contract.TrainProgress) error
	start  time.Time
	done   int // examples read
	row    []float64
}

// each calls f with every example in order, as float64 numbers that f must not keep. passes is how often Train reads them.
func (t *trainer) each(passes int, f func(i int, x []float64)) error {
	for i := range t.data.Len() {
		if err := t.read(i); err != nil {
			return err
		}
		for k, v := range t.row {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("training example %d has %g at element %d, it must be finite: %w", i, v, k, contract.ErrInvalidOption)
			}
		}
		f(i, t.row)
		t.done++
		if t.done%reportEvery == 0 || t.done == passes*t.data.Len() {
			if err := t.ctx.Err(); err != nil {
				return err
			}
			if t.report == nil {
				continue
			}
			rate := float64(t.done) / max(time.Since(t.start).Seconds(), 1e-9)
			if err := t.report(contract.TrainProgress{Step: t.done, Steps: passes * t.data.Len(), Rate: rate}); err != nil {
				return err
			}
		}
	}
	return nil
}

// read takes example i into the row.
func (t *trainer) read(i int) error {
	if t.adapt == nil {
		t.row = t.data.Reals(i, t.row[:0])
		return nil
	}
	item, m := t.data.Item(i), t.c.model.New(1)
	failed, err := t.adapt.Apply(item.Reshape(append([]int{1}, item.Shape...)...), m)
	if err == nil && failed != nil {
		err = failed[0]
	}
	if err != nil {
		return fmt.Errorf("training example %d: %w", i, err)
	}
	t.row = m.AppendReals(t.row[:0])
	return nil
}

// examples keeps them all as means.
func (t *trainer) examples(ck *checkpoint) error {
	ck.means = tensor.New(tensor.Float64, t.data.Len(), t.c.d)
	m := ck.means.Float64s()
	return t.each(1, func(i int, x []float64) { copy(m[i*t.c.d:], x) })
}

// gaussian computes mean = 1/N sum x_n and covariance = 1/(N-1) sum (x_n - mean)(x_n - mean)^T.
func (t *trainer) gaussian(ck *checkpoint) error {
	n, d := t.data.Len(), t.c.d
	if n < 2 {
		return fmt.Errorf("components = gaussian: a covariance needs 2 training examples or more, the set has %d: %w", n, contract.ErrInvalidOption)
	}
	if d > maxGaussian {
		return fmt.Errorf("components = gaussian: %d coordinates, at most %d: %w", d, maxGaussian, contract.ErrUnsupported)
	}
	ck.means = tensor.New(tensor.Float64, 1, d)
	mean := ck.means.Float64s()
	if err := t.each(2, func(_ int, x []float64) {
		for i, v := range x {
			mean[i] += v
		}
	}); err != nil {
		return err
	}
	for i := range mean {
		mean[i] /= float64(n)
	}
	ck.covariance = tensor.New(tensor.Float64, d, d)
	cov := ck.covariance.Float64s()
	// Four examples at a time: the covariance is read and written once for the four.
	group, in := make([]float64, 4*d), 0
	flush := func() {
		clear(group[in*d:])
		addOuter(cov, group, d)
		in = 0
	}
	if err := t.each(2, func(_ int, x []float64) {
		for i, v := range x {
			group[in*d+i] = v - mean[i]
		}
		if in++; in == 4 {
			flush()
		}
	}); err != nil {
		return err
	}
	flush()
	for i := range d {
		for j := range i + 1 {
			v := cov[i*d+j] / float64(n-1)
			cov[i*d+j], cov[j*d+i] = v, v
		}
	}
	return nil
}

// addOuter adds sum_k g_k g_k^T of the four rows of g (4 x d) to the lower triangle of cov (d x d).
func addOuter(cov, g []float64, d int) {
	g0, g1, g2, g3 := g[:d], g[d:2*d], g[2*d:3*d], g[3*d:4*d]
	for i := range d {
		a0, a1, a2, a3 := g0[i], g1[i], g2[i], g3[i]
		row, b0, b1, b2, b3 := cov[i*d:i*d+i+1], g0[:i+1], g1[:i+1], g2[:i+1], g3[:i+1]
		for j := range row {
			row[j] = math.FMA(a3, b3[j], math.FMA(a2, b2[j], math.FMA(a1, b1[j], math.FMA(a0, b0[j], row[j]))))
		}
	}
}
