#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nyala/activations.hpp>
#include <nyala/autograd.hpp>
#include <nyala/config.hpp>
#include <nyala/ops.hpp>
#include <nyala/ref.hpp>
#include <nyala/tensor.hpp>
#include <nyala/variable.hpp>

namespace nyala {

class LayerRef;
class KerasTensor;
class SeedGenerator;
namespace detail {
struct LayerState;
struct GraphNode;
}  // namespace detail

/// What a call carries besides its tensors.
struct CallContext {
  bool training = false;
  /// One per input; null: none. Taken from the input tensors where the caller gives none.
  std::vector<Tensor> masks = {};
  /// Keras' call arguments that are no tensors: {"use_causal_mask": true}.
  Config arguments = {};
  /// Keras' call arguments that are tensors: "attention_mask", "initial_state" (numbered "initial_state_0", …).
  std::map<std::string, Tensor> tensors = {};
};

/// What a layer demands of an input. https://keras.io/api/layers/base_layer/ (InputSpec)
struct InputSpec {
  std::optional<int> rank = {}, min_rank = {}, max_rank = {};
  /// axis (may be negative) -> size
  std::map<int, std::int64_t> axes = {};
};

/// How a layer is declared in Python, as far as Keras' files show it. A class of one's own that Keras has as well,
/// under the same registered name, says by it what its Python class does.
struct KerasForm {
  /// The arguments of call() that are inputs, with spaces between. A layer of several inputs takes them by these names,
  /// if there are several names, and else in one list.
  const char* inputs = "inputs";
  /// The arguments that follow by place, with "mask" among them if there is one.
  const char* others = "";
  /// Whether one input stands in a list too, as in layers that merge.
  bool always_listed = false;
  /// Whether its constructor builds it, so that files have no build_config.
  bool built_when_made = false;
};

struct WeightOptions {
  bool trainable = true;
  std::optional<DType> dtype = {};  // default: the policy's variable dtype
  RegularizerRef regularizer = {};
  ConstraintRef constraint = {};
  bool autocast = true;  // whether a mixed policy casts it when it is read
};

/// The base of all layers and models. https://keras.io/api/layers/base_layer/
///
/// A layer of one's own overrides forward (or call, for several inputs or outputs), and build if it has weights. Its
/// backward comes from the tape; overriding backward replaces that. Copies of a built layer share its weights.
class Layer {
 public:
  virtual ~Layer();

  /// Makes the weights, once, for inputs of that shape (batch axis None). Layers override it; called by hand, as in
  /// Python, it makes those that the first call then uses.
  virtual void build(const Shape& input);
  /// The same for layers of several inputs; default: build(inputs[0]).
  virtual void build_all(const std::vector<Shape>& inputs);
  virtual Tensor forward(const Tensor& x, bool training);
  /// For several inputs or outputs; default: forward of the only tensor.
  virtual Tensors call(const Tensors& inputs, bool training);
  /// With masks and arguments; default: call(inputs, context.training).
  virtual Tensors call_with(const Tensors& inputs, const CallContext& context);
  /// d loss / d input from d loss / d output. Default: a null tensor, which means "use the tape". A layer that
  /// overrides it may keep what it needs in forward (such a layer is for one thread at a time).
  virtual Tensor backward(const Tensor& gradient);

  /// Unknown sizes are None. Default: found by running the layer on zeros.
  virtual Shape compute_output_shape(const Shape& input) const;
  virtual std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const;
  /// For layers whose arguments change what they give (return_attention_scores); default: as without arguments.
  virtual std::vector<Shape> compute_output_shapes_with(const std::vector<Shape>& inputs,
                                                        const CallContext& context) const;
  /// Default: the policy's compute dtype.
  virtual DType compute_output_dtype(const std::vector<DType>& inputs) const;
  /// One mask per output from those of the inputs. Default: the first input's mask for every output if
  /// supports_masking(), else none.
  virtual std::vector<Tensor> compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const;
  virtual bool supports_masking() const;
  /// Whether the mask of an input ends with its call: in a graph, what uses the same tensor later finds none.
  virtual bool ends_mask(std::size_t input) const;
  /// Whether floating inputs are cast to the compute dtype before the call (Keras' autocast). Default: yes.
  virtual bool autocasts() const;
  /// Whether it ends in a convolution or a dense product that applies the layer's activation itself: in inference that
  /// then also does what alone uses the result (batch normalisation, a sum, ReLU). Default: no.
  virtual bool ends_in_product() const;
  virtual KerasForm keras_form() const;
  /// Keras' class name: "Dense". Default: the C++ class name.
  virtual std::string class_name() const;
  /// Keras' get_config(). Default: base_config().
  virtual Config config() const;
  Config get_config() const { return config(); }

  Tensor operator()(const Tensor& x, bool training = false);
  Tensor operator()(const std::vector<Tensor>& inputs, bool training = false);
  /// For layers with several outputs, or calls with arguments.
  Tensors outputs(const Tensors& inputs, const CallContext& context = {});

