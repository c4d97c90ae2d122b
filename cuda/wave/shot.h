// What a shot is given: the arguments of a propagator's kernel, the same for every scheme. Unit u is shot u % shots of model
// u / shots, all its time steps in one call.
//
// Layout      A padded field has rows x cols nodes, cols rounded up to `wide`, a multiple of 16. Compact arrays (courant
//             numbers, gradients) are (rows, wide); what lies beyond cols is 0. Wavefields are (halo + rows + halo, stride),
//             stride = wide + 16: 16 numbers before each row, 0 or what the scheme needs there.
//             A slot of the workspace is one shot's: scratch, states, checkpoints, kept fields, residuals, in this order.
#ifndef WAVEPRIOR_CUDA_WAVE_SHOT_H_
#define WAVEPRIOR_CUDA_WAVE_SHOT_H_

#include "../args.h"

namespace waveprior {

// The int64 numbers of a propagator, in the order of wave.shape in plan.go.
struct Shape {
  int64_t rows, cols, wide, halo;
  int64_t top, bottom, left, right;  // nodes of the absorbing layers
  int64_t free_surface;              // row 0 is one
  int64_t steps, shots, receivers;
  int64_t segment;  // steps of which fields are kept at a time
  int64_t scratch;  // numbers of the scheme's scratch,
  int64_t state;    // of one state,
  int64_t kept;     // of one kept step,
  int64_t slot;     // and of a slot
  int64_t slots;    // of the workspace: as many as there are threads

  WAVEPRIOR_INLINE int64_t Stride() const { return wide + 16; }
  WAVEPRIOR_INLINE int64_t Field() const { return (rows + 2 * halo) * Stride() + 16; }
  // The number (0, 0) of a field.
  WAVEPRIOR_INLINE int64_t Origin() const { return halo * Stride() + 16; }
  WAVEPRIOR_INLINE int64_t Compact() const { return rows * wide; }
};

// Rows from..to-1.
struct Range {
  int64_t from, to;
};

// Points of the grid with weights: point i has the entries start[i]..start[i+1]-1. Entry e lies at node[2 e] of a compact
// array and at node[2 e + 1] of a field, from its (0, 0) on.
template <class T>
struct Points {
  const int64_t* start;
  const int64_t* node;
  const T* weight;
};

// The arguments, in their order. A null pointer: not wanted.
template <class T>
struct Job {
  const Shape* shape;
  const T* profile;  // of the scheme
  const T* wavelet;  // (shots, steps)
  Points<T> sources, receivers;
  const T* courant;      // (models, rows, wide): (v dt/h)^2
  const T* dcourant;     // (models, many, rows, wide): directions of the tangent
  const T* extra;        // (models): what else the scheme takes of a model
  const T* dextra;       // (models, many)
  T* work;               // (slots, slot)
  int64_t* busy;         // (slots): 1 while a shot has the slot, which of them is chance and changes nothing
  T* data;               // (models, shots, steps, receivers)
  const T* observed;     // (observations, shots, steps, receivers): the cotangent is data - observed
  const int64_t* which;  // (models): the model's observation
  const T* cotangent;    // (sets, many, shots, steps, receivers)
  T* tangent;            // (models, many, shots, steps, receivers)
  T* gradient;           // (units, many, rows, wide): y L summed over the steps
  double* dextra_out;    // (units, many): the gradient with respect to extra
  int64_t many, sets;    // directions of a model; sets of cotangents: 1 for all models, or one for each

  explicit WAVEPRIOR_INLINE Job(const uint64_t* args) {
    Args a(args);
    shape = a.Pointer<const Shape>();
    profile = a.Pointer<const T>();
    wavelet = a.Pointer<const T>();
    sources = At(&a);
    receivers = At(&a);
    courant = a.Pointer<const T>();
    dcourant = a.Pointer<const T>();
    extra = a.Pointer<const T>();
    dextra = a.Pointer<const T>();
    work = a.Pointer<T>();
    busy = a.Pointer<int64_t>();
    data = a.Pointer<T>();
    observed = a.Pointer<const T>();
    which = a.Pointer<const int64_t>();
    cotangent = a.Pointer<const T>();
    tangent = a.Pointer<T>();
    gradient = a.Pointer<T>();
    dextra_out = a.Pointer<double>();
    many = a.Int();
    sets = a.Int();
  }

 private:
  static WAVEPRIOR_INLINE Points<T> At(Args* a) {
    Points<T> p;
    p.start = a->template Pointer<const int64_t>();
    p.node = a->template Pointer<const int64_t>();
    p.weight = a->template Pointer<const T>();
    return p;
  }
};

}  // namespace waveprior

#endif  // WAVEPRIOR_CUDA_WAVE_SHOT_H_
