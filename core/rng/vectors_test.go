package rng

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/vectors.json")

const vectorsFile = "testdata/vectors.json"

// vectors is testdata/vectors.json: words and IEEE bits are hexadecimal strings.
type vectors struct {
	About   string         `json:"about"`
	Hashes  []hashVector   `json:"hashes"`
	Blocks  []blockVector  `json:"blocks"`
	Streams []streamVector `json:"streams"`
	Pairs   []pairVector   `json:"pairs"`
}

type hashVector struct {
	Purpose string `json:"purpose"`
	Hash    string `json:"hash"`
}

type blockVector struct {
	Key     []string `json:"key"`
	Counter []string `json:"counter"`
	Words   []string `json:"words"`
}

type streamVector struct {
	Seed      string   `json:"seed"`
	Purpose   string   `json:"purpose"`
	Key       []string `json:"key"`
	Step      uint32   `json:"step"`
	Chain     uint32   `json:"chain"`
	Draw      uint32   `json:"draw"`
	Uniforms  []string `json:"uniforms"`
	Normals   []string `json:"normals"`
	Normals32 []string `json:"normals32"`
	Perm      []int    `json:"perm"`
	IntnOf    int      `json:"intn_of"`
	Intn      []int    `json:"intn"`
}

type pairVector struct {
	Words    []string `json:"words"`
	Uniforms []string `json:"uniforms"`
	Normals  []string `json:"normals"`
}

func words(w ...uint32) []string {
	s := make([]string, len(w))
	for i, v := range w {
		s[i] = fmt.Sprintf("%08x", v)
	}
	return s
}

func bits64(x ...float64) []string {
	s := make([]string, len(x))
	for i, v := range x {
		s[i] = fmt.Sprintf("%016x", math.Float64bits(v))
	}
	return s
}

// edgeBlocks are blocks where the kernel changes its path: ends of the range, exponents, octants with their neighbours.
func edgeBlocks() [][4]uint32 {
	const top = 1<<53 - 1
	var e [][4]uint32
	add := func(a, b uint64) {
		a, b = a<<11, b<<11
		e = append(e, [4]uint32{uint32(a), uint32(a >> 32), uint32(b), uint32(b >> 32)})
	}
	as := []uint64{0, 1, 2, 1 << 26, 1<<52 - 1, 1 << 52, 0x16a09e667f3bcc, 0x16a09e667f3bcd, 0x16a09e667f3bce, top - 1, top}
	for i, a := range as {
		add(a, 0x0123456789abcd+uint64(i))
	}
	for o := range uint64(8) {
		add(12345, o<<50)
		add(1<<51, o<<50+1)
		add(1<<50, (o+1)<<50-1)
	}
	return e
}

func makeVectors() vectors {
	v := vectors{About: "Test vectors of core/rng (rules: its package comment). Words and IEEE bits in hexadecimal, " +
		"uniforms and normals are elements 0.., pairs are the two uniforms and normals of given block words. " +
		"Written by go test ./core/rng -update, checked by TestVectors, vectors.py and TestSameBitsAsCpp."}
	for _, p := range []string{"", "a", "b", "ddpm/ancestral", "data/gaussian-field", "bruit/été"} {
		v.Hashes = append(v.Hashes, hashVector{p, fmt.Sprintf("%016x", purposeHash(p))})
	}
	for _, c := range [][6]uint32{
		{}, {math.MaxUint32, math.MaxUint32, math.MaxUint32, math.MaxUint32, math.MaxUint32, math.MaxUint32},
		{0xa4093822, 0x299f31d0, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
		{1, 0, 0, 0, 0, 0}, {0, 1, 0, 0, 0, 0}, {0, 0, 1, 0, 0, 0}, {0, 0, 0, 1, 0, 0}, {0, 0, 0, 0, 1, 0}, {0, 0, 0, 0, 0, 1},
	} {
		w := Philox4x32([2]uint32(c[:2]), [4]uint32(c[2:]))
		v.Blocks = append(v.Blocks, blockVector{words(c[:2]...), words(c[2:]...), words(w[:]...)})
	}
	for _, c := range []struct {
		seed              uint64
		purpose           string
		step, chain, draw uint32
		n                 int
	}{
		{0, "", 0, 0, 0, 10}, {42, "ddpm/ancestral", 199, 31, 0, 1000003}, {1 << 63, "data/gaussian-field", 0, 999, 1, 3 << 61},
		{math.MaxUint64, "bruit/été", math.MaxUint32, 1, 2, math.MaxInt64},
	} {
		s := New(c.seed, c.purpose)
		src, key := s.At(c.step, c.chain, c.draw), s.Key()
		u, x, f := make([]float64, 9), make([]float64, 9), make([]float32, 9)
		src.Uniforms(u)
		src.Normals(x)
		src.Normals32(f)
		sv := streamVector{
			Seed: fmt.Sprintf("%016x", c.seed), Purpose: c.purpose, Key: words(key[:]...), Step: c.step, Chain: c.chain, Draw: c.draw,
			Uniforms: bits64(u...), Normals: bits64(x...), Perm: src.Perm(12), IntnOf: c.n,
		}
		for i, y := range f {
			sv.Normals32 = append(sv.Normals32, words(math.Float32bits(y))...)
			sv.Intn = append(sv.Intn, src.Intn(i, c.n))
		}
		v.Streams = append(v.Streams, sv)
	}
	for _, w := range edgeBlocks() {
		a, b := bits53(w[0], w[1], w[2], w[3])
		n0, n1 := boxMuller(a, b)
		v.Pairs = append(v.Pairs, pairVector{
			words(w[:]...), bits64(math.Ldexp(float64(a), -53), math.Ldexp(float64(b), -53)), bits64(n0, n1),
		})
	}
	return v
}

// The file is what this package computes; that it is right, and not only unchanged, vectors.py says.
func TestVectors(t *testing.T) {
	var got bytes.Buffer
	e := json.NewEncoder(&got)
	e.SetIndent("", " ")
	if err := e.Encode(makeVectors()); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(vectorsFile, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	g, w := bytes.Split(got.Bytes(), []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			t.Fatalf("%s, line %d: file has %q, computed %q", vectorsFile, i+1, w[i], g[i])
		}
	}
	if len(g) != len(w) {
		t.Errorf("%s has %d lines, computed %d", vectorsFile, len(w), len(g))
	}
}

// vectors.py is a second implementation, written from the package comment, in integers and exact fractions.
func TestVectorsInPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 found: testdata/vectors.py not run")
	}
	out, err := exec.Command(python, "testdata/vectors.py").CombinedOutput()
	if err != nil {
		t.Fatalf("python3 testdata/vectors.py: %v\n%s", err, out)
	}
	t.Logf("%s", out)
}
