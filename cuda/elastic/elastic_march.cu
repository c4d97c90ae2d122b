// The elastic scheme for many units at a time: elastic_march.h, elastic_back.h, a thread for each node.
//
// Equation, layout, costs, test: there, ../march/grid.h. Threads of a block share what they read through the
// first-level cache.
#include "../march/blocks.h"
#include "elastic_back.h"

namespace waveprior::elastic {

template <class T, int R>
WAVEPRIOR_DEVICE void ForwardOfOrder(const march::Grid& g, const march::ForwardCall<T>& c,
                                     const march::ForwardUnit<T>& u) {
  march::March(
      c.first, c.last, [&](int64_t n) { march::EachNode(g, MarchForward<T, R>(g, u, n)); },
      [&](int64_t n) {
        if (Recorded(g, n)) march::RecordRow(g, u, 0, n / 2 / g.each);
      });
}

template <class T>
WAVEPRIOR_DEVICE void MarchElastic(const march::ForwardCall<T>& c) {
  __shared__ march::Grid g;
  march::ReadGrid(c.grid, &g);
  const march::ForwardUnit<T> u(g, c, march::Whose(g, c.shot, c.many, blockIdx.y), blockIdx.y);
  if (g.halo == 1) ForwardOfOrder<T, 1>(g, c, u);
  if (g.halo == 2) ForwardOfOrder<T, 2>(g, c, u);
}

template <class T, int R>
WAVEPRIOR_DEVICE void BackOfOrder(const march::Grid& g, const march::BackCall<T>& c, const march::BackUnit<T>& u) {
  march::March(
      c.first, c.last, [&](int64_t n) { march::EachNode(g, MarchBack<T, R>(g, u, n)); }, [](int64_t) {});
}

template <class T>
WAVEPRIOR_DEVICE void MarchElasticBack(const march::BackCall<T>& c) {
  __shared__ march::Grid g;
  march::ReadGrid(c.grid, &g);
  const march::BackUnit<T> u(g, c, march::Whose(g, c.shot, c.many, blockIdx.y), blockIdx.y);
  if (g.halo == 1) BackOfOrder<T, 1>(g, c, u);
  if (g.halo == 2) BackOfOrder<T, 2>(g, c, u);
}

}  // namespace waveprior::elastic

extern "C" __global__ void __launch_bounds__(256, 2) elastic_march_f32(WAVEPRIOR_FORWARD_PARAMETERS(float)) {
  waveprior::elastic::MarchElastic<float>(WAVEPRIOR_FORWARD_CALL);
}
extern "C" __global__ void __launch_bounds__(256, 2) elastic_march_f64(WAVEPRIOR_FORWARD_PARAMETERS(double)) {
  waveprior::elastic::MarchElastic<double>(WAVEPRIOR_FORWARD_CALL);
}
extern "C" __global__ void __launch_bounds__(256, 2) elastic_back_f32(WAVEPRIOR_BACK_PARAMETERS(float)) {
  waveprior::elastic::MarchElasticBack<float>(WAVEPRIOR_BACK_CALL);
}
extern "C" __global__ void __launch_bounds__(256, 2) elastic_back_f64(WAVEPRIOR_BACK_PARAMETERS(double)) {
  waveprior::elastic::MarchElasticBack<double>(WAVEPRIOR_BACK_CALL);
}
