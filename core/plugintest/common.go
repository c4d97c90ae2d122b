package plugintest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// basics are the properties of describing and configuring that all kinds share; spaces judges what Configure answered.
func basics(spaces func(p *probe, c *contract.Configured)) []property {
	return []property{
		{"describe", "Describe answers before Configure, with kind, the expected name, version, numerics, contract and a sound table of options.", checkDescribe},
		{"configure", "Configure takes the defaults (and what this check was given) and answers with sound spaces and its options resolved.", func(p *probe) {
			p.unconfigured = "it cannot be configured, see configure"
			s := p.start()
			p.must(p.configure(s, nil), "Configure")
			spaces(p, &s.conf)
			if len(s.conf.Options) > 0 {
				tree, err := config.ParseJSON(s.conf.Options)
				if err == nil {
					_, err = config.Resolve(p.desc.Options, tree)
				}
				if err != nil {
					p.failf("the options that Configure answers with are not taken by the plugin's own table: %v", err)
				}
			}
			if len(p.fail) == 0 {
				p.unconfigured = ""
			}
			p.notef("model %v, data %v, latent %v", s.conf.Model, s.conf.Data, s.conf.Latent)
		}},
		{"unknown-option", "An option that is not in the table is refused as an invalid option.", func(p *probe) {
			if p.unconfigured != "" {
				p.skipf("not decided: %s", p.unconfigured)
			}
			s := p.start()
			err := p.configure(s, func(c *contract.Config) {
				tree, e := config.ParseJSON(c.Options)
				p.must(e, "options")
				tree["no_such_option_of_any_plugin"] = int64(1)
				c.Options = config.Canonical(tree)
			})
			p.want(err, contract.ErrInvalidOption, "Configure with an unknown option")
		}},
	}
}

func checkDescribe(p *probe) {
	s := p.start()
	d := s.plugin().Describe()
	for _, f := range []struct{ name, value string }{{"name", d.Name}, {"version", d.Version}, {"numerics", d.Numerics}, {"doc", d.Doc}} {
		if f.value == "" {
			p.failf("the description's %s is empty", f.name)
		}
	}
	if p.o.Name != "" && d.Name != p.o.Name {
		p.failf("it calls itself %q, expected is %q", d.Name, p.o.Name)
	}
	if d.Contract != contract.Version {
		p.failf("contract %q, this is %q", d.Contract, contract.Version)
	}
	if err := config.Check(d.Options); err != nil {
		p.failf("its table of options: %v", err)
	}
	if d.Has(contract.CapGradient) && !d.Has(contract.CapMisfit) {
		p.failf("it claims %s without %s", contract.CapGradient, contract.CapMisfit)
	}
	again := s.plugin().Describe()
	a, _ := json.Marshal(d)
	b, _ := json.Marshal(again)
	if !bytes.Equal(a, b) {
		p.failf("two calls of Describe differ:\n%s\n%s", a, b)
	}
	p.notef("%s %s %s, numerics %s, capabilities %v", d.Kind, d.Name, d.Version, d.Numerics, d.Capabilities)
}

func checkSpace(p *probe, what string, s *space.Space) {
	if s == nil {
		p.failf("Configure answers without the %s space", what)
	} else if err := s.Validate(); err != nil {
		p.failf("the %s space: %v", what, err)
	}
}

// do runs an operation, which must succeed.
func (p *probe) do(op operation, items []int) outcome {
	out, st, err := op.run(items)
	p.must(err, "%s of a batch of %d", op.name, len(items))
	return outcome{out, st}
}

// same fails where the items of a and b differ; items[k] of b is item k of a's base.
func (p *probe) same(op operation, a outcome, items []int, b outcome, how string) {
	for k, i := range items {
		if d := differ(a, i, b, k); d != "" {
			p.failf("%s: item %d %s: %s", op.name, i, how, d)
			return
		}
	}
}

