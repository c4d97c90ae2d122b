package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// number writes v with so many significant digits (0: 3): plain between 0.001 and a million, else with a power of ten.
// Whole numbers below a million keep all their digits.
func number(v float64, digits int) string {
	if digits <= 0 {
		digits = 3
	}
	a := math.Abs(v)
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 0):
		return strings.Replace(strings.Replace(strconv.FormatFloat(v, 'g', -1, 64), "Inf", "∞", 1), "-", "−", 1)
	case v == 0:
		return "0"
	case v == math.Trunc(v) && a < 1e6:
		return minus(strconv.FormatFloat(v, 'f', 0, 64))
	case a < 0.9995e-3 || a >= 1e6:
		m, e, _ := strings.Cut(strconv.FormatFloat(v, 'e', digits-1, 64), "e")
		n, _ := strconv.Atoi(e)
		return minus(m) + "·10" + superscript(n)
	}
	return minus(strconv.FormatFloat(v, 'f', decimals(a, digits), 64))
}

// decimals is the number of places after the point that shows so many significant digits of a > 0.
func decimals(a float64, digits int) int {
	e, _ := strconv.Atoi(strings.SplitN(strconv.FormatFloat(a, 'e', digits-1, 64), "e", 2)[1])
	return max(0, digits-1-e)
}

func minus(s string) string { return strings.Replace(s, "-", "−", 1) }

func superscript(n int) string {
	return strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷",
		"8", "⁸", "9", "⁹").Replace(strconv.Itoa(n))
}

// interval writes [low, high] with as many places as v has.
func interval(v, low, high float64, digits int) string {
	if math.IsNaN(low) || math.IsNaN(high) {
		return ""
	}
	one := func(x float64) string {
		a := math.Abs(v)
		if v == 0 || a < 0.9995e-3 || a >= 1e6 || math.IsInf(x, 0) || math.IsNaN(v) || math.IsInf(v, 0) || v == math.Trunc(v) {
			return number(x, digits)
		}
		if x == 0 {
			return "0"
		}
		return minus(strconv.FormatFloat(x, 'f', decimals(a, max(digits, 1)), 64))
	}
	return "[" + one(low) + ", " + one(high) + "]"
}

// duration writes a time with a sensible unit.
func duration(d time.Duration) string {
	s := d.Seconds()
	switch {
	case s < 0:
		return "−" + duration(-d)
	case s == 0:
		return "0 s"
	case s < 1e-3:
		return number(s*1e6, 3) + " µs"
	case s < 1:
		return number(s*1e3, 3) + " ms"
	case s < 59.95:
		return number(s, 3) + " s"
	case s < 3599.5:
		m := int(math.Round(s))
		return fmt.Sprintf("%d min %02d s", m/60, m%60)
	}
	m := int(math.Round(s / 60))
	return fmt.Sprintf("%d h %02d min", m/60, m%60)
}

// quantity writes a cost in its unit.
func quantity(v float64, unit string) string {
	switch unit {
	case "s":
		if math.Abs(v) < 1e9 { // also false for NaN
			return duration(time.Duration(v * float64(time.Second)))
		}
	case "B":
		for _, u := range []struct {
			name string
			size float64
		}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
			if math.Abs(v) >= u.size {
				return number(v/u.size, 3) + " " + u.name
			}
		}
	}
	if v == math.Trunc(v) && math.Abs(v) >= 1e4 && math.Abs(v) < 1e15 {
		return strings.TrimSpace(grouped(v) + " " + unit)
	}
	return strings.TrimSpace(number(v, 3) + " " + unit)
}

// grouped writes a whole number with thin spaces between thousands.
func grouped(v float64) string {
	s := strconv.FormatFloat(math.Abs(v), 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	if v < 0 {
		s = "−" + s
	}
	return s
}
