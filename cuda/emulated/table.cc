#include "table.h"

#include <stdio.h>
#include <stdlib.h>

#include <map>

namespace waveprior::emulated {
namespace {

// A function's static: the generated files register before main, in any order. Never destroyed.
std::map<std::string, Kernel>& Table() {
  static auto& table = *new std::map<std::string, Kernel>;
  return table;
}

}  // namespace

bool AddKernel(Kernel kernel) {
  const std::string name = kernel.name, file = kernel.file;
  const auto [it, fresh] = Table().emplace(name, std::move(kernel));
  if (!fresh) {
    fprintf(stderr, "emulated CUDA: kernel %s is in %s and in %s\n", name.c_str(), it->second.file.c_str(),
            file.c_str());
    abort();
  }
  return true;
}

Kernel* FindKernel(const std::string& name) {
  const auto it = Table().find(name);
  return it == Table().end() ? nullptr : &it->second;
}

std::vector<Kernel*> AllKernels() {
  std::vector<Kernel*> all;
  for (auto& [name, kernel] : Table()) all.push_back(&kernel);
  return all;
}

}  // namespace waveprior::emulated
