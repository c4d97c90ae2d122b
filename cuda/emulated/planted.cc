#include "planted.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <sstream>
#include <vector>

namespace waveprior::emulated {
namespace {

struct Planted {
  std::string kernel, file;
  int64_t launch;  // from 1; 0: what stands there is not of the form
  int64_t seen = 0;
};

Planted Parse(const std::string& text) {
  Planted p;
  std::string number;
  std::istringstream in(text);
  std::getline(in, p.kernel, ':');
  std::getline(in, number, ':');
  std::getline(in, p.file);
  p.launch = atoll(number.c_str());
  if (p.launch < 0) p.launch = 0;
  return p;
}

std::vector<Planted> ParseAll() {
  std::vector<Planted> all;
  const char* const set = getenv("WAVEPRIOR_EMULATED_FAULT");
  std::istringstream in(set ? set : "");
  for (std::string one; std::getline(in, one, ',');) all.push_back(Parse(one));
  return all;
}

// True for the first process that asks.
bool First(const std::string& file) {
  if (file.empty()) return true;
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  close(fd);
  return true;
}

}  // namespace

std::string PlantedFault(const std::string& kernel) {
  static std::vector<Planted>& all = *new std::vector<Planted>(ParseAll());
  for (Planted& p : all) {
    if (p.launch == 0)
      return "WAVEPRIOR_EMULATED_FAULT: " + p.kernel + ": allowed is KERNEL:LAUNCH or KERNEL:LAUNCH:FILE";
    if (p.kernel == kernel && ++p.seen == p.launch && First(p.file))
      return "kernel " + kernel + ", launch " + std::to_string(p.launch) +
             ": a fault that WAVEPRIOR_EMULATED_FAULT asks for";
  }
  return "";
}

}  // namespace waveprior::emulated
