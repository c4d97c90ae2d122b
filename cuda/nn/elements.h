// How the .cu of this family go over elements and over rows: 16 bytes at a time where everything is aligned to that, else
// number by number. For .cu files only.
#ifndef WAVEPRIOR_CUDA_NN_ELEMENTS_H_
#define WAVEPRIOR_CUDA_NN_ELEMENTS_H_

#include "../kernel.h"

namespace waveprior::nn {

// 16 bytes of T: one load or store of a thread.
template <class T>
struct __align__(16) Pack {
  static constexpr int kCount = 16 / static_cast<int>(sizeof(T));
  T x[kCount];
};

template <class T>
WAVEPRIOR_DEVICE bool Aligned(const T* p) {
  return reinterpret_cast<uint64_t>(p) % sizeof(Pack<T>) == 0;
}

// The packs that n numbers from p on are made of; p is aligned.
template <class T>
WAVEPRIOR_DEVICE View<Pack<T>> Packs(T* p, int64_t n) {
  return View<Pack<T>>(reinterpret_cast<Pack<T>*>(p), n / Pack<T>::kCount);
}
template <class T>
WAVEPRIOR_DEVICE View<const Pack<T>> Packs(const T* p, int64_t n) {
  return View<const Pack<T>>(reinterpret_cast<const Pack<T>*>(p), n / Pack<T>::kCount);
}

// f(q) of the numbers q of some packs.
template <class T, class F, class... In>
WAVEPRIOR_DEVICE Pack<T> EachOf(const F& f, const In&... in) {
  Pack<T> y;
#pragma unroll
  for (int q = 0; q < Pack<T>::kCount; q++) y.x[q] = f(in.x[q]...);
  return y;
}

template <class T, class F, class... In>
WAVEPRIOR_DEVICE void MapPacks(int64_t n, const F& f, View<Pack<T>> y, View<const In>... in) {
  for (int64_t i = GlobalIndex(); i < n; i += GlobalSize()) y.Set(i, EachOf<T>(f, in[i]...));
}

template <class T, class F, class... In>
WAVEPRIOR_DEVICE void MapRest(int64_t from, int64_t n, const F& f, View<T> y, View<const In>... in) {
  for (int64_t i = from + GlobalIndex(); i < n; i += GlobalSize()) y.Set(i, f(in[i]...));
}

// y[i] = f(in[i]...), i < n, over the whole grid; y may be one of the inputs.
template <class T, class F, class... In>
WAVEPRIOR_DEVICE void Map(T* y, int64_t n, const F& f, const In*... in) {
  const bool packs = Aligned(y) && (Aligned(in) && ...);
  if (packs) MapPacks(n / Pack<T>::kCount, f, Packs(y, n), Packs(in, n)...);
  MapRest(packs ? n - n % Pack<T>::kCount : 0, n, f, View<T>(y, n), View<const In>(in, n)...);
}

// f(row, j) for j = 0..count-1 in each of the rows: threads in x take the columns, threads in y the rows.
template <class F>
WAVEPRIOR_DEVICE void EachInRows(int64_t rows, int64_t count, const F& f) {
  const int64_t down = static_cast<int64_t>(gridDim.y) * blockDim.y;
  for (int64_t row = static_cast<int64_t>(blockIdx.y) * blockDim.y + threadIdx.y; row < rows; row += down)
    for (int64_t j = GlobalIndex(); j < count; j += GlobalSize()) f(row, j);
}

}  // namespace waveprior::nn

#endif  // WAVEPRIOR_CUDA_NN_ELEMENTS_H_
