package run

import (
	"math"
	"slices"

	"github.com/waveprior/waveprior/core/figure"
	"github.com/waveprior/waveprior/core/metric"
)

// lossBins is how many points a curve has; the rows between two are its band.
const lossBins = 200

// curve is column k against the step: medians of runs of rows, with their 10 to 90 % band. Rows without a number are left
// out.
func (t *Training) curve(k int) figure.Line {
	var c figure.Line
	per := (len(t.Rows) + lossBins - 1) / lossBins
	for lo := 0; lo < len(t.Rows); lo += per {
		part := t.Rows[lo:min(lo+per, len(t.Rows))]
		var v []float64
		for _, r := range part {
			if !math.IsNaN(r[k]) {
				v = append(v, r[k])
			}
		}
		if len(v) > 0 {
			c.X, c.Y = append(c.X, part[len(part)-1][0]), append(c.Y, metric.Quantile(v, 0.5))
			c.Low, c.High = append(c.Low, metric.Quantile(v, 0.1)), append(c.High, metric.Quantile(v, 0.9))
		}
	}
	if per == 1 {
		c.Low, c.High = nil, nil
	}
	return c
}

// lossesTogether: on the left the loss that was minimised, on the right the other recorded ones, a colour per trained prior.
func lossesTogether(all []*arrays) (*picture, error) {
	seen := map[string]bool{}
	minimised := &figure.Panel{Title: "minimised", X: figure.Axis{Label: "training step"}, Y: figure.Axis{Label: "loss", Log: true}}
	others := &figure.Panel{Title: "of the network that is used", X: minimised.X, Y: minimised.Y}
	n := 0
	for _, a := range all {
		e := stageOf(a.c, "train")
		if e == nil || seen[e.Manifest.Key] || n == 8 {
			continue
		}
		seen[e.Manifest.Key] = true
		l, err := ReadTraining(e)
		if err != nil {
			return nil, err
		}
		if l == nil {
			continue
		}
		loss := max(1, slices.Index(l.Columns, "loss"))
		dash := figure.Dash(0)
		for k := 1; k < len(l.Columns); k++ {
			c := l.curve(k)
			if len(c.X) < 2 {
				continue
			}
			c.Label, c.Color = priorName(a), figure.SeriesColor(n)
			if k == loss {
				minimised.Layers = append(minimised.Layers, c)
				continue
			}
			c.Label += ", " + l.Columns[k]
			c.Dash = dash % 4
			dash++
			others.Layers = append(others.Layers, c)
		}
		n++
	}
	panels := []*figure.Panel{minimised}
	if len(minimised.Layers) == 0 {
		return nil, nil
	}
	if len(others.Layers) > 0 {
		panels = append(panels, others)
	}
	return &picture{"losses", "Losses recorded during training, first seed. Where the curves of training and of held-out examples part, the network memorises.",
		&figure.Figure{Title: "Training", Panels: panels}}, nil
}
