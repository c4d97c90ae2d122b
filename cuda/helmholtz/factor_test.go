package helmholtz_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/helmholtz"
)

// isas runs f at each instruction set of this processor.
func isas(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	before := cuda.ISA()
	for _, isa := range []int{3, 4} {
		t.Run(fmt.Sprintf("v%d", isa), func(t *testing.T) {
			if err := cuda.SetISA(isa); err != nil {
				t.Skip(err)
			}
			defer func() {
				if err := cuda.SetISA(before); err != nil {
					t.Fatal(err)
				}
			}()
			f(t)
		})
	}
}

// TestSolve compares solutions with Gauss' elimination of the full matrix in double precision.
func TestSolve(t *testing.T) {
	grids := [][2]int{{1, 1}, {1, 2}, {2, 1}, {1, 9}, {9, 1}, {1, 150}, {7, 5}, {8, 8}, {9, 9}, {3, 70}, {33, 40}, {40, 17}}
	isas(t, func(t *testing.T) {
		for i, g := range grids {
			for _, nine := range []bool{false, true} {
				seed := uint64(i)
				r := rand.New(rand.NewPCG(seed, 3))
				m := random(r, g[0], g[1], nine)
				n := g[0] * g[1]
				const count = 3
				b := normals(r, count*n)
				rows := make([][]complex128, n)
				for i := range rows {
					rows[i] = []complex128{b[i], b[n+i], b[2*n+i]}
				}
				solveDense(dense(m), rows)
				want := make([]complex128, count*n)
				for i := range rows {
					for k := range count {
						want[k*n+i] = rows[i][k]
					}
				}
				for precision, tolerance := range map[helmholtz.Precision]float64{helmholtz.Single: 3e-4, helmholtz.Double: 1e-11} {
					x := append([]complex128(nil), b...)
					if err := newFactor(t, m, precision).Solve(x, count); err != nil {
						t.Fatal(err)
					}
					if e := difference(x, want); !(e < tolerance) {
						t.Errorf("grid %v, nine points %v, %v, seed %d: error %.2g, allowed %.2g", g, nine, precision, seed, e, tolerance)
					}
				}
			}
		}
	})
}

// TestApply compares the stencil with the full matrix.
func TestApply(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, nine := range []bool{false, true} {
		m := random(r, 7, 5, nine)
		x, y := normals(r, 2*35), make([]complex128, 2*35)
		if err := m.Apply(y, x, 2); err != nil {
			t.Fatal(err)
		}
		want := make([]complex128, 2*35)
		for i, row := range dense(m) {
			for j, v := range row {
				want[i] += v * x[j]
				want[35+i] += v * x[35+j]
			}
		}
		if e := difference(y, want); !(e < 1e-14) {
			t.Errorf("nine points %v: error %.2g", nine, e)
		}
	}
}

// residual returns |b - m x| / |b|.
func residual(t testing.TB, m *helmholtz.Matrix, b, x []complex128, count int) float64 {
	t.Helper()
	y := make([]complex128, len(x))
	if err := m.Apply(y, x, count); err != nil {
		t.Fatal(err)
	}
	return difference(y, b)
}

// TestHelmholtz bounds residuals on wave problems: the study's, the published one, coarse ones (2 km/s at 5 and 4
// points per wavelength), and one without absorbing layers (real, indefinite, near resonances). One step of refinement
// must bring single precision to what the next column says.
func TestHelmholtz(t *testing.T) {
	coarse := func(points float64) wave {
		w := study(130)
		w.frequency = 2 / (points * w.spacing)
		return w
	}
	closed := study(97)
	closed.sigma = 0
	for _, c := range []struct {
		name                    string
		wave                    wave
		single, refined, double float64
	}{
		{"study", study(84), 1e-5, 1e-8, 1e-12},
		{"published", published(), 1e-4, 1e-7, 1e-12},
		{"5 points", coarse(5), 1e-2, 1e-4, 1e-11},
		{"4 points", coarse(4), 1e-2, 1e-4, 1e-11},
		{"closed", closed, 1e-2, 1e-4, 1e-10},
	} {
		for _, nine := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/nine=%v", c.name, nine), func(t *testing.T) {
				m := c.wave.matrix(nine)
				n := c.wave.nz * c.wave.nx
				const count = 5
				b := make([]complex128, count*n)
				for k := range count {
					b[k*n+(n*(2*k+1)/(2*count))] = 1000
				}
				x := append([]complex128(nil), b...)
				f := newFactor(t, m, helmholtz.Single)
				if err := f.Solve(x, count); err != nil {
					t.Fatal(err)
				}
				single := residual(t, m, b, x, count)
				if err := f.Refine(m, b, x, count, 1); err != nil {
					t.Fatal(err)
				}
				refined := residual(t, m, b, x, count)
				y := append([]complex128(nil), b...)
				if err := newFactor(t, m, helmholtz.Double).Solve(y, count); err != nil {
					t.Fatal(err)
				}
				double := residual(t, m, b, y, count)
				t.Logf("residuals: single %.1e, refined %.1e, double %.1e; single against double %.1e", single, refined, double,
					difference(x, y))
				if !(single < c.single) || !(refined < c.refined) || !(double < c.double) {
					t.Errorf("residuals %.1e, %.1e, %.1e, allowed %.1e, %.1e, %.1e", single, refined, double, c.single, c.refined, c.double)
				}
			})
		}
	}
}

