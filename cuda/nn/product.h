// Dense products on the GPU: a block makes one tile of c (i, j) = start + sum over k of a (i, k) b (j, k). float32 stays on
// the plain units (no tensor cores, whose 10 bits of TF32 are not the CPU's numbers). For .cu files only.
//
// Scheme      Wide: a tile of 128 x 128 (float64: 64 x 64) by 256 threads, 8 x 8 (4 x 4) sums each in registers; blocks of
//             both factors, 16 deep, lie twice in shared memory: while one is used the next comes by way of registers. An
//             element is one chain of fused multiply-adds over k, ascending: the bits of the CPU's.
//             Thin: for up to 64 rows, where wide tiles would leave most multiprocessors idle: a tile of 32 x 32 by 8 warps,
//             each of which sums every eighth block of k; the eight are added by halving. 50 rows of 2048 by 2048 are 128
//             blocks. An element's tree depends on the summed index alone, never on rows beside it.
// Layout      A factor's rows are along k ("deep": element (i, k) in row i) or along its other index. Shared memory is
//             (k, i), rows padded by one pack, so that a thread's sums are read as packs.
#ifndef WAVEPRIOR_CUDA_NN_PRODUCT_H_
#define WAVEPRIOR_CUDA_NN_PRODUCT_H_

#include "matrix.h"

namespace waveprior::nn {

// How a tile of kSide numbers along i and kDepth along k goes from memory to shared memory, by kThreads threads.
template <class T, bool kDeep, int kSide, int kDepth, int kThreads>
class Carrier {
 public:
  static constexpr int kMany = Pack<T>::kCount, kPitch = kSide + kMany;
  static constexpr int kLoads = kSide * kDepth / kMany / kThreads;

  // Into registers: numbers i.. and k.. of the factor.
  WAVEPRIOR_DEVICE void Load(const Factor<T>& from, int thread, int64_t i, int64_t k) {
#pragma unroll
    for (int q = 0; q < kLoads; q++) {
      const int id = thread + q * kThreads;
      held_[q] = kDeep ? from.Load(i + id / kAcross, k + id % kAcross * kMany)
                       : from.Load(k + id / kAcross, i + id % kAcross * kMany);
    }
  }
  WAVEPRIOR_DEVICE void Store(T* shared, int thread) const {
#pragma unroll
    for (int q = 0; q < kLoads; q++) {
      const int id = thread + q * kThreads, row = id / kAcross, first = id % kAcross * kMany;
      if (kDeep) {
#pragma unroll
        for (int p = 0; p < kMany; p++) shared[(first + p) * kPitch + row] = held_[q].x[p];
      } else {
        *reinterpret_cast<Pack<T>*>(shared + row * kPitch + first) = held_[q];
      }
    }
  }

 private:
  static constexpr int kAcross = (kDeep ? kDepth : kSide) / kMany;  // packs in a row of the tile in memory
  Pack<T> held_[kLoads];
};

template <class T>
struct Wide {
  static constexpr int kMany = Pack<T>::kCount, kThreads = 256, kGroup = 16 * kMany, kSide = 2 * kGroup, kDepth = 16;
  static constexpr int kPitch = kSide + kMany, kBlock = kDepth * kPitch;  // of 4 in shared memory: a, b, twice

  alignas(16) T sum[2 * kMany][2 * kMany];  // packs are read of it

  // The row or column of the tile where this thread's pack g of sums begins.
  static WAVEPRIOR_DEVICE int Row(int g) { return g * kGroup + static_cast<int>(threadIdx.y) * kMany; }
  static WAVEPRIOR_DEVICE int Column(int g) { return g * kGroup + static_cast<int>(threadIdx.x) * kMany; }

