package run

import (
	"math"
	"slices"
	"strings"

	"github.com/waveprior/waveprior/core/figure"
	"github.com/waveprior/waveprior/core/metric"
)

// lossBins is how many points a curve has; the rows between two are its band.
const lossBins = 200

// lossCurve is column k against the step: medians of runs of rows, with their 10 to 90 % band. Rows without a number are left
// out; ok is false where fewer than two have one.
func lossCurve(t *Training, k int) (c figure.Line, ok bool) {
	rows := slices.DeleteFunc(slices.Clone(t.Rows), func(r []float64) bool { return math.IsNaN(r[k]) })
	if len(rows) < 2 {
		return c, false
	}
	per := (len(rows) + lossBins - 1) / lossBins
	for lo := 0; lo < len(rows); lo += per {
		part := rows[lo:min(lo+per, len(rows))]
		v := make([]float64, len(part))
		for i, r := range part {
			v[i] = r[k]
		}
		c.X, c.Y = append(c.X, part[len(part)-1][0]), append(c.Y, metric.Quantile(v, 0.5))
		c.Low, c.High = append(c.Low, metric.Quantile(v, 0.1)), append(c.High, metric.Quantile(v, 0.9))
	}
	if per == 1 {
		c.Low, c.High = nil, nil
	}
	return c, true
}

// drawnLoss tells losses from what else is recorded along the way: rates, norms, learning rates.
func drawnLoss(name string) bool {
	return strings.Contains(name, "loss") || strings.HasPrefix(name, "column")
}

// lossesTogether: training losses, a panel per recorded loss and a curve per trained prior.
func lossesTogether(all []*arrays) (*picture, error) {
	seen := map[string]bool{}
	var panels []*figure.Panel
	at := map[string]*figure.Panel{}
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
		for k := 1; k < len(l.Columns); k++ {
			name := l.Columns[k]
			c, ok := lossCurve(l, k)
			if !ok || !drawnLoss(name) {
				continue
			}
			p := at[name]
			if p == nil {
				p = &figure.Panel{Title: strings.ReplaceAll(name, "_", " "), X: figure.Axis{Label: "training step"}, Y: figure.Axis{Label: "loss", Log: true}}
				at[name] = p
				panels = append(panels, p)
			}
			c.Label, c.Color = setName(a), figure.SeriesColor(n)
			p.Layers = append(p.Layers, c)
		}
		n++
	}
	if len(panels) == 0 {
		return nil, nil
	}
	return &picture{"losses", "Losses recorded during training, first seed: medians over runs of steps, with the band from their 10 % to their 90 % quantile.",
		&figure.Figure{Title: "Training", Panels: panels}}, nil
}
