#include <nyala/callbacks/early_stopping.hpp>

#include <nyala/error.hpp>
#include <nyala/model.hpp>

#include "support.hpp"

namespace nyala {

EarlyStopping::EarlyStopping(EarlyStoppingOptions options)
    : MonitorCallback("EarlyStopping", options.monitor, options.mode, options.min_delta), options_(std::move(options)) {
  if (options_.patience < 0) {
    throw Error("EarlyStopping: patience must not be negative, got " + std::to_string(options_.patience));
  }
}

void EarlyStopping::on_train_begin(const Logs&) {
  reset_monitor();
  wait_ = stopped_epoch_ = best_epoch_ = 0;
  best_.reset();
  best_weights_.clear();
}

void EarlyStopping::remember_weights(int epoch) {
  best_epoch_ = epoch;
  if (!options_.restore_best_weights) return;
  best_weights_ = model().get_weights();
  // Weights are changed in place by the steps to come.
  for (Tensor& weight : best_weights_) weight = weight.clone();
}

void EarlyStopping::on_epoch_end(int epoch, const Logs& logs) {
  find_direction();
  const auto current = monitored(logs, "stopping depends on");
  if (!current || epoch < options_.start_from_epoch) return;
  if (options_.restore_best_weights && best_weights_.empty()) remember_weights(epoch);
  ++wait_;
  if (is_improvement(*current, best_)) {
    best_ = current;
    remember_weights(epoch);
    if (!options_.baseline || is_improvement(*current, options_.baseline)) wait_ = 0;
    return;
  }
  if (wait_ >= options_.patience && epoch > 0) {
    stopped_epoch_ = epoch;
    model().set_stop_training(true);
  }
}

void EarlyStopping::on_train_end(const Logs&) {
  if (stopped_epoch_ > 0 && options_.verbose > 0) {
    detail::say("Epoch " + std::to_string(stopped_epoch_ + 1) + ": early stopping");
  }
  if (best_weights_.empty()) return;
  if (options_.verbose > 0) {
    detail::say("Restoring model weights from the end of the best epoch: " + std::to_string(best_epoch_ + 1) + ".");
  }
  model().set_weights(best_weights_);
}

SavedState EarlyStopping::state() const {
  SavedState state{Config::object({{"wait", wait_},
                                   {"stopped_epoch", stopped_epoch_},
                                   {"best_epoch", best_epoch_},
                                   {"best", best_},
                                   {"weights", best_weights_.size()}}),
                   {}};
  for (std::size_t i = 0; i < best_weights_.size(); ++i) state.tensors[std::to_string(i)] = best_weights_[i];
  return state;
}

void EarlyStopping::restore(const SavedState& state) {
  wait_ = state.values.at("wait").as_int();
  stopped_epoch_ = state.values.at("stopped_epoch").as_int();
  best_epoch_ = state.values.at("best_epoch").as_int();
  best_ = state.values.optional_double("best");
  best_weights_.clear();
  const std::int64_t count = state.values.at("weights").as_integer();
  for (std::int64_t i = 0; i < count; ++i) {
    const auto found = state.tensors.find(std::to_string(i));
    if (found == state.tensors.end()) throw Error("EarlyStopping: the backup lacks one of the best weights");
    best_weights_.push_back(found->second);
  }
}

}  // namespace nyala
