#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nyala/device.hpp>

#include "backend/kernel_support.hpp"

// What the CPU's reference has, the GPU has: every kernel that works element by element, and those that move, reduce
// and order, in every dtype. A pair of kernel and dtype that only the CPU takes is a gap. (The networks' kernels are
// compared in ../kernels.)

namespace {

using namespace nyala;
using namespace nyala::backend;
using nyala::test::numbers;
using nyala::test::values;
using nyala::test::worst;

const std::vector<DType> all_types{DType::float32, DType::float64, DType::float16, DType::bfloat16, DType::boolean,
                                   DType::int8,    DType::int16,   DType::int32,   DType::int64,    DType::uint8,
                                   DType::uint16,  DType::uint32,  DType::uint64};

using Run = std::function<void(Kernels&, const std::vector<Tensor>&, Tensor&)>;

double tolerance_of(DType dtype) {
  switch (dtype) {
    case DType::float64: return 1e-13;
    case DType::float32: return 2e-6;
    case DType::float16: return 2e-3;
    case DType::bfloat16: return 1.6e-2;
    default: return 0.0;
  }
}

/// Runs on both, where the reference can; returns how many pairs there were.
int both(const std::string& what, const std::vector<Tensor>& inputs, const Tensor& like, const Run& run) {
  ReferenceKernels reference;
  Tensor expected = like.clone();
  try {
    run(reference, inputs, expected);
  } catch (const Error&) {
    return 0;
  }
  INFO(what << " for " << name_of(inputs.front().dtype()) << " to " << name_of(like.dtype()));
  const Device device("gpu");
  std::vector<Tensor> there;
  for (const Tensor& input : inputs) there.push_back(input.to(device));
  Tensor found = like.to(device);
  try {
    run(kernels_for(device), there, found);
    const double error = worst(values(found.to(Device())), values(expected));
    CHECK(error <= tolerance_of(like.dtype()));
  } catch (const Error& error) {
    FAIL_CHECK("a gap: " << error.what());
  }
  return 1;
}

const std::vector<double> some{-2.0, 1.0, 0.5, 3.0, 0.0, -1.5, 2.0, 1.0, 5.0, -0.25, 4.0, 0.75};
const std::vector<double> others{1.0, 2.0, -0.5, 3.0, 2.0, -1.0, 0.5, 2.0, 1.5, 3.0, -2.0, 1.0};
const Shape shape{3, 4};

}  // namespace

