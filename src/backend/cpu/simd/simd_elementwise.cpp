#include <algorithm>

#include "backend/common/broadcast.hpp"
#include "backend/common/dispatch.hpp"
#include "backend/cpu/simd/half_blocks.hpp"
#include "backend/cpu/simd/simd_kernels.hpp"
#include "backend/cpu/simd/simd_support.hpp"

namespace nyala::backend {
namespace {

Operands operands_of(std::int64_t stride_a, std::int64_t stride_b) {
  if (stride_a == 0) return stride_b == 0 ? Operands::none : Operands::scalar_a;
  return stride_b == 0 ? Operands::scalar_b : Operands::both;
}

/// The element at `place` into the `count` after it.
void repeat_element(Tensor& out, std::int64_t place, std::int64_t count) {
  visit_bytes(out.dtype(), "broadcast", [&]<class T>(std::type_identity<T>) {
    T* const from = static_cast<T*>(out.raw_data()) + place;
    std::fill_n(from + 1, count, *from);
  });
}

/// run(loop, which operands are arrays, a, b, out, n) over the contiguous runs of a broadcast operation of two
/// operands, given as places in units of elements; false where there is no such loop.
template <class Find, class Run>
bool for_binary_runs(const Tensor& a, const Tensor& b, Tensor& out, Find&& find, Run&& run) {
  const std::int64_t n = out.size();
  const bool whole_a = a.size() == n, whole_b = b.size() == n;
  if ((whole_a && (whole_b || b.size() == 1)) || (whole_b && a.size() == 1)) {
    const Operands operands = operands_of(whole_a, whole_b);
    const auto loop = find(operands);
    if (loop == nullptr) return false;
    const std::int64_t step_a = whole_a, step_b = whole_b;
    detail::parallel_for(0, n, cheap_grain, [&](std::int64_t begin, std::int64_t end) {
      run(loop, operands, begin * step_a, begin * step_b, begin, end - begin);
    });
    return true;
  }
  const BroadcastWalk<2> walk(out.shape(), {&a.shape(), &b.shape()});
  Operands operands = operands_of(walk.strides[0][0], walk.strides[0][1]);
  const bool one_result = operands == Operands::none;  // for a whole run
  if (one_result) operands = Operands::both;
  const auto loop = find(operands);
  if (loop == nullptr) return false;
  const std::int64_t length = walk.run_length();
  detail::parallel_for(0, walk.runs, rows_grain(length), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const auto [start_a, start_b] = walk.starts(r);
      run(loop, operands, start_a, start_b, r * length, one_result ? 1 : length);
      if (one_result) repeat_element(out, r * length, length - 1);
    }
  });
  return true;
}

}  // namespace

void SimdKernels::unary(Unary op, const Tensor& x, Tensor& out, UnaryParameters parameters) {
  if (x.dtype() == DType::float32 && out.dtype() == DType::float32) {
    if (const auto loop = table_.unary(op)) {
      const float* from = floats(x);
      float* to = floats(out);
      const auto a = static_cast<float>(parameters.a);
      return detail::parallel_for(0, x.size(), dear_grain, [=](std::int64_t begin, std::int64_t end) {
        loop(a, from + begin, to + begin, end - begin);
      });
    }
  }
  const auto loop = table_.unary(op);
  if (loop == nullptr || !all_half(x, out)) return ReferenceKernels::unary(op, x, out, parameters);
  const auto a = static_cast<float>(parameters.a);
  detail::parallel_for(0, x.size(), dear_grain, [&](std::int64_t begin, std::int64_t end) {
    alignas(64) float buffer[half_block];
    for_half_blocks(begin, end, [&](std::int64_t first, std::int64_t n) {
      loop(a, widened(x, first, n, buffer), buffer, n);
      narrow(buffer, out, first, n);
    });
  });
}

void SimdKernels::unary_backward(Unary op, const Tensor& x, const Tensor& y, const Tensor& gradient, Tensor& out,
                                 UnaryParameters parameters) {
  if (gradient.dtype() == DType::float32) {
    if (const auto loop = table_.unary_backward(op, x.defined(), y.defined())) {
      const float *from_x = floats(x), *from_y = floats(y), *incoming = floats(gradient);
      float* to = floats(out);
      const auto a = static_cast<float>(parameters.a);
      return detail::parallel_for(0, gradient.size(), dear_grain, [=](std::int64_t begin, std::int64_t end) {
        loop(a, advance(from_x, begin), advance(from_y, begin), incoming + begin, to + begin, end - begin);
      });
    }
  }
  const auto loop = table_.unary_backward(op, x.defined(), y.defined());
  if (loop == nullptr || !all_half(gradient, x, y, out))
    return ReferenceKernels::unary_backward(op, x, y, gradient, out, parameters);
  const auto a = static_cast<float>(parameters.a);
  detail::parallel_for(0, gradient.size(), dear_grain, [&](std::int64_t begin, std::int64_t end) {
    alignas(64) float of_x[half_block], of_y[half_block], incoming[half_block];
    for_half_blocks(begin, end, [&](std::int64_t first, std::int64_t n) {
      loop(a, widened(x, first, n, of_x), widened(y, first, n, of_y), widened(gradient, first, n, incoming), incoming,
           n);
      narrow(incoming, out, first, n);
    });
  });
}

