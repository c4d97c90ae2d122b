package rng

import "math/bits"

// Multipliers of the two 32-bit products of a round, and the Weyl increments of the key (golden ratio, sqrt(3) - 1):
// Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11, section 4.2 and table 2.
const (
	philoxM0 = 0xd2511f53
	philoxM1 = 0xcd9e8d57
	philoxW0 = 0x9e3779b9
	philoxW1 = 0xbb67ae85
)

// Philox4x32 is the bijection Philox4x32-10: ten rounds over a counter of four words under a key of two words (Salmon et
// al. 2011). TestKnownAnswers compares it with the vectors of Random123.
func Philox4x32(key [2]uint32, counter [4]uint32) [4]uint32 {
	w0, w1, w2, w3 := philox(key[0], key[1], counter[0], counter[1], counter[2], counter[3])
	return [4]uint32{w0, w1, w2, w3}
}

// philox is Philox4x32 with its words in registers. (Unrolled, or two blocks at a time, it is no faster: about 50 cycles.)
func philox(k0, k1, c0, c1, c2, c3 uint32) (w0, w1, w2, w3 uint32) {
	for range 10 {
		p := philoxM0 * uint64(c0)
		q := philoxM1 * uint64(c2)
		c0, c1, c2, c3 = uint32(q>>32)^c1^k0, uint32(q), uint32(p>>32)^c3^k1, uint32(p)
		k0 += philoxW0
		k1 += philoxW1
	}
	return c0, c1, c2, c3
}

// purposeHash is mix(FNV-1a 64(purpose)) of the package comment.
func purposeHash(purpose string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(purpose) {
		h = (h ^ uint64(purpose[i])) * 0x100000001b3
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// bits53 returns the integers a and b of the package comment.
func bits53(w0, w1, w2, w3 uint32) (a, b uint64) {
	return (uint64(w1)<<32 | uint64(w0)) >> 11, (uint64(w3)<<32 | uint64(w2)) >> 11
}

// below maps blocks to an integer in [0, n), without bias: Lemire, "Fast random integer generation in an interval", ACM
// TOMACS 29 (2019), algorithm 5, on 64-bit words w1:w0, then w3:w2 if that is rejected; if both are, the block is itself
// the counter of the next block.
func below(k0, k1, c0, c1, c2, c3 uint32, n uint64) uint64 {
	for {
		c0, c1, c2, c3 = philox(k0, k1, c0, c1, c2, c3)
		for _, x := range [2]uint64{uint64(c1)<<32 | uint64(c0), uint64(c3)<<32 | uint64(c2)} {
			hi, lo := bits.Mul64(x, n)
			if lo >= n || lo >= -n%n {
				return hi
			}
		}
	}
}
