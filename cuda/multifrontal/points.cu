// The point kernels of points.h: a block of 256 threads does `block` elements, neighbours by neighbours.
//
// Equation, layout, costs, test: points.h.
#include "../kernel.h"
#include "points.h"

namespace waveprior::multifrontal {

template <class F>
WAVEPRIOR_DEVICE void EachPoint(const F& f) {
  const int64_t first = blockIdx.x * f.block, end = first + f.block < f.n ? first + f.block : f.n;
  for (int64_t i = first + threadIdx.x; i < end; i += blockDim.x) f(i);
}

}  // namespace waveprior::multifrontal

WAVEPRIOR_KERNELS(helm_diagonals,
                  (helm::Complex<T> * diagonal, const T* models, const int32_t* which,
                   const helm::Complex<double>* operators, int64_t model_count, int64_t systems, int64_t frequencies,
                   int64_t nz, int64_t nx, int64_t cells, int64_t block),
                  {
                    helm::EachPoint(helm::PointDiagonals<T>::Of(diagonal, models, which, operators, model_count,
                                                                systems, frequencies, nz, nx, cells, block));
                  })

WAVEPRIOR_KERNELS(helm_source,
                  (helm::Complex<T> * x, const int32_t* place, int64_t systems, int64_t nodes, int64_t count,
                   int64_t block),
                  { helm::EachPoint(helm::PointSource<T>::Of(x, place, systems, nodes, count, block)); })

WAVEPRIOR_KERNELS(helm_receive,
                  (helm::Complex<T> * x, const int32_t* place, const helm::Complex<T>* w, int64_t systems,
                   int64_t nodes, int64_t count, int64_t receivers, int64_t block),
                  { helm::EachPoint(helm::PointReceive<T>::Of(x, place, w, systems, nodes, count, receivers, block)); })

WAVEPRIOR_KERNELS(helm_tangent,
                  (helm::Complex<T> * x, const helm::Complex<T>* u, const T* dm, const int32_t* which,
                   const int32_t* node, const helm::Complex<double>* operators, int64_t sets, int64_t systems,
                   int64_t frequencies, int64_t nz, int64_t nx, int64_t cells, int64_t directions, int64_t shots,
                   int64_t own, int64_t block),
                  {
                    helm::EachPoint(helm::PointTangent<T>::Of(x, u, dm, which, node, operators, sets, systems,
                                                              frequencies, nz, nx, cells, directions, shots, own,
                                                              block));
                  })

WAVEPRIOR_KERNELS(helm_sample,
                  (helm::Complex<T> * d, const helm::Complex<T>* x, const int32_t* row, const int32_t* which,
                   const double* strength, int64_t systems, int64_t frequencies, int64_t nodes, int64_t count,
                   int64_t receivers, int64_t block),
                  {
                    helm::EachPoint(helm::PointSample<T>::Of(d, x, row, which, strength, systems, frequencies, nodes,
                                                             count, receivers, block));
                  })

WAVEPRIOR_KERNELS(helm_products,
                  (double* g, const helm::Complex<T>* u, const helm::Complex<T>* a, const int32_t* row,
                   const int32_t* which, const helm::Complex<double>* operators, const double* strength,
                   int64_t systems, int64_t frequencies, int64_t nodes, int64_t directions, int64_t shots,
                   int64_t block),
                  {
                    helm::EachPoint(helm::PointProducts<T>::Of(g, u, a, row, which, operators, strength, systems,
                                                               frequencies, nodes, directions, shots, block));
                  })

extern "C" __global__ void helm_fold_x(double* out, const double* in, int64_t rows, int64_t nz, int64_t nx,
                                       int64_t cells, int64_t layer, int64_t block) {
  helm::EachPoint(helm::PointFoldX::Of(out, in, rows, nz, nx, cells, layer, block));
}

extern "C" __global__ void helm_fold_z(double* out, const double* in, const double* weight, int64_t models,
                                       int64_t directions, int64_t frequencies, int64_t nz, int64_t nx, int64_t cells,
                                       int64_t layer, int64_t more, int64_t block) {
  helm::EachPoint(
      helm::PointFoldZ::Of(out, in, weight, models, directions, frequencies, nz, nx, cells, layer, more, block));
}
