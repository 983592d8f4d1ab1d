#include <algorithm>

#include <nyala/error.hpp>
#include <nyala/layers/recurrent.hpp>
#include <nyala/serialization.hpp>

namespace nyala {

namespace {

LayerRef remade(const LayerRef& layer, const std::string& prefix, bool reverse, bool zero_output_for_mask) {
  Config object = to_config(layer);
  Config& config = object["config"];
  // A layer that comes from a file has its prefix already.
  config["name"] = layer->name().rfind(prefix, 0) == 0 ? layer->name() : prefix + layer->name();
  if (reverse) config["go_backwards"] = !config.get("go_backwards", false);
  config["zero_output_for_mask"] = zero_output_for_mask;
  return layer_from_config(object);
}

const RecurrentLayer& recurrent_of(const LayerRef& layer) {
  const auto* recurrent = dynamic_cast<const RecurrentLayer*>(layer.pointer().get());
  if (recurrent == nullptr) {
    throw Error("Bidirectional: the layer must be recurrent (LSTM, GRU, SimpleRNN, RNN), got a " + layer->class_name());
  }
  return *recurrent;
}

}  // namespace

Bidirectional::Bidirectional(LayerRef layer, BidirectionalOptions options)
    : Bidirectional(std::move(layer), std::move(options), false) {}

Bidirectional::Bidirectional(LayerRef layer, BidirectionalOptions options, bool repeats_masked)
    : LayerOf(options), merge_mode_(options.merge_mode), repeats_masked_(repeats_masked) {
  if (!layer.defined()) throw Error("Bidirectional: a layer is needed, got none");
  static const std::vector<std::string> modes{"concat", "sum", "mul", "ave"};
  if (merge_mode_ && std::find(modes.begin(), modes.end(), *merge_mode_) == modes.end()) {
    throw Error("Bidirectional: merge_mode must be \"concat\", \"sum\", \"mul\", \"ave\" or none, got \"" +
                *merge_mode_ + "\"");
  }
  const RecurrentLayer& recurrent = recurrent_of(layer);
  return_sequences_ = recurrent.return_sequences();
  return_state_ = recurrent.return_state();
  LayerRef backward = options.backward_layer;
  if (backward.defined()) {
    const RecurrentLayer& other = recurrent_of(backward);
    if (other.return_sequences() != return_sequences_ || other.return_state() != return_state_) {
      throw Error("Bidirectional: layer and backward_layer must agree in return_sequences and return_state");
    }
    if (backward->config().get("go_backwards", false) == layer->config().get("go_backwards", false)) {
      throw Error("Bidirectional: layer and backward_layer must differ in go_backwards");
    }
  }
  const bool zeros = return_sequences_ && !repeats_masked_;
  forward_ = track(remade(layer, "forward_", false, zeros), "forward_layer");
  backward_ = track(backward.defined() ? backward : remade(layer, "backward_", true, zeros), "backward_layer");
}

Bidirectional Bidirectional::from_config(const Config& config) {
  BidirectionalOptions options;
  if (config.contains("merge_mode")) {
    options.merge_mode =
        config.at("merge_mode").is_null() ? std::nullopt : std::optional(config.at("merge_mode").as_string());
  }
  if (!config.get("backward_layer").is_null()) options.backward_layer = layer_from_config(config.at("backward_layer"));
  return Bidirectional(layer_from_config(config.at("layer")), with_base(options, config),
                       config.get("nyala_repeats_masked", false));
}

void Bidirectional::build_all(const std::vector<Shape>& inputs) {
  forward_->build_now({inputs.front()});
  backward_->build_now({inputs.front()});
}

Tensors Bidirectional::call_with(const Tensors& inputs, const CallContext& context) {
  std::vector<Tensor> states(inputs.begin() + 1, inputs.end());
  CallContext own = context;
  if (!own.masks.empty()) own.masks.resize(1);
  for (int i = 0;; ++i) {
    const auto state = own.tensors.find("initial_state_" + std::to_string(i));
    if (state == own.tensors.end()) break;
    states.push_back(state->second);
    own.tensors.erase(state);
  }
  if (states.size() % 2 != 0) {
    throw Error("takes as many initial states for one direction as for the other, got " +
                std::to_string(states.size()));
  }
  const auto half = static_cast<std::ptrdiff_t>(states.size() / 2);
  std::vector<Tensor> forward_inputs{inputs[0]}, backward_inputs{inputs[0]};
  forward_inputs.insert(forward_inputs.end(), states.begin(), states.begin() + half);
  backward_inputs.insert(backward_inputs.end(), states.begin() + half, states.end());
  const Tensors y = forward_->outputs(forward_inputs, own);
  const Tensors z = backward_->outputs(backward_inputs, own);
  const Tensor there = cast(y[0], compute_dtype()), reversed = cast(z[0], compute_dtype());
  const Tensor back = return_sequences_ ? flip(reversed, 1) : reversed;
  Tensors outputs;
  if (!merge_mode_) {
    outputs.push_back(there);
    outputs.push_back(back);
  } else if (*merge_mode_ == "concat") {
    outputs.push_back(concatenate({there, back}, -1));
  } else if (*merge_mode_ == "sum") {
    outputs.push_back(there + back);
  } else if (*merge_mode_ == "mul") {
    outputs.push_back(there * back);
  } else {
    outputs.push_back((there + back) / 2.0);
  }
  if (return_state_) {
    for (std::size_t i = 1; i < y.size(); ++i) outputs.push_back(y[i]);
    for (std::size_t i = 1; i < z.size(); ++i) outputs.push_back(z[i]);
  }
  return outputs;
}

std::vector<Shape> Bidirectional::compute_output_shapes(const std::vector<Shape>& inputs) const {
  const std::vector<Shape> there = forward_->compute_output_shapes({inputs.front()});
  const std::vector<Shape> back = backward_->compute_output_shapes({inputs.front()});
  std::vector<Shape> shapes{there.front()};
  if (!merge_mode_)
    shapes.push_back(back.front());
  else if (*merge_mode_ == "concat")
    shapes.front().back() += back.front().back();
  if (return_state_) {
    shapes.insert(shapes.end(), there.begin() + 1, there.end());
    shapes.insert(shapes.end(), back.begin() + 1, back.end());
  }
  return shapes;
}

std::vector<Tensor> Bidirectional::compute_masks(const Tensors&, const std::vector<Tensor>& masks) const {
  if (!return_sequences_ || masks.empty()) return {};
  return merge_mode_ ? std::vector<Tensor>{masks.front()} : std::vector<Tensor>{masks.front(), masks.front()};
}

Config Bidirectional::config() const {
  Config config = base_config();
  config["merge_mode"] = merge_mode_;
  config["layer"] = to_config(forward_);
  config["backward_layer"] = to_config(backward_);
  if (repeats_masked_) config["nyala_repeats_masked"] = true;
  return config;
}

}  // namespace nyala
