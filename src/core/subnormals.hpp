#pragma once

#include <immintrin.h>

namespace nyala::detail {

/// How this thread computes with floats: x86's control register (rounding, subnormal numbers), without what was raised.
inline unsigned float_mode() { return _mm_getcsr() & ~0x3fU; }

inline void set_float_mode(unsigned mode) {
  const unsigned now = _mm_getcsr(), raised = now & 0x3fU;
  if (now != (mode | raised)) _mm_setcsr(mode | raised);
}

/// While one lives, this thread, and what it lets the pool's threads do, takes numbers nearer to 0 than the smallest
/// normal one (1.2e-38) for 0, as TensorFlow and XLA do: processors compute with them many times slower, and gradients
/// over hundreds of steps are full of them.
class FlushSubnormals {
 public:
  FlushSubnormals() : before_(float_mode()) { set_float_mode(before_ | both); }
  ~FlushSubnormals() { set_float_mode(before_); }
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
  static constexpr unsigned both = 0x8040;  // results (FTZ) and operands (DAZ)
  unsigned before_;
};

}  // namespace nyala::detail
