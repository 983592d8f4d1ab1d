#include <cmath>

#include <nyala/autograd.hpp>
#include <nyala/ops/activations.hpp>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/indexing.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/nn.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/nn_support.hpp"

namespace nyala {

namespace {

constexpr const char* categorical = "categorical_crossentropy";
constexpr const char* sparse = "sparse_categorical_crossentropy";
constexpr const char* binary = "binary_crossentropy";

void check_same_shape(const Tensor& target, const Tensor& output, const char* op) {
  ops::require_numbers(target, op);
  ops::require_numbers(output, op);
  if (target.shape() != output.shape()) {
    ops::fail(op, ": target and output must have the same shape, got ", target.shape(), " and ", output.shape());
  }
}

Tensor clip_probability(const Tensor& probability) { return clip(probability, epsilon(), 1.0 - epsilon()); }

template <class T>
void check_classes(const Tensor& labels, std::int64_t classes) {
  const T* values = labels.data<T>();
  const std::int64_t count = labels.size();
  for (std::int64_t i = 0; i < count; ++i) {
    if (values[i] < 0 || values[i] >= classes) {
      ops::fail(sparse, ": labels must lie in [0, ", classes, "), as the output has ", classes, " classes, got ",
                values[i]);
    }
  }
}

/// The same of a GPU's labels, without waiting for it.
Tensor labels_on_gpu(const Tensor& target, std::int64_t classes) {
  const std::string rule = std::string(sparse) + ": labels must be whole numbers in [0, classes); the classes are ";
  const bool narrow = size_of(target.dtype()) < 4 || target.dtype() == DType::int32;
  Tensor labels = cast(target, narrow ? DType::int32 : DType::int64);
  // What is no whole number becomes a label that is none.
  if (is_floating(target.dtype())) labels = where(equal(target, floor(target)), labels, -1);
  return labels.size() == 0 ? labels : ops::within(labels, classes, rule);
}

/// Class numbers as int32 or int64, every one of them a class.
Tensor checked_labels(const Tensor& target, std::int64_t classes) {
  Tensor labels = detail::alias(target);
  if (target.device().kind() != Device::Kind::cpu) return labels_on_gpu(target, classes);
  if (is_floating(target.dtype())) {
    const std::vector<double> values = target.to_vector<double>();
    for (const double value : values) {
      if (!(value >= 0.0 && value < static_cast<double>(classes)) || value != std::floor(value)) {
        ops::fail(sparse, ": labels must be whole numbers in [0, ", classes, "), as the output has ", classes,
                  " classes, got ", value);
      }
    }
  }
  if (labels.dtype() != DType::int32 && labels.dtype() != DType::int64) {
    const bool narrow = !is_integer(labels.dtype()) || size_of(labels.dtype()) < 4;
    labels = cast(labels, narrow ? DType::int32 : DType::int64);
  }
  if (labels.dtype() == DType::int32)
    check_classes<std::int32_t>(labels, classes);
  else
    check_classes<std::int64_t>(labels, classes);
  return labels;
}

/// Losses (rows,) of logits (rows, classes).
Tensor from_logits_rows(const Tensor& logits, const Tensor& labels) {
  Tensor loss = ops::empty_beside(logits, labels.shape());
  if (loss.size() > 0) backend::kernels(logits, labels).sparse_crossentropy(logits, labels, loss);
  if (!autograd::recording(logits)) return loss;
  autograd::attach(loss, sparse, {logits}, [logits, labels](autograd::Backward& g) {
    if (autograd::recording(logits, g.grad())) {
      const Tensor ones = one_hot(labels, static_cast<int>(logits.shape().back()), -1, logits.dtype());
      g.set(0, (softmax(logits) - ones) * expand_dims(g.grad(), -1));
      return;
    }
    Tensor dlogits = ops::empty_like(logits);
    if (dlogits.size() > 0) {
      backend::kernels(logits).sparse_crossentropy_backward(logits, labels, g.grad(), dlogits);
    }
    g.set(0, dlogits);
  });
  return loss;
}

}  // namespace

Tensor categorical_crossentropy(const Tensor& target, const Tensor& output, bool from_logits, int axis) {
  check_same_shape(target, output, categorical);
  if (output.rank() == 0) ops::fail(categorical, ": target and output must have at least one axis, got scalars");
  const int along = ops::normalized_axis(axis, output.rank(), categorical);
  const Tensor scores = ops::in_floating(output, categorical);
  const Tensor truth = ops::in_dtype(target, scores.dtype());
  if (from_logits) return negative(sum(truth * log_softmax(scores, along), along));
  return negative(sum(truth * log(clip_probability(scores / sum(scores, along, true))), along));
}

Tensor sparse_categorical_crossentropy(const Tensor& target, const Tensor& output, bool from_logits, int axis) {
  ops::require_numbers(target, sparse);
  const Tensor scores = ops::in_floating(output, sparse);
  const int rank = scores.rank();
  if (rank == 0) ops::fail(sparse, ": output must have at least one axis, got a scalar");
  const int along = ops::normalized_axis(axis, rank, sparse);
  const std::int64_t classes = scores.shape().at(along);
  Shape losses = scores.shape();
  losses.erase(static_cast<std::size_t>(along));
  Shape with_axis = scores.shape();
  with_axis[static_cast<std::size_t>(along)] = 1;
  if (target.shape() != losses && target.shape() != with_axis) {
    ops::fail(sparse, ": target must have the output's shape but for its classes: ", losses, ", got ", target.shape(),
              " beside the output ", scores.shape());
  }
  const Tensor labels = checked_labels(target, classes);
  if (!from_logits) {
    const Tensor picked = take_along_axis(scores, detail::alias(labels, with_axis), along);
    const Tensor probability = clip_probability(picked / sum(scores, along, true));
    return negative(reshape(log(probability), losses));
  }
  if (rank == 2 && along == 1) return from_logits_rows(scores, detail::alias(labels, losses));
  const Tensor last = along == rank - 1 ? scores : moveaxis(scores, along, -1);
  const std::int64_t count = labels.size();
  return reshape(from_logits_rows(reshape(last, Shape{count, classes}), detail::alias(labels, Shape{count})), losses);
}

Tensor binary_crossentropy(const Tensor& target, const Tensor& output, bool from_logits) {
  check_same_shape(target, output, binary);
  const Tensor scores = ops::in_floating(output, binary);
  const Tensor truth = ops::in_dtype(target, scores.dtype());
  if (!from_logits) {
    const Tensor probability = clip_probability(scores);
    return negative(truth * log(probability) + (1.0 - truth) * log(1.0 - probability));
  }
  Tensor loss;
  {
    // The sum of terms that neither overflow nor cancel: max(x, 0) - x t + log(1 + exp(-|x|)).
    StopRecording stop;
    loss = detail::alias(relu(scores) - scores * truth + softplus(negative(abs(scores))));
  }
  if (!autograd::recording(scores, truth)) return loss;
  autograd::attach(loss, binary, {scores, truth}, [scores, truth](autograd::Backward& g) {
    if (g.needs(0)) g.set(0, (sigmoid(scores) - truth) * g.grad());
    if (g.needs(1)) g.set(1, negative(scores * g.grad()));
  });
  return loss;
}

}  // namespace nyala
