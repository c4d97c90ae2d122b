// The loops of factor_cpu.cc, compiled for each instruction set: plain twins of factor.cu over the same tables, unit by unit.

// Boxes: lists, count of lists, offset of the first record, records, diagonal, links, which, size of a plane, factors, size of
// a factor, updates, size of the updates, flags, flags of a system, systems, frequencies, slots of the largest box and room for
// the largest column (shared memory only). Unit: a box of a system, boxes innermost.
template <class T>
int helm_boxes(const uint64_t* args, int64_t lo, int64_t hi) {
  using helm::Complex;
  waveprior::Args in(args);
  const int32_t* const lists = in.Pointer<const int32_t>();
  in.Int();
  const int64_t records = in.Int(), boxes = in.Int();
  const Complex<T>* const diagonal = in.Pointer<const Complex<T>>();
  const Complex<T>* const links = in.Pointer<const Complex<T>>();
  const int32_t* const which = in.Pointer<const int32_t>();
  const int64_t plane = in.Int();
  Complex<T>* const factors = in.Pointer<Complex<T>>();
  const int64_t factor_size = in.Int();
  Complex<T>* const updates = in.Pointer<Complex<T>>();
  const int64_t update_size = in.Int();
  int32_t* const flags = in.Pointer<int32_t>();
  const int64_t units = in.Int();
  in.Int();
  in.Int();
  const int64_t most = in.Int(), longest = in.Int();
  Complex<T>* const work = static_cast<Complex<T>*>(malloc(sizeof(Complex<T>) * static_cast<size_t>(most + longest)));
  if (!work) return waveprior::kOutOfMemory;
  Complex<T>* const column = work + most;
  for (int64_t unit = lo; unit < hi; unit++) {
    const int64_t system = unit / boxes;
    const int32_t* const box = lists + records + unit % boxes * helm::kBoxSize;
    const int32_t* const shape = lists + box[helm::kBoxShape];
    const int32_t np = shape[helm::kShapePivots], nb = shape[helm::kShapeRing], ne = shape[helm::kShapeEntries];
    const helm::Coefficients<const Complex<T>*, const int32_t*> s{diagonal, links, which, plane, system};
    const int64_t slots = np + ne + static_cast<int64_t>(nb) * (nb + 1) / 2;
    for (int64_t i = 0; i < slots; i++) work[i] = helm::MakeComplex(T(0), T(0));
    const int32_t* g = lists + shape[helm::kShapeGather];
    for (int32_t i = 0; i < shape[helm::kShapeGatherCount]; i++, g += 3)
      work[g[2]] = s.template At<T>(g[0], box[helm::kBoxBase] + g[1]);
    Complex<T>* const factor = factors + system * factor_size + box[helm::kBoxFactor];
    const int32_t* const start = lists + shape[helm::kShapeStart];
    const int32_t* const products = lists + shape[helm::kShapeProducts];
    const int32_t* const first = lists + shape[helm::kShapeProductStart];
    int32_t broken = 0;
    for (int32_t k = 0; k < np; k++) {
      const Complex<T> inverse = helm::Reciprocal(work[k], &broken);
      factor[k] = inverse;
      for (int32_t e = start[k]; e < start[k + 1]; e++)
        factor[np + e] = column[e - start[k]] = helm::Times(work[np + e], inverse);
      for (int32_t q = first[k]; q < first[k + 1]; q++) {
        const uint32_t code = static_cast<uint32_t>(products[q]);
        helm::TakeProduct(work[code & 0xffff], column[code >> 16 & 0xff], work[np + start[k] + (code >> 24)]);
      }
    }
    Complex<T>* const update = updates + system * update_size + box[helm::kBoxUpdate];
    for (int64_t i = 0; i < nb; i++)
      for (int64_t j = 0; j <= i; j++) update[helm::Packed(i, j)] = work[np + ne + j * nb - j * (j - 1) / 2 + i - j];
    flags[system * units + box[helm::kBoxUnit]] = broken;
  }
  free(work);
  return waveprior::kOk;
}

// What the three kernels of a level's fronts are given, in this order.
template <class T>
struct FrontArgs {
  const int32_t* lists;
  int64_t items, item_count;  // offset of the items, and how many
  const helm::Complex<T>*diagonal, *links;
  const int32_t* which;
  int64_t plane;
  helm::Complex<T>* factors;
  int64_t factor_size;
  helm::Complex<T>* updates;
  int64_t update_size;
  helm::Complex<T>* panels;
  int64_t panel_size;
  int32_t* flags;
  int64_t units;

