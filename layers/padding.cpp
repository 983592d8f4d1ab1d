#include <algorithm>
#include <limits>

#include <nyala/error.hpp>
#include <nyala/layers/padding.hpp>

#include "spatial.hpp"

namespace nyala {

namespace {

template <std::size_t N>
const SpatialPadding<N>& checked(const SpatialPadding<N>& padding, const char* what) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  for (const Padding& side : padding.sides()) {
    const std::string got = ", got (" + std::to_string(side.before) + ", " + std::to_string(side.after) + ")";
    if (side.before < 0 || side.after < 0) throw Error(std::string(what) + " must not be negative" + got);
    if (side.before > most || side.after > most)
      throw Error(std::string(what) + " must not be above " + std::to_string(most) + got);
  }
  return padding;
}

template <std::size_t N>
SpatialPadding<N> from_json(const Config& config, int otherwise) {
  if (config.is_null()) return SpatialPadding<N>(otherwise);
  std::array<Padding, N> sides{};
  if (config.is_number()) {
    sides.fill({config.as_integer(), config.as_integer()});
    return SpatialPadding<N>(sides);
  }
  if (N == 1 && config.size() == 2 && config[0].is_number()) {
    sides[0] = {config[0].as_integer(), config[1].as_integer()};
    return SpatialPadding<N>(sides);
  }
  if (config.size() != N) throw Error("config: " + std::to_string(N) + " pairs were expected, got " + config.json());
  for (std::size_t i = 0; i < N; ++i) {
    const std::vector<std::int64_t> pair = config[i].as_integers();
    if (pair.empty() || pair.size() > 2) throw Error("config: a pair was expected, got " + config[i].json());
    sides[i] = {pair.front(), pair.back()};
  }
  return SpatialPadding<N>(sides);
}

template <std::size_t N>
Config to_json(const SpatialPadding<N>& padding) {
  Config list = Config::array();
  for (const Padding& side : padding.sides()) {
    list.push_back(Config(std::vector<std::int64_t>{side.before, side.after}));
  }
  return N == 1 ? list.items().front() : list;
}

template <std::size_t N>
std::vector<Padding> all_axes(const SpatialPadding<N>& padding, const std::string& data_format) {
  std::vector<Padding> axes(N + 2);
  const std::size_t first = data_format == "channels_first" ? 2 : 1;
  for (std::size_t i = 0; i < N; ++i) axes[first + i] = padding.sides()[i];
  return axes;
}

/// The shape with each axis grown (sign 1) or cut (sign -1).
Shape changed(const Shape& input, const std::vector<Padding>& axes, int sign, const std::string& label) {
  Shape output = input;
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    if (output[axis] == None) continue;
    output[axis] += sign * (axes[axis].before + axes[axis].after);
    if (sign < 0 && output[axis] < 1) {
      throw Error(label + ": cropping (" + std::to_string(axes[axis].before) + ", " + std::to_string(axes[axis].after) +
                  ") leaves nothing of axis " + std::to_string(axis) + " of " + input.str());
    }
  }
  return output;
}

Tensor cropped(const Tensor& x, const std::vector<Padding>& axes, const std::string& label) {
  const Shape shape = changed(x.shape(), axes, -1, label);
  std::vector<std::int64_t> start;
  for (const Padding& axis : axes) start.push_back(axis.before);
  return slice(x, start, shape);
}

}  // namespace

ZeroPadding1D::ZeroPadding1D(const SpatialPadding<1>& padding, ZeroPadding1DOptions options)
    : LayerOf(options),
      padding_(checked(padding, "ZeroPadding1D: padding")),
      data_format_(spatial::data_format(options.data_format, "ZeroPadding1D")) {
  set_input_spec({{.rank = 3}});
}

ZeroPadding1D ZeroPadding1D::from_config(const Config& config) {
  return ZeroPadding1D(from_json<1>(config.get("padding"), 1),
                       with_base(ZeroPadding1DOptions{.data_format = config.get("data_format", "")}, config));
}

Tensor ZeroPadding1D::forward(const Tensor& x, bool) { return pad(x, all_axes(padding_, data_format_)); }

Shape ZeroPadding1D::compute_output_shape(const Shape& input) const {
  return changed(input, all_axes(padding_, data_format_), 1, label());
}

Config ZeroPadding1D::config() const {
  Config config = base_config();
  config["padding"] = to_json(padding_);
  config["data_format"] = data_format_;
  return config;
}

ZeroPadding2D::ZeroPadding2D(const SpatialPadding<2>& padding, ZeroPadding2DOptions options)
    : LayerOf(options),
      padding_(checked(padding, "ZeroPadding2D: padding")),
      data_format_(spatial::data_format(options.data_format, "ZeroPadding2D")) {
  set_input_spec({{.rank = 4}});
}

