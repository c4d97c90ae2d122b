package figure

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
)

// Axis is one axis of a panel. The zero value is a linear axis with the range of the data.
type Axis struct {
	Label    string   // what it is
	Unit     string   // put after the label in brackets; "" none
	Log      bool     // logarithmic; values that are not positive are left out
	Min, Max float64  // range; both 0: from the data with a margin. One of them may be NaN: that end from the data
	Flip     bool     // grows to the left, or downwards
	Names    []string // categories at 0, 1, 2, ... instead of numbers
	Hide     bool     // no ticks, no label
}

// scale maps data to 0..1 along an axis.
type scale struct {
	lo, hi    float64
	log, flip bool
}

func (s scale) norm(v float64) float64 {
	lo, hi := s.lo, s.hi
	if s.log {
		v, lo, hi = math.Log10(v), math.Log10(lo), math.Log10(hi)
	}
	t := (v - lo) / (hi - lo)
	if s.flip {
		t = 1 - t
	}
	return t
}

func (s scale) ok(v float64) bool {
	return !math.IsNaN(v) && !math.IsInf(v, 0) && (!s.log || v > 0)
}

// tick is a mark on an axis; exp is drawn raised after text.
type tick struct {
	at        float64
	text, exp string
	minor     bool
}

func (t tick) width() vg.Length {
	return textWidth(tickText, t.text) + textWidth(smallText, t.exp)
}

// ticks gives at most about n labelled marks in the range, and the power of ten that the labels are to be multiplied by.
func (s scale) ticks(n int) (ts []tick, pow int) {
	n = max(n, 2)
	if s.log {
		return s.logTicks(n), 0
	}
	span := s.hi - s.lo
	if !(span > 0) || math.IsInf(span, 0) {
		return nil, 0
	}
	step := niceStep(span / float64(n))
	first := math.Ceil(s.lo/step - 1e-9)
	big := max(math.Abs(s.lo), math.Abs(s.hi))
	if e := int(math.Floor(math.Log10(big) + 1e-9)); e >= 5 || e <= -4 {
		pow = e
		if e > 0 {
			pow = e / 3 * 3
		}
	}
	digits := max(0, -int(math.Floor(math.Log10(step)+1e-9))+pow)
	if k := math.Pow(10, float64(digits-pow)) * step; math.Abs(k-math.Round(k)) > 1e-6*k { // 2.5 needs one more
		digits++
	}
	for k := first; ; k++ {
		v := k * step
		if v > s.hi+1e-9*step || len(ts) > 100 {
			return ts, pow
		}
		txt := strconv.FormatFloat(v/math.Pow(10, float64(pow)), 'f', digits, 64)
		if strings.Trim(txt, "-0.") == "" {
			txt = "0"
		}
		ts = append(ts, tick{at: v, text: minus(txt)})
	}
}

func (s scale) logTicks(n int) []tick {
	lo, hi := math.Log10(s.lo), math.Log10(s.hi)
	d0, d1 := int(math.Ceil(lo-1e-9)), int(math.Floor(hi+1e-9))
	every := max(1, int(math.Ceil(float64(d1-d0+1)/float64(n))))
	var ts []tick
	labelled := 0
	plain := d0 >= -3 && d1 <= 4
	for d := int(math.Floor(lo)); d <= d1; d++ {
		base := math.Pow(10, float64(d))
		for m := 1; m < 10; m++ {
			v := float64(m) * base
			if math.Log10(v) < lo-1e-9 || math.Log10(v) > hi+1e-9 {
				continue
			}
			if m > 1 && d1-d0 > 6 {
				continue
			}
			t := tick{at: v, minor: true}
			few := d1-d0 < 2 && hi-lo < 1.5 && (m == 2 || m == 5)
			if m == 1 && (d-d0)%every == 0 || few {
				t.minor = false
				labelled++
				if plain {
					t.text = strconv.FormatFloat(v, 'f', max(0, -d), 64)
				} else if m == 1 {
					t.text, t.exp = "10", minus(strconv.Itoa(d))
				} else {
					t.text, t.exp = fmt.Sprintf("%d·10", m), minus(strconv.Itoa(d))
				}
			}
			ts = append(ts, t)
		}
	}
	if labelled < 2 { // less than a decade: label as on a linear axis
		lin, _ := scale{lo: s.lo, hi: s.hi}.ticks(n)
		return lin
	}
	return ts
}

