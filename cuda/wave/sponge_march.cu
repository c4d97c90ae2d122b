// The data sets' scheme for many units at a time: sponge_march.h, a thread for each node.
//
// Equation, layout, costs, test: sponge_march.h, batch.h.
#include "march.h"
#include "sponge_march.h"

namespace waveprior::wave {

template <class T>
WAVEPRIOR_DEVICE void MarchSponge(const Grid& g, const ForwardCall<T>& c) {
  const ForwardUnit<T, 1> u(g, c, Place(g, c.shot, c.many, blockIdx.y), blockIdx.y);
  March(
      c.first, c.last,
      [&](int64_t n) {
        EachNode(g, SpongeForward<T>{g, u, n});
      },
      [&](int64_t n) { RecordRow(g, u.record, u.state, u.data, n); });
}

template <class T>
WAVEPRIOR_DEVICE void MarchSpongeBack(const Grid& g, const BackCall<T>& c) {
  const BackUnit<T, 1> u(g, c, Place(g, c.shot, c.many, blockIdx.y), blockIdx.y);
  March(
      c.first, c.last,
      [&](int64_t n) {
        EachNode(g, SpongeBack<T>{g, u, n});
      },
      [](int64_t) {});
}

// The gradient with respect to the damping: every thread sums its own nodes in order, then BlockSum's tree.
template <class T>
WAVEPRIOR_DEVICE void SumDamping(const Grid& g, double* sums, const T* states, const T* profile, const T* courant,
                                 int64_t models, int64_t many, int64_t shot) {
  __shared__ double scratch[kWarp];
  const Place at(g, shot, many, blockIdx.y);
  const View<const T> state(states + blockIdx.y * static_cast<int64_t>(g.back), g.back), strip(profile, g.profile);
  const View<const T> c(courant + at.model * g.Compact(), g.Compact());
  double sum = 0;
  EachNode(g, [&](int32_t j, int32_t i) { sum += SpongeTerm<T>(g, state, strip, c, j, i); });
  sum = BlockSum(sum, scratch);
  if (ThreadRank() == 0) View<double>(sums, models * g.shots * many).Set(at.shot * many + at.direction, sum);
}

}  // namespace waveprior::wave

extern "C" __global__ void __launch_bounds__(256, 2)
    wave_sponge_march_f32(const int32_t* grid, const float* profile, const float* wavelet, const int32_t* sources,
                          const float* source_weight, const int32_t* record, const float* record_weight,
                          const float* courant, const float* dcourant, const float* extra, const float* dextra,
                          float* state, float* kept, float* data, int64_t models, int64_t many, int64_t shot,
                          int64_t units, int64_t lo, int64_t segment, int64_t first, int64_t last, int64_t /*blocks*/,
                          int64_t /*read*/, int64_t /*written*/, int64_t /*asked*/, int64_t /*operations*/) {
  __shared__ waveprior::wave::Grid shared;
  waveprior::wave::ReadGrid(grid, &shared);
  waveprior::wave::MarchSponge<float>(
      shared, {grid,  profile, wavelet, sources, source_weight, record, record_weight, courant, dcourant, extra, dextra,
               state, kept,    data,    models,  many,          shot,   units,         lo,      segment,  first, last});
}

extern "C" __global__ void __launch_bounds__(256, 2)
    wave_sponge_march_f64(const int32_t* grid, const double* profile, const double* wavelet, const int32_t* sources,
                          const double* source_weight, const int32_t* record, const double* record_weight,
                          const double* courant, const double* dcourant, const double* extra, const double* dextra,
                          double* state, double* kept, double* data, int64_t models, int64_t many, int64_t shot,
                          int64_t units, int64_t lo, int64_t segment, int64_t first, int64_t last, int64_t /*blocks*/,
                          int64_t /*read*/, int64_t /*written*/, int64_t /*asked*/, int64_t /*operations*/) {
  __shared__ waveprior::wave::Grid shared;
  waveprior::wave::ReadGrid(grid, &shared);
  waveprior::wave::MarchSponge<double>(
      shared, {grid,  profile, wavelet, sources, source_weight, record, record_weight, courant, dcourant, extra, dextra,
               state, kept,    data,    models,  many,          shot,   units,         lo,      segment,  first, last});
}

