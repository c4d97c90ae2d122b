package lbfgs

import (
	"math"
)

// Options says how to minimise. Limits that are 0 are none.
type Options struct {
	Memory            int     // pairs of steps and changes of the gradient that are kept, at least 1
	Iterations        int     // accepted steps after which a chain ends
	Trials            int     // evaluations of one line search; 0: 20
	FirstStep         float64 // largest change of a coordinate in the first trial; 0: a change of Euclidean length 1
	GradientTolerance float64 // a chain ends when its gradient's length is this times that of its first point
	DecreaseTolerance float64 // and when an iteration lowers f by less than this times |f|
}

// Reason says why a chain ended.
type Reason int

// The reasons.
const (
	Running  Reason = iota
	Gradient        // the gradient is small enough
	Decrease        // f falls no more
	Limit           // of iterations
	Stalled         // no step along the steepest descent lowers f: as good as the function's rounding allows
	Refused         // there is no function value at the first point, or at any trial of a line search
)

// Numbers is the length of Chain.N.
const Numbers = 26

// Places in Chain.N; the search's fields follow.
const (
	nPhase = iota // 0: the first point is asked for; 1: within a line search; 2: ended
	nReason
	nIterations
	nEvaluations
	nPairs // of S and Y in use, oldest first
	nF
	nFirst    // gradient's length at the first point
	nBest     // the lowest f of all points that were evaluated
	nBestNorm // gradient's length there
	nSearch
)

// Chain is one minimisation in d variables: views of the caller's memory, all of it overwritten by Begin and Next.
type Chain struct {
	X, G, D []float64 // (d) the point, its gradient and the search direction
	S, Y    []float64 // (memory, d) steps and changes of the gradient
	N       []float64 // (Numbers)
}

// Begin puts the chain at x (d), which is copied. Nothing is known of it yet.
func (c *Chain) Begin(x []float64) {
	for _, v := range [][]float64{c.G, c.D, c.S, c.Y, c.N} {
		clear(v)
	}
	copy(c.X, x)
}

// Ended returns why the chain ended, or Running.
func (c *Chain) Ended() Reason { return Reason(c.N[nReason]) }

// Iterations is the number of accepted steps.
func (c *Chain) Iterations() int { return int(c.N[nIterations]) }

// Evaluations is the number of Next's calls.
func (c *Chain) Evaluations() int { return int(c.N[nEvaluations]) }

// F is the function at X, once that has been evaluated.
func (c *Chain) F() float64 { return c.N[nF] }

// Best is the lowest function value so far, of X or of a trial that a line search did not take or has not taken yet, and the
// length of the gradient there. Its point is the caller's to keep: the trial of the last Next that said so.
func (c *Chain) Best() (f, gradientNorm float64) { return c.N[nBest], c.N[nBestNorm] }

// Known tells whether X has been evaluated.
func (c *Chain) Known() bool { return c.N[nPhase] > 0 }

// Trial fills x (d) with the point at which Next wants the function.
func (c *Chain) Trial(x []float64) {
	if c.N[nPhase] == 0 {
		copy(x, c.X)
		return
	}
	step := c.N[nSearch]
	for i, v := range c.X {
		x[i] = v + float64(step*c.D[i])
	}
}

// Next takes the function and its gradient (d) at the trial; f that is not finite, or a gradient of which an element is not:
// there is none. It reports whether the trial is the lowest point so far, be it the chain's new X or not: where a limit ends a
// chain within a line search, that point is the one to keep. A chain that has ended stays as it is.
func (c *Chain) Next(o Options, f float64, g []float64) bool {
	if c.Ended() != Running {
		return false
	}
	if o.Trials == 0 {
		o.Trials = 20
	}
	c.N[nEvaluations]++
	known := finite(f) && allFinite(g)
	if c.N[nPhase] == 0 {
		if !known {
			c.end(Refused)
			return false
		}
		c.N[nPhase], c.N[nF] = 1, f
		copy(c.G, g)
		c.N[nFirst] = norm(g)
		c.N[nBest], c.N[nBestNorm] = f, c.N[nFirst]
		if c.N[nFirst] == 0 {
			c.end(Gradient)
			return true
		}
		c.turn(o)
		return true
	}
	s := c.load()
	if !known {
		if v := s.refused(o.Trials); v == failed {
			c.fail(o, s)
		} else {
			c.store(s)
		}
		return false
	}
	lowest := f < c.N[nBest]
	if lowest {
		c.N[nBest], c.N[nBestNorm] = f, norm(g)
	}
	switch v := s.next(f, dot(g, c.D), o.Trials); v {
	case goOn:
		c.store(s)
	case failed:
		c.fail(o, s)
	case accept:
		c.take(o, s.step, f, g)
	}
	return lowest
}

