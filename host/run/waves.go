package run

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/waveprior/waveprior/core/seismic"
)

// WavePlan says what waves a cell's solver carries, in the models that the cell is about, and what a batch of them takes.
type WavePlan struct {
	Solver     string
	Scheme     seismic.Scheme
	VMin, VMax float64    // m/s, of the models; shear waves whose vs comes from vp are slower by Scheme.ShearOfVp
	From       string     // where these come from
	Known      bool       // they are those of models; otherwise nothing is known of these, and they are the solver's bounds
	Bounds     [2]float64 // the velocities that the solver takes; 0, +Inf: any

	Batch             int     // models
	Forward, Gradient float64 // s a model, the second over all workers; 0: not timed
	DataBytes         int64   // of the batch
	PeakBytes         int64   // most memory of all of the solver's processes, after these calls; 0: not known
}

// worstPhase is the error of a wave's velocity at the spectrum's peak from which on a plan warns.
const worstPhase = 0.01

// fewNodes is the number of nodes per wavelength at the highest frequency below which a plan warns: two are the sampling
// theorem's, and 4 is what the slowest rock of the OpenFWI data sets has.
const fewNodes = 4

// planWaves returns nil for a solver that says nothing about its scheme.
func (k *cellRun) planWaves(ctx context.Context, times *timings) (*WavePlan, error) {
	conf := k.solver.Configured
	if conf.Scheme == nil || !conf.Scheme.Known() {
		return nil, nil
	}
	p := &WavePlan{Solver: k.solver.Description.Name, Scheme: *conf.Scheme, Bounds: [2]float64{0, math.Inf(1)}}
	m := conf.Model
	for _, q := range m.Quantities {
		if q.Name == "vp" && q.Lower != nil && q.Upper != nil {
			p.Bounds = [2]float64{*q.Lower, *q.Upper}
		}
	}
	models, err := k.knownModels()
	if err != nil {
		return nil, err
	}
	p.take(m, models)
	t, err := k.timeSolver(ctx, times)
	if err != nil {
		return nil, err
	}
	p.Batch, p.Forward, p.Gradient = 2*k.c.Solver.Workers, t.forward, t.gradient
	p.DataBytes = int64(p.Batch) * int64(conf.Data.Len()*conf.Data.DType.Size())
	for what, pid := range k.Session.PIDs() {
		if strings.HasPrefix(what, "solver "+k.solver.Description.Name) {
			p.PeakBytes += peakBytes(pid)
		}
	}
	return p, nil
}

// peakBytes is the most memory that a process has had at once, 0 where that cannot be read.
func peakBytes(pid int) int64 {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}

// Warnings say what of the plan is too little, with the numbers. Where no model is known there are none: a solver carries what is within
// its bounds, and the bounds themselves always badly.
func (p *WavePlan) Warnings() []string {
	if !p.Known {
		return nil
	}
	var w []string
	s := &p.Scheme
	add := func(format string, args ...any) { w = append(w, fmt.Sprintf(format, args...)) }
	if fast := s.Fastest(); p.VMax >= fast {
		add("unstable: v dt/h is %.4g at %.5g m/s, order %d takes less than %.4g (%.5g m/s): take a time step below %.3g s",
			p.VMax*s.StepS/s.SpacingM, p.VMax, s.Order, fast*s.StepS/s.SpacingM, fast, s.StepS*fast/p.VMax)
	}
	slow := s.Slowest(p.VMin)
	nodes := seismic.PointsPerWavelength(slow, s.HighestHz, s.SpacingM)
	// What is asked for, but for rounding.
	if few := nodes < fewNodes*(1-1e-9); few || p.VMin < p.Bounds[0] {
		add("%.3g nodes per wavelength at %.5g m/s and %.4g Hz, the highest frequency: fewer than %d disperse. Take a spacing of %.3g m, or a wavelet of %.3g Hz",
			nodes, slow, s.HighestHz, fewNodes, s.SpacingM*nodes/fewNodes, s.PeakHz*nodes/fewNodes)
	}
	if e, _ := s.PhaseError(slow, s.PeakHz); math.Abs(e) > worstPhase {
		add("at %.5g m/s and %.4g Hz, the peak, waves run %.2g %% %s: over a path of 20 wavelengths that is %.2g of a period", slow, s.PeakHz, 100*math.Abs(e), faster(e), 20*math.Abs(e))
	}
	for _, v := range []float64{p.VMin, p.VMax} {
		if v < p.Bounds[0] || v > p.Bounds[1] {
			add("the solver takes %.5g to %.5g m/s and will refuse models with %.5g", p.Bounds[0], p.Bounds[1], v)
		}
	}
	return w
}

