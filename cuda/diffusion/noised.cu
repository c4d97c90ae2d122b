// The CUDA twin of noised_cpu.cc: the same bits. A thread makes pairs of neighbouring coordinates, so a warp writes
// neighbouring memory; threads in y take rows. A row whose index or level is none of its table's becomes NaN.
#include "../kernel.h"
#include "noised.h"

namespace waveprior::diffusion {

// The operations of a pair of normals, none of which counts itself (../philox.cu).
constexpr int kPairRest = 62;

}  // namespace waveprior::diffusion

extern "C" __global__ void diffusion_noised_f32(float* x_to, float* eps_to, const float* z_of, const int32_t* index_of,
                                                const int32_t* level_of, const double* alpha_of, const double* sigma_of,
                                                int64_t key, int64_t step, int64_t examples, int64_t levels,
                                                int64_t width, int64_t rows) {
  using namespace waveprior;
  const View<float> x(x_to, rows * width), eps(eps_to, rows * width);
  const View<const float> z(z_of, examples * width);
  const View<const int32_t> index(index_of, rows), level(level_of, rows);
  const View<const double> alpha(alpha_of, levels), sigma(sigma_of, levels);
  const StepNoise noise{static_cast<uint32_t>(key), static_cast<uint32_t>(static_cast<uint64_t>(key) >> 32),
                        static_cast<uint32_t>(step)};
  const int64_t pairs = (width + 1) / 2, down = static_cast<int64_t>(gridDim.y) * blockDim.y;
  for (int64_t row = static_cast<int64_t>(blockIdx.y) * blockDim.y + threadIdx.y; row < rows; row += down) {
    const int64_t i = index[row], t = level[row];
    const bool known = i >= 0 && i < examples && t >= 0 && t < levels;
    Mixed mixed{0, 0};
    if (known) mixed = Mixed{alpha[t], sigma[t]};
    for (int64_t pair = GlobalIndex(); pair < pairs; pair += GlobalSize()) {
      const int64_t j = 2 * pair;
      if (!known) {
        const double zero = static_cast<double>(width - width);
        const float missing = static_cast<float>(zero / zero);
        x.Set(row * width + j, missing);
        eps.Set(row * width + j, missing);
        if (j + 1 < width) {
          x.Set(row * width + j + 1, missing);
          eps.Set(row * width + j + 1, missing);
        }
        continue;
      }
      CountOperations(diffusion::kPairRest + 2);
      const PhiloxPair n = noise(i, pair);
      const float e0 = static_cast<float>(n.x0), e1 = static_cast<float>(n.x1);
      eps.Set(row * width + j, e0);
      x.Set(row * width + j, mixed(z[i * width + j], e0));
      if (j + 1 < width) {
        eps.Set(row * width + j + 1, e1);
        x.Set(row * width + j + 1, mixed(z[i * width + j + 1], e1));
      }
    }
  }
}