// fail ends a line search without success: the history is forgotten, and the steepest descent tried; if that was it, the
// chain ends.
func (c *Chain) fail(o Options, s search) {
	if c.N[nPairs] == 0 {
		if s.x == 0 && s.y == 0 && s.top < math.Inf(1) {
			c.end(Refused)
		} else {
			c.end(Stalled)
		}
		return
	}
	c.N[nPairs] = 0
	c.turn(o)
}

// take makes the trial the point, remembers the pair and chooses the next direction.
func (c *Chain) take(o Options, step, f float64, g []float64) {
	d := len(c.X)
	was := c.N[nF]
	m := len(c.S) / d
	k := int(c.N[nPairs])
	if k == m { // the oldest goes
		copy(c.S, c.S[d:])
		copy(c.Y, c.Y[d:])
		k--
	}
	s, y := c.S[k*d:(k+1)*d], c.Y[k*d:(k+1)*d]
	for i := range c.X {
		x := c.X[i] + float64(step*c.D[i])
		s[i], y[i] = x-c.X[i], g[i]-c.G[i]
		c.X[i] = x
	}
	if sy := dot(s, y); sy > 1e-14*norm(s)*norm(y) { // else the pair would spoil the descent
		k++
	}
	c.N[nPairs], c.N[nF] = float64(k), f
	copy(c.G, g)
	c.N[nIterations]++
	switch length := norm(g); {
	case length == 0 || length <= o.GradientTolerance*c.N[nFirst]:
		c.end(Gradient)
	case was-f < o.DecreaseTolerance*max(math.Abs(was), math.Abs(f)):
		c.end(Decrease)
	case o.Iterations > 0 && c.Iterations() >= o.Iterations:
		c.end(Limit)
	default:
		c.turn(o)
	}
}

// turn chooses the direction -H g and starts a line search along it.
func (c *Chain) turn(o Options) {
	d, k := len(c.X), int(c.N[nPairs])
	step := 1.0
	for i, v := range c.G {
		c.D[i] = -v
	}
	if k == 0 {
		if o.FirstStep > 0 {
			step = o.FirstStep / largest(c.G)
		} else {
			step = 1 / norm(c.G)
		}
	} else { // algorithm 7.4, the two loops
		a := make([]float64, k)
		for i := k - 1; i >= 0; i-- {
			s, y := c.S[i*d:(i+1)*d], c.Y[i*d:(i+1)*d]
			a[i] = dot(s, c.D) / dot(s, y)
			add(c.D, -a[i], y)
		}
		s, y := c.S[(k-1)*d:k*d], c.Y[(k-1)*d:k*d]
		gamma := dot(s, y) / dot(y, y)
		for i := range c.D {
			c.D[i] *= gamma
		}
		for i := range k {
			s, y := c.S[i*d:(i+1)*d], c.Y[i*d:(i+1)*d]
			add(c.D, a[i]-dot(y, c.D)/dot(s, y), s)
		}
	}
	slope := dot(c.G, c.D)
	if !(slope < 0) || !finite(slope) || !finite(step) {
		if k == 0 {
			c.end(Stalled)
			return
		}
		c.N[nPairs] = 0
		c.turn(o)
		return
	}
	c.store(begin(c.N[nF], slope, step))
}

func (c *Chain) end(r Reason) { c.N[nPhase], c.N[nReason] = 2, float64(r) }

func (c *Chain) load() search {
	n := c.N[nSearch:]
	return search{n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], n[11], n[12], n[13], n[14], n[15], n[16]}
}

func (c *Chain) store(s search) {
	copy(c.N[nSearch:], []float64{s.step, s.f0, s.g0, s.bracketed, s.second, s.x, s.fx, s.gx, s.y, s.fy, s.gy, s.lo, s.hi, s.top, s.width, s.before, s.trials})
}

// dot is summed in partial sums of 1024, in order: a tree fixed by the length alone.
func dot(a, b []float64) float64 {
	sum := 0.0
	for lo := 0; lo < len(a); lo += 1024 {
		hi := min(lo+1024, len(a))
		part := 0.0
		for i, v := range a[lo:hi] {
			part += float64(v * b[lo+i])
		}
		sum += part
	}
	return sum
}

// norm is the Euclidean length, scaled so that it neither overflows nor vanishes before its value does.
func norm(v []float64) float64 {
	top := largest(v)
	if top == 0 || math.IsInf(top, 0) {
		return top
	}
	sum := 0.0
	for _, x := range v {
		sum += float64((x / top) * (x / top))
	}
	return top * math.Sqrt(sum)
}

func largest(v []float64) float64 {
	top := 0.0
	for _, x := range v {
		top = max(top, math.Abs(x))
	}
	return top
}

func add(dst []float64, a float64, v []float64) {
	for i, x := range v {
		dst[i] += float64(a * x)
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func allFinite(v []float64) bool {
	for _, x := range v {
		if !finite(x) {
			return false
		}
	}
	return true
}
