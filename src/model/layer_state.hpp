#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <nyala/error.hpp>
#include <nyala/layer.hpp>
#include <nyala/random.hpp>
#include <nyala/regularizer.hpp>

namespace nyala::detail {

/// Whether a layer class overrides Layer::backward.
enum class CustomBackward : unsigned char { unknown, no, yes };

struct LayerState {
  struct Child {
    LayerRef layer;
    std::string attribute;
    bool takes_output = false;  // an activation: built for what the layer gives
  };

  std::string name;         // empty until it is asked for
  bool name_given = false;  // by the user, not made up
  bool trainable = true;
  bool is_model = false;
  bool is_input = false;
  bool is_operation = false;  // arithmetic in a graph, which Keras does not list among the layers
  bool built = false;
  CustomBackward custom_backward = CustomBackward::unknown;
  DTypePolicy policy;
  std::shared_ptr<Regularizer> activity_regularizer;
  bool activity_summed = false;  // over the batch, as Keras to 2.3 and 3.0 to 3.13 did: no mean over its samples
  std::vector<Variable> trainable_weights, other_weights;
  std::vector<Child> children;
  std::vector<SeedGenerator> seeds;
  std::vector<Variable> kept;  // variables that are no weights
  bool in_build = false;
  std::vector<Variable> by_hand;  // own weights that build() made when it was called from outside
  std::vector<InputSpec> specs;
  std::vector<Shape> build_shapes;
  int calls = 0;  // nodes in graphs
  std::recursive_mutex building;
};

LayerState& state_of(const Layer& layer);
/// Where a layer computes: its first weight's device, or the default device.
Device home_of(const LayerState& state);

/// What a step collects beside the outputs: losses that layers add and values that they show.
class StepScope {
 public:
  StepScope();
  ~StepScope();
  StepScope(const StepScope&) = delete;
  StepScope& operator=(const StepScope&) = delete;
  static StepScope* current();

  std::vector<Tensor> losses;
  std::vector<std::pair<std::string, Tensor>> metrics;

 private:
  StepScope* outer_;
};

/// An Error on its way up through the layers that were being called; each adds its name.
struct LayerError : Error {
  LayerError(const std::string& layer_path, const std::string& layer_class, const std::string& what_was_wrong);
  std::string path, class_name, reason;
};

/// The name of Keras' class in Python, by which legacy files call it; all but one are exported under it.
std::string python_name(const std::string& class_name);
/// "Conv2D" -> "conv2d", "MaxPooling2D" -> "max_pooling2d": Keras' automatic names.
std::string snake_case(const std::string& class_name);
/// dense, dense_1, dense_2, …
std::string numbered_name(const std::string& base, int number);
/// The next of them; clear_session starts anew.
std::string unique_name(const std::string& base);

/// What Keras' files call the members of a list, one after the other: dense, lstm, dense_1, ….
class ListNames {
 public:
  std::string next(const std::string& class_name);

 private:
  std::map<std::string, int> counts_;
};

}  // namespace nyala::detail
