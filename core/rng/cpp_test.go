package rng

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const cppSource = "../../cuda/testdata/philox_check.cc"

// cppLine is what philox_check.cc prints for a block, computed here.
func cppLine(w [4]uint32) string {
	a, b := bits53(w[0], w[1], w[2], w[3])
	n0, n1 := boxMuller(a, b)
	return strings.Join([]string{
		strings.Join(words(w[:]...), " "),
		strings.Join(bits64(float64(a)*0x1p-53, float64(b)*0x1p-53, n0, n1), " "),
		strings.Join(words(math.Float32bits(float32(n0)), math.Float32bits(float32(n1))), " "),
	}, " ")
}

// cuda/philox.h gives the bits of this package: random and special keys and counters, and block words at the kernel's
// edges; as the project compiles it, and optimised for this machine with contraction allowed, which must change nothing.
func TestSameBitsAsCpp(t *testing.T) {
	gpp, err := exec.LookPath("g++")
	if err != nil {
		t.Skip("no g++ found (Debian: apt install g++): cuda/philox.h not compared")
	}
	const seed = 20240601
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var names, blocks, wantNames, wantBlocks bytes.Buffer
	for i := range 20000 {
		var c [6]uint32
		for j := range c {
			switch c[j] = random.Uint32(); {
			case i < 64: // every pattern of all-zero and all-one words
				c[j] = -(uint32(i) >> j & 1)
			case i%4 == 0:
				c[j] >>= 20 // small, as steps and chains are
			}
		}
		fmt.Fprintln(&names, strings.Join(words(c[:]...), " "))
		s := Stream{c[0], c[1]}.At(c[3], c[4], c[5])
		fmt.Fprintln(&wantNames, cppLine(s.Block(c[2])))
	}
	all := edgeBlocks()
	for range 20000 { // a towards both ends at random scales
		a := random.Uint64() >> (random.IntN(53))
		if random.IntN(2) == 1 {
			a = ^a
		}
		b := random.Uint64()
		all = append(all, [4]uint32{uint32(a), uint32(a >> 32), uint32(b), uint32(b >> 32)})
	}
	for _, w := range all {
		fmt.Fprintln(&blocks, "0 0", strings.Join(words(w[:]...), " "))
		fmt.Fprintln(&wantBlocks, cppLine(w))
	}
	for name, flags := range map[string][]string{
		"project": {"-O2", "-ffp-contract=off"},
		"native":  {"-O3", "-march=native", "-ffp-contract=fast"},
	} {
		t.Run(name, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "philox_check")
			args := append([]string{"-std=c++17", "-Wall", "-Wextra", "-Werror", "-o", program, cppSource}, flags...)
			if out, err := exec.Command(gpp, args...).CombinedOutput(); err != nil {
				t.Fatalf("g++ %v: %v\n%s", args, err, out)
			}
			compare(t, program, nil, &names, &wantNames)
			compare(t, program, []string{"words"}, &blocks, &wantBlocks)
		})
	}
}

func compare(t *testing.T, program string, args []string, in, want *bytes.Buffer) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Stdin = bytes.NewReader(in.Bytes())
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v", program, args, err)
	}
	g, w, q := bufio.NewScanner(bytes.NewReader(out)), bufio.NewScanner(bytes.NewReader(want.Bytes())),
		bufio.NewScanner(bytes.NewReader(in.Bytes()))
	n := 0
	for ; w.Scan() && q.Scan(); n++ {
		if !g.Scan() {
			t.Fatalf("%v: the program printed %d lines, too few", args, n)
		}
		if g.Text() != w.Text() {
			t.Fatalf("%v, line %d, input %s:\nC++ %s\nGo  %s", args, n+1, q.Text(), g.Text(), w.Text())
		}
	}
	t.Logf("%d blocks equal", n)
}