func faster(e float64) string {
	if e > 0 {
		return "too fast"
	}
	return "too slowly"
}

// String is the plan for people, "" for none.
func (p *WavePlan) String() string {
	if p == nil {
		return ""
	}
	var b strings.Builder
	s := &p.Scheme
	fmt.Fprintf(&b, "waves of solver %s: order %d, spacing %g m, time step %g s; spectrum with its peak at %.4g Hz, up to %.4g Hz\n", p.Solver, s.Order, s.SpacingM, s.StepS, s.PeakHz, s.HighestHz)
	slow, shear := s.Slowest(p.VMin), ""
	if s.ShearOfVp > 0 {
		shear = fmt.Sprintf("; shear waves from %.5g m/s", slow)
	}
	fmt.Fprintf(&b, "  velocities           %.5g to %.5g m/s (%s)%s\n", p.VMin, p.VMax, p.From, shear)
	fmt.Fprintf(&b, "  nodes per wavelength %.3g at %.5g m/s and the highest frequency, %.3g at the peak\n",
		seismic.PointsPerWavelength(slow, s.HighestHz, s.SpacingM), slow, seismic.PointsPerWavelength(slow, s.PeakHz, s.SpacingM))
	fmt.Fprintf(&b, "  velocity error       %s at the peak, %s at the highest frequency (at %.5g m/s; %s and %s at %.5g m/s)\n",
		p.phase(slow, s.PeakHz), p.phase(slow, s.HighestHz), slow, p.phase(p.VMax, s.PeakHz), p.phase(p.VMax, s.HighestHz), p.VMax)
	fmt.Fprintf(&b, "  stability            v dt/h = %.4f at %.5g m/s, limit %.4f (%.5g m/s)\n", p.VMax*s.StepS/s.SpacingM, p.VMax, s.Fastest()*s.StepS/s.SpacingM, s.Fastest())
	if p.Forward > 0 {
		fmt.Fprintf(&b, "  a model              %s forward", Seconds(p.Forward))
		if p.Gradient > 0 {
			fmt.Fprintf(&b, "; a batch of %d with gradients %s", p.Batch, Seconds(p.Gradient*float64(p.Batch)))
		}
		fmt.Fprintf(&b, ", their data %.1f MiB", float64(p.DataBytes)/(1<<20))
		if p.PeakBytes > 0 {
			fmt.Fprintf(&b, "; the solver's processes took %.0f MiB", float64(p.PeakBytes)/(1<<20))
		}
		b.WriteByte('\n')
	}
	if !p.Known {
		b.WriteString("  note: no model is known before the run (training examples, given truths, a start); these are the solver's bounds: what the grid carries at worst\n")
	}
	for _, w := range p.Warnings() {
		fmt.Fprintf(&b, "  warning: %s\n", w)
	}
	return b.String()
}

// phase is a phase error for people.
func (p *WavePlan) phase(v, hz float64) string {
	whole, _ := p.Scheme.PhaseError(v, hz)
	if whole == -1 {
		return "not carried"
	}
	return fmt.Sprintf("%+.2g %%", 100*whole)
}
