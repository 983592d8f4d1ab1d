#include <cmath>
#include <string>

#include <nyala/error.hpp>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/indexing.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>
#include <nyala/utils.hpp>

#include "core/tensor_impl.hpp"

namespace nyala::utils {
namespace {

bool before(const std::string& side, const char* option) {
  if (side == "pre") return true;
  if (side == "post") return false;
  throw Error(std::string("pad_sequences: ") + option + " must be \"pre\" or \"post\", got \"" + side + "\"");
}

template <class T>
std::vector<Tensor> tensors(const std::vector<std::vector<T>>& sequences) {
  std::vector<Tensor> result;
  for (const auto& sequence : sequences) result.push_back(tensor(sequence));
  return result;
}

}  // namespace

Tensor to_categorical(const Tensor& x, std::optional<int> num_classes) {
  detail::require_defined(x, "to_categorical");
  Shape shape = x.shape();
  if (shape.rank() > 1 && shape.back() == 1) shape.pop_back();
  double largest = -1.0;
  for (const double number : x.to_vector<double>()) {
    if (!(number >= 0.0) || number != std::floor(number) || number > 2147483646.0)
      throw Error("to_categorical: class numbers are whole and not negative, got " + std::to_string(number));
    largest = std::max(largest, number);
  }
  if (!num_classes) num_classes = static_cast<int>(largest) + 1;
  if (*num_classes <= largest || *num_classes < 0) {
    throw Error("to_categorical: with num_classes = " + std::to_string(*num_classes) +
                " the class numbers must be below it, got " + std::to_string(static_cast<std::int64_t>(largest)));
  }
  return one_hot(cast(reshape(x, shape), DType::int32), *num_classes, -1, DType::float32);
}

Tensor normalize(const Tensor& x, int axis, double order) {
  detail::require_defined(x, "normalize");
  const Tensor values = is_floating(x.dtype()) ? x : cast(x, floatx());
  const Tensor length = norm(values, order, axis, true);
  return values / where(equal(length, 0.0f), ones_like(length), length);
}

Tensor pad_sequences(const std::vector<Tensor>& sequences, const PadSequencesOptions& options) {
  const bool padded_before = before(options.padding, "padding"), cut_before = before(options.truncating, "truncating");
  if (options.maxlen && *options.maxlen < 0)
    throw Error("pad_sequences: maxlen must not be negative, got " + std::to_string(*options.maxlen));
  std::int64_t length = 0;
  std::optional<Shape> rest;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const std::string which = "pad_sequences: sequence " + std::to_string(i);
    if (!sequences[i].defined() || sequences[i].shape().rank() == 0) throw Error(which + " has no axis of steps");
    Shape steps_of = sequences[i].shape();
    length = std::max(length, steps_of[0]);
    if (steps_of[0] == 0) continue;
    steps_of.erase(0);
    if (rest && *rest != steps_of)
      throw Error(which + " has steps of shape " + steps_of.str() + ", those before it " + rest->str());
    rest = steps_of;
  }
  if (options.maxlen) length = *options.maxlen;
  Shape shape = rest.value_or(Shape{});
  shape.insert(0, length);
  std::vector<Tensor> rows;
  for (const Tensor& sequence : sequences) {
    const std::int64_t steps = sequence.shape()[0], kept = std::min(steps, length);
    Shape gap = shape;
    gap[0] = length - kept;
    const Tensor filling = full(gap, options.value, options.dtype);
    Shape content_shape = shape;
    content_shape[0] = kept;
    const Tensor content =
        kept == 0 ? full(content_shape, options.value, options.dtype)
                  : cast(cut_before ? sequence.rows(steps - kept, steps) : sequence.rows(0, kept), options.dtype);
    rows.push_back(padded_before ? concatenate({filling, content}) : concatenate({content, filling}));
  }
  if (rows.empty()) {
    shape.insert(0, 0);
    return zeros(shape, options.dtype);
  }
  return stack(rows);
}

Tensor pad_sequences(const std::vector<std::vector<int>>& sequences, const PadSequencesOptions& options) {
  return pad_sequences(tensors(sequences), options);
}

Tensor pad_sequences(const std::vector<std::vector<float>>& sequences, const PadSequencesOptions& options) {
  return pad_sequences(tensors(sequences), options);
}

}  // namespace nyala::utils
