#include <nyala/layers.hpp>

#include "model/registry.hpp"

namespace nyala::detail {

namespace {

template <class L>
LayerRef make(const Config& config) {
  return LayerRef(L::from_config(config));
}

}  // namespace

const std::vector<BuiltinLayer>& builtin_layers() {
  static const std::vector<BuiltinLayer> layers = {
      {"Activation", make<Activation>},
      {"ActivityRegularization", make<ActivityRegularization>},
      {"Add", make<Add>},
      {"AlphaDropout", make<AlphaDropout>},
      {"Average", make<Average>},
      {"Concatenate", make<Concatenate>},
      {"Cropping1D", make<Cropping1D>},
      {"Cropping2D", make<Cropping2D>},
      {"Cropping3D", make<Cropping3D>},
      {"Dense", make<Dense>},
      {"Dot", make<Dot>},
      {"Dropout", make<Dropout>},
      {"ELU", make<ELU>},
      {"Embedding", make<Embedding>},
      {"Flatten", make<Flatten>},
      {"GaussianDropout", make<GaussianDropout>},
      {"GaussianNoise", make<GaussianNoise>},
      {"Identity", make<Identity>},
      {"InputLayer", make<InputLayer>},
      {"LeakyReLU", make<LeakyReLU>},
      {"Masking", make<Masking>},
      {"Maximum", make<Maximum>},
      {"Minimum", make<Minimum>},
      {"Multiply", make<Multiply>},
      {"Normalization", make<Normalization>},
      {"PReLU", make<PReLU>},
      {"Permute", make<Permute>},
      {"ReLU", make<ReLU>},
      {"RepeatVector", make<RepeatVector>},
      {"Rescaling", make<Rescaling>},
      {"Reshape", make<Reshape>},
      {"Softmax", make<Softmax>},
      {"SpatialDropout1D", make<SpatialDropout1D>},
      {"SpatialDropout2D", make<SpatialDropout2D>},
      {"SpatialDropout3D", make<SpatialDropout3D>},
      {"Subtract", make<Subtract>},
      {"UpSampling1D", make<UpSampling1D>},
      {"UpSampling2D", make<UpSampling2D>},
      {"UpSampling3D", make<UpSampling3D>},
      {"ZeroPadding1D", make<ZeroPadding1D>},
      {"ZeroPadding2D", make<ZeroPadding2D>},
      {"ZeroPadding3D", make<ZeroPadding3D>},
  };
  return layers;
}

}  // namespace nyala::detail
