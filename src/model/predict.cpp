#include <algorithm>

#include <nyala/error.hpp>
#include <nyala/model.hpp>
#include <nyala/ops/shape.hpp>

#include "model/batches.hpp"
#include "model/callback_list.hpp"
#include "model/model_data.hpp"
#include "model/progress_bar.hpp"
#include "model/step.hpp"

namespace nyala {

namespace {

Tensors on_host(const Tensors& outputs) {
  Tensors results;
  for (const Tensor& output : outputs) results.push_back(output.defined() ? output.to(Device()) : output);
  return results;
}

Tensors run_predict(const Model& model, detail::Batches& batches, const PredictOptions& options) {
  if (options.steps && *options.steps < 1) {
    throw Error("predict: steps must be at least 1, got " + std::to_string(*options.steps));
  }
  detail::ProgressBar bar(options.verbose ? options.verbose : std::optional<int>(0),
                          options.steps ? std::optional<std::int64_t>(*options.steps) : batches.steps(), "predict");
  CallbackList callbacks(options.callbacks, const_cast<Model&>(model), {.verbose = bar.verbose()});
  Logs logs;
  callbacks.each(logs, [](Callback& callback, const Logs& l) { callback.on_predict_begin(l); });
  bar.begin();
  batches.start();
  std::vector<std::vector<Tensor>> parts;
  Batch batch;
  detail::Slices slices(model);
  std::int64_t done = 0;
  while ((!options.steps || done < *options.steps) && batches.next(batch)) {
    const int step = static_cast<int>(done);
    callbacks.each(logs, [&](Callback& callback, const Logs& l) { callback.on_predict_batch_begin(step, l); });
    const Tensors outputs = detail::predict_step(model, batch.x, slices);
    parts.resize(outputs.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      // Results go to the host, one batch late, so that a GPU has the next one to work on meanwhile.
      if (!parts[i].empty()) parts[i].back() = parts[i].back().to(Device());
      parts[i].push_back(outputs[i]);
    }
    ++done;
    callbacks.each(logs, [&](Callback& callback, const Logs& l) { callback.on_predict_batch_end(step, l); });
    bar.update(done, logs);
  }
  if (done == 0) throw Error("predict: the data has no batch");
  bar.finish(done, logs);
  callbacks.each(logs, [](Callback& callback, const Logs& l) { callback.on_predict_end(l); });
  Tensors results;
  for (std::vector<Tensor>& of_output : parts) {
    of_output.back() = of_output.back().to(Device());
    results.push_back(of_output.size() == 1 ? of_output.front() : concatenate(of_output, 0));
  }
  return results;
}

}  // namespace

Tensors Model::predict(const ModelData& given, const PredictOptions& options) const {
  const Tensors x = detail::in_input_order(*model_, given, "predict: x");
  const int batch_size = options.batch_size.value_or(32);
  if (batch_size < 1) throw Error("predict: batch_size must be at least 1, got " + std::to_string(batch_size));
  const bool one_batch = options.callbacks.empty() && options.verbose.value_or(0) == 0 && !options.steps;
  if (one_batch && detail::common_rows(x, {}, {}, "predict") <= batch_size) {
    detail::Slices slices(*this);
    return on_host(detail::predict_step(*this, x, slices));
  }
  const auto batches = detail::array_batches(x, {}, {}, {.where = "predict", .batch_size = batch_size});
  return run_predict(*this, *batches, options);
}

Tensors Model::predict(const Dataset& data, const PredictOptions& options) const {
  const auto batches = detail::dataset_batches(data);
  return run_predict(*this, *batches, options);
}

Tensors Model::predict_on_batch(const ModelData& given) const {
  const Tensors x = detail::in_input_order(*model_, given, "predict_on_batch: x");
  detail::common_rows(x, {}, {}, "predict_on_batch");
  return on_host(detail::predict_step(*this, x));
}

}  // namespace nyala
