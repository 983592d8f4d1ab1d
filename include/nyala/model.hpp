#pragma once

#include <concepts>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nyala/callback.hpp>
#include <nyala/dataset.hpp>
#include <nyala/layer.hpp>
#include <nyala/loss.hpp>
#include <nyala/metric.hpp>
#include <nyala/model_data.hpp>
#include <nyala/optimizer.hpp>

namespace nyala {

namespace detail {
struct ModelState;
}

/// One loss for every output, one per output, or output name -> loss.
class Losses {
 public:
  Losses() = default;
  template <std::convertible_to<LossRef> L>
  Losses(const L& for_every_output) : Losses(One{}, LossRef(for_every_output)) {}
  Losses(std::initializer_list<LossRef> per_output);
  Losses(std::initializer_list<std::pair<const std::string, LossRef>> by_name);
  Losses(std::vector<LossRef> per_output);
  Losses(std::map<std::string, LossRef> by_name);

  const std::vector<LossRef>& list() const;
  const std::map<std::string, LossRef>& by_name() const;

 private:
  struct One {};
  Losses(One, LossRef for_every_output);
  struct Data;
  std::shared_ptr<const Data> data_;
};

/// Metrics of the (first, or each) output, a list per output, or output name -> metrics.
class Metrics {
 public:
  Metrics() = default;
  Metrics(std::initializer_list<MetricRef> metrics);
  Metrics(std::initializer_list<std::pair<const std::string, std::vector<MetricRef>>> by_name);
  Metrics(std::vector<MetricRef> metrics);
  Metrics(std::vector<std::vector<MetricRef>> per_output);
  Metrics(std::map<std::string, std::vector<MetricRef>> by_name);

  const std::vector<MetricRef>& list() const;
  const std::vector<std::vector<MetricRef>>& per_output() const;
  const std::map<std::string, std::vector<MetricRef>>& by_name() const;
  bool empty() const { return data_ == nullptr; }

 private:
  struct Data;
  explicit Metrics(Data data);
  std::shared_ptr<const Data> data_;
};

/// A factor per output, by order or by name.
class LossWeights {
 public:
  LossWeights() = default;
  LossWeights(std::initializer_list<double> per_output);
  LossWeights(std::initializer_list<std::pair<const std::string, double>> by_name);
  LossWeights(std::vector<double> per_output);
  LossWeights(std::map<std::string, double> by_name);

  const std::vector<double>& list() const;
  const std::map<std::string, double>& by_name() const;
  bool empty() const { return data_ == nullptr; }

 private:
  struct Data;
  explicit LossWeights(Data data);
  std::shared_ptr<const Data> data_;
};

struct CompileOptions {
  Metrics metrics = {};
  LossWeights loss_weights = {};
  Metrics weighted_metrics = {};
  bool run_eagerly = false;     // accepted for Keras' sake: everything runs eagerly
  int steps_per_execution = 1;  // accepted for Keras' sake
  bool auto_scale_loss = true;
};

/// {x, y}, {x, y, sample_weight} or a dataset.
class ValidationData {
 public:
  ValidationData() = default;
  ValidationData(const ModelData& x, const ModelData& y, const Tensors& sample_weight = {});
  ValidationData(const Dataset& data);

  bool given() const;
  const ModelData& x() const;
  const ModelData& y() const;
  const Tensors& sample_weight() const;
  const std::optional<Dataset>& data() const;

 private:
  struct Data;
  static const Data& none();
  std::shared_ptr<const Data> data_;
};

/// Class number -> weight, for every output or per output (by its name), which Keras cannot.
class ClassWeights {
 public:
  ClassWeights() = default;
  ClassWeights(std::initializer_list<std::pair<const int, double>> weights);
  ClassWeights(std::initializer_list<std::pair<const std::string, std::map<int, double>>> by_output);
  ClassWeights(std::map<int, double> weights);
  ClassWeights(std::map<std::string, std::map<int, double>> by_output);

  const std::map<int, double>& weights() const;
  const std::map<std::string, std::map<int, double>>& by_output() const;
  bool empty() const { return data_ == nullptr; }

