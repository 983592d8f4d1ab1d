#include <nyala/error.hpp>
#include <nyala/layers/image_geometry.hpp>
#include <nyala/ops/image.hpp>

#include "image_support.hpp"

namespace nyala {

Resizing::Resizing(std::int64_t height, std::int64_t width, ResizingOptions options)
    : LayerOf(options), height_(height), width_(width), options_(std::move(options)) {
  set_up(options_, "Resizing");
  image::require_size(height, width, "Resizing");
  image::require_one_of(options_.interpolation, {"nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"},
                        "Resizing: interpolation");
  image::require_one_of(options_.fill_mode, {"constant"}, "Resizing: fill_mode");
  if (options_.crop_to_aspect_ratio && options_.pad_to_aspect_ratio) {
    throw Error("Resizing: crop_to_aspect_ratio and pad_to_aspect_ratio exclude each other, got both");
  }
}

Resizing Resizing::from_config(const Config& config) {
  ResizingOptions options{.interpolation = config.get("interpolation", "bilinear"),
                          .crop_to_aspect_ratio = config.get("crop_to_aspect_ratio", false),
                          .pad_to_aspect_ratio = config.get("pad_to_aspect_ratio", false),
                          .fill_mode = config.get("fill_mode", "constant"),
                          .fill_value = config.get("fill_value", 0.0),
                          .antialias = config.get("antialias", false)};
  return Resizing(config.at("height").as_integer(), config.at("width").as_integer(),
                  image::with_image(std::move(options), config));
}

Tensor Resizing::forward(const Tensor& x, bool) {
  return resize_image(x, {height_, width_},
                      {.interpolation = options_.interpolation,
                       .antialias = options_.antialias,
                       .crop_to_aspect_ratio = options_.crop_to_aspect_ratio,
                       .pad_to_aspect_ratio = options_.pad_to_aspect_ratio,
                       .fill_value = options_.fill_value,
                       .data_format = data_format()});
}

Shape Resizing::compute_output_shape(const Shape& input) const { return resized(input, height_, width_); }

Config Resizing::config() const {
  Config config = ImageLayer::config();
  config["height"] = height_;
  config["width"] = width_;
  config["interpolation"] = options_.interpolation;
  config["crop_to_aspect_ratio"] = options_.crop_to_aspect_ratio;
  config["pad_to_aspect_ratio"] = options_.pad_to_aspect_ratio;
  config["fill_mode"] = options_.fill_mode;
  config["fill_value"] = options_.fill_value;
  config["antialias"] = options_.antialias;
  return config;
}

}  // namespace nyala
