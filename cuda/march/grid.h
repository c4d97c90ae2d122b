// What the kernels of a batch share: many shots, of many models, side by side, one time step after the other. They are how a
// GPU propagates (docs/adr/0016 and 0017); on a CPU they serve tests, and whole shots one at a time are faster.
//
// Layout      A padded field has rows x cols nodes, cols rounded up to `wide`, a multiple of 16. Compact arrays are (rows, wide);
//             wavefields (halo + rows + halo, wide + 16), 16 numbers before each row. A unit is a shot, or one direction of a
//             shot: unit u of a launch is direction u % many of shot first + u / many, and shot s is shot s % shots of model s /
//             shots. What its state and the materials of a model are, the scheme says.
// Phases      A step is one phase or several, between which there are barriers. Within a phase no node reads what another one
//             writes, and each number has one writer. Phase p is number p % phases of step p / phases; the transpose counts from
//             the last step on.
// Launch      `blocks` blocks a unit. 1: the block does phases first..last-1 with a barrier between; what is recorded after phase
//             n is recorded then. More: first + 1 = last, what phase first - 1 leaves is recorded meanwhile, and a launch with
//             first = last = all of them records the last one.
// Assumptions A unit's state has fewer than 2^31 numbers.
#ifndef WAVEPRIOR_CUDA_MARCH_GRID_H_
#define WAVEPRIOR_CUDA_MARCH_GRID_H_

#include "../view.h"

namespace waveprior::march {

// The int32 numbers of a propagator, in the order of march.Grid in batch.go.
struct Grid {
  int32_t rows, cols, wide, halo;
  int32_t top, bottom, left, right;  // nodes of the absorbing layers
  int32_t free_surface;              // row 0 is one
  int32_t steps, phases, each;       // steps, phases of one, steps to a row of data
  int32_t shots, receivers, components;
  int32_t from,
      to;  // where the scheme tells them apart: columns with a layer left or right are those below from and from
  int32_t above, below;   // `to` on, rows with one above or below those below above and from `below` on
  int32_t forward, back;  // numbers of a unit's state, forward and of the transpose
  int32_t materials;      // numbers of a model's materials
  // Numbers kept of a step, and how many steps before a segment's first are kept, too. Where other numbers are kept for the
  // transpose than for a tangent, there is a grid for each.
  int32_t kept, earlier;
  int32_t source_groups, source_lines, source_nodes, source_entries;          // of Spots
  int32_t receiver_groups, receiver_lines, receiver_nodes, receiver_entries;  // of Spots
  int32_t recorded;                                                           // entries of Record
  int32_t profile;                                                            // numbers of the scheme's profile

  WAVEPRIOR_INLINE int32_t Stride() const { return wide + 16; }
  WAVEPRIOR_INLINE int32_t Field() const { return (rows + 2 * halo) * Stride() + 16; }
  WAVEPRIOR_INLINE int32_t Compact() const { return rows * wide; }
  // Node (j, i) of a field of a state.
  WAVEPRIOR_INLINE int32_t Place(int32_t field, int32_t j, int32_t i) const {
    return field * Field() + (halo + j) * Stride() + 16 + i;
  }
  // The same where fields 0 and 1 are one that comes twice, in turn.
  WAVEPRIOR_INLINE int32_t At(int64_t step, int32_t j, int32_t i) const {
    return Place(static_cast<int32_t>(step & 1), j, i);
  }
  // Numbers of a model's data, and datum of a shot: channel is component x receivers + receiver.
  WAVEPRIOR_INLINE int64_t Data() const {
    return static_cast<int64_t>(components) * shots * (steps / each) * receivers;
  }
  WAVEPRIOR_INLINE int64_t Datum(int64_t number, int64_t row, int32_t channel) const {
    return ((channel / receivers * shots + number) * (steps / each) + row) * receivers + channel % receivers;
  }
};

// Where unit u of a launch belongs.
struct Whose {
  int64_t shot, model, direction;  // the shot's number among all, its model, its direction
  int64_t of;                      // the shot's number in the launch
  int64_t number;                  // the shot's number in its model

