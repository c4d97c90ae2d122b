// The arguments of the kernels that march, and what a unit of a launch works on (grid.h).
#ifndef WAVEPRIOR_CUDA_MARCH_UNITS_H_
#define WAVEPRIOR_CUDA_MARCH_UNITS_H_

#include "grid.h"

// The parameters of a .cu's kernels, for numbers of type T: ForwardCall's members, and BackCall's, then blocks, and what the
// launch costs, which no kernel reads (march.Costs); and the calls that these make.
#define WAVEPRIOR_FORWARD_PARAMETERS(T)                                                                       \
  const int32_t *grid, const T *profile, const T *wavelet, const int32_t *sources, const T *source_weight,    \
      const int32_t *record, const T *record_weight, const T *materials, const T *directions, const T *extra, \
      const T *dextra, T *state, T *kept, T *data, int64_t models, int64_t many, int64_t shot, int64_t units, \
      int64_t lo, int64_t segment, int64_t first, int64_t last, int64_t /*blocks*/, int64_t /*read*/,         \
      int64_t /*written*/, int64_t /*asked*/, int64_t /*operations*/
#define WAVEPRIOR_FORWARD_CALL                                                                                   \
  {                                                                                                              \
    grid, profile, wavelet, sources, source_weight, record, record_weight, materials, directions, extra, dextra, \
        state, kept, data, models, many, shot, units, lo, segment, first, last                                   \
  }
#define WAVEPRIOR_BACK_PARAMETERS(T)                                                                                   \
  const int32_t *grid, const T *profile, const T *wavelet, const int32_t *sources, const T *source_weight,             \
      const int32_t *receivers, const T *receiver_weight, const T *materials, const T *extra, T *state, const T *kept, \
      const T *data, const T *observed, const int64_t *which, const T *cotangent, T *gradient, int64_t models,         \
      int64_t many, int64_t sets, int64_t observations, int64_t shot, int64_t units, int64_t lo, int64_t segment,      \
      int64_t first, int64_t last, int64_t /*blocks*/, int64_t /*read*/, int64_t /*written*/, int64_t /*asked*/,       \
      int64_t /*operations*/
#define WAVEPRIOR_BACK_CALL                                                                                           \
  {                                                                                                                   \
    grid, profile, wavelet, sources, source_weight, receivers, receiver_weight, materials, extra, state, kept, data,  \
        observed, which, cotangent, gradient, models, many, sets, observations, shot, units, lo, segment, first, last \
  }

namespace waveprior::march {

// The arguments of a forward march, in their order. A null pointer: not wanted.
template <class T>
struct ForwardCall {
  const int32_t* grid;     // Grid
  const T* profile;        // of the scheme
  const T* wavelet;        // (shots, steps)
  const int32_t* sources;  // Spots, groups as the scheme says
  const T* source_weight;
  const int32_t* record;  // Record
  const T* record_weight;
  const T* materials;                 // (models, materials)
  const T* directions;                // (models, many, materials): a tangent, which reads what the shots kept
  const T* extra;                     // (models): what else the scheme takes of a model, if anything
  const T* dextra;                    // (models, many)
  T* state;                           // (units, forward)
  T* kept;                            // (shots of the launch, segment, kept)
  T* data;                            // (models, many, components, shots, rows of data, receivers)
  int64_t models, many, shot, units;  // the launch's first shot
  int64_t lo, segment;                // the first step of what is kept
  int64_t first, last;                // phases
};

// The arguments of a march of the transpose. Phases are counted from the last step on.
template <class T>
struct BackCall {
  const int32_t* grid;
  const T* profile;
  const T* wavelet;
  const int32_t* sources;
  const T* source_weight;
  const int32_t* receivers;  // Spots
  const T* receiver_weight;
  const T* materials;
  const T* extra;
  T* state;  // (units, back)
  const T* kept;
  const T* data;         // (models, components, ...): with observed
  const T* observed;     // (observations, components, ...): the cotangent is data - observed
  const int64_t* which;  // (models): the model's observation
  const T* cotangent;    // (sets, many, components, ...)
  T* gradient;           // (shots of all models, many, materials): grows
  int64_t models, many, sets, observations, shot, units;
  int64_t lo, segment;
  int64_t first, last;
};

// What a unit of a forward march works on.
template <class T>
struct ForwardUnit {
  View<T> state;
  View<const T> profile, materials, drive, wavelet;
  Spots<T> sources;
  Record<T> record;
  View<T> kept, data;
  int64_t number, lo;
  T extra, dextra;

