package run

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/hook"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/host/session"
	"github.com/waveprior/waveprior/host/stage"
)

// Files of a training's history. A trainer that keeps one itself writes LossesFile into its folder: (rows, columns), the
// step first; LossNamesFile beside it, a list of strings, may name the columns.
const (
	LossesFile    = "losses.npy"
	LossNamesFile = "losses.json"
)

// reportsFile is the host's own record while the training goes on: one report a line.
const reportsFile = "reports.jsonl"

// Training is the history of a training.
type Training struct {
	Steps    int         // in all
	Examples int         // of the training set
	Columns  []string    // "step" and the names of the losses
	Rows     [][]float64 // one per step told of, NaN where a number is missing
}

// trainingJSON is how it is kept.
type trainingJSON struct {
	Steps    int        `json:"steps"`
	Examples int        `json:"examples"`
	Columns  []string   `json:"columns"`
	Rows     [][]number `json:"rows"`
}

// MarshalJSON writes numbers that are not finite as null.
func (t Training) MarshalJSON() ([]byte, error) {
	j := trainingJSON{t.Steps, t.Examples, t.Columns, make([][]number, len(t.Rows))}
	for i, row := range t.Rows {
		for _, v := range row {
			j.Rows[i] = append(j.Rows[i], number(v))
		}
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON wrote. Error: a row of another length than there are columns.
func (t *Training) UnmarshalJSON(b []byte) error {
	var j trainingJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*t = Training{Steps: j.Steps, Examples: j.Examples, Columns: j.Columns}
	for i, row := range j.Rows {
		if len(row) != len(j.Columns) {
			return fmt.Errorf("row %d has %d numbers for %d columns", i, len(row), len(j.Columns))
		}
		var v []float64
		for _, n := range row {
			v = append(v, float64(n))
		}
		t.Rows = append(t.Rows, v)
	}
	return nil
}

// Column returns the numbers of column i, one per row.
func (t *Training) Column(i int) []float64 {
	v := make([]float64, len(t.Rows))
	for r, row := range t.Rows {
		v[r] = row[i]
	}
	return v
}

// number is a float64 that JSON holds even where it is not finite: as null, read as NaN.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	if f := float64(n); !math.IsNaN(f) && !math.IsInf(f, 0) {
		return json.Marshal(f)
	}
	return []byte("null"), nil
}

func (n *number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = number(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(n))
}

// keptTraining is the name under which a train stage keeps what its reports said.
const keptTraining = "training"

// ReadTraining returns the history of a train stage: the trainer's own where it wrote one, else what it reported; without
// losses Columns has the step alone. Nil: it reported nothing.
func ReadTraining(e *stage.Entry) (*Training, error) {
	var t *Training
	if b, ok := e.Manifest.Kept[keptTraining]; ok {
		t = &Training{}
		if err := json.Unmarshal(b, t); err != nil {
			return nil, fmt.Errorf("train stage %s: %w", e.Dir, err)
		}
	}
	path := e.Path(filepath.Join(checkpointFolder, LossesFile))
	x, err := npy.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return nil, err
	}
	if len(x.Shape) != 2 || x.Shape[1] < 1 || x.DType.IsComplex() {
		return nil, fmt.Errorf("%s: %v %v, want (rows, columns) of real numbers, the step first", path, x.DType, x.Shape)
	}
	own := &Training{Columns: lossNames(e, x.Shape[1])}
	if t != nil {
		own.Steps, own.Examples = t.Steps, t.Examples
	}
	v := x.AppendReals(nil)
	for r := range x.Shape[0] {
		own.Rows = append(own.Rows, v[r*x.Shape[1]:(r+1)*x.Shape[1]])
	}
	return own, nil
}

// lossNames returns the names of n columns: the trainer's, else numbers.
func lossNames(e *stage.Entry, n int) []string {
	if b, err := os.ReadFile(e.Path(filepath.Join(checkpointFolder, LossNamesFile))); err == nil {
		var names []string
		if json.Unmarshal(b, &names) == nil && len(names) == n {
			return names
		}
	}
	names := []string{"step"}
	for i := 1; i < n; i++ {
		names = append(names, fmt.Sprintf("column %d", i))
	}
	return names
}

// noteTraining is the time between two notes of how long a training has taken.
const noteTraining = 2 * time.Second

