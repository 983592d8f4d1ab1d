#include <nyala/random.hpp>

#include <cmath>

#include <nyala/ops/creation.hpp>
#include <nyala/ops/indexing.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "core/random_fill.hpp"
#include "core/seed_stream.hpp"
#include "ops/common.hpp"

namespace nyala {

namespace ops {

philox::Stream next_stream(SeedGenerator* seed) {
  return seed == nullptr ? detail::next_stream() : detail::stream_of(seed->next());
}

Tensor dropped(const Tensor& x, double rate, philox::Stream stream) {
  if (rate == 1.0) return where(filled({}, DType::boolean, x.device(), 0.0), x, 0.0);
  Tensor y = empty_like(x);
  backend::kernels(x).dropout({stream.key, stream.number}, rate, x, y);
  if (autograd::recording(x)) {
    autograd::attach(y, "dropout", {x},
                     [rate, stream](autograd::Backward& g) { g.set(0, dropped(g.grad(), rate, stream)); });
  }
  return y;
}

}  // namespace ops

namespace random {

namespace {

using backend::RandomKey;
using philox::Stream;

RandomKey key(Stream stream) { return {stream.key, stream.number}; }

/// Uninitialised storage for random numbers; half precision is drawn in float32 by the kernels.
Tensor destination(const Shape& shape, DType dtype, const char* op) {
  if (!shape.known()) ops::fail(op, ": the shape must be known, got ", shape);
  if (!is_floating(dtype)) ops::fail(op, ": takes a floating dtype, got ", dtype);
  return Tensor::empty(shape, dtype);
}

void require_deviation(double mean, double deviation, const char* op) {
  if (!std::isfinite(mean) || !(deviation >= 0.0) || !std::isfinite(deviation)) {
    ops::fail(op, ": mean must be finite and stddev not negative, got ", mean, " and ", deviation);
  }
}

Tensor normal_from(const Shape& shape, double mean, double stddev, DType dtype, SeedGenerator* seed) {
  require_deviation(mean, stddev, "random::normal");
  Tensor y = destination(shape, dtype, "random::normal");
  backend::kernels(y).random_normal(key(ops::next_stream(seed)), mean, stddev, y);
  return y;
}

Tensor truncated_from(const Shape& shape, double mean, double stddev, DType dtype, SeedGenerator* seed) {
  require_deviation(mean, stddev, "random::truncated_normal");
  Tensor y = destination(shape, dtype, "random::truncated_normal");
  backend::kernels(y).random_truncated_normal(key(ops::next_stream(seed)), mean, stddev, y);
  return y;
}

Tensor uniform_from(const Shape& shape, double minval, double maxval, DType dtype, SeedGenerator* seed) {
  if (!std::isfinite(minval) || !std::isfinite(maxval) || minval > maxval) {
    ops::fail("random::uniform: minval must not exceed maxval, got ", minval, " and ", maxval);
  }
  Tensor y = destination(shape, dtype, "random::uniform");
  backend::kernels(y).random_uniform(key(ops::next_stream(seed)), minval, maxval, y);
  return y;
}

Tensor integers_from(const Shape& shape, std::int64_t minval, std::int64_t maxval, DType dtype, SeedGenerator* seed) {
  if (!shape.known()) ops::fail("random::randint: the shape must be known, got ", shape);
  if (!is_integer(dtype)) ops::fail("random::randint: takes an integer dtype, got ", dtype);
  if (minval >= maxval) ops::fail("random::randint: minval must be below maxval, got ", minval, " and ", maxval);
  // Both ends must fit; the conversions refuse numbers that do not.
  (void)ops::as_dtype(minval, dtype, minval, "random::randint");
  (void)ops::as_dtype(maxval - 1, dtype, maxval, "random::randint");
  Tensor y = Tensor::empty(shape, dtype);
  backend::kernels(y).random_integers(key(ops::next_stream(seed)), minval, maxval, y);
  return y;
}

Tensor dropout_from(const Tensor& x, double rate, const Shape& noise_shape, SeedGenerator* seed) {
  ops::require_numbers(x, "random::dropout");
  if (!is_floating(x.dtype())) ops::fail("random::dropout: takes a floating tensor, got ", x.dtype());
  if (!(rate >= 0.0 && rate <= 1.0)) ops::fail("random::dropout: rate must lie between 0 and 1, got ", rate);
  Shape mask = noise_shape;
  if (!mask.empty()) {
    if (mask.size() != x.shape().size()) {
      ops::fail("random::dropout: noise_shape ", noise_shape, " needs as many axes as x of shape ", x.shape());
    }
    for (std::size_t i = 0; i < mask.size(); ++i) {
      if (mask[i] == None) mask[i] = x.shape()[i];
    }
    if (!ops::broadcasts_to(mask, x.shape())) {
      ops::fail("random::dropout: noise_shape ", noise_shape, " does not broadcast to ", x.shape());
    }
  }
  if (rate == 0.0) return x;
  const Stream stream = ops::next_stream(seed);
  if (mask.empty() || mask == x.shape()) return ops::dropped(x, rate, stream);
  return x * ops::dropped(ops::filled(mask, x.dtype(), x.device(), 1.0), rate, stream);
}

}  // namespace

Tensor normal(const Shape& shape, double mean, double stddev, DType dtype) {
  return normal_from(shape, mean, stddev, dtype, nullptr);
}
Tensor normal(const Shape& shape, double mean, double stddev, DType dtype, SeedGenerator& seed) {
  return normal_from(shape, mean, stddev, dtype, &seed);
}

Tensor truncated_normal(const Shape& shape, double mean, double stddev, DType dtype) {
  return truncated_from(shape, mean, stddev, dtype, nullptr);
}
Tensor truncated_normal(const Shape& shape, double mean, double stddev, DType dtype, SeedGenerator& seed) {
  return truncated_from(shape, mean, stddev, dtype, &seed);
}

Tensor uniform(const Shape& shape, double minval, double maxval, DType dtype) {
  return uniform_from(shape, minval, maxval, dtype, nullptr);
}
Tensor uniform(const Shape& shape, double minval, double maxval, DType dtype, SeedGenerator& seed) {
  return uniform_from(shape, minval, maxval, dtype, &seed);
}

Tensor randint(const Shape& shape, std::int64_t minval, std::int64_t maxval, DType dtype) {
  return integers_from(shape, minval, maxval, dtype, nullptr);
}
Tensor randint(const Shape& shape, std::int64_t minval, std::int64_t maxval, DType dtype, SeedGenerator& seed) {
  return integers_from(shape, minval, maxval, dtype, &seed);
}

Tensor categorical(const Tensor& logits, std::int64_t num_samples, DType dtype) {
  ops::require_numbers(logits, "random::categorical");
  if (logits.rank() != 2 || logits.shape()[1] == 0 || !is_floating(logits.dtype())) {
    ops::fail("random::categorical: takes floating logits (batch, classes), got ", logits.dtype(), ' ', logits.shape());
  }
  if (num_samples < 0) ops::fail("random::categorical: num_samples must not be negative, got ", num_samples);
  if (!is_integer(dtype)) ops::fail("random::categorical: takes an integer dtype, got ", dtype);
  const std::int64_t batch = logits.shape()[0], classes = logits.shape()[1];
  const DType wide = logits.dtype() == DType::float64 ? DType::float64 : DType::float32;
  // The largest of logits to which Gumbel noise was added falls on a class with its probability.
  const Tensor noise = -log(-log(uniform({batch, num_samples, classes}, 0.0, 1.0, wide).to(logits.device())));
  const Tensor disturbed = expand_dims(cast(stop_gradient(logits), wide), 1) + noise;
  if (disturbed.size() == 0) return zeros({batch, num_samples}, dtype);
  return cast(argmax(disturbed, -1), dtype);
}

Tensor shuffle(const Tensor& x, int axis) {
  ops::require_numbers(x, "random::shuffle");
  const int along = ops::normalized_axis(axis, x.rank(), "random::shuffle");
  std::vector<std::int64_t> order(static_cast<std::size_t>(x.shape().at(along)));
  philox::fill_permutation(order.data(), order.size(), detail::next_stream());
  return take(x, tensor(order).to(x.device()), along);
}

Tensor dropout(const Tensor& x, double rate, const Shape& noise_shape) {
  return dropout_from(x, rate, noise_shape, nullptr);
}
Tensor dropout(const Tensor& x, double rate, const Shape& noise_shape, SeedGenerator& seed) {
  return dropout_from(x, rate, noise_shape, &seed);
}

}  // namespace random
}  // namespace nyala
