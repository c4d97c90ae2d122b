// The exponential function of numbers that are not positive, by IEEE operations: the same bits on every machine.
//
// Equation    exp(z) = 2^n (1 + r + r^2 E(r)), r = z - n log 2, |r| <= log(2)/2, E a polynomial
// Source      Coefficients: nn/testdata/coefficients.py.
// Error       a few units in the last place (cuda/nn.TestPhi, TestGelu, which rest on it).
// Assumptions IEEE arithmetic, round to nearest. Results below exp(kLeast) are 0, so that none is a denormal.
#ifndef WAVEPRIOR_CUDA_EXP_H_
#define WAVEPRIOR_CUDA_EXP_H_

#include "args.h"

namespace waveprior {

// The constants and the polynomial of each number type.
template <class T>
struct ExpTable;

template <>
struct ExpTable<float> {
  using Bits = uint32_t;
  static constexpr int kMantissa = 23;
  static constexpr Bits kBias = 127;
  static constexpr float kLeast = -87.0f;       // exp of it is still normal
  static constexpr float kRound = 12582912.0f;  // 1.5 2^23: adding it rounds to an integer
  static constexpr float kLog2e = 0x1.715476p+0f;
  static constexpr float kLn2High = 0x1.62e4p-1f;  // 15 bits, so that n kLn2High is exact
  static constexpr float kLn2Low = 0x1.7f7d1cp-20f;
  static WAVEPRIOR_INLINE float E(float r) {
    float p = Fma(r, 0x1.6c6a06p-10f, 0x1.120b28p-7f);
    p = Fma(r, p, 0x1.5555bap-5f);
    p = Fma(r, p, 0x1.5554dep-3f);
    return Fma(r, p, 0.5f);
  }
};

template <>
struct ExpTable<double> {
  using Bits = uint64_t;
  static constexpr int kMantissa = 52;
  static constexpr Bits kBias = 1023;
  static constexpr double kLeast = -708.0;
  static constexpr double kRound = 6755399441055744.0;  // 1.5 2^52
  static constexpr double kLog2e = 0x1.71547652b82fep+0;
  static constexpr double kLn2High = 0x1.62e42fefa3800p-1;
  static constexpr double kLn2Low = 0x1.ef35793c76730p-45;
  static WAVEPRIOR_INLINE double E(double r) {
    double p = Fma(r, 0x1.1f19fdff3d632p-29, 0x1.af4dbacbf3244p-26);
    p = Fma(r, p, 0x1.27e510d46aefep-22);
    p = Fma(r, p, 0x1.71de024a5517fp-19);
    p = Fma(r, p, 0x1.a01a01906513fp-16);
    p = Fma(r, p, 0x1.a01a01abdf397p-13);
    p = Fma(r, p, 0x1.6c16c16c1a06ap-10);
    p = Fma(r, p, 0x1.11111111100eep-7);
    p = Fma(r, p, 0x1.555555555554ep-5);
    p = Fma(r, p, 0x1.5555555555557p-3);
    return Fma(r, p, 0.5);
  }
};

// exp(z) for z <= 0; 0 below the table's least; NaN stays.
template <class T>
WAVEPRIOR_INLINE T ExpNegative(T z) {
  using Table = ExpTable<T>;
  const T c = z < Table::kLeast ? Table::kLeast : z;
  const T shifted = Fma(c, Table::kLog2e, Table::kRound);
  const T n = shifted - Table::kRound;
  const T r = Fma(-n, Table::kLn2Low, Fma(-n, Table::kLn2High, c));
  // The low bits of shifted hold n.
  typename Table::Bits bits;
  memcpy(&bits, &shifted, sizeof bits);
  bits = (bits + Table::kBias) << Table::kMantissa;
  T scale;
  memcpy(&scale, &bits, sizeof scale);
  const T e = scale * (T(1) + Fma(r * r, Table::E(r), r));
  return z < Table::kLeast ? T(0) : e;
}

}  // namespace waveprior

#endif  // WAVEPRIOR_CUDA_EXP_H_
