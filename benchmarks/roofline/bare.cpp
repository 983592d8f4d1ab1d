#include "bare.hpp"

#include <oneapi/dnnl/dnnl.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <initializer_list>
#include <unordered_map>
#include <vector>

// Written for oneDNN 2 (Debian 12).

namespace roofline {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

memory filled(const memory::desc& description) {
  memory result(description, engine());
  if (const std::size_t bytes = description.get_size(); bytes > 0) {
    auto* values = static_cast<float*>(result.get_data_handle());
    for (std::size_t i = 0; i < bytes / sizeof(float); ++i) values[i] = 0.001F * static_cast<float>(i % 997);
  }
  return result;
}

memory::desc described(const memory::dims& sizes, Tag tag) { return {sizes, memory::data_type::f32, tag}; }

double run(const dnnl::primitive& primitive, const std::unordered_map<int, memory>& arguments) {
  dnnl::stream stream(engine());
  return seconds([&] {
    primitive.execute(stream, arguments);
    stream.wait();
  });
}

}  // namespace

double seconds(const std::function<void()>& work) {
  double best = 1e30;
  for (int i = 0; i < 12; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    if (i > 1) best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

double product(std::int64_t m, std::int64_t n, std::int64_t k) {
  const auto count = [](std::int64_t a, std::int64_t b) { return static_cast<std::size_t>(a * b); };
  std::vector<float> a(count(m, k), 1.0F), b(count(k, n), 1.0F), c(count(m, n));
  return seconds([&] { dnnl::sgemm('N', 'N', m, n, k, 1.0F, a.data(), k, b.data(), n, 0.0F, c.data(), n); });
}

double convolution(const Convolution& c) {
  const std::int64_t out_size = (c.size - 1) / c.stride + 1;
  const std::int64_t padding = std::max<std::int64_t>((out_size - 1) * c.stride + c.window - c.size, 0);
  const memory::dims stride{c.stride, c.stride}, before{padding / 2, padding / 2},
      after{padding - padding / 2, padding - padding / 2};
  const auto x = described({c.batch, c.in, c.size, c.size}, Tag::any),
             kernel = described({c.out, c.in, c.window, c.window}, Tag::any),
             y = described({c.batch, c.out, out_size, out_size}, Tag::any);
  const auto direct = dnnl::algorithm::convolution_direct;
  const dnnl::convolution_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, direct, x, kernel, y, stride, before, after}, engine());
  double total = run(dnnl::convolution_forward(forward), {{DNNL_ARG_SRC, filled(forward.src_desc())},
                                                          {DNNL_ARG_WEIGHTS, filled(forward.weights_desc())},
                                                          {DNNL_ARG_DST, filled(forward.dst_desc())}});
  const dnnl::convolution_backward_weights::primitive_desc filter({direct, x, kernel, y, stride, before, after},
                                                                  engine(), forward);
  total += run(dnnl::convolution_backward_weights(filter), {{DNNL_ARG_SRC, filled(filter.src_desc())},
                                                            {DNNL_ARG_DIFF_WEIGHTS, filled(filter.diff_weights_desc())},
                                                            {DNNL_ARG_DIFF_DST, filled(filter.diff_dst_desc())}});
  if (c.first) return total;
  const dnnl::convolution_backward_data::primitive_desc data({direct, x, kernel, y, stride, before, after}, engine(),
                                                             forward);
  return total + run(dnnl::convolution_backward_data(data), {{DNNL_ARG_DIFF_SRC, filled(data.diff_src_desc())},
                                                             {DNNL_ARG_WEIGHTS, filled(data.weights_desc())},
                                                             {DNNL_ARG_DIFF_DST, filled(data.diff_dst_desc())}});
}

