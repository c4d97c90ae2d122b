#include "launch_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <memory>

namespace waveprior::emulated {
namespace {

constexpr int64_t kMostArguments = 256, kMostBytes = int64_t{1} << 30;

struct Close {
  void operator()(FILE* f) const { fclose(f); }
};
using File = std::unique_ptr<FILE, Close>;

std::string System(const std::string& path) { return path + ": " + strerror(errno); }

bool ReadShape(FILE* f, LaunchFile* l) {
  char name[128];
  if (fscanf(f, "waveprior-launch 1 kernel %127s grid %u %u %u block %u %u %u shared %zu", name, &l->shape.grid.x,
             &l->shape.grid.y, &l->shape.grid.z, &l->shape.block.x, &l->shape.block.y, &l->shape.block.z,
             &l->shape.shared) != 8)
    return false;
  l->kernel = name;
  return fscanf(f, " counted %" SCNu64 " %" SCNu64 " %" SCNu64, &l->counted.read, &l->counted.written,
                &l->counted.operations) == 3;
}

bool ReadArguments(FILE* f, LaunchFile* l) {
  int64_t count = 0;
  if (fscanf(f, " arguments %" SCNd64, &count) != 1 || count < 0 || count > kMostArguments) return false;
  l->arguments.resize(static_cast<size_t>(count));
  for (auto& a : l->arguments) {
    char kind;
    if (fscanf(f, " %c %" SCNd64, &kind, &a.value) != 2) return false;
    a.pointer = kind == 'p';
    a.offset = 0;
    if (a.pointer ? fscanf(f, " %" SCNd64, &a.offset) != 1 : kind != 'i') return false;
  }
  return true;
}

bool ReadBuffers(FILE* f, LaunchFile* l) {
  int64_t count = 0, total = 0;
  if (fscanf(f, " buffers %" SCNd64, &count) != 1 || count < 0 || count > kMostArguments) return false;
  l->buffers.resize(static_cast<size_t>(count));
  for (auto& b : l->buffers) {
    int64_t bytes = 0;
    if (fscanf(f, " b %" SCNd64, &bytes) != 1 || bytes < 0 || (total += bytes) > kMostBytes) return false;
    b.before.resize(static_cast<size_t>(bytes));
    b.after.resize(static_cast<size_t>(bytes));
  }
  char end[8];
  if (fscanf(f, " %7s", end) != 1 || strcmp(end, "end") != 0 || fgetc(f) != '\n') return false;
  for (auto& b : l->buffers)
    if (fread(b.before.data(), 1, b.before.size(), f) != b.before.size() ||
        fread(b.after.data(), 1, b.after.size(), f) != b.after.size())
      return false;
  return true;
}

bool Consistent(const LaunchFile& l) {
  for (const auto& a : l.arguments) {
    if (!a.pointer || a.value == -1) continue;
    if (a.value < 0 || a.value >= static_cast<int64_t>(l.buffers.size())) return false;
    if (a.offset < 0 || a.offset > static_cast<int64_t>(l.buffers[static_cast<size_t>(a.value)].before.size()))
      return false;
  }
  return true;
}

void Print(FILE* f, const LaunchFile& l) {
  const LaunchShape& s = l.shape;
  fprintf(f, "waveprior-launch 1\nkernel %s\ngrid %u %u %u\nblock %u %u %u\nshared %zu\n", l.kernel.c_str(), s.grid.x,
          s.grid.y, s.grid.z, s.block.x, s.block.y, s.block.z, s.shared);
  fprintf(f, "counted %" PRIu64 " %" PRIu64 " %" PRIu64 "\narguments %zu\n", l.counted.read, l.counted.written,
          l.counted.operations, l.arguments.size());
  for (const auto& a : l.arguments) {
    if (a.pointer)
      fprintf(f, "p %" PRId64 " %" PRId64 "\n", a.value, a.offset);
    else
      fprintf(f, "i %" PRId64 "\n", a.value);
  }
  fprintf(f, "buffers %zu\n", l.buffers.size());
  for (const auto& b : l.buffers) fprintf(f, "b %zu\n", b.before.size());
  fprintf(f, "end\n");
  for (const auto& b : l.buffers) {
    fwrite(b.before.data(), 1, b.before.size(), f);
    fwrite(b.after.data(), 1, b.after.size(), f);
  }
}

}  // namespace

std::string Write(const LaunchFile& launch, const std::string& path) {
  const std::string part = path + "." + std::to_string(getpid());
  File f(fopen(part.c_str(), "wb"));
  if (!f) return System(part);
  Print(f.get(), launch);
  if (fflush(f.get()) != 0 || ferror(f.get())) return System(part);
  f.reset();
  return rename(part.c_str(), path.c_str()) == 0 ? "" : System(path);
}

std::string Read(const std::string& path, LaunchFile* launch) {
  File f(fopen(path.c_str(), "rb"));
  if (!f) return System(path);
  if (!ReadShape(f.get(), launch) || !ReadArguments(f.get(), launch) || !ReadBuffers(f.get(), launch) ||
      !Consistent(*launch))
    return path + ": not a launch file, or cut off, at byte " + std::to_string(ftell(f.get()));
  return "";
}

}  // namespace waveprior::emulated
