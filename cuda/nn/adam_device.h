// What the .cu of Adam and of the dense layers' update share.
#ifndef WAVEPRIOR_CUDA_NN_ADAM_DEVICE_H_
#define WAVEPRIOR_CUDA_NN_ADAM_DEVICE_H_

#include "adam.h"
#include "elements.h"

namespace waveprior::nn {

// What AdamStep::Next and Average do beside Fma and Sqrt, which count themselves.
constexpr int kAdamRest = 8;

// The parameters, moments and moving average (null: none) of count numbers.
template <class T>
struct AdamArrays {
  T *w, *m, *v, *average;
};

// One step of number i of views of T.
template <class T>
WAVEPRIOR_DEVICE void StepOne(const AdamStep<T>& adam, View<T> w, View<T> m, View<T> v, View<T> average, int64_t i,
                              T g) {
  CountOperations(kAdamRest);
  T mi = m[i], vi = v[i];
  const T wi = adam.Next(w[i], g, mi, vi);
  w.Set(i, wi);
  m.Set(i, mi);
  v.Set(i, vi);
  if (average) average.Set(i, adam.Average(average[i], wi));
}

// One step of pack i of views of packs.
template <class T>
WAVEPRIOR_DEVICE void StepPack(const AdamStep<T>& adam, View<Pack<T>> w, View<Pack<T>> m, View<Pack<T>> v,
                               View<Pack<T>> average, int64_t i, const Pack<T>& g) {
  Pack<T> wi = w[i], mi = m[i], vi = v[i];
  CountOperations(Pack<T>::kCount * kAdamRest);
#pragma unroll
  for (int q = 0; q < Pack<T>::kCount; q++) wi.x[q] = adam.Next(wi.x[q], g.x[q], mi.x[q], vi.x[q]);
  w.Set(i, wi);
  m.Set(i, mi);
  v.Set(i, vi);
  if (average) {
    Pack<T> ai = average[i];
#pragma unroll
    for (int q = 0; q < Pack<T>::kCount; q++) ai.x[q] = adam.Average(ai.x[q], wi.x[q]);
    average.Set(i, ai);
  }
}

}  // namespace waveprior::nn

#endif  // WAVEPRIOR_CUDA_NN_ADAM_DEVICE_H_
