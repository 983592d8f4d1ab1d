#include "category_support.hpp"

#include <algorithm>

#include <nyala/error.hpp>

namespace nyala::category {

std::string output_mode(const std::string& given, const std::vector<std::string>& allowed, const std::string& layer) {
  const std::string mode = given == "binary" ? "multi_hot" : given == "tf-idf" ? "tf_idf" : given;
  std::string names;
  for (const std::string& one : allowed) {
    if (mode == one) return mode;
    names += (names.empty() ? "\"" : ", \"") + one + "\"";
  }
  throw Error(layer + ": output_mode must be one of " + names + ", got \"" + given + "\"");
}

Tensor encoded(const Tensor& given, const std::string& mode, std::int64_t depth, DType dtype, const Tensor& weights) {
  if (mode == "int") return cast(given, dtype);
  Tensor x = given.rank() == 0 ? expand_dims(given, 0) : given;
  if (mode == "one_hot" && x.rank() > 1 && x.shape().back() == 1) x = squeeze(x, -1);
  const Tensor numbers = cast(x, DType::int64);
  const Tensor rows =
      cast(expand_dims(numbers, -1) == arange(0, static_cast<double>(depth), 1, DType::int64).to(x.device()), dtype);
  if (mode == "one_hot") return rows;
  const int axis = x.rank() > 1 ? 1 : 0;
  if (mode == "multi_hot") return max(rows, axis);
  return cast(sum(weights.defined() ? rows * cast(expand_dims(weights, -1), dtype) : rows, axis), dtype);
}

Shape encoded_shape(const Shape& input, const std::string& mode, std::int64_t depth) {
  if (mode == "int") return input;
  if (input.empty()) return {depth};
  Shape shape = input;
  if (mode == "one_hot") {
    if (shape.rank() > 1 && shape.back() == 1) shape.pop_back();
  } else {
    shape.erase(shape.rank() > 1 ? 1 : 0);
  }
  shape.push_back(depth);
  return shape;
}

std::vector<std::string> texts(const Tensor& x) {
  if (x.dtype() == DType::string) return x.to_strings();
  std::vector<std::string> result;
  const std::vector<std::int64_t> numbers = cast(x, DType::int64).to_vector<std::int64_t>();
  result.reserve(numbers.size());
  for (const std::int64_t number : numbers) result.push_back(std::to_string(number));
  return result;
}

}  // namespace nyala::category
