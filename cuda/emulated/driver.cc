// libcuda.so.1 without a GPU: the part of CUDA's driver interface that cuda/gpu.go uses, over the emulated device. The rest of
// what gorgonia.org/cu links is refused (refused.cc).
//
// A call does its work before it returns. What goes wrong in a kernel is known to the caller at the next call, and for all
// calls until the context is gone, as on a real device. Every refusal has a text: waveprior_emulated_last_error (queries.cc),
// also printed.
#include <stdlib.h>
#include <string.h>

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "grid.h"
#include "memory.h"
#include "planted.h"
#include "record.h"
#include "result.h"

namespace waveprior::emulated {
namespace {

struct Context {
  int number;
  std::string fault;  // of a kernel: nothing works any more
};
struct Module {
  Context* context;
};
struct Function {
  Context* context;
  Kernel* kernel;
};

// One lock for all: a real device has one queue, too.
std::mutex& lock = *new std::mutex;
bool initialised = false;
int contexts_made = 0;
std::map<void*, std::unique_ptr<Context>>& contexts = *new std::map<void*, std::unique_ptr<Context>>;
std::map<void*, std::unique_ptr<Module>>& modules = *new std::map<void*, std::unique_ptr<Module>>;
std::map<void*, std::unique_ptr<Function>>& functions = *new std::map<void*, std::unique_ptr<Function>>;
// By OS thread: a context is current on the thread that made or set it.
thread_local void* current = nullptr;

// The current context, if it can work; else *result says why not.
Context* Current(const char* call, Result* result) {
  *result = kSuccess;
  if (!initialised) {
    *result = Refuse(kNotInitialized, call, "cuInit was not called");
    return nullptr;
  }
  const auto it = contexts.find(current);
  if (it == contexts.end()) {
    *result = Refuse(kInvalidContext, call, "no context is current on this OS thread, or it was destroyed");
    return nullptr;
  }
  if (!it->second->fault.empty()) {
    *result = Refuse(kIllegalAddress, call, "after a fault of " + it->second->fault);
    return nullptr;
  }
  return it->second.get();
}

// Whether n bytes from p on lie in one of the context's live buffers.
Result CheckDevice(const char* call, const Context* c, uintptr_t p, size_t n) {
  const Buffer* const b = Find(p);
  if (!b || b->owner != c->number || n > b->base + b->size - p)
    return Refuse(kInvalidValue, call, std::to_string(n) + " bytes from " + Describe(p) + " on");
  return kSuccess;
}

Result CheckHost(const char* call, const void* p, size_t n) {
  if (n == 0 || (p && !Find(reinterpret_cast<uintptr_t>(p)))) return kSuccess;
  return Refuse(kInvalidValue, call, "the host's side of a copy is " + Describe(reinterpret_cast<uintptr_t>(p)));
}

std::string Text(unsigned x, unsigned y, unsigned z) {
  return "(" + std::to_string(x) + ", " + std::to_string(y) + ", " + std::to_string(z) + ")";
}

Result CheckShape(const std::string& name, const LaunchShape& s) {
  const char* const call = "cuLaunchKernel";
  const uint64_t threads = uint64_t{s.block.x} * s.block.y * s.block.z;
  if (s.grid.x == 0 || s.grid.y == 0 || s.grid.z == 0 || s.grid.x > 0x7fffffffu || s.grid.y > 65535 || s.grid.z > 65535)
    return Refuse(kInvalidValue, call,
                  "kernel " + name + ": a grid of " + Text(s.grid.x, s.grid.y, s.grid.z) +
                      " blocks; 1 to 2147483647, 65535 and 65535 are allowed");
  if (threads == 0 || threads > 1024 || s.block.x > 1024 || s.block.y > 1024 || s.block.z > 64)
    return Refuse(kInvalidValue, call,
                  "kernel " + name + ": a block of " + Text(s.block.x, s.block.y, s.block.z) +
                      " threads; 1 to 1024, 1024 and 64, together 1024, are allowed");
  if (s.shared > size_t{48} << 10)
    return Refuse(kInvalidValue, call,
                  "kernel " + name + ": " + std::to_string(s.shared) + " bytes of shared memory; 49152 are allowed");
  return kSuccess;
}

// Pointers must point into live buffers of this context, and scalars must not: that is an argument in the wrong place.
Result CheckArguments(const Context* c, const Kernel& k, void* const* arguments) {
  for (size_t i = 0; i < k.parameters.size(); i++) {
    uint64_t bits;
    memcpy(&bits, arguments[i], sizeof bits);
    const std::string which = "kernel " + k.name + ": argument " + std::to_string(i);
    const Buffer* const b = Find(bits);
    switch (k.parameters[i]) {
      case 'p':
        if (bits != 0 && (!b || b->owner != c->number))
          return Refuse(kInvalidValue, "cuLaunchKernel", which + " is a pointer, and is given " + Describe(bits));
        break;
      case 'f':
        if (bits >> 32 != 0)
          return Refuse(kInvalidValue, "cuLaunchKernel", which + " is a float, and is given eight bytes");
        break;
      default:
        if (b) return Refuse(kInvalidValue, "cuLaunchKernel", which + " is a number, and is given " + Describe(bits));
    }
  }
  return kSuccess;
}

// After a launch: the guards of what it was given.
std::string BrokenBy(const Kernel& k, void* const* arguments) {
  for (size_t i = 0; i < k.parameters.size(); i++) {
    if (k.parameters[i] != 'p') continue;
    uintptr_t p;
    memcpy(&p, arguments[i], sizeof p);
    const Buffer* const b = p ? Find(p) : nullptr;
    if (b && !GuardsHold(*b))
      return "kernel " + k.name + ": wrote before or behind the buffer of argument " + std::to_string(i) + " (" +
             std::to_string(b->size) + " bytes)";
  }
  return "";
}

Result Copy(const char* call, bool to_device, uintptr_t device, void* host, size_t n) {
  const std::lock_guard<std::mutex> hold(lock);
  Result r;
  const Context* const c = Current(call, &r);
  if (!c || (r = CheckDevice(call, c, device, n)) || (r = CheckHost(call, host, n)) || n == 0) return r;
  if (to_device)
    memcpy(reinterpret_cast<void*>(device), host, n);
  else
    memcpy(host, reinterpret_cast<const void*>(device), n);
  return kSuccess;
}

// Fills n elements of `size` bytes.
Result Fill(const char* call, uintptr_t device, const void* value, size_t size, size_t n) {
  const std::lock_guard<std::mutex> hold(lock);
  Result r;
  const Context* const c = Current(call, &r);
  if (!c || (r = CheckDevice(call, c, device, n * size))) return r;
  for (size_t i = 0; i < n; i++) memcpy(reinterpret_cast<char*>(device) + i * size, value, size);
  return kSuccess;
}

}  // namespace
}  // namespace waveprior::emulated

