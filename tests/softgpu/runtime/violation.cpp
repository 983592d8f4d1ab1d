#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string>

#include "control.h"
#include "runtime/engine.hpp"

namespace softgpu {
namespace {

struct Violations {
  std::mutex mutex;
  std::deque<std::string> kept;
  long number = 0, printed = 0;

  Violations() {
    std::atexit([] {
      const long left = softgpu_violations();
      if (left == 0) return;
      std::fprintf(stderr, "softgpu: %ld broken rules in this run, see above\n", left);
      std::fflush(nullptr);
      _exit(86);
    });
  }
};

Violations& violations() {
  static Violations& all = *new Violations;
  return all;
}

}  // namespace

void violation(const std::string& message) {
  Violations& all = violations();
  const std::lock_guard lock(all.mutex);
  ++all.number;
  if (all.kept.size() < 100) all.kept.push_back(message);
  if (++all.printed <= 50) std::fprintf(stderr, "softgpu: %s\n", message.c_str());
  if (std::getenv("NYALA_SOFTGPU_ABORT") != nullptr) std::abort();
}

}  // namespace softgpu

extern "C" {

long softgpu_violations() {
  const std::lock_guard lock(softgpu::violations().mutex);
  return softgpu::violations().number;
}

const char* softgpu_take_violation() {
  static thread_local std::string message;
  softgpu::Violations& all = softgpu::violations();
  const std::lock_guard lock(all.mutex);
  message.clear();
  if (all.kept.empty()) {
    all.number = 0;
  } else {
    message = std::move(all.kept.front());
    all.kept.pop_front();
    --all.number;
  }
  return message.c_str();
}
}
