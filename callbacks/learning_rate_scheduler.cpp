#include <nyala/callbacks/learning_rate_scheduler.hpp>

#include <nyala/model.hpp>

#include "support.hpp"

namespace nyala {

void LearningRateScheduler::on_epoch_begin(int epoch, const Logs&) {
  Optimizer& optimizer = model().optimizer();
  const double rate = schedule_(epoch, optimizer.learning_rate());
  optimizer.set_learning_rate(rate);
  if (options_.verbose > 0) {
    detail::say("\nEpoch " + std::to_string(epoch + 1) + ": LearningRateScheduler setting learning rate to " +
                detail::python_number(rate) + ".");
  }
}

void LearningRateScheduler::on_epoch_end(int, const Logs&) {
  add_log("learning_rate", model().optimizer().learning_rate());
}

}  // namespace nyala
