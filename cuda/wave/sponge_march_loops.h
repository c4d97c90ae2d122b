// The loops of sponge_march_cpu.cc. Unit: one of ../march/grid.h.

// ForwardCall of ../march/units.h, blocks, read, written, asked, operations.
template <class T>
int wave_sponge_march(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  const waveprior::march::ForwardCall<T> c = ForwardOf<T>(&a);
  const waveprior::march::Grid& g = *reinterpret_cast<const waveprior::march::Grid*>(c.grid);
  const int64_t blocks = a.Int();
  for (int64_t k = lo; k < hi; k++) {
    const waveprior::march::ForwardUnit<T> u(g, c, {g, c.shot, c.many, k}, k);
    March(
        c, blocks,
        [&](int64_t n) {
          EachNode(g, waveprior::wave::SpongeForward<T>{g, u, n});
        },
        [&](int64_t n) { RecordRow(g, u, g.At(n + 1, 0, 0), n); });
  }
  return waveprior::kOk;
}

// BackCall of ../march/units.h, blocks, read, written, asked, operations.
template <class T>
int wave_sponge_back(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  const waveprior::march::BackCall<T> c = BackOf<T>(&a);
  const waveprior::march::Grid& g = *reinterpret_cast<const waveprior::march::Grid*>(c.grid);
  for (int64_t k = lo; k < hi; k++) {
    const waveprior::march::BackUnit<T> u(g, c, {g, c.shot, c.many, k}, k);
    for (int64_t n = c.first; n < c.last; n++) EachNode(g, waveprior::wave::SpongeBack<T>{g, u, n});
  }
  return waveprior::kOk;
}

// sums (shots of all models, many), grid, state (units, back), profile, courant, models, many, first shot: the gradient with
// respect to the damping, summed in the order of nodes.
template <class T>
int wave_sponge_damping(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  double* const sums = a.Pointer<double>();
  const waveprior::march::Grid& g = *a.Pointer<const waveprior::march::Grid>();
  const T* const states = a.Pointer<const T>();
  const T* const profile = a.Pointer<const T>();
  const T* const courant = a.Pointer<const T>();
  a.Int();
  const int64_t many = a.Int(), shot = a.Int();
  for (int64_t u = lo; u < hi; u++) {
    const waveprior::march::Whose at(g, shot, many, u);
    const waveprior::View<const T> state(states + u * g.back, g.back), strip(profile, g.profile);
    const waveprior::View<const T> c(courant + at.model * g.Compact(), g.Compact());
    double sum = 0;
    EachNode(g, [&](int32_t j, int32_t i) { sum += waveprior::wave::SpongeTerm<T>(g, state, strip, c, j, i); });
    sums[at.shot * many + at.direction] = sum;
  }
  return waveprior::kOk;
}
