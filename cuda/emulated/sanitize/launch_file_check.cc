// launch_file_check FOLDER: a launch file (../launch_file.h) comes back as it was written, and no part of one is taken for a
// whole, nor one whose arguments point outside of its buffers.
#include <stdio.h>
#include <stdlib.h>

#include <string>

#include "../launch_file.h"

namespace emulated = waveprior::emulated;

namespace {

emulated::LaunchFile Example() {
  emulated::LaunchFile l;
  l.kernel = "nn_gelu_f32";
  l.shape = emulated::LaunchShape{{3, 2, 1}, {256, 1, 1}, 1024};
  l.counted = emulated::Counters{uint64_t{1} << 40, 20, 30};
  l.arguments = {{true, 1, 8}, {true, -1, 0}, {false, -4096, 0}, {true, 0, 0}};
  l.buffers = {{"end\nb 7", std::string(7, '\0')}, {std::string(64, '\n'), std::string(64, ' ')}};
  return l;
}

bool Same(const emulated::LaunchFile& a, const emulated::LaunchFile& b) {
  bool same = a.kernel == b.kernel && a.shape.grid.x == b.shape.grid.x && a.shape.grid.y == b.shape.grid.y &&
              a.shape.block.x == b.shape.block.x && a.shape.shared == b.shape.shared &&
              a.counted.read == b.counted.read && a.counted.operations == b.counted.operations &&
              a.arguments.size() == b.arguments.size() && a.buffers.size() == b.buffers.size();
  for (size_t i = 0; same && i < a.arguments.size(); i++)
    same = a.arguments[i].pointer == b.arguments[i].pointer && a.arguments[i].value == b.arguments[i].value &&
           a.arguments[i].offset == b.arguments[i].offset;
  for (size_t i = 0; same && i < a.buffers.size(); i++)
    same = a.buffers[i].before == b.buffers[i].before && a.buffers[i].after == b.buffers[i].after;
  return same;
}

int failed = 0;

void Expect(bool holds, const std::string& what) {
  if (holds) return;
  printf("FAIL %s\n", what.c_str());
  failed++;
}

bool Readable(const std::string& path) {
  emulated::LaunchFile l;
  return emulated::Read(path, &l).empty();
}

std::string Contents(const std::string& path) {
  std::string s;
  FILE* const f = fopen(path.c_str(), "rb");
  for (int c; f && (c = fgetc(f)) != EOF;) s.push_back(static_cast<char>(c));
  if (f) fclose(f);
  return s;
}

void Put(const std::string& path, const std::string& s) {
  FILE* const f = fopen(path.c_str(), "wb");
  if (!f || fwrite(s.data(), 1, s.size(), f) != s.size() || fclose(f) != 0) abort();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string path = std::string(argv[1]) + "/check.launch";
  Expect(emulated::Write(Example(), path).empty(), "an example cannot be written");
  emulated::LaunchFile back;
  Expect(emulated::Read(path, &back).empty() && Same(Example(), back), "it does not come back as it was");
  const std::string whole = Contents(path);
  for (size_t n = 0; n < whole.size(); n += 3) {
    Put(path, whole.substr(0, n));
    Expect(!Readable(path),
           "the first " + std::to_string(n) + " of " + std::to_string(whole.size()) + " bytes are taken for a whole");
  }
  for (const auto& [value, offset] : {std::pair<int64_t, int64_t>{2, 0}, {-2, 0}, {1, 65}, {1, -1}}) {
    emulated::LaunchFile bad = Example();
    bad.arguments[0].value = value;
    bad.arguments[0].offset = offset;
    Expect(emulated::Write(bad, path).empty() && !Readable(path),
           "byte " + std::to_string(offset) + " of buffer " + std::to_string(value) + " is taken for an argument");
  }
  Expect(!Readable(path + ".none"), "a file that is not there is read");
  Expect(!emulated::Write(Example(), path + "/none").empty(), "a folder that is not there is written to");
  remove(path.c_str());
  return failed ? 1 : 0;
}
