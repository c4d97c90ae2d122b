package report

import (
	"math"
	"testing"
	"time"
)

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		v      float64
		digits int
		want   string
	}{
		{0, 3, "0"}, {math.Copysign(0, -1), 3, "0"}, {1, 3, "1"}, {-3, 2, "−3"}, {123456, 3, "123456"}, {0.885, 3, "0.885"}, {0.0284712, 3, "0.0285"},
		{0.99961, 3, "1.00"}, {9.996, 3, "10.0"}, {1234.5, 3, "1234"}, {3.2e-7, 2, "3.2·10⁻⁷"}, {-1.5e12, 2, "−1.5·10¹²"}, {1e6, 1, "1·10⁶"},
		{0.00099999, 3, "0.00100"}, {math.NaN(), 3, "NaN"}, {math.Inf(-1), 3, "−∞"}, {0.5, 0, "0.500"}, {12.3456, 4, "12.35"},
	} {
		if got := number(c.v, c.digits); got != c.want {
			t.Errorf("number(%g, %d) = %q, want %q", c.v, c.digits, got, c.want)
		}
	}
}

func TestInterval(t *testing.T) {
	for _, c := range []struct {
		v, lo, hi float64
		want      string
	}{
		{0.885, 0.8312, 0.92, "[0.831, 0.920]"}, {0.5, 0, 1, "[0, 1.000]"}, {12.34, -1, 25.06, "[−1.0, 25.1]"}, {1, 0.9812, 1, "[0.981, 1]"},
		{0.2, math.NaN(), 1, ""}, {2e-5, 1e-5, 3e-5, "[1.00·10⁻⁵, 3.00·10⁻⁵]"},
	} {
		if got := interval(c.v, c.lo, c.hi, 3); got != c.want {
			t.Errorf("interval(%g, %g, %g) = %q, want %q", c.v, c.lo, c.hi, got, c.want)
		}
	}
}

func TestQuantity(t *testing.T) {
	for _, c := range []struct {
		v    float64
		unit string
		want string
	}{
		{83.2, "s", "1 min 23 s"}, {59.97, "s", "1 min 00 s"}, {3599.6, "s", "1 h 00 min"}, {7260, "s", "2 h 01 min"}, {0.0123, "s", "12.3 ms"}, {4.2e-5, "s", "42 µs"}, {0, "s", "0 s"},
		{312 << 20, "B", "312 MiB"}, {1536, "B", "1.50 KiB"}, {12, "B", "12 B"}, {1254400, "", "1\u202f254\u202f400"}, {999, "", "999"}, {10000, "solves", "10\u202f000 solves"},
		{math.NaN(), "s", "NaN s"},
	} {
		if got := quantity(c.v, c.unit); got != c.want {
			t.Errorf("quantity(%g, %q) = %q, want %q", c.v, c.unit, got, c.want)
		}
	}
	if got := duration(-2 * time.Second); got != "−2 s" {
		t.Errorf("duration(-2 s) = %q", got)
	}
}

func TestBest(t *testing.T) {
	rows := []map[string]float64{{"a": 1.2}, {"a": 0.7}, {}, {"a": math.NaN()}, {"a": 0.95}}
	for _, c := range []struct {
		better string
		target float64
		want   int
	}{{"lower", 0, 1}, {"higher", 0, 0}, {"target", 1, 4}} {
		got := best(Column{Key: "a", Better: c.better, Target: c.target}, rows)
		if len(got) != 1 || got[0] != c.want {
			t.Errorf("best %s: rows %v, want [%d]", c.better, got, c.want)
		}
	}
	for name, rows := range map[string][]map[string]float64{"one value": {{"a": 1}, {}}, "all equal": {{"a": 1}, {"a": 1}}, "none": {{}, {}}} {
		if got := best(Column{Key: "a", Better: "lower"}, rows); got != nil {
			t.Errorf("%s: rows %v marked", name, got)
		}
	}
}

func TestDocFor(t *testing.T) {
	docs := map[string]string{"a.rate_*": "rate", "a.rate_*_low": "low", "a.rate_null": "null"}
	for key, want := range map[string]string{"a.rate_0.5": "rate", "a.rate_0.5_low": "low", "a.rate_null": "null", "a.rat": "", "b": ""} {
		if got := docFor(key, docs); got != want {
			t.Errorf("docFor(%q) = %q, want %q", key, got, want)
		}
	}
}