 private:
  struct Data;
  explicit ClassWeights(Data data);
  std::shared_ptr<const Data> data_;
};

/// Every f-th epoch, or a list of epochs counted from 1.
class ValidationFreq {
 public:
  ValidationFreq(int every = 1) : every_(every) {}
  ValidationFreq(std::initializer_list<int> epochs) : epochs_(epochs) {}
  int every() const { return every_; }
  const std::vector<int>& epochs() const { return epochs_; }

 private:
  int every_ = 1;
  std::vector<int> epochs_;
};

/// verbose: 0 silent, 1 a progress bar, 2 a line per epoch; left out: 1 on a terminal, 2 otherwise.
struct FitOptions {
  int epochs = 1;
  std::optional<int> batch_size = {}, verbose = {};
  double validation_split = 0.0;
  ValidationData validation_data = {};
  std::vector<CallbackRef> callbacks = {};
  bool shuffle = true;
  ClassWeights class_weight = {};
  Tensors sample_weight = {};
  int initial_epoch = 0;
  std::optional<int> steps_per_epoch = {}, validation_steps = {}, validation_batch_size = {};
  ValidationFreq validation_freq = 1;
};
struct EvaluateOptions {
  std::optional<int> batch_size = {}, verbose = {};
  Tensors sample_weight = {};
  std::optional<int> steps = {};
  std::vector<CallbackRef> callbacks = {};
};
struct PredictOptions {
  std::optional<int> batch_size = {}, verbose = {}, steps = {};
  std::vector<CallbackRef> callbacks = {};
};
struct SummaryOptions {
  int line_length = 0;  // 0: the terminal's width, at most what the table needs
  bool expand_nested = false, show_trainable = false;
};
struct ModelOptions {
  std::string name = {};
  bool trainable = true;
};
struct LoadWeightsOptions {
  bool skip_mismatch = false;
  bool by_name = false;
};
struct SaveOptions {
  bool overwrite = true;
  bool include_optimizer = true;
};
struct SaveWeightsOptions {
  bool overwrite = true;
  /// In GB (1024^3 bytes): split over several files beside "x.weights.json"; left out: one file.
  std::optional<double> max_shard_size = {};
};

class Model;
class Sequential;
template <class M>
concept ModelSubclass = std::derived_from<M, Model> && !std::same_as<M, Model> && !std::same_as<M, Sequential>;

/// Layers with inputs and outputs: a graph, a Sequential, or a subclass that overrides forward (or call). A Model is a
/// handle: copies share graph, weights and compile state; a copy of a subclass as a Model keeps the subclass' forward.
/// https://keras.io/api/models/model/
class Model : public Layer {
 public:
  /// Throws Error for a graph that is not connected, or two layers of one name.
  Model(const KerasTensors& inputs, const KerasTensors& outputs, ModelOptions options = {});
  Model(const Model&) = default;
  Model& operator=(const Model&) = default;
  template <ModelSubclass M>
  Model(const M& subclass) : Model(std::shared_ptr<Model>(std::make_shared<M>(subclass))) {}
  template <ModelSubclass M>
  Model& operator=(const M& subclass) {
    return *this = Model(subclass);
  }

  using Layer::operator();
  KerasTensor operator()(const KerasTensor& x) const;
  KerasTensor operator()(const std::vector<KerasTensor>& inputs) const;

  void build_all(const std::vector<Shape>& inputs) override;
  Tensors call_with(const Tensors& inputs, const CallContext& context) override;
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override;
  std::vector<Tensor> compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const override;
  bool ends_mask(std::size_t input) const override;
  std::string class_name() const override;
  KerasForm keras_form() const override { return {.others = "training mask"}; }
  Config config() const override;
  /// The architecture and the compile settings as Keras writes them; indent < 0: on one line.
  std::string to_json(int indent = -1) const;
  /// From what config() gives, of a graph or a Sequential: a model of new weights, built if the config has its input
  /// shape. A class of one's own comes back by model_from_json.
  static Model from_config(const Config& config);