  const std::string& name() const;
  bool built() const;
  /// Whether the class overrides backward; found out by LayerRef and LayerOf, so that other layers need not be asked.
  void mark_backward(bool overridden);
  /// Builds now, instead of at the first call.
  void build_now(const std::vector<Shape>& inputs);
  bool trainable() const;
  /// Of this layer and all below it.
  void set_trainable(bool trainable);
  DTypePolicy dtype_policy() const;
  DType compute_dtype() const;
  DType variable_dtype() const;

  /// All variables: own trainable ones, own others, then those of the layers below.
  std::vector<Variable> weights() const;
  std::vector<Variable> variables() const { return weights(); }
  /// Those that an optimizer changes: none of a frozen layer's, whatever the layers below say; else those whose own
  /// layer is not frozen.
  std::vector<Variable> trainable_variables() const;
  std::vector<Variable> non_trainable_variables() const;
  std::vector<Tensor> get_weights() const;
  /// Throws Error naming count and shapes if they differ; nothing is changed then.
  void set_weights(const std::vector<Tensor>& weights);
  /// Number of elements of all weights. Error if the layer is not built.
  std::int64_t count_params() const;
  /// The layers tracked by this one, in order.
  std::vector<LayerRef> sublayers() const;
  /// The regularisation losses of this layer's and its sublayers' weights.
  std::vector<Tensor> regularization_losses() const;

 protected:
  Layer();
  Layer(const RegularizerRef& activity_regularizer, bool trainable, const DTypePolicy& dtype, const std::string& name);
  /// Shares the weights of a built layer; a layer not yet built gives an independent one.
  Layer(const Layer& other);
  Layer(Layer&& other) noexcept;
  Layer& operator=(const Layer& other);
  Layer& operator=(Layer&& other) noexcept;

  Variable add_weight(const std::string& name, const Shape& shape, const InitializerRef& initializer = "glorot_uniform",
                      const WeightOptions& options = {});
  /// Counts a weight of a layer below among this layer's own too, as Keras' files do for SpectralNormalization.
  void share_weight(const Variable& weight);
  /// Makes `child`'s weights part of this layer's; `attribute` is the name Keras keeps it under in files.
  LayerRef track(LayerRef child, const std::string& attribute = {});
  /// The same for layers that Keras keeps in a list: "attribute/dense", "attribute/dense_1", …
  std::vector<LayerRef> track(const std::vector<LayerRef>& children, const std::string& attribute);
  /// For an activation of what this layer gives. If it is a layer (PReLU), its weights are this layer's too, made for
  /// its output after build.
  void track(const ActivationFunction& activation, const std::string& attribute = "activation");
  /// Makes a random stream of this layer part of what a checkpoint holds; gives it back.
  SeedGenerator track(const SeedGenerator& seed);
  /// The same for a variable that is no weight, such as a kept state.
  Variable track(const Variable& kept);
  /// Adds a scalar to the loss of the step that is being run.
  void add_loss(const Tensor& loss);
  /// Shows the mean of `value` over an epoch among the metrics.
  void add_metric(const Tensor& value, const std::string& name);
  void set_input_spec(std::vector<InputSpec> specs);
  /// {name, trainable, dtype} and activity_regularizer if there is one.
  Config base_config() const;
  /// "Dense \"dense_1\"": how errors name this layer.
  std::string label() const;

  std::shared_ptr<detail::LayerState> state_;

 private:
  friend class LayerRef;
  friend class Model;
  friend struct detail::LayerState;
  Tensors invoke(const Tensors& inputs, const CallContext& context);
};

template <class L>
inline constexpr bool overrides_backward = !std::same_as<decltype(&L::backward), Tensor (Layer::*)(const Tensor&)>;

/// A layer by reference: copies are the same layer. What Sequential, Bidirectional and track take.
class LayerRef {
 public:
  LayerRef() = default;
  template <std::derived_from<Layer> L>
  LayerRef(L layer) : layer_(std::make_shared<L>(std::move(layer))) {
    layer_->mark_backward(overrides_backward<L>);
  }
  explicit LayerRef(std::shared_ptr<Layer> layer) : layer_(std::move(layer)) {}
  /// Input() inside Sequential{…}. Throws Error if it is no Input.
  LayerRef(const KerasTensor& input);

  Tensor operator()(const Tensor& x, bool training = false) const;
  Tensor operator()(const std::vector<Tensor>& inputs, bool training = false) const;
  KerasTensor operator()(const KerasTensor& x) const;
  KerasTensor operator()(const std::vector<KerasTensor>& inputs) const;
  /// Of a layer with several outputs, or of a call with arguments.
  std::vector<KerasTensor> outputs(const std::vector<KerasTensor>& inputs, const CallContext& context = {}) const;

