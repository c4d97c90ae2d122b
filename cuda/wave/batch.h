// What the kernels of a batch share: many shots, of many models, side by side, one time step after the other. They are how a
// GPU propagates (docs/adr/0016); on a CPU they serve tests, and whole shots one at a time are faster (shot_loops.h).
//
// Layout      Padded fields and compact arrays as in shot.h. A unit is a shot, or one direction of a shot: unit u of a launch is
//             direction u % many of shot first + u / many, and shot s is shot s % shots of model s / shots. Its state is two
//             fields, the later one in turn, and what the scheme adds (acoustic_march.h, sponge_march.h). Kept fields are
//             (shots of the launch, segment, rows, wide).
//             A step reads what the step before wrote, and writes elsewhere: every number that a neighbour reads exists twice,
//             in turn. So nodes are independent of each other within a step, each has one writer, and one barrier a step is
//             enough.
// Launch      `blocks` blocks a unit. 1: the block does steps first..last-1 with a barrier between; row n of the data is
//             recorded after step n. More: first + 1 = last, row first - 1 is recorded meanwhile, and a launch with first = last
//             = steps records the last one.
// Assumptions A unit's state has fewer than 2^31 numbers.
#ifndef WAVEPRIOR_CUDA_WAVE_BATCH_H_
#define WAVEPRIOR_CUDA_WAVE_BATCH_H_

#include "../view.h"

namespace waveprior::wave {

// The int32 numbers of a propagator, in the order of wave.grid in batch.go.
struct Grid {
  int32_t rows, cols, wide, halo;
  int32_t top, bottom, left, right;  // nodes of the absorbing layers
  int32_t free_surface;              // row 0 is one
  int32_t steps, shots, receivers;
  int32_t from, to;  // columns with a layer left or right are those below from and from `to` on, as in acoustic_loops.h
  int32_t above, below;   // and rows with one above or below those below above and from `below` on
  int32_t forward, back;  // numbers of a unit's state, forward and of the transpose
  int32_t source_lines, source_nodes, source_entries;        // of Spots
  int32_t receiver_lines, receiver_nodes, receiver_entries;  // of Spots
  int32_t recorded;                                          // entries of Record
  int32_t profile;                                           // numbers of the scheme's profile

  WAVEPRIOR_INLINE int32_t Stride() const { return wide + 16; }
  WAVEPRIOR_INLINE int32_t Field() const { return (rows + 2 * halo) * Stride() + 16; }
  WAVEPRIOR_INLINE int32_t Compact() const { return rows * wide; }
  WAVEPRIOR_INLINE int64_t PerShot() const { return static_cast<int64_t>(steps) * receivers; }
  // Node (j, i) of field 0 or 1 of a state.
  WAVEPRIOR_INLINE int32_t At(int64_t field, int32_t j, int32_t i) const {
    return static_cast<int32_t>(field & 1) * Field() + (halo + j) * Stride() + 16 + i;
  }
};

// Where unit u of a launch belongs.
struct Place {
  int64_t shot, model, direction;  // the shot's number among all, its model, its direction
  int64_t of;                      // the shot's number in the launch
  int64_t number;                  // the shot's number in its model

  WAVEPRIOR_INLINE Place(const Grid& g, int64_t first, int64_t many, int64_t u)
      : shot(first + u / many),
        model((first + u / many) / g.shots),
        direction(u % many),
        of(u / many),
        number((first + u / many) % g.shots) {}
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

// The field at the receivers: index is where each one's entries begin, and one more, then the place of each entry in a field.
template <class T>
struct Record {
  View<const int32_t> index;
  View<const T> weight;

  WAVEPRIOR_INLINE Record(const int32_t* i, const T* w, const Grid& g)
      : index(i, g.receivers + 1 + g.recorded), weight(w, g.recorded) {}

