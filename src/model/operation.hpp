#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nyala/layer.hpp>

#include "model/graph.hpp"

namespace nyala::detail {

// The structure of a call as Keras records it: {"args": […], "kwargs": {…}}, where a marker stands for each tensor.

/// The place of an input among all inputs of its node.
Config input_marker(std::size_t place);
/// A constant that lies in CallContext::tensors under that key.
Config constant_marker(const std::string& key);
std::optional<std::size_t> input_place(const Config& value);
const std::string* constant_key(const Config& value);

struct OperationEntry;

/// The arguments of one call of an operation: those of the call by place, those of the construction by name.
class OperationArguments {
 public:
  OperationArguments(const OperationEntry& entry, const Config& construction, const CallContext& context,
                     const Tensors& inputs);

  /// Of the call. given: there, and not None.
  bool given(std::size_t i) const { return i < call_.size() && !call_[i].is_null(); }
  std::size_t count() const { return call_.size(); }
  const Config& value(std::size_t i) const { return call_[i]; }
  Tensor tensor(std::size_t i) const;
  /// A null tensor if it is not given.
  Tensor tensor_or_none(std::size_t i) const { return given(i) ? tensor(i) : Tensor(); }
  std::vector<Tensor> tensors(std::size_t i) const;
  /// Keyword arguments of the call under names of their own, for an operation whose call ends in **.
  const Config& surplus() const { return surplus_; }
  /// Of any value: a marker, a number, or (nested) lists of numbers.
  Tensor as_tensor(const Config& value) const;

  /// Of the construction, with Keras' default where it lacks the key.
  const Config& option(const std::string& key) const { return construction_.get(key); }
  /// Said to be None, which is not the default.
  bool none(const std::string& key) const { return construction_.contains(key) && construction_.at(key).is_null(); }
  int integer(const std::string& key, int otherwise) const { return construction_.get(key, otherwise); }
  double number(const std::string& key, double otherwise) const { return construction_.get(key, otherwise); }
  bool flag(const std::string& key, bool otherwise) const { return construction_.get(key, otherwise); }
  std::string text(const std::string& key, const char* otherwise) const { return construction_.get(key, otherwise); }
  std::optional<int> axis(const std::string& key = "axis") const { return construction_.optional_int(key); }
  Axes axes(const std::string& key = "axis") const;
  std::vector<std::int64_t> sizes(const std::string& key) const { return construction_.at(key).as_integers(); }

 private:
  const Config& construction_;
  const CallContext& context_;
  const Tensors& inputs_;
  std::vector<Config> call_;
  Config surplus_ = Config::object();
};

using OperationFunction = Tensors (*)(const OperationArguments&);

/// How the shapes of the outputs are found: by broadcasting, or by a run on zeros (or on identity matrices); newshape:
/// as that argument of the construction says, if it says all of it.
enum class ShapeRule : unsigned char { elementwise, probe, probe_identity, newshape };

/// One of Keras' operation classes.
struct OperationEntry {
  const char* name;
  const char* module;        // below keras.src.ops
  const char* construction;  // its constructor's arguments, by spaces
  const char* call;          // its call's; ** where any keyword may follow
  OperationFunction run;
  ShapeRule rule = ShapeRule::probe;
};

/// The names in construction or call.
std::vector<std::string> split_words(const char* text);
/// Null if there is none.
const OperationEntry* find_operation(const std::string& name);
std::vector<std::string> operation_names();

// Parts of the table.
std::vector<OperationEntry> math_operations();
std::vector<OperationEntry> shape_operations();
std::vector<OperationEntry> reduction_operations();
std::vector<OperationEntry> nn_operations();
std::vector<OperationEntry> order_operations();
std::vector<OperationEntry> rare_operations();
std::vector<OperationEntry> statistics_operations();
std::vector<OperationEntry> image_operations();
std::vector<OperationEntry> sample_operations();
std::vector<OperationEntry> special_operations();
std::vector<OperationEntry> sequence_operations();

/// Why an operation of Keras cannot be a node here, and what to do instead; null for any other name.
const char* why_refused(const std::string& operation);

/// An operation as a node's layer. Throws Error for a class that Nyala does not have and for unknown keys.
LayerRef make_operation(const std::string& class_name, const Config& config);
/// Null if the layer is no operation.
const OperationEntry* operation_of(const Layer& layer);
/// Sets the shapes and dtypes of a node whose layer is an operation.
void infer_operation(GraphNode& node, const std::vector<Shape>& shapes, const std::vector<DType>& dtypes);
std::vector<Shape> operation_shapes(const GraphNode& node, const std::vector<Shape>& shapes);

}  // namespace nyala::detail