ZeroPadding2D ZeroPadding2D::from_config(const Config& config) {
  return ZeroPadding2D(from_json<2>(config.get("padding"), 1),
                       with_base(ZeroPadding2DOptions{.data_format = config.get("data_format", "")}, config));
}

Tensor ZeroPadding2D::forward(const Tensor& x, bool) { return pad(x, all_axes(padding_, data_format_)); }

Shape ZeroPadding2D::compute_output_shape(const Shape& input) const {
  return changed(input, all_axes(padding_, data_format_), 1, label());
}

Config ZeroPadding2D::config() const {
  Config config = base_config();
  config["padding"] = to_json(padding_);
  config["data_format"] = data_format_;
  return config;
}

ZeroPadding3D::ZeroPadding3D(const SpatialPadding<3>& padding, ZeroPadding3DOptions options)
    : LayerOf(options),
      padding_(checked(padding, "ZeroPadding3D: padding")),
      data_format_(spatial::data_format(options.data_format, "ZeroPadding3D")) {
  set_input_spec({{.rank = 5}});
}

ZeroPadding3D ZeroPadding3D::from_config(const Config& config) {
  return ZeroPadding3D(from_json<3>(config.get("padding"), 1),
                       with_base(ZeroPadding3DOptions{.data_format = config.get("data_format", "")}, config));
}

Tensor ZeroPadding3D::forward(const Tensor& x, bool) { return pad(x, all_axes(padding_, data_format_)); }

Shape ZeroPadding3D::compute_output_shape(const Shape& input) const {
  return changed(input, all_axes(padding_, data_format_), 1, label());
}

Config ZeroPadding3D::config() const {
  Config config = base_config();
  config["padding"] = to_json(padding_);
  config["data_format"] = data_format_;
  return config;
}

Cropping1D::Cropping1D(const SpatialPadding<1>& cropping, BaseOptions options)
    : LayerOf(options), cropping_(checked(cropping, "Cropping1D: cropping")) {
  set_input_spec({{.rank = 3}});
}

Cropping1D Cropping1D::from_config(const Config& config) {
  return Cropping1D(from_json<1>(config.get("cropping"), 1), with_base(BaseOptions{}, config));
}

Tensor Cropping1D::forward(const Tensor& x, bool) { return cropped(x, all_axes(cropping_, "channels_last"), label()); }

Shape Cropping1D::compute_output_shape(const Shape& input) const {
  return changed(input, all_axes(cropping_, "channels_last"), -1, label());
}

Config Cropping1D::config() const {
  Config config = base_config();
  config["cropping"] = to_json(cropping_);
  return config;
}

Cropping2D::Cropping2D(const SpatialPadding<2>& cropping, Cropping2DOptions options)
    : LayerOf(options),
      cropping_(checked(cropping, "Cropping2D: cropping")),
      data_format_(spatial::data_format(options.data_format, "Cropping2D")) {
  set_input_spec({{.rank = 4}});
}

Cropping2D Cropping2D::from_config(const Config& config) {
  return Cropping2D(from_json<2>(config.get("cropping"), 0),
                    with_base(Cropping2DOptions{.data_format = config.get("data_format", "")}, config));
}

Tensor Cropping2D::forward(const Tensor& x, bool) { return cropped(x, all_axes(cropping_, data_format_), label()); }

Shape Cropping2D::compute_output_shape(const Shape& input) const {
  return changed(input, all_axes(cropping_, data_format_), -1, label());
}

Config Cropping2D::config() const {
  Config config = base_config();
  config["cropping"] = to_json(cropping_);
  config["data_format"] = data_format_;
  return config;
}

Cropping3D::Cropping3D(const SpatialPadding<3>& cropping, Cropping3DOptions options)
    : LayerOf(options),
      cropping_(checked(cropping, "Cropping3D: cropping")),
      data_format_(spatial::data_format(options.data_format, "Cropping3D")) {
  set_input_spec({{.rank = 5}});
}

Cropping3D Cropping3D::from_config(const Config& config) {
  return Cropping3D(from_json<3>(config.get("cropping"), 1),
                    with_base(Cropping3DOptions{.data_format = config.get("data_format", "")}, config));
}

Tensor Cropping3D::forward(const Tensor& x, bool) { return cropped(x, all_axes(cropping_, data_format_), label()); }

Shape Cropping3D::compute_output_shape(const Shape& input) const {
  return changed(input, all_axes(cropping_, data_format_), -1, label());
}

Config Cropping3D::config() const {
  Config config = base_config();
  config["cropping"] = to_json(cropping_);
  config["data_format"] = data_format_;
  return config;
}

}  // namespace nyala
