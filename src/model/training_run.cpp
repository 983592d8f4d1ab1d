#include "model/training_run.hpp"

#include <nyala/error.hpp>

#include "core/seed_stream.hpp"
#include "model/model_state.hpp"
#include "model/run_state.hpp"
#include "model/step.hpp"
#include "saving/state_file.hpp"

namespace nyala::detail {

void FitRun::settle() {
  settling_ = true;
  const std::vector<std::function<void()>> actions = std::exchange(actions_, {});
  try {
    for (const auto& action : actions) action();
  } catch (...) {
    settling_ = false;
    throw;
  }
  settling_ = false;
}

void FitRun::end_epoch(const Logs& epoch_logs) {
  logs = epoch_logs;
  history.epoch.push_back(epoch);
  for (const auto& [name, value] : logs) history.history[name].push_back(value);
  within = false;
  done = 0;
  ++epoch;
  settle();
}

void FitRun::save(const std::string& path) const {
  if (!settling_) throw Error("TrainingRun: save must be called within afterwards()");
  SavedState state{Config::object(), {}};
  state.values["epoch"] = epoch;
  state.values["done"] = done;
  state.values["within"] = within;
  state.values["started"] = started;
  state.values["stop"] = model_.stop_training();
  state.values["random"] = to_config(random_state());
  state.values["train"] = train_.position();
  if (validation_ != nullptr) state.values["validation"] = validation_->position();
  save_model(model_, state);
  if (within) save_running(require_compiled(model_, "fit"), state);
  save_callbacks(callbacks_, state);
  save_history(history, logs, state);
  saving::write_state(path, state, "fit: the backup");
}

TrainingRun::Place FitRun::resume(const std::string& path) {
  const std::string where = "fit: the backup \"" + path + "\"";
  SavedState state = saving::read_state(path, where);
  Place place;
  try {
    const Config& values = state.values;
    place = {values.at("epoch").as_int(), values.at("done").as_integer()};
    if (place.epoch < 0 || place.batches < 0) throw Error("it is at a negative epoch or batch");
    values.at("stop").as_bool();
    random_state_from(values.at("random"));
    const auto first = [&] {
      Batch batch;
      train_.start();
      if (!train_.next(batch)) throw Error("the data has no batch");
      return batch.x;
    };
    check_model(model_, state, first);
    const bool on_the_way = values.at("within").as_bool();
    if (on_the_way) check_running(require_compiled(model_, "fit"), state);
    train_.check(values.at("train"), values.at("started").as_bool());
    if (validation_ != nullptr && values.contains("validation")) validation_->check(values.at("validation"), false);
    History past;
    Logs last;
    load_history(past, last, state);
  } catch (const Error& error) {
    throw Error(where + " does not fit: " + error.what());
  }
  pending_ = std::move(state);
  return place;
}

void FitRun::go_on() {
  const SavedState state = std::move(*pending_);
  pending_.reset();
  const Config& values = state.values;
  load_callbacks(callbacks_, state);
  epoch = values.at("epoch").as_int();
  done = values.at("done").as_integer();
  within = values.at("within").as_bool();
  started = values.at("started").as_bool();
  load_history(history, logs, state);
  train_.go_to(values.at("train"), started);
  if (validation_ != nullptr && values.contains("validation")) validation_->go_to(values.at("validation"), false);
  load_model(model_, state);
  Compiled& compiled = require_compiled(model_, "fit");
  reset_running(compiled);
  if (within) load_running(model_, compiled, state);
  model_.set_stop_training(values.at("stop").as_bool());
  set_random_state(random_state_from(values.at("random")));
}

}  // namespace nyala::detail
