package plugintest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/tensor"
)

// property is a Property with its check.
type property struct {
	name, doc string
	run       func(p *probe)
}

// suite is what differs between the kinds.
type suite interface {
	kind() contract.Kind
	// properties lists them in the order of the report.
	properties() []property
	// config is what an instance is told; resolved are the options.
	config(p *probe, resolved json.RawMessage) contract.Config
	// prepare runs after every Configure: observations.
	prepare(p *probe, s *subject)
	// operations are the calls whose bits are compared. Base item number poison has a NaN; -1: none.
	operations(p *probe, s *subject, poison int) []operation
}

// operation is a call on a choice of base items: item k of every output belongs to base item pick[k] alone. It may be run
// again and again, and by several goroutines.
type operation struct {
	name   string // the method
	n      int    // base items
	run    func(pick []int) ([]*tensor.Tensor, []contract.Status, error)
	inline int // so many outputs, the first ones, are plain numbers of the answer: they never go through shared memory
}

// runner runs a suite on a target.
type runner struct {
	suite
	ctx    context.Context
	target Target
	o      Options
	desc   contract.Description

	shared       *subject
	unconfigured string // why no instance can be configured, "" while it can
	noStart      string // why none can be started
	open         []*Instance

	mu     sync.Mutex
	breaks map[string]int // hangs and deaths by method
	hangs  []string
	deaths []string
	calls  int
}

// subject is a configured instance.
type subject struct {
	inst    *Instance
	conf    contract.Configured
	solver  contract.FullSolver
	prior   contract.FullPrior
	sampler contract.Sampler
	broken  bool
}

// plugin is what every kind can.
func (s *subject) plugin() contract.Plugin {
	switch {
	case s.solver != nil:
		return s.solver
	case s.prior != nil:
		return s.prior
	}
	return s.sampler
}

// Check runs the suite of a kind. It always returns a list; what cannot be decided is skipped with the reason.
func Check(ctx context.Context, kind contract.Kind, t Target, o Options) []Property {
	switch kind {
	case contract.KindSolver:
		return CheckSolver(ctx, t, o)
	case contract.KindPrior:
		return CheckPrior(ctx, t, o)
	case contract.KindSampler:
		return CheckSampler(ctx, t, o)
	}
	return []Property{{Name: "describe", Doc: "The plugin is of a known kind.", Status: Fail,
		Text: fmt.Sprintf("kind %q (allowed: solver, prior, sampler)", kind)}}
}

func run(ctx context.Context, su suite, t Target, o Options) []Property {
	r := &runner{suite: su, ctx: ctx, target: t, o: o.fill(), breaks: map[string]int{}}
	if r.o.Dir == "" {
		dir, err := os.MkdirTemp("", "waveprior-check-")
		if err != nil {
			return []Property{{Name: "folder", Doc: "There is room for the files of the check.", Status: Fail, Text: err.Error()}}
		}
		defer os.RemoveAll(dir)
		r.o.Dir = dir
	}
	defer r.closeAll()
	var list []Property
	if t.Path != "" {
		for _, p := range processProperties() {
			list = append(list, r.one(p))
		}
	}
	for _, p := range su.properties() {
		list = append(list, r.one(p))
	}
	return append(list, r.verdicts()...)
}

// verdicts are the properties that every call is a test of.
func (r *runner) verdicts() []Property {
	in := Property{Name: "answers-in-time", Doc: fmt.Sprintf("Every call answers within %v.", r.o.CallLimit)}
	alive := Property{Name: "stays-alive", Doc: "No call ends the plugin's process or its connection."}
	judge := func(p *Property, faults []string) Property {
		switch {
		case len(faults) > 0:
			p.Status, p.Text = Fail, strings.Join(faults, "\n")
		case r.calls == 0:
			p.Status, p.Text = Skip, "no call was made"
		default:
			p.Text = fmt.Sprintf("%d calls", r.calls)
		}
		return *p
	}
	return []Property{judge(&in, r.hangs), judge(&alive, r.deaths)}
}

func (r *runner) closeAll() {
	for _, i := range r.open {
		i.Close()
	}
	r.open, r.shared = nil, nil
}

// one runs one property.
func (r *runner) one(pr property) (out Property) {
	out = Property{Name: pr.name, Doc: pr.doc}
	start := time.Now()
	defer func() { out.Duration = time.Since(start) }()
	if why, skip := r.o.Skip[pr.name]; skip {
		out.Status, out.Text = Skip, "left out: "+why
		return out
	}
	if err := r.ctx.Err(); err != nil {
		out.Status, out.Text = Skip, err.Error()
		return out
	}
	p := &probe{runner: r, name: pr.name}
	func() {
		defer p.tidy()
		defer func() {
			if e := recover(); e != nil {
				if _, ok := e.(stop); !ok {
					p.fail = append(p.fail, fmt.Sprintf("panic in the check: %v\n%s", e, debug.Stack()))
				}
			}
		}()
		pr.run(p)
	}()
	switch {
	case len(p.fail) > 0:
		out.Status, out.Text = Fail, strings.Join(p.fail, "\n")
	case p.skip != "":
		out.Status, out.Text = Skip, p.skip
	default:
		out.Text = strings.Join(p.note, "; ")
	}
	return out
}

// stop ends a property.
type stop struct{}