using namespace waveprior::emulated;

WAVEPRIOR_DRIVER Result cuInit(unsigned flags) {
  const std::lock_guard<std::mutex> hold(lock);
  if (flags != 0) return Refuse(kInvalidValue, "cuInit", "flags must be 0");
  // As the real one: a list that begins with no GPU's number hides all of them.
  const char* const visible = getenv("CUDA_VISIBLE_DEVICES");
  if (visible && visible[0] != '0') return Refuse(kNoDevice, "cuInit", "CUDA_VISIBLE_DEVICES hides the only device, 0");
  initialised = true;
  return kSuccess;
}

WAVEPRIOR_DRIVER Result cuDriverGetVersion(int* version) {
  *version = 11080;
  return kSuccess;
}

WAVEPRIOR_DRIVER Result cuDeviceGetCount(int* count) {
  *count = 1;
  return kSuccess;
}

WAVEPRIOR_DRIVER Result cuDeviceGet(int* device, int ordinal) {
  if (ordinal != 0)
    return Refuse(kInvalidDevice, "cuDeviceGet", "device " + std::to_string(ordinal) + ": there is one, 0");
  *device = 0;
  return kSuccess;
}

WAVEPRIOR_DRIVER Result cuDeviceGetName(char* name, int size, int) {
  if (!name || size <= 0) return Refuse(kInvalidValue, "cuDeviceGetName", "no place for the name");
  strncpy(name, "emulated", static_cast<size_t>(size) - 1);
  name[size - 1] = 0;
  return kSuccess;
}

WAVEPRIOR_DRIVER Result cuDeviceTotalMem_v2(size_t* bytes, int) {
  *bytes = Capacity();
  return kSuccess;
}

WAVEPRIOR_DRIVER Result cuDeviceGetAttribute(int* value, int attribute, int) {
  static const std::map<int, int> known = {
      {1, 1024},       {2, 1024},  {3, 1024},  {4, 64},  // threads of a block, in all and in x, y, z
      {5, 0x7fffffff}, {6, 65535}, {7, 65535},           // blocks of a grid in x, y, z
      {8, 49152},      {10, 32},   {16, 132},            // shared bytes of a block, warp, multiprocessors
      {75, 9},         {76, 0},                          // compute capability
  };
  const auto it = known.find(attribute);
  if (it == known.end()) return Refuse(kNotSupported, "cuDeviceGetAttribute", "attribute " + std::to_string(attribute));
  *value = it->second;
  return kSuccess;
}

