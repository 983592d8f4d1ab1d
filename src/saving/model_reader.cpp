// Models from their class objects.
#include <nyala/error.hpp>

#include "model/layer_path.hpp"
#include "model/layer_state.hpp"
#include "model/model_state.hpp"
#include "model/parameter_budget.hpp"
#include "model/registry.hpp"
#include "saving/config_values.hpp"
#include "saving/layer_config.hpp"
#include "saving/layer_dialect.hpp"
#include "saving/model_config.hpp"
#include "saving/slashed_names.hpp"

namespace nyala::saving {

bool is_model_class(const std::string& class_name) {
  return class_name == "Sequential" || class_name == "Functional" || class_name == "Model";
}

namespace {

/// A subclass of Model behind a plain handle.
class SubclassHandle : public Model {
 public:
  explicit SubclassHandle(std::shared_ptr<Model> model) : Model(*model), model_(std::move(model)) {}
  void build_all(const std::vector<Shape>& inputs) override { model_->build_all(inputs); }
  Tensors call_with(const Tensors& inputs, const CallContext& context) override {
    return model_->call_with(inputs, context);
  }
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override {
    return model_->compute_output_shapes(inputs);
  }
  std::vector<Tensor> compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const override {
    return model_->compute_masks(inputs, masks);
  }
  std::string class_name() const override { return model_->class_name(); }
  KerasForm keras_form() const override { return model_->keras_form(); }
  Config config() const override { return model_->config(); }

 private:
  std::shared_ptr<Model> model_;
};

/// A subclass makes its weights when it is called: once, on zeros of the shape that the file gives.
void build_on_zeros(Model& model, const Config& build_config) {
  if (!build_config.is_object() || model.built()) return;
  const Config& shape = build_config.get("input_shape");
  if (!shape.is_array() || shape.size() == 0) return;
  const bool several = shape[0].is_array();
  Tensors inputs;
  for (const Config& one : several ? shape.items() : std::vector<Config>{shape}) {
    Shape sizes = one.as_shape();
    for (std::int64_t& size : sizes) size = size == None ? 1 : size;
    if (sizes.elements() > (std::int64_t{1} << 24))
      throw Error("build_config: an input of shape " + sizes.str() + " is too large");
    inputs.push_back(zeros(sizes));
  }
  const StopRecording stop;
  model.outputs(inputs);
}

Model model_of(const LayerRef& layer, const Config& object) {
  const auto model = std::dynamic_pointer_cast<Model>(layer.pointer());
  if (model == nullptr) throw Error(place_of(object) + ": it is a layer, not a model");
  if (model->model_state()->kind != detail::ModelKind::subclass) return *model;
  Model handle = SubclassHandle(model);
  build_on_zeros(handle, object.get("build_config"));
  return handle;
}

Shape first_shape(const Config& shape) {
  if (!shape.is_array() || shape.size() == 0) return {};
  for (const Config& size : shape.items()) {
    if (!size.is_null() && !size.is_integer()) return {};
  }
  return shape.as_shape();
}

KerasTensor input_for(Shape shape, DType dtype, const std::string& name) {
  InputOptions options{.dtype = dtype, .name = name};
  if (shape.front() != None) options.batch_size = Config(shape.front()).as_int();
  shape.erase(0);
  return Input(shape, options);
}

}  // namespace

Model sequential_from_config(const Config& config) {
  const bool bare = config.is_array();
  const Config& layers = bare ? config : config.at("layers");
  ModelOptions options;
  if (!bare) {
    options.name = config.get("name", "");
    refuse_unknown_keys(
        "Sequential", config,
        Config::object({{"name", {}}, {"trainable", {}}, {"dtype", {}}, {"layers", {}}, {"build_input_shape", {}}}));
  }
  Sequential model({}, options);
  const detail::LayerPath path = detail::LayerPath::anew(model.name());
  bool first = true;
  for (const Config& object : layers.items()) {
    const LayerRef layer = layer_from_config(object);
    try {
      if (first && !detail::state_of(*layer).is_input) {
        const std::string class_name = class_name_of(object);
        Shape shape;
        DType dtype = floatx();
        if (!is_model_class(class_name) && object.get("config").is_object())
          shape = first_shape(todays_words(class_name, object.at("config")).batch_input_shape);
        if (shape.empty() && detail::state_of(*layer).is_model) {
          const auto inner = std::dynamic_pointer_cast<Model>(layer.pointer());
          if (inner->inputs().size() == 1) {
            shape = inner->inputs().front().shape();
            dtype = inner->inputs().front().dtype();
          }
        }
        if (!shape.empty()) model.add(LayerRef(input_for(shape, dtype, layer->name() + "_input")));
      }
      first = false;
      model.add(layer);
    } catch (const Error& error) {
      throw Error(place_of(object) + ": " + error.what());
    }
  }
  detail::ModelState& state = *model.model_state();
  if (state.inputs.empty() && !bare && !state.sequence.empty()) {
    Shape shape = first_shape(config.get("build_input_shape"));
    if (shape.empty())
      shape = first_shape(layers[0].get("build_config").is_object() ? layers[0].get("build_config").get("input_shape")
                                                                    : Config());
    if (!shape.empty()) model.build_now({shape});
  }
  // Of the model itself, as it was when it was saved: each layer's config says whether that is frozen.
  if (!bare) detail::state_of(model).trainable = config.get("trainable", true);
  return model;
}

Model nested_model(const Config& object) {
  const Config config = plain(object.get("config"));
  if (config.is_array() || class_name_of(object) == "Sequential") return sequential_from_config(config);
  if (!config.is_object() || !config.contains("layers")) {
    throw Error("the config of a model must have the keys layers, input_layers and output_layers, got " +
                config.json().substr(0, 80));
  }
  return config.contains("input_layers") ? functional_from_config(config) : sequential_from_config(config);
}

Model model_from_config(const Config& object, const RestoreOptions& options) {
  const detail::ParameterBudget budget(options.max_parameter_bytes, options.initialize);
  const SharedObjects shared;
  if (object.is_array()) return sequential_from_config(plain(object));
  if (object.is_object() && !object.contains("class_name") && object.contains("layers"))
    return nested_model(Config::object({{"config", object}}));
  if (!object.is_object())
    throw Error("model_from_config: an object with class_name and config was expected, got " +
                object.json().substr(0, 80));
  return model_of(layer_from_config(object), object);
}

}  // namespace nyala::saving

namespace nyala {

Model Model::from_config(const Config& config) { return saving::model_from_config(config); }

Model model_from_json(const std::string& json, const LoadOptions& options) {
  const Config parsed = Config::parse(json);
  const Config object = saving::SlashedNames(parsed).renamed(parsed);
  const bool says = object.is_object() && object.get("keras_version").is_string();
  const saving::VersionBeingRead version(says ? object.at("keras_version").as_string() : "");
  Model model = saving::model_from_config(object, {.max_parameter_bytes = options.max_parameter_bytes});
  if (options.compile && object.is_object()) saving::compile_from_config(model, object.get("compile_config"), object);
  return model;
}

Model clone_model(const Model& model) {
  Config object = saving::model_config(model);
  object.erase("compile_config");
  return saving::model_from_config(object, {.max_parameter_bytes = ~std::uint64_t{0}});
}

}  // namespace nyala
