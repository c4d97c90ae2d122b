package marchtest

import (
	"math"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/waveprior/waveprior/cuda"
)

// Must ends the test on an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Ricker samples (1 - 2 b) exp(-b), b = (pi f (t - delay))^2, at t = 0, dt, ... (s; f in Hz).
func Ricker(n int, dt, f, delay float64) []float64 {
	q := make([]float64, n)
	for k := range q {
		b := math.Pow(math.Pi*f*(float64(k)*dt-delay), 2)
		q[k] = (1 - 2*b) * math.Exp(-b)
	}
	return q
}

// Draws are random numbers.
type Draws struct{ *rand.Rand }

// Seeded draws from a seed that a failure names.
func Seeded(t testing.TB) Draws {
	seed := rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return From(seed)
}

// From draws from a seed.
func From(seed uint64) Draws { return Draws{rand.New(rand.NewPCG(seed, 1))} }

// Normals are n normal numbers of that standard deviation.
func Normals[T cuda.Float](r Draws, n int, std float64) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T(std * r.NormFloat64())
	}
	return x
}

// Doubles are the same numbers in float64.
func Doubles[T cuda.Float](x []T) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// CPUTime is what this process has used, in seconds: on a machine that is shared it says more than the clock.
func CPUTime(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	Must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// Benchmark times a call for model m on a plan that has steps over so many nodes to do, of all shots: Forward, or Gradient, which is
// then told in forward runs, too. ms/item is the time of a model, Gcell/s counts nodes and forward steps.
func Benchmark[T cuda.Float](b *testing.B, p Plan[T], m []T, cells float64, gradient bool) {
	b.Helper()
	data, observed, g := make([]T, p.Data()), make([]T, p.Data()), make([]float64, p.Nodes())
	forward := func() { Must(b, p.Forward(m, data)) }
	run := forward
	if gradient {
		run = func() { Must(b, p.Gradient(m, observed, []int{0}, data, g)) }
	}
	run() // takes the memory
	spent := CPUTime(b)
	if gradient { // what it is measured by, in the same minute
		forward()
		spent = CPUTime(b) - spent
	}
	before := CPUTime(b)
	for b.Loop() {
		run()
	}
	used := (CPUTime(b) - before) / float64(b.N)
	per := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(per*1e3, "ms/item")
	b.ReportMetric(cells/per/1e9, "Gcell/s")
	b.ReportMetric(used*1e3, "cpu-ms/item")
	b.ReportMetric(cells/used/1e9, "Gcell/cpu-s")
	if gradient {
		b.ReportMetric(used/spent, "forwards")
	}
}
