#include "ops/expect.hpp"
#include "support/device.hpp"

using namespace nyala;
using namespace nyala::testing;

namespace {
Tensor six = tensor({{1, 2, 3}, {4, 5, 6}});
const Globals moved_six{&six};
}  // namespace

TEST_CASE("reshapes share storage and check sizes") {
  const Tensor y = reshape(six, {3, -1});
  CHECK(y.shape() == Shape{3, 2});
  CHECK(y.raw_data() == six.raw_data());
  CHECK(ravel(six).shape() == Shape{6});
  CHECK(expand_dims(six, -1).shape() == Shape{2, 3, 1});
  CHECK(squeeze(zeros({1, 2, 1})).shape() == Shape{2});
  CHECK(squeeze(zeros({1, 2, 1}), -1).shape() == Shape{1, 2});
  CHECK(reshape(zeros({0, 3}), {-1, 3}).shape() == Shape{0, 3});
  CHECK_THROWS_WITH_AS(reshape(six, {4, -1}), "reshape: 6 elements of shape (2, 3) do not fit into (4, None)", Error);
  CHECK_THROWS_WITH_AS(reshape(six, {5}), "reshape: 6 elements of shape (2, 3) do not fit into (5,)", Error);
  CHECK_THROWS_WITH_AS(reshape(six, {-1, -1}), "reshape: sizes must not be negative, but for one -1, got (None, None)",
                       Error);
  CHECK_THROWS_WITH_AS(squeeze(six, 0), "squeeze: axis 0 of (2, 3) has size 2, not 1", Error);
  CHECK_THROWS_WITH_AS(expand_dims(six, 4), "expand_dims: there is no axis 4 in a tensor of rank 3", Error);
}

TEST_CASE("axes are moved, repeated and turned as in NumPy") {
  CHECK(values(transpose(six)) == Values{1, 4, 2, 5, 3, 6});
  CHECK(transpose(zeros({2, 3, 4}), {1, -1, 0}).shape() == Shape{3, 4, 2});
  CHECK(transpose(zeros({1, 3, 1})).shape() == Shape{1, 3, 1});
  CHECK(moveaxis(zeros({2, 3, 4}), 0, -1).shape() == Shape{3, 4, 2});
  CHECK(swapaxes(zeros({2, 3, 4}), 0, -1).shape() == Shape{4, 3, 2});
  CHECK(values(broadcast_to(tensor({1, 2}), {2, 2})) == Values{1, 2, 1, 2});
  CHECK(values(tile(tensor({1, 2}), {2, 2})) == Values{1, 2, 1, 2, 1, 2, 1, 2});
  CHECK(values(tile(six, {1, 2})) == Values{1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6});
  CHECK(values(repeat(six, 2, 0)) == Values{1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6});
  CHECK(values(repeat(tensor({1, 2}), 2)) == Values{1, 1, 2, 2});
  CHECK(values(flip(six)) == Values{6, 5, 4, 3, 2, 1});
  CHECK(values(flip(six, 1)) == Values{3, 2, 1, 6, 5, 4});
  CHECK(values(roll(six, 1)) == Values{6, 1, 2, 3, 4, 5});
  CHECK(values(roll(six, -4, 1)) == Values{2, 3, 1, 5, 6, 4});
  CHECK(values(diag(tensor({1, 2}), -1)) == Values{0, 0, 0, 1, 0, 0, 0, 2, 0});
  CHECK(values(diag(six, 1)) == Values{2, 6});
  CHECK(values(diagonal(six, -1)) == Values{4});
  CHECK(diagonal(six, 5).shape() == Shape{0});
  CHECK(values(tril(six)) == Values{1, 0, 0, 4, 5, 0});
  CHECK(values(triu(six, 1)) == Values{0, 2, 3, 0, 0, 6});
  CHECK_THROWS_WITH_AS(transpose(six, {0}), "transpose: 1 axes were given for a tensor of shape (2, 3)", Error);
  CHECK_THROWS_WITH_AS(transpose(six, {1, -1}), "transpose: axis -1 is given twice", Error);
  CHECK_THROWS_WITH_AS(broadcast_to(six, {3, 2}), "broadcast_to: (2, 3) does not broadcast to (3, 2)", Error);
  CHECK_THROWS_WITH_AS(diagonal(six, 0, 1, -1), "diagonal: the two axes must differ, got 1 and -1", Error);
}

TEST_CASE("joining and splitting") {
  CHECK(values(concatenate({six, tensor({{7}, {8}})}, 1)) == Values{1, 2, 3, 7, 4, 5, 6, 8});
  CHECK(concatenate({six, tensor({{0.5, 1.0, 1.5}})}).dtype() == DType::float32);
  CHECK(values(stack({tensor({1, 2}), tensor({3, 4})}, -1)) == Values{1, 3, 2, 4});
  CHECK(unstack(six, 1).size() == 3);
  CHECK(values(unstack(six, 1)[2]) == Values{3, 6});
  CHECK(values(split(six, 3, 1)[1]) == Values{2, 5});
  const auto parts = split(six, std::vector<std::int64_t>{1, 1}, -1);
  REQUIRE(parts.size() == 3);
  CHECK(parts[1].shape() == Shape{2, 0});
  CHECK(values(parts[2]) == Values{2, 3, 5, 6});
  CHECK_THROWS_WITH_AS(concatenate({six, zeros({3, 2})}, 1),
                       "concatenate: shapes must agree but for axis 1, got (2, 3) and (3, 2)", Error);
  CHECK_THROWS_WITH_AS(concatenate({six, zeros({3})}),
                       "concatenate: shapes must agree but for axis 0, got (2, 3) and (3,)", Error);
  CHECK_THROWS_WITH_AS(concatenate({}), "concatenate: needs at least one tensor, got none", Error);
  CHECK_THROWS_WITH_AS(stack({six, zeros({2})}), "stack: shapes must agree, got (2, 3) and (2,)", Error);
  CHECK_THROWS_WITH_AS(split(six, 2, 1), "split: axis 1 of (2, 3) does not divide into 2 equal parts", Error);
}

