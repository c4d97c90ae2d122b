package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/judge"
	"github.com/waveprior/waveprior/host/progress"
	"github.com/waveprior/waveprior/host/report"
)

// headline metrics, in the order in which they are taken when the experiment names none.
var headline = []report.Column{
	{Key: "exact.w2", Label: "W2 to exact"},
	{Key: "exact.w2_floor", Label: "W2 exact to exact"},
	{Key: "exact.tv_linearised", Label: "TV linearised"},
	{Key: "exact.tv_published", Label: "TV published weights"},
	{Key: "exact.effective_components", Label: "effective components"},
	{Key: "calibration.coverage_90", Label: "coverage of 90 %", Better: "target", Target: 0.9},
	{Key: "calibration.spread_over_rmse", Label: "spread / error", Better: "target", Target: 1},
	{Key: "fidelity.relative_l2_mean", Label: "relative error of the mean", Better: "lower"},
	{Key: "fidelity.ssim_mean", Label: "SSIM of the mean", Better: "higher"},
	{Key: "data.chi2_median", Label: "chi², median", Better: "target", Target: 1},
	{Key: "memorisation.rate_null", Label: "memorised (null: 0.05)", Better: "target", Target: 0.05},
	{Key: "memorisation.ct_z", Label: "C_T, Z"},
	{Key: "cost.wall_s", Label: "wall time", Unit: "s"},
}

// maxColumns of the headline table when it is chosen here.
const maxColumns = 8

func columns(e *experiment.Experiment, cells []*CellResult) []report.Column {
	known := map[string]report.Column{}
	for _, c := range headline {
		known[c.Key] = c
	}
	var out []report.Column
	for _, key := range e.Report.Columns {
		c, ok := known[key]
		if !ok {
			c = report.Column{Key: key}
		}
		out = append(out, c)
	}
	if len(out) > 0 {
		return out
	}
	for _, c := range headline {
		for _, cell := range cells {
			if _, ok := cell.Metrics[c.Key]; ok && len(out) < maxColumns {
				out = append(out, c)
				break
			}
		}
	}
	return out
}

// report draws the figures and writes report.html.
func (r *runner) report(res *Result) error {
	e := r.Experiment
	page := &report.Report{
		Title: e.Title, Name: e.Name, Question: strings.Join(strings.Fields(e.Question), " "), Truth: truthText(e), Columns: columns(e, res.Cells),
		MetricDocs: judge.DocMap(), Started: res.Started, Wall: time.Duration(res.WallS * float64(time.Second)),
	}
	if page.Title == "" {
		page.Title = e.Name
	}
	page.Seed = seeds(e)
	for _, c := range res.Claims {
		where := "every cell"
		if c.Where != nil && len(*c.Where) > 0 {
			var parts []string
			for k, v := range *c.Where {
				parts = append(parts, fmt.Sprintf("%s = %v", k, v))
			}
			sort.Strings(parts)
			where = strings.Join(parts, ", ")
		}
		if c.Cells > 1 {
			where += fmt.Sprintf(" (%d cells)", c.Cells)
		}
		observed := c.Observed
		if !c.OK && len(c.Failures) > 0 {
			observed += " — fails in " + strings.Join(c.Failures[:min(3, len(c.Failures))], "; ")
		}
		page.Claims = append(page.Claims, report.Claim{Text: c.Text, Source: c.Source, Where: where, Expected: c.Metric + " " + c.Expected, Observed: observed, OK: c.OK, Regression: c.Source == "regression"})
	}
	page.Notes = append(page.Notes, optimaNotes(res.Cells)...)
	page.Rows = seedRows(res.Cells, page.Columns)
	page.Summary = summary(res, page.Rows)
	page.Tables = rateTables(res.Cells)
	drawn := make([][]report.Figure, len(res.Cells)) // of each cell
	if r.NoFigures {
		page.Notes = append(page.Notes, "Figures were left out (--no-figures).")
	} else {
		overall, missing, err := sweepPictures(e, res.Cells)
		if err != nil {
			return err
		}
		page.Notes = append(page.Notes, missing...)
		if page.Figures, err = r.draw(r.Dir, overall); err != nil {
			return err
		}
		task := r.Progress.Start("figures", "cells", 0, len(res.Cells))
		defer task.Stop()
		if drawn, err = r.drawCells(res.Cells, task); err != nil {
			return err
		}
	}
	cost := map[string]float64{}
	seen := map[string]bool{}
	for i, c := range res.Cells {
		cell := report.Cell{Label: c.Cell.Label, Metrics: c.Metrics, Notes: c.Notes, Figures: drawn[i]}
		if !firstSeed(c, res.Cells) && !r.NoFigures {
			cell.Notes = append([]string{"Figures are drawn for the first seed only."}, cell.Notes...)
		}
		for _, v := range c.Cell.Values {
			cell.Values = append(cell.Values, report.KV{Key: v.Key, Value: fmt.Sprint(v.Value)})
		}
		addStages(&cell, c, "", seen, cost)
		if c.Truth != nil {
			addStages(&cell, c.Truth, "truth: ", seen, cost)
		}
		if c.Rule != nil {
			for n, t := range c.Rule.Truths {
				cell.Notes = append(cell.Notes, fmt.Sprintf("Truth %d: %v.", n, t))
			}
		}
		page.Cells = append(page.Cells, cell)
		page.Notes = append(page.Notes, prefixed(c)...)
	}
	page.Cost = costRows(cost, res)
	page.Wall = max(page.Wall, time.Duration(cost["wall_s"]*float64(time.Second)))
	page.Provenance = r.provenance(res)
	if err := save(r.Dir, page); err != nil {
		return err
	}
	return report.Write(filepath.Join(r.Dir, "report.html"), page)
}

