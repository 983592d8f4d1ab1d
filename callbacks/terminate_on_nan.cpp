#include <nyala/callbacks/terminate_on_nan.hpp>

#include <cmath>

#include <nyala/error.hpp>
#include <nyala/model.hpp>

#include "support.hpp"

namespace nyala {

TerminateOnNaN::TerminateOnNaN(TerminateOnNaNOptions options) : options_(options) {}

void TerminateOnNaN::on_epoch_begin(int epoch, const Logs&) { epoch_ = epoch; }

void TerminateOnNaN::on_train_batch_end(int batch, const Logs& logs) {
  const auto loss = logs.find("loss");
  if (loss == logs.end() || std::isfinite(loss->second)) return;
  const std::string message = "TerminateOnNaN: the loss is " + detail::python_number(loss->second) + " at batch " +
                              std::to_string(batch) + " of epoch " + std::to_string(epoch_ + 1) +
                              "; training ends. Check that inputs and targets hold no NaN or infinity, lower the "
                              "learning rate, clip gradients (clipnorm), and look for log(0) or a division by 0 in "
                              "custom layers and losses";
  if (options_.raise_error) throw Error(message);
  detail::say("\n" + message);
  model().set_stop_training(true);
}

SavedState TerminateOnNaN::state() const { return {Config::object({{"epoch", epoch_}}), {}}; }
void TerminateOnNaN::restore(const SavedState& state) { epoch_ = state.values.at("epoch").as_int(); }

}  // namespace nyala
