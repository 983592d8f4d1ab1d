#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nyala/layer.hpp>

#include "core/pool_allocator.hpp"

namespace nyala::ops {
struct FollowUp;
}

namespace nyala::detail {

/// One call of a layer in a graph.
struct GraphNode {
  GraphNode() = default;
  GraphNode(const GraphNode&) = delete;
  GraphNode& operator=(const GraphNode&) = delete;
  /// Lets go of the chain of nodes below without recursion: it may be very long.
  ~GraphNode();

  LayerRef layer;
  std::vector<KerasTensor> inputs;
  /// Tensors given by keyword ("attention_mask"), after the positional ones.
  std::vector<std::pair<std::string, KerasTensor>> keywords;
  CallContext context;
  /// {"args", "kwargs"} as a file had them, with markers (operation.hpp) for the tensors; null: as Keras calls such a
  /// layer. Operations have theirs in context.arguments.
  Config structure;
  std::vector<Shape> shapes;
  std::vector<DType> dtypes;
  int call = 0;  // the how-manieth call of this layer
};

/// Calls a layer symbolically: builds it, infers shapes and dtypes. Throws Error naming the layer.
std::vector<KerasTensor> connect(const LayerRef& layer, const std::vector<KerasTensor>& inputs,
                                 const CallContext& context = {},
                                 const std::vector<std::pair<std::string, KerasTensor>>& keywords = {});

/// Where a graph begins: what an InputLayer stands for.
KerasTensor start_of(const LayerRef& layer);

/// A graph made ready to run: every node once, inputs before what uses them.
class Plan {
 public:
  Plan() = default;
  /// Throws Error if the outputs do not follow from the inputs, or two layers share a name.
  Plan(const std::vector<KerasTensor>& inputs, const std::vector<KerasTensor>& outputs);

  Tensors run(const Tensors& inputs, const CallContext& context) const;
  std::vector<Shape> shapes(const std::vector<Shape>& inputs) const;
  /// Whether a step takes the mask off that input.
  bool ends_mask(std::size_t input) const { return ends_mask_.at(input); }
  /// Keras' order: by depth from the outputs, then by first use.
  const std::vector<LayerRef>& layers() const { return layers_; }
  /// The same with the arithmetic between them.
  const std::vector<LayerRef>& operations() const { return operations_; }
  std::vector<std::shared_ptr<GraphNode>> nodes() const;

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  /// What alone uses the result of a step, so that it can be left to it: a batch normalisation, the sum with something
  /// that is known by then, an activation, of which some may be missing. Left in training to a batch normalisation (at
  /// least the activation), in inference to a convolution or a dense product.
  struct Fusion {
    bool training = false;
    std::size_t normalization = none, sum = none, activation = none;  // steps
    double epsilon = 0.0;                                             // of the normalisation
    bool has_gamma = false, has_beta = false;
    std::size_t residual = none;  // place of the sum's other term
    bool capped = false;          // relu6 instead of relu
  };
  struct Step {
    std::shared_ptr<GraphNode> node;
    std::vector<std::size_t> inputs;  // places of its inputs, then of its keywords
    std::size_t first_output = 0;
    std::vector<std::size_t> last_uses;  // places that nothing needs after this step
    std::optional<Fusion> fusion = {};
    std::size_t fused_input = 0;  // which input is the result, where a step before did this one's work
  };
  using Values = std::vector<Tensor, PoolAllocator<Tensor>>;
  void find_fusions();
  /// What is offered to a step of these inputs, unless masks are about.
  std::optional<ops::FollowUp> follow_up(const Fusion& fusion, const Tensors& arguments, const Values& values) const;

  std::vector<Step> steps_;
  std::vector<std::size_t> input_places_, output_places_;
  std::vector<bool> ends_mask_;  // of the inputs
  std::size_t places_ = 0;
  std::vector<LayerRef> layers_, operations_;
};

}  // namespace nyala::detail
