// The loops of solve_cpu.cc, compiled for each instruction set: plain twins of solve.cu over the same tables, unit by unit.

// What the kernels of a solve are given, in this order.
template <class T>
struct SolveArgs {
  const int32_t* lists;
  int64_t items, item_count, chunks;  // offset of the items, how many; groups of 16 right-hand sides
  const helm::Complex<T>* factors;
  int64_t factor_size;
  helm::Complex<T>* vectors;
  int64_t vector_rows;
  helm::Complex<T>* x;
  int64_t nodes, count, system = 0, first = 0, last = 0,
                        item = 0;  // of the unit: system, right-hand sides, item's number

  explicit SolveArgs(const uint64_t* args) {
    waveprior::Args in(args);
    lists = in.Pointer<const int32_t>();
    in.Int();
    items = in.Int();
    item_count = in.Int();
    chunks = in.Int();
    factors = in.Pointer<const helm::Complex<T>>();
    factor_size = in.Int();
    vectors = in.Pointer<helm::Complex<T>>();
    vector_rows = in.Int();
    x = in.Pointer<helm::Complex<T>>();
    nodes = in.Int();
    count = in.Int();
  }

  void At(int64_t unit) {
    item = unit % item_count;
    first = unit / item_count % chunks * helm::kTile;
    last = first + helm::kTile < count ? first + helm::kTile : count;
    system = unit / item_count / chunks;
  }
  helm::Complex<T>* Row(int64_t row) const { return x + (system * nodes + row) * count; }
  helm::Complex<T>* Vector(int64_t row) const { return vectors + (system * vector_rows + row) * count; }
  const helm::Complex<T>* Factor(int64_t offset) const { return factors + system * factor_size + offset; }
};

// SolveArgs. Items: boxes, their records one after the other.
template <class T>
int helm_box_forward(const uint64_t* args, int64_t lo, int64_t hi) {
  using helm::Complex;
  SolveArgs<T> a(args);
  for (int64_t unit = lo; unit < hi; unit++) {
    a.At(unit);
    const int32_t* const box = a.lists + a.items + a.item * helm::kBoxSize;
    const int32_t* const shape = a.lists + box[helm::kBoxShape];
    const int32_t np = shape[helm::kShapePivots], nb = shape[helm::kShapeRing];
    const int32_t* const start = a.lists + shape[helm::kShapeStart];
    const int32_t* const rows = a.lists + shape[helm::kShapeRows];
    const Complex<T>* const f = a.Factor(box[helm::kBoxFactor]);
    for (int64_t r = a.first; r < a.last; r++) {
      for (int32_t i = 0; i < nb; i++) a.Vector(box[helm::kBoxVector] + i)[r] = helm::MakeComplex(T(0), T(0));
      for (int32_t k = 0; k < np; k++) {
        const Complex<T> y = a.Row(box[helm::kBoxFirst] + k)[r];
        for (int32_t e = start[k]; e < start[k + 1]; e++) {
          Complex<T>* const to =
              rows[e] < np ? a.Row(box[helm::kBoxFirst] + rows[e]) : a.Vector(box[helm::kBoxVector] + rows[e] - np);
          helm::TakeProduct(to[r], f[np + e], y);
        }
      }
      for (int32_t k = 0; k < np; k++) {
        Complex<T>* const y = a.Row(box[helm::kBoxFirst] + k) + r;
        *y = helm::Times(*y, f[k]);
      }
    }
  }
  return waveprior::kOk;
}

// SolveArgs. Items: as in helm_box_forward.
template <class T>
int helm_box_backward(const uint64_t* args, int64_t lo, int64_t hi) {
  using helm::Complex;
  SolveArgs<T> a(args);
  for (int64_t unit = lo; unit < hi; unit++) {
    a.At(unit);
    const int32_t* const box = a.lists + a.items + a.item * helm::kBoxSize;
    const int32_t* const shape = a.lists + box[helm::kBoxShape];
    const int32_t* const ring = a.lists + box[helm::kBoxRing];
    const int32_t np = shape[helm::kShapePivots];
    const int32_t* const start = a.lists + shape[helm::kShapeStart];
    const int32_t* const rows = a.lists + shape[helm::kShapeRows];
    const Complex<T>* const f = a.Factor(box[helm::kBoxFactor]);
    for (int64_t r = a.first; r < a.last; r++)
      for (int32_t k = np - 1; k >= 0; k--) {
        Complex<T>* const y = a.Row(box[helm::kBoxFirst] + k) + r;
        for (int32_t e = start[k]; e < start[k + 1]; e++) {
          const int32_t row = rows[e] < np ? box[helm::kBoxFirst] + rows[e] : ring[rows[e] - np];
          if (row >= 0) helm::TakeProduct(*y, f[np + e], a.Row(row)[r]);
        }
      }
  }
  return waveprior::kOk;
}

