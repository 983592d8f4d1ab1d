#pragma once

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "backend/kernels.hpp"
#include "nn_check.hpp"

// Convolutions and poolings that the tests run through every path.

namespace nn_check {

struct ConvCase {
  std::string name;
  nyala::Shape x, kernel;
  nyala::backend::Window window;

  nyala::Shape out() const {
    nyala::Shape shape{x[0]};
    for (std::size_t axis = 0; axis + 2 < x.size(); ++axis) {
      const std::int64_t reach = (window.size[axis] - 1) * window.dilation[axis] + 1;
      shape.push_back((x[axis + 1] + window.pad_before[axis] + window.pad_after[axis] - reach) / window.strides[axis] +
                      1);
    }
    shape.push_back(kernel.back());
    return shape;
  }
};

/// What a convolution of that case takes: numbers that are the same in every run.
struct ConvOperands {
  nyala::Tensor x, kernel, bias;
};
inline ConvOperands operands_of(const ConvCase& c, nyala::DType dtype = nyala::DType::float64) {
  return {random(c.x, 1, dtype), random(c.kernel, 2, dtype), random({c.kernel.back()}, 3, dtype)};
}

inline ConvCase conv_case(const std::string& name, const nyala::Shape& x, const nyala::Shape& kernel,
                          std::int64_t stride = 1, std::int64_t dilation = 1, std::int64_t pad_before = 0,
                          std::int64_t pad_after = 0) {
  nyala::backend::Window window;
  window.rank = x.rank() - 2;
  for (std::size_t axis = 0; axis + 2 < x.size(); ++axis) {
    window.size[axis] = kernel[axis];
    window.strides[axis] = stride;
    window.dilation[axis] = dilation;
    window.pad_before[axis] = pad_before;
    window.pad_after[axis] = pad_after;
  }
  window.groups = x.back() / kernel[kernel.size() - 2];
  return {name, x, kernel, window};
}

inline std::vector<ConvCase> conv_cases() {
  std::vector<ConvCase> cases{
      conv_case("1-D", {2, 9, 3}, {3, 3, 5}),
      conv_case("1-D causal, dilated", {3, 11, 4}, {3, 4, 6}, 1, 2, 4, 0),
      conv_case("1-D strided", {1, 10, 2}, {4, 2, 3}, 3, 1, 1, 1),
      conv_case("2-D", {2, 6, 7, 3}, {3, 3, 3, 4}),
      conv_case("2-D same", {3, 8, 8, 16}, {3, 3, 16, 32}, 1, 1, 1, 1),
      conv_case("2-D pixelwise", {2, 5, 5, 24}, {1, 1, 24, 17}),
      conv_case("2-D pixelwise strided", {2, 7, 6, 16}, {1, 1, 16, 32}, 2),
      conv_case("2-D asymmetric padding, strided", {2, 8, 9, 5}, {3, 2, 5, 7}, 2, 1, 0, 1),
      conv_case("2-D dilated", {1, 9, 9, 4}, {3, 3, 4, 8}, 1, 2, 2, 2),
      conv_case("2-D groups", {2, 6, 6, 8}, {3, 3, 2, 12}, 1, 1, 1, 1),
      conv_case("2-D groups of 16", {2, 6, 6, 32}, {3, 3, 16, 32}, 1, 1, 1, 1),
      conv_case("2-D depthwise", {2, 7, 7, 16}, {3, 3, 1, 16}, 1, 1, 1, 1),
      conv_case("2-D depthwise with multiplier, strided", {2, 8, 8, 6}, {3, 3, 1, 12}, 2, 1, 0, 1),
      conv_case("2-D one channel", {5, 12, 12, 1}, {3, 3, 1, 32}),
      conv_case("2-D large window", {1, 14, 14, 3}, {7, 7, 3, 16}, 2, 1, 3, 3),
      conv_case("3-D", {2, 4, 5, 6, 3}, {2, 3, 2, 3, 4}, 1, 1, 1, 0),
      conv_case("3-D strided", {1, 6, 6, 6, 16}, {3, 3, 3, 16, 16}, 2, 1, 1, 1),
      conv_case("no sample", {0, 6, 6, 3}, {3, 3, 3, 4}),
      conv_case("one position", {4, 3, 3, 8}, {3, 3, 8, 5}),
  };
  ConvCase uneven = conv_case("2-D uneven strides and padding", {3, 9, 12, 4}, {2, 3, 4, 6});
  uneven.window.strides = {3, 2, 1};
  uneven.window.pad_before = {1, 0, 0};
  uneven.window.pad_after = {0, 2, 0};
  cases.push_back(uneven);
  return cases;
}

}  // namespace nn_check