  explicit FrontArgs(const uint64_t* args) {
    waveprior::Args in(args);
    lists = in.Pointer<const int32_t>();
    in.Int();
    items = in.Int();
    item_count = in.Int();
    diagonal = in.Pointer<const helm::Complex<T>>();
    links = in.Pointer<const helm::Complex<T>>();
    which = in.Pointer<const int32_t>();
    plane = in.Int();
    factors = in.Pointer<helm::Complex<T>>();
    factor_size = in.Int();
    updates = in.Pointer<helm::Complex<T>>();
    update_size = in.Int();
    panels = in.Pointer<helm::Complex<T>>();
    panel_size = in.Int();
    flags = in.Pointer<int32_t>();
    units = in.Int();
  }

  // Entry (i, j), i >= j, of a front before any elimination, j a pivot.
  helm::Complex<T> Entry(int64_t front, int64_t system, int64_t i, int64_t j) const {
    helm::Complex<T> f = helm::FromChildren<T>(lists, front, updates, system * update_size, i, j);
    const helm::Coefficients<const helm::Complex<T>*, const int32_t*> s{diagonal, links, which, plane, system};
    const int32_t* const columns = lists + lists[front + helm::kFrontColumns];
    for (int32_t e = columns[j]; e < columns[j + 1]; e++) {
      const int32_t* const entry = lists + lists[front + helm::kFrontEntries] + 3 * e;
      if (entry[2] == i) f = helm::Plus(f, s.template At<T>(entry[0], entry[1]));
    }
    return f;
  }
};

// Inverts the n x n tile by Gauss-Jordan; the diagonal entry is the pivot unless another of its column is more than twice as
// large. *broken becomes 1 where a pivot is 0 or not finite, or an entry of the inverse above Limit.
template <class T>
inline void InvertTile(helm::Complex<T> (*d)[helm::kTile], int n, int32_t* broken) {
  using helm::Complex;
  int swapped[helm::kTile];
  for (int k = 0; k < n; k++) {
    int r = k;
    T best = helm::SquaredSize(d[k][k]) * 4;
    for (int i = k + 1; i < n; i++) {
      const T size = helm::SquaredSize(d[i][k]);
      if (size > best) best = size, r = i;
    }
    best = helm::SquaredSize(d[r][k]);
    if (!(best > 0) || !helm::Finite(best)) *broken = 1;
    swapped[k] = r;
    const Complex<T> p = helm::MakeComplex(d[r][k].re / best, -d[r][k].im / best);
    for (int j = 0; j < n; j++) {
      const Complex<T> t = d[k][j];
      d[k][j] = d[r][j];
      d[r][j] = t;
    }
    for (int j = 0; j < n; j++)
      if (j != k) d[k][j] = helm::Times(d[k][j], p);
    for (int i = 0; i < n; i++) {
      if (i == k) continue;
      const Complex<T> c = d[i][k];
      for (int j = 0; j < n; j++)
        if (j != k) helm::TakeProduct(d[i][j], c, d[k][j]);
      d[i][k] = helm::Minus(helm::MakeComplex(T(0), T(0)), helm::Times(c, p));
    }
    d[k][k] = p;
  }
  for (int k = n - 1; k >= 0; k--)
    for (int i = 0; i < n; i++) {
      const Complex<T> t = d[i][k];
      d[i][k] = d[i][swapped[k]];
      d[i][swapped[k]] = t;
    }
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++)
      if (!(helm::Abs(d[i][j].re) <= helm::Limit<T>::value) || !(helm::Abs(d[i][j].im) <= helm::Limit<T>::value))
        *broken = 1;
}

// Rows i0..i1-1 of the pivot columns of tile k0 (w of them): U = F - L U^T, L = U Delta^-1.
template <class T>
inline void Panel(const FrontArgs<T>& a, int64_t front, int64_t system, int64_t i0, int64_t i1, int64_t k0, int64_t w) {
  using helm::Complex;
  const int64_t p = a.lists[front + helm::kFrontPivots];
  Complex<T>* const m = a.factors + system * a.factor_size + a.lists[front + helm::kFrontFactor];
  Complex<T>* const u = a.panels + system * a.panel_size + a.lists[front + helm::kFrontPanel];
  for (int64_t i = i0; i < i1; i++) {
    Complex<T> row[helm::kTile];
    for (int64_t j = 0; j < w; j++) {
      Complex<T> sum = helm::MakeComplex(T(0), T(0));
      for (int64_t k = 0; k < k0; k++) helm::AddProduct(sum, m[i * p + k], m[k * p + k0 + j]);
      row[j] = helm::Minus(a.Entry(front, system, i, k0 + j), sum);
      if (i < p)
        m[(k0 + j) * p + i] = row[j];
      else
        u[(i - p) * p + k0 + j] = row[j];
    }
    for (int64_t j = 0; j < w; j++) {
      Complex<T> l = helm::MakeComplex(T(0), T(0));
      for (int64_t k = 0; k < w; k++) helm::AddProduct(l, row[k], m[(k0 + k) * p + k0 + j]);
      m[i * p + k0 + j] = l;
    }
  }
}

