#pragma once

#include <cstdint>
#include <optional>

#include <nyala/model.hpp>

namespace nyala::detail {

/// Inference some rows at a time through the whole model, so that what one layer leaves to the next is still in the
/// cache; the slices are shared out between the threads. Only for models whose every row of output follows from the
/// same row of the inputs: no layer of the user's, no recurrent one, no arithmetic.
class Slices {
 public:
  explicit Slices(const Model& model) : model_(model) {}

  /// The model's outputs in inference; all rows at once where slices would not pay.
  Tensors run(const Tensors& x);

 private:
  bool pay(std::int64_t n);
  Tensors run_in_slices(const Tensors& x, std::int64_t n) const;
  Tensors run_some(const Tensors& x, std::int64_t begin, std::int64_t end) const;

  const Model& model_;
  std::int64_t rows_ = 0;        // of a slice
  std::optional<bool> allowed_;  // by the layers' options
};

}  // namespace nyala::detail
