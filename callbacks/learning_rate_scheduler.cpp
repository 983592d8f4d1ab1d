#include <nyala/callbacks/learning_rate_scheduler.hpp>

#include <nyala/model.hpp>

#include "support.hpp"

namespace nyala {

void LearningRateScheduler::on_epoch_begin(int epoch, const Logs&) {
  for (const auto& [optimizer, name] : detail::rated_optimizers(model())) {
    const double rate = schedule_(epoch, optimizer->learning_rate());
    optimizer->set_learning_rate(rate);
    if (options_.verbose > 0) {
      detail::say("\nEpoch " + std::to_string(epoch + 1) + ": LearningRateScheduler setting " +
                  (name.empty() ? "" : name + " ") + "learning rate to " + detail::python_number(rate) + ".");
    }
  }
}

void LearningRateScheduler::on_epoch_end(int, const Logs&) {
  for (const auto& [optimizer, name] : detail::rated_optimizers(model()))
    add_log(detail::rate_entry(name), optimizer->learning_rate());
}

}  // namespace nyala