// bits are the properties of bits that all kinds share.
func bits() []property {
	return []property{
		{"item-bits", "An item's result has the same bits alone, in another order, in another batch and in batches of other sizes.", func(p *probe) {
			for _, op := range p.operations(p, p.subject(), -1) {
				all := p.do(op, upTo(op.n))
				for _, i := range []int{0, 1, op.n / 2, op.n - 3, op.n - 1} {
					if i >= 0 && i < op.n {
						p.same(op, all, []int{i}, p.do(op, []int{i}), "alone and in a batch")
					}
				}
				back := upTo(op.n)
				slices.Reverse(back)
				p.same(op, all, back, p.do(op, back), "in reversed order")
				if op.n > 4 {
					part := upTo(op.n)[1 : op.n-op.n/3]
					p.same(op, all, part, p.do(op, part), "in part of the batch")
					twice := append([]int{op.n - 1, 0, 0}, upTo(op.n)...)
					p.same(op, all, twice, p.do(op, twice), "in a larger batch")
				}
			}
		}},
		{"repeat", "A call can be repeated: the second answer has the bits of the first, and every output is written.", func(p *probe) {
			for _, op := range p.operations(p, p.subject(), -1) {
				items := upTo(op.n)
				p.same(op, p.do(op, items), items, p.do(op, items), "in a second call")
			}
		}},
		{"small-batches", "A batch of no item is answered without an error, a batch of one as any other.", func(p *probe) {
			for _, op := range p.operations(p, p.subject(), -1) {
				if out := p.do(op, nil); len(out.status) > 0 {
					p.failf("%s of an empty batch answers %d item states", op.name, len(out.status))
				}
				p.same(op, p.do(op, upTo(op.n)), []int{0}, p.do(op, []int{0}), "in a batch of one")
			}
		}},
		{"big-batch", "Tensors of more than 64 KiB, which go through shared memory, give the bits of small ones.", func(p *probe) {
			for _, op := range p.operations(p, p.subject(), -1) {
				begin := time.Now()
				small := p.do(op, upTo(op.n))
				each := time.Since(begin) / time.Duration(max(1, op.n))
				least := 1 << 62
				for _, t := range small.out[min(op.inline, len(small.out)-1):] {
					least = min(least, len(t.Data)/max(1, t.Batch()))
				}
				n := p.o.Big
				if n == 0 {
					n = max(2, (64<<10)/max(1, least)+2)
				}
				// A costly solver of few data: so many items are no fair call, and it would fail by its time alone.
				if d := each * time.Duration(n); d > p.o.CallLimit {
					p.notef("%s not called: %d items would take some %v, and a call has %v", op.name, n, d.Round(time.Second), p.o.CallLimit)
					continue
				}
				items := make([]int, n)
				for k := range items {
					items[k] = (k * 7) % op.n
				}
				p.same(op, small, items, p.do(op, items), fmt.Sprintf("in a batch of %d", n))
				p.notef("%s %d items", op.name, n)
			}
		}},
		{"fresh-instance", "A fresh instance or process, configured alike, gives the same bits.", func(p *probe) {
			p.compare(p.subject(), p.fresh(nil), "in a fresh instance")
		}},
		{"threads", "The number of threads does not change a bit.", func(p *probe) {
			p.compare(p.fresh(func(c *contract.Config) { c.Threads = 1 }), p.fresh(func(c *contract.Config) { c.Threads = 3 }), "with 3 threads")
		}},
		{"reconfigure", "Configure replaces an earlier configuration: configured again alike, the bits are those of the first time.", func(p *probe) {
			s := p.fresh(func(c *contract.Config) { c.Seed += 17 })
			p.must(p.configure(s, nil), "Configure a second time")
			if s.solver != nil && p.desc.Has(contract.CapMisfit) {
				_, err := s.solver.Misfit(p.ctx, points(s.conf.Model, 1, p.o.Scale, p.o.Models, p.source("model")), []int{0}, make([]float64, 1), nil)
				p.want(err, contract.ErrNoObservation, "Misfit after a second Configure, before Observe")
			}
			p.prepare(p, s)
			p.compare(p.subject(), s, "configured a second time")
		}},
		{"concurrent", "Calls may run at the same time and give the bits of calls one after the other.", checkConcurrent},
		{"nan-item", "An item with a NaN gets a status that is not OK, and the others keep their bits.", func(p *probe) {
			s := p.subject()
			clean, bad := p.operations(p, s, -1), p.operations(p, s, 1)
			for i, op := range bad {
				items := []int{0, 1, 2, 3}
				a, b := p.do(clean[i], items), p.do(op, items)
				if st := contract.StatusAt(b.status, 1); st.Code == contract.OK {
					p.failf("%s: the item with a NaN has status OK", op.name)
				} else {
					p.notef("%s: %v", op.name, st)
				}
				for _, k := range []int{0, 2, 3} {
					if d := differ(a, k, b, k); d != "" {
						p.failf("%s: item %d beside an item with a NaN: %s", op.name, k, d)
					}
				}
			}
		}},
	}
}