  // f(row, column, pack) for this thread's sums, a pack of a row at a time.
  template <class F>
  WAVEPRIOR_DEVICE void Each(int64_t i, int64_t j, const F& f) {
#pragma unroll
    for (int r = 0; r < 2 * kMany; r++)
#pragma unroll
      for (int g = 0; g < 2; g++)
        f(i + Row(r / kMany) + r % kMany, j + Column(g), *reinterpret_cast<Pack<T>*>(&sum[r][g * kMany]));
  }

  WAVEPRIOR_DEVICE void Add(const T* a, const T* b, int k) {
    Pack<T> left[2], right[2];
#pragma unroll
    for (int g = 0; g < 2; g++) {
      left[g] = *reinterpret_cast<const Pack<T>*>(a + k * kPitch + Row(g));
      right[g] = *reinterpret_cast<const Pack<T>*>(b + k * kPitch + Column(g));
    }
#pragma unroll
    for (int r = 0; r < 2 * kMany; r++)
#pragma unroll
      for (int c = 0; c < 2 * kMany; c++)
        sum[r][c] = Fma(left[r / kMany].x[r % kMany], right[c / kMany].x[c % kMany], sum[r][c]);
  }

  // sum += a b over k < total for the tile at (i, j); shared: 4 kBlock numbers.
  template <bool kDeepA, bool kDeepB>
  WAVEPRIOR_DEVICE void Sum(const Factor<T>& a, const Factor<T>& b, int64_t i, int64_t j, int64_t total, T* shared) {
    const int thread = ThreadRank();
    Carrier<T, kDeepA, kSide, kDepth, kThreads> left;
    Carrier<T, kDeepB, kSide, kDepth, kThreads> right;
    left.Load(a, thread, i, 0);
    right.Load(b, thread, j, 0);
    left.Store(shared, thread);
    right.Store(shared + kBlock, thread);
    __syncthreads();
    int half = 0;
    for (int64_t k = 0; k < total; k += kDepth) {
      const bool more = k + kDepth < total;
      if (more) {
        left.Load(a, thread, i, k + kDepth);
        right.Load(b, thread, j, k + kDepth);
      }
      const T* const at = shared + 2 * half * kBlock;
      if (total - k >= kDepth) {
#pragma unroll
        for (int q = 0; q < kDepth; q++) Add(at, at + kBlock, q);
      } else {
#pragma unroll 1
        for (int q = 0; q < total - k; q++) Add(at, at + kBlock, q);
      }
      half = 1 - half;
      if (more) {
        left.Store(shared + 2 * half * kBlock, thread);
        right.Store(shared + (2 * half + 1) * kBlock, thread);
      }
      __syncthreads();
    }
  }
};

template <class T>
struct Thin {
  static constexpr int kMany = Pack<T>::kCount, kSide = 32, kWarps = 8, kDepth = 64 / static_cast<int>(sizeof(T));
  static constexpr int kPitch = kSide + kMany, kBlock = kDepth * kPitch;  // a and b of each warp in shared memory
  static constexpr int kDown = 8, kAcross = 4;                            // sums of a lane: rows, columns

  T sum[kDown][kAcross];

  static WAVEPRIOR_DEVICE int Row(int r) { return r / kMany * 4 * kMany + Lane() / 8 * kMany + r % kMany; }
  static WAVEPRIOR_DEVICE int Column(int g) { return g * 8 * kMany + Lane() % 8 * kMany; }

  WAVEPRIOR_DEVICE void Add(const T* a, const T* b, int k) {
    Pack<T> left[kDown / kMany], right[kAcross / kMany];
#pragma unroll
    for (int g = 0; g < kDown / kMany; g++)
      left[g] = *reinterpret_cast<const Pack<T>*>(a + k * kPitch + Row(g * kMany));
#pragma unroll
    for (int g = 0; g < kAcross / kMany; g++) right[g] = *reinterpret_cast<const Pack<T>*>(b + k * kPitch + Column(g));
#pragma unroll
    for (int r = 0; r < kDown; r++)
#pragma unroll
      for (int c = 0; c < kAcross; c++)
        sum[r][c] = Fma(left[r / kMany].x[r % kMany], right[c / kMany].x[c % kMany], sum[r][c]);
  }

