package npy

import "math"

// halfDescr is NumPy's name of float16, which package tensor does not have: it is a format of files here, not of arrays.
const halfDescr = "<f2"

// fromHalf returns the number of a float16, exactly (IEEE 754 binary16: a sign, 5 bits of exponent, 10 of fraction).
func fromHalf(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&1023
	switch {
	case exponent == 31: // infinity, NaN
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	case exponent == 0: // zero, subnormal: fraction 2^-24
		return math.Float32frombits(math.Float32bits(float32(fraction)*0x1p-24) | sign)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

// toHalf returns the float16 nearest to v, ties to even; infinite from 65520 on.
func toHalf(v float32) uint16 {
	b := math.Float32bits(v)
	sign, b := uint16(b>>16)&0x8000, b&0x7fffffff
	switch {
	case b > 255<<23: // NaN
		return sign | 0x7e00
	case b >= 0x477ff000: // 65520, halfway between the largest and the next power of two
		return sign | 0x7c00
	case b < 113<<23: // below 2^-14: adding 1/2 leaves a multiple of 2^-24 in the low bits, rounded by the sum itself
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-126<<23)
	}
	b += 0xfff + b>>13&1 // round to 10 bits of fraction
	return sign | uint16((b-112<<23)>>13)
}

func appendHalves(dst []byte, v []float32) []byte {
	for _, x := range v {
		h := toHalf(x)
		dst = append(dst, byte(h), byte(h>>8))
	}
	return dst
}

// RoundHalf rounds numbers to what CreateHalf's files keep of them.
func RoundHalf(v []float32) {
	for i, x := range v {
		v[i] = fromHalf(toHalf(x))
	}
}
