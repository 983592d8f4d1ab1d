#pragma once

#include <string>
#include <vector>

#include <nyala/layer.hpp>

namespace nyala {

/// Layers one after the other, as one layer; masks and the training flag go through all of them.
/// https://keras.io/api/layers/preprocessing_layers/pipeline/
class Pipeline : public LayerOf<Pipeline> {
 public:
  explicit Pipeline(std::vector<LayerRef> layers, BaseOptions options = {});
  static Pipeline from_config(const Config& config);

  const std::vector<LayerRef>& layers() const { return layers_; }
  Tensors call_with(const Tensors& inputs, const CallContext& context) override;
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override;
  DType compute_output_dtype(const std::vector<DType>& inputs) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Pipeline"; }
  Config config() const override;

 private:
  std::vector<LayerRef> layers_;
};

}  // namespace nyala
