// The acoustic scheme for many units at a time: acoustic_march.h, a thread for each node.
//
// Equation, layout, costs, test: acoustic_march.h, batch.h. Threads of a block share what they read through the first-level
// cache, of which a multiprocessor has more than the shared memory that a kernel may ask for here (48 KB).
#include "acoustic_march.h"
#include "march.h"

namespace waveprior::wave {

template <class T, int R>
WAVEPRIOR_DEVICE void ForwardOfOrder(const Grid& g, const ForwardCall<T>& c, const ForwardUnit<T, 0>& u) {
  March(
      c.first, c.last, [&](int64_t n) { EachNode(g, AcousticForward<T, R>(g, u, n)); },
      [&](int64_t n) { RecordRow(g, u.record, u.state, u.data, n); });
}

template <class T>
WAVEPRIOR_DEVICE void MarchAcoustic(const Grid& g, const ForwardCall<T>& c) {
  const ForwardUnit<T, 0> u(g, c, Place(g, c.shot, c.many, blockIdx.y), blockIdx.y);
  if (g.halo == 1) ForwardOfOrder<T, 1>(g, c, u);
  if (g.halo == 2) ForwardOfOrder<T, 2>(g, c, u);
  if (g.halo == 3) ForwardOfOrder<T, 3>(g, c, u);
  if (g.halo == 4) ForwardOfOrder<T, 4>(g, c, u);
}

template <class T, int R>
WAVEPRIOR_DEVICE void BackOfOrder(const Grid& g, const BackCall<T>& c, const BackUnit<T, 0>& u) {
  March(
      c.first, c.last, [&](int64_t n) { EachNode(g, AcousticBack<T, R>(g, u, n)); }, [](int64_t) {});
}

template <class T>
WAVEPRIOR_DEVICE void MarchAcousticBack(const Grid& g, const BackCall<T>& c) {
  const BackUnit<T, 0> u(g, c, Place(g, c.shot, c.many, blockIdx.y), blockIdx.y);
  if (g.halo == 1) BackOfOrder<T, 1>(g, c, u);
  if (g.halo == 2) BackOfOrder<T, 2>(g, c, u);
  if (g.halo == 3) BackOfOrder<T, 3>(g, c, u);
  if (g.halo == 4) BackOfOrder<T, 4>(g, c, u);
}

}  // namespace waveprior::wave

extern "C" __global__ void __launch_bounds__(256, 2)
    wave_acoustic_march_f32(const int32_t* grid, const float* profile, const float* wavelet, const int32_t* sources,
                            const float* source_weight, const int32_t* record, const float* record_weight,
                            const float* courant, const float* dcourant, const float* extra, const float* dextra,
                            float* state, float* kept, float* data, int64_t models, int64_t many, int64_t shot,
                            int64_t units, int64_t lo, int64_t segment, int64_t first, int64_t last, int64_t /*blocks*/,
                            int64_t /*read*/, int64_t /*written*/, int64_t /*asked*/, int64_t /*operations*/) {
  __shared__ waveprior::wave::Grid shared;
  waveprior::wave::ReadGrid(grid, &shared);
  waveprior::wave::MarchAcoustic<float>(
      shared, {grid,  profile, wavelet, sources, source_weight, record, record_weight, courant, dcourant, extra, dextra,
               state, kept,    data,    models,  many,          shot,   units,         lo,      segment,  first, last});
}

extern "C" __global__ void __launch_bounds__(256, 2)
    wave_acoustic_march_f64(const int32_t* grid, const double* profile, const double* wavelet, const int32_t* sources,
                            const double* source_weight, const int32_t* record, const double* record_weight,
                            const double* courant, const double* dcourant, const double* extra, const double* dextra,
                            double* state, double* kept, double* data, int64_t models, int64_t many, int64_t shot,
                            int64_t units, int64_t lo, int64_t segment, int64_t first, int64_t last, int64_t /*blocks*/,
                            int64_t /*read*/, int64_t /*written*/, int64_t /*asked*/, int64_t /*operations*/) {
  __shared__ waveprior::wave::Grid shared;
  waveprior::wave::ReadGrid(grid, &shared);
  waveprior::wave::MarchAcoustic<double>(
      shared, {grid,  profile, wavelet, sources, source_weight, record, record_weight, courant, dcourant, extra, dextra,
               state, kept,    data,    models,  many,          shot,   units,         lo,      segment,  first, last});
}

extern "C" __global__ void __launch_bounds__(256, 2)
    wave_acoustic_back_f32(const int32_t* grid, const float* profile, const float* wavelet, const int32_t* sources,
                           const float* source_weight, const int32_t* receivers, const float* receiver_weight,
                           const float* courant, const float* extra, float* state, const float* kept, const float* data,
                           const float* observed, const int64_t* which, const float* cotangent, float* gradient,
                           int64_t models, int64_t many, int64_t sets, int64_t observations, int64_t shot,
                           int64_t units, int64_t lo, int64_t segment, int64_t first, int64_t last, int64_t /*blocks*/,
                           int64_t /*read*/, int64_t /*written*/, int64_t /*asked*/, int64_t /*operations*/) {
  __shared__ waveprior::wave::Grid shared;
  waveprior::wave::ReadGrid(grid, &shared);
  waveprior::wave::MarchAcousticBack<float>(
      shared,
      {grid, profile, wavelet,  sources, source_weight, receivers, receiver_weight, courant, extra, state,
       kept, data,    observed, which,   cotangent,     gradient,  models,          many,    sets,  observations,
       shot, units,   lo,       segment, first,         last});
}

extern "C" __global__ void __launch_bounds__(256, 2)
    wave_acoustic_back_f64(const int32_t* grid, const double* profile, const double* wavelet, const int32_t* sources,
                           const double* source_weight, const int32_t* receivers, const double* receiver_weight,
                           const double* courant, const double* extra, double* state, const double* kept,
                           const double* data, const double* observed, const int64_t* which, const double* cotangent,
                           double* gradient, int64_t models, int64_t many, int64_t sets, int64_t observations,
                           int64_t shot, int64_t units, int64_t lo, int64_t segment, int64_t first, int64_t last,
                           int64_t /*blocks*/, int64_t /*read*/, int64_t /*written*/, int64_t /*asked*/,
                           int64_t /*operations*/) {
  __shared__ waveprior::wave::Grid shared;
  waveprior::wave::ReadGrid(grid, &shared);
  waveprior::wave::MarchAcousticBack<double>(
      shared,
      {grid, profile, wavelet,  sources, source_weight, receivers, receiver_weight, courant, extra, state,
       kept, data,    observed, which,   cotangent,     gradient,  models,          many,    sets,  observations,
       shot, units,   lo,       segment, first,         last});
}
