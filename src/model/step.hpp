#pragma once

#include <nyala/model.hpp>

#include "model/model_state.hpp"
#include "model/slices.hpp"

namespace nyala::detail {

/// One forward (and, in training, backward) pass over a batch; updates losses and metrics. The model is compiled.
void train_step(Model& model, const Batch& batch);
/// slices: of the model, kept from batch to batch.
void test_step(Model& model, const Batch& batch, Slices& slices);
Tensors predict_step(const Model& model, const Tensors& x, Slices& slices);
Tensors predict_step(const Model& model, const Tensors& x);

/// The running values, as `loss`, `<output>_loss`, metric names.
Logs running_logs(const Compiled& compiled);
void reset_running(Compiled& compiled);
/// Throws Error naming the call that needs compile first.
Compiled& require_compiled(const Model& model, const char* where);
/// Matches losses and metrics to the outputs, once these are known. Throws Error for names that no output has.
void resolve_outputs(const Model& model, Compiled& compiled, std::size_t outputs);

}  // namespace nyala::detail
