#pragma once

#include <map>
#include <string>

#include <nyala/serialization.hpp>

#include "saving/model_config.hpp"

namespace nyala::saving {

/// While one lives on this thread, objects of one shared_object_id are one layer.
class SharedObjects {
 public:
  SharedObjects();
  ~SharedObjects();
  SharedObjects(const SharedObjects&) = delete;
  SharedObjects& operator=(const SharedObjects&) = delete;

  std::map<std::int64_t, LayerRef> layers;

 private:
  SharedObjects* outer_;
};

/// How errors name the layer that an object describes.
std::string place_of(const Config& object);
/// Throws Error for a key of `given` that neither `known` has nor older versions wrote.
void refuse_unknown_keys(const std::string& class_name, const Config& given, const Config& known);

/// Whether objects of that class describe a graph or a Sequential.
bool is_model_class(const std::string& class_name);
/// A graph or a Sequential inside another model.
Model nested_model(const Config& object);
/// From the inner `config` of a graph, or of a Sequential (an object or a list of layers).
Model functional_from_config(const Config& config);
Model sequential_from_config(const Config& config);

/// A layer's class object; `with_build` adds build_config, where Keras does.
Config layer_object(const LayerRef& layer, Form form, bool with_build);
/// The inner `config` of a graph or a Sequential; of other models what they give.
Config inner_config(const Model& model, Form form);

}  // namespace nyala::saving
