package helmholtz_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/cuda/helmholtz"
)

// TestFields holds SolveSources, At, Vector and Products to Solve and to sums written out.
func TestFields(t *testing.T) {
	w := study(45)
	w.nz = 58
	m := w.matrix(true)
	n := w.nz * w.nx
	isas(t, func(t *testing.T) {
		for _, precision := range []helmholtz.Precision{helmholtz.Single, helmholtz.Double} {
			f := newFactor(t, m, precision)
			tolerance := map[helmholtz.Precision]float64{helmholtz.Single: 1e-6, helmholtz.Double: 1e-14}[precision]
			for _, count := range []int{1, 3, 6, 15, 40} {
				r := rand.New(rand.NewPCG(uint64(count), 9))
				var solved [2]*helmholtz.Fields
				var want [2][]complex128
				for side := range solved {
					b := make([]complex128, count*n)
					var sources []helmholtz.Source
					for k := range count {
						for range 1 + r.IntN(3) {
							s := helmholtz.Source{RHS: k, Node: r.IntN(n), Value: complex(float64(r.IntN(8))/4+1, 0.5)}
							sources = append(sources, s, s) // at one node twice
							b[k*n+s.Node] += 2 * s.Value
						}
					}
					u, err := f.NewFields(count)
					if err != nil {
						t.Fatal(err)
					}
					defer u.Close()
					for range 2 { // the second finds the first's values
						if err := f.SolveSources(u, sources, nil); err != nil {
							t.Fatal(err)
						}
					}
					if err := f.Solve(b, count); err != nil {
						t.Fatal(err)
					}
					x := make([]complex128, n)
					for k := range count {
						if err := u.Vector(k, x); err != nil {
							t.Fatal(err)
						}
						for i, v := range x {
							if u.At(k, i) != v {
								t.Fatalf("At(%d, %d) is %v, Vector %v", k, i, u.At(k, i), v)
							}
						}
						if e := difference(x, b[k*n:(k+1)*n]); !(e < tolerance) { // scaled by another power of two
							t.Errorf("%v, vector %d of %d: differs from Solve by %.2g", precision, k, count, e)
						}
					}
					wanted := []int{3, n - 1, n / 2}
					v, err := f.NewFields(count)
					if err != nil {
						t.Fatal(err)
					}
					defer v.Close()
					if err := f.SolveSources(v, sources, wanted); err != nil {
						t.Fatal(err)
					}
					for _, i := range wanted {
						for k := range count {
							if v.At(k, i) != u.At(k, i) {
								t.Errorf("wanted alone, vector %d is %v at node %d, else %v", k, v.At(k, i), i, u.At(k, i))
							}
						}
					}
					solved[side], want[side] = u, b
				}
				got, sum := make([]complex128, n), make([]complex128, n)
				for i := range got {
					got[i], sum[i] = 1, 1
					for k := range count {
						sum[i] += want[0][k*n+i] * want[1][k*n+i]
					}
				}
				if err := helmholtz.Products(got, solved[0], solved[1]); err != nil {
					t.Fatal(err)
				}
				if e := difference(got, sum); !(e < tolerance) {
					t.Errorf("%v, products of %d vectors: error %.2g", precision, count, e)
				}
			}
		}
	})
}

func TestFieldsRefuse(t *testing.T) {
	f := newFactor(t, study(20).matrix(false), helmholtz.Single)
	u, err := f.NewFields(3)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	for _, s := range []helmholtz.Source{{RHS: 3}, {RHS: -1}, {Node: 400}, {Node: -1}} {
		if err := f.SolveSources(u, []helmholtz.Source{s}, nil); err == nil || !strings.Contains(err.Error(), "3 vectors of 400") {
			t.Errorf("source %v: error %v", s, err)
		}
	}
	if err := f.SolveSources(u, nil, []int{400}); err == nil {
		t.Error("a wanted node outside the grid is taken")
	}
	if _, err := f.NewFields(0); err == nil {
		t.Error("no vectors are taken")
	}
	if err := u.Vector(3, make([]complex128, 400)); err == nil {
		t.Error("vector 3 of 3 is taken")
	}
	if err := u.Vector(0, make([]complex128, 399)); err == nil {
		t.Error("a short vector is taken")
	}
	g := newFactor(t, study(20).matrix(false), helmholtz.Single)
	if err := g.SolveSources(u, nil, nil); err == nil {
		t.Error("fields of another plan are taken")
	}
	v, err := f.NewFields(2)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if err := helmholtz.Products(make([]complex128, 400), u, v); err == nil {
		t.Error("products of 3 with 2 vectors are taken")
	}
	if err := helmholtz.Products(make([]complex128, 399), u, u); err == nil {
		t.Error("a short sum is taken")
	}
}
