// Labels of sequences without their places (CTC), and signals from their spectra.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "model/operations/beam_search.hpp"
#include "model/operations/support.hpp"

namespace nyala::detail {

namespace {

using Arguments = OperationArguments;

constexpr double impossible = -1e5;  // Keras' logarithm of 0

/// The first entry stays, the others are joined by ways that lead to them from elsewhere.
Tensor with_ways(const Tensor& blanks, const Tensor& added) {
  const std::int64_t batch = blanks.shape()[0], labels = added.shape()[1];
  const Tensor first = slice(blanks, {0, 0}, {batch, 1}), rest = slice(blanks, {0, 1}, {batch, labels});
  return concatenate({first, logaddexp(rest, added)}, 1);
}

Tensors ctc_loss(const Arguments& a) {
  const Tensor target = cast(a.tensor(0), DType::int32), given = a.tensor(1);
  const Tensor target_length = cast(a.tensor(2), DType::int32), output_length = cast(a.tensor(3), DType::int32);
  if (target.rank() != 2 || given.rank() != 3 || target.shape()[0] != given.shape()[0]) {
    throw Error("CTCLoss: labels must have the shape (batch, length) and outputs (batch, steps, classes), got " +
                target.shape().str() + " and " + given.shape().str());
  }
  const Tensor output = cast(given, result_type({given.dtype(), DType::float32}));
  const std::int64_t batch = given.shape()[0], steps = given.shape()[1], classes = given.shape()[2],
                     length = target.shape()[1];
  const int blank_class = a.integer("mask_index", 0);
  if (steps == 0 || length == 0 || blank_class < 0 || blank_class >= classes)
    throw Error("CTCLoss: there must be steps, labels and the class mask_index, got " + given.shape().str());
  const Tensor chances = log_softmax(output);
  const Tensor emitted = take_along_axis(chances, broadcast_to(expand_dims(target, 1), {batch, steps, length}), -1);
  Tensor repeats = zeros({batch, 1}, output.dtype());
  if (length > 1) {
    const Tensor same = slice(target, {0, 0}, {batch, length - 1}) == slice(target, {0, 1}, {batch, length - 1});
    repeats = concatenate({cast(same, output.dtype()), repeats}, 1);
  }
  Tensor blank = concatenate({zeros({batch, 1}, output.dtype()), full_like(repeats, impossible)}, 1);
  Tensor label = full_like(repeats, impossible);
  for (std::int64_t t = 0; t < steps; ++t) {
    const Tensor here = reshape(slice(emitted, {0, t, 0}, {batch, 1, length}), {batch, length});
    const Tensor none = reshape(slice(chances, {0, t, blank_class}, {batch, 1, 1}), {batch, 1});
    const Tensor goes_on = reshape(greater(output_length, static_cast<double>(t)), {batch, 1});
    const Tensor before = with_ways(blank, label + repeats * impossible);
    const Tensor next = logaddexp(slice(before, {0, 0}, {batch, length}) + here, label + here);
    blank = where(goes_on, with_ways(before + none, label + none + (1.0 - repeats) * impossible), blank);
    label = where(goes_on, next, label);
  }
  return -squeeze(take_along_axis(with_ways(blank, label), reshape(target_length, {batch, 1}), -1), -1);
}

Tensors decoded_by_beams(const Arguments& a, const Tensor& inputs, int blank,
                         const std::vector<std::int64_t>& lengths) {
  const Shape& shape = inputs.shape();
  const int width = a.integer("beam_width", 100), top = a.integer("top_paths", 1);
  if (width < 1 || width > 10000 || top < 1 || top > width)
    throw Error("CTCDecode: beam_width must be in [1, 10000] and top_paths in [1, beam_width], got " +
                std::to_string(width) + " and " + std::to_string(top));
  const auto size = [&](int axis) { return static_cast<std::size_t>(shape.at(axis)); };
  const BeamSearch search{size(1), size(2), static_cast<std::size_t>(blank), static_cast<std::size_t>(width),
                          static_cast<std::size_t>(top)};
  const auto chances = cast(log_softmax(inputs), DType::float64).to_vector<double>();
  std::vector<std::int32_t> labels(search.top_paths * size(0) * search.steps, -1);
  std::vector<double> scores(size(0) * search.top_paths, -std::numeric_limits<double>::infinity());
  for (std::size_t row = 0; row < size(0); ++row) {
    const auto length = static_cast<std::size_t>(std::clamp<std::int64_t>(lengths[row], 0, shape[1]));
    const auto paths = beam_search(search, chances.data() + row * search.steps * search.classes, length);
    for (std::size_t i = 0; i < paths.size(); ++i) {
      scores[row * search.top_paths + i] = paths[i].score;
      std::copy(paths[i].labels.begin(), paths[i].labels.end(),
                labels.begin() + static_cast<std::ptrdiff_t>((i * size(0) + row) * search.steps));
    }
  }
  return {nyala::tensor(labels, Shape{top, shape[0], shape[1]}),
          cast(nyala::tensor(scores, Shape{shape[0], top}), inputs.dtype())};
}

/// The likeliest class of each step; repeated ones count once, and what is left over holds -1.
Tensors ctc_decode(const Arguments& a) {
  const Tensor given = a.tensor(0);
  if (given.rank() != 3) throw Error("CTCDecode: inputs must have 3 axes, got " + given.shape().str());
  const Tensor inputs = cast(given, result_type({given.dtype(), DType::float32}));
  const auto batch = static_cast<std::size_t>(given.shape()[0]), steps = static_cast<std::size_t>(given.shape()[1]);
  const int classes = static_cast<int>(given.shape()[2]);
  const int blank = a.option("mask_index").is_null() ? classes - 1 : a.integer("mask_index", 0);
  const auto lengths = cast(ceil(cast(a.tensor(1), DType::float64)), DType::int64).to_vector<std::int64_t>();
  if (lengths.size() != batch) throw Error("CTCDecode: one length for each sequence is needed");
  if (steps == 0 || blank < 0 || blank >= classes)
    throw Error("CTCDecode: there must be steps and the class mask_index, got " + given.shape().str());
  const std::string strategy = a.text("strategy", "greedy");
  if (strategy == "beam_search") return decoded_by_beams(a, inputs, blank, lengths);
  if (strategy != "greedy")
    throw Error("CTCDecode: the strategy must be \"greedy\" or \"beam_search\", got \"" + strategy.substr(0, 40) +
                "\"");
  const auto best = cast(argmax(inputs, -1), DType::int64).to_vector<std::int64_t>();
  std::vector<std::int32_t> labels(batch * steps, -1);
  for (std::size_t row = 0; row < batch; ++row) {
    const auto at = [&](std::size_t t) {
      return static_cast<std::int64_t>(t) >= lengths[row] ? std::int64_t{blank} : best[row * steps + t];
    };
    std::size_t count = 0;
    for (std::size_t t = 0; t < steps; ++t) {
      const bool repeated = a.flag("merge_repeated", true) && t > 0 && at(t) == at(t - 1);
      if (at(t) != blank && !repeated) labels[row * steps + count++] = static_cast<std::int32_t>(at(t));
    }
  }
  const Tensor places = arange(0.0, static_cast<double>(steps), 1.0, DType::int64);
  const Tensor inside = less(expand_dims(places, 0), expand_dims(cast(a.tensor(1), DType::int64), -1));
  const Tensor scores = where(inside, max(inputs, -1), 0.0);
  return {nyala::tensor(labels, Shape{1, given.shape()[0], given.shape()[1]}), -sum(scores, 1, true)};
}

std::vector<double> window_of(const Arguments& a, std::int64_t length, std::int64_t fft_length) {
  const Config& kind = a.option("window");
  std::vector<double> window(static_cast<std::size_t>(fft_length), kind.is_null() ? 1.0 : 0.0);
  if (kind.is_null()) return window;
  if (kind != Config("hann") && kind != Config("hamming"))
    throw Error("ISTFT: the window must be \"hann\", \"hamming\" or none");
  const double mean = kind == Config("hann") ? 0.5 : 0.54;
  for (std::int64_t i = 0; i < length; ++i) {
    const double wave = std::cos(2.0 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(length));
    window[static_cast<std::size_t>((fft_length - length) / 2 + i)] = mean - (1.0 - mean) * wave;
  }
  return window;
}

/// Frames from their half spectra by two products, laid over each other.
Tensors istft(const Arguments& a) {
  const std::vector<Tensor> parts = a.tensors(0);
  const std::int64_t length = a.option("sequence_length").as_integer(),
                     stride = a.option("sequence_stride").as_integer(), n = a.option("fft_length").as_integer();
  if (parts.size() != 2 || parts[0].shape() != parts[1].shape() || parts[0].rank() < 2)
    throw Error("ISTFT: a real and an imaginary part of one shape are needed");
  if (length < 1 || stride < 1 || n < length || n > 16384)
    throw Error("ISTFT: fft_length must be at least sequence_length, got " + std::to_string(n));
  const Shape& shape = parts[0].shape();
  const std::int64_t bins = n / 2 + 1, frames = shape.at(-2), total = n + stride * (frames - 1);
  if (shape.at(-1) != bins || frames < 1)
    throw Error("ISTFT: " + std::to_string(bins) + " frequencies were expected, got " + shape.str());
  std::vector<double> cosines, sines;
  for (std::int64_t k = 0; k < bins; ++k) {
    const double times = (k == 0 || 2 * k == n ? 1.0 : 2.0) / static_cast<double>(n);
    for (std::int64_t i = 0; i < n; ++i) {
      const double turn = 2.0 * std::numbers::pi * static_cast<double>(k * i % n) / static_cast<double>(n);
      cosines.push_back(times * std::cos(turn));
      sines.push_back(-times * std::sin(turn));
    }
  }
  const DType dtype = parts[0].dtype();
  const Tensor waves = matmul(parts[0], cast(nyala::tensor(cosines, Shape{bins, n}), dtype)) +
                       matmul(parts[1], cast(nyala::tensor(sines, Shape{bins, n}), dtype));
  const std::vector<double> window = window_of(a, length, n);
  std::vector<std::int32_t> places;
  std::vector<double> covered(static_cast<std::size_t>(total), 0.0);
  for (std::int64_t frame = 0; frame < frames; ++frame) {
    for (std::int64_t i = 0; i < n; ++i) {
      const double weight = window[static_cast<std::size_t>(i)];
      places.push_back(static_cast<std::int32_t>(frame * stride + i));
      covered[static_cast<std::size_t>(places.back())] += weight * weight;
    }
  }
  // Keras divides by the stride where there is no window.
  const double times = a.option("window").is_null() ? static_cast<double>(n) / static_cast<double>(stride) : 1.0;
  for (double& weight : covered) weight = times / (weight > 1e-10 ? weight : 1.0);
  const Tensor weighted = waves * cast(nyala::tensor(window, Shape{n}), dtype);
  const Tensor rows = transpose(reshape(weighted, {-1, frames * n}), {1, 0});
  const Tensor laid = segment_sum(rows, nyala::tensor(places, Shape{frames * n}), total);
  Tensor signal = transpose(laid, {1, 0}) * cast(nyala::tensor(covered, Shape{total}), dtype);
  const bool center = a.flag("center", true);
  const std::int64_t start = center ? n / 2 : 0;
  std::int64_t stop = center ? total - n / 2 : total;
  if (!a.option("length").is_null()) stop = std::min(total, start + a.option("length").as_integer());
  if (stop < start) throw Error("ISTFT: length must not be negative");
  signal = slice(signal, {0, start}, {signal.shape()[0], stop - start});
  Shape result = shape;
  result.erase(result.size() - 1);
  result.back() = stop - start;
  return reshape(signal, result);
}

}  // namespace

std::vector<OperationEntry> sequence_operations() {
  return {
      {"CTCLoss", "nn", "mask_index", "target output target_length output_length", ctc_loss},
      {"CTCDecode", "nn", "strategy beam_width top_paths merge_repeated mask_index", "inputs sequence_lengths",
       ctc_decode},
      {"ISTFT", "math", "sequence_length sequence_stride fft_length length window center", "x", istft},
  };
}

}  // namespace nyala::detail
