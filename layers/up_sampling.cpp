#include <nyala/error.hpp>
#include <nyala/layers/reshaping.hpp>

namespace nyala {

namespace {

std::string resolved(const std::string& data_format, const char* layer) {
  const std::string format = data_format.empty() ? image_data_format() : data_format;
  if (format != "channels_last" && format != "channels_first") {
    throw Error(std::string(layer) + ": data_format must be \"channels_last\" or \"channels_first\", got \"" + format +
                "\"");
  }
  return format;
}

template <std::size_t N>
void check(const Dims<N>& size, const char* layer) {
  for (const std::int64_t each : size.values()) {
    if (each < 1) throw Error(std::string(layer) + ": size must be positive, got " + std::to_string(each));
  }
}

template <std::size_t N>
Shape upsampled(const Shape& input, const Dims<N>& size, const std::string& data_format) {
  Shape output = input;
  const std::size_t first = data_format == "channels_first" ? 2 : 1;
  for (std::size_t i = 0; i < N; ++i) {
    if (output[first + i] != None) output[first + i] *= size[i];
  }
  return output;
}

template <std::size_t N>
Dims<N> dims_from(const Config& config) {
  const std::vector<std::int64_t> sizes = config.as_integers();
  if (sizes.size() == 1) return Dims<N>(static_cast<int>(sizes[0]));
  if (sizes.size() != N) throw Error("config: " + std::to_string(N) + " sizes were expected, got " + config.json());
  std::array<std::int64_t, N> each{};
  std::copy(sizes.begin(), sizes.end(), each.begin());
  return Dims<N>(each);
}

}  // namespace

UpSampling1D::UpSampling1D(int size, BaseOptions options) : LayerOf(options), size_(size) {
  if (size < 1) throw Error("UpSampling1D: size must be positive, got " + std::to_string(size));
  set_input_spec({{.rank = 3}});
}

UpSampling1D UpSampling1D::from_config(const Config& config) {
  return UpSampling1D(config.get("size", 2), with_base(BaseOptions{}, config));
}

Tensor UpSampling1D::forward(const Tensor& x, bool) { return repeat(x, size_, 1); }

Shape UpSampling1D::compute_output_shape(const Shape& input) const {
  return {input[0], input[1] == None ? None : input[1] * size_, input[2]};
}

Config UpSampling1D::config() const {
  Config config = base_config();
  config["size"] = size_;
  return config;
}

UpSampling2D::UpSampling2D(Dims<2> size, UpSampling2DOptions options)
    : LayerOf(options), size_(size), options_(options) {
  check(size, "UpSampling2D");
  options_.data_format = resolved(options.data_format, "UpSampling2D");
  const std::string& mode = options.interpolation;
  if (mode != "nearest" && mode != "bilinear" && mode != "bicubic" && mode != "lanczos3" && mode != "lanczos5") {
    throw Error(
        "UpSampling2D: interpolation must be \"nearest\", \"bilinear\", \"bicubic\", \"lanczos3\" or \"lanczos5\", "
        "got \"" +
        mode + "\"");
  }
  set_input_spec({{.rank = 4}});
}

UpSampling2D UpSampling2D::from_config(const Config& config) {
  return UpSampling2D(config.contains("size") ? dims_from<2>(config.at("size")) : Dims<2>(2),
                      with_base(UpSampling2DOptions{.data_format = config.get("data_format", ""),
                                                    .interpolation = config.get("interpolation", "nearest")},
                                config));
}

Tensor UpSampling2D::forward(const Tensor& x, bool) {
  if (options_.interpolation == "nearest") return upsample(x, size_.vector(), options_.data_format);
  const std::size_t first = options_.data_format == "channels_first" ? 2 : 1;
  return resize(x, {x.shape()[first] * size_[0], x.shape()[first + 1] * size_[1]}, options_.interpolation,
                options_.data_format);
}

Shape UpSampling2D::compute_output_shape(const Shape& input) const {
  return upsampled(input, size_, options_.data_format);
}

Config UpSampling2D::config() const {
  Config config = base_config();
  config["size"] = size_.vector();
  config["data_format"] = options_.data_format;
  config["interpolation"] = options_.interpolation;
  return config;
}

UpSampling3D::UpSampling3D(Dims<3> size, UpSampling3DOptions options)
    : LayerOf(options), size_(size), data_format_(resolved(options.data_format, "UpSampling3D")) {
  check(size, "UpSampling3D");
  set_input_spec({{.rank = 5}});
}

UpSampling3D UpSampling3D::from_config(const Config& config) {
  return UpSampling3D(config.contains("size") ? dims_from<3>(config.at("size")) : Dims<3>(2),
                      with_base(UpSampling3DOptions{.data_format = config.get("data_format", "")}, config));
}

Tensor UpSampling3D::forward(const Tensor& x, bool) { return upsample(x, size_.vector(), data_format_); }
Shape UpSampling3D::compute_output_shape(const Shape& input) const { return upsampled(input, size_, data_format_); }

Config UpSampling3D::config() const {
  Config config = base_config();
  config["size"] = size_.vector();
  config["data_format"] = data_format_;
  return config;
}

}  // namespace nyala
