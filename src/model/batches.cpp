#include "model/batches.hpp"

#include <algorithm>
#include <cmath>

#include <nyala/error.hpp>
#include <nyala/ops/indexing.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "core/random_fill.hpp"
#include "core/seed_stream.hpp"

namespace nyala::detail {

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

class ArrayBatches final : public Batches {
 public:
  ArrayBatches(Tensors x, Tensors y, Tensors sample_weight, const ArrayBatchesOptions& options)
      : data_{std::move(x), std::move(y), std::move(sample_weight)},
        batch_(options.batch_size),
        shuffle_(options.shuffle),
        rows_(common_rows(data_.x, data_.y, data_.sample_weight, options.where)) {
    if (batch_ < 1) throw Error(options.where + ": batch_size must be at least 1, got " + std::to_string(batch_));
  }

  void start() override {
    at_ = 0;
    if (!shuffle_) return;
    order_ = Tensor::empty({rows_}, DType::int64, Device());
    philox::fill_permutation(order_.data<std::int64_t>(), static_cast<std::size_t>(rows_), next_stream());
  }

  bool next(Batch& batch) override {
    if (at_ >= rows_) return false;
    const std::int64_t end = std::min(rows_, at_ + batch_);
    batch.x = part(data_.x, end);
    batch.y = part(data_.y, end);
    batch.sample_weight = part(data_.sample_weight, end);
    at_ = end;
    return true;
  }

  std::optional<std::int64_t> steps() const override { return (rows_ + batch_ - 1) / batch_; }

 private:
  Tensors part(const Tensors& tensors, std::int64_t end) const {
    Tensors parts;
    for (const Tensor& tensor : tensors) {
      if (shuffle_)
        parts.push_back(take(tensor, order_.rows(at_, end), 0));
      else
        parts.push_back(at_ == 0 && end == rows_ ? tensor : tensor.rows(at_, end));
    }
    return parts;
  }

  Batch data_;
  std::int64_t batch_;
  bool shuffle_;
  std::int64_t rows_, at_ = 0;
  Tensor order_;
};

class DatasetBatches final : public Batches {
 public:
  explicit DatasetBatches(const Dataset& data) : data_(data) {}
  void start() override { iterator_ = data_.iterator(); }
  bool next(Batch& batch) override {
    if (iterator_ == nullptr) start();
    return iterator_->next(batch);
  }
  std::optional<std::int64_t> steps() const override {
    const auto count = data_.cardinality();
    return count && *count >= 0 ? count : std::nullopt;
  }

 private:
  Dataset data_;
  std::unique_ptr<Dataset::Iterator> iterator_;
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
