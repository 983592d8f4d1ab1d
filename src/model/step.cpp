#include "model/step.hpp"

#include <nyala/error.hpp>
#include <nyala/ops.hpp>

#include "core/device_memory.hpp"
#include "core/subnormals.hpp"
#include "core/tensor_impl.hpp"
#include "model/batches.hpp"
#include "model/layer_state.hpp"
#include "model/log_entries.hpp"

namespace nyala::detail {

namespace {

/// Keras drops or adds a trailing axis of size 1 in the targets of "accuracy" and the losses themselves; here only what
/// is plainly wrong is refused, with the names of the data.
void check_targets(const Model& model, const Compiled& compiled, const Tensors& y, std::size_t outputs) {
  std::size_t needed = 0;
  for (const auto& loss : compiled.losses) needed += loss != nullptr ? 1 : 0;
  if (y.size() != outputs && y.size() != needed) {
    throw Error("Model \"" + model.name() + "\": there are " + std::to_string(y.size()) + " targets (y) for " +
                std::to_string(outputs) + " outputs");
  }
}

/// The target of an output; with fewer targets than outputs, those with a loss take them in order.
Tensor target_of(const Compiled& compiled, const Tensors& y, std::size_t output) {
  if (y.size() == compiled.losses.size()) return y[output];
  std::size_t place = 0;
  for (std::size_t i = 0; i < output; ++i) place += compiled.losses[i] != nullptr ? 1 : 0;
  return compiled.losses[output] != nullptr && place < y.size() ? y[place] : Tensor();
}

Tensor weight_of(const Tensors& sample_weight, std::size_t output, std::size_t outputs) {
  if (sample_weight.empty()) return {};
  if (sample_weight.size() == 1) return sample_weight[0];
  if (sample_weight.size() != outputs) {
    throw Error("sample_weight: there are " + std::to_string(sample_weight.size()) + " for " + std::to_string(outputs) +
                " outputs");
  }
  return sample_weight[output];
}

/// Sample weights and a mask as weights; samples weigh alike over the mask's further axes.
Tensor weighed_by_mask(Tensor weight, const Tensor& mask) {
  const Tensor kept = cast(mask, floatx());
  if (!weight.defined()) return kept;
  while (weight.rank() < kept.rank()) weight = expand_dims(weight, -1);
  return cast(weight, floatx()).to(kept.device()) * kept;
}

struct StepLoss {
  Tensor total;
  Tensors of_outputs;
};

/// One loss per sample can be shown, as its mean, but not be trained on.
void require_scalar(const Model& model, const Loss& loss, const Tensor& value) {
  if (value.rank() == 0) return;
  throw Error("Model \"" + model.name() + "\": training needs a scalar loss, \"" + loss.name() + "\" gave the shape " +
              value.shape().str() + " (its reduction is \"" + loss.reduction() +
              "\"; \"sum_over_batch_size\" makes one number of it)");
}

StepLoss compute_loss(const Model& model, Compiled& compiled, const Batch& batch, const Tensors& predicted,
                      const std::vector<Variable>& trained, const StepScope& scope, bool training) {
  StepLoss loss;
  const std::size_t outputs = predicted.size();
  bool any = false;
  for (std::size_t i = 0; i < outputs; ++i) {
    const Tensor target = compiled.losses[i] != nullptr ? target_of(compiled, batch.y, i) : Tensor();
    if (!target.defined()) {
      loss.of_outputs.push_back(Tensor());
      continue;
    }
    any = true;
    Tensor output = predicted[i], sample_weight = weight_of(batch.sample_weight, i, outputs);
    if (compiled.masks_weigh && output.mask().defined()) {
      sample_weight = weighed_by_mask(sample_weight, output.mask());
      output = output.with_mask({});
    }
    const Tensor value = (*compiled.losses[i])(target, output, sample_weight);
    if (training) require_scalar(model, *compiled.losses[i], value);
    loss.of_outputs.push_back(value);
    const double weight = compiled.loss_weights[i];
    const Tensor weighted = weight == 1.0 ? value : value * weight;
    loss.total = loss.total.defined() ? loss.total + weighted : weighted;
  }
  for (const Tensor& added : scope.losses) {
    const Tensor scalar = added.rank() == 0 ? added : sum(added);
    loss.total = loss.total.defined() ? loss.total + scalar : scalar;
    any = true;
  }
  for (const Variable& variable : trained) {
    if (variable.regularizer() == nullptr) continue;
    const Tensor penalty = (*variable.regularizer())(variable);
    loss.total = loss.total.defined() ? loss.total + penalty : penalty;
    any = true;
  }
  if (!any) {
    throw Error(
        "Model \"" + model.name() +
        "\": there is no loss to train on; give compile a loss (and fit the targets y), or call add_loss in a layer");
  }
  return loss;
}

double rows_of(const Batch& batch) {
  for (const Tensor& x : batch.x) {
    if (x.defined() && x.rank() > 0) return static_cast<double>(x.shape()[0]);
  }
  return 1.0;
}

void update_metrics(Compiled& compiled, const Batch& batch, const Tensors& predicted, const StepLoss& loss,
                    const StepScope& scope) {
  const double rows = rows_of(batch);
  compiled.loss.add(loss.total, rows);
  if (predicted.size() > 1) {
    for (std::size_t i = 0; i < predicted.size(); ++i) {
      if (loss.of_outputs[i].defined()) compiled.output_losses[i].add(loss.of_outputs[i], rows);
    }
  }
  for (Compiled::OutputMetric& entry : compiled.metrics) {
    const Tensor target =
        batch.y.size() == predicted.size() ? batch.y[entry.output] : target_of(compiled, batch.y, entry.output);
    if (!target.defined()) continue;
    const Tensor& output = predicted[entry.output];
    if (entry.metric == nullptr) entry.metric = resolve(entry.reference, target, output, "compile");
    const Tensor weight = entry.weighted ? weight_of(batch.sample_weight, entry.output, predicted.size()) : Tensor();
    entry.metric->update_state(target, output, weight);
  }
  for (const auto& [name, value] : scope.metrics) {
    auto found = compiled.added_metrics.begin();
    while (found != compiled.added_metrics.end() && found->first != name) ++found;
    if (found == compiled.added_metrics.end()) found = compiled.added_metrics.insert(found, {name, {}});
    found->second.add(value, rows);
  }
}

void ready(const Model& model, Compiled& compiled, const Batch& batch, const Tensors& predicted) {
  if (!compiled.resolved) resolve_outputs(model, compiled, predicted.size());
  if (compiled.losses.size() != predicted.size()) {
    throw Error("Model \"" + model.name() + "\": it gave " + std::to_string(predicted.size()) + " outputs after " +
                std::to_string(compiled.losses.size()) + " before");
  }
  if (!batch.y.empty()) check_targets(model, compiled, batch.y, predicted.size());
}

/// The batch where the model is: uploaded if it is on a GPU.
Batch at_home(const Model& model, const Batch& batch) {
  if (!gpu_in_use()) return batch;
  const Device home = home_of(state_of(model));
  return {upload(batch.x, home), upload(batch.y, home), upload(batch.sample_weight, home)};
}

}  // namespace

void RunningMean::add(const Tensor& given, double weight) {
  const Tensor value = given.rank() == 0 ? given : nyala::mean(given);
  if (value.device().kind() == Device::Kind::cpu) return add(value.item<double>(), weight);
  const StopRecording stop;
  const Tensor term = cast(value, DType::float64) * weight;
  pending = pending.defined() ? pending + term : term;
  count += weight;
}

void train_step(Model& model, const Batch& given) {
  Compiled& compiled = require_compiled(model, "fit");
  const FlushSubnormals flush;
  const Batch batch = at_home(model, given);
  StepScope scope;
  StepLoss loss;
  Tensors predicted;
  std::vector<Tensor> gradients;
  std::vector<Variable> variables;
  {
    GradientTape tape;
    predicted = model.outputs(batch.x, CallContext{.training = true});
    ready(model, compiled, batch, predicted);
    variables = model.trainable_variables();
    loss = compute_loss(model, compiled, batch, predicted, variables, scope, true);
    if (!variables.empty()) gradients = tape.gradient(compiled.optimizer->scale_loss(loss.total), variables);
  }
  // What the optimizer changes in place must not be held by the graph of this step any more.
  Tensors plain;
  for (const Tensor& output : predicted) plain.push_back(alias(output).with_mask(output.mask()));
  predicted = plain;
  loss.total = alias(loss.total);
  for (std::size_t i = 0; i < loss.of_outputs.size(); ++i) {
    if (loss.of_outputs[i].defined()) loss.of_outputs[i] = alias(loss.of_outputs[i]);
  }
  for (Tensor& value : scope.losses) value = alias(value);
  if (!variables.empty()) compiled.optimizer->apply(gradients, variables);
  update_metrics(compiled, batch, predicted, loss, scope);
}

void test_step(Model& model, const Batch& given, Slices& slices) {
  Compiled& compiled = require_compiled(model, "evaluate");
  const FlushSubnormals flush;
  const Batch batch = at_home(model, given);
  StepScope scope;
  const StopRecording stop;
  const Tensors predicted = gpu_in_use() ? model.outputs(batch.x, CallContext{.training = false}) : slices.run(batch.x);
  ready(model, compiled, batch, predicted);
  const StepLoss loss = compute_loss(model, compiled, batch, predicted, model.trainable_variables(), scope, false);
  update_metrics(compiled, batch, predicted, loss, scope);
}

Tensors predict_step(const Model& model, const Tensors& x) {
  const FlushSubnormals flush;
  const StopRecording stop;
  if (!gpu_in_use()) return const_cast<Model&>(model).outputs(x, CallContext{.training = false});
  return const_cast<Model&>(model).outputs(upload(x, home_of(state_of(model))), CallContext{.training = false});
}

Tensors predict_step(const Model& model, const Tensors& x, Slices& slices) {
  const FlushSubnormals flush;
  return gpu_in_use() ? predict_step(model, x) : slices.run(x);
}

Logs running_logs(const Compiled& compiled) {
  Logs logs{{"loss", compiled.loss.mean()}};
  for (std::size_t i = 0; i < compiled.loss_names.size(); ++i) {
    if (compiled.losses[i] != nullptr) logs.insert_or_assign(compiled.loss_names[i], compiled.output_losses[i].mean());
  }
  for (std::size_t i = 0; i < compiled.metrics.size(); ++i) {
    const auto& metric = compiled.metrics[i].metric;
    if (metric == nullptr) continue;
    const Tensor result = metric->result();
    if (result.size() == 1) {
      logs.insert_or_assign(compiled.metric_names[i], result.item<double>());
      continue;
    }
    const std::vector<double> values = result.to_vector<double>();
    for (std::size_t k = 0; k < values.size(); ++k)
      logs.insert_or_assign(entry_of(compiled.metric_names[i], k), values[k]);
  }
  for (const auto& [name, mean] : compiled.added_metrics) logs.insert_or_assign(name, mean.mean());
  return logs;
}

void reset_running(Compiled& compiled) {
  compiled.loss = {};
  for (RunningMean& loss : compiled.output_losses) loss = {};
  for (auto& entry : compiled.metrics) {
    if (entry.metric != nullptr) entry.metric->reset_state();
  }
  for (auto& [name, mean] : compiled.added_metrics) mean = {};
}

}  // namespace nyala::detail