  // to = start + a b for the tile at (i, j), the sums over k < total; shared: 2 kWarps kBlock numbers, 8 warps in a block.
  template <bool kDeepB>
  static WAVEPRIOR_DEVICE void Make(const Output<T>& to, const Factor<T>& a, const Factor<T>& b, int64_t i, int64_t j,
                                    int64_t total, T* shared) {
    const int warp = Warp(), lane = Lane();
    Thin own;
#pragma unroll
    for (int r = 0; r < kDown; r++)
#pragma unroll
      for (int c = 0; c < kAcross; c++) own.sum[r][c] = T(0);
    own.template Sum<kDeepB>(a, b, i, j, total, shared + 2 * warp * kBlock);
    // The eight warps' sums by halving: 4 apart here, then 2 and 1 apart. Number n of a lane lies at n*32 + lane.
    constexpr int kNumbers = kDown * kAcross * kWarp;
    T* const mine = shared + warp % 4 * kNumbers + lane;
    if (warp >= 4) own.Put(mine);
    __syncthreads();
    if (warp < 4) {
      own.Take(mine);
      own.Put(mine);
    }
    __syncthreads();
    // Warp r ends row r of every lane.
    const int64_t row = i + Row(warp);
#pragma unroll
    for (int g = 0; g < kAcross / kMany; g++) {
      Pack<T> v = to.Start(row, j + Column(g));
#pragma unroll
      for (int p = 0; p < kMany; p++) {
        const T* const part = shared + (warp * kAcross + g * kMany + p) * kWarp + lane;
        CountOperations(4);
        v.x[p] += (part[0] + part[2 * kNumbers]) + (part[kNumbers] + part[3 * kNumbers]);
      }
      to.Set(row, j + Column(g), v);
    }
  }

 private:
  // The warp's share of the sums: blocks warp, warp + 8, ... of k. shared: 2 kBlock numbers of this warp.
  template <bool kDeepB>
  WAVEPRIOR_DEVICE void Sum(const Factor<T>& a, const Factor<T>& b, int64_t i, int64_t j, int64_t total, T* shared) {
    const int lane = Lane();
    Carrier<T, true, kSide, kDepth, kWarp> left;
    Carrier<T, kDeepB, kSide, kDepth, kWarp> right;
    int64_t k = Warp() * kDepth;
    left.Load(a, lane, i, k);
    right.Load(b, lane, j, k);
    // Every warp goes round equally often: the barriers are the block's.
    for (int64_t round = 0; round < total; round += kWarps * kDepth, k += kWarps * kDepth) {
      left.Store(shared, lane);
      right.Store(shared + kBlock, lane);
      __syncthreads();
      if (round + kWarps * kDepth < total) {
        left.Load(a, lane, i, k + kWarps * kDepth);
        right.Load(b, lane, j, k + kWarps * kDepth);
      }
      if (total - k >= kDepth) {
#pragma unroll
        for (int q = 0; q < kDepth; q++) Add(shared, shared + kBlock, q);
      } else {
#pragma unroll 1
        for (int q = 0; q < total - k; q++) Add(shared, shared + kBlock, q);
      }
      __syncthreads();
    }
  }
  WAVEPRIOR_DEVICE void Put(T* to) const {
#pragma unroll
    for (int n = 0; n < kDown * kAcross; n++) to[n * kWarp] = sum[n / kAcross][n % kAcross];
  }
  WAVEPRIOR_DEVICE void Take(const T* from) {
    CountOperations(kDown * kAcross);
#pragma unroll
    for (int n = 0; n < kDown * kAcross; n++) sum[n / kAcross][n % kAcross] += from[n * kWarp];
  }
};

}  // namespace waveprior::nn

#endif  // WAVEPRIOR_CUDA_NN_PRODUCT_H_
