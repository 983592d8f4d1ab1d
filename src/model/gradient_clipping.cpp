#include "model/gradient_clipping.hpp"

#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

namespace nyala::detail {

void clip_gradients(std::vector<Tensor>& gradients, const OptimizerOptions& options) {
  if (options.clipnorm) {
    const double limit = *options.clipnorm;
    for (Tensor& gradient : gradients) gradient = gradient * (limit / maximum(norm(gradient), limit));
  } else if (options.clipvalue) {
    const double limit = *options.clipvalue;
    for (Tensor& gradient : gradients) gradient = clip(gradient, -limit, limit);
  } else if (options.global_clipnorm) {
    const double limit = *options.global_clipnorm;
    Tensor squares = 0.0;
    for (const Tensor& gradient : gradients) squares = squares + sum(square(gradient));
    const Tensor total = sqrt(squares);
    const Tensor scale = limit * minimum(1.0 / total, 1.0 / limit) + (total - total);
    for (Tensor& gradient : gradients) gradient = gradient * scale;
  }
}

}  // namespace nyala::detail
