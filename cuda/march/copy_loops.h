// The loops of copy_cpu.cc. Unit: `block` numbers.

template <class T>
int march_copy(const uint64_t* args, int64_t lo, int64_t hi) {
  const auto f = waveprior::CallWith<&waveprior::march::PointCopy<T>::Of>(args);
  const int64_t n = waveprior::ArgumentAs<int64_t>(args[2]), block = waveprior::ArgumentAs<int64_t>(args[3]);
  for (int64_t i = lo * block; i < hi * block && i < n; i++) f(i);
  return waveprior::kOk;
}
