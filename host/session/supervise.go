package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugin"
)

// worker is one plugin process (or one in-process plugin) that is started when it is needed, and started again,
// configured again and asked again when it dies or hangs in a call.
type worker struct {
	s    *Session
	ref  Ref
	what string // "solver analytic #2"

	mu         sync.Mutex
	proc       *plugin.Process // nil: not running, or in-process
	local      contract.Plugin
	config     *contract.Config
	configured contract.Configured
	observe    func(ctx context.Context, c clients) error // repeats Observe
	restarts   int                                        // in the life of the worker
	reported   atomic.Int64                               // when Train last reported, Unix ns
}

// clients are the handles of a running plugin.
type clients struct {
	solver  contract.FullSolver
	prior   contract.FullPrior
	sampler contract.Sampler
}

func clientsOf(p *plugin.Process) (c clients, err error) {
	switch p.Description().Kind {
	case contract.KindSolver:
		c.solver, err = p.Solver()
	case contract.KindPrior:
		c.prior, err = p.Prior()
	case contract.KindSampler:
		c.sampler, err = p.Sampler()
	}
	return c, err
}

func clientsOfLocal(p contract.Plugin) (c clients) {
	switch v := p.(type) {
	case contract.Sampler:
		c.sampler = contract.LocalSampler(v)
	case contract.Solver:
		c.solver = contract.LocalSolver(v)
	default:
		c.prior = contract.LocalPrior(v)
	}
	return c
}

func (c clients) plugin() contract.Plugin {
	switch {
	case c.solver != nil:
		return c.solver
	case c.prior != nil:
		return c.prior
	}
	return c.sampler
}

// ensure returns a running plugin, configured and with its observations. Callers hold mu.
func (w *worker) ensure(ctx context.Context) (clients, error) {
	if w.local != nil {
		return clientsOfLocal(w.local), nil
	}
	if make := w.s.InProcess[w.ref.key()]; make != nil {
		w.local = make()
		return clientsOfLocal(w.local), nil
	}
	if w.proc != nil {
		select {
		case <-w.proc.Done():
			w.proc.Kill()
			w.notePeak()
			w.proc = nil
		default:
			return clientsOf(w.proc)
		}
	}
	proc, err := w.s.launch(ctx, w.ref)
	if err != nil {
		return clients{}, err
	}
	c, err := clientsOf(proc)
	if err != nil {
		proc.Kill()
		return clients{}, err
	}
	w.proc = proc
	if w.config != nil {
		err := w.watched(ctx, "Configure", proc, func(ctx context.Context) error {
			_, err := c.plugin().Configure(ctx, *w.config)
			return err
		})
		if err != nil {
			return clients{}, w.died(fmt.Errorf("Configure after a restart: %w", err))
		}
		if w.observe != nil {
			err := w.watched(ctx, "Observe", proc, func(ctx context.Context) error { return w.observe(ctx, c) })
			if err != nil {
				return clients{}, w.died(fmt.Errorf("Observe after a restart: %w", err))
			}
		}
	}
	return c, nil
}

// died kills what is left of the process after a call that lost it. Callers hold mu. It returns err, with the last lines
// that the process wrote where they are not in it.
func (w *worker) died(err error) error {
	if w.proc != nil && errors.Is(err, contract.ErrPluginDied) {
		w.proc.Kill() // returns when the process is gone: only then may its memory be used again
		w.notePeak()
		tail := strings.TrimSpace(w.proc.LogTail())
		w.proc = nil
		if tail != "" && !strings.Contains(err.Error(), "its last words") {
			err = fmt.Errorf("%w; its last words:\n  %s", err, strings.ReplaceAll(tail, "\n", "\n  "))
		}
	}
	return err
}

// lost reports whether a call failed because this worker's process died. A sampler may also answer with the death of a
// service's plugin, of which it is innocent.
func (w *worker) lost(err error) bool {
	return errors.Is(err, contract.ErrPluginDied) && !plugin.Answered(err) && w.s.InProcess[w.ref.key()] == nil
}

