// The CUDA twins of norm_cpu.cc: the same bits, as the sums have the same chains.
//
// Scheme      Forward: a block of 256 threads a row, which passes through shared memory, so that it is read once (rows past
//             40 KiB are read three times). Backward: a block for each group of rows, 256 threads a row, a chunk of 256
//             columns at a time through shared memory, in two halves in turn: while 64 threads a row go on with the row's
//             chains, two rows' threads sum the chunk's parameter gradients over the rows, in order. What a thread needs
//             again for du stays in its registers (rows of up to 2048 float32 or 512 float64; past
//             that u is read twice and du passes through memory).
// Traffic     bytes, s = sizeof(T), n = rows width:
//             nn_layernorm           (1 read + 1 written) n s, with r one more read; gamma and beta 2 n s from the cache;
//                                    stats 2 rows s
//             nn_layernorm_backward  (2 read + 1 written) n s; gamma 2 n s and beta n s from the cache; the groups' sums
//                                    2 width s ceil(rows/4)
// Operations  nn_layernorm 8 a number, with gelu 52 (float32) or 92 (float64) more, with r one more;
//             nn_layernorm_backward 18 a number, with gelu 57 or 97 more
#include "elements.h"
#include "gelu.h"
#include "norm.h"

namespace waveprior::nn {

constexpr int kNormThreads = 256;  // a row; launchNorm

// Numbers of a row that passes through shared memory; launchNorm gives the memory.
template <class T>
constexpr int64_t kStaged = 40960 / static_cast<int64_t>(sizeof(T));

// The sum of the row's chains by halving, from where the first kNormSums threads of a row left them, in every thread.
template <class T>
WAVEPRIOR_DEVICE T Halved(const T* sums) {
  return WarpSum(sums[Lane()] + sums[Lane() + kWarp]);
}

// step(j, sum) over j = l, l + kNormSums, ... for every chain l, and their sum. sums: kNormSums numbers of shared memory.
template <class T, class Step>
WAVEPRIOR_DEVICE T ChainSum(int64_t width, T* sums, const Step& step) {
  if (threadIdx.x < kNormSums) {
    T sum = 0;
#pragma unroll 8
    for (int64_t j = threadIdx.x; j < width; j += kNormSums) sum = step(j, sum);
    sums[threadIdx.x] = sum;
  }
  __syncthreads();
  return Halved(sums);
}

template <class T>
WAVEPRIOR_DEVICE void LayerNorm(T* y_of, const T* u_of, const T* r_of, const T* gamma_of, const T* beta_of, T* stats_of,
                                int64_t width, bool gelu, int64_t rows) {
  WAVEPRIOR_SHARED(T, shared);
  T* const sums = shared;  // (2, kNormSums)
  T* const line = shared + 2 * kNormSums;
  const int64_t row = blockIdx.x, first = row * width;
  const View<T> y(y_of + first, width), stats(stats_of, 2 * rows);
  const View<const T> u(u_of + first, width), r(r_of ? r_of + first : nullptr, width), gamma(gamma_of, width),
      beta(beta_of, width);
  const bool staged = width <= kStaged<T>;
  if (staged) {
    for (int64_t j = threadIdx.x; j < width; j += kNormThreads) line[j] = u[j];
    __syncthreads();
  }
  const auto at = [&](int64_t j) -> T { return staged ? line[j] : u[j]; };
  const T mean = ChainSum(width, sums, [&](int64_t j, T sum) { return sum + at(j); }) / T(width);
  const T squares = ChainSum(width, sums + kNormSums, [&](int64_t j, T sum) {
    const T e = at(j) - mean;
    return Fma(e, e, sum);
  });
  const Normalised<T> norm{mean, ReciprocalStd(squares, width)};
  if (stats && threadIdx.x == 0) {
    stats.Set(2 * row, norm.mean);
    stats.Set(2 * row + 1, norm.rstd);
  }
  for (int64_t j = threadIdx.x; j < width; j += kNormThreads) {
    CountOperations(gelu ? kNormalRest + 5 : 4);
    const T n = norm.Value(at(j), gamma[j], beta[j]);
    if (!gelu) {
      y.Set(j, n);
    } else {
      const T g = Gelu(n);
      y.Set(j, r ? r[j] + g : g);
    }
  }
}

template <class T>
struct NormGradients {
  View<T> du, scratch;
  View<const T> dy, u, gamma, beta;
  Normalised<T> norm;
  int64_t width, unit;
  int rows, line, lines;  // of the group's rows: how many there are; this thread's; how many the block has threads for
  bool here;              // this thread's row is one of them
  T *dn, *hat;            // shared, (2, lines, kNormThreads)
  T sum, product;         // this thread's chain, threads 0 to kNormSums-1 of a row

  // Columns chunk*kNormThreads and on: g and u of this thread's; goes on with the chains, and writes the sums over the rows.
  WAVEPRIOR_DEVICE void Chunk(int64_t chunk, T* g_of, T* u_of) {
    const int t = static_cast<int>(threadIdx.x);
    const int64_t first = chunk * kNormThreads, j = first + t;
    T* const dn_here = dn + chunk % 2 * lines * kNormThreads;
    T* const hat_here = hat + chunk % 2 * lines * kNormThreads;
    if (here && j < width) {
      CountOperations(beta ? kNormalRest + 4 : 3);
      const T uj = u[j], weight = gamma[j];
      T d = dy[j];
      if (beta) d = d * GeluSlope(norm.Value(uj, weight, beta[j]));
      dn_here[line * kNormThreads + t] = d;
      hat_here[line * kNormThreads + t] = norm.Hat(uj);
      *g_of = d * weight;
      *u_of = uj;
    }
    __syncthreads();
    if (here && t < kNormSums) {
#pragma unroll
      for (int q = t; q < kNormThreads; q += kNormSums)
        if (first + q < width) {
          CountOperations(2);
          const T g = dn_here[line * kNormThreads + q] * gamma[first + q];
          sum += g;
          product = Fma(g, hat_here[line * kNormThreads + q], product);
        }
    }
    if (scratch && j < width) Parameters(dn_here + t, hat_here + t, j);
  }

