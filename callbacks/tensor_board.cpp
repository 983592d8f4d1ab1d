#include <nyala/callbacks/tensor_board.hpp>

#include <nyala/error.hpp>
#include <nyala/model.hpp>
#include <nyala/ops/shape.hpp>
#include <nyala/summary_writer.hpp>

#include "support.hpp"

namespace nyala {

namespace {

/// Keras' way of showing a weight as images; a null tensor where it has none.
Tensor as_images(const Tensor& weight) {
  std::vector<std::int64_t> sizes;
  for (const std::int64_t size : weight.shape()) {
    if (size != 1) sizes.push_back(size);
  }
  Tensor flat = reshape(weight, Shape(sizes));
  if (sizes.size() == 1) return reshape(flat, {1, sizes[0], 1, 1});
  if (sizes.size() == 2) {
    if (sizes[0] > sizes[1]) flat = transpose(flat);
    return reshape(flat, {1, flat.shape()[0], flat.shape()[1], 1});
  }
  if (sizes.size() == 3) return expand_dims(transpose(flat, {2, 0, 1}), -1);
  if (sizes.size() == 4 && (sizes[3] == 1 || sizes[3] == 3 || sizes[3] == 4)) return flat;
  return {};
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TensorBoard::TensorBoard(TensorBoardOptions options) : options_(std::move(options)) {
  if (options_.log_dir.empty()) throw Error("TensorBoard: log_dir is empty");
  if (options_.histogram_freq < 0) {
    throw Error("TensorBoard: histogram_freq must not be negative, got " + std::to_string(options_.histogram_freq));
  }
}

SummaryWriter& TensorBoard::writer(bool validation) {
  std::shared_ptr<SummaryWriter>& place = validation ? validation_ : train_;
  if (place == nullptr) {
    place = std::make_shared<SummaryWriter>(options_.log_dir + (validation ? "/validation" : "/train"));
  }
  return *place;
}

void TensorBoard::on_train_begin(const Logs&) { batch_ = 0; }

void TensorBoard::on_train_end(const Logs&) {
  for (auto* place : {&train_, &validation_}) {
    if (*place != nullptr) (*place)->flush();
    *place = nullptr;
  }
}

void TensorBoard::on_epoch_begin(int, const Logs&) {
  iterations_at_epoch_ = model().optimizer().iterations();
  epoch_start_ = Clock::now();
}

void TensorBoard::on_train_batch_begin(int, const Logs&) {
  ++batch_;
  batch_start_ = Clock::now();
}

void TensorBoard::on_train_batch_end(int, const Logs& logs) {
  // Only now is a model without an Input built.
  if (batch_ == 1 && options_.write_graph) writer(false).graph(model());
  if (options_.update_freq.each_epoch() || batch_ % options_.update_freq.batches() != 0) return;
  if (options_.write_steps_per_second) {
    writer(false).scalar("batch_steps_per_second", 1.0 / seconds_since(batch_start_), batch_);
  }
  for (const auto& [name, value] : logs) writer(false).scalar("batch_" + name, value, batch_);
}

void TensorBoard::on_test_end(const Logs& logs) {
  for (const auto& [name, value] : logs) {
    writer(true).scalar("evaluation_" + name + "_vs_iterations", value, model().optimizer().iterations());
  }
  writer(true).flush();
}

void TensorBoard::on_epoch_end(int epoch, const Logs& logs) {
  for (const auto& [name, value] : logs) {
    const bool validation = name.starts_with("val_");
    writer(validation).scalar("epoch_" + (validation ? name.substr(4) : name), value, epoch);
  }
  for (const auto& [optimizer, name] : detail::rated_optimizers(model())) {
    const std::string entry = detail::rate_entry(name);
    if (!logs.contains(entry)) writer(false).scalar("epoch_" + entry, optimizer->learning_rate(), epoch);
  }
  if (options_.write_steps_per_second) {
    const auto steps = static_cast<double>(model().optimizer().iterations() - iterations_at_epoch_);
    writer(false).scalar("epoch_steps_per_second", steps / seconds_since(epoch_start_), epoch);
  }
  if (options_.histogram_freq > 0 && epoch % options_.histogram_freq == 0) write_weights(epoch);
  writer(false).flush();
  if (validation_ != nullptr) validation_->flush();
}

void TensorBoard::write_weights(int epoch) {
  for (const Variable& weight : model().weights()) {
    writer(false).histogram(weight.path() + "/histogram", weight.value(), epoch);
    const Tensor images = options_.write_images ? as_images(weight.value()) : Tensor();
    if (images.defined()) writer(false).image(weight.path() + "/image", images, epoch);
  }
}

SavedState TensorBoard::state() const {
  return {Config::object({{"batch", batch_}, {"iterations", model().optimizer().iterations()}}), {}};
}

// Speed is measured anew from here.
void TensorBoard::restore(const SavedState& state) {
  batch_ = state.values.at("batch").as_integer();
  iterations_at_epoch_ = state.values.at("iterations").as_integer();
  epoch_start_ = Clock::now();
  // The run that was killed may have logged batches that come once more now.
  if (!options_.update_freq.each_epoch()) writer(false).restart(batch_ + 1);
}

}  // namespace nyala