// TestBumps factorises media of 16 wavelengths a side, where some sub-rectangle is always nearly resonant: single
// precision must see them (some bump in every seed here), and hold its residual all the same. Without corrections the
// residuals of these seeds are up to 0.3, and do not fall by refinement.
func TestBumps(t *testing.T) {
	const n = 260
	for _, seed := range []uint64{1, 3, 6} {
		w := study(n)
		w.seed = seed
		m := w.matrix(false)
		const count = 3
		b := normals(rand.New(rand.NewPCG(seed, 0)), count*n*n)
		for i := range b[:n*n] { // one is a point source
			b[i] = 0
		}
		b[n*n/3] = 1
		f := newFactor(t, m, helmholtz.Single)
		if f.Bumps() == 0 {
			t.Errorf("seed %d: no bump", seed)
		}
		x := append([]complex128(nil), b...)
		if err := f.Solve(x, count); err != nil {
			t.Fatal(err)
		}
		first := residual(t, m, b[:n*n], x[:n*n], 1)
		all := residual(t, m, b, x, count)
		if err := f.Refine(m, b, x, count, 1); err != nil {
			t.Fatal(err)
		}
		refined := residual(t, m, b, x, count)
		t.Logf("seed %d: %d bumps, residuals %.1e and %.1e, refined %.1e", seed, f.Bumps(), first, all, refined)
		if !(first < 5e-4) || !(all < 5e-4) || !(refined < 1e-6) {
			t.Errorf("seed %d: residuals %.1e, %.1e, refined %.1e", seed, first, all, refined)
		}
	}
}

// TestSameBits solves one system in many ways: with other right-hand sides beside it, in another order, through complex64,
// on other goroutines, with either instruction set. All must give the same bits.
func TestSameBits(t *testing.T) {
	w := study(150) // its single-precision factorisation has bumps, those of seed 1
	w.nz = 131
	m := w.matrix(false)
	n := w.nz * w.nx
	const count = 21
	r := rand.New(rand.NewPCG(11, 1))
	b := make([]complex64, count*n)
	for k := range count {
		for range 1 + k%3 {
			b[k*n+r.IntN(n)] = complex(float32(r.NormFloat64()), 1)
		}
	}
	for _, precision := range []helmholtz.Precision{helmholtz.Single, helmholtz.Double} {
		want := append([]complex64(nil), b...)
		reference := newFactor(t, m, precision)
		if err := reference.SolveSingle(want, count); err != nil {
			t.Fatal(err)
		}
		if (reference.Bumps() > 0) != (precision == helmholtz.Single) {
			t.Errorf("%v: %d bumps", precision, reference.Bumps())
		}
		same := func(what string, got []complex64, first int) {
			t.Helper()
			for i, v := range got {
				if v != want[first*n+i] {
					t.Fatalf("%v, %s: vector %d differs at node %d: %v and %v", precision, what, first+i/n, i%n, v, want[first*n+i])
				}
			}
		}
		isas(t, func(t *testing.T) {
			f := newFactor(t, m, precision)
			for _, some := range []int{1, 2, 3, 5, 8, 13, 16, 17, 21} {
				first := (count - some) / 2
				x := append([]complex64(nil), b[first*n:(first+some)*n]...)
				if err := f.SolveSingle(x, some); err != nil {
					t.Fatal(err)
				}
				same(fmt.Sprintf("%d vectors", some), x, first)
			}
			wide := make([]complex128, count*n)
			for i, v := range b {
				wide[i] = complex128(v)
			}
			if err := f.Solve(wide, count); err != nil {
				t.Fatal(err)
			}
			narrow := make([]complex64, len(wide))
			for i, v := range wide {
				narrow[i] = complex64(v)
			}
			same("complex128", narrow, 0)
			var wait sync.WaitGroup
			results := make([][]complex64, 4)
			for g := range results {
				f := newFactor(t, m, precision)
				results[g] = append([]complex64(nil), b...)
				wait.Add(1)
				go func() {
					defer wait.Done()
					if err := f.Factorise(m); err != nil {
						t.Error(err)
					}
					if err := f.SolveSingle(results[g], count); err != nil {
						t.Error(err)
					}
				}()
			}
			wait.Wait()
			for _, x := range results {
				same("goroutines", x, 0)
			}
		})
	}
}

