// The acoustic scheme for many units at a time: acoustic_march.h, a thread for each node.
//
// Equation, layout, costs, test: acoustic_march.h, ../march/grid.h. Threads of a block share what they read through the
// first-level cache, of which a multiprocessor has more than the shared memory that a kernel may ask for here (48 KB).
#include "../march/blocks.h"
#include "acoustic_march.h"

namespace waveprior::wave {

template <class T, int R>
WAVEPRIOR_DEVICE void ForwardOfOrder(const Grid& g, const march::ForwardCall<T>& c, const ForwardUnit<T>& u) {
  march::March(
      c.first, c.last, [&](int64_t n) { march::EachNode(g, AcousticForward<T, R>(g, u, n)); },
      [&](int64_t n) { march::RecordRow(g, u, g.At(n + 1, 0, 0), n); });
}

template <class T>
WAVEPRIOR_DEVICE void MarchAcoustic(const march::ForwardCall<T>& c) {
  __shared__ Grid g;
  march::ReadGrid(c.grid, &g);
  const ForwardUnit<T> u(g, c, march::Whose(g, c.shot, c.many, blockIdx.y), blockIdx.y);
  if (g.halo == 1) ForwardOfOrder<T, 1>(g, c, u);
  if (g.halo == 2) ForwardOfOrder<T, 2>(g, c, u);
  if (g.halo == 3) ForwardOfOrder<T, 3>(g, c, u);
  if (g.halo == 4) ForwardOfOrder<T, 4>(g, c, u);
}

template <class T, int R>
WAVEPRIOR_DEVICE void BackOfOrder(const Grid& g, const march::BackCall<T>& c, const BackUnit<T>& u) {
  march::March(
      c.first, c.last, [&](int64_t n) { march::EachNode(g, AcousticBack<T, R>(g, u, n)); }, [](int64_t) {});
}

template <class T>
WAVEPRIOR_DEVICE void MarchAcousticBack(const march::BackCall<T>& c) {
  __shared__ Grid g;
  march::ReadGrid(c.grid, &g);
  const BackUnit<T> u(g, c, march::Whose(g, c.shot, c.many, blockIdx.y), blockIdx.y);
  if (g.halo == 1) BackOfOrder<T, 1>(g, c, u);
  if (g.halo == 2) BackOfOrder<T, 2>(g, c, u);
  if (g.halo == 3) BackOfOrder<T, 3>(g, c, u);
  if (g.halo == 4) BackOfOrder<T, 4>(g, c, u);
}

}  // namespace waveprior::wave

extern "C" __global__ void __launch_bounds__(256, 2) wave_acoustic_march_f32(WAVEPRIOR_FORWARD_PARAMETERS(float)) {
  waveprior::wave::MarchAcoustic<float>(WAVEPRIOR_FORWARD_CALL);
}
extern "C" __global__ void __launch_bounds__(256, 2) wave_acoustic_march_f64(WAVEPRIOR_FORWARD_PARAMETERS(double)) {
  waveprior::wave::MarchAcoustic<double>(WAVEPRIOR_FORWARD_CALL);
}
extern "C" __global__ void __launch_bounds__(256, 2) wave_acoustic_back_f32(WAVEPRIOR_BACK_PARAMETERS(float)) {
  waveprior::wave::MarchAcousticBack<float>(WAVEPRIOR_BACK_CALL);
}
extern "C" __global__ void __launch_bounds__(256, 2) wave_acoustic_back_f64(WAVEPRIOR_BACK_PARAMETERS(double)) {
  waveprior::wave::MarchAcousticBack<double>(WAVEPRIOR_BACK_CALL);
}