WAVEPRIOR_DRIVER Result cuCtxCreate_v2(void** context, unsigned, int device) {
  const std::lock_guard<std::mutex> hold(lock);
  if (!initialised) return Refuse(kNotInitialized, "cuCtxCreate", "cuInit was not called");
  if (device != 0 || !context)
    return Refuse(kInvalidDevice, "cuCtxCreate", "device " + std::to_string(device) + ": there is one, 0");
  auto made = std::make_unique<Context>(Context{++contexts_made, ""});
  *context = current = made.get();
  contexts[current] = std::move(made);
  return kSuccess;
}

WAVEPRIOR_DRIVER Result cuCtxSetCurrent(void* context) {
  const std::lock_guard<std::mutex> hold(lock);
  if (context && !contexts.count(context))
    return Refuse(kInvalidContext, "cuCtxSetCurrent", "no such context, or it was destroyed");
  current = context;
  return kSuccess;
}

WAVEPRIOR_DRIVER Result cuCtxGetCurrent(void** context) {
  *context = current;
  return kSuccess;
}

WAVEPRIOR_DRIVER Result cuCtxSynchronize() {
  const std::lock_guard<std::mutex> hold(lock);
  Result r;
  Context* const c = Current("cuCtxSynchronize", &r);
  if (!c) return r;
  c->fault = BrokenGuard(c->number);
  return c->fault.empty() ? kSuccess : Refuse(kIllegalAddress, "cuCtxSynchronize", c->fault);
}

WAVEPRIOR_DRIVER Result cuStreamSynchronize(void* stream) {
  if (stream) return Refuse(kInvalidHandle, "cuStreamSynchronize", "there is the default stream only");
  return cuCtxSynchronize();
}

// Frees what the context holds, as a real one does, and says what that was: it should be nothing.
WAVEPRIOR_DRIVER Result cuCtxDestroy_v2(void* context) {
  const std::lock_guard<std::mutex> hold(lock);
  const auto it = contexts.find(context);
  if (it == contexts.end())
    return Refuse(kInvalidContext, "cuCtxDestroy", "no such context, or it was destroyed before");
  const Context* const c = it->second.get();
  ReportLeaks(Leaks(c->number));
  FreeAll(c->number);
  for (auto m = modules.begin(); m != modules.end();) m = m->second->context == c ? modules.erase(m) : std::next(m);
  for (auto f = functions.begin(); f != functions.end();)
    f = f->second->context == c ? functions.erase(f) : std::next(f);
  contexts.erase(it);
  if (current == context) current = nullptr;
  return kSuccess;
}

WAVEPRIOR_DRIVER Result cuMemGetInfo_v2(size_t* free, size_t* total) {
  const std::lock_guard<std::mutex> hold(lock);
  *total = Capacity();
  *free = *total - InUse();
  return kSuccess;
}

WAVEPRIOR_DRIVER Result cuMemAlloc_v2(uintptr_t* p, size_t bytes) {
  const std::lock_guard<std::mutex> hold(lock);
  Result r;
  const Context* const c = Current("cuMemAlloc", &r);
  if (!c) return r;
  if (bytes == 0 || !p) return Refuse(kInvalidValue, "cuMemAlloc", "0 bytes");
  *p = Allocate(bytes, c->number);
  if (*p) return kSuccess;
  return Refuse(kOutOfMemory, "cuMemAlloc",
                std::to_string(bytes) + " bytes: " + std::to_string(InUse()) + " of " + std::to_string(Capacity()) +
                    " are in use");
}

WAVEPRIOR_DRIVER Result cuMemFree_v2(uintptr_t p) {
  const std::lock_guard<std::mutex> hold(lock);
  Result r;
  const Context* const c = Current("cuMemFree", &r);
  if (!c) return r;
  const Buffer* const b = Find(p);
  if (b && b->owner != c->number)
    return Refuse(kInvalidValue, "cuMemFree", Describe(p) + ", which is another context's");
  std::string why;
  if (Free(p, &why)) return kSuccess;
  return Refuse(kInvalidValue, "cuMemFree", why);
}

WAVEPRIOR_DRIVER Result cuMemcpyHtoD_v2(uintptr_t to, const void* from, size_t n) {
  return Copy("cuMemcpyHtoD", true, to, const_cast<void*>(from), n);
}