// probe is one property as it runs.
type probe struct {
	*runner
	name       string
	fail, note []string
	skip       string
	own        []*subject
}

func (p *probe) failf(format string, args ...any) {
	p.fail = append(p.fail, fmt.Sprintf(format, args...))
}
func (p *probe) notef(format string, args ...any) {
	p.note = append(p.note, fmt.Sprintf(format, args...))
}

func (p *probe) fatalf(format string, args ...any) {
	p.failf(format, args...)
	panic(stop{})
}

func (p *probe) skipf(format string, args ...any) {
	p.skip = fmt.Sprintf(format, args...)
	panic(stop{})
}

// must ends the property on an error: as undecided when the plugin hung or died, which has a property of its own.
func (p *probe) must(err error, format string, args ...any) {
	if err == nil {
		return
	}
	if errors.Is(err, errBroken) {
		p.skipf("not decided: %v", err)
	}
	p.fatalf("%s: %v", fmt.Sprintf(format, args...), err)
}

// want fails the property unless err is of the kind, and ends it when the plugin broke.
func (p *probe) want(err, kind error, format string, args ...any) {
	if errors.Is(err, errBroken) {
		p.must(err, "")
	}
	if errors.Is(err, kind) || (errors.Is(kind, contract.ErrShape) && errors.Is(err, tensor.ErrShape)) {
		return
	}
	if err == nil {
		p.failf("%s: no error, want one that is %q", fmt.Sprintf(format, args...), kind)
		return
	}
	p.failf("%s: error %q, want one that is %q", fmt.Sprintf(format, args...), err, kind)
}

// needs skips the property unless the plugin claims the capabilities.
func (p *probe) needs(cs ...contract.Capability) {
	for _, c := range cs {
		if !p.desc.Has(c) {
			p.skipf("%s %s does not claim capability %s", p.desc.Kind, p.desc.Name, c)
		}
	}
}

// stream is a source of random numbers of this check.
func (p *probe) stream(what string, i int) rng.Source {
	return rng.New(p.o.Seed, "plugintest/"+what).At(0, uint32(i), 0)
}

// start returns a fresh instance with its calls watched, not configured.
func (p *probe) start() *subject {
	if p.noStart != "" {
		p.skipf("not decided: %s", p.noStart)
	}
	ctx, cancel := context.WithTimeout(p.ctx, max(p.o.CallLimit, 20*time.Second))
	defer cancel()
	inst, err := p.target.New(ctx)
	if err != nil {
		p.noStart = fmt.Sprintf("the plugin does not start: %v", err)
		p.fatalf("%s", p.noStart)
	}
	p.open = append(p.open, inst)
	s := &subject{inst: inst}
	w := &watch{runner: p.runner, s: s}
	switch v := inst.Plugin.(type) {
	case contract.FullSolver:
		s.solver = watchedSolver{w, v}
	case contract.FullPrior:
		s.prior = watchedPrior{w, v}
	case contract.Sampler:
		s.sampler = watchedSampler{w, v}
	default:
		p.fatalf("the target's plugin is a %T: none of contract.FullSolver, FullPrior, Sampler", inst.Plugin)
	}
	if d := inst.Plugin.Describe(); d.Kind != p.kind() {
		p.noStart = fmt.Sprintf("the plugin is a %s, this is the suite of a %s", d.Kind, p.kind())
		p.fatalf("%s", p.noStart)
	}
	p.desc = inst.Plugin.Describe()
	p.own = append(p.own, s)
	return s
}

// tidy closes what the property started.
func (p *probe) tidy() {
	for _, s := range p.own {
		if s != p.shared {
			s.inst.Close()
		}
	}
}

// resolved are the plugin's options with all defaults.
func (p *probe) resolved() (json.RawMessage, error) {
	given := map[string]any{}
	if len(p.o.Options) > 0 {
		var err error
		if given, err = config.ParseJSON(p.o.Options); err != nil {
			return nil, fmt.Errorf("the options of this check: %w", err)
		}
	}
	all, err := config.Resolve(p.desc.Options, given)
	if err != nil {
		return nil, fmt.Errorf("the options of this check (a required one must be given): %w", err)
	}
	return config.Canonical(all), nil
}

// configure configures a started instance; change may alter what it is told.
func (p *probe) configure(s *subject, change func(*contract.Config)) error {
	raw, err := p.resolved()
	if err != nil {
		return err
	}
	c := p.config(p, raw)
	if change != nil {
		change(&c)
	}
	s.conf, err = s.plugin().Configure(p.ctx, c)
	return err
}

// fresh returns a new instance, configured and prepared.
func (p *probe) fresh(change func(*contract.Config)) *subject {
	if p.unconfigured != "" {
		p.skipf("not decided: %s", p.unconfigured)
	}
	if su, ok := p.suite.(*solverSuite); ok && su.problem {
		p.shared = nil // there is one problem: whoever comes next observes again
	}
	s := p.start()
	p.must(p.configure(s, change), "Configure")
	p.prepare(p, s)
	return s
}

// subject returns the instance that properties share. Whoever changes it takes a fresh one instead.
func (p *probe) subject() *subject {
	if p.shared != nil && !p.shared.broken {
		return p.shared
	}
	s := p.fresh(nil)
	p.shared = s
	return s
}