  WAVEPRIOR_INLINE ForwardUnit(const Grid& g, const ForwardCall<T>& c, const Whose& at, int64_t u)
      : state(c.state + u * g.forward, g.forward),
        profile(c.profile, g.profile),
        materials(c.materials + at.model * g.materials, g.materials),
        drive(c.directions ? c.directions + (at.model * c.many + at.direction) * g.materials : nullptr, g.materials),
        wavelet(c.wavelet + at.number * g.steps, g.steps),
        sources(c.sources, c.source_weight, g, g.source_groups, g.source_lines, g.source_nodes, g.source_entries),
        record(c.record, c.record_weight, g),
        kept(c.kept ? c.kept + at.of * (c.segment + g.earlier) * g.kept : nullptr, (c.segment + g.earlier) * g.kept),
        data(c.data ? c.data + (at.model * c.many + at.direction) * g.Data() : nullptr, g.Data()),
        number(at.number),
        lo(c.lo),
        extra(0),
        dextra(0) {
    if (c.extra) extra = View<const T>(c.extra, c.models)[at.model];
    if (c.dextra) dextra = View<const T>(c.dextra, c.models * c.many)[at.model * c.many + at.direction];
  }
};

// What a unit of the transpose works on.
template <class T>
struct BackUnit {
  const Grid& g;
  View<T> state;
  View<const T> profile, materials, wavelet;
  Spots<T> sources, receivers;
  View<const T> kept;
  View<T> gradient;
  View<const T> data, observed, cotangent;  // of the model, or of the direction
  int64_t number, lo;
  T extra;

  WAVEPRIOR_INLINE BackUnit(const Grid& grid, const BackCall<T>& c, const Whose& at, int64_t u)
      : g(grid),
        state(c.state + u * g.back, g.back),
        profile(c.profile, g.profile),
        materials(c.materials + at.model * g.materials, g.materials),
        wavelet(c.wavelet + at.number * g.steps, g.steps),
        sources(c.sources, c.source_weight, g, g.source_groups, g.source_lines, g.source_nodes, g.source_entries),
        receivers(c.receivers, c.receiver_weight, g, g.receiver_groups, g.receiver_lines, g.receiver_nodes,
                  g.receiver_entries),
        kept(c.kept + at.of * (c.segment + g.earlier) * g.kept, (c.segment + g.earlier) * g.kept),
        gradient(c.gradient + (at.shot * c.many + at.direction) * g.materials, g.materials),
        data(c.observed ? c.data + at.model * g.Data() : nullptr, g.Data()),
        observed(c.observed ? c.observed + View<const int64_t>(c.which, c.models)[at.model] * g.Data() : nullptr,
                 g.Data()),
        cotangent(
            c.cotangent ? c.cotangent + ((c.sets == 1 ? 0 : at.model) * c.many + at.direction) * g.Data() : nullptr,
            g.Data()),
        number(at.number),
        lo(c.lo),
        extra(0) {
    if (c.extra) extra = View<const T>(c.extra, c.models)[at.model];
  }

  // The cotangent of a channel's datum: given, or data - observed.
  WAVEPRIOR_INLINE T Drive(int64_t row, int32_t channel) const {
    const int64_t at = g.Datum(number, row, channel);
    if (cotangent) return cotangent[at];
    CountOperations(1);
    const T d = data[at], o = observed[at];
    return d - o;
  }
};

}  // namespace waveprior::march

#endif  // WAVEPRIOR_CUDA_MARCH_UNITS_H_
