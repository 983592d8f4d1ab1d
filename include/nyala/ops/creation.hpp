#pragma once

#include <cstdint>

#include <nyala/tensor.hpp>

namespace nyala {

// https://keras.io/api/ops/numpy/ : names, arguments and defaults are Keras'. A dtype left out means floatx().

Tensor zeros(const Shape& shape, DType dtype = floatx());
Tensor ones(const Shape& shape, DType dtype = floatx());
Tensor full(const Shape& shape, const Tensor& fill_value);
Tensor full(const Shape& shape, const Tensor& fill_value, DType dtype);
Tensor zeros_like(const Tensor& x);
Tensor ones_like(const Tensor& x);
Tensor full_like(const Tensor& x, const Tensor& fill_value);
/// The numbers start, start + step, … below stop. int32 if all three are whole numbers, else floatx.
Tensor arange(double start, double stop, double step = 1.0);
Tensor arange(double start, double stop, double step, DType dtype);
/// arange(0, stop)
Tensor arange(std::int64_t stop);
Tensor linspace(double start, double stop, std::int64_t num = 50, bool endpoint = true, DType dtype = floatx());
Tensor logspace(double start, double stop, std::int64_t num = 50, bool endpoint = true, double base = 10.0,
                DType dtype = floatx());
/// N rows, M (default N) columns, ones on the k-th diagonal.
Tensor eye(std::int64_t rows, std::int64_t columns = None, int k = 0, DType dtype = floatx());
Tensor identity(std::int64_t n, DType dtype = floatx());
/// Ones at and below the k-th diagonal.
Tensor tri(std::int64_t rows, std::int64_t columns = None, int k = 0, DType dtype = floatx());
/// int x of any shape -> x.shape with num_classes inserted at `axis`; out-of-range classes give zeros.
Tensor one_hot(const Tensor& x, int num_classes, int axis = -1, DType dtype = floatx());

}  // namespace nyala