// SolveArgs. Items: record of a front.
template <class T>
int helm_forward_pivots(const uint64_t* args, int64_t lo, int64_t hi) {
  using helm::Complex;
  SolveArgs<T> a(args);
  for (int64_t unit = lo; unit < hi; unit++) {
    a.At(unit);
    const int64_t front = a.lists[a.items + a.item], p = a.lists[front + helm::kFrontPivots];
    const int64_t first = a.lists[front + helm::kFrontFirst];
    const Complex<T>* const m = a.Factor(a.lists[front + helm::kFrontFactor]);
    for (int64_t i = 0; i < p; i++)
      for (int64_t r = a.first; r < a.last; r++) {
        Complex<T> sum = helm::MakeComplex(T(0), T(0));
        for (int64_t k = 0; k < i / helm::kTile * helm::kTile; k++)
          helm::AddProduct(sum, m[i * p + k], a.Row(first + k)[r]);
        const Complex<T> children =
            helm::VectorFromChildren<T>(a.lists, front, a.vectors, a.system * a.vector_rows * a.count, i, a.count, r);
        Complex<T>* const y = a.Row(first + i) + r;
        *y = helm::Minus(helm::Plus(*y, children), sum);
      }
  }
  return waveprior::kOk;
}

// SolveArgs. Items: record of a front, first local row of a block of its boundary.
template <class T>
int helm_forward_boundary(const uint64_t* args, int64_t lo, int64_t hi) {
  using helm::Complex;
  SolveArgs<T> a(args);
  for (int64_t unit = lo; unit < hi; unit++) {
    a.At(unit);
    const int64_t front = a.lists[a.items + 2 * a.item], i0 = a.lists[a.items + 2 * a.item + 1];
    const int64_t p = a.lists[front + helm::kFrontPivots], rows = p + a.lists[front + helm::kFrontBoundary];
    const int64_t first = a.lists[front + helm::kFrontFirst];
    const Complex<T>* const m = a.Factor(a.lists[front + helm::kFrontFactor]);
    for (int64_t i = i0; i < rows && i < i0 + helm::kBlock; i++)
      for (int64_t r = a.first; r < a.last; r++) {
        Complex<T> sum = helm::MakeComplex(T(0), T(0));
        for (int64_t k = 0; k < p; k++) helm::AddProduct(sum, m[i * p + k], a.Row(first + k)[r]);
        const Complex<T> children =
            helm::VectorFromChildren<T>(a.lists, front, a.vectors, a.system * a.vector_rows * a.count, i, a.count, r);
        a.Vector(a.lists[front + helm::kFrontVector] + i - p)[r] = helm::Minus(children, sum);
      }
  }
  return waveprior::kOk;
}

// SolveArgs. Items: record of a front, first of a block of its pivots.
template <class T>
int helm_backward_boundary(const uint64_t* args, int64_t lo, int64_t hi) {
  using helm::Complex;
  SolveArgs<T> a(args);
  for (int64_t unit = lo; unit < hi; unit++) {
    a.At(unit);
    const int64_t front = a.lists[a.items + 2 * a.item], j0 = a.lists[a.items + 2 * a.item + 1];
    const int64_t p = a.lists[front + helm::kFrontPivots], b = a.lists[front + helm::kFrontBoundary];
    const int64_t first = a.lists[front + helm::kFrontFirst];
    const int32_t* const at = a.lists + a.lists[front + helm::kFrontRows];
    const Complex<T>* const m = a.Factor(a.lists[front + helm::kFrontFactor]);
    for (int64_t k0 = j0; k0 < p && k0 < j0 + helm::kBlock; k0 += helm::kTile) {
      const int64_t w = p - k0 < helm::kTile ? p - k0 : helm::kTile;
      for (int64_t r = a.first; r < a.last; r++) {
        Complex<T> z[helm::kTile];
        for (int64_t j = 0; j < w; j++) {
          Complex<T> sum = helm::MakeComplex(T(0), T(0));
          for (int64_t i = 0; i < b; i++) helm::AddProduct(sum, m[(p + i) * p + k0 + j], a.Row(at[i])[r]);
          Complex<T> d = helm::MakeComplex(T(0), T(0));
          for (int64_t k = 0; k < w; k++) helm::AddProduct(d, m[(k0 + j) * p + k0 + k], a.Row(first + k0 + k)[r]);
          z[j] = helm::Minus(d, sum);
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
  using helm::Complex;
  SolveArgs<T> a(args);
  for (int64_t unit = lo; unit < hi; unit++) {
    a.At(unit);
    const int64_t front = a.lists[a.items + a.item], p = a.lists[front + helm::kFrontPivots];
    const int64_t first = a.lists[front + helm::kFrontFirst];
    const Complex<T>* const m = a.Factor(a.lists[front + helm::kFrontFactor]);
    for (int64_t j = p - 1; j >= 0; j--)
      for (int64_t r = a.first; r < a.last; r++) {
        Complex<T> sum = helm::MakeComplex(T(0), T(0));
        for (int64_t i = j / helm::kTile * helm::kTile + helm::kTile; i < p; i++)
          helm::AddProduct(sum, m[i * p + j], a.Row(first + i)[r]);
        Complex<T>* const y = a.Row(first + j) + r;
        *y = helm::Minus(*y, sum);
      }
  }
  return waveprior::kOk;
}
