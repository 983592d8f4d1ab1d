#pragma once

#include <cstdint>
#include <string>

#include <nyala/dtype.hpp>
#include <nyala/shape.hpp>

namespace nyala::detail {

/// While one lives on this thread, weights that layers make count against it, and their initializers may be left out.
class ParameterBudget {
 public:
  ParameterBudget(std::uint64_t bytes, bool initialize);
  ~ParameterBudget();
  ParameterBudget(const ParameterBudget&) = delete;
  ParameterBudget& operator=(const ParameterBudget&) = delete;
  static ParameterBudget* current();

  /// Throws Error naming the weight if it does not fit any more.
  void take(const Shape& shape, DType dtype, const std::string& weight);
  /// Whether initializers are to be run; else weights are zero.
  bool initialize() const { return initialize_; }

 private:
  std::uint64_t bytes_, left_;
  bool initialize_;
  ParameterBudget* outer_;
};

}  // namespace nyala::detail
