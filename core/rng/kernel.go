package rng

import "math"

// Coefficients, lowest order first. testdata/coefficients.py derives them and prints the truncation errors: 2^-57 for the
// logarithm, 2^-56 for the sine, 2^-55 for the cosine. The same numbers stand in cuda/philox.h.
const (
	ln2High = 0x1.62e42fefa3800p-1 // 42 bits, so that its product with an exponent is exact
	ln2Low  = 0x1.ef35793c76730p-45

	log0 = 0x1.5555555555558p-1
	log1 = 0x1.99999999952e2p-2
	log2 = 0x1.2492492df148dp-2
	log3 = 0x1.c71c62e5800a1p-3
	log4 = 0x1.7462b4ab2ef6bp-3
	log5 = 0x1.39fe606542ddep-3
	log6 = 0x1.2b584aae78a57p-3

	halfPiHigh = 0x1.921fb54442d18p+0
	halfPiLow  = 0x1.1a62633145c07p-54

	sin0 = -0x1.4abbce625be52p-1
	sin1 = 0x1.466bc6775a476p-4
	sin2 = -0x1.32d2cce500387p-8
	sin3 = 0x1.50783208843ebp-13
	sin4 = -0x1.e3027dea82bd7p-19
	sin5 = 0x1.e4a9d9166f052p-25

	cos0 = -0x1.3bd3cc9be45dep+0
	cos1 = 0x1.03c1f081b5ac0p-2
	cos2 = -0x1.55d3c7e3cb241p-6
	cos3 = 0x1.e1f5068688d5bp-11
	cos4 = -0x1.a6d1eef479be1p-16
	cos5 = 0x1.f9ce245cada0bp-22
	cos6 = -0x1.b2f3eb054afcdp-28

	sqrtHalfBits = 0x3fe6a09e667f3bcd // bits of the double next above sqrt(1/2)
)

// No product below is an operand of a + or -: where one is meant to be, math.FMA stands. So a compiler that contracts
// (Go does for GOAMD64=v3 and on arm64) finds nothing to contract, and the bits do not depend on it. The two products that
// boxMuller returns are converted explicitly, which forbids contraction with the caller's sum (Go specification,
// "Floating-point operators").

// negLog returns -log((a+1)/2^53) for an integer a in [0, 2^53), within 1 ulp; +0 for a = 2^53 - 1.
//
// (a+1)/2^53 = 2^e m, sqrt(1/2) <= m < sqrt 2; with f = m - 1, s = f/(m + 1), z = s^2: log m = 2 atanh s = f - s (f - z P(z)).
func negLog(a uint64) float64 {
	u := math.Float64bits(float64(a + 1))
	shift := (u - sqrtHalfBits) &^ (1<<52 - 1)
	n := float64(53 - int64(shift>>52)) // -e
	m := math.Float64frombits(u - shift)
	f := m - 1
	s := f / (m + 1)
	z := s * s
	p := math.FMA(z, log6, log5)
	p = math.FMA(z, p, log4)
	p = math.FMA(z, p, log3)
	p = math.FMA(z, p, log2)
	p = math.FMA(z, p, log1)
	p = math.FMA(z, p, log0)
	g := math.FMA(-z, p, f)
	return math.FMA(n, ln2High, -f) + math.FMA(n, ln2Low, float64(s*g))
}

// sinCos returns sin and cos of 2 pi b/2^53 for an integer b in [0, 2^53), each within 1 ulp.
//
// 4 b/2^53 = q + r, q the nearest integer, so the angle is q right angles and pi r/2, abs(r) <= 1/2; with w = r^2:
// sin(pi r/2) = r (pi/2 + w P(w)), cos(pi r/2) = 1 + w Q(w).
func sinCos(b uint64) (sin, cos float64) {
	q := (b + 1<<50) >> 51
	r := float64(float64(int64(b)-int64(q<<51)) * 0x1p-51)
	w := r * r

	p := math.FMA(w, sin5, sin4)
	p = math.FMA(w, p, sin3)
	p = math.FMA(w, p, sin2)
	p = math.FMA(w, p, sin1)
	p = math.FMA(w, p, sin0)
	p = math.FMA(w, p, halfPiLow)
	s := math.Float64bits(math.FMA(r, halfPiHigh, float64(r*p)))

	p = math.FMA(w, cos6, cos5)
	p = math.FMA(w, p, cos4)
	p = math.FMA(w, p, cos3)
	p = math.FMA(w, p, cos2)
	p = math.FMA(w, p, cos1)
	p = math.FMA(w, p, cos0)
	c := math.Float64bits(math.FMA(w, p, 1))

	// Odd q: sine and cosine change places. Then the sine changes sign for q = 2, 3 and the cosine for q = 1, 2.
	swap := (s ^ c) & -(q & 1)
	s ^= swap ^ (q&2)<<62
	c ^= swap ^ ((q+1)&2)<<62
	return math.Float64frombits(s), math.Float64frombits(c)
}

// boxMuller returns the two normals of the integers a and b: Box and Muller, Ann. Math. Statist. 29 (1958) 610. Their
// modulus is at most sqrt(2 log 2^53) = 8.572.
func boxMuller(a, b uint64) (n0, n1 float64) {
	l := negLog(a)
	r := math.Sqrt(l + l)
	sin, cos := sinCos(b)
	return float64(r * cos), float64(r * sin)
}