void SimdKernels::binary(Binary op, const Tensor& a, const Tensor& b, Tensor& out) {
  const bool single = a.dtype() == DType::float32 && out.dtype() == DType::float32;
  if (single || (a.dtype() == DType::float64 && out.dtype() == DType::float64)) {
    const float *from_a = floats(a), *from_b = floats(b);
    float* to = floats(out);
    const std::int64_t step = single ? 1 : 2;  // float64 in units of float32
    const bool done = for_binary_runs(
        a, b, out,
        [&](Operands operands) { return single ? table_.binary(op, operands) : table_.binary_double(op, operands); },
        [=](SimdTable::BinaryLoop loop, Operands, std::int64_t i, std::int64_t j, std::int64_t k, std::int64_t n) {
          loop(from_a + i * step, from_b + j * step, to + k * step, n);
        });
    if (done) return;
  }
  if (all_half(a, b, out)) {
    const bool done = for_binary_runs(
        a, b, out, [&](Operands operands) { return table_.binary(op, operands); },
        [&](SimdTable::BinaryLoop loop, Operands operands, std::int64_t i, std::int64_t j, std::int64_t k,
            std::int64_t count) {
          alignas(64) float left[half_block], right[half_block];
          const bool array_a = operands != Operands::scalar_a, array_b = operands != Operands::scalar_b;
          for_half_blocks(0, count, [&](std::int64_t first, std::int64_t n) {
            const float* from_a = widened(a, array_a ? i + first : i, array_a ? n : 1, left);
            const float* from_b = widened(b, array_b ? j + first : j, array_b ? n : 1, right);
            float* results = array_a ? left : right;
            loop(from_a, from_b, results, n);
            narrow(results, out, k + first, n);
          });
        });
    if (done) return;
  }
  ReferenceKernels::binary(op, a, b, out);
}

void SimdKernels::compare(Compare op, const Tensor& a, const Tensor& b, Tensor& out) {
  const auto *from_a = static_cast<const char*>(a.raw_data()), *from_b = static_cast<const char*>(b.raw_data());
  bool* to = static_cast<bool*>(out.raw_data());
  const auto bytes = static_cast<std::int64_t>(size_of(a.dtype()));
  const bool done = for_binary_runs(
      a, b, out, [&](Operands operands) { return table_.compare(op, a.dtype(), operands); },
      [=](SimdTable::CompareLoop loop, Operands, std::int64_t i, std::int64_t j, std::int64_t k, std::int64_t n) {
        loop(from_a + i * bytes, from_b + j * bytes, to + k, n);
      });
  if (!done) ReferenceKernels::compare(op, a, b, out);
}

void SimdKernels::where(const Tensor& condition, const Tensor& a, const Tensor& b, Tensor& out) {
  const BroadcastWalk<3> walk(out.shape(), {&condition.shape(), &a.shape(), &b.shape()});
  const auto& inner = walk.strides[0];
  if (out.dtype() != DType::float32 || inner[0] != 1) return ReferenceKernels::where(condition, a, b, out);
  const Operands operands = operands_of(inner[1], inner[2]);
  const bool* truth = condition.data<bool>();
  const float *from_a = floats(a), *from_b = floats(b);
  float* to = floats(out);
  const std::int64_t length = walk.run_length();
  const auto run = [&](std::int64_t r, std::int64_t begin, std::int64_t end) {
    const auto [i, j, k] = walk.starts(r);
    table_.where(truth + i + begin, from_a + j + begin * inner[1], from_b + k + begin * inner[2], operands,
                 to + r * length + begin, end - begin);
  };
  if (walk.runs == 1) {
    return detail::parallel_for(0, length, cheap_grain,
                                [&](std::int64_t begin, std::int64_t end) { run(0, begin, end); });
  }
  detail::parallel_for(0, walk.runs, rows_grain(length), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) run(r, 0, length);
  });
}

}  // namespace nyala::backend