WAVEPRIOR_DRIVER Result cuMemcpyDtoH_v2(void* to, uintptr_t from, size_t n) {
  return Copy("cuMemcpyDtoH", false, from, to, n);
}

WAVEPRIOR_DRIVER Result cuMemcpyDtoD_v2(uintptr_t to, uintptr_t from, size_t n) {
  const std::lock_guard<std::mutex> hold(lock);
  Result r;
  const Context* const c = Current("cuMemcpyDtoD", &r);
  if (!c || (r = CheckDevice("cuMemcpyDtoD", c, to, n)) || (r = CheckDevice("cuMemcpyDtoD", c, from, n))) return r;
  memmove(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), n);
  return kSuccess;
}

WAVEPRIOR_DRIVER Result cuMemsetD8_v2(uintptr_t p, unsigned char x, size_t n) {
  return Fill("cuMemsetD8", p, &x, sizeof x, n);
}
WAVEPRIOR_DRIVER Result cuMemsetD32_v2(uintptr_t p, unsigned x, size_t n) {
  return Fill("cuMemsetD32", p, &x, sizeof x, n);
}
WAVEPRIOR_DRIVER Result cuMemsetD8Async(uintptr_t p, unsigned char x, size_t n, void* stream) {
  return stream ? Refuse(kInvalidHandle, "cuMemsetD8Async", "there is the default stream only")
                : cuMemsetD8_v2(p, x, n);
}

// Whatever the image says, a module holds all kernels that were compiled into this library.
WAVEPRIOR_DRIVER Result cuModuleLoadData(void** module, const void* image) {
  const std::lock_guard<std::mutex> hold(lock);
  Result r;
  Context* const c = Current("cuModuleLoadData", &r);
  if (!c) return r;
  if (!image || !module) return Refuse(kInvalidValue, "cuModuleLoadData", "no image");
  auto made = std::make_unique<Module>(Module{c});
  *module = made.get();
  modules[*module] = std::move(made);
  return kSuccess;
}

WAVEPRIOR_DRIVER Result cuModuleUnload(void* module) {
  const std::lock_guard<std::mutex> hold(lock);
  if (modules.erase(module) == 0) return Refuse(kInvalidHandle, "cuModuleUnload", "no such module");
  return kSuccess;
}

WAVEPRIOR_DRIVER Result cuModuleGetFunction(void** function, void* module, const char* name) {
  const std::lock_guard<std::mutex> hold(lock);
  Result r;
  Context* const c = Current("cuModuleGetFunction", &r);
  if (!c) return r;
  const auto it = modules.find(module);
  if (it == modules.end() || it->second->context != c)
    return Refuse(kInvalidHandle, "cuModuleGetFunction", "no such module");
  Kernel* const kernel = name ? FindKernel(name) : nullptr;
  if (!kernel)
    return Refuse(kNotFound, "cuModuleGetFunction", std::string("no .cu has a kernel ") + (name ? name : "(null)"));
  auto made = std::make_unique<Function>(Function{c, kernel});
  *function = made.get();
  functions[*function] = std::move(made);
  return kSuccess;
}

WAVEPRIOR_DRIVER Result cuLaunchKernel(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                                       unsigned bz, unsigned shared, void* stream, void** arguments, void** extra) {
  const std::lock_guard<std::mutex> hold(lock);
  Result r;
  Context* const c = Current("cuLaunchKernel", &r);
  if (!c) return r;
  const auto it = functions.find(function);
  if (it == functions.end() || it->second->context != c)
    return Refuse(kInvalidHandle, "cuLaunchKernel", "no such function");
  Kernel* const kernel = it->second->kernel;
  const LaunchShape shape{{gx, gy, gz}, {bx, by, bz}, shared};
  if ((r = CheckShape(kernel->name, shape))) return r;
  if (stream || extra)
    return Refuse(kNotSupported, "cuLaunchKernel", "kernel " + kernel->name + ": a stream, or `extra`");
  if (!arguments && !kernel->parameters.empty())
    return Refuse(kInvalidValue, "cuLaunchKernel", "kernel " + kernel->name + ": no arguments");
  if ((r = CheckArguments(c, *kernel, arguments))) return r;
  Recording recording(*kernel, shape, arguments);
  c->fault = PlantedFault(kernel->name);
  if (c->fault.empty()) c->fault = Run(kernel, shape, arguments);
  if (c->fault.empty()) c->fault = BrokenBy(*kernel, arguments);
  if (c->fault.empty()) recording.Finish(*kernel);
  if (!c->fault.empty()) Refuse(kIllegalAddress, "cuLaunchKernel", c->fault);
  return kSuccess;
}
