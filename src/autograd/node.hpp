#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <nyala/tensor.hpp>

#include "core/pool_allocator.hpp"
#include "core/tensor_impl.hpp"

namespace nyala::backend {
struct AppliedActivation;
}

namespace nyala::autograd {

struct Node;
class RowGradient;
struct Visit;

struct Edge {
  std::shared_ptr<Node> node;  // null: needs no gradient
  int output = 0;
};

/// The edges of an operation, in place for the few inputs that most have.
class Edges {
 public:
  void reserve(std::size_t count) {
    if (count > few_.size()) many_.reserve(count);
  }
  void push_back(Edge edge) {
    if (count_ < few_.size()) {
      few_[count_++] = std::move(edge);
      return;
    }
    if (many_.empty()) many_.assign(std::move_iterator(few_.begin()), std::move_iterator(few_.end()));
    many_.push_back(std::move(edge));
    ++count_;
  }
  std::size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  Edge* begin() { return count_ > few_.size() ? many_.data() : few_.data(); }
  Edge* end() { return begin() + count_; }
  const Edge* begin() const { return count_ > few_.size() ? many_.data() : few_.data(); }
  const Edge* end() const { return begin() + count_; }
  const Edge& operator[](std::size_t i) const { return begin()[i]; }

 private:
  std::size_t count_ = 0;
  std::array<Edge, 4> few_;
  std::vector<Edge> many_;
};

/// What a gradient function sees: the gradients of its operation's outputs, and places for those of its inputs.
class Backward {
 public:
  Backward(Node& node, Visit& visit, std::span<Tensor> inputs, std::span<const bool> needed,
           std::span<Visit* const> makers)
      : node_(node), visit_(visit), inputs_(inputs), needed_(needed), makers_(makers) {}

  /// The gradient of an output; null if nothing depends on it (never for an operation with one output).
  const Tensor& grad(std::size_t output = 0) const;
  /// A place for a function of the first output's gradient, element by element: the gradient's own memory if nobody
  /// else holds it, or else a new tensor like it.
  Tensor place_like_grad() const;
  /// Whether anyone asks for the gradient of an input. Setting one that is not needed is harmless but wasted work.
  bool needs(std::size_t input) const { return needed_[input]; }
  /// The gradient must have the input's shape and, unless takes_float32, dtype.
  void set(std::size_t input, Tensor gradient) { inputs_[input] = std::move(gradient); }
  /// A saved output, attached to the graph again, so that gradients of gradients flow through it.
  Tensor restore(const Tensor& saved, int output = 0) const;

  /// The activation that what made an input applied last, if what this operation sets is all the gradient that it gets:
  /// then this operation may apply that activation's gradient as well. Else null, as where gradients are recorded.
  const backend::AppliedActivation* activation_before(std::size_t input) const;
  /// Where the gradient of an input may be made that is a variable of float32, or cast from one; else null.
  RowGradient* row_gradient(std::size_t input) const;
  /// Sets the gradient of an input before that activation; `sums` (or null): over all but its last axis.
  void set_before_activation(std::size_t input, Tensor gradient, Tensor sums);
  /// Whether the gradient of an input may be set in float32 though the input is of a half dtype: it was cast from
  /// float32 and what this operation sets is all the gradient that it gets. Rounding it would lose digits for nothing.
  bool takes_float32(std::size_t input) const;

  /// Whether the operation after this one set the gradient of the first output so; and the sums that it gave.
  bool is_before_activation() const;
  const Tensor& sums_before_activation() const;

 private:
  Node& node_;
  Visit& visit_;
  std::span<Tensor> inputs_;
  std::span<const bool> needed_;
  std::span<Visit* const> makers_;  // of the inputs
};

/// One recorded operation (or, without inputs, a source).
struct Node : std::enable_shared_from_this<Node> {
  Node(const char* name, int output_count);
  virtual ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  virtual void backward(Backward&) {}
  /// What the gradient function would have done to the gradient of the only used output first; null: nothing that
  /// another might do for it.
  virtual const backend::AppliedActivation* applied_activation() const { return nullptr; }
  /// Where the gradient of a variable of which few rows are taken stays from step to step; null for anything else.
  virtual RowGradient* row_gradient() { return nullptr; }
  /// The dtype of the input, for an operation that casts and does nothing else.
  virtual std::optional<DType> cast_from() const { return {}; }
  /// Frees what the gradient function holds.
  virtual void release() { released = true; }

