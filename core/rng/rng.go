package rng

import "fmt"

// Stream is a seed with a purpose: the key of a family of independent random numbers. A value: copy it freely, use it from
// any goroutine. The zero value is a valid stream, with key 0.
type Stream struct {
	k0, k1 uint32
}

// New returns the stream of a seed and a purpose, e.g. "ddpm/ancestral". Streams of different purposes are independent;
// by convention a purpose is owner/use.
func New(seed uint64, purpose string) Stream {
	key := seed ^ purposeHash(purpose)
	return Stream{uint32(key), uint32(key >> 32)}
}

// Key returns the two key words, low half first, for kernels in another language that draw from the same stream.
func (s Stream) Key() [2]uint32 { return [2]uint32{s.k0, s.k1} }

// At returns the source of one step of one chain; draw numbers the draws within a step (candidates, Langevin sub-steps).
// What has no chain or step (a training set, a shuffle) says in its own documentation which words count what.
func (s Stream) At(step, chain, draw uint32) Source {
	return Source{s, step, chain, draw}
}

// Source is a stream at one (step, chain, draw): a fixed array of random numbers, addressed by element. A value without
// state: a second call returns the same numbers. Uniforms, Normals and Intn of one source read the same bits; a use that
// needs two kinds takes two draws.
type Source struct {
	stream            Stream
	step, chain, draw uint32
}

// Numerics changes when random numbers change: it is part of the keys of cached stages.
const Numerics = "1"

// Elements is the number of uniforms or normals of a Source: two to each of 2^32 blocks.
const Elements = 1 << 33

// Block returns the four words of block k, which elements 2k and 2k+1 are made from.
func (s Source) Block(k uint32) [4]uint32 {
	return Philox4x32(s.stream.Key(), [4]uint32{k, s.step, s.chain, s.draw})
}

// pair returns the integers a and b of block k.
func (s Source) pair(k uint32) (a, b uint64) {
	return bits53(philox(s.stream.k0, s.stream.k1, k, s.step, s.chain, s.draw))
}

// Uniform returns uniform number element, in [0, 1), a multiple of 2^-53. It panics unless 0 <= element < Elements.
func (s Source) Uniform(element int) float64 {
	a, b := s.pair(block(element))
	if element&1 == 1 {
		a = b
	}
	return float64(float64(a) * 0x1p-53)
}

// Normal returns standard normal number element, the same as Normals puts at that index. It panics unless
// 0 <= element < Elements.
func (s Source) Normal(element int) float64 {
	n0, n1 := boxMuller(s.pair(block(element)))
	if element&1 == 1 {
		return n1
	}
	return n0
}

// Uniforms fills dst with the uniforms 0..len(dst)-1. It panics if dst is longer than Elements.
func (s Source) Uniforms(dst []float64) {
	checkLen(len(dst))
	even := len(dst) &^ 1
	for i := 0; i < even; i += 2 {
		a, b := s.pair(uint32(i >> 1))
		dst[i], dst[i+1] = float64(float64(a)*0x1p-53), float64(float64(b)*0x1p-53)
	}
	if even < len(dst) {
		dst[even] = s.Uniform(even)
	}
}

// Normals fills dst with the standard normals 0..len(dst)-1. It panics if dst is longer than Elements.
func (s Source) Normals(dst []float64) {
	checkLen(len(dst))
	even := len(dst) &^ 1
	for i := 0; i < even; i += 2 {
		dst[i], dst[i+1] = boxMuller(s.pair(uint32(i >> 1)))
	}
	if even < len(dst) {
		dst[even] = s.Normal(even)
	}
}

// Normals32 fills dst with what Normals gives, each rounded to float32 (to nearest, ties to even).
func (s Source) Normals32(dst []float32) {
	checkLen(len(dst))
	even := len(dst) &^ 1
	for i := 0; i < even; i += 2 {
		n0, n1 := boxMuller(s.pair(uint32(i >> 1)))
		dst[i], dst[i+1] = float32(n0), float32(n1)
	}
	if even < len(dst) {
		dst[even] = float32(s.Normal(even))
	}
}

// Intn returns an unbiased integer in [0, n): one number per element, each from a block of its own (number element from
// block element). Word w1*2^32 + w0 of the block is tried first, then w3*2^32 + w2, by Lemire's method with rejection; if
// both are rejected the block's words are the counter of the next block. It panics unless n > 0 and 0 <= element < 2^32.
func (s Source) Intn(element, n int) int {
	if n <= 0 {
		panic(fmt.Sprintf("rng: Intn of n = %d, must be positive", n))
	}
	if uint64(element) >= 1<<32 {
		panic(fmt.Sprintf("rng: Intn of element %d, must be in [0, 2^32)", element))
	}
	return int(below(s.stream.k0, s.stream.k1, uint32(element), s.step, s.chain, s.draw, uint64(n)))
}

// Perm returns a random permutation of 0..n-1, e.g. the order of one epoch's examples with the epoch as step. It is the
// inside-out shuffle: for i = 0..n-1, j = Intn(i, i+1), p[i] = p[j], p[j] = i. It panics if n is negative.
func (s Source) Perm(n int) []int {
	p := make([]int, n)
	for i := range p {
		j := s.Intn(i, i+1)
		p[i] = p[j]
		p[j] = i
	}
	return p
}

// block returns the block of an element.
func block(element int) uint32 {
	if uint64(element) >= Elements {
		panic(fmt.Sprintf("rng: element %d, must be in [0, 2^33)", element))
	}
	return uint32(element >> 1)
}

func checkLen(n int) {
	if n > Elements {
		panic(fmt.Sprintf("rng: %d elements asked of one source, it has 2^33", n))
	}
}
