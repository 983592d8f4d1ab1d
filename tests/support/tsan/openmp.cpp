// libgomp is not instrumented, so ThreadSanitizer cannot see that a parallel region begins after what its thread did
// before and ends before what it does next. These stand before libgomp's own entry points and say so.
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

namespace {

struct Region {
  void (*body)(void*);
  void* data;
  char end = 0;
};

void run_region(void* argument) {
  __tsan_acquire(argument);
  auto* region = static_cast<Region*>(argument);
  region->body(region->data);
  __tsan_release(&region->end);
}

template <typename Function>
Function* libgomp(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

char barrier = 0;

}  // namespace

extern "C" {

void GOMP_parallel(void (*body)(void*), void* data, unsigned threads, unsigned flags);
void GOMP_barrier();

void GOMP_parallel(void (*body)(void*), void* data, unsigned threads, unsigned flags) {
  static auto* original = libgomp<void(void (*)(void*), void*, unsigned, unsigned)>("GOMP_parallel");
  Region region{body, data};
  __tsan_release(&region);
  original(run_region, &region, threads, flags);
  __tsan_acquire(&region.end);
}

void GOMP_barrier() {
  static auto* original = libgomp<void()>("GOMP_barrier");
  __tsan_release(&barrier);
  original();
  __tsan_acquire(&barrier);
}
}
