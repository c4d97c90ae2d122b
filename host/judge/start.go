package judge

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/waveprior/waveprior/core/commit"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/metric"
	"github.com/waveprior/waveprior/core/space"
)

// GatherFile describes gather.npy (panels, time, receiver): a [Gather] as JSON. It is there where data have shots, times and
// receivers.
const GatherFile = "gather.json"

// Gather says what the panels of gather.npy are: one shot of the first observation, its first component.
type Gather struct {
	Panels   []string `json:"panels"` // "observed", "start", "result"
	Shot     int      `json:"shot"`   // from 0
	Shots    int      `json:"shots"`
	ShotX    *float64 `json:"shot_x_m"` // where it is; absent: its axis does not say
	Quantity string   `json:"quantity"` // of the amplitudes
	Unit     string   `json:"unit"`     // "1": they have none
	DT       float64  `json:"dt_s"`
	T0       float64  `json:"t0_s"`
	DX       float64  `json:"dx_m"` // of receivers; 0: no positions
	X0       float64  `json:"x0_m"`
}

// loadStart reads the models that the chains started from, where the experiment gives them.
func (j *judging) loadStart() error {
	path := j.Sample.Path("start.npy")
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return nil
	}
	var err error
	j.start, _, err = reals(path)
	return err
}

// startFit is the misfit of the starting models: j.startData is the data of the first.
func (j *judging) startFit(ctx context.Context) error {
	if j.start == nil {
		return nil
	}
	f, st, err := j.fit(ctx, j.start, "data.misfit_start", "data.chi2_start")
	if err == nil && contract.StatusAt(st, 0).Code == contract.OK {
		j.startData = f[:j.nd]
	}
	return err
}

// saveGather saves one shot of the first observation: what was observed, what the start gives and what the chain of lowest misfit
// gives, whose data are f.
func (j *judging) saveGather(f []float64) error {
	sp := j.Physics.Data()
	n := len(sp.Axes)
	if n < 3 || sp.DType.IsComplex() || sp.Axes[n-3].Name != "shot" || sp.Axes[n-2].Name != "time" || sp.Axes[n-1].Name != "receiver" || !(sp.Axes[n-2].Step > 0) {
		return nil
	}
	shots, t, r := sp.Axes[n-3], sp.Axes[n-2], sp.Axes[n-1]
	g := Gather{Shot: shots.Size / 2, Shots: shots.Size, DT: t.Step, T0: t.Origin, Quantity: sp.Quantities[0].Name, Unit: sp.Quantities[0].Unit}
	if shots.Unit == "m" && len(shots.Values) > g.Shot {
		g.ShotX = &shots.Values[g.Shot]
	}
	g.X0, g.DX = row(r)
	var all []float64
	add := func(name string, v []float64) {
		if v != nil {
			g.Panels = append(g.Panels, name)
			all = append(all, v[g.Shot*t.Size*r.Size:(g.Shot+1)*t.Size*r.Size]...)
		}
	}
	add("observed", j.data[:j.nd])
	add("start", j.startData)
	add("result", f)
	if err := j.save("gather", all, len(g.Panels), t.Size, r.Size); err != nil {
		return err
	}
	return commit.WriteFile(filepath.Join(j.Dir, GatherFile), func(w io.Writer) error { return json.NewEncoder(w).Encode(g) })
}

// row is the first position of an axis and the distance to the next, 0 where it has none or they are not evenly spaced.
func row(a space.Axis) (first, step float64) {
	v := a.Values
	if len(v) == 0 {
		return a.Origin, a.Step
	}
	if len(v) < 2 || !(v[1] > v[0]) {
		return 0, 0
	}
	step = (v[len(v)-1] - v[0]) / float64(len(v)-1)
	for i, x := range v {
		if math.Abs(x-v[0]-float64(i)*step) > 1e-6*step {
			return 0, 0
		}
	}
	return v[0], step
}

// inversion saves what figures of an inversion without a prior show of the first chain: the start and the result as fields
// (field_start, field_best), the model at the end of each stage of sampling (field_stages), and the relative error of the
// model after so many steps (error_along: rows of both; where there is a truth).
func (j *judging) inversion() error {
	if j.start == nil || j.Prior != nil || j.view == nil || len(j.alive) == 0 || j.alive[0] != 0 {
		return nil
	}
	for name, m := range map[string][]float64{"field_start": j.start[:j.cells], "field_best": j.models[:j.cells]} {
		v, err := j.view.of(m)
		if err != nil {
			return err
		}
		if err := j.saveField(name, v); err != nil {
			return err
		}
	}
	path := j.Sample.Path("snapshots_x0.npy")
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return nil
	}
	snaps, n, err := reals(path)
	if err != nil {
		return err
	}
	steps, _, err := reals(j.Sample.Path("snapshot_steps.npy"))
	if err != nil {
		return err
	}
	var h struct{ Stages []struct{ First int } }
	b, err := os.ReadFile(j.Sample.Path("history.json"))
	if err == nil {
		err = json.Unmarshal(b, &h)
	}
	if err != nil {
		return err
	}
	var along, ends []float64
	off := func(steps float64, m []float64) {
		if j.truth != nil {
			along = append(along, steps, metric.RelativeL2(m, j.truth[:j.cells]))
		}
	}
	off(0, j.start[:j.cells])
	for i := range n {
		m := snaps[i*j.chains*j.cells:][:j.cells]
		off(steps[i]+1, m)
		last := i+1 == n
		for _, s := range h.Stages {
			last = last || int(steps[i]) < s.First && s.First <= int(steps[i+1])
		}
		if last && len(h.Stages) > 0 {
			ends = append(ends, m...)
		}
	}
	if len(along) > 0 {
		if err := j.save("error_along", along, len(along)/2, 2); err != nil {
			return err
		}
	}
	if len(ends) != len(h.Stages)*j.cells || len(ends) == 0 {
		return nil
	}
	v, err := j.view.of(ends)
	if err != nil {
		return err
	}
	return j.saveField("field_stages", v)
}