  WAVEPRIOR_INLINE Whose(const Grid& g, int64_t first, int64_t many, int64_t u)
      : shot(first + u / many),
        model((first + u / many) / g.shots),
        direction(u % many),
        of(u / many),
        number((first + u / many) % g.shots) {}
};

// An axis of n points with memory variables before `before` and, at half points, from `after` on.
struct LayerAxis {
  int32_t before, after, n;

  WAVEPRIOR_INLINE LayerAxis(int32_t count, int32_t first, int32_t last)
      : before(first), after(last ? count - 1 - last : count), n(first + (last ? last + 1 : 0)) {}
  // Point i + 1/2 is in a layer; so is point i.
  WAVEPRIOR_INLINE bool Half(int32_t i) const { return i < before || i >= after; }
  WAVEPRIOR_INLINE bool In(int32_t i) const { return i < before || i > after; }
  // Point i or one of its half points is.
  WAVEPRIOR_INLINE bool Near(int32_t i) const { return (i <= before && before > 0) || i >= after; }
  WAVEPRIOR_INLINE int32_t Rank(int32_t i) const { return i < before ? i : before + i - after; }
};

// Points of the grid by the nodes that they act on. index: for every row of every group the number of its line, or -1 where
// no point acts on it; for every node of a line its own number, or -1; for every node numbered so where its entries begin,
// and one more; for every entry its point. Entries of a node are in the order of the points.
template <class T>
struct Spots {
  View<const int32_t> index;
  View<const T> weight;  // (entries)
  int32_t rows, wide, groups, lines, nodes;

  WAVEPRIOR_INLINE Spots(const int32_t* i, const T* w, const Grid& g, int32_t group_count, int32_t line_count,
                         int32_t node_count, int32_t entries)
      : index(i, static_cast<int64_t>(group_count) * g.rows + static_cast<int64_t>(line_count) * g.wide + node_count +
                     1 + entries),
        weight(w, entries),
        rows(g.rows),
        wide(g.wide),
        groups(group_count),
        lines(line_count),
        nodes(node_count) {}

  // The entries lo..hi-1 of node (j, i).
  WAVEPRIOR_INLINE void Range(int64_t group, int32_t j, int32_t i, int32_t* lo, int32_t* hi) const {
    *lo = *hi = 0;
    const int32_t line = index[static_cast<int32_t>(group) * rows + j];
    if (line < 0) return;
    const int32_t node = index[groups * rows + line * wide + i];
    if (node < 0) return;
    const int32_t starts = groups * rows + lines * wide;
    *lo = index[starts + node];
    *hi = index[starts + node + 1];
  }
  WAVEPRIOR_INLINE int32_t Point(int32_t entry) const {
    return index[groups * rows + lines * wide + nodes + 1 + entry];
  }
};

// What the channels see of a state: index is where each one's entries begin, and one more, then the place of each entry.
template <class T>
struct Record {
  View<const int32_t> index;
  View<const T> weight;

  WAVEPRIOR_INLINE Record(const int32_t* i, const T* w, const Grid& g)
      : index(i, g.components * g.receivers + 1 + g.recorded), weight(w, g.recorded) {}

  // Channel c, places being counted from `origin` of the state on.
  WAVEPRIOR_INLINE T operator()(const Grid& g, const View<T>& state, int32_t origin, int32_t c) const {
    const int32_t to = index[c + 1], places = g.components * g.receivers + 1;
    T sum = 0;
    for (int32_t e = index[c]; e < to; e++) {
      const T p = state[origin + index[places + e]];
      sum = Fma(weight[e], p, sum);
    }
    return sum;
  }
};

}  // namespace waveprior::march

#endif  // WAVEPRIOR_CUDA_MARCH_GRID_H_
