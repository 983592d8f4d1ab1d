#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nyala/layer.hpp>
#include <nyala/random.hpp>

namespace nyala {

/// How strong a random change is: from `lower` to `upper`. One number f stands for -f to f, or 0 to f where negative
/// strengths have no meaning.
class Factor {
 public:
  Factor(double one) : lower_(one), upper_(one), one_(true) {}
  Factor(double lower, double upper) : lower_(lower), upper_(upper) {}
  bool is_one() const { return one_; }
  double lower() const { return lower_; }
  double upper() const { return upper_; }

 private:
  double lower_, upper_;
  bool one_ = false;
};

/// Smallest and largest value of a pixel.
struct ValueRange {
  double low = 0.0, high = 255.0;
};

/// What the layers over images share. Their input is (height, width, channels) or (batch, height, width, channels), or
/// channels first. Integers become the compute dtype. Those that change images at random do so in training only.
/// https://keras.io/api/layers/preprocessing_layers/
class ImageLayer : public Layer {
 public:
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override { return input; }
  Config config() const override;

 protected:
  ImageLayer(const RegularizerRef& activity_regularizer, bool trainable, const DTypePolicy& dtype,
             const std::string& name)
      : Layer(activity_regularizer, trainable, dtype, name) {}
  /// Takes the arguments that all of them have; `layer` for errors.
  template <class O>
  void set_up(const O& options, const char* layer) {
    keep(options.data_format, options.bounding_box_format, layer);
    if constexpr (requires { options.seed; }) keep_seed(options.seed);
  }

  /// images: (batch, height, width, channels) in the compute dtype.
  virtual Tensor transform(const Tensor& images, bool training) = 0;
  /// Whether it changes images at inference too.
  virtual bool always() const { return false; }
  /// Whether inference gives integers back as they came.
  virtual bool keeps_integers() const { return true; }

  bool channels_first() const { return data_format_ == "channels_first"; }
  const std::string& data_format() const { return data_format_; }
  /// The given shape with other sizes of its height and width.
  Shape resized(Shape shape, std::int64_t height, std::int64_t width) const;
  /// One number per image in [low, high), as (count, 1, 1, 1).
  Tensor uniform(std::int64_t count, double low, double high);
  /// True with a probability that is drawn from the factor anew for each image: (count, 1, 1, 1).
  Tensor chosen(std::int64_t count, const Factor& factor);
  SeedGenerator& seed() { return *seed_; }
  /// config() and the seed.
  Config random_config() const;

 private:
  void keep(const std::string& data_format, const std::string& bounding_box_format, const char* layer);
  void keep_seed(const std::optional<std::int64_t>& seed);

  std::string data_format_, bounding_box_format_;
  std::optional<std::int64_t> given_seed_;
  std::optional<SeedGenerator> seed_;
};

}  // namespace nyala
