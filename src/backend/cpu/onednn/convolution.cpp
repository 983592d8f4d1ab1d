#include "backend/cpu/onednn/convolution.hpp"

#include <algorithm>
#include <string_view>

namespace nyala::backend::onednn {
namespace {

using dnnl::memory;
memory::data_type type_of(const Convolution& c) {
  return c.dtype == DType::bfloat16 ? memory::data_type::bf16 : memory::data_type::f32;
}

constexpr std::int64_t worth_a_piece = 2'000'000;  // multiplications: some 30 µs

memory::dims first(const std::array<std::int64_t, 3>& values, std::int64_t count) {
  return {values.begin(), values.begin() + count};
}

/// (batch, spatial…, channels) in memory; oneDNN names channels second.
Description channels_last(const Convolution& c, std::int64_t channels, const std::array<std::int64_t, 3>& spatial) {
  memory::dims sizes{c.batch, channels}, strides(static_cast<std::size_t>(c.rank + 2));
  for (std::int64_t axis = 0; axis < c.rank; ++axis) sizes.push_back(spatial[static_cast<std::size_t>(axis)]);
  std::int64_t step = channels;
  for (std::size_t axis = sizes.size() - 1; axis >= 2; --axis) {
    strides[axis] = step;
    step *= sizes[axis];
  }
  strides[0] = step;
  strides[1] = 1;
  return {sizes, type_of(c), strides};
}

/// (k…, in / groups, out) in memory; oneDNN names out, in, k…, behind the group where there is more than one.
memory::dims weight_sizes(const Convolution& c) {
  memory::dims sizes{c.out_channels / c.groups, c.in_channels / c.groups};
  if (c.groups > 1) sizes.insert(sizes.begin(), c.groups);
  for (std::int64_t axis = 0; axis < c.rank; ++axis) sizes.push_back(c.size[static_cast<std::size_t>(axis)]);
  return sizes;
}

Description user_weights(const Convolution& c) {
  const memory::dims sizes = weight_sizes(c);
  memory::dims strides(sizes.size());
  const std::size_t channels = c.groups > 1 ? 1 : 0;
  if (c.groups > 1) strides[0] = c.out_channels / c.groups;
  strides[channels] = 1;
  strides[channels + 1] = c.out_channels;
  std::int64_t step = c.out_channels * (c.in_channels / c.groups);
  for (std::size_t axis = sizes.size() - 1; axis > channels + 1; --axis) {
    strides[axis] = step;
    step *= sizes[axis];
  }
  return {sizes, type_of(c), strides};
}

void add_words(PrimitiveKey& key, const Convolution& c) {
  key.add(static_cast<std::int64_t>(c.dtype));
  for (const std::int64_t word : {c.rank, c.batch, c.in_channels, c.out_channels, c.groups, c.has_bias, c.activation})
    key.add(word);
  for (const auto* values : {&c.in, &c.out, &c.size, &c.stride, &c.dilation, &c.pad_before, &c.pad_after})
    for (std::int64_t axis = 0; axis < c.rank; ++axis) key.add((*values)[static_cast<std::size_t>(axis)]);
}

dnnl::primitive reorder_between(const Description& from, const Description& to) {
  if (from == to) return {};
  return dnnl::reorder(
      dnnl::reorder::primitive_desc(cpu_engine(), from, cpu_engine(), to, dnnl::primitive_attr(), true));
}

Prepared make(Direction direction, const Convolution& c, const Convolution* model) {
  const bool filter = direction == Direction::backward_filter;
  const Description any(weight_sizes(c), filter ? memory::data_type::f32 : type_of(c), memory::format_tag::any);
  memory::dims dilation = first(c.dilation, c.rank);
  for (auto& step : dilation) --step;
  ConvolutionParts parts{channels_last(c, c.in_channels, c.in),
                         model == nullptr ? any : prepare(direction, *model, nullptr)->weights,
                         c.has_bias ? Description({c.out_channels}, type_of(c), memory::format_tag::a) : Description(),
                         channels_last(c, c.out_channels, c.out),
                         first(c.stride, c.rank),
                         dilation,
                         first(c.pad_before, c.rank),
                         first(c.pad_after, c.rank)};
  Prepared result;
  const auto keep = [&](const auto& description, const Description& weights) {
    result.primitive = dnnl::primitive(description);
    result.reference = std::string_view(description.impl_info_str()).starts_with("ref");
    result.scratchpad = description.scratchpad_desc();
    result.weights = weights;
    result.user_weights = user_weights(c);
    result.source = parts.source;
    result.bias = parts.bias;
    result.target = parts.target;
    if (direction == Direction::backward_filter)
      result.from_weights = reorder_between(weights, result.user_weights);
    else
      result.to_weights = reorder_between(result.user_weights, weights);
  };

  dnnl::primitive_attr attributes = caller_scratchpad();
  if (direction == Direction::forward) {
    add_activation(attributes, static_cast<FusedActivation>(c.activation));
    const auto forward = describe_forward(cpu_engine(), dnnl::prop_kind::forward_inference, parts, attributes);
    if (forward) keep(forward, forward.weights_desc());
    return result;
  }
  ConvolutionParts hint = parts;
  hint.weights = Description(weight_sizes(c), type_of(c), memory::format_tag::any);
  const auto forward = describe_forward(cpu_engine(), dnnl::prop_kind::forward_training, hint, attributes);
  if (!forward) return result;
  if (direction == Direction::backward_data) {
    const auto backward = describe_backward<dnnl::convolution_backward_data>(cpu_engine(), parts, attributes, forward);
    if (backward) keep(backward, backward.weights_desc());
  } else {
    const auto backward =
        describe_backward<dnnl::convolution_backward_weights>(cpu_engine(), parts, attributes, forward);
    if (backward) keep(backward, backward.diff_weights_desc());
  }
  return result;
}

/// Strips of the output rows of one sample; false where a strip sees nothing but padding.
bool cut_rows(const Convolution& whole, std::int64_t wanted, std::vector<Piece>& pieces) {
  const std::int64_t step = (whole.out[0] - 1) / std::min(wanted, std::int64_t{4}) + 1;
  const std::int64_t reach = (whole.size[0] - 1) * whole.dilation[0] + 1;
  for (std::int64_t begin = 0; begin < whole.out[0]; begin += step) {
    const std::int64_t end = std::min(begin + step, whole.out[0]);
    const std::int64_t top = begin * whole.stride[0] - whole.pad_before[0];
    const std::int64_t bottom = (end - 1) * whole.stride[0] - whole.pad_before[0] + reach;
    const std::int64_t from = std::max<std::int64_t>(top, 0), to = std::min(bottom, whole.in[0]);
    if (from >= to) return false;
    Piece piece{whole, from * (whole.in_elements() / whole.in[0]), begin * (whole.out_elements() / whole.out[0])};
    piece.part.in[0] = to - from;
    piece.part.out[0] = end - begin;
    piece.part.pad_before[0] = from - top;
    piece.part.pad_after[0] = bottom - to;
    pieces.push_back(piece);
  }
  return true;
}

}  // namespace

Convolution::Convolution(DType type, const Shape& x, const Shape& kernel, const Shape& y, const Window& window)
    : dtype(type),
      rank(x.rank() - 2),
      batch(x[0]),
      in_channels(x.back()),
      out_channels(y.back()),
      groups(x.back() / kernel.at(-2)) {
  for (std::size_t axis = 0; axis < static_cast<std::size_t>(rank); ++axis) {
    in[axis] = x[axis + 1];
    out[axis] = y[axis + 1];
    size[axis] = kernel[axis];
    stride[axis] = window.strides[axis];
    dilation[axis] = window.dilation[axis];
    pad_before[axis] = window.pad_before[axis];
    // The padding behind that oneDNN's equation asks for; it may leave out cells that no window reaches.
    pad_after[axis] =
        std::max((out[axis] - 1) * stride[axis] + (size[axis] - 1) * dilation[axis] + 1 - in[axis] - pad_before[axis],
                 std::int64_t{0});
  }
}

bool sound(Direction direction, const Convolution& c) {
  const auto of_all_axes = [&](auto&& holds) {
    for (std::size_t axis = 0; axis < static_cast<std::size_t>(c.rank); ++axis)
      if (!holds(axis)) return false;
    return true;
  };
  const bool single = of_all_axes([&](std::size_t axis) { return c.size[axis] == 1; });
  const bool filter = direction == Direction::backward_filter;
  if (c.dtype == DType::float32) {
    // AVX2's copy of the cells that a stride leaves holds whole groups of 8 channels, its scratchpad those there are.
    const bool dense = of_all_axes([&](std::size_t axis) { return c.stride[axis] == 1; });
    return !filter || !single || dense || c.in_channels / c.groups % 8 == 0;
  }
  // Halves. All directions of three axes read and write beyond their memory or divide by zero for some shapes.
  if (c.rank > 2) return false;
  // So do windows that leave cells out between them.
  if (!single &&
      !of_all_axes([&](std::size_t axis) { return c.stride[axis] <= (c.size[axis] - 1) * c.dilation[axis] + 1; }))
    return false;
  // AVX-512's gradient of the input of a product reads beyond channels that do not fill its vectors.
  if (direction == Direction::backward_data) return !single || (c.in_channels % 16 == 0 && c.out_channels % 16 == 0);
  // The gradient of a tap that meets nothing but padding stays what the memory held.
  return !filter || of_all_axes([&](std::size_t axis) {
    for (std::int64_t tap = 0; tap < c.size[axis]; ++tap) {
      const std::int64_t from = c.pad_before[axis] - tap * c.dilation[axis];
      const std::int64_t first = from > 0 ? (from - 1) / c.stride[axis] + 1 : 0;  // that it meets no padding before
      if (first >= c.out[axis] || first * c.stride[axis] - from >= c.in[axis]) return false;
    }
    return true;
  });
}

std::vector<Piece> cut(const Convolution& whole, std::int64_t most, bool rows) {
  // Few multiplications for each number: reading and writing take the time.
  const std::int64_t work = whole.work() + 4 * (whole.in_elements() + whole.out_elements());
  const std::int64_t wanted = std::clamp<std::int64_t>(whole.batch * work / worth_a_piece, 1, most);
  std::vector<Piece> pieces;
  if (rows && whole.batch == 1 && wanted > 1 && whole.out[0] > 1 && cut_rows(whole, wanted, pieces)) return pieces;
  pieces.clear();
  const std::int64_t step = (whole.batch - 1) / wanted + 1;
  for (std::int64_t begin = 0; begin < whole.batch; begin += step) {
    Piece piece{whole, begin * whole.in_elements(), begin * whole.out_elements()};
    piece.part.batch = std::min(step, whole.batch - begin);
    pieces.push_back(piece);
  }
  return pieces;
}

std::shared_ptr<const Prepared> prepare(Direction direction, const Convolution& c, const Convolution* model) {
  PrimitiveKey key;
  key.add(static_cast<std::int64_t>(direction) + 1);
  add_words(key, c);
  if (model != nullptr) add_words(key, *model);
  return prepared(key, [&] { return make(direction, c, model); });
}

}  // namespace nyala::backend::onednn
