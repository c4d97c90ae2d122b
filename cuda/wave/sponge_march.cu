// The data sets' scheme for many units at a time: sponge_march.h, a thread for each node.
//
// Equation, layout, costs, test: sponge_march.h, ../march/grid.h.
#include "../march/blocks.h"
#include "sponge_march.h"

namespace waveprior::wave {

template <class T>
WAVEPRIOR_DEVICE void MarchSponge(const march::ForwardCall<T>& c) {
  __shared__ Grid g;
  march::ReadGrid(c.grid, &g);
  const ForwardUnit<T> u(g, c, march::Whose(g, c.shot, c.many, blockIdx.y), blockIdx.y);
  march::March(
      c.first, c.last,
      [&](int64_t n) {
        march::EachNode(g, SpongeForward<T>{g, u, n});
      },
      [&](int64_t n) { march::RecordRow(g, u, g.At(n + 1, 0, 0), n); });
}

template <class T>
WAVEPRIOR_DEVICE void MarchSpongeBack(const march::BackCall<T>& c) {
  __shared__ Grid g;
  march::ReadGrid(c.grid, &g);
  const BackUnit<T> u(g, c, march::Whose(g, c.shot, c.many, blockIdx.y), blockIdx.y);
  march::March(
      c.first, c.last,
      [&](int64_t n) {
        march::EachNode(g, SpongeBack<T>{g, u, n});
      },
      [](int64_t) {});
}

// The gradient with respect to the damping: every thread sums its own nodes in order, then BlockSum's tree.
template <class T>
WAVEPRIOR_DEVICE void SumDamping(double* sums, const int32_t* grid, const T* states, const T* profile, const T* courant,
                                 int64_t models, int64_t many, int64_t shot) {
  __shared__ Grid g;
  march::ReadGrid(grid, &g);
  __shared__ double scratch[kWarp];
  const march::Whose at(g, shot, many, blockIdx.y);
  const View<const T> state(states + blockIdx.y * static_cast<int64_t>(g.back), g.back), strip(profile, g.profile);
  const View<const T> c(courant + at.model * g.Compact(), g.Compact());
  double sum = 0;
  march::EachNode(g, [&](int32_t j, int32_t i) { sum += SpongeTerm<T>(g, state, strip, c, j, i); });
  sum = BlockSum(sum, scratch);
  if (ThreadRank() == 0) View<double>(sums, models * g.shots * many).Set(at.shot * many + at.direction, sum);
}

}  // namespace waveprior::wave

extern "C" __global__ void __launch_bounds__(256, 2) wave_sponge_march_f32(WAVEPRIOR_FORWARD_PARAMETERS(float)) {
  waveprior::wave::MarchSponge<float>(WAVEPRIOR_FORWARD_CALL);
}
extern "C" __global__ void __launch_bounds__(256, 2) wave_sponge_march_f64(WAVEPRIOR_FORWARD_PARAMETERS(double)) {
  waveprior::wave::MarchSponge<double>(WAVEPRIOR_FORWARD_CALL);
}
extern "C" __global__ void __launch_bounds__(256, 2) wave_sponge_back_f32(WAVEPRIOR_BACK_PARAMETERS(float)) {
  waveprior::wave::MarchSpongeBack<float>(WAVEPRIOR_BACK_CALL);
}
extern "C" __global__ void __launch_bounds__(256, 2) wave_sponge_back_f64(WAVEPRIOR_BACK_PARAMETERS(double)) {
  waveprior::wave::MarchSpongeBack<double>(WAVEPRIOR_BACK_CALL);
}
extern "C" __global__ void __launch_bounds__(256, 2)
    wave_sponge_damping_f32(double* sums, const int32_t* grid, const float* state, const float* profile,
                            const float* courant, int64_t models, int64_t many, int64_t shot, int64_t /*read*/,
                            int64_t /*written*/, int64_t /*asked*/, int64_t /*operations*/) {
  waveprior::wave::SumDamping<float>(sums, grid, state, profile, courant, models, many, shot);
}

extern "C" __global__ void __launch_bounds__(256, 2)
    wave_sponge_damping_f64(double* sums, const int32_t* grid, const double* state, const double* profile,
                            const double* courant, int64_t models, int64_t many, int64_t shot, int64_t /*read*/,
                            int64_t /*written*/, int64_t /*asked*/, int64_t /*operations*/) {
  waveprior::wave::SumDamping<double>(sums, grid, state, profile, courant, models, many, shot);
}
