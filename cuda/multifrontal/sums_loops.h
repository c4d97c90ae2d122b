// The loops of sums_cpu.cc, compiled for each instruction set. Unit: a system; sums in double in the order of nodes and data.
// Arguments: those of Of in sums.h.

template <class T>
int helm_residual(const uint64_t* args, int64_t lo, int64_t hi) {
  const auto f = waveprior::CallWith<&helm::Residual<T>::Of>(args);
  for (int64_t system = lo; system < hi; system++) {
    double sum = 0, set = 0;
    for (int64_t node = 0; node < f.grid.Nodes(); node++) sum += f(system, node);
    for (int64_t i = 0; i < f.units; i++) set += f.flags[system * f.units + i];
    f.residual.Set(2 * system, waveprior::Sqrt(sum));
    f.residual.Set(2 * system + 1, set);
  }
  return waveprior::kOk;
}

// phi, weight 2^e/tau^2, and w = conj(residual) 2^-e.
template <class T>
int helm_misfit(const uint64_t* args, int64_t lo, int64_t hi) {
  const auto f = waveprior::CallWith<&helm::Misfit<T>::Of>(args);
  const int64_t n = f.count * f.receivers;
  for (int64_t system = lo; system < hi; system++) {
    const double t = f.Tau(system);
    double sum = 0, top = 0;
    for (int64_t i = 0; i < n; i++) {
      const helm::Complex<double> r = f(system, i);
      const double re = r.re / t, im = r.im / t;
      sum += waveprior::Fma(re, re, im * im);
      top = helm::Abs(r.re) > top ? helm::Abs(r.re) : top;
      top = helm::Abs(r.im) > top ? helm::Abs(r.im) : top;
    }
    const double scale = helm::InversePowerOfTwo(top);
    for (int64_t i = 0; i < n; i++) {
      const helm::Complex<double> r = f(system, i);
      f.w.Set(system * n + i, helm::MakeComplex(static_cast<T>(r.re * scale), static_cast<T>(-(r.im * scale))));
    }
    f.phi.Set(system, 0.5 * sum);
    f.weight.Set(system, 1 / scale / t / t);
  }
  return waveprior::kOk;
}
