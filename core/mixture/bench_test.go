package mixture

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkDenoise is the study's largest case: 128 chains, 1000 training examples, 100 coordinates.
func BenchmarkDenoise(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	const n, d, k = 1000, 100, 128
	m, err := New(normals(r, n*d), d, nil, Isotropic(0.01))
	if err != nil {
		b.Fatal(err)
	}
	l, err := m.At(0.7, 0.7)
	if err != nil {
		b.Fatal(err)
	}
	x := normals(r, k*d)
	dst := make([]float64, k*d)
	for b.Loop() {
		l.Denoise(dst, x)
	}
	b.ReportMetric(float64(k)*n*d*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gcoordinates/s")
}

// BenchmarkLinearise is one component in 100 coordinates.
func BenchmarkLinearise(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	const d = 100
	m, err := New(normals(r, d), d, nil, Isotropic(0.01))
	if err != nil {
		b.Fatal(err)
	}
	loc := NewLocal(normals(r, d), normals(r, d*d), 0.1)
	for b.Loop() {
		if _, err := Linearise(m, func(int) (Local, error) { return loc, nil }, Exact); err != nil {
			b.Fatal(err)
		}
	}
}