double batch_norm(std::int64_t batch, std::int64_t size, std::int64_t channels, bool relu) {
  const auto x = described({batch, channels, size, size}, Tag::nhwc);
  const auto flags = relu ? dnnl::normalization_flags::use_scale_shift | dnnl::normalization_flags::fuse_norm_relu
                          : dnnl::normalization_flags::use_scale_shift;
  const dnnl::batch_normalization_forward::primitive_desc forward({dnnl::prop_kind::forward_training, x, 1e-3F, flags},
                                                                  engine());
  const memory in = filled(x), mean = filled(forward.mean_desc()), variance = filled(forward.variance_desc()),
               weights = filled(forward.weights_desc()), workspace = filled(forward.workspace_desc());
  const double there = run(dnnl::batch_normalization_forward(forward), {{DNNL_ARG_SRC, in},
                                                                        {DNNL_ARG_DST, filled(x)},
                                                                        {DNNL_ARG_MEAN, mean},
                                                                        {DNNL_ARG_VARIANCE, variance},
                                                                        {DNNL_ARG_SCALE_SHIFT, weights},
                                                                        {DNNL_ARG_WORKSPACE, workspace}});
  const dnnl::batch_normalization_backward::primitive_desc backward({dnnl::prop_kind::backward, x, x, 1e-3F, flags},
                                                                    engine(), forward);
  return there +
         run(dnnl::batch_normalization_backward(backward), {{DNNL_ARG_SRC, in},
                                                            {DNNL_ARG_MEAN, mean},
                                                            {DNNL_ARG_VARIANCE, variance},
                                                            {DNNL_ARG_DIFF_DST, filled(x)},
                                                            {DNNL_ARG_DIFF_SRC, filled(x)},
                                                            {DNNL_ARG_SCALE_SHIFT, weights},
                                                            {DNNL_ARG_DIFF_SCALE_SHIFT, filled(weights.get_desc())},
                                                            {DNNL_ARG_WORKSPACE, workspace}});
}

double layer_norm(std::int64_t rows, std::int64_t columns) {
  const auto x = described({rows, columns}, Tag::ab), one = described({rows}, Tag::a);
  const auto flags = dnnl::normalization_flags::use_scale_shift;
  const dnnl::layer_normalization_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, x, one, 1e-3F, flags}, engine());
  const memory in = filled(x), mean = filled(one), variance = filled(one), weights = filled(forward.weights_desc());
  const double there = run(dnnl::layer_normalization_forward(forward), {{DNNL_ARG_SRC, in},
                                                                        {DNNL_ARG_DST, filled(x)},
                                                                        {DNNL_ARG_MEAN, mean},
                                                                        {DNNL_ARG_VARIANCE, variance},
                                                                        {DNNL_ARG_SCALE_SHIFT, weights}});
  const dnnl::layer_normalization_backward::primitive_desc backward(
      {dnnl::prop_kind::backward, x, x, one, 1e-3F, flags}, engine(), forward);
  return there +
         run(dnnl::layer_normalization_backward(backward), {{DNNL_ARG_SRC, in},
                                                            {DNNL_ARG_MEAN, mean},
                                                            {DNNL_ARG_VARIANCE, variance},
                                                            {DNNL_ARG_DIFF_DST, filled(x)},
                                                            {DNNL_ARG_DIFF_SRC, filled(x)},
                                                            {DNNL_ARG_SCALE_SHIFT, weights},
                                                            {DNNL_ARG_DIFF_SCALE_SHIFT, filled(weights.get_desc())}});
}

double gelu(std::int64_t elements) {
  const auto x = described({elements}, Tag::a);
  const auto kind = dnnl::algorithm::eltwise_gelu_erf;
  const dnnl::eltwise_forward::primitive_desc forward({dnnl::prop_kind::forward_training, kind, x}, engine());
  const dnnl::eltwise_backward::primitive_desc backward({kind, x, x}, engine(), forward);
  const memory in = filled(x);
  return run(dnnl::eltwise_forward(forward), {{DNNL_ARG_SRC, in}, {DNNL_ARG_DST, filled(x)}}) +
         run(dnnl::eltwise_backward(backward),
             {{DNNL_ARG_SRC, in}, {DNNL_ARG_DIFF_DST, filled(x)}, {DNNL_ARG_DIFF_SRC, filled(x)}});
}

double softmax(std::int64_t rows, std::int64_t columns) {
  const auto x = described({rows, columns}, Tag::ab);
  const dnnl::softmax_forward::primitive_desc forward({dnnl::prop_kind::forward_training, x, 1}, engine());
  const dnnl::softmax_backward::primitive_desc backward({x, x, 1}, engine(), forward);
  return run(dnnl::softmax_forward(forward), {{DNNL_ARG_SRC, filled(x)}, {DNNL_ARG_DST, filled(x)}}) +
         run(dnnl::softmax_backward(backward),
             {{DNNL_ARG_DST, filled(x)}, {DNNL_ARG_DIFF_DST, filled(x)}, {DNNL_ARG_DIFF_SRC, filled(x)}});
}

double sweep(std::int64_t weights) {
  const std::vector<float> from(static_cast<std::size_t>(weights) * 7 / 2, 1.0F);
  std::vector<float> to(from.size());
  return seconds([&] { std::memcpy(to.data(), from.data(), from.size() * sizeof(float)); });
}

}  // namespace roofline
