// Leaf boxes of all systems: a block of 128 threads eliminates a box by the program of its shape, one pivot after the other, all
// its slots in shared memory.
//
// Equation    L Delta L^T of the box's nodes with pivots of one node, and the update -L21 Delta L21^T of its ring.
// Layout      tables.h. A unit is a block: unit % boxes is the box, unit / boxes the system. The slots of a box of 100 nodes, some
//             2000 complex numbers, fill 16 KB in float32 and 32 KB in float64.
// Costs       per box and system: 8 flops per product of the program; (3 p) C read as coefficients, (p + entries + ring^2/2) C
//             written, C bytes of a complex number; the program itself is read once from memory, then from caches.
// Assumptions coefficients of couplings that leave the grid are 0; no pivoting: a pivot near zero is noted (Limit).
// Test        TestTwins in twins_cuda_test.go, TestSolve in engine_test.go.
#include "../kernel.h"
#include "tables.h"

namespace waveprior::multifrontal {

template <class T>
struct Boxes {
  const int32_t* list;
  int64_t list_count, records, boxes;
  const Complex<T>*diagonal, *links;
  const int32_t* which;
  int64_t plane;
  Complex<T>* factors;
  int64_t factor_size;
  Complex<T>* updates;
  int64_t update_size;
  int32_t* flags;
  int64_t units, systems, frequencies, most;

  WAVEPRIOR_DEVICE void Run(Complex<T>* work) const {
    const int64_t system = blockIdx.x / boxes, item = blockIdx.x % boxes;
    const View<const int32_t> lists(list, list_count);
    const View<const Complex<T>> own(diagonal, systems * plane), others(links, frequencies * 2 * plane);
    const View<const int32_t> numbers(which, 2 * systems);
    const Coefficients<View<const Complex<T>>, View<const int32_t>> s{own, others, numbers, plane, system};
    const View<Complex<T>> factor(factors, systems * factor_size), update(updates, systems * update_size);
    const int rank = ThreadRank(), threads = BlockSize();
    const int64_t box = records + item * kBoxSize, shape = lists[box + kBoxShape];
    const int np = lists[shape + kShapePivots], nb = lists[shape + kShapeRing], ne = lists[shape + kShapeEntries];
    const int slots = np + ne + nb * (nb + 1) / 2;
    for (int i = rank; i < slots; i += threads) work[i] = MakeComplex(T(0), T(0));
    __syncthreads();
    const int64_t gather = lists[shape + kShapeGather], base = lists[box + kBoxBase];
    for (int i = rank; i < lists[shape + kShapeGatherCount]; i += threads)
      work[lists[gather + 3 * i + 2]] = s.template At<T>(lists[gather + 3 * i], base + lists[gather + 3 * i + 1]);
    __syncthreads();
    const int64_t out = system * factor_size + lists[box + kBoxFactor];
    const int64_t start = lists[shape + kShapeStart], products = lists[shape + kShapeProducts];
    const int64_t first = lists[shape + kShapeProductStart];
    Complex<T>* const column = work + most;
    int32_t broken = 0;
    for (int k = 0; k < np; k++) {
      const Complex<T> inverse = Reciprocal(work[k], &broken);
      const int e0 = lists[start + k], e1 = lists[start + k + 1];
      if (rank == 0) factor.Set(out + k, inverse);
      for (int e = e0 + rank; e < e1; e += threads) {
        const Complex<T> l = Times(work[np + e], inverse);
        column[e - e0] = l;
        factor.Set(out + np + e, l);
      }
      __syncthreads();
      const int q1 = lists[first + k + 1];
      for (int q = lists[first + k] + rank; q < q1; q += threads) {
        const uint32_t code = static_cast<uint32_t>(lists[products + q]);
        TakeProduct(work[code & 0xffff], column[code >> 16 & 0xff], work[np + e0 + static_cast<int>(code >> 24)]);
      }
      __syncthreads();
    }
    const int64_t to = system * update_size + lists[box + kBoxUpdate];
    for (int i = rank / kTile; i < nb; i += threads / kTile)
      for (int j = rank % kTile; j <= i; j += kTile)
        update.Set(to + Packed(i, j), work[np + ne + j * nb - j * (j - 1) / 2 + i - j]);
    if (rank == 0) {
      const View<int32_t> flag(flags, systems * units);
      flag.Set(system * units + lists[box + kBoxUnit], broken);
    }
  }
};

}  // namespace waveprior::multifrontal

// The last six parameters are for those who launch: the longest column, and what the launch costs (costs.go).
WAVEPRIOR_KERNELS(helm_boxes,
                  (const int32_t* lists, int64_t list_count, int64_t records, int64_t boxes,
                   const helm::Complex<T>* diagonal, const helm::Complex<T>* links, const int32_t* which, int64_t plane,
                   helm::Complex<T>* factors, int64_t factor_size, helm::Complex<T>* updates, int64_t update_size,
                   int32_t* flags, int64_t units, int64_t systems, int64_t frequencies, int64_t most, int64_t, int64_t,
                   int64_t, int64_t, int64_t, int64_t),
                  {
                    WAVEPRIOR_SHARED(helm::Complex<T>, shared);
                    const helm::Boxes<T> f{lists, list_count, records, boxes,       diagonal, links,
                                           which, plane,      factors, factor_size, updates,  update_size,
                                           flags, units,      systems, frequencies, most};
                    f.Run(shared);
                  })
