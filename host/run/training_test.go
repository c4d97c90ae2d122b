package run_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/run"
	"github.com/waveprior/waveprior/plugins/priors/gmm"
)

// learner is a prior that takes 100 steps to learn, tells of every fifth, keeps a checkpoint every 20, and fails once at a step.
type learner struct {
	*gmm.Prior
	failAt *int // 0: never
	own    bool // it keeps a history itself
}

var errFailed = errors.New("the machine is off")

func (l *learner) Train(ctx context.Context, r contract.TrainRequest, report func(contract.TrainProgress) error) error {
	at := filepath.Join(r.Folder, "at")
	b, _ := os.ReadFile(at)
	first, _ := strconv.Atoi(string(b))
	for step := first + 1; step <= 100; step++ {
		if step%5 == 0 {
			p := contract.TrainProgress{Step: step, Steps: 100, Rate: 1, Losses: map[string]float64{"loss": 1 / float64(step)}}
			if step >= 50 {
				p.Losses["gradient"] = math.Inf(1)
			}
			if err := report(p); err != nil {
				return err
			}
		}
		if step%20 == 0 {
			if err := os.WriteFile(at, []byte(strconv.Itoa(step)), 0o644); err != nil {
				return err
			}
		}
		if step == *l.failAt {
			*l.failAt = 0
			return errFailed
		}
	}
	if l.own {
		if err := npy.Write(filepath.Join(r.Folder, run.LossesFile), tensor.FromFloat64s([]float64{50, 3, 100, 2}, 2, 2)); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(r.Folder, run.LossNamesFile), []byte(`["step", "mean loss"]`), 0o644); err != nil {
			return err
		}
	}
	return l.Prior.Train(ctx, r, nil)
}

// TestTraining: the losses of every step that was told of, once each, however often the training was interrupted; none of it
// changes the content of the stage.
func TestTraining(t *testing.T) {
	var whole []string
	for _, failAt := range []int{0, 37, 40, 99, 100} {
		t.Run(fmt.Sprint("fails at ", failAt), func(t *testing.T) {
			b := newBench(t)
			at := failAt
			b.plugins["prior/gmm"] = func() contract.Plugin { return &learner{Prior: gmm.New(), failAt: &at} }
			text := ruled(`"held-out"`, "")
			if failAt > 0 {
				if _, err := b.try(t.Context(), text); !errors.Is(err, errFailed) {
					t.Fatal(err)
				}
				if failAt == 99 { // and the machine went off while a line was written
					parts, _ := filepath.Glob(filepath.Join(b.root, "cache", "train", "*.part", "reports.jsonl"))
					f, err := os.OpenFile(parts[0], os.O_APPEND|os.O_WRONLY, 0)
					if err != nil {
						t.Fatal(err)
					}
					fmt.Fprint(f, `{"step":100,"ste`)
					f.Close()
				}
			}
			c := b.run(text).Cells[0]
			h, err := run.ReadTraining(c.Train)
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(h.Columns) != "[step loss gradient]" || len(h.Rows) != 20 || h.Steps != 100 || h.Examples != 6 {
				t.Fatalf("%v, %d rows of %d steps", h.Columns, len(h.Rows), h.Steps)
			}
			for i, row := range h.Rows {
				step := float64(5 * (i + 1))
				if row[0] != step || row[1] != 1/step || !math.IsNaN(row[2]) {
					t.Errorf("row %d is %v", i, row)
				}
			}
			if l := h.Column(1); l[19] != 0.01 {
				t.Errorf("losses %v", l)
			}
			var files []string
			for _, f := range c.Train.Manifest.Files {
				files = append(files, f.Name, f.SHA256)
			}
			if whole == nil {
				whole = files
			}
			if fmt.Sprint(files) != fmt.Sprint(whole) {
				t.Errorf("the stage has %v, without a failure %v", files, whole)
			}
		})
	}
}

// TestTrainingOfItsOwn: a history that the trainer wrote is taken, with its names; a prior that tells no losses has none.
func TestTrainingOfItsOwn(t *testing.T) {
	b := newBench(t)
	b.plugins["prior/gmm"] = func() contract.Plugin { return &learner{Prior: gmm.New(), failAt: new(int), own: true} }
	c := b.run(ruled(`"held-out"`, "")).Cells[0]
	h, err := run.ReadTraining(c.Train)
	if err != nil || fmt.Sprint(h.Columns) != "[step mean loss]" || fmt.Sprint(h.Rows) != "[[50 3] [100 2]]" || h.Steps != 100 {
		t.Errorf("%+v, %v", h, err)
	}
	plain := newBench(t).run(ruled(`"held-out"`, "")).Cells[0]
	if h, err = run.ReadTraining(plain.Train); err != nil || len(h.Rows) != 0 || len(h.Columns) != 1 {
		t.Errorf("%+v, %v", h, err)
	}
	text, err := json.Marshal(run.Training{Columns: []string{"step", "loss"}, Rows: [][]float64{{1, math.NaN()}}})
	if err != nil || string(text) != `{"steps":0,"examples":0,"columns":["step","loss"],"rows":[[1,null]]}` {
		t.Errorf("%s, %v", text, err)
	}
	if json.Unmarshal([]byte(`{"columns":["step"],"rows":[[1,2]]}`), &run.Training{}) == nil {
		t.Error("a row of two numbers for one column is taken")
	}
}
