// The point kernels of model.h. A block of 64 x 4 threads goes through its share of an item's nodes, neighbours along x by
// neighbours.
//
// Equation, layout, costs, test: model.h.
#include "../march/blocks.h"
#include "model.h"

WAVEPRIOR_KERNELS(wave_courant,
                  (T * out, const T* v, const T* dv, int64_t many, int64_t sets, int64_t rows, int64_t cols,
                   int64_t wide, int64_t lead, int64_t top, int64_t left, int64_t nz, int64_t nx, int64_t still,
                   int64_t items, T dt, T h),
                  {
                    const auto f = waveprior::wave::PointCourant<T>::Of(out, v, dv, many, sets, rows, cols, wide, lead,
                                                                        top, left, nz, nx, still, items, dt, h);
                    waveprior::march::EachOfItem(f, rows, wide);
                  })

WAVEPRIOR_KERNELS(wave_fold,
                  (double* out, const T* g, int64_t shots, int64_t many, int64_t rows, int64_t cols, int64_t wide,
                   int64_t lead, int64_t top, int64_t left, int64_t nz, int64_t nx, int64_t items),
                  {
                    const auto f = waveprior::wave::PointFold<T>::Of(out, g, shots, many, rows, cols, wide, lead, top,
                                                                     left, nz, nx, items);
                    waveprior::march::EachOfItem(f, nz, nx);
                  })
