// Leaf boxes: VL boxes of one shape at a time, a box per vector lane, by the program of their class.
//
// Equation    L Delta L^T of the box's nodes with pivots of one node, in the order of the class's program, and the update
//             matrix -L21 Delta L21^T of its ring.
// Layout      work: slots of VL real, VL imaginary parts. Factor of a box: its pivots' reciprocals and its entries of L, all
//             real parts, then all imaginary ones. Update: ring columns of 16 ceil(ring/16) real, then imaginary parts; both
//             triangles (a parent's order of the ring is not the box's).
// Stability   pivots of one node; one that is nearly zero is bumped: see helm_report.
// Order       each lane does the same operations in the same order: a box's bits do not depend on its neighbours or on VL.
// Test        TestSolve, TestSameBits in factor_test.go.

template <class T, int VL>
struct Boxes {
  typedef Lanes<T, VL> V;

  // Eliminates `count` <= VL boxes.
  __attribute__((noinline)) static int Eliminate(const helm_class& c, const helm_box* boxes, int count,
                                                 const int32_t* lists, const T* planes, int64_t plane, T* work,
                                                 T* factor, T* update, helm_report* report) {
    const int np = c.pivots, nb = c.ring;
    const int32_t* const start = lists + c.column_start;
    const int32_t* target = lists + c.targets;
    const int slots = np + c.entries + nb * (nb + 1) / 2;
    for (int64_t i = 0; i < static_cast<int64_t>(slots) * 2 * VL; i += VL) V::Fill(0).Store(work + i);

    const T* base[VL];
    for (int l = 0; l < VL; l++) base[l] = planes + boxes[l < count ? l : count - 1].base;
    const int32_t* g = lists + c.gather;
    for (int i = 0; i < c.gather_count; i++, g += 2) {
      T* const to = work + static_cast<int64_t>(g[1]) * 2 * VL;
      for (int l = 0; l < VL; l++) {
        to[l] = base[l][g[0]];
        to[VL + l] = base[l][g[0] + plane];
      }
    }

    const V limit = V::Fill(1 / (Limit<T>() * Limit<T>())), huge = V::Fill(std::numeric_limits<T>::max());
    for (int k = 0; k < np; k++) {
      T* const dk = work + static_cast<int64_t>(k) * 2 * VL;
      V dr = V::Load(dk), di = V::Load(dk + VL);
      V size = Fma(dr, dr, di * di);
      if (Below(size, limit) | Below(huge, size)) {
        T m[VL];
        size.Store(m);
        for (int l = 0; l < VL; l++) {
          const bool finite = m[l] <= std::numeric_limits<T>::max();
          if (finite && !(m[l] < 1 / (Limit<T>() * Limit<T>()))) continue;
          if (!finite || (l < count && !Bump(report, boxes[l].first + k))) {
            report->row = boxes[l < count ? l : count - 1].first + k;
            report->pivot = std::sqrt(static_cast<double>(m[l]));
            return HELM_BREAKDOWN;
          }
          dk[l] += 1;
        }
        dr = V::Load(dk);
        size = Fma(dr, dr, di * di);
      }
      const V inverse = V::Fill(1) / size;
      const V pr = dr * inverse, pi = V::Fill(0) - di * inverse;
      pr.Store(dk);
      pi.Store(dk + VL);
      const int e0 = start[k], e1 = start[k + 1];
      T* const l = work + static_cast<int64_t>(np) * 2 * VL;
      for (int a = e0; a < e1; a++) {
        T* const la = l + static_cast<int64_t>(a) * 2 * VL;
        const V ur = V::Load(la), ui = V::Load(la + VL);
        // Entry a becomes L; entries after it still are U = L Delta. S is symmetric: L_b U_a = L_a U_b.
        const V lr = Fnma(ui, pi, ur * pr), li = Fma(ui, pr, ur * pi);
        lr.Store(la);
        li.Store(la + VL);
        {
          T* const to = work + static_cast<int64_t>(*target++) * 2 * VL;
          Fma(li, ui, Fnma(lr, ur, V::Load(to))).Store(to);
          Fnma(li, ur, Fnma(lr, ui, V::Load(to + VL))).Store(to + VL);
        }
        for (int b = a + 1; b < e1; b++) {
          const T* const ub = l + static_cast<int64_t>(b) * 2 * VL;
          T* const to = work + static_cast<int64_t>(*target++) * 2 * VL;
          const V br = V::Load(ub), bi = V::Load(ub + VL);
          Fma(li, bi, Fnma(lr, br, V::Load(to))).Store(to);
          Fnma(li, br, Fnma(lr, bi, V::Load(to + VL))).Store(to + VL);
        }
      }
    }
    Keep(c, boxes, count, work, factor, update);
    return HELM_OK;
  }

  // Sorts factor and update matrix by box.
  __attribute__((noinline)) static void Keep(const helm_class& c, const helm_box* boxes, int count, const T* work,
                                             T* factor, T* update) {
    const int kept = c.pivots + c.entries, half = static_cast<int>(Padded(kept));
    V v[VL];
    for (int part = 0; part < 2; part++)
      for (int i = 0; i < kept; i += VL) {
        for (int q = 0; q < VL; q++)
          v[q] = i + q < kept ? V::Load(work + static_cast<int64_t>(i + q) * 2 * VL + part * VL) : V::Fill(0);
        Transpose<T, VL>(v);
        for (int l = 0; l < count; l++) v[l].Store(factor + boxes[l].factor + part * half + i);
      }
    const int nb = c.ring, br = static_cast<int>(Padded(nb));
    const T* const s = work + static_cast<int64_t>(kept) * 2 * VL;
    for (int j = 0; j < nb; j++)
      for (int part = 0; part < 2; part++)
        for (int i = 0; i < nb; i += VL) {
          for (int q = 0; q < VL; q++) {
            const int r = i + q;
            const int hi = r > j ? r : j, lo = r > j ? j : r;  // slot of (hi, lo), lower triangle by columns
            const int64_t slot = static_cast<int64_t>(lo) * nb - static_cast<int64_t>(lo) * (lo - 1) / 2 + hi - lo;
            v[q] = r < nb ? V::Load(s + slot * 2 * VL + part * VL) : V::Fill(0);
          }
          Transpose<T, VL>(v);
          for (int l = 0; l < count; l++)
            v[l].Store(update + boxes[l].update + (2 * j + part) * static_cast<int64_t>(br) + i);
        }
  }
};
