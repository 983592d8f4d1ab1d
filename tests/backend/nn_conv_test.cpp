#include "backend/cpu/reference/reference_kernels.hpp"
#include "nn_check.hpp"
#include "nn_windows.hpp"

using namespace nn_check;
using nyala::FusedActivation;
using nyala::backend::ReferenceKernels;

namespace {

/// Convolution straight from its definition.
std::vector<double> plain_conv(const ConvCase& c, const Tensor& x, const Tensor& kernel, const Tensor& bias) {
  const Shape out = c.out();
  const auto pad = [](const Shape& shape, std::size_t first, std::size_t axis, std::size_t rank) {
    return axis < 3 - rank ? std::int64_t{1} : shape[first + axis - (3 - rank)];
  };
  const std::size_t rank = c.x.size() - 2;
  const auto of_window = [&](const std::array<std::int64_t, 3>& values, std::size_t axis, std::int64_t otherwise) {
    return axis < 3 - rank ? otherwise : values[axis - (3 - rank)];
  };
  const std::int64_t in_channels = c.x.back(), filters = out.back(), of_group = c.kernel[rank];
  std::vector<double> y;
  std::array<std::int64_t, 3> in{}, to{}, k{};
  for (std::size_t a = 0; a < 3; ++a)
    in[a] = pad(c.x, 1, a, rank), to[a] = pad(out, 1, a, rank), k[a] = pad(c.kernel, 0, a, rank);
  for (std::int64_t n = 0; n < c.x[0]; ++n)
    for (std::int64_t p = 0; p < to[0] * to[1] * to[2]; ++p)
      for (std::int64_t f = 0; f < filters; ++f) {
        const std::array<std::int64_t, 3> o{p / (to[1] * to[2]), p / to[2] % to[1], p % to[2]};
        double sum = bias.defined() ? bias.data<double>()[f] : 0.0;
        for (std::int64_t t = 0; t < k[0] * k[1] * k[2]; ++t) {
          const std::array<std::int64_t, 3> w{t / (k[1] * k[2]), t / k[2] % k[1], t % k[2]};
          std::array<std::int64_t, 3> i{};
          bool inside = true;
          for (std::size_t a = 0; a < 3; ++a) {
            i[a] = o[a] * of_window(c.window.strides, a, 1) - of_window(c.window.pad_before, a, 0) +
                   w[a] * of_window(c.window.dilation, a, 1);
            inside = inside && i[a] >= 0 && i[a] < in[a];
          }
          for (std::int64_t q = 0; inside && q < of_group; ++q) {
            const std::int64_t channel = f / (filters / c.window.groups) * of_group + q;
            sum += x.data<double>()[(((n * in[0] + i[0]) * in[1] + i[1]) * in[2] + i[2]) * in_channels + channel] *
                   kernel.data<double>()[(t * of_group + q) * filters + f];
          }
        }
        y.push_back(sum);
      }
  return y;
}

}  // namespace

TEST_CASE("reference: convolution is what its definition says, and so are its gradients") {
  ReferenceKernels kernels;
  for (const ConvCase& c : conv_cases()) {
    CAPTURE(c.name);
    Tensor x = random(c.x, 1), kernel = random(c.kernel, 2), bias = random({c.kernel.back()}, 3), none;
    Tensor out = zeros(c.out());
    kernels.conv(x, kernel, bias, c.window, FusedActivation::none, none, out);
    CHECK(difference(out, from_doubles(plain_conv(c, x, kernel, bias), c.out(), DType::float64)) < 1e-12);

    const Tensor weight = random(c.out(), 4);
    Tensor dx = random(c.x, 5), dkernel = random(c.kernel, 6);
    kernels.conv_backward_data(weight, kernel, c.window, dx);
    kernels.conv_backward_filter(x, weight, c.window, dkernel);
    const auto loss = [&] {
      kernels.conv(x, kernel, none, c.window, FusedActivation::none, none, out);
      return dot(out, weight);
    };
    check_gradient("x", loss, x, dx);
    check_gradient("kernel", loss, kernel, dkernel);
  }
}

TEST_CASE("reference: convolution with a fused activation gives the value before it too") {
  ReferenceKernels kernels;
  const ConvCase c = conv_case("2-D", {2, 6, 7, 3}, {3, 3, 3, 4});
  const auto [x, kernel, bias] = operands_of(c);
  Tensor none, plain = zeros(c.out()), before = zeros(c.out()), out = zeros(c.out()), expected = zeros(c.out());
  kernels.conv(x, kernel, bias, c.window, FusedActivation::none, none, plain);
  kernels.conv(x, kernel, bias, c.window, FusedActivation::tanh, before, out);
  kernels.unary(nyala::backend::Unary::tanh, plain, expected, {});
  CHECK(difference(before, plain) == 0.0);
  CHECK(difference(out, expected) == 0.0);
  kernels.conv(x, kernel, bias, c.window, FusedActivation::tanh, none, out);
  CHECK(difference(out, expected) == 0.0);
}
