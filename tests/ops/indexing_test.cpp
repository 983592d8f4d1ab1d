#include "ops/expect.hpp"
#include "support/device.hpp"

using namespace nyala;
using namespace nyala::testing;

namespace {
Tensor box = reshape(arange(24), {2, 3, 4});
const Globals moved_box{&box};
const Slice all_of_it = {};
}  // namespace

TEST_CASE("brackets read as NumPy's") {
  CHECK(values(box[1][0]) == Values{12, 13, 14, 15});
  CHECK(box[1].raw_data() == static_cast<const std::int32_t*>(box.raw_data()) + 12);
  CHECK(values(box(-1, 2, 3)) == Values{23});
  CHECK(box(-1, 2, 3).shape() == Shape{});
  CHECK(values(box(1, Slice{1, {}}, Slice{{}, {}, 2})) == Values{16, 18, 20, 22});
  CHECK(box(ellipsis, newaxis, Slice{{}, {}, -3}).shape() == Shape{2, 3, 1, 2});
  CHECK(values(box(0, 0, Slice{{}, {}, -3})) == Values{3, 0});
  CHECK(values(box(0, 0, Slice{-100, 100})) == Values{0, 1, 2, 3});
  CHECK(values(box(0, 0, Slice{-2, -10, -1})) == Values{2, 1, 0});
  CHECK(box(0, 0, Slice{3, 1}).shape() == Shape{0});
  CHECK(box(Slice{0, 0}).shape() == Shape{0, 3, 4});
  CHECK(box(newaxis).shape() == Shape{1, 2, 3, 4});
  CHECK_THROWS_WITH_AS(box(2), "index: 2 is out of range for axis 0 of size 2", Error);
  CHECK_THROWS_WITH_AS(box(0, -4), "index: -4 is out of range for axis 1 of size 3", Error);
  CHECK_THROWS_WITH_AS(box[2], "index: 2 is out of range for axis 0 of size 2", Error);
  CHECK_THROWS_WITH_AS(box(0, 0, 0, 0), "index: 4 axes are indexed, the shape is (2, 3, 4)", Error);
  CHECK_THROWS_WITH_AS(box(ellipsis, ellipsis), "index: at most one ellipsis may stand among the indices", Error);
  CHECK_THROWS_WITH_AS(box(Slice{{}, {}, 0}), "index: the step of a slice must not be 0", Error);
  CHECK_THROWS_WITH_AS(Tensor(1)[0], "index: a scalar has no entry 0", Error);
}

TEST_CASE("tensors between brackets read as NumPy's arrays") {
  CHECK(box(0, all_of_it, tensor({0, 2})).shape() == Shape{2, 3});
  CHECK(values(box(0, all_of_it, tensor({0, 2}))) == Values{0, 4, 8, 2, 6, 10});
  CHECK(values(box(all_of_it, tensor({0, 2}), tensor({1, 3}))) == Values{1, 11, 13, 23});
  CHECK(values(box(tensor({0, 1}), all_of_it, tensor({1, 3}))) == Values{1, 5, 9, 15, 19, 23});
  CHECK(values(box(1, tensor({0, 2}), Slice{{}, {}, 2})) == Values{12, 14, 20, 22});
  CHECK(box(all_of_it, tensor({{0}, {2}}), Slice{1, 3}).shape() == Shape{2, 2, 1, 2});
  CHECK(values(box(tensor({-1}), 0, 0)) == Values{12});
  CHECK(values(box(box % 5 == 0)) == Values{0, 5, 10, 15, 20});
  CHECK(box(all_of_it, tensor({true, false, true})).shape() == Shape{2, 2, 4});
  CHECK(box(box(all_of_it, all_of_it, 0) > 3).shape() == Shape{5, 4});
  CHECK(box(box > 100).shape() == Shape{0});
  CHECK(box(Slice{0, 1}, tensor({0, 1}), ellipsis, 3).shape() == Shape{2, 1});
  CHECK(told([] { box(tensor({0, 2})); }) == out_of_range("index", 2, 2));
  CHECK_THROWS_WITH_AS(box(tensor({0.5})), "index: indices must be integers, got float32 of shape (1,)", Error);
  CHECK_THROWS_WITH_AS(box(tensor({true})), "index: a mask of shape (1,) stands for axes of shape (2,)", Error);
  CHECK_THROWS_WITH_AS(box(tensor({0, 1}), tensor({0, 1, 2})), "index: shapes do not broadcast: (2,) and (3,)", Error);
  const auto places = nonzero(tensor({{0, 3}, {4, 0}}));
  CHECK(values(places[0]) == Values{0, 1});
  CHECK(values(places[1]) == Values{1, 0});
}

