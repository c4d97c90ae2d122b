// Walks the tree: assembles fronts, eliminates, and takes right-hand sides in and solutions out.

// Coefficients as planes of T with a zero margin of one node, scaled by a power of two to at most 1. Returns the scale.
template <class T>
static double Convert(const helm_plan& plan, const helm_matrix& m, T* planes) {
  const double* const from[5] = {m.diagonal, m.right, m.down, m.down_right, m.down_left};
  const int64_t nz = plan.nz, nx = plan.nx;
  double largest = 0;
  for (const double* f : from)
    for (int64_t i = 0; f != nullptr && i < 2 * nz * nx; i++) {
      const double a = std::fabs(f[i]);
      largest = a > largest ? a : largest;
    }
  int exponent = 0;
  std::frexp(largest, &exponent);
  const double scale = largest > 0 ? std::ldexp(1.0, -exponent) : 1.0;
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
static void ExtendAdd(const int32_t* runs, int count, const T* s, int64_t rows, T* fp, int64_t fp_rows, int64_t pr, T* fb,
                      int64_t fb_rows) {
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
  report->scale = Convert<T>(plan, matrix, planes);
  for (int c = 0; c < plan.class_count; c++) {
    const helm_class& k = classes[c];
    for (int i = 0; i < k.box_count; i += VL) {
      const helm_box* const group = boxes + k.first_box + i;
      const int n = k.box_count - i < VL ? k.box_count - i : VL;
      int at = 0;
      const int lane = Boxes<T, VL>::Eliminate(k, group, n, lists, planes, plan.plane, work, factor, update, &at, &report->pivot);
      if (lane >= 0) {
        report->row = group[lane].first + at;
        return HELM_BREAKDOWN;
      }
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
      const int64_t child_rows = c.box ? 0 : Padded(fronts[c.index].b);
      if (c.box) {
        int k = 0;
        while (c.index >= classes[k].first_box + classes[k].box_count) k++;
        ExtendAdd<T, VL>(lists + c.runs, c.run_count, update + boxes[c.index].update, Padded(classes[k].ring), fp, rows, pr, fb, br);
      } else {
        ExtendAdd<T, VL>(lists + c.runs, c.run_count, update + fronts[c.index].update, child_rows, fp, rows, pr, fb, br);
      }
    }
    const int done = Front<T, VL>::Eliminate(f.p, f.b, fp, fb, u, factor + f.factor, update + f.update, &report->pivot);
    if (done < f.p) {
      report->row = f.first + done;
      return HELM_BREAKDOWN;
    }
  }
  return HELM_OK;
}

// Solves for `lanes` <= W right-hand sides, x: vectors of plan.nodes complex numbers of type C.
template <class T, int VL, int W, class C>
static void SolveLanes(const helm_plan& plan, const helm_front* fronts, const helm_class* classes, const helm_box* boxes,
                       const int32_t* lists, const helm_memory& memory, double scale, C* x, int lanes) {
  T* const rows = static_cast<T*>(memory.x);
  const int64_t n = plan.nodes;
  T* const near = rows + (n + 1) * 2 * W;
  const int64_t most = plan.max_local > plan.max_boundary ? plan.max_local : plan.max_boundary;
  uint8_t* const active = reinterpret_cast<uint8_t*>(near + most * 2 * W);
  memset(active, 0, static_cast<size_t>(plan.box_count + plan.front_count));
  const int32_t* const order = lists + plan.order;
  const int32_t* const owner = lists + plan.owner;
  double in[W], out[W];
  for (int k = 0; k < W; k++) {
    double largest = 0;
    for (int64_t i = 0; k < lanes && i < 2 * n; i++) {
      const double a = std::fabs(static_cast<double>(x[2 * n * k + i]));
      largest = a > largest ? a : largest;
    }
    int exponent = 0;
    std::frexp(largest, &exponent);
    in[k] = largest > 0 && largest <= std::numeric_limits<double>::max() ? std::ldexp(1.0, -exponent) : 1.0;
    out[k] = scale / in[k];
  }
  for (int64_t i = 0; i < n; i++) {
    T* const row = rows + static_cast<int64_t>(order[i]) * 2 * W;
    bool any = false;
    for (int k = 0; k < W; k++) {
      const double re = k < lanes ? static_cast<double>(x[2 * (n * k + i)]) : 0, im = k < lanes ? static_cast<double>(x[2 * (n * k + i) + 1]) : 0;
      any |= re != 0 || im != 0;
      row[k] = static_cast<T>(re * in[k]);
      row[W + k] = static_cast<T>(im * in[k]);
    }
    if (any) active[owner[i]] = 1;
  }
  memset(rows + n * 2 * W, 0, sizeof(T) * 2 * W);
  Solve<T, VL, W>::Run(plan, fronts, classes, boxes, lists, static_cast<const T*>(memory.factor), rows, near, active);
  for (int64_t i = 0; i < n; i++) {
    const T* const row = rows + static_cast<int64_t>(order[i]) * 2 * W;
    for (int k = 0; k < lanes; k++) {
      x[2 * (n * k + i)] = static_cast<C>(static_cast<double>(row[k]) * out[k]);
      x[2 * (n * k + i) + 1] = static_cast<C>(static_cast<double>(row[W + k]) * out[k]);
    }
  }
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
