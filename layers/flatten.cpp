#include <nyala/error.hpp>
#include <nyala/layers/reshaping.hpp>

#include "spatial.hpp"

namespace nyala {

Flatten::Flatten(FlattenOptions options)
    : LayerOf(options), data_format_(spatial::data_format(options.data_format, "Flatten")) {
  set_input_spec({{.min_rank = 1}});
}

Flatten Flatten::from_config(const Config& config) {
  return Flatten(with_base(FlattenOptions{.data_format = config.get("data_format", "")}, config));
}

Tensor Flatten::forward(const Tensor& x, bool) {
  const bool channels_first = data_format_ == "channels_first" && x.rank() > 2;
  const Tensor ordered = channels_first ? moveaxis(x, 1, -1) : x;
  const std::int64_t rows = x.shape()[0];
  return reshape(ordered,
                 {rows, rows == 0 ? Shape(x.shape().begin() + 1, x.shape().end()).elements() : x.size() / rows});
}

Shape Flatten::compute_output_shape(const Shape& input) const {
  const Shape features(input.begin() + 1, input.end());
  return {input[0], features.known() ? features.elements() : None};
}

Config Flatten::config() const {
  Config config = base_config();
  config["data_format"] = data_format_;
  return config;
}

}  // namespace nyala
