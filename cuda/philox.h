// Philox4x32-10 and standard normals: the C++ and CUDA twin of core/rng, equal to it bit for bit.
//
// Equation    block k = Philox4x32-10(key, (k, step, chain, draw)): words w0 w1 w2 w3
//             a = (w1 2^32 + w0) >> 11, b = (w3 2^32 + w2) >> 11
//             uniforms  a/2^53, b/2^53
//             normals   r cos(2 pi b/2^53), r sin(2 pi b/2^53), r = sqrt(-2 log((a+1)/2^53))
// Layout      elements 2k and 2k+1 of an array come from block k, so a thread owns a pair. The key is
//             core/rng.Stream.Key: seed xor hash of the purpose, low half first; the host computes it.
// Source      Philox: Salmon, Moraes, Dror, Shaw, SC11, section 4.2. Normals: Box and Muller, Ann. Math. Statist. 29
//             (1958) 610. Coefficients: core/rng/testdata/coefficients.py.
// Assumptions IEEE double, round to nearest, subnormals not needed (the least normal is about 1e-24), correctly rounded
//             / and sqrt (nvcc's default for double). No product is an operand of + or -, so contraction changes nothing
//             here; it would where a caller adds to a normal: build with -ffp-contract=off, -fmad=false.
// Test        core/rng.TestSameBitsAsCpp.
#ifndef WAVEPRIOR_CUDA_PHILOX_H_
#define WAVEPRIOR_CUDA_PHILOX_H_

#if defined(__CUDACC_RTC__)
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
typedef long long int64_t;
#else
#include <stdint.h>
#include <string.h>

#include <cmath>
#endif

#ifndef WAVEPRIOR_HD
#ifdef __CUDACC__
#define WAVEPRIOR_HD __host__ __device__ inline
#else
#define WAVEPRIOR_HD inline
#endif
#endif

