#include <algorithm>

#include <nyala/error.hpp>
#include <nyala/layers/reshaping.hpp>

namespace nyala {

Permute::Permute(const std::vector<int>& dims, BaseOptions options) : LayerOf(options), dims_(dims) {
  std::vector<int> sorted = dims;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i] != static_cast<int>(i) + 1) {
      throw Error("Permute: dims must hold each of 1 to " + std::to_string(dims.size()) + " once, got " +
                  Config(dims).json());
    }
  }
  set_input_spec({{.rank = static_cast<int>(dims.size()) + 1}});
}

Permute Permute::from_config(const Config& config) {
  std::vector<int> dims;
  for (const std::int64_t axis : config.at("dims").as_integers()) dims.push_back(static_cast<int>(axis));
  return Permute(dims, with_base(BaseOptions{}, config));
}

Tensor Permute::forward(const Tensor& x, bool) {
  std::vector<int> axes{0};
  axes.insert(axes.end(), dims_.begin(), dims_.end());
  return transpose(x, axes);
}

Shape Permute::compute_output_shape(const Shape& input) const {
  Shape output{input[0]};
  for (const int axis : dims_) output.push_back(input[static_cast<std::size_t>(axis)]);
  return output;
}

Config Permute::config() const {
  Config config = base_config();
  config["dims"] = dims_;
  return config;
}

}  // namespace nyala
