// replay FOLDER [COUNTS]: runs recorded launches again (../launch_file.h), each in three orders of a block's threads and of the
// blocks, built with AddressSanitizer and UndefinedBehaviorSanitizer and with every access traced (../trace.h).
//
// A launch passes when all three end with the bits that the record has, without a fault (index outside of a View, broken
// guards, threads that part at a barrier), without a race in global memory, and without a word of the sanitizers, which
// end the process. Every kernel of the emulated device must have a record, or the run fails: a new kernel becomes a case
// by its Go test. COUNTS is written: what each launch accessed, for cuda/roofline.md's table (internal/roofline).
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "../launch_file.h"
#include "../memory.h"
#include "../table.h"
#include "../trace.h"

namespace emulated = waveprior::emulated;

namespace {

struct NamedOrder {
  const char* name;
  emulated::Order order;
};
constexpr NamedOrder kOrders[] = {{"forward", emulated::Order::kForward},
                                  {"reverse", emulated::Order::kReverse},
                                  {"shuffled", emulated::Order::kShuffled}};

std::vector<std::string> Files(const std::string& folder) {
  std::vector<std::string> files;
  DIR* const d = opendir(folder.c_str());
  if (!d) return files;
  while (const dirent* const e = readdir(d)) {
    const std::string name = e->d_name;
    if (name.size() > 7 && name.compare(name.size() - 7, 7, ".launch") == 0) files.push_back(folder + "/" + name);
  }
  closedir(d);
  std::sort(files.begin(), files.end());
  return files;
}

// The memory of one run: buffers filled as before the launch.
class Memory {
 public:
  explicit Memory(const emulated::LaunchFile& launch) {
    for (const auto& b : launch.buffers) {
      const uintptr_t base = emulated::Allocate(std::max<size_t>(b.before.size(), 1));
      if (base) memcpy(reinterpret_cast<void*>(base), b.before.data(), b.before.size());
      bases_.push_back(base);
    }
  }
  ~Memory() { emulated::FreeAll(); }
  uintptr_t Base(size_t i) const { return bases_[i]; }
  bool Whole() const { return std::find(bases_.begin(), bases_.end(), 0) == bases_.end(); }

