#include "model/batches.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <nyala/error.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "core/random_fill.hpp"
#include "core/seed_stream.hpp"
#include "data/source.hpp"

namespace nyala::detail {

Config to_config(const RandomState& state) {
  return Config::array({static_cast<std::int64_t>(state.seed), static_cast<std::int64_t>(state.streams)});
}

RandomState random_state_from(const Config& config) {
  if (config.size() != 2) throw Error("a random state is two numbers, not " + config.json());
  return {static_cast<std::uint64_t>(config[0].as_integer()), static_cast<std::uint64_t>(config[1].as_integer())};
}

std::int64_t common_rows(const Tensors& x, const Tensors& y, const Tensors& sample_weight, const std::string& where) {
  if (x.empty()) throw Error(where + ": there is no input");
  std::int64_t rows = -1;
  const auto check = [&](const Tensors& tensors, const char* role) {
    for (const Tensor& tensor : tensors) {
      if (!tensor.defined()) throw Error(where + ": " + role + " holds a tensor that was never made");
      if (tensor.rank() == 0) throw Error(where + ": " + role + " must have a batch axis, got a scalar");
      const std::int64_t found = tensor.shape()[0];
      if (rows >= 0 && found != rows) {
        throw Error(where + ": x has " + std::to_string(rows) + " samples, " + role + " has " + std::to_string(found) +
                    "; they must agree");
      }
      rows = found;
    }
  };
  check(x, "x");
  check(y, "y");
  check(sample_weight, "sample_weight");
  if (rows == 0) throw Error(where + ": the data is empty (0 samples)");
  return rows;
}

namespace {

void require_same(const Config& then, const Config& now, const char* what) {
  if (then == now) return;
  throw Error(std::string("the training data's ") + what + " is " + now.json() + " and was " + then.json());
}

class ArrayBatches final : public Batches {
 public:
  ArrayBatches(Tensors x, Tensors y, Tensors sample_weight, const ArrayBatchesOptions& options)
      : data_{std::move(x), std::move(y), std::move(sample_weight)},
        batch_(options.batch_size),
        shuffle_(options.shuffle),
        ahead_(options.ahead),
        rows_(common_rows(data_.x, data_.y, data_.sample_weight, options.where)) {
    if (batch_ < 1) throw Error(options.where + ": batch_size must be at least 1, got " + std::to_string(batch_));
  }

  void start() override {
    at_ = 0;
    before_ = random_state();
    shuffled_.reset();
    if (!shuffle_) return;
    const auto count = static_cast<std::size_t>(rows_);
    const bool narrow = rows_ <= std::numeric_limits<std::int32_t>::max();  // as nearly always: half the memory to walk
    order_ = Tensor::empty({rows_}, narrow ? DType::int32 : DType::int64, Device());
    if (narrow)
      philox::fill_permutation(order_.data<std::int32_t>(), count, next_stream());
    else
      philox::fill_permutation(order_.data<std::int64_t>(), count, next_stream());
  }

  bool next(Batch& batch) override {
    if (at_ >= rows_) return false;
    const std::int64_t end = std::min(rows_, at_ + batch_);
    if (shuffle_) {
      if (!shuffled_) shuffled_.emplace(data_, order_, at_, batch_, ahead_);
      shuffled_->get(at_, end, batch);
    } else {
      batch = {part(data_.x, end), part(data_.y, end), part(data_.sample_weight, end)};
    }
    at_ = end;
    return true;
  }

  std::optional<std::int64_t> steps() const override { return (rows_ + batch_ - 1) / batch_; }

  Config position() const override {
    return Config::object({{"kind", "arrays"},
                           {"samples", rows_},
                           {"batch_size", batch_},
                           {"shuffle", shuffle_},
                           {"random", to_config(before_)},
                           {"at", at_}});
  }

  void check(const Config& position, bool within) const override {
    if (!within) return;
    require_same(position.at("kind"), "arrays", "kind");
    require_same(position.at("samples"), rows_, "number of samples");
    require_same(position.at("batch_size"), batch_, "batch_size");
    require_same(position.at("shuffle"), shuffle_, "shuffle");
    random_state_from(position.at("random"));
    const std::int64_t at = position.at("at").as_integer();
    if (at < 0 || at > rows_) throw Error("there is no sample " + std::to_string(at));
  }

  void go_to(const Config& position, bool within) override {
    if (!within) return;
    set_random_state(random_state_from(position.at("random")));
    start();
    at_ = position.at("at").as_integer();
  }

 private:
  Tensors part(const Tensors& tensors, std::int64_t end) const {
    Tensors parts;
    for (const Tensor& tensor : tensors) {
      parts.push_back(at_ == 0 && end == rows_ ? tensor : tensor.rows(at_, end));
    }
    return parts;
  }

