// Walks the tree: assembles fronts, eliminates, and takes right-hand sides in and solutions out.

// Coefficients as planes of T with a zero margin of one node, scaled by a power of two such that the diagonal's mean size is
// about 1. Returns the scale.
template <class T>
__attribute__((noinline)) static double Convert(const helm_plan& plan, const helm_matrix& m, T* planes) {
  const double* const from[5] = {m.diagonal, m.right, m.down, m.down_right, m.down_left};
  const int64_t nz = plan.nz, nx = plan.nx;
  double mean = 0, largest = 0;
  for (const double* f : from)
    for (int64_t i = 0; f != nullptr && i < 2 * nz * nx; i++) {
      const double a = std::fabs(f[i]);
      largest = a > largest ? a : largest;
    }
  if (!(largest > 0)) largest = 1;
  for (int64_t i = 0; i < 2 * nz * nx; i++) mean += std::fabs(m.diagonal[i]) / largest;
  mean = mean > 0 ? mean / static_cast<double>(nz * nx) : 1;
  int exponent = 0, more = 0;
  std::frexp(mean, &exponent);
  std::frexp(largest, &more);
  const double scale = std::ldexp(1.0, -(exponent + more));
  memset(planes, 0, sizeof(T) * 2 * (plan.nine ? 5 : 3) * plan.plane);
  for (int c = 0; c < (plan.nine ? 5 : 3); c++) {
    if (from[c] == nullptr) continue;
    const int64_t z1 = c >= 2 ? nz - 1 : nz;  // couplings that would leave the grid stay zero
    const int64_t x0 = c == 4 ? 1 : 0, x1 = c == 1 || c == 3 ? nx - 1 : nx;
    for (int64_t z = 0; z < z1; z++) {
      const double* s = from[c] + 2 * z * nx;
      T* re = planes + 2 * c * plan.plane + (z + 1) * (nx + 2) + 1;
      T* im = re + plan.plane;
      for (int64_t x = x0; x < x1; x++) {
        re[x] = static_cast<T>(s[2 * x] * scale);
        im[x] = static_cast<T>(s[2 * x + 1] * scale);
      }
    }
  }
  return scale;
}

// Adds a child's update matrix (columns of `rows` real, `rows` imaginary parts) to its parent's columns.
template <class T, int VL>
static void ExtendAdd(const int32_t* runs, int count, const T* s, int64_t rows, T* fp, int64_t fp_rows, int64_t pr,
                      T* fb, int64_t fb_rows) {
  for (int q = 0; q < count; q++) {
    const int32_t* const run = runs + 3 * q;
    for (int32_t c = 0; c < run[2]; c++) {
      const T* const from = s + 2 * rows * (run[0] + c);
      const int64_t column = run[1] + c;
      const bool pivot = column < pr;
      T* const to = pivot ? fp + 2 * fp_rows * column : fb + 2 * fb_rows * (column - pr) - pr;
      const int64_t imag = pivot ? fp_rows : fb_rows;
      AddRun<T, VL>(to + column, from + run[0] + c, run[2] - c);
      AddRun<T, VL>(to + imag + column, from + rows + run[0] + c, run[2] - c);
      for (int r = q + 1; r < count; r++) {
        const int32_t* const other = runs + 3 * r;
        AddRun<T, VL>(to + other[1], from + other[0], other[2]);
        AddRun<T, VL>(to + imag + other[1], from + rows + other[0], other[2]);
      }
    }
  }
}

