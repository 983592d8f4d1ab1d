#include <nyala/callbacks/reduce_lr_on_plateau.hpp>

#include <algorithm>

#include <nyala/error.hpp>
#include <nyala/model.hpp>

#include "support.hpp"

namespace nyala {

ReduceLROnPlateau::ReduceLROnPlateau(ReduceLROnPlateauOptions options)
    : MonitorCallback("ReduceLROnPlateau", options.monitor, options.mode, options.min_delta),
      options_(std::move(options)) {
  if (!(options_.factor > 0.0 && options_.factor < 1.0)) {
    throw Error("ReduceLROnPlateau: factor must be more than 0 and less than 1, got " +
                detail::python_number(options_.factor));
  }
}

void ReduceLROnPlateau::on_train_begin(const Logs&) {
  reset_monitor();
  best_.reset();
  wait_ = cooldown_left_ = 0;
}

bool ReduceLROnPlateau::reduce(int epoch) {
  bool any = false;
  for (const auto& [optimizer, name] : detail::rated_optimizers(model())) {
    const double rate = optimizer->learning_rate();
    // The optimizer keeps a float32, which lies beside the double that min_lr is.
    if (rate <= static_cast<double>(static_cast<float>(options_.min_lr))) continue;
    const double reduced = std::max(rate * options_.factor, options_.min_lr);
    optimizer->set_learning_rate(reduced);
    any = true;
    if (options_.verbose > 0) {
      detail::say("\nEpoch " + std::to_string(epoch + 1) + ": ReduceLROnPlateau reducing " +
                  (name.empty() ? "" : name + " ") + "learning rate to " + detail::python_number(reduced) + ".");
    }
  }
  return any;
}

void ReduceLROnPlateau::on_epoch_end(int epoch, const Logs& logs) {
  find_direction();
  for (const auto& [optimizer, name] : detail::rated_optimizers(model()))
    add_log(detail::rate_entry(name), optimizer->learning_rate());
  const auto current = monitored(logs, "the learning rate depends on");
  if (!current) return;
  if (cooldown_left_ > 0) {
    --cooldown_left_;
    wait_ = 0;
  }
  if (is_improvement(*current, best_)) {
    best_ = current;
    wait_ = 0;
  } else if (cooldown_left_ <= 0 && ++wait_ >= options_.patience && reduce(epoch)) {
    cooldown_left_ = options_.cooldown;
    wait_ = 0;
  }
}

SavedState ReduceLROnPlateau::state() const {
  return {Config::object({{"best", best_}, {"wait", wait_}, {"cooldown_left", cooldown_left_}}), {}};
}

void ReduceLROnPlateau::restore(const SavedState& state) {
  best_ = state.values.optional_double("best");
  wait_ = state.values.at("wait").as_int();
  cooldown_left_ = state.values.at("cooldown_left").as_int();
}

}  // namespace nyala