extern "C" __global__ void __launch_bounds__(256, 2)
    wave_sponge_back_f32(const int32_t* grid, const float* profile, const float* wavelet, const int32_t* sources,
                         const float* source_weight, const int32_t* receivers, const float* receiver_weight,
                         const float* courant, const float* extra, float* state, const float* kept, const float* data,
                         const float* observed, const int64_t* which, const float* cotangent, float* gradient,
                         int64_t models, int64_t many, int64_t sets, int64_t observations, int64_t shot, int64_t units,
                         int64_t lo, int64_t segment, int64_t first, int64_t last, int64_t /*blocks*/, int64_t /*read*/,
                         int64_t /*written*/, int64_t /*asked*/, int64_t /*operations*/) {
  __shared__ waveprior::wave::Grid shared;
  waveprior::wave::ReadGrid(grid, &shared);
  waveprior::wave::MarchSpongeBack<float>(
      shared,
      {grid, profile, wavelet,  sources, source_weight, receivers, receiver_weight, courant, extra, state,
       kept, data,    observed, which,   cotangent,     gradient,  models,          many,    sets,  observations,
       shot, units,   lo,       segment, first,         last});
}

extern "C" __global__ void __launch_bounds__(256, 2)
    wave_sponge_back_f64(const int32_t* grid, const double* profile, const double* wavelet, const int32_t* sources,
                         const double* source_weight, const int32_t* receivers, const double* receiver_weight,
                         const double* courant, const double* extra, double* state, const double* kept,
                         const double* data, const double* observed, const int64_t* which, const double* cotangent,
                         double* gradient, int64_t models, int64_t many, int64_t sets, int64_t observations,
                         int64_t shot, int64_t units, int64_t lo, int64_t segment, int64_t first, int64_t last,
                         int64_t /*blocks*/, int64_t /*read*/, int64_t /*written*/, int64_t /*asked*/,
                         int64_t /*operations*/) {
  __shared__ waveprior::wave::Grid shared;
  waveprior::wave::ReadGrid(grid, &shared);
  waveprior::wave::MarchSpongeBack<double>(
      shared,
      {grid, profile, wavelet,  sources, source_weight, receivers, receiver_weight, courant, extra, state,
       kept, data,    observed, which,   cotangent,     gradient,  models,          many,    sets,  observations,
       shot, units,   lo,       segment, first,         last});
}

extern "C" __global__ void __launch_bounds__(256, 2)
    wave_sponge_damping_f32(double* sums, const int32_t* grid, const float* state, const float* profile,
                            const float* courant, int64_t models, int64_t many, int64_t shot, int64_t /*read*/,
                            int64_t /*written*/, int64_t /*asked*/, int64_t /*operations*/) {
  __shared__ waveprior::wave::Grid shared;
  waveprior::wave::ReadGrid(grid, &shared);
  waveprior::wave::SumDamping<float>(shared, sums, state, profile, courant, models, many, shot);
}

extern "C" __global__ void __launch_bounds__(256, 2)
    wave_sponge_damping_f64(double* sums, const int32_t* grid, const double* state, const double* profile,
                            const double* courant, int64_t models, int64_t many, int64_t shot, int64_t /*read*/,
                            int64_t /*written*/, int64_t /*asked*/, int64_t /*operations*/) {
  __shared__ waveprior::wave::Grid shared;
  waveprior::wave::ReadGrid(grid, &shared);
  waveprior::wave::SumDamping<double>(shared, sums, state, profile, courant, models, many, shot);
}
