// Tiles of items as vectors: what weigh_loops.h and spread_loops.h share, included inside v3 and v4. A row of a tile is
// kItems numbers, one of each item; a group is the vectors of a row that are worked on at a time.
#include "../simd_loops.h"

constexpr int kItems = waveprior::mixture::kItems;
constexpr int kChunk = waveprior::mixture::kChunk;
constexpr int64_t kBlock = 64;  // coordinates that are turned round at a time

template <class T>
constexpr int kRowVectors = kItems / Simd<T>::kLanes;
template <class T>
constexpr int kGroup = kRowVectors<T> < 2 ? kRowVectors<T> : 2;
// Components, and coordinates, in a register tile: so many that their chains hide the latency of a multiply-add.
#if WAVEPRIOR_V4
template <class T>
constexpr int kDeep = 16 / kGroup<T>;
#else
template <class T>
constexpr int kDeep = 4;
#endif

// rows[i][l] = x of item l, coordinate first + i, for count coordinates: x (items, d). For items that are not
// there the last one stands.
template <class T>
WAVEPRIOR_INLINE void TurnRound(T (*rows)[kItems], const T* x, int64_t items, int64_t d, int64_t first, int64_t count) {
  for (int64_t l = 0; l < kItems; l++) {
    const T* const row = x + (l < items ? l : items - 1) * d + first;
    for (int64_t i = 0; i < count; i++) rows[i][l] = row[i];
  }
}

// The components of a chunk that have a weight for any item of the tile, NaN counted in: active (at most n), their number
// returned. weights (n, kItems).
template <class T>
WAVEPRIOR_INLINE int Active(int* active, const T (*weights)[kItems], int n) {
  int count = 0;
  for (int k = 0; k < n; k++) {
    bool any = false;
    for (int l = 0; l < kItems; l++) any |= !(weights[k][l] == T(0));
    active[count] = k;
    count += any;
  }
  return count;
}
