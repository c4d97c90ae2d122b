// The point kernels of points.h: a block of 256 threads does `block` elements, neighbours by neighbours.
//
// Equation, layout, costs, test: points.h.
#include "../kernel.h"
#include "points.h"

namespace waveprior::multifrontal {

template <class F>
WAVEPRIOR_DEVICE void EachPoint(const F& f, int64_t n, int64_t block) {
  const int64_t first = blockIdx.x * block, end = first + block < n ? first + block : n;
  for (int64_t i = first + threadIdx.x; i < end; i += blockDim.x) f(i);
}

}  // namespace waveprior::multifrontal

extern "C" __global__ void helm_diagonals_f32(helm::Complex<float>* diagonal, const float* models, const int32_t* which,
                                              const helm::Complex<double>* operators, int64_t model_count,
                                              int64_t systems, int64_t frequencies, int64_t nz, int64_t nx,
                                              int64_t cells, int64_t block) {
  const helm::Padding grid{nz, nx, cells};
  const int64_t n = systems * (grid.Height() + 2) * (grid.Width() + 2);
  const helm::PointDiagonals<float> f{{diagonal, n},
                                      {models, model_count * nz * nx},
                                      {which, 2 * systems},
                                      {operators, frequencies * 4 * grid.Nodes()},
                                      grid};
  helm::EachPoint(f, n, block);
}

extern "C" __global__ void helm_diagonals_f64(helm::Complex<double>* diagonal, const double* models,
                                              const int32_t* which, const helm::Complex<double>* operators,
                                              int64_t model_count, int64_t systems, int64_t frequencies, int64_t nz,
                                              int64_t nx, int64_t cells, int64_t block) {
  const helm::Padding grid{nz, nx, cells};
  const int64_t n = systems * (grid.Height() + 2) * (grid.Width() + 2);
  const helm::PointDiagonals<double> f{{diagonal, n},
                                       {models, model_count * nz * nx},
                                       {which, 2 * systems},
                                       {operators, frequencies * 4 * grid.Nodes()},
                                       grid};
  helm::EachPoint(f, n, block);
}

extern "C" __global__ void helm_source_f32(helm::Complex<float>* x, const int32_t* place, int64_t systems,
                                           int64_t nodes, int64_t count, int64_t block) {
  const int64_t n = systems * nodes * count;
  const helm::PointSource<float> f{{x, n}, {place, nodes}, nodes, count};
  helm::EachPoint(f, n, block);
}

extern "C" __global__ void helm_source_f64(helm::Complex<double>* x, const int32_t* place, int64_t systems,
                                           int64_t nodes, int64_t count, int64_t block) {
  const int64_t n = systems * nodes * count;
  const helm::PointSource<double> f{{x, n}, {place, nodes}, nodes, count};
  helm::EachPoint(f, n, block);
}

extern "C" __global__ void helm_receive_f32(helm::Complex<float>* x, const int32_t* place,
                                            const helm::Complex<float>* w, int64_t systems, int64_t nodes,
                                            int64_t count, int64_t receivers, int64_t block) {
  const int64_t n = systems * nodes * count;
  const helm::PointReceive<float> f{{x, n}, {place, nodes}, {w, systems * count * receivers}, nodes, count, receivers};
  helm::EachPoint(f, n, block);
}

extern "C" __global__ void helm_receive_f64(helm::Complex<double>* x, const int32_t* place,
                                            const helm::Complex<double>* w, int64_t systems, int64_t nodes,
                                            int64_t count, int64_t receivers, int64_t block) {
  const int64_t n = systems * nodes * count;
  const helm::PointReceive<double> f{{x, n}, {place, nodes}, {w, systems * count * receivers}, nodes, count, receivers};
  helm::EachPoint(f, n, block);
}

extern "C" __global__ void helm_tangent_f32(helm::Complex<float>* x, const helm::Complex<float>* u, const float* dm,
                                            const int32_t* which, const int32_t* node,
                                            const helm::Complex<double>* operators, int64_t sets, int64_t systems,
                                            int64_t frequencies, int64_t nz, int64_t nx, int64_t cells,
                                            int64_t directions, int64_t shots, int64_t own, int64_t block) {
  const helm::Padding grid{nz, nx, cells};
  const int64_t all = systems * grid.Nodes() * shots, n = all * directions;
  const helm::PointTangent<float> f{{x, n},
                                    {u, all},
                                    {dm, sets * directions * nz * nx},
                                    {which, 2 * systems},
                                    {node, grid.Nodes()},
                                    {operators, frequencies * 4 * grid.Nodes()},
                                    grid,
                                    directions,
                                    shots,
                                    own};
  helm::EachPoint(f, n, block);
}

