package rng

import (
	"math/rand/v2"
	"testing"
)

// perElement reports nanoseconds and rate for benchmarks that fill n elements per iteration.
func perElement(b *testing.B, n int) {
	ns := float64(b.Elapsed().Nanoseconds()) / (float64(b.N) * float64(n))
	b.ReportMetric(ns, "ns/element")
	b.ReportMetric(1e9/ns, "elements/s")
}

func BenchmarkNormals(b *testing.B) {
	dst := make([]float64, 4096)
	s := New(1, "bench")
	for b.Loop() {
		s.At(1, 2, 3).Normals(dst)
	}
	perElement(b, len(dst))
}

func BenchmarkNormals32(b *testing.B) {
	dst := make([]float32, 4096)
	s := New(1, "bench")
	for b.Loop() {
		s.At(1, 2, 3).Normals32(dst)
	}
	perElement(b, len(dst))
}

func BenchmarkUniforms(b *testing.B) {
	dst := make([]float64, 4096)
	s := New(1, "bench")
	for b.Loop() {
		s.At(1, 2, 3).Uniforms(dst)
	}
	perElement(b, len(dst))
}

func BenchmarkPerm(b *testing.B) {
	s := New(1, "bench")
	for b.Loop() {
		s.At(1, 0, 0).Perm(1000)
	}
	perElement(b, 1000)
}

// The peer: the sequential generator and ziggurat of the standard library.
func BenchmarkStandardLibraryNormals(b *testing.B) {
	dst := make([]float64, 4096)
	r := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		for i := range dst {
			dst[i] = r.NormFloat64()
		}
	}
	perElement(b, len(dst))
}
