// The loop of noised_cpu.cc, compiled for each instruction set.

// x, eps, z, index, level, alpha, sigma, key, step, examples, levels, width, rows. Unit u is row u.
inline int diffusion_noised_f32(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args in(args);
  float* const x = in.Pointer<float>();
  float* const eps = in.Pointer<float>();
  const float* const z = in.Pointer<const float>();
  const int32_t* const index = in.Pointer<const int32_t>();
  const int32_t* const level = in.Pointer<const int32_t>();
  const double* const alpha = in.Pointer<const double>();
  const double* const sigma = in.Pointer<const double>();
  const uint64_t key = static_cast<uint64_t>(in.Int());
  const waveprior::StepNoise noise{static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32),
                                   static_cast<uint32_t>(in.Int())};
  const int64_t examples = in.Int(), levels = in.Int(), width = in.Int();
  for (int64_t row = lo; row < hi; row++) {
    const int64_t i = index[row], t = level[row];
    if (i < 0 || i >= examples || t < 0 || t >= levels) return waveprior::kBadArgument;
    const waveprior::Mixed mixed{alpha[t], sigma[t]};
    const float* const from = z + i * width;
    float* const e = eps + row * width;
    float* const to = x + row * width;
    for (int64_t j = 0; j < width; j += 2) {
      const waveprior::PhiloxPair n = noise(i, j / 2);
      e[j] = static_cast<float>(n.x0);
      to[j] = mixed(from[j], e[j]);
      if (j + 1 < width) {
        e[j + 1] = static_cast<float>(n.x1);
        to[j + 1] = mixed(from[j + 1], e[j + 1]);
      }
    }
  }
  return waveprior::kOk;
}
