#include "record.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <map>
#include <set>

#include "launch_file.h"
#include "memory.h"

namespace waveprior::emulated {
namespace {

constexpr int kMostOfSize = 6;                        // launches of a kernel with about as many threads
constexpr size_t kMostBytes = size_t{4} << 20;        // in all buffers of a launch
constexpr uint64_t kMostThreads = uint64_t{1} << 16;  // in its grid

const char* Folder() {
  static const char* const folder = getenv("WAVEPRIOR_EMULATED_RECORD");
  return folder && *folder ? folder : nullptr;
}

// The files of a kernel that the folder had when its first launch was seen here, and those written since. Other processes
// may write as well: then there are a few more.
std::set<std::string>& Files(const std::string& kernel) {
  static auto& all = *new std::map<std::string, std::set<std::string>>;
  const auto [it, fresh] = all.try_emplace(kernel);
  if (!fresh) return it->second;
  if (DIR* const d = opendir(Folder())) {
    while (const dirent* const e = readdir(d)) {
      const std::string name = e->d_name;
      if (name.size() == kernel.size() + 25 && name.compare(0, kernel.size() + 1, kernel + "-") == 0)
        it->second.insert(name);
    }
    closedir(d);
  }
  return it->second;
}

uint64_t Volume(const dim3& d) { return uint64_t{d.x} * d.y * d.z; }

// A letter for the number of threads, within four times: launches of all sizes are wanted.
char Size(const LaunchShape& s) {
  char letter = 'a';
  for (uint64_t n = Volume(s.grid) * Volume(s.block); n >= 4; n /= 4) letter++;
  return letter;
}

// FNV-1a, 64 bits, of what tells launches apart: the shape, all scalars, which pointers are null.
std::string Signature(const LaunchFile& l) {
  uint64_t h = 0xcbf29ce484222325u;
  const auto add = [&h](uint64_t x) {
    for (int i = 0; i < 8; i++) h = (h ^ (x >> 8 * i & 0xff)) * 0x100000001b3u;
  };
  for (const dim3& d : {l.shape.grid, l.shape.block}) add(d.x), add(d.y), add(d.z);
  add(l.shape.shared);
  for (const auto& a : l.arguments)
    add(a.pointer ? static_cast<uint64_t>(a.value < 0) : static_cast<uint64_t>(a.value));
  char text[17];
  snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(h));
  return text;
}

int64_t Bits(char letter, const void* from) {
  int64_t bits = 0;
  memcpy(&bits, from, letter == 'f' ? 4 : 8);
  return bits;
}

}  // namespace

Recording::Recording(const Kernel& kernel, const LaunchShape& shape, void* const* arguments) {
  const bool of_tests = kernel.file.find("/internal/") != std::string::npos;  // some of those have planted faults
  if (!Folder() || of_tests || Volume(shape.grid) * Volume(shape.block) > kMostThreads) return;
  auto launch = std::make_unique<LaunchFile>();
  launch->kernel = kernel.name;
  launch->shape = shape;
  size_t bytes = 0;
  for (size_t i = 0; i < kernel.parameters.size(); i++) {
    const int64_t bits = Bits(kernel.parameters[i], arguments[i]);
    if (kernel.parameters[i] != 'p') {
      launch->arguments.push_back({false, bits, 0});
      continue;
    }
    const Buffer* const b = Find(static_cast<uintptr_t>(bits));
    if (bits != 0 && !b) return;  // the launch will be refused
    if (!b) {
      launch->arguments.push_back({true, -1, 0});
      continue;
    }
    const auto known = std::find(bases_.begin(), bases_.end(), b->base);
    launch->arguments.push_back({true, known - bases_.begin(), bits - static_cast<int64_t>(b->base)});
    if (known != bases_.end()) continue;
    if ((bytes += b->size) > kMostBytes) return;
    bases_.push_back(b->base);
    launch->buffers.push_back({std::string(b->size, '\0'), ""});
  }
  const std::string begin = kernel.name + "-" + Size(shape), file = begin + Signature(*launch) + ".launch";
  std::set<std::string>& files = Files(kernel.name);
  const auto alike = [&begin](const std::string& f) { return f.compare(0, begin.size(), begin) == 0; };
  if (std::count_if(files.begin(), files.end(), alike) >= kMostOfSize || !files.insert(file).second) return;
  for (size_t i = 0; i < bases_.size(); i++)
    memcpy(launch->buffers[i].before.data(), reinterpret_cast<const void*>(bases_[i]),
           launch->buffers[i].before.size());
  path_ = std::string(Folder()) + "/" + file;
  before_ = kernel.counted;
  launch_ = std::move(launch);
}

Recording::~Recording() = default;

void Recording::Finish(const Kernel& kernel) {
  if (!launch_) return;
  launch_->counted.read = kernel.counted.read - before_.read;
  launch_->counted.written = kernel.counted.written - before_.written;
  launch_->counted.operations = kernel.counted.operations - before_.operations;
  for (size_t i = 0; i < bases_.size(); i++)
    launch_->buffers[i].after.assign(reinterpret_cast<const char*>(bases_[i]), launch_->buffers[i].before.size());
  const std::string wrong = Write(*launch_, path_);
  if (!wrong.empty()) {
    fprintf(stderr, "emulated CUDA: cannot record a launch: %s\n", wrong.c_str());
    abort();
  }
  launch_.reset();
}

}  // namespace waveprior::emulated
