#include <algorithm>
#include <cmath>
#include <utility>

#include <nyala/error.hpp>
#include <nyala/model.hpp>

#include "model/batches.hpp"
#include "model/callback_list.hpp"
#include "model/model_data.hpp"
#include "model/progress_bar.hpp"
#include "model/step.hpp"
#include "model/training_run.hpp"

namespace nyala {

using detail::Batches;
using detail::Compiled;
using detail::ProgressBar;

namespace {

Tensors rows_of(const Tensors& tensors, std::int64_t begin, std::int64_t end) {
  Tensors parts;
  for (const Tensor& tensor : tensors) parts.push_back(tensor.rows(begin, end));
  return parts;
}

void check_options(const FitOptions& options) {
  const auto positive = [](const char* name, const std::optional<int>& value) {
    if (value && *value < 1) {
      throw Error(std::string("fit: ") + name + " must be at least 1, got " + std::to_string(*value));
    }
  };
  positive("batch_size", options.batch_size);
  positive("steps_per_epoch", options.steps_per_epoch);
  positive("validation_steps", options.validation_steps);
  positive("validation_batch_size", options.validation_batch_size);
  if (options.epochs < 0) throw Error("fit: epochs must not be negative, got " + std::to_string(options.epochs));
  if (options.initial_epoch < 0) {
    throw Error("fit: initial_epoch must not be negative, got " + std::to_string(options.initial_epoch));
  }
  if (!(options.validation_split >= 0.0 && options.validation_split < 1.0)) {
    throw Error("fit: validation_split must be at least 0 and less than 1, got " +
                std::to_string(options.validation_split));
  }
  if (options.validation_freq.epochs().empty() && options.validation_freq.every() < 1) {
    throw Error("fit: validation_freq must be at least 1, got " + std::to_string(options.validation_freq.every()));
  }
  if (!options.class_weight.empty() && !options.sample_weight.empty()) {
    throw Error("fit: class_weight and sample_weight cannot be given together");
  }
}

bool validates_after(const ValidationFreq& frequency, int epoch) {
  const std::vector<int>& epochs = frequency.epochs();
  if (!epochs.empty()) return std::find(epochs.begin(), epochs.end(), epoch + 1) != epochs.end();
  return (epoch + 1) % frequency.every() == 0;
}

/// Runs the model over a pass without training it.
Logs run_test(Model& model, Batches& batches, std::optional<int> steps, CallbackList& callbacks, ProgressBar* bar) {
  Compiled& compiled = detail::require_compiled(model, "evaluate");
  detail::reset_running(compiled);
  batches.start();
  Logs logs;
  callbacks.each(logs, [](Callback& callback, const Logs& l) { callback.on_test_begin(l); });
  detail::Slices slices(model);
  Batch batch;
  std::int64_t done = 0;
  while ((!steps || done < *steps) && batches.next(batch)) {
    const int step = static_cast<int>(done);
    Logs step_logs;
    callbacks.each(step_logs, [&](Callback& callback, const Logs& l) { callback.on_test_batch_begin(step, l); });
    detail::test_step(model, batch, slices);
    ++done;
    if (!callbacks.empty() || (bar != nullptr && bar->due())) step_logs = detail::running_logs(compiled);
    callbacks.each(step_logs, [&](Callback& callback, const Logs& l) { callback.on_test_batch_end(step, l); });
    if (bar != nullptr) bar->update(done, step_logs);
  }
  if (done == 0) throw Error("evaluate: the data has no batch");
  logs = detail::running_logs(compiled);
  if (bar != nullptr) bar->finish(done, logs);
  callbacks.each(logs, [](Callback& callback, const Logs& l) { callback.on_test_end(l); });
  return logs;
}

struct FitData {
  std::unique_ptr<Batches> train, validation;
};

History run_fit(Model& model, FitData& data, const FitOptions& options) {
  Compiled& compiled = detail::require_compiled(model, "fit");
  const std::optional<std::int64_t> steps =
      options.steps_per_epoch ? std::optional<std::int64_t>(*options.steps_per_epoch) : data.train->steps();
  ProgressBar bar(options.verbose, steps, "fit");
  Callback::Params params{
      .epochs = options.epochs, .steps = static_cast<int>(steps.value_or(0)), .verbose = bar.verbose()};
  CallbackList callbacks(options.callbacks, model, params);
  detail::FitRun run(model, *data.train, data.validation.get(), callbacks);
  run.epoch = options.initial_epoch;
  callbacks.lend(run);
  params.resumed = run.resumed();
  if (params.resumed) callbacks.set_params(params);
  model.set_stop_training(false);
  Logs begin_logs;
  callbacks.each(begin_logs, [](Callback& callback, const Logs& l) { callback.on_train_begin(l); });
  if (params.resumed) run.go_on();
  const int first_epoch = run.epoch;
  Batch batch;
  for (; run.epoch < options.epochs && (run.within || !model.stop_training());) {
    const int epoch = run.epoch;
    const std::int64_t done_before = run.done;
    bool more = true;
    if (run.within) {
      more = !model.stop_training();
    } else {
      detail::reset_running(compiled);
      begin_logs.clear();
      callbacks.each(begin_logs, [&](Callback& callback, const Logs& l) { callback.on_epoch_begin(epoch, l); });
    }
    bar.begin_epoch(epoch, options.epochs, done_before);
    if (!run.within && (!run.started || !options.steps_per_epoch)) data.train->start();
    run.started = run.within = true;
    while (more && (!options.steps_per_epoch || run.done < *options.steps_per_epoch) && data.train->next(batch)) {
      const int step = static_cast<int>(run.done);
      Logs step_logs;
      callbacks.each(step_logs, [&](Callback& callback, const Logs& l) { callback.on_train_batch_begin(step, l); });
      if (!options.class_weight.empty()) {
        if (!compiled.resolved) detail::resolve_outputs(model, compiled, batch.y.size());
        batch.sample_weight = detail::class_sample_weights(
            options.class_weight, batch.y, detail::output_names_of(*model.model_state(), batch.y.size()));
      }
      detail::train_step(model, batch);
      ++run.done;
      if (!callbacks.empty() || bar.due()) step_logs = detail::running_logs(compiled);
      callbacks.each(step_logs, [&](Callback& callback, const Logs& l) { callback.on_train_batch_end(step, l); });
      bar.update(run.done, step_logs);
      run.settle();
      more = !model.stop_training();
    }
    if (run.done == 0) {
      throw Error(epoch == first_epoch ? "fit: the data has no batch"
                                       : "fit: the data ran out before epoch " + std::to_string(epoch + 1) +
                                             " (a dataset that repeats does not: see Dataset::repeat)");
    }
    Logs logs = detail::running_logs(compiled);
    if (data.validation != nullptr && validates_after(options.validation_freq, epoch)) {
      for (const auto& [name, value] :
           run_test(model, *data.validation, options.validation_steps, callbacks, nullptr)) {
        logs.insert_or_assign("val_" + name, value);
      }
    }
    callbacks.each(logs, [&](Callback& callback, const Logs& l) { callback.on_epoch_end(epoch, l); });
    bar.finish(run.done, logs);
    run.end_epoch(logs);
  }
  compiled.optimizer->finalize_variable_values(model.trainable_variables());
  callbacks.each(run.logs, [](Callback& callback, const Logs& l) { callback.on_train_end(l); });
  run.settle();
  return std::move(run.history);
}

std::unique_ptr<Batches> validation_batches(const Model& model, const FitOptions& options, int batch_size) {
  const ValidationData& data = options.validation_data;
  if (!data.given()) return nullptr;
  if (data.data()) return detail::dataset_batches(*data.data());
  const detail::ModelState& state = *model.model_state();
  return detail::array_batches(
      detail::in_input_order(state, data.x(), "fit: validation_data's x"),
      detail::in_output_order(state, data.y(), "fit: validation_data's y"), data.sample_weight(),
      {.where = "fit: validation_data", .batch_size = options.validation_batch_size.value_or(batch_size)});
}

}  // namespace

History Model::fit(const ModelData& given_x, const ModelData& given_y, const FitOptions& options) {
  detail::require_compiled(*this, "fit");
  check_options(options);
  const Tensors x = detail::in_input_order(*model_, given_x, "fit: x"),
                y = detail::in_output_order(*model_, given_y, "fit: y");
  Tensors train_x = x, train_y = y, weight = options.sample_weight;
  const std::int64_t rows = detail::common_rows(x, y, weight, "fit");
  int batch_size = options.batch_size.value_or(32);
  if (!options.batch_size && options.steps_per_epoch) {
    batch_size = static_cast<int>((rows + *options.steps_per_epoch - 1) / *options.steps_per_epoch);
  }
  FitData data;
  if (options.validation_split > 0.0 && !options.validation_data.given()) {
    const auto split =
        static_cast<std::int64_t>(std::floor(static_cast<double>(rows) * (1.0 - options.validation_split)));
    if (split == 0 || split == rows) {
      throw Error("fit: validation_split " + std::to_string(options.validation_split) + " of " + std::to_string(rows) +
                  " samples leaves nothing to " + (split == 0 ? "train on" : "validate on"));
    }
    data.validation = detail::array_batches(
        rows_of(x, split, rows), rows_of(y, split, rows), rows_of(weight, split, rows),
        {.where = "fit: validation_split", .batch_size = options.validation_batch_size.value_or(batch_size)});
    train_x = rows_of(x, 0, split);
    train_y = rows_of(y, 0, split);
    weight = rows_of(weight, 0, split);
  } else {
    data.validation = validation_batches(*this, options, batch_size);
  }
  data.train = detail::array_batches(train_x, train_y, weight,
                                     {.where = "fit", .batch_size = batch_size, .shuffle = options.shuffle});
  return run_fit(*this, data, options);
}

History Model::fit(const Dataset& data, const FitOptions& options) {
  detail::require_compiled(*this, "fit");
  check_options(options);
  if (options.validation_split > 0.0) {
    throw Error("fit: validation_split needs arrays; give a dataset's validation part as validation_data");
  }
  if (options.batch_size)
    throw Error("fit: a dataset makes its own batches (Dataset::batch); batch_size was given too");
  if (!options.sample_weight.empty())
    throw Error("fit: a dataset carries its own weights; sample_weight was given too");
  const auto count = data.cardinality();
  if (count && *count < 0 && !options.steps_per_epoch) {
    throw Error("fit: the dataset repeats without end; steps_per_epoch must say how long an epoch is");
  }
  FitData batches{detail::dataset_batches(data), validation_batches(*this, options, 32)};
  return run_fit(*this, batches, options);
}

namespace {

Logs run_evaluate(Model& model, Batches& batches, const EvaluateOptions& options) {
  if (options.steps && *options.steps < 1) {
    throw Error("evaluate: steps must be at least 1, got " + std::to_string(*options.steps));
  }
  ProgressBar bar(options.verbose, options.steps ? std::optional<std::int64_t>(*options.steps) : batches.steps(),
                  "evaluate");
  CallbackList callbacks(options.callbacks, model, {.verbose = bar.verbose()});
  bar.begin();
  return run_test(model, batches, options.steps, callbacks, &bar);
}

}  // namespace

Logs Model::evaluate(const ModelData& x, const ModelData& y, const EvaluateOptions& options) {
  detail::require_compiled(*this, "evaluate");
  const auto batches = detail::array_batches(detail::in_input_order(*model_, x, "evaluate: x"),
                                             detail::in_output_order(*model_, y, "evaluate: y"), options.sample_weight,
                                             {.where = "evaluate", .batch_size = options.batch_size.value_or(32)});
  return run_evaluate(*this, *batches, options);
}

Logs Model::evaluate(const Dataset& data, const EvaluateOptions& options) {
  detail::require_compiled(*this, "evaluate");
  const auto batches = detail::dataset_batches(data);
  return run_evaluate(*this, *batches, options);
}

Logs Model::train_on_batch(const ModelData& given_x, const ModelData& given_y, const Tensors& sample_weight,
                           const ClassWeights& class_weight) {
  Compiled& compiled = detail::require_compiled(*this, "train_on_batch");
  const Tensors x = detail::in_input_order(*model_, given_x, "train_on_batch: x"),
                y = detail::in_output_order(*model_, given_y, "train_on_batch: y");
  detail::common_rows(x, y, sample_weight, "train_on_batch");
  Batch batch{x, y, sample_weight};
  if (!class_weight.empty()) {
    if (!sample_weight.empty()) {
      throw Error("train_on_batch: class_weight and sample_weight cannot be given together");
    }
    batch.sample_weight = detail::class_sample_weights(class_weight, y, detail::output_names_of(*model_, y.size()));
  }
  detail::reset_running(compiled);
  detail::train_step(*this, batch);
  return detail::running_logs(compiled);
}

Logs Model::test_on_batch(const ModelData& given_x, const ModelData& given_y, const Tensors& sample_weight) {
  Compiled& compiled = detail::require_compiled(*this, "test_on_batch");
  const Tensors x = detail::in_input_order(*model_, given_x, "test_on_batch: x"),
                y = detail::in_output_order(*model_, given_y, "test_on_batch: y");
  detail::common_rows(x, y, sample_weight, "test_on_batch");
  detail::reset_running(compiled);
  detail::Slices slices(*this);
  detail::test_step(*this, Batch{x, y, sample_weight}, slices);
  return detail::running_logs(compiled);
}

}  // namespace nyala