// addStages lists the stages of a cell, or of its truth rule's run, and counts the cost of each stage once.
func addStages(cell *report.Cell, c *CellResult, prefix string, seen map[string]bool, cost map[string]float64) {
	for i, e := range c.Entries {
		m := e.Manifest
		cell.Stages = append(cell.Stages, report.StageRow{Name: prefix + m.Stage, Key: m.Key, Wall: time.Duration(m.WallS * float64(time.Second)), Cached: c.Cached[i], Sessions: m.Sessions})
		if id := m.Stage + m.Key; !seen[id] && m.Stage != "judge" {
			seen[id] = true
			for k, n := range m.Cost {
				cost[k] += n
			}
			cost["wall_s"] += m.WallS
		}
	}
}

// drawCells draws the figures of all cells, as many cells at a time as there are processors.
func (r *runner) drawCells(cells []*CellResult, task *progress.Stage) ([][]report.Figure, error) {
	out, errs := make([][]report.Figure, len(cells)), make([]error, len(cells))
	next, done := make(chan int), atomic.Int64{}
	var wg sync.WaitGroup
	for range runtime.NumCPU() {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range next {
				var pics []picture
				if firstSeed(cells[i], cells) { // those of other seeds differ by noise only; their arrays are in the run folder
					if pics, errs[i] = cellPictures(cells[i]); errs[i] == nil {
						out[i], errs[i] = r.draw(r.folder(cells[i].Cell), pics)
					}
				}
				task.Update(int(done.Add(1)), len(cells), "")
			}
		}()
	}
	for i := range cells {
		next <- i
	}
	close(next)
	wg.Wait()
	return out, errors.Join(errs...)
}

// optimaNotes says of every optimiser among the samplers what its numbers are not.
func optimaNotes(cells []*CellResult) (notes []string) {
	seen := map[string]bool{}
	for _, c := range cells {
		if !c.Cell.Optimises() || seen[c.Cell.Sampler.Description.Name] {
			continue
		}
		name := c.Cell.Sampler.Description.Name
		seen[name] = true
		notes = append(notes, fmt.Sprintf("Chains of sampler %s are optima, one for each start, and no draws of a posterior: their standard deviation says how far the starts disagree, and there is no coverage or calibration of them.", name))
	}
	return notes
}

func prefixed(c *CellResult) []string {
	var out []string
	for _, n := range c.Notes {
		if c.Cell.Label != "" {
			n = c.Cell.Label + ": " + n
		}
		out = append(out, n)
	}
	return out
}