  bool defined() const { return layer_ != nullptr; }
  Layer* operator->() const { return layer_.get(); }
  Layer& operator*() const { return *layer_; }
  const std::shared_ptr<Layer>& pointer() const { return layer_; }
  bool is(const LayerRef& other) const { return layer_ == other.layer_; }

 private:
  std::shared_ptr<Layer> layer_;
};

/// One layer to be called several times: `auto shared = layer(Dense(16)); shared(a); shared(b);`
inline LayerRef layer(LayerRef shared) { return shared; }

/// A place in the graph being written: one output of one call of a layer. https://keras.io/api/models/model/
class KerasTensor {
 public:
  KerasTensor() = default;
  KerasTensor(std::shared_ptr<detail::GraphNode> node, int index) : node_(std::move(node)), index_(index) {}

  bool defined() const { return node_ != nullptr; }
  const Shape& shape() const;
  DType dtype() const;
  int rank() const { return shape().rank(); }
  const std::shared_ptr<detail::GraphNode>& node() const { return node_; }
  int index() const { return index_; }
  bool is(const KerasTensor& other) const { return node_ == other.node_ && index_ == other.index_; }

 private:
  std::shared_ptr<detail::GraphNode> node_;
  int index_ = 0;
};

class KerasTensors {
 public:
  KerasTensors(const KerasTensor& one) : tensors_{one} {}
  KerasTensors(std::initializer_list<KerasTensor> several) : tensors_(several) {}
  KerasTensors(std::vector<KerasTensor> several) : tensors_(std::move(several)) {}
  const std::vector<KerasTensor>& vector() const { return tensors_; }

 private:
  std::vector<KerasTensor> tensors_;
};

struct InputOptions {
  std::optional<int> batch_size = {};
  DTypePolicy dtype = {};
  bool optional = false;
  std::string name = {};
};
/// The entry of a graph; shape without the batch axis. https://keras.io/api/layers/core_layers/input/
KerasTensor Input(const Shape& shape, const InputOptions& options = {});

// Arithmetic in a graph: a node whose operation Keras names Add, Subtract, Multiply, TrueDivide, Negative.
KerasTensor operator+(const KerasTensor& a, const KerasTensor& b);
KerasTensor operator-(const KerasTensor& a, const KerasTensor& b);
KerasTensor operator*(const KerasTensor& a, const KerasTensor& b);
KerasTensor operator/(const KerasTensor& a, const KerasTensor& b);
KerasTensor operator+(const KerasTensor& a, const Tensor& b);
KerasTensor operator-(const KerasTensor& a, const Tensor& b);
KerasTensor operator*(const KerasTensor& a, const Tensor& b);
KerasTensor operator/(const KerasTensor& a, const Tensor& b);
KerasTensor operator+(const Tensor& a, const KerasTensor& b);
KerasTensor operator-(const Tensor& a, const KerasTensor& b);
KerasTensor operator*(const Tensor& a, const KerasTensor& b);
KerasTensor operator/(const Tensor& a, const KerasTensor& b);
KerasTensor operator-(const KerasTensor& a);

/// The options that all layers share, at the end of each options struct: C++20 designates no member of a base class.
template <class O>
concept LayerOptions = requires(O o) {
  { o.activity_regularizer } -> std::same_as<RegularizerRef&>;
  { o.trainable } -> std::same_as<bool&>;
  { o.dtype } -> std::same_as<DTypePolicy&>;
  { o.name } -> std::same_as<std::string&>;
};

/// The options of a layer that has none of its own.
struct BaseOptions {
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Adds the symbolic call to a layer class: Dense(16)(x). Only temporaries can be called so; a layer that is to be
/// shared is made with layer(…), since each call of a named one would otherwise copy it.
template <class Derived, class Base = Layer>
class LayerOf : public Base {
 public:
  using Base::operator();
  KerasTensor operator()(const KerasTensor& x) && { return LayerRef(std::move(static_cast<Derived&>(*this)))(x); }
  KerasTensor operator()(const std::vector<KerasTensor>& x) && {
    return LayerRef(std::move(static_cast<Derived&>(*this)))(x);
  }
  KerasTensor operator()(const KerasTensor& x) & = delete;  // write: auto shared = layer(Dense(16)); shared(x);
  KerasTensor operator()(const std::vector<KerasTensor>& x) & = delete;

 protected:
  LayerOf() { this->mark_backward(overrides_backward<Derived>); }
  template <LayerOptions O>
  explicit LayerOf(const O& o) : Base(o.activity_regularizer, o.trainable, o.dtype, o.name) {
    this->mark_backward(overrides_backward<Derived>);
  }
};

void detail_read_base(const Config& config, RegularizerRef& activity_regularizer, bool& trainable, DTypePolicy& dtype,
                      std::string& name);

/// Fills the options that all layers share from a config.
template <LayerOptions O>
O with_base(O options, const Config& config) {
  detail_read_base(config, options.activity_regularizer, options.trainable, options.dtype, options.name);
  return options;
}

}  // namespace nyala
