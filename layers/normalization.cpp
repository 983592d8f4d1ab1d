#include <algorithm>

#include <nyala/error.hpp>
#include <nyala/layers/preprocessing.hpp>

namespace nyala {

Normalization::Normalization(NormalizationOptions options) : LayerOf(options), options_(options) {
  if (options.mean.defined() != options.variance.defined()) {
    throw Error("Normalization: mean and variance must be given together");
  }
}

Normalization Normalization::from_config(const Config& config) {
  NormalizationOptions options{.invert = config.get("invert", false)};
  const Config& axis = config.get("axis");
  if (config.contains("axis")) {
    options.axis.reset();
    if (!axis.is_null()) {
      options.axis = std::vector<int>();
      for (const std::int64_t each : axis.as_integers()) options.axis->push_back(static_cast<int>(each));
    }
  }
  const auto statistic = [&](const char* key) {
    const Config& value = config.get(key);
    if (value.is_null()) return Tensor();
    std::vector<double> numbers;
    const Config* list = &value;
    while (list->is_array() && list->size() == 1 && (*list)[0].is_array()) list = &(*list)[0];
    if (list->is_number()) return Tensor(list->as_double());
    for (const Config& number : list->items()) numbers.push_back(number.as_double());
    return tensor(numbers);
  };
  options.mean = statistic("mean");
  options.variance = statistic("variance");
  return Normalization(with_base(options, config));
}

void Normalization::build(const Shape& input) {
  kept_ = Shape();
  Shape sizes;
  const std::vector<int> axes =
      options_.axis ? Axes(*options_.axis).resolve(input.rank(), "Normalization: axis") : std::vector<int>();
  for (int axis = 0; axis < input.rank(); ++axis) {
    const bool keep = std::find(axes.begin(), axes.end(), axis) != axes.end();
    const std::int64_t size = input[static_cast<std::size_t>(axis)];
    if (keep && size == None) {
      throw Error(label() + ": axis " + std::to_string(axis) + " is kept and must be known, the shape is " +
                  input.str());
    }
    kept_.push_back(keep ? size : 1);
    if (keep) sizes.push_back(size);
  }
  if (options_.mean.defined()) return;
  mean_ = add_weight("mean", sizes, "zeros", {.trainable = false, .dtype = floatx()});
  variance_ = add_weight("variance", sizes, "ones", {.trainable = false, .dtype = floatx()});
  count_ = add_weight("count", {}, "zeros", {.trainable = false, .dtype = DType::int32});
}

void Normalization::adapt(const Tensor& data) {
  if (options_.mean.defined()) throw Error(label() + ": mean and variance were given, there is nothing to adapt");
  Tensor x = is_floating(data.dtype()) ? data : cast(data, floatx());
  if (x.rank() == 1) x = expand_dims(x, -1);
  if (!built()) {
    Shape shape = x.shape();
    shape[0] = None;
    build_now({shape});
  }
  std::vector<int> reduced;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const bool keep = options_.axis && std::any_of(options_.axis->begin(), options_.axis->end(),
                                                   [&](int a) { return (a < 0 ? a + x.rank() : a) == axis; });
    if (!keep) reduced.push_back(axis);
  }
  if (x.size() == 0) throw Error(label() + ": adapt needs data, got the shape " + data.shape().str());
  mean_.assign(mean(x, Axes(reduced)));
  variance_.assign(var(x, Axes(reduced)));
}

void Normalization::adapt(const Dataset& data) {
  std::vector<Tensor> parts;
  const auto iterator = data.iterator();
  for (Batch batch; iterator->next(batch);) parts.push_back(batch.x.only());
  if (parts.empty()) throw Error(label() + ": adapt needs data, the dataset is empty");
  adapt(concatenate(parts, 0));
}

Tensor Normalization::forward(const Tensor& given, bool) {
  const Tensor x = cast(given, compute_dtype());
  const auto statistic = [&](const Tensor& given_one, const Variable& learnt) {
    if (!given_one.defined()) return reshape(learnt, kept_);
    return reshape(broadcast_to(given_one.to(x.device()), statistic_shape(x.rank())), kept_);
  };
  const Tensor mean = statistic(options_.mean, mean_), variance = statistic(options_.variance, variance_);
  const Tensor deviation = maximum(sqrt(cast(variance, x.dtype())), epsilon());
  if (options_.invert) return cast(mean, x.dtype()) + x * deviation;
  return (x - cast(mean, x.dtype())) / deviation;
}

Shape Normalization::statistic_shape(int) const {
  Shape sizes;
  for (const std::int64_t size : kept_) {
    if (size != 1) sizes.push_back(size);
  }
  return sizes.empty() ? Shape{1} : sizes;
}

Shape Normalization::compute_output_shape(const Shape& input) const { return input; }

Config Normalization::config() const {
  Config config = base_config();
  config["axis"] = options_.axis ? Config(*options_.axis) : Config();
  config["invert"] = options_.invert;
  const auto statistic = [](const Tensor& value) {
    if (!value.defined()) return Config();
    return value.rank() == 0 ? Config(value.item<double>()) : Config(value.to_vector<double>());
  };
  config["mean"] = statistic(options_.mean);
  config["variance"] = statistic(options_.variance);
  return config;
}

}  // namespace nyala
