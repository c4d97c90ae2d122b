package rng

import (
	"math"
	"math/big"
	"testing"
)

// A second logarithm, sine and cosine: plain series in math/big at 240 bits, without the kernel's reductions.
const bigPrec = 240

func bigInt(v uint64) *big.Float { return new(big.Float).SetPrec(bigPrec).SetUint64(v) }

// bigAtanh2 is 2 atanh x = 2 (x + x^3/3 + ...), abs(x) <= 1/3.
func bigAtanh2(x *big.Float) *big.Float {
	sum, pow := bigInt(0), bigInt(0).Set(x)
	sq := bigInt(0).Mul(x, x)
	for k := uint64(1); k < 161; k += 2 {
		sum.Add(sum, bigInt(0).Quo(pow, bigInt(k)))
		pow.Mul(pow, sq)
	}
	return sum.Add(sum, sum)
}

// bigLog is the logarithm of a positive integer: x = m 2^e, log m = 2 atanh((m-1)/(m+1)), 1/2 <= m < 1.
func bigLog(v uint64) *big.Float {
	m := bigInt(0)
	e := bigInt(v).MantExp(m)
	one := bigInt(1)
	ln2 := bigAtanh2(bigInt(0).Quo(one, bigInt(3)))
	l := bigAtanh2(bigInt(0).Quo(bigInt(0).Sub(m, one), bigInt(0).Add(m, one)))
	return l.Add(l, ln2.Mul(ln2, bigInt(0).SetInt64(int64(e))))
}

// bigTwoPi is 2 pi by Machin's formula pi/4 = 4 atan(1/5) - atan(1/239).
func bigTwoPi() *big.Float {
	atanInv := func(n uint64) *big.Float {
		sum, pow := bigInt(0), bigInt(0).Quo(bigInt(1), bigInt(n))
		for k := uint64(0); k < 60; k++ {
			term := bigInt(0).Quo(pow, bigInt(2*k+1))
			if k%2 == 1 {
				term.Neg(term)
			}
			sum.Add(sum, term)
			pow.Quo(pow, bigInt(n*n))
		}
		return sum
	}
	p := bigInt(0).Mul(bigInt(4), atanInv(5))
	p.Sub(p, atanInv(239))
	return p.Mul(p, bigInt(8))
}

// bigSinCos sums Taylor's series at x, 0 <= x < 2 pi.
func bigSinCos(x *big.Float) (sin, cos *big.Float) {
	sum := [2]*big.Float{bigInt(0), bigInt(0)}
	term := bigInt(1)
	for k := range uint64(90) {
		t := bigInt(0).Set(term)
		if k&2 != 0 {
			t.Neg(t)
		}
		sum[k&1].Add(sum[k&1], t)
		term.Mul(term, x)
		term.Quo(term, bigInt(k+1))
	}
	return sum[1], sum[0]
}

// ulps is abs(got - want) in units of the last place of want; 0 where both are zero.
func ulps(got float64, want *big.Float) float64 {
	w, _ := want.Float64()
	d, _ := bigInt(0).Sub(bigInt(0).SetFloat64(got), want).Float64()
	if d == 0 {
		return 0
	}
	_, e := math.Frexp(w)
	return math.Abs(d) / math.Ldexp(1, e-53)
}

// arguments are the edges of [0, 2^53), powers of two and octants with their neighbours, and random integers.
func arguments() []uint64 {
	const top = 1 << 53
	args := []uint64{0, 1, 2, 3, top - 1, top - 2, top - 3}
	for e := range 53 {
		args = append(args, 1<<e, 1<<e-1, 1<<e+1, top-1<<e, (top-1<<e)-1)
	}
	for o := range uint64(16) {
		args = append(args, o<<49, o<<49+1, o<<49+3)
		if o > 0 {
			args = append(args, o<<49-1, o<<49-2)
		}
	}
	s := New(1, "kernel/arguments").At(0, 0, 0)
	for k := range uint32(700) {
		a, b := s.pair(k)
		args = append(args, a, b>>(k%53), top-1-a>>(k%53)) // uniform, log-uniform towards 0, and towards 1
	}
	return args
}

func TestNegLogAccuracy(t *testing.T) {
	worst, at := 0., uint64(0)
	top := bigLog(1 << 53)
	for _, a := range arguments() {
		want := bigInt(0).Sub(top, bigLog(a+1))
		if a == 1<<53-1 {
			want = bigInt(0)
		}
		if u := ulps(negLog(a), want); u > worst {
			worst, at = u, a
		}
	}
	t.Logf("-log((a+1)/2^53): %.3f ulp at a = %d", worst, at)
	// Two roundings near cancellation and those of the small terms; 1 ulp is what the comment of negLog claims.
	if worst > 1 {
		t.Errorf("error of %.3f ulp at a = %d, claimed 1", worst, at)
	}
	if l := negLog(1<<53 - 1); math.Float64bits(l) != 0 {
		t.Errorf("-log 1 = %v, must be +0", l)
	}
}

func TestSinCosAccuracy(t *testing.T) {
	var worst [2]float64
	var at [2]uint64
	twoPi := bigTwoPi()
	for _, b := range arguments() {
		sin, cos := sinCos(b)
		x := bigInt(b)
		x.Mul(x, twoPi).SetMantExp(x, -53)
		ws, wc := bigSinCos(x)
		for i, v := range []struct {
			got  float64
			want *big.Float
		}{{sin, ws}, {cos, wc}} {
			// At multiples of a right angle one of the two is 0 and the series leaves 1e-70.
			if b%(1<<51) == 0 && (i == 0) == (b>>51%2 == 0) {
				if v.got != 0 {
					t.Errorf("b = %d: %v where 0 is exact", b, v.got)
				}
				continue
			}
			if u := ulps(v.got, v.want); u > worst[i] {
				worst[i], at[i] = u, b
			}
		}
	}
	t.Logf("sin: %.3f ulp at %d, cos: %.3f ulp at %d", worst[0], at[0], worst[1], at[1])
	if worst[0] > 1 || worst[1] > 1 {
		t.Errorf("errors of %.3f ulp at b = %d and %.3f ulp at b = %d, claimed 1", worst[0], at[0], worst[1], at[1])
	}
}

// The extremes: the largest modulus is sqrt(2 log 2^53), the least is 0, and nothing is NaN or infinite.
func TestExtremes(t *testing.T) {
	const top = 1<<53 - 1
	if n0, n1 := boxMuller(0, 0); math.Abs(n0-math.Sqrt(106*math.Ln2)) > 4e-15 || n1 != 0 {
		t.Errorf("a = b = 0: %v %v, want %v 0", n0, n1, math.Sqrt(106*math.Ln2))
	}
	for _, b := range []uint64{0, 1, 1 << 50, 1 << 51, 1 << 52, top} {
		if n0, n1 := boxMuller(top, b); n0 != 0 || n1 != 0 {
			t.Errorf("a = 2^53-1, b = %d: %v %v, want zeros", b, n0, n1)
		}
	}
}
