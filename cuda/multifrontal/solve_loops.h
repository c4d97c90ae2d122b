// The loops of solve_cpu.cc, compiled for each instruction set: plain twins of solve.cu over the same tables, unit by unit.

// What the kernels of a solve are given, in this order.
template <class T>
struct SolveArgs {
  const int32_t* lists;
  int64_t items, item_count, chunks;  // offset of the items, how many; groups of 16 right-hand sides
  const waveprior::Complex<T>* factors;
  int64_t factor_size;
  waveprior::Complex<T>* vectors;
  int64_t vector_rows;
  waveprior::Complex<T>* x;
  int64_t nodes, count, system = 0, first = 0, last = 0,
                        item = 0;  // of the unit: system, right-hand sides, item's number

  explicit SolveArgs(const uint64_t* args) {
    waveprior::Args in(args);
    lists = in.Pointer<const int32_t>();
    in.Int();
    items = in.Int();
    item_count = in.Int();
    chunks = in.Int();
    factors = in.Pointer<const waveprior::Complex<T>>();
    factor_size = in.Int();
    vectors = in.Pointer<waveprior::Complex<T>>();
    vector_rows = in.Int();
    x = in.Pointer<waveprior::Complex<T>>();
    nodes = in.Int();
    count = in.Int();
  }

  void At(int64_t unit) {
    item = unit % item_count;
    first = unit / item_count % chunks * waveprior::kTile;
    last = first + waveprior::kTile < count ? first + waveprior::kTile : count;
    system = unit / item_count / chunks;
  }
  waveprior::Complex<T>* Row(int64_t row) const { return x + (system * nodes + row) * count; }
  waveprior::Complex<T>* Vector(int64_t row) const { return vectors + (system * vector_rows + row) * count; }
  const waveprior::Complex<T>* Factor(int64_t offset) const { return factors + system * factor_size + offset; }
};

// SolveArgs. Items: boxes, their records one after the other.
template <class T>
int helm_box_forward(const uint64_t* args, int64_t lo, int64_t hi) {
  using waveprior::Complex;
  SolveArgs<T> a(args);
  for (int64_t unit = lo; unit < hi; unit++) {
    a.At(unit);
    const int32_t* const box = a.lists + a.items + a.item * waveprior::kBoxSize;
    const int32_t* const shape = a.lists + box[waveprior::kBoxShape];
    const int32_t np = shape[waveprior::kShapePivots], nb = shape[waveprior::kShapeRing];
    const int32_t* const start = a.lists + shape[waveprior::kShapeStart];
    const int32_t* const rows = a.lists + shape[waveprior::kShapeRows];
    const Complex<T>* const f = a.Factor(box[waveprior::kBoxFactor]);
    for (int64_t r = a.first; r < a.last; r++) {
      for (int32_t i = 0; i < nb; i++) a.Vector(box[waveprior::kBoxVector] + i)[r] = waveprior::MakeComplex(T(0), T(0));
      for (int32_t k = 0; k < np; k++) {
        const Complex<T> y = a.Row(box[waveprior::kBoxFirst] + k)[r];
        for (int32_t e = start[k]; e < start[k + 1]; e++) {
          Complex<T>* const to = rows[e] < np ? a.Row(box[waveprior::kBoxFirst] + rows[e])
                                              : a.Vector(box[waveprior::kBoxVector] + rows[e] - np);
          waveprior::TakeProduct(to[r], f[np + e], y);
        }
      }
      for (int32_t k = 0; k < np; k++) {
        Complex<T>* const y = a.Row(box[waveprior::kBoxFirst] + k) + r;
        *y = waveprior::Times(*y, f[k]);
      }
    }
  }
  return waveprior::kOk;
}

// SolveArgs. Items: as in helm_box_forward.
template <class T>
int helm_box_backward(const uint64_t* args, int64_t lo, int64_t hi) {
  using waveprior::Complex;
  SolveArgs<T> a(args);
  for (int64_t unit = lo; unit < hi; unit++) {
    a.At(unit);
    const int32_t* const box = a.lists + a.items + a.item * waveprior::kBoxSize;
    const int32_t* const shape = a.lists + box[waveprior::kBoxShape];
    const int32_t* const ring = a.lists + box[waveprior::kBoxRing];
    const int32_t np = shape[waveprior::kShapePivots];
    const int32_t* const start = a.lists + shape[waveprior::kShapeStart];
    const int32_t* const rows = a.lists + shape[waveprior::kShapeRows];
    const Complex<T>* const f = a.Factor(box[waveprior::kBoxFactor]);
    for (int64_t r = a.first; r < a.last; r++)
      for (int32_t k = np - 1; k >= 0; k--) {
        Complex<T>* const y = a.Row(box[waveprior::kBoxFirst] + k) + r;
        for (int32_t e = start[k]; e < start[k + 1]; e++) {
          const int32_t row = rows[e] < np ? box[waveprior::kBoxFirst] + rows[e] : ring[rows[e] - np];
          if (row >= 0) waveprior::TakeProduct(*y, f[np + e], a.Row(row)[r]);
        }
      }
  }
  return waveprior::kOk;
}

