#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <nyala/datasets.hpp>
#include <nyala/error.hpp>
#include <nyala/ops.hpp>
#include <nyala/random.hpp>
#include <nyala/utils.hpp>

using namespace nyala;

TEST_CASE("to_categorical") {
  const Tensor rows = utils::to_categorical(tensor(std::vector<int>{0, 2}));
  CHECK(rows.shape() == Shape{2, 3});
  CHECK(rows.dtype() == DType::float32);
  CHECK(rows.to_vector<float>() == std::vector<float>{1, 0, 0, 0, 0, 1});
  CHECK(utils::to_categorical(tensor(std::vector<std::uint8_t>{1, 1}, {2, 1}), 4).shape() == Shape{2, 4});
  CHECK(utils::to_categorical(tensor(std::vector<float>{1, 0}), 2).to_vector<float>() ==
        std::vector<float>{0, 1, 1, 0});
  CHECK(utils::to_categorical(zeros({0}), 3).shape() == Shape{0, 3});
  CHECK_THROWS_WITH_AS(utils::to_categorical(tensor(std::vector<int>{0, 3}), 3),
                       "to_categorical: with num_classes = 3 the class numbers must be below it, got 3", Error);
  CHECK_THROWS_AS(utils::to_categorical(tensor(std::vector<int>{-1})), Error);
  CHECK_THROWS_AS(utils::to_categorical(tensor(std::vector<float>{0.5F})), Error);
  CHECK_THROWS_AS(utils::to_categorical(tensor(std::vector<float>{NAN})), Error);
}

TEST_CASE("normalize") {
  const std::vector<float> rows = utils::normalize(tensor({{3, 4}, {0, 0}})).to_vector<float>();
  CHECK(rows[0] == doctest::Approx(0.6));
  CHECK(rows[1] == doctest::Approx(0.8));
  CHECK(rows[2] == 0.0F);
  CHECK(utils::normalize(tensor({3.0F, 4.0F}), -1, 1).to_vector<float>()[1] == doctest::Approx(4.0 / 7));
}

TEST_CASE("pad_sequences, as Keras") {
  const std::vector<std::vector<int>> ragged{{1}, {2, 3}, {4, 5, 6}};
  const Tensor cut = utils::pad_sequences(ragged, {.maxlen = 2});
  CHECK(cut.dtype() == DType::int32);
  CHECK(cut.to_vector<int>() == std::vector<int>{0, 1, 2, 3, 5, 6});
  CHECK(utils::pad_sequences(ragged, {.padding = "post", .value = 9}).to_vector<int>() ==
        std::vector<int>{1, 9, 9, 2, 3, 9, 4, 5, 6});
  CHECK(utils::pad_sequences(ragged, {.maxlen = 2, .truncating = "post"}).to_vector<int>() ==
        std::vector<int>{0, 1, 2, 3, 4, 5});
  CHECK(utils::pad_sequences(std::vector<std::vector<int>>{{}, {7}}).to_vector<int>() == std::vector<int>{0, 7});
  CHECK(utils::pad_sequences(std::vector<std::vector<int>>{}).shape() == Shape{0, 0});
  const Tensor steps = utils::pad_sequences(std::vector<Tensor>{ones({1, 2}), ones({3, 2})}, {.dtype = DType::float32});
  CHECK(steps.shape() == Shape{2, 3, 2});
  CHECK(steps.to_vector<float>() == std::vector<float>{0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1});
  CHECK_THROWS_WITH_AS(utils::pad_sequences(ragged, {.padding = "left"}),
                       "pad_sequences: padding must be \"pre\" or \"post\", got \"left\"", Error);
  CHECK_THROWS_AS(utils::pad_sequences(std::vector<Tensor>{ones({1, 2}), ones({3, 1})}), Error);
}

TEST_CASE("windows of a time series") {
  const Tensor data = arange(0, 10), targets = arange(0, 10) * 10;
  const auto collect = [](const Dataset& windows) {
    std::vector<std::vector<int>> all;
    const auto iterator = windows.iterator();
    for (Batch batch; iterator->next(batch);) {
      std::vector<int> values = batch.x.only().to_vector<int>();
      if (!batch.y.empty()) {
        for (const int target : batch.y.only().to_vector<int>()) values.push_back(target);
      }
      all.push_back(values);
    }
    return all;
  };
  CHECK(collect(utils::timeseries_dataset_from_array(data, targets, 4, {.sequence_stride = 3, .batch_size = {}})) ==
        std::vector<std::vector<int>>{{0, 1, 2, 3, 0}, {3, 4, 5, 6, 30}, {6, 7, 8, 9, 60}});
  CHECK(collect(utils::timeseries_dataset_from_array(
            data, {}, 3, {.sequence_stride = 2, .sampling_rate = 2, .batch_size = 2, .start_index = 1})) ==
        std::vector<std::vector<int>>{{1, 3, 5, 3, 5, 7}, {5, 7, 9}});
  // Targets that begin ten steps later end as many windows earlier.
  CHECK(*utils::timeseries_dataset_from_array(data, data.rows(3, 10), 3, {.batch_size = {}}).cardinality() == 7);
  const Dataset shuffled =
      utils::timeseries_dataset_from_array(data, targets, 1, {.batch_size = {}, .shuffle = true, .seed = 1});
  std::vector<std::vector<int>> found = collect(shuffled);
  CHECK(found.size() == 10);
  for (const std::vector<int>& pair : found) CHECK(pair[1] == 10 * pair[0]);
  CHECK_FALSE(std::is_sorted(found.begin(), found.end()));
  CHECK(std::set<std::vector<int>>(found.begin(), found.end()).size() == 10);
  CHECK_THROWS_WITH_AS(
      utils::timeseries_dataset_from_array(data, {}, 11),
      "timeseries_dataset_from_array: a window of 11 entries, one every 1 steps, is longer than the 10 "
      "steps of the data",
      Error);
  CHECK_THROWS_AS(utils::timeseries_dataset_from_array(data, {}, 0), Error);
  CHECK_THROWS_AS(utils::timeseries_dataset_from_array(data, {}, 2, {.sampling_rate = 1'000'000'000'000}), Error);
  CHECK_THROWS_AS(utils::timeseries_dataset_from_array(data, {}, 2, {.end_index = 11}), Error);
}

