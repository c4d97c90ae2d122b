package rng

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

func ExampleStream() {
	x := make([]float64, 4)
	New(42, "example/noise").At(7, 3, 0).Normals(x)
	fmt.Println(x[2] == New(42, "example/noise").At(7, 3, 0).Normal(2))
	// Output: true
}

// One element at a time, in bulk of any length, in float64 and in float32: the same numbers.
func TestBulkEqualsSingle(t *testing.T) {
	s := New(9, "bulk").At(1, 2, 3)
	for _, n := range []int{0, 1, 2, 3, 7, 64, 129, 1000} {
		u, x, f := make([]float64, n), make([]float64, n), make([]float32, n)
		s.Uniforms(u)
		s.Normals(x)
		s.Normals32(f)
		for i := range n {
			if u[i] != s.Uniform(i) {
				t.Fatalf("n = %d: uniform %d is %v in bulk, %v alone", n, i, u[i], s.Uniform(i))
			}
			if x[i] != s.Normal(i) {
				t.Fatalf("n = %d: normal %d is %v in bulk, %v alone", n, i, x[i], s.Normal(i))
			}
			if f[i] != float32(x[i]) {
				t.Fatalf("n = %d: float32 normal %d is %v, float64 is %v", n, i, f[i], x[i])
			}
		}
	}
}

// Uniforms and normals against their definition in the package comment, with the standard library's functions.
func TestDefinition(t *testing.T) {
	s := New(5, "definition").At(11, 12, 13)
	for k := range uint32(2000) {
		w := s.Block(k)
		ua := math.Ldexp(float64((uint64(w[1])<<32|uint64(w[0]))>>11), -53)
		ub := math.Ldexp(float64((uint64(w[3])<<32|uint64(w[2]))>>11), -53)
		if g0, g1 := s.Uniform(int(2*k)), s.Uniform(int(2*k+1)); g0 != ua || g1 != ub {
			t.Fatalf("block %d: uniforms %v %v, want %v %v", k, g0, g1, ua, ub)
		}
		r := math.Sqrt(-2 * math.Log(ua+0x1p-53))
		sin, cos := math.Sincos(2 * math.Pi * ub)
		// 2 pi ub is rounded here (absolute error 4e-16), hence an absolute tolerance.
		if d := math.Abs(s.Normal(int(2*k)) - r*cos); d > 1e-15*(1+r) {
			t.Errorf("block %d: normal %v, want %v", k, s.Normal(int(2*k)), r*cos)
		}
		if d := math.Abs(s.Normal(int(2*k+1)) - r*sin); d > 1e-15*(1+r) {
			t.Errorf("block %d: normal %v, want %v", k, s.Normal(int(2*k+1)), r*sin)
		}
	}
}

func TestPermIsAPermutation(t *testing.T) {
	s := New(3, "perm")
	for _, n := range []int{0, 1, 2, 50, 1000} {
		p := s.At(4, 0, 0).Perm(n)
		if again := s.At(4, 0, 0).Perm(n); !slices.Equal(p, again) {
			t.Errorf("Perm(%d) is not repeatable", n)
		}
		slices.Sort(p)
		for i, v := range p {
			if v != i {
				t.Fatalf("Perm(%d) is no permutation: sorted element %d is %d", n, i, v)
			}
		}
	}
}

// All 24 orders of 4 are equally frequent over 24 000 epochs: chi-square with 23 degrees of freedom, 0.999 quantile 49.7.
func TestPermIsUniform(t *testing.T) {
	const epochs = 24000
	count := map[[4]int]int{}
	for e := range uint32(epochs) {
		count[[4]int(New(1, "perm/uniform").At(e, 0, 0).Perm(4))]++
	}
	chi := float64((24 - len(count)) * epochs / 24)
	for _, k := range count {
		d := float64(k) - epochs/24
		chi += d * d / (epochs / 24)
	}
	if chi > 49.7 {
		t.Errorf("chi-square %.1f over %d orders, 0.999 quantile 49.7", chi, len(count))
	}
}

// Intn with n = 3/8 of 2^64: eight words fall on three values as 3, 3 and 2, so that without rejection (of one word in
// four), or with a broken retry, the residues modulo 3 are not equally frequent.
func TestIntnIsUnbiased(t *testing.T) {
	const n, draws = 3 << 61, 30000
	var count [3]float64
	for i := range draws {
		v := New(2, "intn").At(0, 0, 0).Intn(i, n)
		if v < 0 || v >= n {
			t.Fatalf("Intn(%d) = %d", n, v)
		}
		count[v%3]++
	}
	for i, k := range count {
		if z := (k - draws/3) / math.Sqrt(draws*2./9); math.Abs(z) > 4 {
			t.Errorf("residue %d has %v of %d, %.1f standard deviations off", i, k, draws, z)
		}
	}
	for i := range 100 {
		if v := New(2, "intn").At(0, 0, 0).Intn(i, 1); v != 0 {
			t.Fatalf("Intn of 1 is %d", v)
		}
	}
}

func TestPanics(t *testing.T) {
	s := New(1, "panics").At(0, 0, 0)
	for name, c := range map[string]struct {
		f    func()
		want string
	}{
		"negative normal":  {func() { s.Normal(-1) }, "rng: element -1, must be in [0, 2^33)"},
		"uniform too far":  {func() { s.Uniform(Elements) }, "rng: element 8589934592, must be in [0, 2^33)"},
		"n of zero":        {func() { s.Intn(0, 0) }, "rng: Intn of n = 0, must be positive"},
		"negative element": {func() { s.Intn(-1, 5) }, "rng: Intn of element -1, must be in [0, 2^32)"},
	} {
		func() {
			defer func() {
				if got := recover(); got != c.want {
					t.Errorf("%s: panics with %v, want %q", name, got, c.want)
				}
			}()
			c.f()
		}()
	}
	s.Normal(Elements - 1) // the last one exists
}
