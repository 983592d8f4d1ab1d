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
      {"AlphaDropout", make<AlphaDropout>},
      {"Dense", make<Dense>},
      {"Dropout", make<Dropout>},
      {"ELU", make<ELU>},
      {"Flatten", make<Flatten>},
      {"GaussianDropout", make<GaussianDropout>},
      {"GaussianNoise", make<GaussianNoise>},
      {"InputLayer", make<InputLayer>},
      {"LeakyReLU", make<LeakyReLU>},
      {"PReLU", make<PReLU>},
      {"Permute", make<Permute>},
      {"ReLU", make<ReLU>},
      {"RepeatVector", make<RepeatVector>},
      {"Reshape", make<Reshape>},
      {"Softmax", make<Softmax>},
      {"SpatialDropout1D", make<SpatialDropout1D>},
      {"SpatialDropout2D", make<SpatialDropout2D>},
      {"SpatialDropout3D", make<SpatialDropout3D>},
      {"UpSampling1D", make<UpSampling1D>},
      {"UpSampling2D", make<UpSampling2D>},
      {"UpSampling3D", make<UpSampling3D>},
  };
  return layers;
}

}  // namespace nyala::detail
