package helmholtz

import (
	"encoding/json"
	"fmt"
	"math"
	"math/cmplx"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// oracle is testdata/oracle.json: numbers of an implementation of its own, given with the project.
type oracle struct {
	spacingKM, sigmaMax, hz float64
	cells, recIZ            int
	sources                 [][2]int // ix, iz
	recIX                   []int
	norm, gradNorm          float64
	shot0, shot2            [][2]float64
	gradient                map[string]float64 // "ix,iz"
}

const oracleN = 64

func readOracle(t testing.TB) (o oracle, m []float64) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "oracle.json"))
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil {
		t.Fatal(err)
	}
	for key, to := range map[string]any{
		"spacing_km": &o.spacingKM, "sigma_max": &o.sigmaMax, "frequency_hz": &o.hz, "pml_cells": &o.cells,
		"receivers_iz": &o.recIZ, "sources_ix_iz": &o.sources, "receivers_ix": &o.recIX, "data_norm": &o.norm,
		"data[shot 0][receivers 0,1,2,39]": &o.shot0, "data[shot 2][receivers 0,20,39]": &o.shot2,
		"gradient of 1/2 sum|F(m) - 1.01 F(m)|^2, interior (ix,iz)": &o.gradient,
		"gradient_norm_interior (rows and columns 1..62)":           &o.gradNorm,
	} {
		if err := json.Unmarshal(keys[key], to); err != nil {
			t.Fatalf("testdata/oracle.json: %s: %v", key, err)
		}
	}
	if len(o.shot0) != 4 || len(o.shot2) != 3 || len(o.gradient) != 5 || len(o.recIX) != 40 {
		t.Fatalf("testdata/oracle.json: not what is expected: %+v", o)
	}
	m = make([]float64, oracleN*oracleN)
	for iz := range oracleN {
		for ix := range oracleN {
			x, z := float64(ix)/(oracleN-1), float64(iz)/(oracleN-1)
			v := 2 + 0.3*math.Sin(2*math.Pi*x)*math.Cos(math.Pi*z)
			m[iz*oracleN+ix] = 1 / (v * v)
		}
	}
	return o, m
}

func (o *oracle) problem() *problem {
	p := &problem{nz: oracleN, nx: oracleN, cells: o.cells, spacingKM: o.spacingKM, sigma: o.sigmaMax, hz: o.hz}
	for _, s := range o.sources {
		p.src = append(p.src, [2]int{s[1], s[0]})
	}
	for _, ix := range o.recIX {
		p.rec = append(p.rec, [2]int{o.recIZ, ix})
	}
	return p
}

// check compares data (5 shots x 40 receivers) and the gradient (nz, nx) with the oracle: every datum and
// the norms to tol relative, the gradient at single nodes to tol of the largest of these.
func (o *oracle) check(t *testing.T, what string, d []complex128, g []float64, tol float64) {
	t.Helper()
	near := func(name string, diff, scale float64) {
		t.Helper()
		if !(diff <= tol*scale) {
			t.Errorf("%s: %s is off by %.2e of %.3e, relative %.1e (allowed %.0e)", what, name, diff, scale, diff/scale, tol)
		}
	}
	norm := 0.0
	for _, v := range d {
		norm += real(v)*real(v) + imag(v)*imag(v)
	}
	near("the data's norm", math.Abs(math.Sqrt(norm)-o.norm), o.norm)
	for k, r := range []int{0, 1, 2, 39} {
		want := complex(o.shot0[k][0], o.shot0[k][1])
		near("shot 0", cmplx.Abs(d[r]-want), cmplx.Abs(want))
	}
	for k, r := range []int{0, 20, 39} {
		want := complex(o.shot2[k][0], o.shot2[k][1])
		near("shot 2", cmplx.Abs(d[2*40+r]-want), cmplx.Abs(want))
	}
	largest := 0.0
	for _, want := range o.gradient {
		largest = max(largest, math.Abs(want))
	}
	for at, want := range o.gradient {
		var ix, iz int
		if _, err := fmt.Sscanf(at, "%d,%d", &ix, &iz); err != nil {
			t.Fatal(err)
		}
		near("the gradient at "+at, math.Abs(g[iz*oracleN+ix]-want), largest)
	}
	norm = 0
	for iz := 1; iz < oracleN-1; iz++ {
		for ix := 1; ix < oracleN-1; ix++ {
			norm += g[iz*oracleN+ix] * g[iz*oracleN+ix]
		}
	}
	near("the gradient's norm", math.Abs(math.Sqrt(norm)-o.gradNorm), o.gradNorm)
}

// oracleReference is what the reference finds for the oracle's problem, computed once: data, and the gradient of
// 1/2 |F(m) - 1.01 F(m)|^2 with and without the layer's share.
var oracleReference struct {
	sync.Once
	d                []complex128
	exact, published []float64
}

func reference(t *testing.T) (d []complex128, exact, published []float64) {
	o, m := readOracle(t)
	r := &oracleReference
	r.Do(func() {
		p := o.problem()
		u := p.fields(m)
		r.d = p.data(u)
		w := make([]complex128, len(r.d))
		for i := range w {
			w[i] = -0.01 * r.d[i]
		}
		mu := p.adjoints(m, w)
		r.exact, r.published = p.gradient(u, mu, true), p.gradient(u, mu, false)
	})
	return r.d, r.exact, r.published
}

// The reference that other tests compare with agrees with the oracle itself.
func TestReferenceIsTheOracle(t *testing.T) {
	o, _ := readOracle(t)
	d, g, _ := reference(t)
	o.check(t, "reference", d, g, 1e-10)
}
