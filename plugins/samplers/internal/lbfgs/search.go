package lbfgs

import "math"

// The line search's constants: the strong Wolfe conditions are phi(a) <= phi(0) + decrease a phi'(0) and
// |phi'(a)| <= curvature |phi'(0)|, the usual ones for quasi-Newton directions (Nocedal and Wright, section 3.1).
const (
	decrease  = 1e-4
	curvature = 0.9
	narrow    = 1e-10 // relative width of an interval that holds no better step
	growLeast = 1.1   // of a step beyond which nothing is known: between these times the last move
	growMost  = 4.0
	shrink    = 0.66 // an interval must shrink by this in two trials, or it is halved
	retreat   = 0.25 // of the way from the best step to one at which the function has no value
)

// search is a line search on its way: phi(a) = f(x + a d). Its fields lie in Chain.N between calls.
type search struct {
	step      float64 // the trial
	f0, g0    float64 // phi and phi' at 0
	bracketed float64 // 1: the interval holds a minimiser
	second    float64 // 1: the interval is updated by phi itself, 0: by phi(a) - phi(0) - decrease a phi'(0)
	x, fx, gx float64 // the best step so far
	y, fy, gy float64 // the other end
	lo, hi    float64 // bounds of the next trial
	top       float64 // steps from here on have no function value
	width     float64
	before    float64 // width two trials ago
	trials    float64
}

// begin starts at phi(0) = f0, phi'(0) = g0 < 0 with a first trial.
func begin(f0, g0, step float64) search {
	return search{step: step, f0: f0, g0: g0, fx: f0, gx: g0, fy: f0, gy: g0, hi: step + growMost*step,
		top: math.Inf(1), width: math.Inf(1), before: math.Inf(1)}
}

// verdict of a trial.
type verdict int

const (
	goOn   verdict = iota // evaluate at the new step
	accept                // the trial satisfies the strong Wolfe conditions, or the first of them and no better can be had
	failed                // no step that lowers phi enough can be had
)

// refused moves to a step nearer to the best one: there is no phi at the trial.
func (s *search) refused(most int) verdict {
	s.trials++
	s.top = min(s.top, s.step)
	s.hi = min(s.hi, s.top)
	step := s.x + retreat*(s.step-s.x)
	if int(s.trials) >= most || step == s.x || step == s.step {
		return failed
	}
	s.step = step
	return goOn
}

// next takes phi and phi' at the trial.
func (s *search) next(f, g float64, most int) verdict {
	s.trials++
	slope := decrease * s.g0
	bound := s.f0 + float64(s.step*slope)
	if f <= bound && math.Abs(g) <= -curvature*s.g0 {
		return accept
	}
	if s.second == 0 && f <= bound && g >= 0 {
		s.second = 1
	}
	if int(s.trials) >= most || s.bracketed == 1 && (s.step <= s.lo || s.step >= s.hi || s.hi-s.lo <= narrow*s.hi) {
		if f <= bound && f < s.f0 {
			return accept
		}
		return failed
	}
	if s.second == 0 && f <= s.fx && f > bound {
		// The trial is better than the best, but not good enough: look for a minimiser of the function that measures that.
		m := *s
		m.fx, m.gx = s.fx-float64(s.x*slope), s.gx-slope
		m.fy, m.gy = s.fy-float64(s.y*slope), s.gy-slope
		m.move(f-float64(s.step*slope), g-slope)
		m.fx, m.gx = m.fx+float64(m.x*slope), m.gx+slope
		m.fy, m.gy = m.fy+float64(m.y*slope), m.gy+slope
		*s = m
	} else {
		s.move(f, g)
	}
	if s.bracketed == 1 {
		w := math.Abs(s.y - s.x)
		if w >= shrink*s.before {
			s.step = s.x + 0.5*(s.y-s.x)
		}
		s.before, s.width = s.width, w
		s.lo, s.hi = min(s.x, s.y), max(s.x, s.y)
	} else {
		s.lo = s.step + growLeast*(s.step-s.x)
		s.hi = s.step + growMost*(s.step-s.x)
	}
	if s.step >= s.top { // nothing is known there but that there is nothing
		s.step = s.x + 0.5*(s.top-s.x)
	}
	if s.bracketed == 1 && (s.step <= s.lo || s.step >= s.hi || s.hi-s.lo <= narrow*s.hi) {
		s.step = s.x // the best is the last to be tried
		if s.step == 0 {
			return failed
		}
	}
	return goOn
}

