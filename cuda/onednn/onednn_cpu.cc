// The rules of oneDNN, in one place (doc.go). Plain C API: nothing throws across cgo but what is caught here.
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>

#include <array>
#include <map>
#include <mutex>

#include "../args.h"
#include "../isa.h"

namespace {

// Told to every thread at creation and at execution: thread-local, and a Go thread may be new.
void OneThread() { omp_set_num_threads(1); }

// The product dst = src weights + bias: sizes, and the strides of the two factors (rows, then columns) and of dst's rows.
// beta is 1 where dst is added to. A primitive's key.
struct Shape {
  int64_t m, n, k;
  int64_t src[2], weights[2];
  int64_t dst;
  int64_t bias, beta;
  bool operator<(const Shape& o) const { return Key() < o.Key(); }
  std::array<int64_t, 10> Key() const { return {m, n, k, src[0], src[1], weights[0], weights[1], dst, bias, beta}; }
};

struct Primitive {
  dnnl_primitive_t primitive = nullptr;
  dnnl_memory_desc_t src, weights, dst, bias, scratch;
  size_t scratch_bytes = 0;
};

// Scratch memory of a thread, as large as the largest primitive that it ran needs.
class Scratch {
 public:
  ~Scratch() { free(memory_); }
  void* AtLeast(size_t bytes) {
    if (bytes > bytes_) {
      free(memory_);
      const size_t rounded = (bytes + 4095) / 4096 * 4096;
      memory_ = aligned_alloc(4096, rounded);
      bytes_ = memory_ ? rounded : 0;
    }
    return memory_;
  }

 private:
  void* memory_ = nullptr;
  size_t bytes_ = 0;
};

std::mutex mutex;
dnnl_engine_t engine;               // one for the process, never destroyed: threads may outlive static destructors
std::map<Shape, Primitive>* cache;  // its primitives are immutable and may run on any thread

dnnl_status_t Describe(dnnl_memory_desc_t* d, int64_t rows, int64_t columns, int64_t row, int64_t column) {
  const dnnl_dims_t dims = {rows, columns}, strides = {row, column};
  return dnnl_memory_desc_init_by_strides(d, 2, dims, dnnl_f32, strides);
}

dnnl_status_t Create(const Shape& s, Primitive* p) {
  dnnl_status_t status = Describe(&p->src, s.m, s.k, s.src[0], s.src[1]);
  if (status == dnnl_success) status = Describe(&p->weights, s.k, s.n, s.weights[0], s.weights[1]);
  if (status == dnnl_success) status = Describe(&p->dst, s.m, s.n, s.dst, 1);
  if (status == dnnl_success) status = Describe(&p->bias, 1, s.n, s.n, 1);
  dnnl_matmul_desc_t operation;
  if (status == dnnl_success)
    status = dnnl_matmul_desc_init(&operation, &p->src, &p->weights, s.bias ? &p->bias : nullptr, &p->dst);
  if (status != dnnl_success) return status;
  dnnl_primitive_attr_t attributes = nullptr;
  dnnl_post_ops_t after = nullptr;
  dnnl_primitive_desc_t description = nullptr;
  status = dnnl_primitive_attr_create(&attributes);
  if (status == dnnl_success) status = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
  if (status == dnnl_success && s.beta) {
    status = dnnl_post_ops_create(&after);
    if (status == dnnl_success) status = dnnl_post_ops_append_sum(after, 1.0f);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(attributes, after);
  }
  if (status == dnnl_success)
    status = dnnl_primitive_desc_create(&description, &operation, attributes, engine, nullptr);
  if (status == dnnl_success) {
    p->scratch = *dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
    p->scratch_bytes = dnnl_memory_desc_get_size(&p->scratch);
    status = dnnl_primitive_create(&p->primitive, description);
  }
  if (description) dnnl_primitive_desc_destroy(description);
  if (after) dnnl_post_ops_destroy(after);
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  return status;
}

// The primitive of a shape, from the cache or made now; null when the library refuses.
const Primitive* Find(const Shape& s) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (!cache) cache = new std::map<Shape, Primitive>;
  if (!engine && dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success) return nullptr;
  const auto at = cache->find(s);
  if (at != cache->end()) return &at->second;
  Primitive p;
  if (Create(s, &p) != dnnl_success) return nullptr;
  return &cache->emplace(s, p).first->second;
}

// Memory objects of one execution.
struct Operands {
  dnnl_exec_arg_t args[5];
  int count = 0;
  bool Add(int name, const dnnl_memory_desc_t& d, void* at) {
    dnnl_memory_t memory = nullptr;
    if (dnnl_memory_create(&memory, &d, engine, at) != dnnl_success) return false;
    args[count++] = dnnl_exec_arg_t{name, memory};
    return true;
  }
  ~Operands() {
    for (int i = 0; i < count; i++) dnnl_memory_destroy(args[i].memory);
  }
};

