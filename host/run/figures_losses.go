package run

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/waveprior/waveprior/core/figure"
	"github.com/waveprior/waveprior/core/metric"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/host/stage"
)

// LossesFile is what a trained prior may leave in its checkpoint folder for the report: numbers (rows, columns) along the
// training, the step first. What the columns are stands beside it in losses.json, a list of texts or {"columns": [...]};
// without it they are those of [lossColumns].
const LossesFile = "losses.npy"

// lossColumns are the columns of a losses.npy that does not name them: the step, the loss that was minimised, and the loss
// of the network that is used afterwards, at training examples and at held-out ones.
var lossColumns = []string{"step", "loss", "training examples", "held-out examples"}

// losses of one training.
type trainingLosses struct {
	columns []string
	rows    [][]float64
}

// readLosses returns nil where a train stage has none, or none that can be drawn.
func readLosses(e *stage.Entry) (*trainingLosses, error) {
	path := e.Path(filepath.Join(checkpointFolder, LossesFile))
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return nil, nil
	}
	t, err := npy.Read(path)
	if err != nil {
		return nil, err
	}
	if len(t.Shape) != 2 || t.Shape[0] < 2 || t.Shape[1] < 2 || t.DType.IsComplex() {
		return nil, nil
	}
	l := &trainingLosses{}
	for i := range t.Shape[0] {
		l.rows = append(l.rows, t.Item(i).AppendReals(nil))
	}
	if b, err := os.ReadFile(strings.TrimSuffix(path, ".npy") + ".json"); err == nil {
		var named struct {
			Columns []string `json:"columns"`
		}
		if json.Unmarshal(b, &l.columns) != nil && json.Unmarshal(b, &named) == nil {
			l.columns = named.Columns
		}
	}
	if len(l.columns) == 0 {
		l.columns = lossColumns
	}
	l.columns = l.columns[:min(len(l.columns), t.Shape[1])] // a column without a name is not drawn
	return l, nil
}

// lossBins is how many points a curve has; the rows between two are its band.
const lossBins = 200

// curve is column k against the step: medians of runs of rows, with their 10 to 90 % band. Rows without a number are left
// out.
func (l *trainingLosses) curve(k int) figure.Line {
	var c figure.Line
	per := (len(l.rows) + lossBins - 1) / lossBins
	for lo := 0; lo < len(l.rows); lo += per {
		part := l.rows[lo:min(lo+per, len(l.rows))]
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
		l, err := readLosses(e)
		if err != nil {
			return nil, err
		}
		if l == nil {
			continue
		}
		for k := 1; k < len(l.columns); k++ {
			c := l.curve(k)
			if len(c.X) == 0 {
				continue
			}
			c.Label, c.Color = priorName(a), figure.SeriesColor(n)
			if k == 1 {
				minimised.Layers = append(minimised.Layers, c)
				continue
			}
			c.Label += ", " + l.columns[k]
			c.Dash = figure.Dash(k-2) % 4
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
