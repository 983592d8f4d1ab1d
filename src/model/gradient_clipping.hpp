#pragma once

#include <vector>

#include <nyala/optimizer.hpp>

namespace nyala::detail {

/// clipnorm, clipvalue or global_clipnorm, whichever is given; norms stay on the gradients' device. A global norm that
/// is not finite makes every gradient NaN.
void clip_gradients(std::vector<Tensor>& gradients, const OptimizerOptions& options);

}  // namespace nyala::detail
