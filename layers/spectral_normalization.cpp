#include <nyala/autograd.hpp>
#include <nyala/error.hpp>
#include <nyala/initializer.hpp>
#include <nyala/initializers.hpp>
#include <nyala/layers/normalization.hpp>
#include <nyala/serialization.hpp>

namespace nyala {

SpectralNormalization::SpectralNormalization(LayerRef layer, SpectralNormalizationOptions options)
    : LayerOf(options), power_iterations_(options.power_iterations) {
  if (!layer.defined()) throw Error("SpectralNormalization: a layer is needed, got none");
  if (power_iterations_ < 1) {
    throw Error("SpectralNormalization: power_iterations must be positive, got " + std::to_string(power_iterations_));
  }
  layer_ = track(std::move(layer), "layer");
}

SpectralNormalization SpectralNormalization::from_config(const Config& config) {
  return SpectralNormalization(
      layer_from_config(config.at("layer")),
      with_base(SpectralNormalizationOptions{.power_iterations = config.get("power_iterations", 1)}, config));
}

void SpectralNormalization::build(const Shape& input) {
  layer_->build_now({input});
  for (const char* name : {"kernel", "embeddings"}) {
    for (const Variable& weight : layer_->weights()) {
      if (!kernel_.defined() && weight.name() == name) kernel_ = weight;
    }
  }
  if (!kernel_.defined()) {
    throw Error(label() + ": the layer must have a kernel or embeddings, a " + layer_->class_name() + " has none");
  }
  share_weight(kernel_);
  vector_u_ = add_weight("vector_u", {1, kernel_.shape().back()}, TruncatedNormal(RandomNormalOptions{.stddev = 0.02}),
                         {.trainable = false, .dtype = kernel_.dtype()});
  if (input.back() != None) set_input_spec({{.min_rank = 1, .axes = {{-1, input.back()}}}});
}

Tensor SpectralNormalization::forward(const Tensor& x, bool training) {
  if (training) {
    const StopRecording stop;
    const Tensor kernel = kernel_.value();
    if (count_nonzero(kernel).to_vector<std::int64_t>().front() != 0) {
      const auto unit = [](const Tensor& v) { return v * rsqrt(maximum(sum(square(v)), epsilon() * epsilon())); };
      const Tensor flat = reshape(kernel, {kernel.size() / kernel.shape().back(), kernel.shape().back()});
      Tensor u = vector_u_.value(), v;
      for (int i = 0; i < power_iterations_; ++i) {
        v = unit(matmul(u, flat, false, true));
        u = unit(matmul(v, flat));
      }
      const Tensor sigma = reshape(matmul(matmul(v, flat), u, false, true), {});
      vector_u_.assign(u);
      kernel_.assign(kernel / sigma);
    }
  }
  return cast(layer_(x, false), x.dtype());
}

Shape SpectralNormalization::compute_output_shape(const Shape& input) const {
  return layer_->compute_output_shape(input);
}

Config SpectralNormalization::config() const {
  Config config = base_config();
  config["layer"] = to_config(layer_);
  config["power_iterations"] = power_iterations_;
  return config;
}

}  // namespace nyala