 private:
  std::vector<uintptr_t> bases_;
};

// Where the memory differs from what the record has after the launch; empty where it does not.
std::string Differs(const emulated::LaunchFile& launch, const Memory& memory) {
  for (size_t i = 0; i < launch.buffers.size(); i++) {
    const std::string& want = launch.buffers[i].after;
    const char* const got = reinterpret_cast<const char*>(memory.Base(i));
    for (size_t at = 0; at < want.size(); at++)
      if (got[at] != want[at])
        return "byte " + std::to_string(at) + " of buffer " + std::to_string(i) + " differs from the record";
  }
  return "";
}

// One run; empty, or what went wrong.
std::string Once(const emulated::LaunchFile& launch, emulated::Kernel* kernel, emulated::Order order) {
  const Memory memory(launch);
  if (!memory.Whole()) return "no memory";
  std::vector<uint64_t> values;
  for (const auto& a : launch.arguments) {
    const bool there = a.pointer && a.value >= 0;
    values.push_back(there       ? memory.Base(static_cast<size_t>(a.value)) + static_cast<uint64_t>(a.offset)
                     : a.pointer ? 0
                                 : static_cast<uint64_t>(a.value));
  }
  std::vector<void*> arguments;
  for (auto& v : values) arguments.push_back(&v);
  emulated::SetOrder(order);
  emulated::trace::Begin();
  std::string fault = emulated::Run(kernel, launch.shape, arguments.data());
  if (fault.empty()) fault = emulated::trace::Race();
  if (fault.empty()) fault = emulated::BrokenGuard();
  return fault.empty() ? Differs(launch, memory) : fault;
}

// The numbers of a table of int32 that an argument points into, "NUMBER:x,x,..."; none where it is long: what such a one
// says is in the kernel's scalars as well (multifrontal's lists).
constexpr size_t kLongestTable = 4096;

void Table(FILE* to, const emulated::LaunchFile& launch, size_t number, const char* before) {
  const auto& a = launch.arguments[number];
  const std::string& bytes = launch.buffers[static_cast<size_t>(a.value)].before;
  const size_t from = static_cast<size_t>(a.offset), count = (bytes.size() - from) / sizeof(int32_t);
  if (count == 0 || count > kLongestTable) return;
  fprintf(to, "%s%zu:", before, number);
  for (size_t i = 0; i < count; i++) {
    int32_t x;
    memcpy(&x, bytes.data() + from + i * sizeof x, sizeof x);
    fprintf(to, "%s%" PRId32, i ? "," : "", x);
  }
}

void Count(FILE* to, const emulated::LaunchFile& launch, const emulated::Kernel& kernel,
           const emulated::Counters& counted) {
  const emulated::trace::Bytes b = emulated::trace::Distinct();
  const dim3 &g = launch.shape.grid, &k = launch.shape.block;
  fprintf(to, "%s\t%u %u %u\t%u %u %u\t%zu\t", launch.kernel.c_str(), g.x, g.y, g.z, k.x, k.y, k.z,
          launch.shape.shared);
  for (size_t i = 0; i < launch.arguments.size(); i++) {
    const auto& a = launch.arguments[i];
    fprintf(to, "%s%" PRId64, i ? " " : "", a.pointer ? static_cast<int64_t>(a.value >= 0) : a.value);
  }
  fprintf(to, "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t",
          counted.read, counted.written, counted.operations, b.read, b.written, b.read_by_blocks, b.written_by_blocks);
  const char* before = "";
  for (size_t i = 0; i < launch.arguments.size(); i++) {
    if (kernel.tables[i] != '1' || launch.arguments[i].value < 0) continue;
    Table(to, launch, i, before);
    before = " ";
  }
  fprintf(to, "\n");
}

int Wrong(const std::string& what) {
  printf("FAIL %s\n", what.c_str());
  return 1;
}

int Replay(const std::string& path, FILE* counts, std::set<std::string>* seen) {
  emulated::LaunchFile launch;
  const std::string unreadable = emulated::Read(path, &launch);
  if (!unreadable.empty()) return Wrong(unreadable);
  emulated::Kernel* const kernel = emulated::FindKernel(launch.kernel);
  if (!kernel)
    return Wrong(path + ": there is no kernel " + launch.kernel + " any more: remove the folder and record again");
  if (kernel->parameters.size() != launch.arguments.size())
    return Wrong(path + ": " + std::to_string(launch.arguments.size()) + " arguments, the kernel takes " +
                 std::to_string(kernel->parameters.size()) + ": remove the folder and record again");
  seen->insert(launch.kernel);
  for (const NamedOrder& o : kOrders) {
    const emulated::Counters before = kernel->counted;
    const std::string fault = Once(launch, kernel, o.order);
    if (!fault.empty()) return Wrong(path + ", " + o.name + ": " + fault);
    const emulated::Counters once{kernel->counted.read - before.read, kernel->counted.written - before.written,
                                  kernel->counted.operations - before.operations};
    if (counts && o.order == emulated::Order::kForward) Count(counts, launch, *kernel, once);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "replay FOLDER [COUNTS]: FOLDER is what WAVEPRIOR_EMULATED_RECORD named when the Go tests ran\n");
    return 2;
  }
  setenv("WAVEPRIOR_EMULATED_THREADS", "1", 1);  // the trace and shared arrays are of one thread
  const std::vector<std::string> files = Files(argv[1]);
  FILE* const counts = argc > 2 ? fopen(argv[2], "w") : nullptr;
  if (argc > 2 && !counts) return Wrong(std::string("cannot write ") + argv[2]);
  if (counts)
    fprintf(counts,
            "kernel\tgrid\tblock\tshared\targuments\tread\twritten\toperations\tdistinct_read\tdistinct_written\t"
            "blocks_read\tblocks_written\ttables\n");
  std::set<std::string> seen;
  int failed = 0;
  for (const std::string& f : files) failed += Replay(f, counts, &seen);
  for (const emulated::Kernel* k : emulated::AllKernels())
    if (!seen.count(k->name))
      failed += Wrong("kernel " + k->name + " (" + k->file +
                      ") has no recorded launch: its Go test must launch it on the cuda device");
  if (counts && fclose(counts) != 0) failed += Wrong(std::string("cannot write ") + argv[2]);
  printf("%zu launches of %zu kernels, each in %zu orders: %d failed\n", files.size(), seen.size(), std::size(kOrders),
         failed);
  return failed ? 1 : 0;
}