// niceStep is the smallest of 1, 2, 2.5, 5 times a power of ten that is not below v.
func niceStep(v float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 2.5, 5} {
		if m*p >= v*(1-1e-9) {
			return m * p
		}
	}
	return 10 * p
}

// minus puts the typographic sign for the hyphen.
func minus(s string) string { return strings.Replace(s, "-", "−", 1) }

// axisLabel joins label, power and unit.
func axisLabel(label, unit string, pow int) (text, exp, rest string) {
	if pow == 0 {
		if unit != "" {
			label += " (" + unit + ")"
		}
		return strings.TrimSpace(label), "", ""
	}
	rest = ")"
	if unit != "" {
		rest = " " + unit + ")"
	}
	return strings.TrimSpace(label + " (×10"), minus(strconv.Itoa(pow)), rest
}

// extent is the range of the data of a panel.
type extent struct {
	x0, x1, y0, y1 float64
	logX, logY     bool
	dropped        int  // values left out
	zero           bool // something stands on y = 0
	exact          bool // no margin around the data (heat maps)
	nonPositive    bool // some were left out for being <= 0 on a logarithmic axis
}

func newExtent(logX, logY bool) *extent {
	inf := math.Inf(1)
	return &extent{x0: inf, x1: -inf, y0: inf, y1: -inf, logX: logX, logY: logY}
}

func (e *extent) okX(x float64) bool { return scale{log: e.logX}.ok(x) }
func (e *extent) okY(y float64) bool { return scale{log: e.logY}.ok(y) }

// add widens the extent by a point, or counts it as dropped.
func (e *extent) add(x, y float64) {
	if !e.okX(x) || !e.okY(y) {
		e.drop(x, y)
		return
	}
	e.x0, e.x1 = min(e.x0, x), max(e.x1, x)
	e.y0, e.y1 = min(e.y0, y), max(e.y1, y)
}

func (e *extent) drop(vs ...float64) {
	e.dropped++
	finite := true
	for _, v := range vs {
		finite = finite && scale{}.ok(v)
	}
	e.nonPositive = e.nonPositive || finite
}

func (e *extent) addY(y float64) {
	if e.okY(y) {
		e.y0, e.y1 = min(e.y0, y), max(e.y1, y)
	}
}

func (e *extent) addX(x float64) {
	if e.okX(x) {
		e.x0, e.x1 = min(e.x0, x), max(e.x1, x)
	}
}

// rangeOf resolves an axis against data limits.
func rangeOf(a Axis, lo, hi float64, zero, exact bool) (scale, error) {
	s := scale{log: a.Log, flip: a.Flip}
	if !(lo <= hi) { // no data
		lo, hi = 0, 1
		if a.Log {
			lo, hi = 1, 10
		}
	}
	lo, hi = min(max(lo, -1e300), 1e300), max(min(hi, 1e300), -1e300) // so that differences stay finite
	dlo, dhi := lo, hi
	switch {
	case a.Names != nil:
		lo, hi = -0.6, float64(len(a.Names))-0.4
	case a.Log:
		if hi/lo < 1.0001 {
			lo, hi = lo/2, hi*2
		} else if !exact {
			m := math.Pow(hi/lo, 0.04)
			lo, hi = lo/m, hi*m
		}
		lo, hi = max(lo, 1e-300), min(hi, 1e300)
	default:
		if hi-lo <= 1e-12*max(math.Abs(lo), math.Abs(hi)) {
			d := 0.5 * max(math.Abs(lo), 1e-3)
			if lo == 0 {
				d = 0.5
			}
			lo, hi = lo-d, hi+d
		} else if !exact {
			m := 0.04 * (hi - lo)
			lo, hi = lo-m, hi+m
		}
		if zero && dlo >= 0 {
			lo = 0
		}
		if zero && dhi <= 0 {
			hi = 0
		}
	}
	if a.Min != 0 || a.Max != 0 {
		if !math.IsNaN(a.Min) {
			lo = a.Min
		}
		if !math.IsNaN(a.Max) {
			hi = a.Max
		}
		if !(lo < hi) || math.IsInf(hi-lo, 0) || a.Log && lo <= 0 {
			return s, fmt.Errorf("axis %q: range %g to %g is not one (minimum below maximum, above 0 on a logarithmic axis)", a.Label, lo, hi)
		}
	}
	s.lo, s.hi = lo, hi
	return s, nil
}
