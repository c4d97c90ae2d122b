package run

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// seenForPlan is how many models of each origin are looked at for their velocities.
const seenForPlan = 16

// knownModels are models that an experiment is about, (n, model...) of its solver.
type knownModels struct {
	what   string
	models *tensor.Tensor
}

// take makes the plan one of the models that are known, else of the solver's bounds.
func (p *WavePlan) take(m *space.Space, known []knownModels) {
	p.VMin, p.VMax = math.Inf(1), 0
	var from []string
	for _, k := range known {
		lo, hi := velocities(m, k.models)
		p.VMin, p.VMax = min(p.VMin, lo), max(p.VMax, hi)
		from = append(from, k.what)
	}
	if p.Known = p.VMax > 0; p.Known {
		p.From = strings.Join(from, ", ")
		return
	}
	p.VMin, p.VMax, p.From = p.Bounds[0], p.Bounds[1], "the solver's bounds"
}

// knownModels are the first training examples, true models and starting models, as far as they are known before anything is computed:
// given ones and drawn ones. Draws of a prior and what a rule finds are not; held-out examples are like the training examples.
func (k *cellRun) knownModels() (known []knownModels, err error) {
	add := func(what string, m *tensor.Tensor) {
		if m.Batch() != 1 {
			what += "s"
		}
		known = append(known, knownModels{fmt.Sprintf("%d %s", m.Batch(), what), m})
	}
	if k.c.Data != nil {
		m, err := k.generated(k.c.Data.Kind, k.c.Generator, 0)
		if err != nil {
			return nil, fmt.Errorf("prior.data: %w", err)
		}
		add("training example", m)
	}
	if o := k.c.Observation; o != nil {
		var m *tensor.Tensor
		switch {
		case o.Truth == "model":
			m, err = k.modelRows()
		case o.Truth == "file":
			m, err = fromFile(o, k.solver.Configured.Model, "models")
		case o.Drawn != nil:
			if m, err = k.generated(o.Drawn.Kind, o.Drawn.Options, o.Count); err != nil {
				err = fmt.Errorf("observation.truth.data: %w", err)
			}
		}
		if err != nil {
			return nil, err
		}
		if m != nil {
			add("true model", m.Slice(0, min(seenForPlan, m.Batch())))
		}
	}
	if s := k.c.Start; s != nil && s.File != nil {
		m, err := k.modelFile("sampler.start.file", *s.File)
		if err != nil {
			return nil, err
		}
		add("starting model", m.Slice(0, min(seenForPlan, m.Batch())))
	}
	return known, nil
}

// generated returns the first items of a generator, seenForPlan or fewer: of n, or for n = 0 of its training examples.
func (k *cellRun) generated(kind string, options json.RawMessage, n int) (*tensor.Tensor, error) {
	gen, err := dataset.NewGenerator(kind, options, k.c.Seed, k.solver.Configured.Model)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		n = gen.Examples()
	}
	m := k.solver.Configured.Model.New(min(seenForPlan, n))
	return m, gen.Fill(0, m, false)
}

// modelRows returns the models of truth = "model", (count, model...) in the solver's model space.
func (k *cellRun) modelRows() (*tensor.Tensor, error) {
	model := k.solver.Configured.Model
	out := model.New(k.c.Observation.Count)
	for i, row := range *k.c.Observation.Model {
		if len(row) != model.Reals() {
			return nil, fmt.Errorf("observation.model[%d] has %d numbers, a model has %d (%v): %w", i, len(row), model.Reals(), model, contract.ErrInvalidOption)
		}
		out.Item(i).SetReals(row)
	}
	return out, nil
}

// velocities returns the least and the largest of the velocities vp and vs of a batch; a velocity of 0, a fluid's vs, is none.
func velocities(m *space.Space, batch *tensor.Tensor) (lo, hi float64) {
	lo, hi = math.Inf(1), 0
	fields := len(m.Quantities)
	for i := range batch.Batch() {
		v := batch.Item(i).AppendReals(nil)
		for f, q := range m.Quantities {
			if q.Unit != "m/s" {
				continue
			}
			for _, x := range v[f*len(v)/fields : (f+1)*len(v)/fields] {
				if x > 0 {
					lo, hi = min(lo, x), max(hi, x)
				}
			}
		}
	}
	return lo, hi
}