TEST_CASE("padding has NumPy's modes, wider than the axis too") {
  const Tensor x = tensor({1, 2, 3});
  CHECK(values(pad(x, {{1, 2}})) == Values{0, 1, 2, 3, 0, 0});
  CHECK(values(pad(x, {{1, 0}}, "constant", 7)) == Values{7, 1, 2, 3});
  CHECK(values(pad(x, {{4, 5}}, "reflect")) == Values{1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2});
  CHECK(values(pad(x, {{4, 5}}, "symmetric")) == Values{3, 3, 2, 1, 1, 2, 3, 3, 2, 1, 1, 2});
  CHECK(values(pad(x, {{2, 1}}, "edge")) == Values{1, 1, 1, 2, 3, 3});
  CHECK_THROWS_WITH_AS(pad(x, {{1, 1}}, "wrap"),
                       "pad: the mode must be \"constant\", \"reflect\", \"symmetric\" or \"edge\", got \"wrap\"",
                       Error);
  CHECK_THROWS_WITH_AS(pad(six, {{1, 1}}), "pad: one Padding per axis is needed, got 1 for shape (2, 3)", Error);
  CHECK_THROWS_WITH_AS(pad(x, {{-1, 1}}), "pad: widths must not be negative, got (-1, 1)", Error);
  constexpr std::int64_t huge = std::int64_t{1} << 62;
  CHECK_THROWS_WITH_AS(pad(x, {{huge, huge}}),
                       "pad: widths of 4611686018427387904 and 4611686018427387904 are more than any memory holds",
                       Error);
  constexpr std::int64_t large = std::int64_t{1} << 31;
  CHECK_THROWS_AS(pad(zeros({1, 1, 1}), {{large, large}, {large, large}, {large, large}}), Error);
  CHECK_THROWS_AS(pad(zeros({0}), {{1, 1}}, "edge"), Error);
}

TEST_CASE("making tensors") {
  CHECK(zeros({2}).dtype() == DType::float32);
  CHECK(values(full({2}, 3)) == Values{3, 3});
  CHECK(full({2}, 3).dtype() == DType::int32);
  CHECK(values(full({2, 2}, tensor({1, 2}))) == Values{1, 2, 1, 2});
  CHECK(values(full({2}, 0.1, DType::float64)) == Values{0.1, 0.1});
  CHECK(!full({}, 2.0).weak());
  CHECK(values(full_like(six, 9)) == Values{9, 9, 9, 9, 9, 9});
  CHECK(values(arange(5, 0, -2)) == Values{5, 3, 1});
  CHECK(arange(5, 0, -2).dtype() == DType::int32);
  CHECK(near(arange(0, 1, 0.3), {0, 0.3, 0.6, 0.9}, 1e-6));
  CHECK(arange(3).shape() == Shape{3});
  CHECK(arange(0).shape() == Shape{0});
  CHECK(values(linspace(2, 3, 5)) == Values{2, 2.25, 2.5, 2.75, 3});
  CHECK(values(linspace(2, 3, 4, false)) == Values{2, 2.25, 2.5, 2.75});
  CHECK(linspace(0, 0.1, 7, true, DType::float64)[-1].item<double>() == 0.1);
  CHECK(values(linspace(3, 9, 1)) == Values{3});
  CHECK(near(logspace(0, 2, 3), {1, 10, 100}, 1e-6));
  CHECK(values(eye(2, 3, 1)) == Values{0, 1, 0, 0, 0, 1});
  CHECK(values(eye(2, 2, -5)) == Values{0, 0, 0, 0});
  CHECK(values(identity(2, DType::int32)) == Values{1, 0, 0, 1});
  CHECK(values(tri(2, 3, 1)) == Values{1, 1, 0, 1, 1, 1});
  CHECK(values(one_hot(tensor({0, 2, -1, 5}), 3)) == Values{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0});
  CHECK(one_hot(tensor({{0, 2}, {-1, 5}}), 3, 1).shape() == Shape{2, 3, 2});
  CHECK(values(one_hot(tensor({1}), 2, -1, DType::boolean)) == Values{0, 1});
  CHECK_THROWS_WITH_AS(one_hot(tensor({1.5}), 2), "one_hot: takes integers, got float32 of shape (1,)", Error);
  CHECK_THROWS_WITH_AS(zeros({None, 2}), "zeros: the shape must be known, got (None, 2)", Error);
  CHECK_THROWS_WITH_AS(arange(0, 1, 0.0), "arange: start and stop must be finite and step not zero, got 0, 1, 0",
                       Error);
  CHECK_THROWS_WITH_AS(full({1}, 300, DType::uint8), "full: the number 300 does not fit into uint8", Error);
  CHECK_THROWS_WITH_AS(eye(-1), "eye: sizes must not be negative, got (-1, -1)", Error);
}