TEST_CASE("no gaps: functions of one tensor") {
  int pairs = 0;
  for (const DType dtype : all_types) {
    const Tensor x = numbers(some, dtype, shape), gradient = numbers(others, dtype, shape);
    for (int op = 0; op <= static_cast<int>(Unary::bitwise_not); ++op) {
      const auto unary = static_cast<Unary>(op);
      const std::string name = "unary " + std::to_string(op);
      pairs += both(name, {x}, x, [&](Kernels& k, const auto& in, Tensor& out) {
        k.unary(unary, in[0], out, {0.3, 0});
      });
      pairs += both(name + " backward", {x, gradient}, x, [&](Kernels& k, const auto& in, Tensor& out) {
        Tensor y = Tensor::empty(in[0].shape(), in[0].dtype(), in[0].device());
        k.unary(unary, in[0], y, {0.3, 0});
        k.unary_backward(unary, in[0], y, in[1], out, {0.3, 0});
      });
    }
    const Tensor flags = numbers(some, DType::boolean, shape);
    for (const Predicate op : {Predicate::isnan, Predicate::isinf, Predicate::isfinite})
      pairs +=
          both("predicate", {x}, flags, [&](Kernels& k, const auto& in, Tensor& out) { k.predicate(op, in[0], out); });
    for (const DType to : all_types)
      pairs += both("cast", {numbers({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, dtype, shape)}, numbers(some, to, shape),
                    [&](Kernels& k, const auto& in, Tensor& out) { k.cast(in[0], out); });
    pairs += both("fill", {x}, x, [&](Kernels& k, const auto&, Tensor& out) { k.fill(out, 1.0); });
    pairs += both("fill_integer", {x}, x, [&](Kernels& k, const auto&, Tensor& out) { k.fill_integer(out, 1); });
    pairs += both("arange", {x}, x, [&](Kernels& k, const auto&, Tensor& out) { k.arange(out, 1.0, 2.0); });
    pairs += both("copy", {x}, gradient, [&](Kernels& k, const auto& in, Tensor& out) { k.copy(in[0], out); });
  }
  CHECK(pairs > 600);
}

TEST_CASE("no gaps: functions of two tensors") {
  int pairs = 0;
  for (const DType dtype : all_types) {
    const Tensor a = numbers(some, dtype, shape), b = numbers(others, dtype, shape);
    const Tensor row = numbers({1.0, 2.0, 3.0, 1.5}, dtype, {4}), flags = numbers(some, DType::boolean, shape);
    for (int op = 0; op <= static_cast<int>(Binary::logical_xor); ++op) {
      for (const Tensor& second : {b, row}) {
        pairs += both("binary " + std::to_string(op), {a, second}, a, [&](Kernels& k, const auto& in, Tensor& out) {
          k.binary(static_cast<Binary>(op), in[0], in[1], out);
        });
      }
    }
    for (int op = 0; op <= static_cast<int>(Compare::greater_equal); ++op) {
      pairs += both("compare " + std::to_string(op), {a, row}, flags, [&](Kernels& k, const auto& in, Tensor& out) {
        k.compare(static_cast<Compare>(op), in[0], in[1], out);
      });
    }
    pairs += both("where", {a, row, flags}, a,
                  [&](Kernels& k, const auto& in, Tensor& out) { k.where(in[2], in[0], in[1], out); });
    const std::vector<std::int64_t> strides{1, 3};
    pairs += both("strided_read", {a}, a,
                  [&](Kernels& k, const auto& in, Tensor& out) { k.strided_read(in[0], 0, strides, out); });
    for (const bool add : {false, true})
      pairs += both("strided_write", {a}, b,
                    [&](Kernels& k, const auto& in, Tensor& out) { k.strided_write(in[0], out, 0, strides, add); });
  }
  CHECK(pairs > 250);
}

TEST_CASE("no gaps: reductions, order, indexing") {
  int pairs = 0;
  for (const DType dtype : all_types) {
    const Tensor x = numbers(some, dtype, shape), three = numbers({1, 2, 3}, dtype, {3});
    const Tensor indices = numbers({2, 0, 2}, DType::int32, {3}),
                 places = numbers(std::vector<double>(12, 1), DType::int64, shape);
    const Tensor integers = numbers(std::vector<double>(12, 0), DType::int32, shape);
    for (int op = 0; op <= static_cast<int>(Reduce::sum_of_abs); ++op) {
      const auto reduce = static_cast<Reduce>(op);
      const bool logical = reduce == Reduce::any || reduce == Reduce::all;
      const Tensor like = logical ? numbers({1, 0, 1}, DType::boolean, {3}) : three;
      pairs += both("reduce " + std::to_string(op), {x}, like, [&](Kernels& k, const auto& in, Tensor& out) {
        k.reduce(reduce, in[0], std::vector<int>{1}, out);
      });
    }
    for (const bool flag : {false, true}) {
      pairs += both("arg_reduce", {x}, numbers({0, 0, 0}, DType::int32, {3}),
                    [&](Kernels& k, const auto& in, Tensor& out) { k.arg_reduce(flag, in[0], 1, out); });
      pairs += both("scan", {x}, x,
                    [&](Kernels& k, const auto& in, Tensor& out) { k.scan(Scan::sum, in[0], 0, flag, out); });
      pairs += both("scan", {x}, x,
                    [&](Kernels& k, const auto& in, Tensor& out) { k.scan(Scan::prod, in[0], 1, flag, out); });
      pairs += both("sort", {x}, x, [&](Kernels& k, const auto& in, Tensor& out) {
        Tensor none;
        k.sort(in[0], 0, flag, out, none);
      });
      pairs += both("argsort", {x}, integers, [&](Kernels& k, const auto& in, Tensor& out) {
        Tensor none;
        k.sort(in[0], 1, flag, none, out);
      });
    }
    pairs += both("top_k", {x}, numbers(std::vector<double>(6, 0), dtype, {3, 2}),
                  [&](Kernels& k, const auto& in, Tensor& out) {
                    Tensor found = Tensor::empty({3, 2}, DType::int32, in[0].device());
                    k.top_k(in[0], 2, out, found);
                  });
    pairs += both("gather", {x, indices}, x,
                  [&](Kernels& k, const auto& in, Tensor& out) { k.gather(in[0], in[1], 0, out); });
    pairs += both("scatter_add", {x, indices}, x,
                  [&](Kernels& k, const auto& in, Tensor& out) { k.scatter_add(in[1], 0, in[0], out); });
    pairs += both("take_along_axis", {x, places}, x,
                  [&](Kernels& k, const auto& in, Tensor& out) { k.take_along_axis(in[0], in[1], 1, out); });
    pairs += both("put_along_axis_add", {x, places}, x,
                  [&](Kernels& k, const auto& in, Tensor& out) { k.put_along_axis_add(in[1], 1, in[0], out); });
    pairs += both("segment_max", {x, numbers({0, 1, 0}, DType::int32, {3})},
                  numbers(std::vector<double>(8, 0), dtype, {2, 4}),
                  [&](Kernels& k, const auto& in, Tensor& out) { k.segment_max(in[0], in[1], out); });
    for (const bool add : {false, true}) {
      pairs += both("scatter_nd", {x, numbers({0, 2, 2}, DType::int32, {3, 1})}, x,
                    [&](Kernels& k, const auto& in, Tensor& out) { k.scatter_nd(in[1], in[0], add, out); });
    }
    pairs +=
        both("one_hot", {numbers({0, 2, 1, 5}, DType::int32, {4})}, numbers(std::vector<double>(12, 0), dtype, {4, 3}),
             [&](Kernels& k, const auto& in, Tensor& out) { k.one_hot(in[0], 4, 3, 1, out); });
  }
  CHECK(pairs > 200);
}

TEST_CASE("no gaps: random numbers, the same on both") {
  int pairs = 0;
  const RandomKey key{11, 3};
  for (const DType dtype : all_types) {
    const Tensor x = numbers(std::vector<double>(1000, 1.0), dtype, {1000});
    pairs +=
        both("uniform", {x}, x, [&](Kernels& k, const auto&, Tensor& out) { k.random_uniform(key, -1.0, 2.0, out); });
    pairs += both("normal", {x}, x, [&](Kernels& k, const auto&, Tensor& out) { k.random_normal(key, 1.0, 2.0, out); });
    pairs += both("truncated", {x}, x,
                  [&](Kernels& k, const auto&, Tensor& out) { k.random_truncated_normal(key, 1.0, 2.0, out); });
    pairs += both("integers", {x}, x, [&](Kernels& k, const auto&, Tensor& out) { k.random_integers(key, 0, 9, out); });
    pairs += both("dropout", {x}, x, [&](Kernels& k, const auto& in, Tensor& out) { k.dropout(key, 0.3, in[0], out); });
  }
  CHECK(pairs > 20);
}
