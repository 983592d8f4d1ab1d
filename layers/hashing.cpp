#include <nyala/error.hpp>
#include <nyala/layers/categories.hpp>

#include "category_support.hpp"

namespace nyala {

namespace {

/// Whole numbers by default where bins are given as they are.
template <class O>
O with_dtype(O options) {
  if (!options.dtype.given() && options.output_mode == "int") options.dtype = DTypePolicy(DType::int64);
  return options;
}

}  // namespace

Hashing::Hashing(std::int64_t num_bins, HashingOptions options)
    : LayerOf(with_dtype(options)), num_bins_(num_bins), options_(with_dtype(std::move(options))) {
  options_.output_mode =
      category::output_mode(options_.output_mode, {"int", "one_hot", "multi_hot", "count"}, "Hashing");
  if (num_bins < 1) throw Error("Hashing: num_bins must be positive, got " + std::to_string(num_bins));
  if (options_.salt.size() > 2) {
    throw Error("Hashing: salt must be one number or two, got " + std::to_string(options_.salt.size()));
  }
  if (options_.salt.size() == 1) options_.salt.push_back(options_.salt.front());
  if (options_.output_mode == "int" && !is_integer(compute_dtype())) {
    throw Error(std::string("Hashing: output_mode \"int\" needs an integer dtype, got ") + name_of(compute_dtype()));
  }
}

Hashing Hashing::from_config(const Config& config) {
  HashingOptions options{.output_mode = config.get("output_mode", "int"), .sparse = config.get("sparse", false)};
  const Config &mask = config.get("mask_value"), &salt = config.get("salt");
  if (!mask.is_null()) options.mask_value = mask.is_string() ? mask.as_string() : std::to_string(mask.as_integer());
  if (!salt.is_null()) options.salt = salt.as_integers();
  Hashing layer(config.at("num_bins").as_integer(), with_base(std::move(options), config));
  layer.number_mask_ = mask.is_number();
  return layer;
}

Tensor Hashing::forward(const Tensor& x, bool) {
  const std::vector<std::string> values = category::texts(x);
  const bool masked = options_.mask_value && num_bins_ > 1;
  const auto bins = static_cast<std::uint64_t>(masked ? num_bins_ - 1 : num_bins_);
  std::vector<std::int64_t> numbers;
  numbers.reserve(values.size());
  for (const std::string& value : values) {
    if (masked && value == *options_.mask_value) {
      numbers.push_back(0);
      continue;
    }
    const std::uint64_t hash = options_.salt.empty()
                                   ? category::fingerprint(value)
                                   : category::keyed_hash(value, {static_cast<std::uint64_t>(options_.salt[0]),
                                                                  static_cast<std::uint64_t>(options_.salt[1])});
    numbers.push_back(static_cast<std::int64_t>(hash % bins) + (masked ? 1 : 0));
  }
  return category::encoded(tensor(numbers, x.shape()), options_.output_mode, num_bins_, compute_dtype());
}

Shape Hashing::compute_output_shape(const Shape& input) const {
  return category::encoded_shape(input, options_.output_mode, num_bins_);
}

DType Hashing::compute_output_dtype(const std::vector<DType>&) const { return compute_dtype(); }

Config Hashing::config() const {
  Config config = base_config();
  config["num_bins"] = num_bins_;
  config["salt"] = options_.salt.empty() ? Config() : Config(options_.salt);
  config["mask_value"] = nullptr;
  if (options_.mask_value)
    config["mask_value"] = number_mask_ ? Config(std::stoll(*options_.mask_value)) : Config(*options_.mask_value);
  config["output_mode"] = options_.output_mode;
  config["sparse"] = options_.sparse;
  return config;
}

HashedCrossing::HashedCrossing(std::int64_t num_bins, HashedCrossingOptions options)
    : LayerOf(with_dtype(options)), num_bins_(num_bins), options_(with_dtype(std::move(options))) {
  options_.output_mode = category::output_mode(options_.output_mode, {"int", "one_hot"}, "HashedCrossing");
  if (num_bins < 1) throw Error("HashedCrossing: num_bins must be positive, got " + std::to_string(num_bins));
}

HashedCrossing HashedCrossing::from_config(const Config& config) {
  HashedCrossingOptions options{.output_mode = config.get("output_mode", "int"), .sparse = config.get("sparse", false)};
  return HashedCrossing(config.at("num_bins").as_integer(), with_base(std::move(options), config));
}

Tensors HashedCrossing::call(const Tensors& inputs, bool) {
  if (inputs.size() < 2) throw Error(label() + " takes two features or more, got " + std::to_string(inputs.size()));
  const Shape& shape = inputs[0].shape();
  if (shape.rank() > 2 || (shape.rank() == 2 && shape[1] != 1)) {
    throw Error(label() + ": features must have the shape (), (batch,) or (batch, 1), got " + shape.str());
  }
  std::vector<std::uint64_t> hashes(static_cast<std::size_t>(shape.elements()), 0xDECAFCAFFE);
  for (const Tensor& feature : inputs) {
    if (feature.shape() != shape) {
      throw Error(label() + ": features must have equal shapes, got " + shape.str() + " and " + feature.shape().str());
    }
    if (feature.dtype() == DType::string) {
      const std::vector<std::string> values = feature.to_strings();
      for (std::size_t i = 0; i < hashes.size(); ++i)
        hashes[i] = category::joined(hashes[i], category::fingerprint(values[i]));
      continue;
    }
    if (!is_integer(feature.dtype())) {
      throw Error(label() + ": features must be strings or whole numbers, got " + name_of(feature.dtype()));
    }
    const std::vector<std::int64_t> values = feature.to_vector<std::int64_t>();
    for (std::size_t i = 0; i < hashes.size(); ++i)
      hashes[i] = category::joined(hashes[i], static_cast<std::uint64_t>(values[i]));
  }
  std::vector<std::int64_t> bins;
  for (const std::uint64_t hash : hashes)
    bins.push_back(static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(num_bins_)));
  return category::encoded(tensor(bins, shape), options_.output_mode, num_bins_, compute_dtype());
}

std::vector<Shape> HashedCrossing::compute_output_shapes(const std::vector<Shape>& inputs) const {
  return {category::encoded_shape(inputs.front(), options_.output_mode, num_bins_)};
}

DType HashedCrossing::compute_output_dtype(const std::vector<DType>&) const { return compute_dtype(); }

Config HashedCrossing::config() const {
  Config config = Config::object();
  config["num_bins"] = num_bins_;
  config["output_mode"] = options_.output_mode;
  config["sparse"] = options_.sparse;
  config["name"] = name();
  config["dtype"] = name_of(variable_dtype());
  return config;
}

}  // namespace nyala
