package run

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/waveprior/waveprior/core/figure"
	"github.com/waveprior/waveprior/core/metric"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/host/stage"
)

// LossesFile is what a trained prior may leave in its checkpoint folder for the report: numbers (rows, columns) along the
// training, the first column the step. Their names stand beside it in losses.json, a list of texts or {"columns": [...]}.
const LossesFile = "losses.npy"

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
	for len(l.columns) < t.Shape[1] {
		l.columns = append(l.columns, fmt.Sprintf("column %d", len(l.columns)+1))
	}
	return l, nil
}

// lossBins is how many points a curve has; the rows between two are its band.
const lossBins = 200

// curve is column k against the step: medians of runs of rows, with their 10 to 90 % band.
func (l *trainingLosses) curve(k int) figure.Line {
	var c figure.Line
	per := (len(l.rows) + lossBins - 1) / lossBins
	for lo := 0; lo < len(l.rows); lo += per {
		part := l.rows[lo:min(lo+per, len(l.rows))]
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
	return c
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
		l, err := readLosses(e)
		if err != nil {
			return nil, err
		}
		if l == nil {
			continue
		}
		for k := 1; k < len(l.columns); k++ {
			name := l.columns[k]
			if !drawnLoss(name) {
				continue
			}
			p := at[name]
			if p == nil {
				p = &figure.Panel{Title: strings.ReplaceAll(name, "_", " "), X: figure.Axis{Label: "training step"}, Y: figure.Axis{Label: "loss", Log: true}}
				at[name] = p
				panels = append(panels, p)
			}
			c := l.curve(k)
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
