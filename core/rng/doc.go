// Package rng draws all of waveprior's noise: counter-based random numbers whose bits depend on what they are for and on
// nothing else. A number is named by (seed, purpose, element, step, chain, draw); it is the same whatever the batch, the
// number of workers, the order of calls, an interruption, the machine or the language.
//
// Main types: [Stream] is a seed with a purpose ("prior/noise"); [Source] is a stream at one (step, chain, draw) and
// fills arrays, element by element.
//
//	noise := rng.New(seed, "ddpm/ancestral")
//	noise.At(step, chain, 0).Normals(x) // x[i] = normal number i of this step of this chain
//
// The rules, complete enough to be repeated in another language (testdata/vectors.json has numbers for each of them,
// testdata/vectors.py is a second implementation, cuda/philox.h the one for C++ and CUDA):
//
//	hash    = mix(FNV-1a 64 of the purpose's UTF-8 bytes)
//	mix(z)  : z ^= z>>30; z *= 0xbf58476d1ce4e5b9; z ^= z>>27; z *= 0x94d049bb133111eb; z ^= z>>31   (modulo 2^64)
//	key     = seed xor hash; key word 0 is its low half, key word 1 its high half
//	block k = Philox4x32-10(key, counter = (k, step, chain, draw)): words w0 w1 w2 w3
//	a, b    = (w1*2^32 + w0) >> 11, (w3*2^32 + w2) >> 11: integers of 53 bits
//	uniforms: element 2k is a/2^53, element 2k+1 is b/2^53, in [0, 1)
//	normals : r = sqrt(-2 log((a+1)/2^53)); element 2k is r cos(2 pi b/2^53), element 2k+1 is r sin(2 pi b/2^53)
//
// with the log, cosine and sine of kernel.go, which use + - * / sqrt and fma of IEEE 754 alone, so that every machine
// returns equal bits. FNV-1a starts at 0xcbf29ce484222325 and multiplies by 0x100000001b3; its high bits hardly depend on
// the last characters of a short string, which is what mix (the finaliser of SplitMix64) repairs.
//
// It is not a cryptographic generator, nor a sequential one: nothing is consumed, so asking twice gives the same number,
// and two different uses of one (purpose, step, chain, draw) are not independent. Give each use its own purpose or draw.
package rng