extern "C" __global__ void helm_tangent_f64(helm::Complex<double>* x, const helm::Complex<double>* u, const double* dm,
                                            const int32_t* which, const int32_t* node,
                                            const helm::Complex<double>* operators, int64_t sets, int64_t systems,
                                            int64_t frequencies, int64_t nz, int64_t nx, int64_t cells,
                                            int64_t directions, int64_t shots, int64_t own, int64_t block) {
  const helm::Padding grid{nz, nx, cells};
  const int64_t all = systems * grid.Nodes() * shots, n = all * directions;
  const helm::PointTangent<double> f{{x, n},
                                     {u, all},
                                     {dm, sets * directions * nz * nx},
                                     {which, 2 * systems},
                                     {node, grid.Nodes()},
                                     {operators, frequencies * 4 * grid.Nodes()},
                                     grid,
                                     directions,
                                     shots,
                                     own};
  helm::EachPoint(f, n, block);
}

extern "C" __global__ void helm_sample_f32(helm::Complex<float>* d, const helm::Complex<float>* x, const int32_t* row,
                                           const int32_t* which, const double* strength, int64_t systems,
                                           int64_t frequencies, int64_t nodes, int64_t count, int64_t receivers,
                                           int64_t block) {
  const int64_t n = systems * count * receivers;
  const helm::PointSample<float> f{{d, n},
                                   {x, systems * nodes * count},
                                   {row, receivers},
                                   {which, 2 * systems},
                                   {strength, frequencies},
                                   nodes,
                                   count,
                                   receivers};
  helm::EachPoint(f, n, block);
}

extern "C" __global__ void helm_sample_f64(helm::Complex<double>* d, const helm::Complex<double>* x, const int32_t* row,
                                           const int32_t* which, const double* strength, int64_t systems,
                                           int64_t frequencies, int64_t nodes, int64_t count, int64_t receivers,
                                           int64_t block) {
  const int64_t n = systems * count * receivers;
  const helm::PointSample<double> f{{d, n},
                                    {x, systems * nodes * count},
                                    {row, receivers},
                                    {which, 2 * systems},
                                    {strength, frequencies},
                                    nodes,
                                    count,
                                    receivers};
  helm::EachPoint(f, n, block);
}

extern "C" __global__ void helm_products_f32(double* g, const helm::Complex<float>* u, const helm::Complex<float>* a,
                                             const int32_t* row, const int32_t* which,
                                             const helm::Complex<double>* operators, const double* strength,
                                             int64_t systems, int64_t frequencies, int64_t nodes, int64_t directions,
                                             int64_t shots, int64_t block) {
  const int64_t n = systems * directions * nodes, all = systems * nodes * shots;
  const helm::PointProducts<float> f{{g, n},
                                     {u, all},
                                     {a, all * directions},
                                     {row, nodes},
                                     {which, 2 * systems},
                                     {operators, frequencies * 4 * nodes},
                                     {strength, frequencies},
                                     nodes,
                                     directions,
                                     shots};
  helm::EachPoint(f, n, block);
}

extern "C" __global__ void helm_products_f64(double* g, const helm::Complex<double>* u, const helm::Complex<double>* a,
                                             const int32_t* row, const int32_t* which,
                                             const helm::Complex<double>* operators, const double* strength,
                                             int64_t systems, int64_t frequencies, int64_t nodes, int64_t directions,
                                             int64_t shots, int64_t block) {
  const int64_t n = systems * directions * nodes, all = systems * nodes * shots;
  const helm::PointProducts<double> f{{g, n},
                                      {u, all},
                                      {a, all * directions},
                                      {row, nodes},
                                      {which, 2 * systems},
                                      {operators, frequencies * 4 * nodes},
                                      {strength, frequencies},
                                      nodes,
                                      directions,
                                      shots};
  helm::EachPoint(f, n, block);
}

extern "C" __global__ void helm_fold_x(double* out, const double* in, int64_t rows, int64_t nz, int64_t nx,
                                       int64_t cells, int64_t layer, int64_t block) {
  const helm::Padding grid{nz, nx, cells};
  const int64_t n = rows * nx;
  const helm::PointFoldX f{{out, n}, {in, rows * grid.Width()}, grid, layer};
  helm::EachPoint(f, n, block);
}

extern "C" __global__ void helm_fold_z(double* out, const double* in, const double* weight, int64_t models,
                                       int64_t directions, int64_t frequencies, int64_t nz, int64_t nx, int64_t cells,
                                       int64_t layer, int64_t more, int64_t block) {
  const helm::Padding grid{nz, nx, cells};
  const int64_t sets = models * frequencies * directions, n = models * directions * nz * nx;
  const helm::PointFoldZ f{
      {out, n}, {in, sets * grid.Height() * nx}, {weight, sets}, grid, directions, frequencies, layer, more};
  helm::EachPoint(f, n, block);
}