// move updates the interval and the step by the trial's value and slope: section 4 of the article, by its four cases.
func (s *search) move(f, g float64) {
	t := s.step
	agree := g * math.Copysign(1, s.gx) // negative: the slopes have opposite signs, and a minimiser lies between
	var next float64
	switch {
	case f > s.fx: // 1: higher. The minimiser of the cubic through both, if it lies nearer to the best than that of the quadratic
		c := cubic(s.x, s.fx, s.gx, t, f, g, t < s.x)
		q := s.x + 0.5*(s.gx/((s.fx-f)/(t-s.x)+s.gx))*(t-s.x)
		next = c
		if math.Abs(c-s.x) >= math.Abs(q-s.x) {
			next = c + 0.5*(q-c)
		}
		s.bracketed = 1
	case agree < 0: // 2: lower, and beyond the minimiser. The cubic's or the secant's minimiser, whichever is farther from the trial
		c, q := cubic(t, f, g, s.x, s.fx, s.gx, t > s.x), secant(t, g, s.x, s.gx)
		next = q
		if math.Abs(c-t) > math.Abs(q-t) {
			next = c
		}
		s.bracketed = 1
	case math.Abs(g) < math.Abs(s.gx): // 3: lower, and less steep. The cubic may have no minimiser in this direction
		c, q := beyond(s, f, g), secant(t, g, s.x, s.gx)
		if s.bracketed == 1 {
			next = q
			if math.Abs(c-t) < math.Abs(q-t) {
				next = c
			}
			limit := t + shrink*(s.y-t)
			if t > s.x {
				next = min(limit, next)
			} else {
				next = max(limit, next)
			}
		} else {
			next = q
			if math.Abs(c-t) > math.Abs(q-t) {
				next = c
			}
			next = min(max(next, s.lo), s.hi)
		}
	case s.bracketed == 1: // 4: lower, and as steep: the minimiser lies between the trial and the other end
		next = cubic(t, f, g, s.y, s.fy, s.gy, t > s.y)
	case t > s.x:
		next = s.hi
	default:
		next = s.lo
	}
	if f > s.fx {
		s.y, s.fy, s.gy = t, f, g
	} else {
		if agree < 0 {
			s.y, s.fy, s.gy = s.x, s.fx, s.gx
		}
		s.x, s.fx, s.gx = t, f, g
	}
	s.step = next
}

// cubic is the minimiser of the cubic with values fa, fb and slopes ga, gb at a and b; flip chooses the sign of the root.
func cubic(a, fa, ga, b, fb, gb float64, flip bool) float64 {
	theta := 3*(fa-fb)/(b-a) + ga + gb
	n := max(math.Abs(theta), math.Abs(ga), math.Abs(gb))
	gamma := n * math.Sqrt(max(0, (theta/n)*(theta/n)-(ga/n)*(gb/n)))
	if flip {
		gamma = -gamma
	}
	p := (gamma - ga) + theta
	q := ((gamma - ga) + gamma) + gb
	return a + p/q*(b-a)
}

// secant is where the line through the slopes ga at a and gb at b is 0.
func secant(a, ga, b, gb float64) float64 { return a + ga/(ga-gb)*(b-a) }

// beyond is case 3's cubic: its minimiser if it goes to infinity in the direction of the step or its minimiser lies beyond the
// trial, else the bound on that side.
func beyond(s *search, f, g float64) float64 {
	t := s.step
	theta := 3*(s.fx-f)/(t-s.x) + s.gx + g
	n := max(math.Abs(theta), math.Abs(s.gx), math.Abs(g))
	gamma := n * math.Sqrt(max(0, (theta/n)*(theta/n)-(s.gx/n)*(g/n)))
	if t > s.x {
		gamma = -gamma
	}
	p := (gamma - g) + theta
	q := (gamma + (s.gx - g)) + gamma
	r := p / q
	switch {
	case r < 0 && gamma != 0:
		return t + r*(s.x-t)
	case t > s.x:
		return s.hi
	}
	return s.lo
}