// FrontArgs. Items: record of a front. Unit: an item of a system, items innermost.
template <class T>
int helm_pivots(const uint64_t* args, int64_t lo, int64_t hi) {
  using helm::Complex;
  const FrontArgs<T> a(args);
  for (int64_t unit = lo; unit < hi; unit++) {
    const int64_t system = unit / a.item_count, front = a.lists[a.items + unit % a.item_count];
    const int64_t p = a.lists[front + helm::kFrontPivots];
    Complex<T>* const m = a.factors + system * a.factor_size + a.lists[front + helm::kFrontFactor];
    int32_t broken = 0;
    for (int64_t k0 = 0; k0 < p; k0 += helm::kTile) {
      const int64_t w = p - k0 < helm::kTile ? p - k0 : helm::kTile;
      Complex<T> d[helm::kTile][helm::kTile];
      for (int64_t i = 0; i < w; i++)
        for (int64_t j = 0; j <= i; j++) {
          Complex<T> sum = helm::MakeComplex(T(0), T(0));
          for (int64_t k = 0; k < k0; k++) helm::AddProduct(sum, m[(k0 + i) * p + k], m[k * p + k0 + j]);
          d[i][j] = d[j][i] = helm::Minus(a.Entry(front, system, k0 + i, k0 + j), sum);
        }
      InvertTile(d, static_cast<int>(w), &broken);
      for (int64_t i = 0; i < w; i++)
        for (int64_t j = 0; j < w; j++) m[(k0 + i) * p + k0 + j] = d[i][j];
      Panel(a, front, system, k0 + w, p, k0, w);
    }
    a.flags[system * a.units + a.lists[front + helm::kFrontUnit]] = broken;
  }
  return waveprior::kOk;
}

// FrontArgs. Items: record of a front, first local row of a block of its boundary.
template <class T>
int helm_panels(const uint64_t* args, int64_t lo, int64_t hi) {
  const FrontArgs<T> a(args);
  for (int64_t unit = lo; unit < hi; unit++) {
    const int64_t system = unit / a.item_count, item = a.items + unit % a.item_count * 2;
    const int64_t front = a.lists[item], i0 = a.lists[item + 1];
    const int64_t p = a.lists[front + helm::kFrontPivots], rows = p + a.lists[front + helm::kFrontBoundary];
    const int64_t i1 = i0 + helm::kBlock < rows ? i0 + helm::kBlock : rows;
    for (int64_t k0 = 0; k0 < p; k0 += helm::kTile)
      Panel(a, front, system, i0, i1, k0, p - k0 < helm::kTile ? p - k0 : helm::kTile);
  }
  return waveprior::kOk;
}

// FrontArgs. Items: record of a front, block of rows and of columns of its boundary.
template <class T>
int helm_updates(const uint64_t* args, int64_t lo, int64_t hi) {
  using helm::Complex;
  const FrontArgs<T> a(args);
  for (int64_t unit = lo; unit < hi; unit++) {
    const int64_t system = unit / a.item_count, item = a.items + unit % a.item_count * 3;
    const int64_t front = a.lists[item], i0 = a.lists[item + 1] * helm::kBlock, j0 = a.lists[item + 2] * helm::kBlock;
    const int64_t p = a.lists[front + helm::kFrontPivots], b = a.lists[front + helm::kFrontBoundary];
    const Complex<T>* const l = a.factors + system * a.factor_size + a.lists[front + helm::kFrontFactor] + p * p;
    const Complex<T>* const u = a.panels + system * a.panel_size + a.lists[front + helm::kFrontPanel];
    Complex<T>* const s = a.updates + system * a.update_size + a.lists[front + helm::kFrontUpdate];
    for (int64_t i = i0; i < b && i < i0 + helm::kBlock; i++)
      for (int64_t j = j0; j <= i && j < j0 + helm::kBlock; j++) {
        Complex<T> sum = helm::MakeComplex(T(0), T(0));
        for (int64_t k = 0; k < p; k++) helm::AddProduct(sum, l[i * p + k], u[j * p + k]);
        s[helm::Packed(i, j)] =
            helm::Minus(helm::FromChildren<T>(a.lists, front, a.updates, system * a.update_size, p + i, p + j), sum);
      }
  }
  return waveprior::kOk;
}