// trainPrior trains into the stage's folder, where checkpoints of an earlier session may lie.
func (k *cellRun) trainPrior(ctx context.Context, w *stage.Work, prior *session.Prior) error {
	if k.out.Data == nil {
		return fmt.Errorf("prior %s is trained, and there is no [prior.data]: %w", k.c.Prior.Ref.Name, contract.ErrInvalidOption)
	}
	folder := filepath.Join(w.Dir(), checkpointFolder)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	reports, err := openReports(filepath.Join(w.Dir(), reportsFile))
	if err != nil {
		return err
	}
	defer reports.close()
	task := k.Progress.Start(k.title("train"), "steps", 0, 0)
	defer task.Stop()
	hook.At("host.train")
	req := contract.TrainRequest{Dataset: filepath.Join(k.out.Data.Path(TrainingSet), dataset.ManifestName), Folder: folder}
	if k.c.Data.HeldOut > 0 {
		req.HeldOut = filepath.Join(k.out.Data.Path(HeldOutSet), dataset.ManifestName)
	}
	noted := time.Now()
	err = prior.Train(ctx, req, func(p contract.TrainProgress) error {
		task.Update(p.Step, p.Steps, losses(p.Losses))
		if err := reports.add(p); err != nil {
			return err
		}
		if time.Since(noted) >= noteTraining { // what it took so far, should this be the last that is heard of it
			noted = time.Now()
			if err := w.Note(); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	names, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return errors.New("training ended without a checkpoint in its folder")
	}
	if t := reports.training(); t != nil {
		set, err := dataset.Open(req.Dataset)
		if err != nil {
			return err
		}
		t.Examples = set.Len()
		set.Close()
		if err := w.Keep(keptTraining, t); err != nil {
			return err
		}
	}
	task.Done("")
	return nil
}

func losses(m map[string]float64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s %.4g", name, m[name]))
	}
	return strings.Join(parts, ", ")
}

// trainReport is one line of the reports file.
type trainReport struct {
	Step   int               `json:"step"`
	Steps  int               `json:"steps"`
	Losses map[string]number `json:"losses,omitempty"`
}

// reports keeps what a trainer reports, over interruptions: each report is on its way to the disk before the next one. After
// a kill some steps are done again, and said again; the later report counts.
type reports struct {
	file *os.File
	by   map[int]trainReport // by step
}

// openReports goes on with what an earlier session wrote; its last line may be cut.
func openReports(path string) (*reports, error) {
	r := &reports{by: map[int]trainReport{}}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	r.file = f
	in, whole := bufio.NewReader(f), int64(0)
	for {
		line, err := in.ReadBytes('\n')
		var p trainReport
		if err != nil || json.Unmarshal(line, &p) != nil {
			break
		}
		whole += int64(len(line))
		r.by[p.Step] = p
	}
	if err = f.Truncate(whole); err == nil {
		_, err = f.Seek(whole, 0)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return r, nil
}

func (r *reports) add(p contract.TrainProgress) error {
	line := trainReport{Step: p.Step, Steps: p.Steps}
	for name, v := range p.Losses {
		if line.Losses == nil {
			line.Losses = map[string]number{}
		}
		line.Losses[name] = number(v)
	}
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}
	r.by[p.Step] = line
	_, err = r.file.Write(append(b, '\n'))
	return err
}

func (r *reports) close() { r.file.Close() }

// training returns the reports in the order of their steps, of very many every so many and the last; nil: there was none.
func (r *reports) training() *Training {
	steps := slices.Sorted(maps.Keys(r.by))
	if len(steps) == 0 {
		return nil
	}
	names := map[string]bool{}
	t := &Training{}
	for _, p := range r.by {
		t.Steps = max(t.Steps, p.Steps)
		for name := range p.Losses {
			names[name] = true
		}
	}
	columns := slices.SortedFunc(maps.Keys(names), func(a, b string) int { // what is minimised first
		if (a == "loss") != (b == "loss") {
			return map[bool]int{true: -1, false: 1}[a == "loss"]
		}
		return strings.Compare(a, b)
	})
	t.Columns = append([]string{"step"}, columns...)
	if len(columns) == 0 {
		return t
	}
	every := (len(steps) + maxRecords - 1) / maxRecords
	for i, s := range steps {
		if i%every != 0 && i != len(steps)-1 {
			continue
		}
		row := []float64{float64(s)}
		for _, name := range columns {
			v, ok := r.by[s].Losses[name]
			if !ok {
				v = number(math.NaN())
			}
			row = append(row, float64(v))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