TEST_CASE("take, gather and take_along_axis") {
  CHECK(values(take(box, tensor({0, -1}))) == Values{0, 23});
  CHECK(take(box, tensor({{0, -1}}), 1).shape() == Shape{2, 1, 2, 4});
  CHECK(values(take(tensor({{1, 2}, {3, 4}}), cast(tensor({1, 0}), DType::uint8), -1)) == Values{2, 1, 4, 3});
  CHECK(values(gather(tensor({{1, 2}, {3, 4}}), tensor({1}))) == Values{3, 4});
  CHECK(values(take_along_axis(tensor({{1, 2}, {3, 4}}), tensor({{1}, {0}}), 1)) == Values{2, 3});
  CHECK(values(take_along_axis(tensor({{1, 2}, {3, 4}}), tensor({{-1, 0}}), 0)) == Values{3, 2});
  CHECK(told([] { take(box, tensor({0, -3}), 0); }) == out_of_range("take", -3, 2));
  CHECK(told([] { gather(box, tensor({7})); }) == out_of_range("gather", 7, 2));
  CHECK_THROWS_WITH_AS(take(zeros({0}), tensor({0})), doctest::Contains("is out of range for an axis of size 0"),
                       Error);
  CHECK_THROWS_WITH_AS(take_along_axis(box, tensor({0}), 0),
                       "take_along_axis: x and indices must have as many axes, got (2, 3, 4) and (1,)", Error);
}

TEST_CASE("slices, scatters and segments") {
  CHECK(values(slice(box, {1, 0, 2}, {1, 2, 2})) == Values{14, 15, 18, 19});
  CHECK(values(slice_update(zeros({2, 2}), {1, 0}, tensor({{5, 6}}))) == Values{0, 0, 5, 6});
  CHECK(slice_update(zeros({2, 2}), {1, 0}, tensor({{5, 6}})).dtype() == DType::float32);
  CHECK_THROWS_WITH_AS(slice(box, {0, 2, 0}, {1, 2, 1}),
                       "slice: a block of (1, 2, 1) that begins at (0, 2, 0) is not inside (2, 3, 4)", Error);
  CHECK(values(scatter(tensor({{1}, {3}, {1}}), tensor({10.0, 20.0, 5.0}), {4})) == Values{0, 15, 0, 20});
  CHECK(values(scatter(tensor({{0, 1}, {-1, 0}}), tensor({1, 2}), {2, 2})) == Values{0, 1, 2, 0});
  CHECK(values(scatter_update(zeros({3}), tensor({{0}, {2}, {0}}), tensor({1.0, 2.0, 3.0}))) == Values{3, 0, 2});
  CHECK(values(scatter_update(tensor({{1, 2}, {3, 4}}), tensor({{1}}), tensor({{7, 8}}))) == Values{1, 2, 7, 8});
  CHECK(told([] { scatter(tensor({{4}}), tensor({1.0}), {4}); }) == out_of_range("scatter", 4, 4));
  CHECK_THROWS_WITH_AS(scatter(tensor({{0}}), tensor({1.0, 2.0}), {4}),
                       "scatter: indices (1, 1) into (4,) need values of shape (1,), got (2,)", Error);
  const Tensor data = tensor({{1.0, 2.0}, {3.0, 0.0}, {5.0, 9.0}}), ids = tensor({1, 1, 3});
  CHECK(values(segment_sum(data, ids, 4)) == Values{0, 0, 4, 2, 0, 0, 5, 9});
  CHECK(near(segment_max(data, ids, 4), {-INFINITY, -INFINITY, 3, 2, -INFINITY, -INFINITY, 5, 9}));
  CHECK(told([&] { segment_sum(data, ids, 3); }) ==
        (on_gpu() ? found_later("segment_sum: a segment is not below 3") : "segment_sum: segment 3 is not in [0, 3)"));
  CHECK_THROWS_WITH_AS(segment_sum(data, tensor({0, 1}), 3),
                       "segment_sum: takes data (n, …) and segment ids (n,), got (3, 2) and (2,)", Error);
}
