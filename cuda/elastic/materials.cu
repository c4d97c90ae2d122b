// The point kernels of materials.h. A block of 64 x 4 threads goes through its share of an item's nodes, neighbours along x by
// neighbours.
//
// Equation, layout, costs, test: materials.h.
#include "../march/blocks.h"
#include "materials.h"

WAVEPRIOR_KERNELS(elastic_materials,
                  (T * out, const T* m, const T* dm, int64_t many, int64_t sets, int64_t rows, int64_t cols,
                   int64_t wide, int64_t lead, int64_t top, int64_t left, int64_t nz, int64_t nx, int64_t free_surface,
                   int64_t items, double beta),
                  {
                    const auto f = waveprior::elastic::PointMaterials<T>::Of(
                        out, m, dm, many, sets, rows, cols, wide, lead, top, left, nz, nx, free_surface, items, beta);
                    waveprior::march::EachOfItem(f, rows, wide);
                  })

WAVEPRIOR_KERNELS(elastic_fold,
                  (double* out, const T* m, const T* g, int64_t shots, int64_t many, int64_t rows, int64_t cols,
                   int64_t wide, int64_t lead, int64_t top, int64_t left, int64_t nz, int64_t nx, int64_t free_surface,
                   int64_t items),
                  {
                    const auto f = waveprior::elastic::PointFold<T>::Of(out, m, g, shots, many, rows, cols, wide, lead,
                                                                        top, left, nz, nx, free_surface, items);
                    waveprior::march::EachOfItem(f, nz, nx);
                  })
