#include "quantization.hpp"

#include <charconv>

#include <nyala/error.hpp>

namespace nyala::quantization {

namespace {

int whole_number(std::string_view text, const std::string& mode) {
  int value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
    throw Error("the quantization mode \"" + mode.substr(0, 40) + "\" is not known");
  return value;
}

}  // namespace

Scheme scheme_of(const Config& policy) {
  const Config& config = policy.get("config");
  const std::string mode = config.is_object() ? config.get("mode", "") : std::string();
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= mode.size();) {
    const std::size_t end = std::min(mode.find('/', begin), mode.size());
    parts.push_back(mode.substr(begin, end - begin));
    begin = end + 1;
  }
  Scheme scheme;
  const auto group = [&](std::size_t place) {
    if (parts.size() <= place) return;
    const int size = whole_number(parts[place], mode);
    if (size == 0 || size < -1) throw Error("the quantization mode \"" + mode.substr(0, 40) + "\" has no such groups");
    if (size > 0) scheme.group = size;
  };
  if (parts[0] == "int8" && parts.size() == 1) return scheme;
  if (parts[0] == "int4" && parts.size() <= 2) {
    scheme.mode = Mode::int4;
    scheme.bits = 4;
    group(1);
    return scheme;
  }
  if (parts[0] == "float8" && parts.size() == 1) {
    scheme.mode = Mode::float8;
    scheme.history = config.get("amax_history_length", 1024);
    if (scheme.history < 1) throw Error("amax_history_length must be positive, got " + std::to_string(scheme.history));
    return scheme;
  }
  if ((parts[0] == "gptq" || parts[0] == "awq") && parts.size() == 3) {
    scheme.mode = parts[0] == "gptq" ? Mode::gptq : Mode::awq;
    scheme.bits = whole_number(parts[1], mode);
    if (scheme.bits < 2 || scheme.bits > 8) throw Error("the mode \"" + mode.substr(0, 40) + "\" has no such bits");
    group(2);
    return scheme;
  }
  throw Error("the quantization mode \"" + mode.substr(0, 40) + "\" is not known");
}

InputQuantizer::Result InputQuantizer::operator()(const Tensor& x, const Axes& axes) const {
  const Tensor scale = cast(Tensor(high), x.dtype()) / (max(abs(x), axes, true) + epsilon);
  return {clip(round(x * scale), low, high), scale};
}

std::optional<InputQuantizer> input_quantizer_of(const Config& quantization_config, Mode mode) {
  if (!quantization_config.is_object()) {
    return mode == Mode::int8 ? std::optional<InputQuantizer>(InputQuantizer()) : std::nullopt;
  }
  const Config& config = quantization_config.get("config");
  const Config& quantizer = config.is_object() ? config.get("activation_quantizer") : config;
  if (!quantizer.is_object()) return {};
  if (quantizer.get("class_name", "") != "AbsMaxQuantizer") {
    throw Error("quantization_config: the quantizer " + quantizer.get("class_name", "").substr(0, 40) +
                " is not supported");
  }
  InputQuantizer result;
  const Config& own = quantizer.at("config");
  if (own.get("value_range").is_array() && own.at("value_range").size() == 2) {
    result.low = own.at("value_range")[0].as_double();
    result.high = own.at("value_range")[1].as_double();
  }
  result.epsilon = own.get("epsilon", result.epsilon);
  return result;
}

Tensor unpacked(const Tensor& bytes, int axis, std::int64_t size, bool with_sign) {
  const Tensor whole = mod(cast(bytes, DType::int32), 256);
  const auto number = [&](const Tensor& bits) {
    return with_sign ? bits - cast(greater_equal(bits, 8), DType::int32) * 16 : bits;
  };
  const Tensor low = number(mod(whole, 16)), high = number(floor_divide(whole, 16));
  const int first = axis < 0 ? axis + bytes.rank() : axis;
  Shape both = bytes.shape();
  both[static_cast<std::size_t>(first)] *= 2;
  const Tensor all = reshape(stack({low, high}, first + 1), both);
  if (size < 0 || size > both[static_cast<std::size_t>(first)]) throw Error("packed numbers of another size");
  both[static_cast<std::size_t>(first)] = size;
  return cast(slice(all, std::vector<std::int64_t>(both.size(), 0), both), DType::float32);
}

Tensor from_groups(const Tensor& values, const Tensor& scale, const Tensor& zero, const Tensor& groups, int axis) {
  const Tensor places = cast(groups, DType::int32);
  return (values - cast(take(zero, places, axis), scale.dtype())) * take(scale, places, axis);
}

Tensor through_float8(const Tensor& x, const Tensor& scale) {
  const DType dtype = x.dtype();
  const Tensor wide = clip(cast(x / cast(scale, dtype), DType::float32), -448.0, 448.0);
  // Three bits behind the leading one; below 2^-6 the steps stay as they are there.
  const Tensor step = exp2(floor(log2(maximum(abs(wide), 0.015625))) - 3.0);
  return cast(round(wide / step) * step, dtype) * cast(scale, dtype);
}

}  // namespace nyala::quantization
