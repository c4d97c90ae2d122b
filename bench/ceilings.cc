// What this machine allows the acoustic propagator: one line of JSON with GFLOP/s of fused multiply-adds and GB/s of
// q = 2 p - q + c p, the traffic of a cell and step (three reads and a write of float32, 16 bytes), where each thread's arrays fit
// the second-level cache, where they are those of a shot of 512 x 512 nodes, and where they are in memory; and GB/s of
// stores past the caches.
//
//     g++ -O3 -march=native -pthread -o ceilings bench/ceilings.cc && ./ceilings THREADS
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#ifdef __AVX512F__
typedef __m512 Vector;
#define WITH(NAME) _mm512_##NAME
#else
typedef __m256 Vector;
#define WITH(NAME) _mm256_##NAME
#endif
constexpr int64_t kLanes = sizeof(Vector) / 4;

static double Seconds() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

static float* Room(int64_t numbers, float value) {
  void* p = nullptr;
  if (posix_memalign(&p, 2 << 20, numbers * 4)) abort();
  madvise(p, numbers * 4, MADV_HUGEPAGE);
  float* const x = static_cast<float*>(p);
  std::fill(x, x + numbers, value);
  return x;
}

__attribute__((noinline)) static void Sweep(const float* p, float* q, const float* c, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const Vector x = WITH(load_ps)(p + i);
    const Vector y = WITH(sub_ps)(WITH(add_ps)(x, x), WITH(load_ps)(q + i));
    WITH(store_ps)(q + i, WITH(fmadd_ps)(WITH(load_ps)(c + i), x, y));
  }
}

__attribute__((noinline)) static void Stream(float* q, int64_t n) {
  const Vector x = WITH(set1_ps)(1e-3f);
  for (int64_t i = 0; i < n; i += kLanes) WITH(stream_ps)(q + i, x);
  _mm_sfence();
}

// Sixteen chains of n multiply-adds.
__attribute__((noinline)) static float Chains(int64_t n) {
  Vector x[16];
  for (int k = 0; k < 16; k++) x[k] = WITH(set1_ps)(1e-3f * k);
  const Vector a = WITH(set1_ps)(0.999f), b = WITH(set1_ps)(1e-3f);
  for (int64_t i = 0; i < n; i++) {
#pragma GCC unroll 16
    for (int k = 0; k < 16; k++) {
      x[k] = WITH(fmadd_ps)(x[k], a, b);
      asm volatile("" : "+v"(x[k]));
    }
  }
  float sum = 0;
  for (int k = 0; k < 16; k++) sum += reinterpret_cast<const float*>(&x[k])[0];
  return sum;
}

// The best of nine rounds of work, which all threads begin together, in units of amount a second and thread, summed.
static double Rate(int threads, double amount, const std::function<std::function<void()>(int)>& make) {
  std::vector<std::function<void()>> work;
  for (int t = 0; t < threads; t++) work.push_back(make(t));
  double best = 0;
  for (int round = 0; round < 9; round++) {
    std::atomic<int> ready{0};
    std::vector<double> took(threads);
    std::vector<std::thread> all;
    for (int t = 0; t < threads; t++)
      all.emplace_back([&, t] {
        ready++;
        while (ready < threads) {
        }
        const double start = Seconds();
        work[t]();
        took[t] = Seconds() - start;
      });
    for (auto& t : all) t.join();
    double sum = 0;
    for (double s : took) sum += amount / s;
    best = std::max(best, sum);
  }
  return best;
}

static double Bandwidth(int threads, int64_t numbers, int64_t total) {
  const int64_t times = std::max<int64_t>(1, total / numbers);
  return Rate(threads, 16e-9 * numbers * times, [=](int) -> std::function<void()> {
    float *const p = Room(numbers, 1), *const q = Room(numbers, 1), *const c = Room(numbers, -1e-3f);  // a slow swing
    return [=] {
      for (int64_t k = 0; k < times; k += 2) {
        Sweep(p, q, c, numbers);
        if (k + 1 < times) Sweep(q, p, c, numbers);
      }
    };
  });
}

int main(int argc, char** argv) {
  const int threads = argc > 1 ? atoi(argv[1]) : 1;
  const int64_t steps = 4 << 20;
  const double flops = Rate(threads, 2e-9 * 16 * kLanes * steps, [=](int) -> std::function<void()> {
    return [=] {
      volatile float sink = Chains(steps);
      (void)sink;
    };
  });
  const int64_t large = 32 << 20;
  const double stores = Rate(threads, 4e-9 * large, [=](int) -> std::function<void()> {
    float* const q = Room(large, 1);
    return [=] { Stream(q, large); };
  });
  printf("{\"threads\": %d, \"gflops\": %.1f, \"l2\": %.1f, \"shot\": %.1f, \"memory\": %.1f, \"stores\": %.1f}\n", threads, flops,
         Bandwidth(threads, 48 << 10, 256 << 20), Bandwidth(threads, 556 * 560, 256 << 20), Bandwidth(threads, large, large), stores);
}
