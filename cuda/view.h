// View: how a .cu reads and writes global memory.
//
//   const waveprior::View<const float> x(x_ptr, n);
//   const waveprior::View<float> y(y_ptr, n);
//   y.Set(i, 2 * x[i]);
//   y[i] += 1;
//
// Under nvcc and nvrtc it is the plain pointer. On the emulated device every index is checked against n, the n elements
// against the buffer that holds them, and the bytes read and written are counted. A View of const T gives values; one of T
// gives a reference that is good within one expression only (`float v = y[i];`, never `auto v = y[i];`, which does not
// compile where v is used).
#ifndef WAVEPRIOR_CUDA_VIEW_H_
#define WAVEPRIOR_CUDA_VIEW_H_

#include "args.h"

namespace waveprior {

#ifndef WAVEPRIOR_EMULATED

template <class T>
class View {
 public:
  // The n elements from p on; p may be null where nothing is accessed.
  WAVEPRIOR_INLINE View(T* p, int64_t n) : p_(p) { static_cast<void>(n); }
  WAVEPRIOR_INLINE T& operator[](int64_t i) const { return p_[i]; }
  WAVEPRIOR_INLINE void Set(int64_t i, T x) const { p_[i] = x; }
  WAVEPRIOR_INLINE explicit operator bool() const { return p_ != nullptr; }

 private:
  T* p_;
};

#else

template <class T>
class View {
 public:
  class Reference {
   public:
    WAVEPRIOR_INLINE operator T() const&& { return view_.Get(i_); }
    WAVEPRIOR_INLINE void operator=(T x) const&& { view_.Set(i_, x); }
    WAVEPRIOR_INLINE void operator=(Reference&& other) const&& { view_.Set(i_, other.view_.Get(other.i_)); }
    WAVEPRIOR_INLINE void operator+=(T x) const&& { view_.Set(i_, view_.Get(i_) + x); }
    WAVEPRIOR_INLINE void operator-=(T x) const&& { view_.Set(i_, view_.Get(i_) - x); }
    WAVEPRIOR_INLINE void operator*=(T x) const&& { view_.Set(i_, view_.Get(i_) * x); }

   private:
    friend class View;
    WAVEPRIOR_INLINE Reference(const View& view, int64_t i) : view_(view), i_(i) {}
    const View& view_;
    const int64_t i_;
  };

  WAVEPRIOR_INLINE View(T* p, int64_t n) : p_(p), n_(n) {
    if (p) emulated::CheckRange(p, n, sizeof(T), alignof(T));
  }
  WAVEPRIOR_INLINE Reference operator[](int64_t i) const { return Reference(*this, i); }
  WAVEPRIOR_INLINE void Set(int64_t i, T x) const {
    Check(i);
    emulated::NoteWrite(p_ + i, sizeof(T));
    p_[i] = x;
  }
  WAVEPRIOR_INLINE T Get(int64_t i) const {
    Check(i);
    emulated::NoteRead(p_ + i, sizeof(T));
    return p_[i];
  }
  WAVEPRIOR_INLINE explicit operator bool() const { return p_ != nullptr; }

 private:
  WAVEPRIOR_INLINE void Check(int64_t i) const {
    if (__builtin_expect(static_cast<uint64_t>(i) >= static_cast<uint64_t>(n_) || !p_, 0))
      emulated::OutOfBounds(p_, i, n_, sizeof(T));
  }
  T* p_;
  int64_t n_;
};

template <class T>
class View<const T> {
 public:
  WAVEPRIOR_INLINE View(const T* p, int64_t n) : p_(p), n_(n) {
    if (p) emulated::CheckRange(p, n, sizeof(T), alignof(T));
  }
  WAVEPRIOR_INLINE T operator[](int64_t i) const {
    if (__builtin_expect(static_cast<uint64_t>(i) >= static_cast<uint64_t>(n_) || !p_, 0))
      emulated::OutOfBounds(p_, i, n_, sizeof(T));
    emulated::NoteRead(p_ + i, sizeof(T));
    return p_[i];
  }
  WAVEPRIOR_INLINE explicit operator bool() const { return p_ != nullptr; }

 private:
  const T* p_;
  int64_t n_;
};

#endif  // WAVEPRIOR_EMULATED

}  // namespace waveprior

#endif  // WAVEPRIOR_CUDA_VIEW_H_
