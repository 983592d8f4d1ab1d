#pragma once

// The changes that RandAugment and AugMix draw from.

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <nyala/layers/image_color.hpp>

namespace nyala::image {

using Changes = std::vector<std::pair<std::string, LayerRef>>;

/// Those of Keras' name; with_colors: also brightness, colour, contrast and sharpness. A seed gives each a stream of
/// its own, or they would all draw the same numbers.
template <class O>
Changes changes(const O& options, bool with_colors) {
  const Factor& factor = options.factor;
  std::int64_t number = 0;
  const auto shared = [&](auto own) {
    if constexpr (requires { own.seed; }) {
      if (options.seed) own.seed = *options.seed + ++number;
    }
    if constexpr (requires { own.value_range; }) own.value_range = options.value_range;
    if constexpr (requires { own.interpolation; }) own.interpolation = options.interpolation;
    own.data_format = options.data_format;
    own.trainable = options.trainable;
    own.dtype = options.dtype;
    return own;
  };
  const double bits = std::max(1.0, std::trunc(8.0 * factor.upper()));
  Changes all;
  all.emplace_back("random_shear", RandomShear(factor, factor, shared(RandomTransformOptions{})));
  all.emplace_back("random_translation", RandomTranslation(factor, factor, shared(RandomTransformOptions{})));
  all.emplace_back("random_rotation", RandomRotation(factor, shared(RandomTransformOptions{})));
  all.emplace_back("random_posterization", RandomPosterization({bits, bits}, shared(RandomColorOptions{})));
  all.emplace_back("solarization", Solarization(shared(SolarizationOptions{factor, factor})));
  all.emplace_back("auto_contrast", AutoContrast(shared(ColorOptions{})));
  all.emplace_back("equalization", Equalization(shared(EqualizationOptions{})));
  if (!with_colors) return all;
  all.emplace_back("random_brightness", RandomBrightness(factor, shared(RandomColorOptions{})));
  all.emplace_back("random_color_degeneration", RandomColorDegeneration(factor, shared(RandomColorOptions{})));
  all.emplace_back("random_contrast", RandomContrast(factor, shared(RandomColorOptions{})));
  all.emplace_back("random_sharpness", RandomSharpness(factor, shared(RandomColorOptions{})));
  return all;
}

}  // namespace nyala::image
