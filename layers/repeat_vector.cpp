#include <nyala/error.hpp>
#include <nyala/layers/reshaping.hpp>

namespace nyala {

RepeatVector::RepeatVector(int n, BaseOptions options) : LayerOf(options), n_(n) {
  if (n < 1) throw Error("RepeatVector: n must be positive, got " + std::to_string(n));
  set_input_spec({{.rank = 2}});
}

RepeatVector RepeatVector::from_config(const Config& config) {
  return RepeatVector(config.at("n").as_int(), with_base(BaseOptions{}, config));
}

Tensor RepeatVector::forward(const Tensor& x, bool) { return repeat(expand_dims(x, 1), n_, 1); }
Shape RepeatVector::compute_output_shape(const Shape& input) const { return {input[0], n_, input[1]}; }

Config RepeatVector::config() const {
  Config config = base_config();
  config["n"] = n_;
  return config;
}

}  // namespace nyala
