// Fields: many vectors that stay in rows between solves, so that sources, receivers and products cost what they touch.
//
// Order       a product's sum over vectors: four partial sums, vector k in sum k mod 4, each in the order of k, then
//             (0 + 1) + (2 + 3); in double. It does not depend on the width of blocks.
// Test        TestFields in fields_test.go.

// Calls f(lanes of the block as a constant, rows, first vector) for each block.
template <class T, int VL, class F>
static inline void EachBlock(const helm_fields& fields, int64_t nodes, F f) {
  constexpr int least = 16 / static_cast<int>(sizeof(T));
  T* rows = static_cast<T*>(fields.rows);
  for (int64_t k = 0; k < fields.count;) {
    const int64_t left = fields.count - k;
    int lanes;
    if (VL > 2 * least && left > 2 * least) {
      lanes = VL;
      f(std::integral_constant<int, VL>(), rows, k);
    } else if (left > least) {
      lanes = 2 * least;
      f(std::integral_constant<int, 2 * least>(), rows, k);
    } else {
      lanes = least;
      f(std::integral_constant<int, least>(), rows, k);
    }
    rows += (nodes + 1) * 2 * lanes;
    k += lanes;
  }
}

template <class T, int VL>
static void Substitute(const helm_plan& plan, const helm_front* fronts, const helm_class* classes, const helm_box* boxes,
                       const int32_t* lists, const helm_memory& memory, const helm_fields& fields) {
  EachBlock<T, VL>(fields, plan.nodes, [&](auto lanes, T* rows, int64_t) {
    Solve<T, VL, decltype(lanes)::value>::Run(plan, fronts, classes, boxes, lists, static_cast<const T*>(memory.factor), rows,
                                              static_cast<T*>(memory.near), memory.active, memory.wanted, memory.bumps);
  });
}

template <class T, int VL>
static void Products(const helm_plan& plan, const int32_t* lists, const helm_fields& a, const helm_fields& b,
                     const double* scale, double* sum) {
  const int32_t* const order = lists + plan.order;
  for (int64_t i = 0; i < plan.nodes; i++) {
    double re[4] = {}, im[4] = {};
    EachBlock<T, VL>(a, plan.nodes, [&](auto lanes, const T* rows, int64_t first) {
      constexpr int W = decltype(lanes)::value;
      typedef Lanes<T, W> V;
      const T* const p = rows + static_cast<int64_t>(order[i]) * 2 * W;
      const T* const q = static_cast<const T*>(b.rows) + (p - static_cast<const T*>(a.rows));  // the same blocks
      const V ar = V::Load(p), ai = V::Load(p + W), br = V::Load(q), bi = V::Load(q + W);
      alignas(64) T xr[W], xi[W];
      Fnma(ai, bi, ar * br).Store(xr);
      Fma(ai, br, ar * bi).Store(xi);
      for (int l = 0; l < W; l++) {
        re[l % 4] = std::fma(static_cast<double>(xr[l]), scale[first + l], re[l % 4]);
        im[l % 4] = std::fma(static_cast<double>(xi[l]), scale[first + l], im[l % 4]);
      }
    });
    sum[2 * i] += (re[0] + re[1]) + (re[2] + re[3]);
    sum[2 * i + 1] += (im[0] + im[1]) + (im[2] + im[3]);
  }
}
