package helmholtz

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
)

// each calls f for every frequency of every item whose status is OK, on as many goroutines as there are threads, items in
// order and each item's frequencies in order. f says what became of it; of an item's failures the one of the first
// frequency is kept. It returns early where ctx ends.
func (s *setup) each(ctx context.Context, batch int, status []contract.Status,
	f func(w *worker, item, frequency int) contract.Status) ([]contract.Status, error) {
	return s.eachOf(ctx, batch, calls.Good(batch, status), status, f)
}

// eachOf is each for some items of a batch.
func (s *setup) eachOf(ctx context.Context, batch int, items []int, status []contract.Status,
	f func(w *worker, item, frequency int) contract.Status) ([]contract.Status, error) {
	nf := len(s.hz)
	outcome := make([]contract.Status, len(items)*nf)
	errs := make([]error, min(s.threads, len(outcome)))
	var next atomic.Int64
	var wg sync.WaitGroup
	for g := range errs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			w, err := s.take()
			if err != nil {
				errs[g] = err
				return
			}
			defer s.put(w)
			for {
				t := int(next.Add(1)) - 1
				if t >= len(outcome) {
					return
				}
				if err := ctx.Err(); err != nil {
					errs[g] = fmt.Errorf("solver helmholtz: %w", err)
					return
				}
				outcome[t] = f(w, items[t/nf], t%nf)
			}
		}()
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	for t, st := range outcome {
		status = contract.SetStatus(status, batch, items[t/nf], st)
	}
	return status, nil
}

// ordered adds up what the frequencies of one item give, in the order of the frequencies, whichever comes first: the bits
// of the sum do not depend on the goroutines.
type ordered struct {
	mu   sync.Mutex
	next int
	sum  part
	wait map[int]part
}

// part is what one frequency adds: a misfit, and K gradients of (nz, nx) one after the other.
type part struct {
	phi float64
	g   []float64
}

// add gives the part of a frequency. done is true at the last one of n: then sum is complete.
func (o *ordered) add(frequency, n int, p part) (done bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if frequency != o.next {
		if o.wait == nil {
			o.wait = map[int]part{}
		}
		o.wait[frequency] = p
		return false
	}
	for {
		if o.next == 0 {
			o.sum = p
		} else {
			o.sum.phi += p.phi
			for i, v := range p.g {
				o.sum.g[i] += v
			}
		}
		o.next++
		var ready bool
		if p, ready = o.wait[o.next]; !ready {
			return o.next == n
		}
		delete(o.wait, o.next)
	}
}
