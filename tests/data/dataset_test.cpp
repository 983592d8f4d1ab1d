#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <vector>

#include <nyala/dataset.hpp>
#include <nyala/datasets.hpp>
#include <nyala/error.hpp>
#include <nyala/ops.hpp>
#include <nyala/random.hpp>

using namespace nyala;

namespace {

std::vector<std::vector<int>> batches_of(const Dataset& data) {
  std::vector<std::vector<int>> batches;
  const auto iterator = data.iterator();
  for (Batch batch; iterator->next(batch);) batches.push_back(batch.x.only().to_vector<int>());
  return batches;
}

std::vector<int> flat(const std::vector<std::vector<int>>& batches) {
  std::vector<int> all;
  for (const auto& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
  return all;
}

std::vector<int> counted(int n) {
  std::vector<int> all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

Dataset numbers(int n) { return Dataset::from_tensor_slices(tensor(counted(n)), tensor(counted(n))); }

}  // namespace

TEST_CASE("batches hold every row once, the last one what is left") {
  const auto batches = batches_of(numbers(10).batch(4));
  REQUIRE(batches.size() == 3);
  CHECK(batches[2] == std::vector<int>{8, 9});
  CHECK(flat(batches) == counted(10));
  CHECK(batches_of(numbers(10).batch(4, true)).size() == 2);
  CHECK(*numbers(10).batch(4).cardinality() == 3);
  CHECK(batches_of(numbers(1).batch(4)).size() == 1);
}

TEST_CASE("shuffles are permutations, differ from pass to pass, and repeat with the seed") {
  set_random_seed(4);
  const Dataset data = numbers(50).shuffle(50).batch(7);
  std::vector<int> first = flat(batches_of(data)), second = flat(batches_of(data));
  CHECK(first != second);
  CHECK(first != counted(50));
  set_random_seed(4);
  const Dataset again = numbers(50).shuffle(50).batch(7);
  CHECK(flat(batches_of(again)) == first);
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  CHECK(first == counted(50));
  CHECK(second == counted(50));
  std::vector<int> narrow = flat(batches_of(numbers(50).shuffle(5).batch(7)));
  std::sort(narrow.begin(), narrow.end());
  CHECK(narrow == counted(50));
}

TEST_CASE("map, filter, take, skip, repeat, zip and cache") {
  const auto doubled = [](const Batch& element) { return Batch{element.x.only() * 2, element.y, {}}; };
  const auto even = [](const Batch& element) { return element.x.only().item<int>() % 2 == 0; };
  CHECK(flat(batches_of(numbers(4).map(doubled).batch(2))) == std::vector<int>{0, 2, 4, 6});
  CHECK(flat(batches_of(numbers(6).filter(even).batch(2))) == std::vector<int>{0, 2, 4});
  CHECK(flat(batches_of(numbers(6).skip(2).take(3).batch(2))) == std::vector<int>{2, 3, 4});
  CHECK(flat(batches_of(numbers(2).repeat(3).batch(4))) == std::vector<int>{0, 1, 0, 1, 0, 1});
  CHECK(*numbers(2).repeat().cardinality() < 0);
  CHECK(flat(batches_of(numbers(2).repeat().take(5).batch(5))) == std::vector<int>{0, 1, 0, 1, 0});
  int made = 0;
  const Dataset cached = Dataset::range(3).map([&](const Batch& element) { return ++made, element; }).cache();
  CHECK(batches_of(cached) == batches_of(cached));
  CHECK(made == 3);
  const auto pairs = Dataset::zip(Dataset::range(3), numbers(3).map(doubled)).iterator();
  Batch pair;
  REQUIRE(pairs->next(pair));
  REQUIRE(pairs->next(pair));
  CHECK(pair.x.only().item<int>() == 1);
  CHECK(pair.y.only().item<int>() == 2);
}

TEST_CASE("mistakes with data are named") {
  CHECK_THROWS_WITH_AS(Dataset::from_tensor_slices(ones({3, 2}), ones({4})), doctest::Contains("3"), Error);
  CHECK_THROWS_AS(numbers(3).batch(0), Error);
  CHECK_THROWS_AS(Dataset::from_tensor_slices(Tensor(1.0)), Error);
}

TEST_CASE("MNIST is read from its files") {
  const auto [train, test] = datasets::mnist::load_data();
  CHECK(train.x.shape() == Shape{60000, 28, 28});
  CHECK(train.x.dtype() == DType::uint8);
  CHECK(train.y.shape() == Shape{60000});
  CHECK(test.x.shape() == Shape{10000, 28, 28});
  CHECK(test.y.rows(0, 5).to_vector<int>() == std::vector<int>{7, 2, 1, 0, 4});
  CHECK(max(train.x).item<int>() == 255);
}