// SolveArgs. Items: record of a front.
template <class T>
int helm_forward_pivots(const uint64_t* args, int64_t lo, int64_t hi) {
  using waveprior::Complex;
  SolveArgs<T> a(args);
  for (int64_t unit = lo; unit < hi; unit++) {
    a.At(unit);
    const int64_t front = a.lists[a.items + a.item], p = a.lists[front + waveprior::kFrontPivots];
    const int64_t first = a.lists[front + waveprior::kFrontFirst];
    const Complex<T>* const m = a.Factor(a.lists[front + waveprior::kFrontFactor]);
    for (int64_t i = 0; i < p; i++)
      for (int64_t r = a.first; r < a.last; r++) {
        Complex<T> sum = waveprior::MakeComplex(T(0), T(0));
        for (int64_t k = 0; k < i / waveprior::kTile * waveprior::kTile; k++)
          waveprior::AddProduct(sum, m[i * p + k], a.Row(first + k)[r]);
        const Complex<T> children = waveprior::VectorFromChildren<T>(a.lists, front, a.vectors,
                                                                     a.system * a.vector_rows * a.count, i, a.count, r);
        Complex<T>* const y = a.Row(first + i) + r;
        *y = waveprior::Minus(waveprior::Plus(*y, children), sum);
      }
  }
  return waveprior::kOk;
}

// SolveArgs. Items: record of a front, first local row of a block of its boundary.
template <class T>
int helm_forward_boundary(const uint64_t* args, int64_t lo, int64_t hi) {
  using waveprior::Complex;
  SolveArgs<T> a(args);
  for (int64_t unit = lo; unit < hi; unit++) {
    a.At(unit);
    const int64_t front = a.lists[a.items + 2 * a.item], i0 = a.lists[a.items + 2 * a.item + 1];
    const int64_t p = a.lists[front + waveprior::kFrontPivots], rows = p + a.lists[front + waveprior::kFrontBoundary];
    const int64_t first = a.lists[front + waveprior::kFrontFirst];
    const Complex<T>* const m = a.Factor(a.lists[front + waveprior::kFrontFactor]);
    for (int64_t i = i0; i < rows && i < i0 + waveprior::kBlock; i++)
      for (int64_t r = a.first; r < a.last; r++) {
        Complex<T> sum = waveprior::MakeComplex(T(0), T(0));
        for (int64_t k = 0; k < p; k++) waveprior::AddProduct(sum, m[i * p + k], a.Row(first + k)[r]);
        const Complex<T> children = waveprior::VectorFromChildren<T>(a.lists, front, a.vectors,
                                                                     a.system * a.vector_rows * a.count, i, a.count, r);
        a.Vector(a.lists[front + waveprior::kFrontVector] + i - p)[r] = waveprior::Minus(children, sum);
      }
  }
  return waveprior::kOk;
}

// SolveArgs. Items: record of a front, first of a block of its pivots.
template <class T>
int helm_backward_boundary(const uint64_t* args, int64_t lo, int64_t hi) {
  using waveprior::Complex;
  SolveArgs<T> a(args);
  for (int64_t unit = lo; unit < hi; unit++) {
    a.At(unit);
    const int64_t front = a.lists[a.items + 2 * a.item], j0 = a.lists[a.items + 2 * a.item + 1];
    const int64_t p = a.lists[front + waveprior::kFrontPivots], b = a.lists[front + waveprior::kFrontBoundary];
    const int64_t first = a.lists[front + waveprior::kFrontFirst];
    const int32_t* const at = a.lists + a.lists[front + waveprior::kFrontRows];
    const Complex<T>* const m = a.Factor(a.lists[front + waveprior::kFrontFactor]);
    for (int64_t k0 = j0; k0 < p && k0 < j0 + waveprior::kBlock; k0 += waveprior::kTile) {
      const int64_t w = p - k0 < waveprior::kTile ? p - k0 : waveprior::kTile;
      for (int64_t r = a.first; r < a.last; r++) {
        Complex<T> z[waveprior::kTile];
        for (int64_t j = 0; j < w; j++) {
          Complex<T> sum = waveprior::MakeComplex(T(0), T(0));
          for (int64_t i = 0; i < b; i++) waveprior::AddProduct(sum, m[(p + i) * p + k0 + j], a.Row(at[i])[r]);
          Complex<T> d = waveprior::MakeComplex(T(0), T(0));
          for (int64_t k = 0; k < w; k++) waveprior::AddProduct(d, m[(k0 + j) * p + k0 + k], a.Row(first + k0 + k)[r]);
          z[j] = waveprior::Minus(d, sum);
        }
        for (int64_t j = 0; j < w; j++) a.Row(first + k0 + j)[r] = z[j];
      }
    }
  }
  return waveprior::kOk;
}

// SolveArgs. Items: record of a front.
template <class T>
int helm_backward_pivots(const uint64_t* args, int64_t lo, int64_t hi) {
  using waveprior::Complex;
  SolveArgs<T> a(args);
  for (int64_t unit = lo; unit < hi; unit++) {
    a.At(unit);
    const int64_t front = a.lists[a.items + a.item], p = a.lists[front + waveprior::kFrontPivots];
    const int64_t first = a.lists[front + waveprior::kFrontFirst];
    const Complex<T>* const m = a.Factor(a.lists[front + waveprior::kFrontFactor]);
    for (int64_t j = p - 1; j >= 0; j--)
      for (int64_t r = a.first; r < a.last; r++) {
        Complex<T> sum = waveprior::MakeComplex(T(0), T(0));
        for (int64_t i = j / waveprior::kTile * waveprior::kTile + waveprior::kTile; i < p; i++)
          waveprior::AddProduct(sum, m[i * p + j], a.Row(first + i)[r]);
        Complex<T>* const y = a.Row(first + j) + r;
        *y = waveprior::Minus(*y, sum);
      }
  }
  return waveprior::kOk;
}
