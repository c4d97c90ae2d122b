package rng

import (
	"fmt"
	"math"
	"math/bits"
	"testing"
)

// The three vectors of Random123's kat_vectors file for philox4x32, 10 rounds: zeros, ones, the digits of pi.
func TestKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		key           [2]uint32
		counter, want [4]uint32
	}{
		{[2]uint32{}, [4]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{
			[2]uint32{math.MaxUint32, math.MaxUint32},
			[4]uint32{math.MaxUint32, math.MaxUint32, math.MaxUint32, math.MaxUint32},
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
		},
		{
			[2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
		},
	} {
		if got := Philox4x32(c.key, c.counter); got != c.want {
			t.Errorf("key %08x counter %08x: %08x, Random123 has %08x", c.key, c.counter, got, c.want)
		}
	}
}

// Purposes that differ in one character give keys that differ in about half of the 64 bits, in all bit positions.
func TestPurposesDifferInAllBits(t *testing.T) {
	var flips [64]int
	n := 0
	for _, prefix := range []string{"", "a", "ddpm/", "prior/latent/"} {
		for c := byte('a'); c < 'z'; c++ {
			d := purposeHash(prefix+string(c)) ^ purposeHash(prefix+string(c+1))
			if k := bits.OnesCount64(d); k < 12 || k > 52 {
				t.Errorf("%q and %q: %d of 64 bits differ", prefix+string(c), prefix+string(c+1), k)
			}
			for i := range flips {
				flips[i] += int(d >> i & 1)
			}
			n++
		}
	}
	for i, k := range flips {
		// 100 pairs: binomial(100, 1/2), 5 standard deviations of 5.
		if k < n/2-25 || k > n/2+25 {
			t.Errorf("bit %d differs in %d of %d pairs", i, k, n)
		}
	}
}

// The five parts of a number's name all matter, and are not confused with one another.
func TestEveryPartOfTheNameMatters(t *testing.T) {
	seen := map[[4]uint32]string{}
	for _, seed := range []uint64{0, 1, 1 << 32, 1 << 63} {
		for _, purpose := range []string{"", "a", "b", "ab", "ba"} {
			for i := range uint32(16) {
				k, step, chain, draw := i&1, i>>1&1, i>>2&1, i>>3&1
				name := fmt.Sprint(seed, " ", purpose, " ", k, step, chain, draw)
				w := New(seed, purpose).At(step, chain, draw).Block(k)
				if other, ok := seen[w]; ok {
					t.Errorf("%s and %s have the same block %08x", name, other, w)
				}
				seen[w] = name
			}
		}
	}
}

func TestStreamKey(t *testing.T) {
	h := purposeHash("x")
	want := [2]uint32{uint32(h) ^ 0x89abcdef, uint32(h>>32) ^ 0x01234567}
	if got := New(0x0123456789abcdef, "x").Key(); got != want {
		t.Errorf("key %08x, want %08x", got, want)
	}
}
