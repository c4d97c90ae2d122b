// The loops of materials_cpu.cc: from vp, vs and rho to what elastic.h calls materials, along directions, and back.
// All in float64, rounded to T once.

namespace elastic {

using waveprior::elastic::Shape;

// The node of the grid that row j or column i of the padded one copies.
WAVEPRIOR_INLINE int64_t Inside(int64_t at, int64_t before, int64_t n) {
  const int64_t k = at - before;
  return k < 0 ? 0 : k >= n ? n - 1 : k;
}

// Nodes of a model (3, nz, nx) by places of the padded grid.
template <class T>
class Earth {
 public:
  Earth(const Shape& s, const T* m)
      : s_(s), nz_(s.rows - s.top - s.bottom), nx_(s.cols - s.left - s.right), n_(nz_ * nx_), m_(m) {}
  int64_t Nodes() const { return n_; }
  int64_t At(int64_t j, int64_t i) const { return Inside(j, s_.top, nz_) * nx_ + Inside(i, s_.left, nx_); }
  double Vp(int64_t k) const { return double(m_[k]); }
  double Vs(int64_t k) const { return double(m_[n_ + k]); }
  double Rho(int64_t k) const { return double(m_[2 * n_ + k]); }
  double Mu(int64_t k) const { return Rho(k) * Vs(k) * Vs(k); }
  // The four nodes around sxz of (j, i).
  void Around(int64_t j, int64_t i, int64_t* k) const {
    for (int64_t c = 0; c < 4; c++) k[c] = At(j + (c >> 1), i + (c & 1));
  }
  // The mean of four moduli, 0 if one is 0.
  static double Harmonic(const double* mu) {
    double sum = 0;
    for (int c = 0; c < 4; c++) {
      if (mu[c] == 0) return 0;
      sum += 1 / mu[c];
    }
    return 4 / sum;
  }

 private:
  const Shape& s_;
  const int64_t nz_, nx_, n_;
  const T* const m_;
};

// Directions of a material by those of the node k.
template <class T>
struct Along {
  const T* d;  // (3, nodes)
  int64_t n;
  double Mu(const Earth<T>& e, int64_t k) const {
    return double(d[2 * n + k]) * e.Vs(k) * e.Vs(k) + 2 * e.Rho(k) * e.Vs(k) * double(d[n + k]);
  }
};

// The node in front of the layers above and left: of its materials `to` only those of half points towards the layer are left.
template <class T>
WAVEPRIOR_INLINE void Still(const Shape& s, int64_t j, int64_t i, T* to) {
  const bool above = s.top && j == 0, left = s.left && i == 0;
  if (above) to[0] = 0;
  if (left) to[s.Compact()] = 0;
  if (above || left) to[2 * s.Compact()] = to[3 * s.Compact()] = 0;
}

}  // namespace elastic

// out (items, 5, rows, wide): shape, out, m (models, 3, nz, nx), dm (sets, many, 3, nz, nx) or null, many, sets, beta. Unit u
// is item u: model u, or direction u % many of model u / many.
template <class T>
int elastic_materials(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  const waveprior::elastic::Shape& s = *a.Pointer<const waveprior::elastic::Shape>();
  T* const out_all = a.Pointer<T>();
  const T* const m_all = a.Pointer<const T>();
  const T* const dm_all = a.Pointer<const T>();
  const int64_t many = a.Int(), sets = a.Int();
  const double beta = a.Real<double>();
  const int64_t nodes = (s.rows - s.top - s.bottom) * (s.cols - s.left - s.right), part = s.Compact();
  for (int64_t u = lo; u < hi; u++) {
    const elastic::Earth<T> e(s, m_all + (dm_all ? u / many : u) * 3 * nodes);
    const elastic::Along<T> d = {dm_all ? dm_all + (sets == 1 ? u % many : u) * 3 * nodes : nullptr, nodes};
    T* const out = out_all + u * 5 * part;
    memset(out, 0, static_cast<size_t>(5 * part) * sizeof(T));
    for (int64_t j = 0; j < s.rows; j++) {
      const bool surface = s.free_surface && j == 0;
      for (int64_t i = 0; i < s.cols; i++) {
        T* const to = out + j * s.wide + s.lead + i;
        int64_t k[4];
        e.Around(j, i, k);
        const double vp = e.Vp(k[0]), vs = e.Vs(k[0]), rho = e.Rho(k[0]), ratio = vs * vs / (vp * vp);
        double mu[4];
        for (int c = 0; c < 4; c++) mu[c] = e.Mu(k[c]);
        const double shear = elastic::Earth<T>::Harmonic(mu);
        if (!d.d) {
          to[0] = T(2 * beta / (rho + e.Rho(k[1])));
          to[part] = T(2 * beta / (rho + e.Rho(k[2])));
          to[2 * part] = T(beta * (surface ? 4 * mu[0] * (1 - ratio) : rho * vp * vp));
          to[3 * part] = T(surface ? 0 : beta * (rho * vp * vp - 2 * mu[0]));
          to[4 * part] = T(beta * shear);
          elastic::Still(s, j, i, to);
          continue;
        }
        const double dvp = double(d.d[k[0]]), dvs = double(d.d[nodes + k[0]]), drho = double(d.d[2 * nodes + k[0]]);
        const double x = rho + e.Rho(k[1]), z = rho + e.Rho(k[2]);
        const double dmu = d.Mu(e, k[0]), dp = drho * vp * vp + 2 * rho * vp * dvp;
        to[0] = T(-2 * beta / (x * x) * (drho + double(d.d[2 * nodes + k[1]])));
        to[part] = T(-2 * beta / (z * z) * (drho + double(d.d[2 * nodes + k[2]])));
        const double dratio = 2 * vs / (vp * vp) * dvs - 2 * ratio / vp * dvp;
        to[2 * part] = T(beta * (surface ? 4 * (dmu * (1 - ratio) - mu[0] * dratio) : dp));
        to[3 * part] = T(surface ? 0 : beta * (dp - 2 * dmu));
        double dshear = 0;
        for (int c = 0; shear > 0 && c < 4; c++) dshear += shear * shear / (4 * mu[c] * mu[c]) * d.Mu(e, k[c]);
        to[4 * part] = T(beta * dshear);
        elastic::Still(s, j, i, to);
      }
    }
  }
  return waveprior::kOk;
}

