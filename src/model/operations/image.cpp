// Images and signals.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include <nyala/ops/image.hpp>

#include "model/operations/support.hpp"

namespace nyala::detail {

namespace {

using Arguments = OperationArguments;

/// One number for all axes, or one for each.
std::vector<std::int64_t> numbers_of(const Arguments& a, const char* key, std::int64_t otherwise, std::size_t count) {
  const Config& value = a.option(key);
  std::vector<std::int64_t> numbers = value.is_null() ? std::vector<std::int64_t>{otherwise} : value.as_integers();
  if (numbers.size() == 1) numbers.resize(count, numbers.front());
  const auto usable = [](std::int64_t number) { return number >= 1 && number <= 100000; };
  if (numbers.size() != count || !std::all_of(numbers.begin(), numbers.end(), usable))
    throw Error(std::string(key) + " must be " + (count == 2 ? "one or two" : "one or three") +
                " positive numbers, got " + value.json());
  return numbers;
}

std::vector<std::int64_t> pair_of(const Arguments& a, const char* key, std::int64_t otherwise) {
  return numbers_of(a, key, otherwise, 2);
}

bool channels_first(const Arguments& a) {
  const std::string format = a.text("data_format", "");
  return (format.empty() ? image_data_format() : format) == "channels_first";
}

SamplingArguments sampling(const Arguments& a, const char* fill_mode) {
  return {.interpolation = a.text("interpolation", "bilinear"),
          .fill_mode = a.text("fill_mode", fill_mode),
          .fill_value = a.number("fill_value", 0.0),
          .data_format = a.text("data_format", "")};
}

/// A convolution whose kernel has one 1 per output: each patch as channels.
Tensors patches_of(const Arguments& a) {
  const Tensor given = a.tensor(0);
  const std::size_t axes = a.option("size").is_array() && a.option("size").size() == 3 ? 3 : 2;
  const int rank = static_cast<int>(axes) + 2;
  const bool batched = given.rank() == rank;
  const Tensor images = batched ? given : expand_dims(given, 0);
  if (images.rank() != rank) throw Error("ExtractPatches: images are expected, got " + given.shape().str());
  const std::vector<std::int64_t> size = numbers_of(a, "size", 1, axes);
  const std::int64_t channels = images.shape()[channels_first(a) ? 1 : axes + 1];
  Shape kernel;
  std::int64_t values = channels;
  for (const std::int64_t cells : size) {
    kernel.push_back(cells);
    values *= cells;
    if (values > 8192) throw Error("ExtractPatches: patches of more than 8192 values are too large");
  }
  kernel.push_back(channels);
  kernel.push_back(values);
  ConvArguments arguments;
  arguments.strides = a.option("strides").is_null() ? size : numbers_of(a, "strides", 1, axes);
  arguments.dilation_rate = numbers_of(a, "dilation_rate", 1, axes);
  arguments.padding = a.text("padding", "valid");
  arguments.data_format = a.text("data_format", "");
  const Tensor patches = conv(images, reshape(eye(values, values, 0, images.dtype()), kernel), {}, arguments);
  return batched ? patches : squeeze(patches, 0);
}

/// The four sides of CropImages and PadImages: what is not given follows from the target.
std::array<std::int64_t, 2> sides(const Arguments& a, const char* before, const char* after, const char* target,
                                  std::int64_t change_for_target) {
  const auto given = [&](const char* key) { return !a.option(key).is_null(); };
  const auto value = [&](const char* key) { return a.option(key).as_integer(); };
  std::array<std::int64_t, 2> both = {given(before) ? value(before) : 0, given(after) ? value(after) : 0};
  if (given(target)) {
    if (!given(before)) both[0] = change_for_target - both[1];
    if (given(before)) both[1] = change_for_target - both[0];
  }
  if (both[0] < 0 || both[1] < 0 || both[0] > 1000000 || both[1] > 1000000)
    throw Error(std::string(before) + " and " + after + " must not be negative or huge");
  return both;
}

Tensors cropped_or_padded(const Arguments& a, bool crop) {
  Tensor x = a.tensor(0);
  if (x.rank() != 3 && x.rank() != 4) throw Error("an image is expected, got the shape " + x.shape().str());
  const std::string word = crop ? "cropping" : "padding";
  const std::size_t rows = static_cast<std::size_t>(x.rank()) - (channels_first(a) ? 2 : 3);
  const char* names[2][2] = {{"top_", "bottom_"}, {"left_", "right_"}};
  std::vector<Padding> padding(static_cast<std::size_t>(x.rank()));
  for (std::size_t i = 0; i < 2; ++i) {
    const std::size_t axis = rows + i;
    const char* target = i == 0 ? "target_height" : "target_width";
    const std::int64_t size = x.shape()[axis];
    const std::int64_t wanted = a.option(target).is_null() ? size : a.option(target).as_integer();
    if (wanted < 0 || wanted > (std::int64_t{1} << 24))
      throw Error(std::string(target) + " is " + std::to_string(wanted));
    const auto [before, after] = sides(a, (names[i][0] + word).c_str(), (names[i][1] + word).c_str(), target,
                                       crop ? size - wanted : wanted - size);
    padding[axis] = {before, after};
    if (!crop) continue;
    if (before + after >= size) throw Error("CropImages: nothing is left of " + x.shape().str());
    x = split(x, {before, size - after}, static_cast<int>(axis))[1];
  }
  return crop ? x : pad(x, padding);
}

/// With the channels first the block's places come after the channels, with the channels last before them.
Tensors depth_to_space(const Arguments& a) {
  const Tensor x = a.tensor(0);
  const bool first = a.text("data_format", "channels_last") == "channels_first";
  const std::int64_t block = a.option("block_size").as_integer();
  const Shape& s = x.shape();
  if (block < 2 || s.rank() != 4 || s[first ? 1 : 3] % (block * block) != 0)
    throw Error("DepthToSpace: the channels do not divide by the square of the block");
  if (first) {
    const Tensor parts = reshape(x, {s[0], s[1] / (block * block), block, block, s[2], s[3]});
    return reshape(transpose(parts, {0, 1, 4, 2, 5, 3}), {s[0], s[1] / (block * block), s[2] * block, s[3] * block});
  }
  const Tensor parts = reshape(x, {s[0], s[1], s[2], block, block, s[3] / (block * block)});
  return reshape(transpose(parts, {0, 1, 3, 2, 4, 5}), {s[0], s[1] * block, s[2] * block, s[3] / (block * block)});
}

Tensors space_to_depth(const Arguments& a) {
  const Tensor x = a.tensor(0);
  const bool first = a.text("data_format", "channels_last") == "channels_first";
  const std::int64_t block = a.option("block_size").as_integer();
  const Shape& s = x.shape();
  const std::size_t row = first ? 2 : 1;
  if (block < 2 || s.rank() != 4 || s[row] % block != 0 || s[row + 1] % block != 0)
    throw Error("SpaceToDepth: height and width do not divide by the block");
  const std::int64_t height = s[row] / block, width = s[row + 1] / block;
  if (first) {
    const Tensor parts = reshape(x, {s[0], s[1], height, block, width, block});
    return reshape(transpose(parts, {0, 1, 3, 5, 2, 4}), {s[0], s[1] * block * block, height, width});
  }
  const Tensor parts = reshape(x, {s[0], height, block, width, block, s[3]});
  return reshape(transpose(parts, {0, 1, 3, 2, 4, 5}), {s[0], height, width, block * block * s[3]});
}

struct Complex {
  Tensor real, imaginary;
};

Complex times(const Complex& x, const Complex& y) {
  return {x.real * y.real - x.imaginary * y.imaginary, x.real * y.imaginary + x.imaginary * y.real};
}

/// exp(-2 pi i j k / n) for j < rows and k < columns.
Complex roots(std::int64_t rows, std::int64_t columns, std::int64_t n, DType dtype) {
  std::vector<double> real, imaginary;
  for (std::int64_t j = 0; j < rows; ++j) {
    for (std::int64_t k = 0; k < columns; ++k) {
      const double angle = -2.0 * std::numbers::pi * static_cast<double>(j * k % n) / static_cast<double>(n);
      real.push_back(std::cos(angle));
      imaginary.push_back(std::sin(angle));
    }
  }
  const Shape shape{rows, columns};
  return {cast(tensor(real, shape), dtype), cast(tensor(imaginary, shape), dtype)};
}

Complex matrix_product(const Complex& x, const Complex& y) {
  return {matmul(x.real, y.real) - matmul(x.imaginary, y.imaginary),
          matmul(x.real, y.imaginary) + matmul(x.imaginary, y.real)};
}

/// Over the last axis: dense up to 64 and for primes, else a factor at a time (Cooley and Tukey).
Complex fourier(const Complex& x, int depth = 0) {
  const std::int64_t n = x.real.shape().at(-1);
  std::int64_t a = n;
  for (std::int64_t factor = 64; n > 64 && factor > 1; --factor) {
    if (n % factor == 0) {
      a = factor;
      break;
    }
  }
  if (a == n || depth > 40) {
    if (n > 8192) throw Error("FFT: the length " + std::to_string(n) + " has too large a prime factor");
    return matrix_product(x, roots(n, n, n, x.real.dtype()));
  }
  const std::int64_t b = n / a;
  Shape split_shape(std::vector<std::int64_t>(x.real.shape().begin(), x.real.shape().end() - 1)),
      whole = x.real.shape();
  split_shape.push_back(a);
  split_shape.push_back(b);
  const auto apart = [&](const Tensor& t) { return swapaxes(reshape(t, split_shape), -1, -2); };
  Complex y = matrix_product({apart(x.real), apart(x.imaginary)}, roots(a, a, a, x.real.dtype()));
  y = times(y, roots(b, a, n, x.real.dtype()));
  y = fourier({swapaxes(y.real, -1, -2), swapaxes(y.imaginary, -1, -2)}, depth + 1);
  const auto together = [&](const Tensor& t) { return reshape(swapaxes(t, -1, -2), whole); };
  return {together(y.real), together(y.imaginary)};
}

Complex pair_given(const Arguments& a, int rank) {
  const std::vector<Tensor> parts = a.tensors(0);
  if (parts.size() != 2 || parts[0].shape() != parts[1].shape() || parts[0].rank() < rank || parts[0].size() == 0)
    throw Error("FFT: a real and an imaginary part of one shape are expected");
  return {parts[0], parts[1]};
}

Complex over_rows(const Complex& x) {
  const Complex y = fourier({swapaxes(x.real, -1, -2), swapaxes(x.imaginary, -1, -2)});
  return {swapaxes(y.real, -1, -2), swapaxes(y.imaginary, -1, -2)};
}

Tensor of_length(const Tensor& x, std::int64_t length) {
  if (length < 1 || length > (std::int64_t{1} << 24))
    throw Error("fft_length must be positive, got " + std::to_string(length));
  const std::int64_t size = x.shape().at(-1);
  if (size > length) return cut_at(x, length, -1)[0];
  std::vector<Padding> padding(static_cast<std::size_t>(x.rank()));
  padding.back().after = length - size;
  return size == length ? x : pad(x, padding);
}

Complex real_fourier(const Tensor& given, const Config& length) {
  if (given.rank() < 1 || given.shape().at(-1) < 1) throw Error("RFFT: there are no values");
  const Tensor x = length.is_null() ? given : of_length(given, length.as_integer());
  const Complex y = fourier({x, zeros_like(x)});
  const std::int64_t kept = x.shape().at(-1) / 2 + 1;
  if (kept == x.shape().at(-1)) return y;
  return {cut_at(y.real, kept, -1)[0], cut_at(y.imaginary, kept, -1)[0]};
}

Tensor frames_of(const Tensor& x, std::int64_t length, std::int64_t stride) {
  const std::int64_t size = x.rank() < 1 ? 0 : x.shape().at(-1);
  if (length < 1 || stride < 1 || length > size) {
    throw Error("sequence_length and sequence_stride must be positive and fit in " + std::to_string(size) +
                " values, got " + std::to_string(length) + " and " + std::to_string(stride));
  }
  const std::int64_t count = (size - length) / stride + 1;
  const Tensor places =
      expand_dims(arange(0.0, static_cast<double>(count), 1.0, DType::int32), 1) * cast(Tensor(stride), DType::int32) +
      arange(0.0, static_cast<double>(length), 1.0, DType::int32);
  return take(x, places, -1);
}

Tensors stft_of(const Arguments& a) {
  Tensor x = a.tensor(0);
  const std::int64_t length = a.option("sequence_length").as_integer(),
                     stride = a.option("sequence_stride").as_integer(),
                     fft_length = a.option("fft_length").as_integer();
  if (fft_length < length || fft_length > 65536 || length < 1) {
    throw Error("STFT: fft_length must be at least sequence_length, got " + std::to_string(fft_length) + " for " +
                std::to_string(length));
  }
  if (a.flag("center", true)) {
    std::vector<Padding> padding(static_cast<std::size_t>(x.rank()));
    if (!padding.empty()) padding.back() = {fft_length / 2, fft_length / 2};
    x = pad(x, padding, "reflect");
  }
  const std::int64_t before = (fft_length - length) / 2;
  std::vector<double> window(static_cast<std::size_t>(fft_length), 0.0);
  const Config& kind = a.option("window");
  if (!kind.is_string() && !kind.is_null()) throw Error("STFT: the window must be \"hann\", \"hamming\" or none");
  const bool hamming = kind.is_string() && kind.as_string() == "hamming";
  if (kind.is_string() && !hamming && kind.as_string() != "hann")
    throw Error("STFT: the window \"" + kind.as_string() + "\" is not known");
  for (std::int64_t i = 0; i < length; ++i) {
    const double wave = std::cos(2.0 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(length));
    window[static_cast<std::size_t>(before + i)] = kind.is_null() ? 1.0
                                                   : hamming      ? 0.54 - 0.46 * wave
                                                                  : 0.5 - 0.5 * wave;
  }
  const Tensor frames = frames_of(x, fft_length, stride) * cast(tensor(window, Shape{fft_length}), x.dtype());
  const Complex y = real_fourier(frames, {});
  return {y.real, y.imaginary};
}

/// The whole spectrum from its first half: the other half mirrors it.
Tensors inverse_real_fourier(const Arguments& a) {
  const Complex half = pair_given(a, 1);
  const std::int64_t given = half.real.shape().at(-1);
  const std::int64_t n = a.option("fft_length").is_null() ? 2 * (given - 1) : a.option("fft_length").as_integer();
  if (n < 1) throw Error("IRFFT: the length must be positive, got " + std::to_string(n));
  const std::int64_t kept = n / 2 + 1, mirrored = n - kept;
  Complex x{of_length(half.real, kept), of_length(half.imaginary, kept)};
  // The imaginary parts at 0 and at the middle do not count.
  std::vector<double> counts(static_cast<std::size_t>(kept), 1.0);
  counts.front() = 0.0;
  if (n % 2 == 0) counts.back() = 0.0;
  x.imaginary = x.imaginary * cast(tensor(counts, Shape{kept}), x.imaginary.dtype());
  if (mirrored > 0) {
    const auto tail = [&](const Tensor& t) { return flip(split(t, {1, 1 + mirrored}, -1)[1], -1); };
    x = {concatenate({x.real, tail(x.real)}, -1), concatenate({x.imaginary, -tail(x.imaginary)}, -1)};
  }
  return fourier({x.real, -x.imaginary}).real / Tensor(static_cast<double>(n));
}

}  // namespace

std::vector<OperationEntry> image_operations() {
  return {
      {"ExtractPatches", "image", "size strides dilation_rate padding data_format", "images", patches_of},
      {"RGBToGrayscale", "image", "data_format", "images",
       [](const Arguments& a) -> Tensors { return rgb_to_grayscale(a.tensor(0), a.text("data_format", "")); }},
      {"RGBToHSV", "image", "data_format", "images",
       [](const Arguments& a) -> Tensors { return rgb_to_hsv(a.tensor(0), a.text("data_format", "")); }},
      {"HSVToRGB", "image", "data_format", "images",
       [](const Arguments& a) -> Tensors { return hsv_to_rgb(a.tensor(0), a.text("data_format", "")); }},
      {"GaussianBlur", "image", "kernel_size sigma data_format", "images",
       [](const Arguments& a) -> Tensors {
         const std::vector<std::int64_t> size = pair_of(a, "kernel_size", 3);
         std::vector<double> sigma = {1.0, 1.0};
         const Config& given = a.option("sigma");
         if (given.is_number()) sigma = {given.as_double(), given.as_double()};
         if (given.is_array() && given.size() == 2) sigma = {given[0].as_double(), given[1].as_double()};
         return gaussian_blur(a.tensor(0), {size[0], size[1]}, {sigma[0], sigma[1]}, a.text("data_format", ""));
       }},
      {"AffineTransform", "image", "interpolation fill_mode fill_value data_format", "images transform",
       [](const Arguments& a) -> Tensors {
         return affine_transform(a.tensor(0), a.tensor(1), sampling(a, "constant"));
       }},
      {"PerspectiveTransform", "image", "interpolation fill_value data_format", "images start_points end_points",
       [](const Arguments& a) -> Tensors {
         // Points that are all one, as when shapes are inferred, have no transform.
         if (max(abs(a.tensor(1))).item<double>() == 0.0) return zeros_like(a.tensor(0)) + Tensor(std::nan(""));
         return perspective_transform(a.tensor(0), a.tensor(1), a.tensor(2), sampling(a, "constant"));
       }},
      {"CropImages", "image",
       "top_cropping left_cropping bottom_cropping right_cropping target_height target_width data_format", "images",
       [](const Arguments& a) { return cropped_or_padded(a, true); }},
      {"PadImages", "image",
       "top_padding left_padding bottom_padding right_padding target_height target_width data_format", "images",
       [](const Arguments& a) { return cropped_or_padded(a, false); }},
      {"SpaceToDepth", "nn", "block_size data_format", "x", space_to_depth},
      {"DepthToSpace", "nn", "block_size data_format", "x", depth_to_space},
      {"FFT", "math", "", "x",
       [](const Arguments& a) -> Tensors {
         const Complex y = fourier(pair_given(a, 1));
         return {y.real, y.imaginary};
       }},
      {"FFT2", "math", "", "x",
       [](const Arguments& a) -> Tensors {
         const Complex y = over_rows(fourier(pair_given(a, 2)));
         return {y.real, y.imaginary};
       }},
      {"IFFT2", "math", "", "x",
       [](const Arguments& a) -> Tensors {
         const Complex x = pair_given(a, 2);
         const Complex y = over_rows(fourier({x.real, -x.imaginary}));
         const Tensor size(static_cast<double>(x.real.shape().at(-1) * x.real.shape().at(-2)));
         return {y.real / size, -y.imaginary / size};
       }},
      {"RFFT", "math", "fft_length", "x",
       [](const Arguments& a) -> Tensors {
         const Complex y = real_fourier(a.tensor(0), a.option("fft_length"));
         return {y.real, y.imaginary};
       }},
      {"IRFFT", "math", "fft_length", "x", inverse_real_fourier},
      {"STFT", "math", "sequence_length sequence_stride fft_length window center", "x", stft_of},
      {"ExtractSequences", "math", "sequence_length sequence_stride", "x",
       [](const Arguments& a) -> Tensors {
         return frames_of(a.tensor(0), a.option("sequence_length").as_integer(),
                          a.option("sequence_stride").as_integer());
       }},
  };
}

}  // namespace nyala::detail
