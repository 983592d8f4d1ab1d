#pragma once

#include <cstdint>

#include <nyala/dtype.hpp>

namespace nyala::detail {

/// The least upper bound of dtypes on the lattice of keras.backend.result_type, where a bare number ("weak") gives way
/// to every dtype of its kind. 64-bit types stay what they are (as under Keras' TensorFlow backend; JAX cuts them to
/// 32). Combining is not associative, so that several operands go in first and are resolved together.
class Promotion {
 public:
  /// Throws Error for strings.
  void include(DType dtype, bool weak);
  /// floatx if nothing was included.
  DType result() const;

 private:
  std::uint32_t strong_ = 0, weak_ = 0;  // bit sets of dtypes
};

DType result_type(DType a, bool a_weak, DType b, bool b_weak);

}  // namespace nyala::detail
