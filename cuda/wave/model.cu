// The point kernels of model.h. A block of 64 x 4 threads goes through its share of an item's nodes, neighbours along x by
// neighbours; copies are 256 threads to a block.
//
// Equation, layout, costs, test: model.h.
#include "../kernel.h"
#include "model.h"

namespace waveprior::wave {

// f(item, j, i) for the nodes of item blockIdx.y that are the block's.
template <class F>
WAVEPRIOR_DEVICE void EachOfItem(const F& f, int64_t rows, int64_t cols) {
  for (int64_t j = blockIdx.x * static_cast<int64_t>(blockDim.y) + threadIdx.y; j < rows; j += gridDim.x * blockDim.y)
    for (int64_t i = threadIdx.x; i < cols; i += blockDim.x) f(blockIdx.y, j, i);
}

}  // namespace waveprior::wave

extern "C" __global__ void wave_courant_f32(float* out, const float* v, const float* dv, int64_t many, int64_t sets,
                                            int64_t rows, int64_t cols, int64_t wide, int64_t top, int64_t left,
                                            int64_t nz, int64_t nx, int64_t still, int64_t items, float dt, float h) {
  const waveprior::wave::Padding grid{rows, cols, wide, top, left, nz, nx, still};
  const waveprior::wave::PointCourant<float> f{{out, items * grid.Compact()},
                                               {v, (dv ? items / many : items) * grid.Model()},
                                               {dv, sets * many * grid.Model()},
                                               grid,
                                               many,
                                               sets,
                                               dt,
                                               h};
  waveprior::wave::EachOfItem(f, rows, wide);
}

extern "C" __global__ void wave_fold_f32(double* out, const float* g, int64_t shots, int64_t many, int64_t rows,
                                         int64_t cols, int64_t wide, int64_t top, int64_t left, int64_t nz, int64_t nx,
                                         int64_t still, int64_t items) {
  const waveprior::wave::Padding grid{rows, cols, wide, top, left, nz, nx, still};
  const waveprior::wave::PointFold<float> f{
      {out, items * grid.Model()}, {g, items * shots * grid.Compact()}, grid, shots, many};
  waveprior::wave::EachOfItem(f, nz, nx);
}

extern "C" __global__ void wave_copy_f32(float* to, const float* from, int64_t n, int64_t block) {
  const waveprior::wave::PointCopy<float> f{{to, n}, {from, n}};
  const int64_t first = blockIdx.x * block, end = first + block < n ? first + block : n;
  for (int64_t i = first + threadIdx.x; i < end; i += blockDim.x) f(i);
}

extern "C" __global__ void wave_courant_f64(double* out, const double* v, const double* dv, int64_t many, int64_t sets,
                                            int64_t rows, int64_t cols, int64_t wide, int64_t top, int64_t left,
                                            int64_t nz, int64_t nx, int64_t still, int64_t items, double dt, double h) {
  const waveprior::wave::Padding grid{rows, cols, wide, top, left, nz, nx, still};
  const waveprior::wave::PointCourant<double> f{{out, items * grid.Compact()},
                                                {v, (dv ? items / many : items) * grid.Model()},
                                                {dv, sets * many * grid.Model()},
                                                grid,
                                                many,
                                                sets,
                                                dt,
                                                h};
  waveprior::wave::EachOfItem(f, rows, wide);
}

extern "C" __global__ void wave_fold_f64(double* out, const double* g, int64_t shots, int64_t many, int64_t rows,
                                         int64_t cols, int64_t wide, int64_t top, int64_t left, int64_t nz, int64_t nx,
                                         int64_t still, int64_t items) {
  const waveprior::wave::Padding grid{rows, cols, wide, top, left, nz, nx, still};
  const waveprior::wave::PointFold<double> f{
      {out, items * grid.Model()}, {g, items * shots * grid.Compact()}, grid, shots, many};
  waveprior::wave::EachOfItem(f, nz, nx);
}

extern "C" __global__ void wave_copy_f64(double* to, const double* from, int64_t n, int64_t block) {
  const waveprior::wave::PointCopy<double> f{{to, n}, {from, n}};
  const int64_t first = blockIdx.x * block, end = first + block < n ? first + block : n;
  for (int64_t i = first + threadIdx.x; i < end; i += blockDim.x) f(i);
}