  /// https://keras.io/api/models/model_training_apis/
  /// Inputs and targets come as a tensor, as a list, or by name: fit({{"title", t}, {"body", b}}, {{"priority", p}}).
  void compile(const OptimizerRef& optimizer = "rmsprop", const Losses& loss = {}, const CompileOptions& options = {});
  /// Shuffled rows may be read some batches ahead by a second thread: change x and y between epochs only.
  History fit(const ModelData& x, const ModelData& y, const FitOptions& options = {});
  History fit(const Dataset& data, const FitOptions& options = {});
  /// fit(x, y, 10). A template, since a plain int would also catch fit(x, y, {}).
  template <std::integral N>
  History fit(const ModelData& x, const ModelData& y, N epochs) {
    return fit(x, y, FitOptions{.epochs = static_cast<int>(epochs)});
  }
  Logs evaluate(const ModelData& x, const ModelData& y, const EvaluateOptions& options = {});
  Logs evaluate(const Dataset& data, const EvaluateOptions& options = {});
  /// One tensor per output. Safe from several threads at once.
  Tensors predict(const ModelData& x, const PredictOptions& options = {}) const;
  Tensors predict(const Dataset& data, const PredictOptions& options = {}) const;
  /// One step; the logs are those of this batch alone.
  Logs train_on_batch(const ModelData& x, const ModelData& y, const Tensors& sample_weight = {},
                      const ClassWeights& class_weight = {});
  Logs test_on_batch(const ModelData& x, const ModelData& y, const Tensors& sample_weight = {});
  Tensors predict_on_batch(const ModelData& x) const;
  void reset_metrics();
  std::vector<std::string> metrics_names() const;
  /// Names of the metrics for which `name` tells which way is better: "min", "max", or "" (unknown).
  std::string metric_direction(const std::string& name) const;

  bool compiled() const;
  /// Throws Error before compile.
  Optimizer& optimizer() const;
  /// Asked by fit after each batch and each epoch; callbacks set it.
  bool stop_training() const;
  void set_stop_training(bool stop);

  std::vector<LayerRef> layers() const;
  /// Throws Error, with a suggestion, if there is no such layer.
  LayerRef get_layer(const std::string& name) const;
  LayerRef get_layer(int index) const;
  std::vector<KerasTensor> inputs() const;
  std::vector<KerasTensor> outputs_symbolic() const;
  std::vector<std::string> output_names() const;
  std::vector<std::string> input_names() const;
  Shape input_shape() const;
  Shape output_shape() const;

  /// Prints the layers, their output shapes and parameter counts.
  void summary(const SummaryOptions& options = {}) const;
  std::string summary_text(const SummaryOptions& options = {}) const;

  /// Architecture, weights, compile settings and the optimizer's state, for load_model here or in Python:
  /// "x.keras", "x.h5" or "x.hdf5". Written beside and renamed, so that a crash or a full disk leaves the previous
  /// file. https://keras.io/api/models/model_saving_apis/
  void save(const std::string& filepath, const SaveOptions& options = {}) const;
  /// "x.weights.h5" in Keras' layout, or "x.weights.json" and its shards.
  void save_weights(const std::string& filepath, const SaveWeightsOptions& options = {}) const;
  /// From ".weights.h5", ".weights.json", ".keras", and legacy ".h5" (weights only, or whole models). On any error the
  /// model stays as it was.
  void load_weights(const std::string& filepath, const LoadWeightsOptions& options = {});
  /// Forgets the states of all stateful layers.
  void reset_states();

  const std::shared_ptr<detail::ModelState>& model_state() const { return model_; }

 protected:
  Model();  // for subclasses
  struct AsSequential {};
  explicit Model(AsSequential);

 private:
  explicit Model(std::shared_ptr<Model> subclass);
  std::shared_ptr<detail::ModelState> model_;
  std::shared_ptr<Model> delegate_;  // the subclass that this handle stands for
};

/// A chain of layers. https://keras.io/api/models/sequential/
class Sequential : public Model {
 public:
  Sequential(std::initializer_list<LayerRef> layers = {}, ModelOptions options = {});
  explicit Sequential(const std::vector<LayerRef>& layers, ModelOptions options = {});
  /// Throws Error if the model has been built with another end than this layer takes.
  void add(LayerRef layer);
  void pop();
};

}  // namespace nyala