// call runs f on the plugin; when the process dies or takes longer than the limit without itself waiting for a
// service, it is killed and waited for, started and configured again, and f is repeated.
func (w *worker) call(ctx context.Context, name string, f func(ctx context.Context, c clients) error) error {
	if w.ref.Kind != contract.KindSampler {
		// A sampler that waits for this is not idle; the time that a restart takes is part of it.
		w.s.serving.Add(1)
		defer func() {
			w.s.served.Store(time.Now().UnixNano())
			w.s.serving.Add(-1)
		}()
	}
	var err error
	for attempt := 0; attempt <= w.s.Restarts; attempt++ {
		w.mu.Lock()
		var c clients
		c, err = w.ensure(ctx)
		proc := w.proc
		w.mu.Unlock()
		if err == nil {
			err = w.watched(ctx, name, proc, func(ctx context.Context) error { return f(ctx, c) })
			if err == nil {
				return nil
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !w.lost(err) {
			return err // a plugin's answer, which names plugin and call
		}
		w.mu.Lock()
		// Of several calls that lost the same process one sees to it.
		first := proc == nil || w.proc == proc
		if first {
			err = w.died(err)
			w.restarts++
		}
		w.mu.Unlock()
		if first && attempt < w.s.Restarts {
			w.s.logf("%s died in %s (%v): restarting it, attempt %d of %d", w.what, name, oneLine(err), attempt+1, w.s.Restarts)
		}
	}
	return fmt.Errorf("%s: %s failed %d times, giving up (the run can be resumed): %w", w.what, name, w.s.Restarts+1, err)
}

// oneLine is an error's text in one line, without the middle where it is long: a crash says why in the first of its last words,
// a process that ends by its own will in the last.
func oneLine(err error) string {
	const most = 480
	var lines []string
	for line := range strings.Lines(err.Error()) {
		lines = append(lines, strings.TrimSpace(line))
	}
	s := strings.Join(lines, " | ")
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most/2], "") + " ... " + strings.ToValidUTF8(s[len(s)-most/2:], "")
}

// watched runs f under the session's call limit. The clock stands while the plugin waits for a service of ours, and starts
// again whenever a training reports.
func (w *worker) watched(ctx context.Context, name string, proc *plugin.Process, f func(context.Context) error) error {
	if proc == nil || w.s.Attach[w.ref.Kind] != "" { // an attached plugin may stand at a breakpoint
		return f(ctx)
	}
	limit := w.s.CallLimit
	start := time.Now()
	w.reported.Store(start.UnixNano())
	if w.ref.Kind == contract.KindSampler {
		w.s.served.Store(start.UnixNano())
	}
	since := func(ns *atomic.Int64) time.Duration { return time.Since(time.Unix(0, ns.Load())) }
	idle := func() bool {
		switch {
		case name == "Train":
			return since(&w.reported) > limit
		case w.ref.Kind == contract.KindSampler:
			return w.s.serving.Load() == 0 && since(&w.s.served) > limit
		}
		return time.Since(start) > limit
	}
	cctx, cancel := context.WithCancel(ctx)
	defer cancel()
	hung := fmt.Errorf("no answer within %s: %w", limit, contract.ErrPluginDied)
	var killed atomic.Bool // set before the kill: the call may return, its connection broken, before anything after it is done
	// A timer, not a goroutine: most calls are over before a goroutine would be running.
	var mu sync.Mutex
	var timer *time.Timer // nil: the call is over
	every := min(limit/10+time.Millisecond, time.Second)
	look := func() {
		mu.Lock()
		hangs := timer != nil && idle()
		if timer != nil && !hangs {
			timer.Reset(every)
		}
		mu.Unlock()
		if hangs {
			w.s.logf("%s hangs in %s (no answer within %s): killing it", w.what, name, limit)
			killed.Store(true)
			proc.Kill()
			cancel()
		}
	}
	mu.Lock()
	timer = time.AfterFunc(every, look)
	mu.Unlock()
	defer func() {
		mu.Lock()
		timer.Stop()
		timer = nil
		mu.Unlock()
	}()
	err := f(cctx)
	if err != nil && ctx.Err() == nil && killed.Load() {
		return hung
	}
	return err
}

// configure configures the plugin and remembers how, for restarts.
func (w *worker) configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	w.mu.Lock()
	w.config, w.observe = nil, nil
	w.mu.Unlock()
	var out contract.Configured
	err := w.call(ctx, "Configure", func(ctx context.Context, cl clients) (err error) {
		out, err = cl.plugin().Configure(ctx, c)
		return err
	})
	if err != nil {
		return out, err
	}
	w.mu.Lock()
	w.config, w.configured = &c, out
	w.mu.Unlock()
	return out, nil
}

// close ends the process in good order.
func (w *worker) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.proc != nil {
		w.proc.Close()
		w.notePeak()
		w.proc = nil
	}
}

// notePeak keeps what the process said of the memory of its GPU. Callers hold mu.
func (w *worker) notePeak() {
	if w.proc == nil {
		return
	}
	if peak := w.proc.DevicePeak(); peak > 0 {
		w.s.mu.Lock()
		w.s.peaks[w.what] = max(w.s.peaks[w.what], peak)
		w.s.mu.Unlock()
	}
}
