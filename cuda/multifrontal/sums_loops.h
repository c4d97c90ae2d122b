// The loops of sums_cpu.cc, compiled for each instruction set. Unit: a system; sums in double in the order of nodes and data.

// residual (systems, 2), x, models, which, row, operators, flags, model_count, systems, frequencies, nz, nx, cells, count,
// source, units: per system |S x_0 - e| and the number of its flags that are set.
template <class T>
int helm_residual(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args in(args);
  double* const residual = in.Pointer<double>();
  const helm::Complex<T>* const x = in.Pointer<const helm::Complex<T>>();
  const T* const models = in.Pointer<const T>();
  const int32_t* const which = in.Pointer<const int32_t>();
  const int32_t* const row = in.Pointer<const int32_t>();
  const helm::Complex<double>* const operators = in.Pointer<const helm::Complex<double>>();
  const int32_t* const flags = in.Pointer<const int32_t>();
  const int64_t model_count = in.Int(), systems = in.Int(), frequencies = in.Int();
  const int64_t nz = in.Int(), nx = in.Int(), cells = in.Int(), count = in.Int(), source = in.Int(), units = in.Int();
  const helm::Padding grid{nz, nx, cells};
  const helm::Residual<T> f{{x, systems * grid.Nodes() * count},
                            {models, model_count * nz * nx},
                            {which, 2 * systems},
                            {row, grid.Nodes()},
                            {operators, frequencies * 4 * grid.Nodes()},
                            grid,
                            count,
                            source};
  for (int64_t system = lo; system < hi; system++) {
    double sum = 0, set = 0;
    for (int64_t node = 0; node < grid.Nodes(); node++) sum += f(system, node);
    for (int64_t i = 0; i < units; i++) set += flags[system * units + i];
    residual[2 * system] = waveprior::Sqrt(sum);
    residual[2 * system + 1] = set;
  }
  return waveprior::kOk;
}

// phi (systems), weight (systems), w (systems, count, receivers), x, observed, observation, tau, row, which, strength,
// observations, model_count, systems, frequencies, nodes, count, receivers: phi, conj(residual) 2^-e and 2^e/tau^2.
template <class T>
int helm_misfit(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args in(args);
  double* const phi = in.Pointer<double>();
  double* const weight = in.Pointer<double>();
  helm::Complex<T>* const w = in.Pointer<helm::Complex<T>>();
  const helm::Complex<T>* const x = in.Pointer<const helm::Complex<T>>();
  const helm::Complex<double>* const observed = in.Pointer<const helm::Complex<double>>();
  const int32_t* const observation = in.Pointer<const int32_t>();
  const double* const tau = in.Pointer<const double>();
  const int32_t* const row = in.Pointer<const int32_t>();
  const int32_t* const which = in.Pointer<const int32_t>();
  const double* const strength = in.Pointer<const double>();
  const int64_t observations = in.Int(), model_count = in.Int(), systems = in.Int(), frequencies = in.Int();
  const int64_t nodes = in.Int(), count = in.Int(), receivers = in.Int(), n = count * receivers;
  const helm::Misfit<T> f{{x, systems * nodes * count},
                          {observed, observations * frequencies * n},
                          {observation, model_count},
                          {row, receivers},
                          {which, 2 * systems},
                          {strength, frequencies},
                          nodes,
                          count,
                          receivers,
                          frequencies};
  for (int64_t system = lo; system < hi; system++) {
    const double t = tau[observation[which[2 * system]]];
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
      w[system * n + i] = helm::MakeComplex(static_cast<T>(r.re * scale), static_cast<T>(-(r.im * scale)));
    }
    phi[system] = 0.5 * sum;
    weight[system] = 1 / scale / t / t;
  }
  return waveprior::kOk;
}