  const char* op;
  std::uint64_t sequence;  // grows with time, so that inputs have smaller numbers than what is made of them
  int outputs;
  bool released = false;
  Edges inputs;
};

/// Whether a tape is recording in this thread.
bool recording();
inline bool tracked(const Tensor& tensor) { return tensor.defined() && tensor.impl()->node != nullptr; }
/// Whether an operation on these must be recorded.
template <class... T>
bool recording(const Tensor& first, const T&... others) {
  return recording() && (tracked(first) || (tracked(others) || ...));
}
bool recording(const std::vector<Tensor>& tensors);

/// Records that y is x in another floating dtype.
void record_cast(Tensor& y, const Tensor& x);

/// An output for a gradient function to keep: the same storage, but no hold on the graph (which would be a cycle).
inline Tensor save_output(const Tensor& output) { return detail::alias(output); }

void connect(Node& node, std::span<const Tensor> inputs);
void adopt(const std::shared_ptr<Node>& node, Tensor& output, int index);

template <class F>
struct FunctionNode final : Node {
  FunctionNode(const char* name, int output_count, F f) : Node(name, output_count), function(std::move(f)) {}
  void backward(Backward& b) override { (*function)(b); }
  const backend::AppliedActivation* applied_activation() const override {
    if constexpr (requires { function->applied_activation(); })
      return function ? function->applied_activation() : nullptr;
    else
      return nullptr;
  }
  std::optional<DType> cast_from() const override {
    if constexpr (requires { function->cast_from(); })
      return function ? function->cast_from() : std::optional<DType>();
    else
      return {};
  }
  void release() override {
    function.reset();
    released = true;
  }
  std::optional<F> function;
};

/// Records that `output` was made from `inputs` by `op`, with gradient function `void(Backward&)`. Called only where
/// recording(inputs...) says so. The inputs are numbered as listed; null tensors may stand among them.
template <class F>
void attach(Tensor& output, const char* op, std::initializer_list<Tensor> inputs, F backward) {
  auto node =
      std::allocate_shared<FunctionNode<F>>(detail::PoolAllocator<FunctionNode<F>>(), op, 1, std::move(backward));
  connect(*node, std::span<const Tensor>(inputs.begin(), inputs.size()));
  adopt(node, output, 0);
}
template <class F>
void attach(Tensor& output, const char* op, const std::vector<Tensor>& inputs, F backward) {
  auto node =
      std::allocate_shared<FunctionNode<F>>(detail::PoolAllocator<FunctionNode<F>>(), op, 1, std::move(backward));
  connect(*node, inputs);
  adopt(node, output, 0);
}
/// The same for an operation of several outputs.
template <class F>
void attach_all(std::initializer_list<Tensor*> outputs, const char* op, const std::vector<Tensor>& inputs, F backward) {
  auto node = std::allocate_shared<FunctionNode<F>>(detail::PoolAllocator<FunctionNode<F>>(), op,
                                                    static_cast<int>(outputs.size()), std::move(backward));
  connect(*node, inputs);
  int index = 0;
  for (Tensor* output : outputs) adopt(node, *output, index++);
}
template <class F>
void attach_all(std::vector<Tensor>& outputs, const char* op, const std::vector<Tensor>& inputs, F backward) {
  auto node = std::allocate_shared<FunctionNode<F>>(detail::PoolAllocator<FunctionNode<F>>(), op,
                                                    static_cast<int>(outputs.size()), std::move(backward));
  connect(*node, inputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) adopt(node, outputs[i], static_cast<int>(i));
}

}  // namespace nyala::autograd