template <class T, int VL>
static int Factorise(const helm_plan& plan, const helm_front* fronts, const helm_class* classes, const helm_box* boxes,
                     const int32_t* lists, const helm_matrix& matrix, const helm_memory& memory, helm_report* report) {
  T* const factor = static_cast<T*>(memory.factor);
  T* const update = static_cast<T*>(memory.update);
  T* const planes = static_cast<T*>(memory.work);
  T* const work = planes + 10 * plan.plane;
  report->bump_count = 0;
  report->scale = Convert<T>(plan, matrix, planes);
  for (int c = 0; c < plan.class_count; c++) {
    const helm_class& k = classes[c];
    for (int i = 0; i < k.box_count; i += VL) {
      const helm_box* const group = boxes + k.first_box + i;
      const int n = k.box_count - i < VL ? k.box_count - i : VL;
      const int code = Boxes<T, VL>::Eliminate(k, group, n, lists, planes, plan.plane, work, factor, update, report);
      if (code != HELM_OK) return report->bump_count > HELM_MOST_BUMPS ? HELM_CROWDED : code;
    }
  }
  for (int i = 0; i < plan.front_count; i++) {
    const helm_front& f = fronts[i];
    const int64_t pr = Padded(f.p), br = Padded(f.b), rows = pr + br;
    T* const fp = work;
    T* const fb = fp + 2 * rows * pr;
    T* const u = fb + 2 * br * br;
    memset(fp, 0, sizeof(T) * 2 * rows * f.p);
    memset(fb, 0, sizeof(T) * 2 * br * f.b);
    const int32_t* a = lists + f.assembly;
    for (int32_t j = 0; j < f.assembly_count; j++, a += 2) {
      T* const to = fp + a[1];
      to[0] += planes[a[0]];
      to[rows] += planes[a[0] + plan.plane];
    }
    for (const helm_child& c : f.child) {
      if (c.box) {
        const helm_box& box = boxes[c.index];
        ExtendAdd<T, VL>(lists + c.runs, c.run_count, update + box.update, Padded(classes[box.shape].ring), fp, rows,
                         pr, fb, br);
      } else {
        const helm_front& g = fronts[c.index];
        ExtendAdd<T, VL>(lists + c.runs, c.run_count, update + g.update, Padded(g.b), fp, rows, pr, fb, br);
      }
    }
    const int done =
        Front<T, VL>::Eliminate(f.p, f.b, fp, fb, u, factor + f.factor, update + f.update, f.first, report);
    if (done < f.p) {
      report->row = f.first + done;
      return report->bump_count > HELM_MOST_BUMPS ? HELM_CROWDED : HELM_BREAKDOWN;
    }
  }
  if (report->bump_count > HELM_MOST_BUMPS) return HELM_CROWDED;
  for (int i = 1; i < report->bump_count; i++)  // sorted: the order in which they were found depends on VL
    for (int j = i; j > 0 && report->bump[j] < report->bump[j - 1]; j--) {
      const int32_t t = report->bump[j];
      report->bump[j] = report->bump[j - 1];
      report->bump[j - 1] = t;
    }
  return HELM_OK;
}

// Solves for `lanes` <= W right-hand sides, x: vectors of plan.nodes complex numbers of type C.
template <class T, int VL, int W, class C>
static void SolveLanes(const helm_plan& plan, const helm_front* fronts, const helm_class* classes,
                       const helm_box* boxes, const int32_t* lists, const helm_memory& memory, double scale, C* x,
                       int lanes) {
  T* const rows = static_cast<T*>(memory.x);
  const int64_t n = plan.nodes;
  memset(memory.active, 0, static_cast<size_t>(plan.box_count + plan.front_count));
  memset(memory.wanted, 1, static_cast<size_t>(plan.box_count + plan.front_count));
  const int32_t* const order = lists + plan.order;
  const int32_t* const owner = lists + plan.owner;
  double in[W], out[W];
  for (int k = 0; k < W; k++) {
    in[k] = k < lanes ? UnitScale<C, HELM_BYTES / sizeof(C)>(x + 2 * n * k, 2 * n) : 1;
    out[k] = scale / in[k];
  }
  Panel<T, W>::In(x, n, lanes, in, order, owner, rows, memory.active);
  memset(rows + n * 2 * W, 0, sizeof(T) * 2 * W);
  Solve<T, VL, W>::Run(plan, fronts, classes, boxes, lists, static_cast<const T*>(memory.factor), rows,
                       static_cast<T*>(memory.near), memory.active, memory.wanted, memory.bumps);
  Panel<T, W>::Out(rows, n, lanes, out, order, x);
}

// Solves for all right-hand sides, VL at a time, the rest with the fewest lanes that hold them.
template <class T, int VL, class C>
static void SolveAll(const helm_plan& plan, const helm_front* fronts, const helm_class* classes, const helm_box* boxes,
                     const int32_t* lists, const helm_memory& memory, double scale, C* x, int64_t count) {
  constexpr int least = 16 / static_cast<int>(sizeof(T));
  while (count > 0) {
    const int lanes = static_cast<int>(count < VL ? count : VL);
    if constexpr (VL > 2 * least) {
      if (lanes > 2 * least) {
        SolveLanes<T, VL, VL>(plan, fronts, classes, boxes, lists, memory, scale, x, lanes);
      } else if (lanes > least) {
        SolveLanes<T, VL, 2 * least>(plan, fronts, classes, boxes, lists, memory, scale, x, lanes);
      } else {
        SolveLanes<T, VL, least>(plan, fronts, classes, boxes, lists, memory, scale, x, lanes);
      }
    } else {
      if (lanes > least) {
        SolveLanes<T, VL, 2 * least>(plan, fronts, classes, boxes, lists, memory, scale, x, lanes);
      } else {
        SolveLanes<T, VL, least>(plan, fronts, classes, boxes, lists, memory, scale, x, lanes);
      }
    }
    x += 2 * lanes * static_cast<int64_t>(plan.nodes);
    count -= lanes;
  }
}