// draw writes figures as PNG and SVG and returns them for the page.
func (r *runner) draw(dir string, pics []picture) ([]report.Figure, error) {
	var out []report.Figure
	for _, p := range pics {
		png, err := p.fig.PNG()
		if err != nil {
			return nil, fmt.Errorf("figure %s: %w", p.name, err)
		}
		svg, err := p.fig.SVG()
		if err != nil {
			return nil, fmt.Errorf("figure %s: %w", p.name, err)
		}
		folder := filepath.Join(dir, "figures")
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
		for ext, b := range map[string][]byte{".png": png, ".svg": svg} {
			path := filepath.Join(folder, p.name+ext)
			if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, b) {
				continue
			}
			if err := writeFile(path, b); err != nil {
				return nil, err
			}
		}
		out = append(out, report.Figure{Name: p.name, Caption: p.caption, PNG: png})
	}
	return out, nil
}

// truthText says against what the results are judged.
func truthText(e *experiment.Experiment) string {
	seen := map[string]bool{}
	var parts []string
	for i := range e.Cells {
		c := &e.Cells[i]
		text := "unconditional samples, judged against the prior and its training set"
		if o := c.Observation; o != nil {
			noise := ""
			switch {
			case o.NoiseStd != nil:
				noise = fmt.Sprintf("noise of standard deviation %g", *o.NoiseStd)
			case o.Noise != nil:
				noise = fmt.Sprintf("noise of %g of max |d|", *o.Noise)
			}
			if !o.AddNoise {
				noise += " in the likelihood, none added"
			}
			what := map[string]string{
				"held-out": "held-out examples as truths", "prior": "draws of the prior as truths", "training": "training examples as truths",
				"model": "given models as truths", "file": "models from a file as truths", "data": "observations, given, without a known truth",
			}[o.Truth]
			if o.File != nil {
				what += fmt.Sprintf(" (%s)", fileText(o))
			}
			if o.Drawn != nil {
				what = "truths drawn by the generator " + o.Drawn.Kind
			}
			if o.Rule != nil {
				what = "by a rule: " + o.Rule.Text()
			}
			text = fmt.Sprintf("%d %s, %s", o.Count, what, noise)
			if c.Judge.Exact != nil {
				text += "; exact posterior on a grid"
			}
		}
		if !seen[text] {
			seen[text] = true
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, ". ")
}

// summary says in sentences what came out.
func summary(res *Result, rows []report.Row) []string {
	var out []string
	failed, regress := 0, 0
	for _, c := range res.Claims {
		if !c.OK {
			failed++
		}
		if c.OK && c.Source == "regression" {
			regress++
		}
	}
	if n := len(res.Claims); n > 0 {
		s := fmt.Sprintf("%d of %d claims hold", n-failed, n)
		if regress > 0 {
			s += fmt.Sprintf(" (%d of them are frozen from our own output and prove nothing)", regress)
		}
		out = append(out, s+".")
	}
	if near, far, lo, hi := extremes(res, rows, "exact.w2"); near != "" {
		out = append(out, fmt.Sprintf("W2 to exact draws is smallest for %s (%.3g) and largest for %s (%.3g).", near, lo, far, hi))
	}
	out = append(out, memorised(res.Cells)...)
	dropped, chains := 0.0, 0.0
	for _, c := range res.Cells {
		dropped += c.Metrics["samples.dropped"]
		chains += c.Metrics["samples.chains"]
	}
	if chains > 0 {
		out = append(out, fmt.Sprintf("%.0f chains in %d cells, %.0f dropped.", chains, len(res.Cells), dropped))
	}
	return out
}

// seeds lists the different seeds of an experiment's cells.
func seeds(e *experiment.Experiment) string {
	var all []string
	for i := range e.Cells {
		if s := fmt.Sprint(e.Cells[i].Seed); !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return strings.Join(all, ", ")
}

// extremes returns the rows (cells, where there are no rows) of least and largest value of a metric.
func extremes(res *Result, rows []report.Row, metric string) (least, most string, lo, hi float64) {
	if len(rows) == 0 {
		for _, c := range res.Cells {
			rows = append(rows, report.Row{Label: c.Cell.Label, Metrics: c.Metrics})
		}
	}
	n := 0
	for _, r := range rows {
		v, ok := r.Metrics[metric]
		if !ok {
			continue
		}
		if n == 0 || v < lo {
			least, lo = r.Label, v
		}
		if n == 0 || v > hi {
			most, hi = r.Label, v
		}
		n++
	}
	if n < 2 {
		return "", "", 0, 0
	}
	return least, most, lo, hi
}

// seedRows sums up the cells that differ by their seed alone: means, with the range as interval, widened to the seeds' own
// intervals where they have some. Nil without such cells.
func seedRows(cells []*CellResult, columns []report.Column) []report.Row {
	var rows []report.Row
	groups := map[string][]*CellResult{}
	for i, c := range cells {
		name := withoutSeed(c)
		if groups[name] == nil {
			rows = append(rows, report.Row{Label: name, First: i, Metrics: map[string]float64{}})
		}
		groups[name] = append(groups[name], c)
	}
	if len(rows) == len(cells) {
		return nil
	}
	for _, r := range rows {
		g := groups[r.Label]
		for _, col := range columns {
			mean, lo, hi, n := 0.0, math.Inf(1), math.Inf(-1), 0.0
			for _, c := range g {
				if v, ok := c.Metrics[col.Key]; ok {
					low, high := interval(c, col.Key)
					mean, lo, hi, n = mean+v, min(lo, low), max(hi, high), n+1
				}
			}
			if n > 0 {
				r.Metrics[col.Key] = mean / n
			}
			if lo < hi {
				r.Metrics[col.Key+"_low"], r.Metrics[col.Key+"_high"] = lo, hi
			}
		}
	}
	return rows
}

// interval of a cell's metric; the value itself where it has none.
func interval(c *CellResult, key string) (lo, hi float64) {
	lo, okLo := c.Metrics[key+"_low"]
	hi, okHi := c.Metrics[key+"_high"]
	if !okLo || !okHi {
		return c.Metrics[key], c.Metrics[key]
	}
	return lo, hi
}

func costRows(cost map[string]float64, res *Result) []report.CostRow {
	rows := []report.CostRow{{What: "wall time of this run, until the report", Value: res.WallS, Unit: "s"},
		{What: "wall time of all stages it rests on", Value: cost["wall_s"], Unit: "s", Note: "also of those taken from the cache; judging not included"}}
	text := map[string]string{"forward": "solver evaluations", "adjoint": "adjoint solves", "jvp": "tangent solves", "denoise": "denoiser evaluations", "denoise_vjp": "adjoint denoiser evaluations", "decode": "decoder evaluations", "decode_vjp": "adjoint decoder evaluations", "decode_jvp": "tangent decoder evaluations"}
	for _, k := range []string{"forward", "adjoint", "jvp", "denoise", "denoise_vjp", "decode", "decode_vjp", "decode_jvp"} {
		if cost[k] > 0 {
			rows = append(rows, report.CostRow{What: text[k], Value: cost[k]})
		}
	}
	rows = append(rows, report.CostRow{What: "peak memory of the host", Value: float64(res.PeakRSS), Unit: "B"},
		report.CostRow{What: "peak shared memory", Value: float64(res.PeakShm), Unit: "B"})
	for _, process := range slices.Sorted(maps.Keys(res.DevicePeak)) {
		rows = append(rows, report.CostRow{What: "peak GPU memory of " + process, Value: float64(res.DevicePeak[process]), Unit: "B"})
	}
	if res.Restarts > 0 {
		rows = append(rows, report.CostRow{What: "plugin restarts", Value: float64(res.Restarts), Note: "the results have the same bits all the same"})
	}
	return rows
}

func (r *runner) provenance(res *Result) []report.KV {
	m := r.manifest(res)
	kv := []report.KV{
		{Key: "experiment", Value: r.Experiment.Path}, {Key: "run folder", Value: r.Dir},
		{Key: "waveprior", Value: m.Waveprior + ", " + m.Go}, {Key: "machine", Value: fmt.Sprintf("%s, %d cores, %s/%s; %s", m.Machine.CPU, m.Machine.Cores, m.Machine.OS, m.Machine.Arch, m.Machine.Flags)},
	}
	var names []string
	for n := range m.Plugins {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		p := m.Plugins[n]
		text := fmt.Sprintf("%s, numerics %s", p.Version, p.Numerics)
		if p.Device != "" {
			text += ", on " + p.Device
		}
		if p.SHA256 != "" {
			text += fmt.Sprintf(", sha256 %.16s", p.SHA256)
		}
		kv = append(kv, report.KV{Key: n, Value: text})
	}
	return append(kv, report.KV{Key: "repeat it", Value: "waveprior run " + filepath.Join(r.Dir, "lock.toml")})
}

// saved is what Compare reads back from a run folder.
const savedName = "page.json"

func save(dir string, page *report.Report) error {
	b, err := json.Marshal(page)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, savedName), b)
}
