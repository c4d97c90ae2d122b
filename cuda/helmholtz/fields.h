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
static void Substitute(const helm_plan& plan, const helm_front* fronts, const helm_class* classes,
                       const helm_box* boxes, const int32_t* lists, const helm_memory& memory,
                       const helm_fields& fields) {
  EachBlock<T, VL>(fields, plan.nodes, [&](auto lanes, T* rows, int64_t) {
    Solve<T, VL, decltype(lanes)::value>::Run(plan, fronts, classes, boxes, lists, static_cast<const T*>(memory.factor),
                                              rows, static_cast<T*>(memory.near), memory.active, memory.wanted,
                                              memory.bumps);
  });
}

// Four numbers from p on as doubles; where there are two only, two zeros behind them.
static inline Lanes<double, 4> Four(const float* p, int) { return {_mm256_cvtps_pd(_mm_loadu_ps(p))}; }
static inline Lanes<double, 4> Four(const double* p, int n) {
  return n >= 4 ? Lanes<double, 4>::Load(p) : Lanes<double, 4>{_mm256_zextpd128_pd256(_mm_loadu_pd(p))};
}

template <class T, int VL>
static void Products(const helm_plan& plan, const int32_t* lists, const helm_fields& a, const helm_fields& b,
                     const double* scale, double* sum) {
  typedef Lanes<double, 4> D;
  const int32_t* const node = lists + plan.node;
  for (int64_t i = 0; i < plan.nodes; i++) {  // rows: as they lie
    D re = D::Fill(0), im = D::Fill(0);
    EachBlock<T, VL>(a, plan.nodes, [&](auto lanes, const T* rows, int64_t first) {
      constexpr int W = decltype(lanes)::value;
      typedef Lanes<T, W> V;
      const T* const p = rows + i * 2 * W;
      const T* const q = static_cast<const T*>(b.rows) + (p - static_cast<const T*>(a.rows));  // the same blocks
      const V ar = V::Load(p), ai = V::Load(p + W), br = V::Load(q), bi = V::Load(q + W);
      alignas(64) T xr[W], xi[W];
      Fnma(ai, bi, ar * br).Store(xr);
      Fma(ai, br, ar * bi).Store(xi);
      for (int l = 0; l < W; l += 4) {
        const D s = D::Load(scale + first + l);
        re = Fma(Four(xr + l, W - l), s, re);
        im = Fma(Four(xi + l, W - l), s, im);
      }
    });
    alignas(32) double r[4], m[4];
    re.Store(r);
    im.Store(m);
    double* const to = sum + 2 * static_cast<int64_t>(node[i]);
    to[0] += (r[0] + r[1]) + (r[2] + r[3]);
    to[1] += (m[0] + m[1]) + (m[2] + m[3]);
  }
}