  // What receiver r sees of field 0 or 1.
  WAVEPRIOR_INLINE T operator()(const Grid& g, const View<T>& state, int64_t field, int32_t r) const {
    const int32_t origin = g.At(field, 0, 0), to = index[r + 1];
    T sum = 0;
    for (int32_t e = index[r]; e < to; e++) {
      const T p = state[origin + index[g.receivers + 1 + e]];
      sum = Fma(weight[e], p, sum);
    }
    return sum;
  }
};

// The arguments of a forward march, in their order. A null pointer: not wanted.
template <class T>
struct ForwardCall {
  const int32_t* grid;     // Grid
  const T* profile;        // of the scheme
  const T* wavelet;        // (shots, steps)
  const int32_t* sources;  // Spots, a group for each shot
  const T* source_weight;
  const int32_t* record;  // Record
  const T* record_weight;
  const T* courant;                   // (models, rows, wide)
  const T* dcourant;                  // (models, many, rows, wide): a tangent, which reads what the shots kept
  const T* extra;                     // (models): what else the scheme takes of a model
  const T* dextra;                    // (models, many)
  T* state;                           // (units, forward)
  T* kept;                            // (shots of the launch, segment, rows, wide)
  T* data;                            // (models, many, shots, steps, receivers)
  int64_t models, many, shot, units;  // the launch's first shot
  int64_t lo, segment;                // the first step of what is kept
  int64_t first, last;                // steps
};

// The arguments of a march of the transpose. Steps are counted from the last one on.
template <class T>
struct BackCall {
  const int32_t* grid;
  const T* profile;
  const T* wavelet;
  const int32_t* sources;
  const T* source_weight;
  const int32_t* receivers;  // Spots, one group
  const T* receiver_weight;
  const T* courant;
  const T* extra;
  T* state;  // (units, back)
  const T* kept;
  const T* data;         // (models, shots, steps, receivers): with observed
  const T* observed;     // (observations, shots, steps, receivers): the cotangent is data - observed
  const int64_t* which;  // (models): the model's observation
  const T* cotangent;    // (sets, many, shots, steps, receivers)
  T* gradient;           // (shots of all models, many, rows, wide): grows
  int64_t models, many, sets, observations, shot, units;
  int64_t lo, segment;
  int64_t first, last;
};

// What a unit of a forward march works on. Earlier is 1 where what is kept of a segment begins a step early.
template <class T, int Earlier>
struct ForwardUnit {
  View<T> state;
  View<const T> profile, courant, drive, wavelet;
  Spots<T> sources;
  Record<T> record;
  View<T> kept, data;
  int64_t number, lo;
  T damping, ddamping;

  WAVEPRIOR_INLINE ForwardUnit(const Grid& g, const ForwardCall<T>& c, const Place& at, int64_t u)
      : state(c.state + u * g.forward, g.forward),
        profile(c.profile, g.profile),
        courant(c.courant + at.model * g.Compact(), g.Compact()),
        drive(c.dcourant ? c.dcourant + (at.model * c.many + at.direction) * g.Compact() : nullptr, g.Compact()),
        wavelet(c.wavelet + at.number * g.steps, g.steps),
        sources(c.sources, c.source_weight, g, g.shots, g.source_lines, g.source_nodes, g.source_entries),
        record(c.record, c.record_weight, g),
        kept(c.kept ? c.kept + at.of * (c.segment + Earlier) * g.Compact() : nullptr,
             (c.segment + Earlier) * g.Compact()),
        data(c.data ? c.data + ((at.model * c.many + at.direction) * g.shots + at.number) * g.PerShot() : nullptr,
             g.PerShot()),
        number(at.number),
        lo(c.lo),
        damping(0),
        ddamping(0) {
    if (c.extra) damping = View<const T>(c.extra, c.models)[at.model];
    if (c.dextra) ddamping = View<const T>(c.dextra, c.models * c.many)[at.model * c.many + at.direction];
  }
};

// What a unit of the transpose works on.
template <class T, int Earlier>
struct BackUnit {
  View<T> state;
  View<const T> profile, courant, wavelet;
  Spots<T> sources, receivers;
  View<const T> kept;
  View<T> gradient;
  View<const T> data, observed, cotangent;  // of the unit
  int64_t number, lo;
  T damping;

  WAVEPRIOR_INLINE BackUnit(const Grid& g, const BackCall<T>& c, const Place& at, int64_t u)
      : state(c.state + u * g.back, g.back),
        profile(c.profile, g.profile),
        courant(c.courant + at.model * g.Compact(), g.Compact()),
        wavelet(c.wavelet + at.number * g.steps, g.steps),
        sources(c.sources, c.source_weight, g, g.shots, g.source_lines, g.source_nodes, g.source_entries),
        receivers(c.receivers, c.receiver_weight, g, 1, g.receiver_lines, g.receiver_nodes, g.receiver_entries),
        kept(c.kept + at.of * (c.segment + Earlier) * g.Compact(), (c.segment + Earlier) * g.Compact()),
        gradient(c.gradient + (at.shot * c.many + at.direction) * g.Compact(), g.Compact()),
        data(c.observed ? c.data + at.shot * g.PerShot() : nullptr, g.PerShot()),
        observed(c.observed ? c.observed +
                                  (View<const int64_t>(c.which, c.models)[at.model] * g.shots + at.number) * g.PerShot()
                            : nullptr,
                 g.PerShot()),
        cotangent(c.cotangent
                      ? c.cotangent +
                            (((c.sets == 1 ? 0 : at.model) * c.many + at.direction) * g.shots + at.number) * g.PerShot()
                      : nullptr,
                  g.PerShot()),
        number(at.number),
        lo(c.lo),
        damping(0) {
    if (c.extra) damping = View<const T>(c.extra, c.models)[at.model];
  }

  // The cotangent of datum `at` of the shot: given, or data - observed.
  WAVEPRIOR_INLINE T Drive(int64_t at) const {
    if (cotangent) return cotangent[at];
    CountOperations(1);
    const T d = data[at], o = observed[at];
    return d - o;
  }
};

}  // namespace waveprior::wave

#endif  // WAVEPRIOR_CUDA_WAVE_BATCH_H_