  Batch data_;
  std::int64_t batch_;
  bool shuffle_;
  Ahead ahead_;
  std::int64_t rows_, at_ = 0;
  RandomState before_;
  Tensor order_;
  std::optional<ShuffledRows> shuffled_;
};

class DatasetBatches final : public Batches {
 public:
  explicit DatasetBatches(const Dataset& data) : data_(data) {}
  void start() override {
    before_ = random_state();
    passes_ = DatasetPasses::of(data_);
    taken_ = 0;
    iterator_ = data_.iterator();
  }
  bool next(Batch& batch) override {
    if (iterator_ == nullptr) start();
    if (!iterator_->next(batch)) return false;
    ++taken_;
    return true;
  }

  Config position() const override {
    return Config::object({{"kind", "dataset"},
                           {"random", to_config(before_)},
                           {"begun_at", static_cast<std::int64_t>(passes_)},
                           {"passes", static_cast<std::int64_t>(DatasetPasses::of(data_))},
                           {"taken", taken_}});
  }

  void check(const Config& position, bool within) const override {
    if (!within && position.at("kind") != Config("dataset")) return;
    require_same(position.at("kind"), "dataset", "kind");
    random_state_from(position.at("random"));
    for (const char* key : {"begun_at", "passes", "taken"}) {
      if (position.at(key).as_integer() < 0) throw Error(std::string("\"") + key + "\" is negative");
    }
  }

  void go_to(const Config& position, bool within) override {
    if (position.at("kind") != Config("dataset")) return;
    if (within) {
      set_random_state(random_state_from(position.at("random")));
      DatasetPasses::set(data_, static_cast<std::uint64_t>(position.at("begun_at").as_integer()));
      start();
      const std::int64_t taken = position.at("taken").as_integer();
      for (Batch passed; taken_ < taken && next(passed);) continue;
      if (taken_ < taken) {
        throw Error("fit: the backup was made after " + std::to_string(taken) + " batches, the dataset has " +
                    std::to_string(taken_));
      }
    }
    DatasetPasses::set(data_, static_cast<std::uint64_t>(position.at("passes").as_integer()));
  }
  std::optional<std::int64_t> steps() const override {
    const auto count = data_.cardinality();
    return count && *count >= 0 ? count : std::nullopt;
  }

 private:
  Dataset data_;
  std::unique_ptr<Dataset::Iterator> iterator_;
  RandomState before_;
  std::uint64_t passes_ = 0;
  std::int64_t taken_ = 0;
};

Tensor weights_for(const std::map<int, double>& weights, const Tensor& y, const std::string& where) {
  Tensor labels = y;
  if (labels.rank() > 1 && labels.shape().back() > 1)
    labels = argmax(labels, -1);
  else if (labels.rank() > 1)
    labels = squeeze(labels, -1);
  if (labels.rank() != 1) {
    throw Error(where + ": class_weight needs one label per sample, y has the shape " + y.shape().str());
  }
  const std::vector<double> values = labels.to_vector<double>();
  std::vector<float> result;
  result.reserve(values.size());
  for (const double value : values) {
    const auto found = weights.find(static_cast<int>(std::lround(value)));
    result.push_back(found == weights.end() ? 1.0f : static_cast<float>(found->second));
  }
  return tensor(result);
}

}  // namespace

std::unique_ptr<Batches> array_batches(const Tensors& x, const Tensors& y, const Tensors& sample_weight,
                                       const ArrayBatchesOptions& options) {
  return std::make_unique<ArrayBatches>(x, y, sample_weight, options);
}

std::unique_ptr<Batches> dataset_batches(const Dataset& data) { return std::make_unique<DatasetBatches>(data); }

Tensors class_sample_weights(const ClassWeights& weights, const Tensors& y,
                             const std::vector<std::string>& output_names) {
  for (const auto& [name, of_output] : weights.by_output()) {
    if (std::find(output_names.begin(), output_names.end(), name) == output_names.end()) {
      throw Error("fit: class_weight names the output \"" + name + "\", which the model has not");
    }
  }
  Tensors result;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const std::map<int, double>* of_output = &weights.weights();
    if (!weights.by_output().empty()) {
      const auto found = weights.by_output().find(i < output_names.size() ? output_names[i] : "");
      of_output = found == weights.by_output().end() ? nullptr : &found->second;
    }
    result.push_back(of_output == nullptr ? Tensor() : weights_for(*of_output, y[i], "fit"));
  }
  return result;
}

}  // namespace nyala::detail
