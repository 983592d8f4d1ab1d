#include <nyala/error.hpp>
#include <nyala/layers/recurrent.hpp>
#include <nyala/serialization.hpp>

namespace nyala {

TimeDistributed::TimeDistributed(LayerRef layer, BaseOptions options) : LayerOf(options) {
  if (!layer.defined()) throw Error("TimeDistributed: a layer is needed, got none");
  layer_ = track(std::move(layer), "layer");
}

TimeDistributed TimeDistributed::from_config(const Config& config) {
  TimeDistributed layer(layer_from_config(config.at("layer")), with_base(BaseOptions{}, config));
  layer.folds_time_ = config.get("nyala_folds_time", false);
  return layer;
}

void TimeDistributed::build(const Shape& input) {
  if (input.rank() < 3) {
    throw Error(label() + " expects an input (batch, time, …) of rank 3 or more, got the shape " + input.str());
  }
  Shape step = input;
  step.erase(1);
  layer_->build_now({step});
}

Tensors TimeDistributed::call_with(const Tensors& inputs, const CallContext& context) {
  const Tensor& x = inputs.only();
  const std::int64_t batch = x.shape()[0], time = x.shape()[1];
  Shape folded = x.shape();
  folded.erase(1);
  folded[0] = batch * time;
  if (context.training && !folds_time_ && !layer_->non_trainable_variables().empty()) {
    // What learns from the batch (BatchNormalization) sees one step after the other, as in Keras 3.
    std::vector<Tensor> steps;
    for (const Tensor& step : unstack(x, 1)) steps.push_back(Tensor(layer_->outputs(step, {.training = true})));
    return stack(steps, 1);
  }
  CallContext own{.training = context.training};
  const Tensor mask = context.masks.empty() ? Tensor() : context.masks.front();
  if (mask.defined() && mask.rank() > 2) {
    Shape folded_mask = mask.shape();
    folded_mask.erase(1);
    folded_mask[0] = batch * time;
    own.masks = {reshape(mask, folded_mask)};
  }
  const Tensor y = Tensor(layer_->outputs(reshape(x, folded), own));
  Shape unfolded = y.shape();
  unfolded[0] = batch;
  unfolded.insert(1, time);
  return cast(reshape(y, unfolded), compute_dtype());
}

Shape TimeDistributed::compute_output_shape(const Shape& input) const {
  Shape step = input;
  step.erase(1);
  Shape output = layer_->compute_output_shape(step);
  output.insert(1, input[1]);
  return output;
}

Config TimeDistributed::config() const {
  Config config = base_config();
  config["layer"] = to_config(layer_);
  if (folds_time_) config["nyala_folds_time"] = true;
  return config;
}

}  // namespace nyala