// TestScaling multiplies matrix and right-hand sides by powers of two far out of float32's range.
func TestScaling(t *testing.T) {
	m := study(40).matrix(false)
	n := 40 * 40
	b := make([]complex128, 2*n)
	b[n/2], b[n+7] = 1, complex(0, -2)
	want := append([]complex128(nil), b...)
	if err := newFactor(t, m, helmholtz.Single).Solve(want, 2); err != nil {
		t.Fatal(err)
	}
	for _, e := range []int{-300, -140, 140, 300} {
		c := complex(math.Ldexp(1, e), 0)
		scaled := helmholtz.NewMatrix(m.NZ, m.NX, false)
		for i := range m.Diagonal {
			scaled.Diagonal[i], scaled.Right[i], scaled.Down[i] = c*m.Diagonal[i], c*m.Right[i], c*m.Down[i]
		}
		x := append([]complex128(nil), b...)
		for i := range x[n:] {
			x[n+i] /= c
		}
		if err := newFactor(t, scaled, helmholtz.Single).Solve(x, 2); err != nil {
			t.Fatal(err)
		}
		for i := range x {
			y := x[i] * c
			if i >= n {
				y *= c
			}
			if y != want[i] {
				t.Fatalf("times 2^%d: vector %d is %v at node %d, not %v", e, i/n, y, i%n, want[i])
			}
		}
	}
}

func TestBadInput(t *testing.T) {
	fails := func(what string, err error, words ...string) {
		t.Helper()
		if err == nil {
			t.Errorf("%s: no error", what)
			return
		}
		for _, w := range words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: error %q does not say %q", what, err, w)
			}
		}
	}
	_, err := helmholtz.NewPlan(0, 5, helmholtz.FivePoint)
	fails("empty grid", err, "0 x 5")
	_, err = helmholtz.NewPlan(5, 1<<20, helmholtz.FivePoint)
	fails("huge grid", err, "1048576")
	_, err = helmholtz.NewPlan(5, 5, helmholtz.Stencil(7))
	fails("stencil", err, "7")
	p, err := helmholtz.NewPlan(20, 30, helmholtz.FivePoint)
	if err != nil {
		t.Fatal(err)
	}
	_, err = helmholtz.NewFactor(p, helmholtz.Precision(9))
	fails("precision", err, "9")
	w := study(20)
	w.nx = 30
	good := func() *helmholtz.Matrix { return w.matrix(false) }
	for _, precision := range []helmholtz.Precision{helmholtz.Single, helmholtz.Double} {
		f, err := helmholtz.NewFactor(p, precision)
		if err != nil {
			t.Fatal(err)
		}
		x := make([]complex128, 600)
		fails("solve first", f.Solve(x, 1), "without a factorisation")
		fails("other grid", f.Factorise(study(20).matrix(false)), "20 x 20", "20 x 30")
		fails("nine points", f.Factorise(w.matrix(true)), "five points")
		m := good()
		m.Down = m.Down[:599]
		fails("short plane", f.Factorise(m), "Down", "599", "600")
		m = good()
		m.Diagonal[3*30+4] = complex(0, math.NaN())
		fails("NaN", f.Factorise(m), "(3, 4)")
		m = good()
		m.Right[599] = complex(math.Inf(1), 0)
		fails("infinite", f.Factorise(m), "(19, 29)")
		for _, node := range []int{4*30 + 5, 10*30 + 15} { // a zero row: in a box, and somewhere else
			m = good()
			m.Diagonal[node], m.Right[node], m.Right[node-1], m.Down[node], m.Down[node-30] = 0, 0, 0, 0, 0
			err = f.Factorise(m)
			fails("singular", err, fmt.Sprintf("(%d, %d)", node/30, node%30))
			if !errors.Is(err, helmholtz.ErrBreakdown) {
				t.Errorf("error %v is not ErrBreakdown", err)
			}
		}
		err = f.Factorise(helmholtz.NewMatrix(20, 30, false))
		if !errors.Is(err, helmholtz.ErrBreakdown) {
			t.Errorf("zero matrix: error %v is not ErrBreakdown", err)
		}
		fails("solve after failure", f.Solve(x, 1), "without a factorisation")
		if err := f.Factorise(good()); err != nil {
			t.Fatal(err)
		}
		fails("short panel", f.Solve(x, 2), "1200", "600")
		fails("no panel", f.Solve(nil, 0), "0 right-hand sides")
		if err := f.Solve(x, 1); err != nil {
			t.Fatal(err)
		}
		if norm(x) != 0 {
			t.Errorf("zero right-hand side has solution of norm %g", norm(x))
		}
		x[77] = complex(math.NaN(), 0)
		if err := f.Solve(x, 1); err != nil {
			t.Fatal(err)
		}
		if n := norm(x); !math.IsNaN(n) {
			t.Errorf("a NaN came out as norm %g", n)
		}
		f.Close()
		f.Close()
		fails("closed", f.Factorise(good()), "Close")
	}
}