int Run(const Shape& s, float* dst, const float* src, const float* weights, const float* bias) {
  OneThread();
  const Primitive* const p = Find(s);
  if (!p) return waveprior::kLibraryFailed;
  thread_local Scratch scratch;
  void* const room = scratch.AtLeast(p->scratch_bytes);
  if (!room && p->scratch_bytes) return waveprior::kOutOfMemory;
  Operands o;
  bool ok = o.Add(DNNL_ARG_SRC, p->src, const_cast<float*>(src)) &&
            o.Add(DNNL_ARG_WEIGHTS, p->weights, const_cast<float*>(weights)) && o.Add(DNNL_ARG_DST, p->dst, dst) &&
            o.Add(DNNL_ARG_SCRATCHPAD, p->scratch, room);
  if (ok && bias) ok = o.Add(DNNL_ARG_BIAS, p->bias, const_cast<float*>(bias));
  dnnl_stream_t stream = nullptr;
  ok = ok && dnnl_stream_create(&stream, engine, dnnl_stream_default_flags) == dnnl_success &&
       dnnl_primitive_execute(p->primitive, stream, o.count, o.args) == dnnl_success &&
       dnnl_stream_wait(stream) == dnnl_success;
  if (stream) dnnl_stream_destroy(stream);
  return ok ? waveprior::kOk : waveprior::kLibraryFailed;
}

int64_t Least(int64_t a, int64_t b) { return a < b ? a : b; }

}  // namespace

// y = x w + b: y, x, w, b, rows, in, out, tile, panel. Unit u is panel u/tiles of the columns, tile u%tiles of the rows.
extern "C" int onednn_linear_cpu(const uint64_t* args, int64_t lo, int64_t hi) try {
  const waveprior::FlushDenormals flush;
  waveprior::Args a(args);
  float* const y = a.Pointer<float>();
  const float* const x = a.Pointer<const float>();
  const float* const w = a.Pointer<const float>();
  const float* const b = a.Pointer<const float>();
  const int64_t rows = a.Int(), in = a.Int(), out = a.Int(), tile = a.Int(), panel = a.Int(), tiles = rows / tile;
  for (int64_t u = lo; u < hi; u++) {
    const int64_t j = u / tiles * panel, i = u % tiles * tile;
    const Shape s{tile, Least(panel, out - j), in, {in, 1}, {out, 1}, out, b != nullptr, 0};
    if (const int code = Run(s, y + i * out + j, x + i * in, w + j, b ? b + j : nullptr)) return code;
  }
  return waveprior::kOk;
} catch (...) {
  return waveprior::kOutOfMemory;
}

// dx (+)= dy w^T: dx, dy, w, rows, in, out, tile, panel, accumulate. Units as above, over the columns of dx.
extern "C" int onednn_linear_backward_input_cpu(const uint64_t* args, int64_t lo, int64_t hi) try {
  const waveprior::FlushDenormals flush;
  waveprior::Args a(args);
  float* const dx = a.Pointer<float>();
  const float* const dy = a.Pointer<const float>();
  const float* const w = a.Pointer<const float>();
  const int64_t rows = a.Int(), in = a.Int(), out = a.Int(), tile = a.Int(), panel = a.Int(), tiles = rows / tile;
  const int64_t accumulate = a.Int();
  for (int64_t u = lo; u < hi; u++) {
    const int64_t j = u / tiles * panel, i = u % tiles * tile;
    const Shape s{tile, Least(panel, in - j), out, {out, 1}, {1, out}, in, 0, accumulate};
    if (const int code = Run(s, dx + i * in + j, dy + i * out, w + j * out, nullptr)) return code;
  }
  return waveprior::kOk;
} catch (...) {
  return waveprior::kOutOfMemory;
}

// dw (+)= x^T dy: dw, x, dy, rows, in, out, panel, accumulate. Unit u is panel u of the rows of dw.
extern "C" int onednn_linear_backward_weight_cpu(const uint64_t* args, int64_t lo, int64_t hi) try {
  const waveprior::FlushDenormals flush;
  waveprior::Args a(args);
  float* const dw = a.Pointer<float>();
  const float* const x = a.Pointer<const float>();
  const float* const dy = a.Pointer<const float>();
  const int64_t rows = a.Int(), in = a.Int(), out = a.Int(), panel = a.Int();
  const int64_t accumulate = a.Int();
  for (int64_t u = lo; u < hi; u++) {
    const int64_t i = u * panel;
    const Shape s{Least(panel, in - i), out, rows, {1, in}, {out, 1}, out, 0, accumulate};
    if (const int code = Run(s, dw + i * out, x + i, dy, nullptr)) return code;
  }
  return waveprior::kOk;
} catch (...) {
  return waveprior::kOutOfMemory;
}

// How many primitives are kept, and the largest scratch memory that one of them needs.
extern "C" int64_t onednn_cached(void) {
  const std::lock_guard<std::mutex> lock(mutex);
  return cache ? static_cast<int64_t>(cache->size()) : 0;
}

extern "C" int64_t onednn_scratch_bytes(void) {
  const std::lock_guard<std::mutex> lock(mutex);
  size_t most = 0;
  if (cache)
    for (const auto& entry : *cache) most = entry.second.scratch_bytes > most ? entry.second.scratch_bytes : most;
  return static_cast<int64_t>(most);
}

// The number of threads that OpenMP would use on the calling thread.
extern "C" int onednn_threads(void) { return omp_get_max_threads(); }
