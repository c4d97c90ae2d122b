// What weigh.cu and spread.cu do alike: a block of kThreads threads, kItems items, kChunk components.
//
// Shared      a (kItems, kChunk), one number an item and component; stage (kPart (kChunk + 1)): a part of the means; left,
//             right (kPart, kItems each): the part of the items' rows that goes with it. 39 KB in double.
#ifndef WAVEPRIOR_CUDA_MIXTURE_TILES_H_
#define WAVEPRIOR_CUDA_MIXTURE_TILES_H_

#include "../kernel.h"
#include "mixture.h"

namespace waveprior::mixture {

constexpr int kThreads = 256;
constexpr int kPart = 16;            // coordinates of the whole chunk that are staged at a time
constexpr int kStride = kChunk + 1;  // odd, so that writing a column meets every bank
constexpr int kWide = 64;            // coordinates of kFew components that are staged at a time
constexpr int kFew = 32;
constexpr int kOwnItems = 2;        // of a thread, in both tilings
constexpr int kOwnComponents = 4;   // of a thread, kWarp apart
constexpr int kOwnCoordinates = 2;  // of a thread, kWarp apart

// The shared memory of a block.
template <class T>
struct Tiles {
  T* a;
  T* stage;
  T* left;
  T* right;
  WAVEPRIOR_DEVICE explicit Tiles(T* memory)
      : a(memory), stage(a + kItems * kChunk), left(stage + kPart * kStride), right(left + kPart * kItems) {}
};

// The unit of a block.
struct Unit {
  int64_t item, n0;  // its first item and component
  int64_t chunk, chunks;
  int items, count;  // how many there are
  WAVEPRIOR_DEVICE Unit(int64_t all_items, int64_t components) : chunks((components + kChunk - 1) / kChunk) {
    const int64_t unit = blockIdx.x;
    item = unit / chunks * kItems;
    chunk = unit % chunks;
    n0 = chunk * kChunk;
    items = static_cast<int>(all_items - item < kItems ? all_items - item : kItems);
    count = static_cast<int>(components - n0 < kChunk ? components - n0 : kChunk);
  }
};

// stage[i kStride + n] = coordinate first + i of component n of the chunk, 0 where there is none.
template <class T>
WAVEPRIOR_DEVICE void StagePart(T* stage, const View<const T>& means, const Unit& u, int64_t d, int64_t first) {
  for (int k = ThreadRank(); k < kPart * kChunk; k += kThreads) {
    const int i = k % kPart, n = k / kPart;
    stage[i * kStride + n] = n < u.count && first + i < d ? T(means[(u.n0 + n) * d + first + i]) : T(0);
  }
}

// stage[n kWide + i] = coordinate first + i of component from + n of the chunk, 0 where there is none.
template <class T>
WAVEPRIOR_DEVICE void StageWide(T* stage, const View<const T>& means, const Unit& u, int64_t d, int64_t first,
                                int from) {
  for (int k = ThreadRank(); k < kWide * kFew; k += kThreads) {
    const int i = k % kWide, n = from + k / kWide;
    stage[k] = n < u.count && first + i < d ? T(means[(u.n0 + n) * d + first + i]) : T(0);
  }
}

// The value of this thread's (item, coordinate) of a part, ThreadRank() = item kPart + coordinate; false: there is none.
WAVEPRIOR_DEVICE bool OwnPlace(const Unit& u, int64_t d, int64_t first, int* item, int* i) {
  *item = ThreadRank() / kPart;
  *i = ThreadRank() % kPart;
  return *item < u.items && first + *i < d;
}

}  // namespace waveprior::mixture

#endif  // WAVEPRIOR_CUDA_MIXTURE_TILES_H_