namespace waveprior {

// The four words of a block.
struct PhiloxBlock {
  uint32_t w[4];
};

// The elements 2k and 2k+1 that a block makes.
struct PhiloxPair {
  double x0, x1;
};

namespace philox_detail {

WAVEPRIOR_HD uint64_t ToBits(double x) {
#ifdef __CUDA_ARCH__
  return static_cast<uint64_t>(__double_as_longlong(x));
#else
  uint64_t u;
  memcpy(&u, &x, sizeof u);
  return u;
#endif
}

WAVEPRIOR_HD double FromBits(uint64_t u) {
#ifdef __CUDA_ARCH__
  return __longlong_as_double(static_cast<long long>(u));
#else
  double x;
  memcpy(&x, &u, sizeof x);
  return x;
#endif
}

// -log(x/2^scale), x positive and normal. x/2^scale = 2^e m, sqrt(1/2) <= m < sqrt 2, f = m - 1, s = f/(m+1), z = s^2:
// log m = 2 atanh s = f - s (f - z P(z)).
WAVEPRIOR_HD double NegLog(double x, int64_t scale) {
  const uint64_t u = ToBits(x);
  const uint64_t shift = (u - 0x3fe6a09e667f3bcdULL) & ~0xfffffffffffffULL;
  const double n = static_cast<double>(scale - (static_cast<int64_t>(shift) >> 52));  // -e
  const double m = FromBits(u - shift);
  const double f = m - 1.0;
  const double s = f / (m + 1.0);
  const double z = s * s;
  double p = fma(z, 0x1.2b584aae78a57p-3, 0x1.39fe606542ddep-3);
  p = fma(z, p, 0x1.7462b4ab2ef6bp-3);
  p = fma(z, p, 0x1.c71c62e5800a1p-3);
  p = fma(z, p, 0x1.2492492df148dp-2);
  p = fma(z, p, 0x1.99999999952e2p-2);
  p = fma(z, p, 0x1.5555555555558p-1);
  const double g = fma(-z, p, f);
  return fma(n, 0x1.62e42fefa3800p-1, -f) + fma(n, 0x1.ef35793c76730p-45, s * g);
}

// sin and cos of 2 pi b/2^53, 0 <= b < 2^53. 4 b/2^53 = q + r, abs(r) <= 1/2, w = r^2:
// sin(pi r/2) = r (pi/2 + w P(w)), cos(pi r/2) = 1 + w Q(w).
WAVEPRIOR_HD void SinCos(uint64_t b, double* sine, double* cosine) {
  const uint64_t q = (b + (1ULL << 50)) >> 51;
  const double r = static_cast<double>(static_cast<int64_t>(b) - static_cast<int64_t>(q << 51)) * 0x1p-51;
  const double w = r * r;

  double p = fma(w, 0x1.e4a9d9166f052p-25, -0x1.e3027dea82bd7p-19);
  p = fma(w, p, 0x1.50783208843ebp-13);
  p = fma(w, p, -0x1.32d2cce500387p-8);
  p = fma(w, p, 0x1.466bc6775a476p-4);
  p = fma(w, p, -0x1.4abbce625be52p-1);
  p = fma(w, p, 0x1.1a62633145c07p-54);
  uint64_t s = ToBits(fma(r, 0x1.921fb54442d18p+0, r * p));

  p = fma(w, -0x1.b2f3eb054afcdp-28, 0x1.f9ce245cada0bp-22);
  p = fma(w, p, -0x1.a6d1eef479be1p-16);
  p = fma(w, p, 0x1.e1f5068688d5bp-11);
  p = fma(w, p, -0x1.55d3c7e3cb241p-6);
  p = fma(w, p, 0x1.03c1f081b5ac0p-2);
  p = fma(w, p, -0x1.3bd3cc9be45dep+0);
  uint64_t c = ToBits(fma(w, p, 1.0));

  // Odd q: they change places. Then the sine changes sign for q = 2, 3 and the cosine for q = 1, 2.
  const uint64_t swap = (s ^ c) & (0 - (q & 1));
  s ^= swap ^ ((q & 2) << 62);
  c ^= swap ^ (((q + 1) & 2) << 62);
  *sine = FromBits(s);
  *cosine = FromBits(c);
}

}  // namespace philox_detail

// log x, x positive and normal, to 1 ulp.
WAVEPRIOR_HD double Log(double x) { return -philox_detail::NegLog(x, 0); }

// Philox4x32-10 of the counter (element, step, chain, draw).
WAVEPRIOR_HD PhiloxBlock Philox(uint32_t key0, uint32_t key1, uint32_t element, uint32_t step, uint32_t chain,
                                uint32_t draw) {
  uint32_t c0 = element, c1 = step, c2 = chain, c3 = draw;
  for (int i = 0; i < 10; i++) {
    const uint64_t p = 0xd2511f53ULL * c0;
    const uint64_t q = 0xcd9e8d57ULL * c2;
    c0 = static_cast<uint32_t>(q >> 32) ^ c1 ^ key0;
    c1 = static_cast<uint32_t>(q);
    c2 = static_cast<uint32_t>(p >> 32) ^ c3 ^ key1;
    c3 = static_cast<uint32_t>(p);
    key0 += 0x9e3779b9U;
    key1 += 0xbb67ae85U;
  }
  return PhiloxBlock{{c0, c1, c2, c3}};
}

// The 53-bit integers a and b of a block.
WAVEPRIOR_HD uint64_t PhiloxA(const PhiloxBlock& v) { return (static_cast<uint64_t>(v.w[1]) << 32 | v.w[0]) >> 11; }
WAVEPRIOR_HD uint64_t PhiloxB(const PhiloxBlock& v) { return (static_cast<uint64_t>(v.w[3]) << 32 | v.w[2]) >> 11; }

// The uniforms of a block, in [0, 1).
WAVEPRIOR_HD PhiloxPair Uniforms(const PhiloxBlock& v) {
  return PhiloxPair{static_cast<double>(PhiloxA(v)) * 0x1p-53, static_cast<double>(PhiloxB(v)) * 0x1p-53};
}

// The standard normals of a block. In float32: each of these, rounded.
WAVEPRIOR_HD PhiloxPair Normals(const PhiloxBlock& v) {
  const double l = philox_detail::NegLog(static_cast<double>(PhiloxA(v) + 1), 53);
  const double r = sqrt(l + l);
  double sine, cosine;
  philox_detail::SinCos(PhiloxB(v), &sine, &cosine);
  return PhiloxPair{r * cosine, r * sine};
}

// The normals of one (step, chain, draw) of a stream: what a row of philox_normals is made from. All numbers are 32 bits;
// the key's low half is its first word.
class PhiloxRow {
 public:
  WAVEPRIOR_HD PhiloxRow(int64_t key, int64_t step, int64_t chain, int64_t draw)
      : key0_(static_cast<uint32_t>(key)),
        key1_(static_cast<uint32_t>(static_cast<uint64_t>(key) >> 32)),
        step_(static_cast<uint32_t>(step)),
        chain_(static_cast<uint32_t>(chain)),
        draw_(static_cast<uint32_t>(draw)) {}

  // Elements 2k and 2k+1.
  WAVEPRIOR_HD PhiloxPair Pair(int64_t k) const {
    return Normals(Philox(key0_, key1_, static_cast<uint32_t>(k), step_, chain_, draw_));
  }

 private:
  uint32_t key0_, key1_, step_, chain_, draw_;
};

}  // namespace waveprior

#endif  // WAVEPRIOR_CUDA_PHILOX_H_