// compare runs every operation on two subjects.
func (p *probe) compare(a, b *subject, how string) {
	of := p.operations(p, a, -1)
	for i, op := range p.operations(p, b, -1) {
		items := upTo(op.n)
		p.same(op, p.do(of[i], items), items, p.do(op, items), how)
	}
}

func checkConcurrent(p *probe) {
	const workers = 4
	for _, op := range p.operations(p, p.subject(), -1) {
		all := p.do(op, upTo(op.n))
		outs, errs := make([]outcome, workers), make([]error, workers)
		items := make([][]int, workers)
		var wg sync.WaitGroup
		for w := range workers {
			for k := range op.n {
				items[w] = append(items[w], (k*(w+1)+w)%op.n)
			}
			wg.Add(1)
			go func() {
				defer wg.Done()
				outs[w].out, outs[w].status, errs[w] = op.run(items[w])
			}()
		}
		wg.Wait()
		for w := range workers {
			p.must(errs[w], "%s beside %d others", op.name, workers-1)
			p.same(op, all, items[w], outs[w], "beside other calls")
		}
	}
}

// memoryFlat is the property of processes that calls leave nothing behind.
func memoryFlat(calls int) property {
	const limit = 16 << 20
	warm := calls / 5
	return property{"memory-flat", fmt.Sprintf("After %d calls or runs the process is not larger by more than %d MiB.", calls, limit>>20), func(p *probe) {
		s := p.subject()
		if s.inst.PID == 0 {
			p.skipf("not a process")
		}
		ops := p.operations(p, s, -1)
		var before int
		for k := range warm + calls {
			if k == warm {
				before = resident(p, s.inst.PID)
			}
			p.do(ops[k%len(ops)], []int{0, 1})
		}
		after := resident(p, s.inst.PID)
		if after-before > limit {
			p.failf("from %d KiB to %d KiB", before>>10, after>>10)
		}
		p.notef("from %d KiB to %d KiB", before>>10, after>>10)
	}}
}

// resident returns the resident memory of a process in bytes.
func resident(p *probe, pid int) int {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	p.must(err, "memory of process %d", pid)
	fields := strings.Fields(string(raw))
	if len(fields) < 2 {
		p.fatalf("memory of process %d: %q", pid, raw)
	}
	pages, err := strconv.Atoi(fields[1])
	p.must(err, "memory of process %d", pid)
	return pages * os.Getpagesize()
}

// alloc returns memory that the plugin sees without a copy, where there is such.
func (p *probe) alloc(s *subject, src *tensor.Tensor) *tensor.Tensor {
	t := tensor.New(src.DType, src.Shape...)
	if s.inst.Alloc != nil && len(src.Data) > 0 {
		var err error
		t, err = s.inst.Alloc(src.DType, src.Shape...)
		p.must(err, "shared memory")
	}
	t.CopyFrom(src)
	return t
}

// unchanged fails where a tensor differs from its copy.
func (p *probe) unchanged(method, what string, t, was *tensor.Tensor) {
	if !bytes.Equal(t.Data, was.Data) {
		p.failf("%s wrote to its input %s", method, what)
	}
}
