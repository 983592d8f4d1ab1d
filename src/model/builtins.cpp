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
      {"Dense", make<Dense>},
      {"InputLayer", make<InputLayer>},
  };
  return layers;
}

}  // namespace nyala::detail