TEST_CASE("split_dataset") {
  set_random_seed(3);
  const Dataset data = Dataset::range(10);
  const auto sum_of = [](const Dataset& part) {
    int sum = 0;
    const auto iterator = part.iterator();
    for (Batch one; iterator->next(one);) sum += one.x.only().item<int>();
    return sum;
  };
  const auto [left, right] = utils::split_dataset(data, 0.75);
  CHECK(*left.cardinality() == 7);
  CHECK(*right.cardinality() == 3);
  CHECK(sum_of(right) == 24);
  const auto [a, b] = utils::split_dataset(data, 4, 6, true);
  CHECK(sum_of(a) + sum_of(b) == 45);
  CHECK(sum_of(a) == sum_of(a));
  CHECK(sum_of(utils::split_dataset(data, 2, 0.1).second) == 9);
  CHECK_THROWS_AS(utils::split_dataset(data, 6, 5), Error);
  CHECK_THROWS_AS(utils::split_dataset(data, 11), Error);
  CHECK_THROWS_AS(utils::split_dataset(data.repeat(), 1), Error);
}

TEST_CASE("CIFAR is read from its binary files") {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "nyala_cifar_test";
  std::filesystem::create_directories(folder / "cifar10");
  std::filesystem::create_directories(folder / "cifar100");
  const auto write = [&](const std::string& name, const std::vector<std::string>& records) {
    std::ofstream file(folder / name, std::ios::binary);
    for (const std::string& record : records) file << record;
  };
  std::string picture;
  for (int channel = 0; channel < 3; ++channel) picture += std::string(1024, static_cast<char>(channel + 1));
  picture[1] = 9;
  for (int i = 1; i <= 5; ++i) write("cifar10/data_batch_" + std::to_string(i) + ".bin", {char(i) + picture});
  write("cifar10/test_batch.bin", {char(7) + picture, char(8) + picture});
  write("cifar100/train.bin", {std::string{3, 42} + picture});
  write("cifar100/test.bin", {std::string{3, 43} + picture});
  const char* before = std::getenv("NYALA_DATA_DIR");
  const std::string kept = before == nullptr ? "" : before;
  setenv("NYALA_DATA_DIR", folder.c_str(), 1);
  const auto [train, test] = datasets::cifar10::load_data();
  CHECK(train.x.shape() == Shape{5, 32, 32, 3});
  CHECK(train.y.shape() == Shape{5, 1});
  CHECK(train.y.to_vector<int>() == std::vector<int>{1, 2, 3, 4, 5});
  CHECK(test.y.to_vector<int>() == std::vector<int>{7, 8});
  const std::vector<int> pixels = test.x.to_vector<int>();
  CHECK(std::vector<int>(pixels.begin(), pixels.begin() + 6) == std::vector<int>{1, 2, 3, 9, 2, 3});
  CHECK(datasets::cifar100::load_data().train.y.item<int>() == 42);
  CHECK(datasets::cifar100::load_data("coarse").test.y.item<int>() == 3);
  CHECK_THROWS_AS(datasets::cifar100::load_data("rough"), Error);
  write("cifar10/test_batch.bin", {char(7) + picture + "x"});
  CHECK_THROWS_AS(datasets::cifar10::load_data(), Error);
  write("cifar10/test_batch.bin", {char(10) + picture});
  CHECK_THROWS_AS(datasets::cifar10::load_data(), Error);
  write("cifar10/test_batch.bin", {});
  CHECK_THROWS_AS(datasets::cifar10::load_data(), Error);
  std::filesystem::remove(folder / "cifar10/test_batch.bin");
  CHECK_THROWS_AS(datasets::cifar10::load_data(), Error);
  if (before != nullptr)
    setenv("NYALA_DATA_DIR", kept.c_str(), 1);
  else
    unsetenv("NYALA_DATA_DIR");
  std::filesystem::remove_all(folder);
}