  // The sums over the group's rows of column j: rows' threads 0 take dgamma, 1 dbeta.
  WAVEPRIOR_DEVICE void Parameters(const T* dn_of, const T* hat_of, int64_t j) {
    for (int which = line; which < 2; which += lines) {
      T total = which == 0 ? dn_of[0] * hat_of[0] : dn_of[0];
      CountOperations(which == 0 ? 1 : rows);
      for (int i = 1; i < rows; i++) {
        const T d = dn_of[i * kNormThreads];
        total = which == 0 ? Fma(d, hat_of[i * kNormThreads], total) : total + d;
      }
      scratch.Set((2 * unit + which) * width + j, total);
    }
  }
};

template <class T>
WAVEPRIOR_DEVICE void LayerNormBackward(T* du_of, const T* dy_of, const T* u_of, const T* gamma_of, const T* beta_of,
                                        const T* stats_of, T* scratch_of, int64_t rows, int64_t width) {
  constexpr int kKeep = sizeof(T) == 4 ? 8 : 2;  // chunks whose g and u stay in registers
  WAVEPRIOR_SHARED(T, shared);
  const int lines = static_cast<int>(blockDim.y), line = static_cast<int>(threadIdx.y),
            t = static_cast<int>(threadIdx.x);
  const int64_t unit = blockIdx.x, row = unit * lines + line, left = rows - unit * lines;
  const bool here = row < rows;
  const int64_t first = here ? row * width : 0;
  const View<const T> stats(stats_of, 2 * rows);
  T* const sums = shared + 4 * lines * kNormThreads + 2 * kNormSums * line;  // (2, kNormSums) of this row
  NormGradients<T> of{View<T>(du_of + first, width),
                      View<T>(scratch_of, static_cast<int64_t>(gridDim.x) * 2 * width),
                      View<const T>(dy_of + first, width),
                      View<const T>(u_of + first, width),
                      View<const T>(gamma_of, width),
                      View<const T>(beta_of, width),
                      here ? Normalised<T>{stats[2 * row], stats[2 * row + 1]} : Normalised<T>{T(0), T(0)},
                      width,
                      unit,
                      static_cast<int>(left < lines ? left : lines),
                      line,
                      lines,
                      here,
                      shared,
                      shared + 2 * lines * kNormThreads,
                      T(0),
                      T(0)};
  const int64_t chunks = (width + kNormThreads - 1) / kNormThreads;
  T g[kKeep], u[kKeep];
  if (chunks <= kKeep) {
#pragma unroll
    for (int c = 0; c < kKeep; c++)
      if (c < chunks) of.Chunk(c, &g[c], &u[c]);
  } else {
    for (int64_t c = 0; c < chunks; c++) {
      of.Chunk(c, &g[0], &u[0]);
      const int64_t j = c * kNormThreads + t;
      if (here && j < width) of.du.Set(j, g[0]);
    }
  }
  if (t < kNormSums) {
    sums[t] = of.sum;
    sums[kNormSums + t] = of.product;
  }
  __syncthreads();
  const T c1 = Halved(sums) / T(width), c2 = Halved(sums + kNormSums) / T(width);
  if (!here) return;
  if (chunks <= kKeep) {
#pragma unroll
    for (int c = 0; c < kKeep; c++) {
      const int64_t j = static_cast<int64_t>(c) * kNormThreads + t;
      if (j < width) {
        CountOperations(4);
        of.du.Set(j, of.norm.Gradient(g[c], u[c], c1, c2));
      }
    }
  } else {
    for (int64_t j = t; j < width; j += kNormThreads) {
      CountOperations(4);
      of.du.Set(j, of.norm.Gradient(of.du[j], of.u[j], c1, c2));
    }
  }
}

}  // namespace waveprior::nn

extern "C" __global__ void __launch_bounds__(256)
    nn_layernorm_f32(float* y, const float* u, const float* r, const float* gamma, const float* beta, float* stats,
                     int64_t width, int64_t gelu, int64_t rows) {
  waveprior::nn::LayerNorm(y, u, r, gamma, beta, stats, width, gelu != 0, rows);
}
extern "C" __global__ void __launch_bounds__(256)
    nn_layernorm_f64(double* y, const double* u, const double* r, const double* gamma, const double* beta,
                     double* stats, int64_t width, int64_t gelu, int64_t rows) {
  waveprior::nn::LayerNorm(y, u, r, gamma, beta, stats, width, gelu != 0, rows);
}

extern "C" __global__ void __launch_bounds__(1024)
    nn_layernorm_backward_f32(float* du, const float* dy, const float* u, const float* gamma, const float* beta,
                              const float* stats, float* scratch, int64_t rows, int64_t width, int64_t) {
  waveprior::nn::LayerNormBackward(du, dy, u, gamma, beta, stats, scratch, rows, width);
}
extern "C" __global__ void __launch_bounds__(1024)
    nn_layernorm_backward_f64(double* du, const double* dy, const double* u, const double* gamma, const double* beta,
                              const double* stats, double* scratch, int64_t rows, int64_t width, int64_t) {
  waveprior::nn::LayerNormBackward(du, dy, u, gamma, beta, stats, scratch, rows, width);
}