// out (models, many, 3, nz, nx), float64: the gradient with respect to vp, vs and rho, from the sum over shots, in their order,
// of g (models, shots, many, 5, rows, wide): shape, out, m, g, many. What a padded node gets, the one that it copies gets.
// Unit u is direction u % many of model u / many.
//
// g has u f for vx and vz, with u = lambda b/W; P = txx vx_x + tzz vz_z, Q = txx vz_z + tzz vx_x and S = txz (vx_z + vz_x) with
// t = -K lambda/W. K has the eigenvalues lam + mu and mu, times 2 beta, for the sums and the differences of xx and zz: the
// gradients with respect to these are -(P + Q)/2 and -(P - Q)/2 over the eigenvalue, times W; and -S/mu for the shear modulus.
template <class T>
int elastic_fold(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  const waveprior::elastic::Shape& s = *a.Pointer<const waveprior::elastic::Shape>();
  double* const out_all = a.Pointer<double>();
  const T* const m_all = a.Pointer<const T>();
  const T* const g_all = a.Pointer<const T>();
  const int64_t many = a.Int();
  const int64_t nodes = (s.rows - s.top - s.bottom) * (s.cols - s.left - s.right), part = s.Compact();
  for (int64_t u = lo; u < hi; u++) {
    const elastic::Earth<T> e(s, m_all + u / many * 3 * nodes);
    double* const vp_out = out_all + u * 3 * nodes;
    double *const vs_out = vp_out + nodes, *const rho_out = vs_out + nodes;
    for (int64_t k = 0; k < 3 * nodes; k++) vp_out[k] = 0;
    for (int64_t j = 0; j < s.rows; j++) {
      const bool surface = s.free_surface && j == 0;
      const double w = surface ? 0.5 : 1;
      for (int64_t i = 0; i < s.cols; i++) {
        double g[5] = {0, 0, 0, 0, 0};
        for (int64_t shot = 0; shot < s.shots; shot++) {
          const T* const from =
              g_all + ((u / many * s.shots + shot) * many + u % many) * 5 * part + j * s.wide + s.lead + i;
          for (int c = 0; c < 5; c++) g[c] += double(from[c * part]);
        }
        int64_t k[4];
        e.Around(j, i, k);
        const double vp = e.Vp(k[0]), vs = e.Vs(k[0]), rho = e.Rho(k[0]), ratio = vs * vs / (vp * vp);
        // b = 2 beta/(rho + rho'): d b/b = -d rho/(rho + rho').
        const double x = -w * g[0] / (rho + e.Rho(k[1])), z = -g[1] / (rho + e.Rho(k[2]));
        rho_out[k[0]] += x + z;
        rho_out[k[1]] += x;
        rho_out[k[2]] += z;
        if (surface) {  // the modulus is 4 rho vs^2 (1 - ratio), of which nothing is left where vs is 0
          if (vs > 0) {
            vp_out[k[0]] -= w * g[2] * 2 * ratio / (1 - ratio) / vp;
            vs_out[k[0]] -= w * g[2] * (2 - 4 * ratio) / (1 - ratio) / vs;
            rho_out[k[0]] -= w * g[2] / rho;
          }
        } else {  // lam + mu = rho (vp^2 - vs^2), mu = rho vs^2
          const double sum = (g[2] + g[3]) / 2, difference = (g[2] - g[3]) / 2;
          vp_out[k[0]] -= sum * 2 / (1 - ratio) / vp;
          vs_out[k[0]] -= -sum * 2 * ratio / (1 - ratio) / (vs > 0 ? vs : 1) + (vs > 0 ? difference * 2 / vs : 0);
          rho_out[k[0]] -= (sum + (vs > 0 ? difference : 0)) / rho;
        }
        double mu[4];
        for (int c = 0; c < 4; c++) mu[c] = e.Mu(k[c]);
        const double shear = elastic::Earth<T>::Harmonic(mu);
        for (int c = 0; shear > 0 && c < 4; c++) {  // d shear/shear = shear/(4 mu^2) d mu
          const double each = g[4] * shear / (4 * mu[c]);
          vs_out[k[c]] -= each * 2 / e.Vs(k[c]);
          rho_out[k[c]] -= each / e.Rho(k[c]);
        }
      }
    }
  }
  return waveprior::kOk;
}
