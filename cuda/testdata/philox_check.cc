// Reads lines of six words in hexadecimal (key0 key1 element step chain draw) and prints for each the block's four words,
// the bits of its two uniforms, of its two normals, and of the normals rounded to float. core/rng.TestSameBitsAsCpp builds
// and runs it. With the argument "words" a line's last four words are taken as the block itself.
#include <inttypes.h>
#include <stdio.h>

#include "../philox.h"

int main(int argc, char** argv) {
  const bool words = argc > 1 && strcmp(argv[1], "words") == 0;
  uint32_t k0, k1, c[4];
  int n;
  while ((n = scanf("%" SCNx32 "%" SCNx32 "%" SCNx32 "%" SCNx32 "%" SCNx32 "%" SCNx32, &k0, &k1, &c[0], &c[1], &c[2],
                    &c[3])) == 6) {
    const waveprior::PhiloxBlock v =
        words ? waveprior::PhiloxBlock{{c[0], c[1], c[2], c[3]}} : waveprior::Philox(k0, k1, c[0], c[1], c[2], c[3]);
    const waveprior::PhiloxPair u = waveprior::Uniforms(v), g = waveprior::Normals(v);
    const float f[2] = {static_cast<float>(g.x0), static_cast<float>(g.x1)};
    uint32_t h[2];
    memcpy(h, f, sizeof h);
    using waveprior::philox_detail::ToBits;
    printf("%08" PRIx32 " %08" PRIx32 " %08" PRIx32 " %08" PRIx32 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64
           " %016" PRIx64 " %08" PRIx32 " %08" PRIx32 "\n",
           v.w[0], v.w[1], v.w[2], v.w[3], ToBits(u.x0), ToBits(u.x1), ToBits(g.x0), ToBits(g.x1), h[0], h[1]);
  }
  return n == EOF ? 0 : 1;
}
