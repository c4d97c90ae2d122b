// What a shot is given: the arguments of the propagator's kernel. Unit u is shot u % shots of model u / shots, all its time
// steps in one call.
//
// Layout      A padded field has rows x cols nodes from column `lead` on, in rows of `wide` numbers, a multiple of 16. Compact
//             arrays are (5, rows, wide): materials bx, bz, lam + 2 mu, lam, mu (what kernel elastic_materials makes), and
//             gradients with respect to them; 0 beyond the grid. What a step keeps for the transpose is (rows, 2, wide): vx
//             and vz; for a tangent (rows, 5, wide): D s + f of vx and vz, and vx_x, vz_z, vx_z + vz_x.
//             Wavefields vx, vz, sxx, szz, sxz are (halo + rows + halo, stride) each, stride = wide + 16: 16 zeros before
//             each row. A slot of the workspace is one shot's: state, states of directions, checkpoints, kept steps,
//             of the gradient what acts on two rows (2, 2, wide), residuals, in this order.
#ifndef WAVEPRIOR_CUDA_ELASTIC_SHOT_H_
#define WAVEPRIOR_CUDA_ELASTIC_SHOT_H_

#include "../args.h"
#include "parts.h"

namespace waveprior {
namespace elastic {

// The int64 numbers of a propagator, in the order of elastic.shape in config.go.
struct Shape {
  int64_t rows, cols, wide, halo;
  int64_t top, bottom, left, right;  // nodes of the absorbing layers
  int64_t lead;                      // the first column of the grid
  int64_t left_end, right_begin;     // the pieces of a row with layers end and begin here, multiples of 16
  int64_t free_surface;              // row 0 is one
  int64_t steps, each;               // steps of the scheme, and how many of them are a row of data
  int64_t shots, receivers;
  int64_t segment;  // steps that are kept at a time
  int64_t state;    // numbers of a state of the forward run, a tangent or the transpose,
  int64_t slot;     // and of a slot
  int64_t slots;    // of the workspace: as many as there are threads

  WAVEPRIOR_INLINE int64_t Stride() const { return wide + 16; }
  WAVEPRIOR_INLINE int64_t Field() const { return (rows + 2 * halo) * Stride() + 16; }
  // The number (0, 0) of a field.
  WAVEPRIOR_INLINE int64_t Origin() const { return halo * Stride() + 16; }
  WAVEPRIOR_INLINE int64_t Compact() const { return rows * wide; }
  WAVEPRIOR_INLINE int64_t Layered() const { return left_end + wide - right_begin; }
  WAVEPRIOR_INLINE int64_t Above() const { return top; }
  WAVEPRIOR_INLINE int64_t Below() const { return bottom ? bottom + 1 : 0; }
};

// A node of what points put into fields, in the order of the numbers that Go writes.
struct Node {
  int64_t row;      // rows + halo for a stress, which is last
  int64_t place;    // in the wavefields
  int64_t at;       // in the compact arrays
  int64_t channel;  // component channel / receivers of receiver channel % receivers
  int64_t run;      // so many nodes from this one on lie beside one another and belong to neighbouring channels
};

// What points put into fields, in the order of the rows. Receivers read what they put in.
template <class T>
struct Entries {
  const int64_t* start;  // of every shot; one list for all where channels are receivers
  const Node* node;
  const T* weight;
};

// The arguments, in their order. A null pointer: not wanted.
template <class T>
struct Job {
  const Shape* shape;
  const T* profile;  // (4, wide) and (4, rows): b and a at half points and at points, along x and z
  const T* wavelet;  // (shots, steps)
  Entries<T> sources, injected;
  const T* materials;    // (models, 5, rows, wide)
  const T* directions;   // (models, many, 5, rows, wide)
  T* work;               // (slots, slot)
  int64_t* busy;         // (slots): 1 while a shot has the slot, which of them is chance and changes nothing
  T* data;               // (models, 2, shots, rows of data, receivers)
  const T* observed;     // (observations, 2, ...): the cotangent is data - observed
  const int64_t* which;  // (models): the model's observation
  const T* cotangent;    // (sets, many, 2, ...)
  T* tangent;            // (models, many, 2, ...)
  T* gradient;           // (units, many, 5, rows, wide)
  int64_t many, sets;    // directions of a model; sets of cotangents: 1 for all models, or one for each

  explicit WAVEPRIOR_INLINE Job(const uint64_t* args) {
    Args a(args);
    shape = a.Pointer<const Shape>();
    profile = a.Pointer<const T>();
    wavelet = a.Pointer<const T>();
    Weights(&a, &sources);
    Weights(&a, &injected);
    materials = a.Pointer<const T>();
    directions = a.Pointer<const T>();
    work = a.Pointer<T>();
    busy = a.Pointer<int64_t>();
    data = a.Pointer<T>();
    observed = a.Pointer<const T>();
    which = a.Pointer<const int64_t>();
    cotangent = a.Pointer<const T>();
    tangent = a.Pointer<T>();
    gradient = a.Pointer<T>();
    many = a.Int();
    sets = a.Int();
  }

 private:
  template <class P>
  static WAVEPRIOR_INLINE void Weights(Args* a, P* p) {
    p->start = a->template Pointer<const int64_t>();
    p->node = a->template Pointer<const Node>();
    p->weight = a->template Pointer<const T>();
  }
};

}  // namespace elastic
}  // namespace waveprior

#endif  // WAVEPRIOR_CUDA_ELASTIC_SHOT_H_
