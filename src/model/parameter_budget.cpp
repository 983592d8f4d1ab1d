#include "model/parameter_budget.hpp"

#include <nyala/error.hpp>

namespace nyala::detail {

namespace {
thread_local ParameterBudget* current_budget = nullptr;
}

ParameterBudget::ParameterBudget(std::uint64_t bytes, bool initialize)
    : bytes_(bytes), left_(bytes), initialize_(initialize), outer_(current_budget) {
  current_budget = this;
}
ParameterBudget::~ParameterBudget() { current_budget = outer_; }
ParameterBudget* ParameterBudget::current() { return current_budget; }

void ParameterBudget::take(const Shape& shape, DType dtype, const std::string& weight) {
  std::uint64_t room = left_ / size_of(dtype), elements = 1;
  bool fits = true;
  for (const std::int64_t size : shape) {
    const auto wanted = static_cast<std::uint64_t>(size);
    if (wanted != 0 && elements > room / wanted) fits = false;
    elements = wanted == 0 ? 0 : elements * (fits ? wanted : 1);
  }
  if (!fits && elements != 0) {
    throw Error(weight + ": a weight of shape " + shape.str() + " (" + name_of(dtype) +
                ") is more than is left of the limit of " + std::to_string(bytes_) +
                " bytes of weights (LoadOptions::max_parameter_bytes)");
  }
  left_ -= elements * size_of(dtype);
}

}  // namespace nyala::detail
