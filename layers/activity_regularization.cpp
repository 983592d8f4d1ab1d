#include <nyala/layers/regularization.hpp>
#include <nyala/regularizers.hpp>

namespace nyala {

namespace {

ActivityRegularizationOptions with_penalty(ActivityRegularizationOptions options) {
  options.activity_regularizer = L1L2({.l1 = options.l1, .l2 = options.l2});
  return options;
}

}  // namespace

ActivityRegularization::ActivityRegularization(ActivityRegularizationOptions options)
    : LayerOf(with_penalty(options)), options_(options) {}

ActivityRegularization ActivityRegularization::from_config(const Config& config) {
  return ActivityRegularization(
      with_base(ActivityRegularizationOptions{.l1 = config.get("l1", 0.0), .l2 = config.get("l2", 0.0)}, config));
}

Tensor ActivityRegularization::forward(const Tensor& x, bool) { return x; }
Shape ActivityRegularization::compute_output_shape(const Shape& input) const { return input; }

Config ActivityRegularization::config() const {
  Config config = base_config();
  config.erase("activity_regularizer");
  config["l1"] = options_.l1;
  config["l2"] = options_.l2;
  return config;
}

}  // namespace nyala
