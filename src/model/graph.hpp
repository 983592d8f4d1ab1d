#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nyala/layer.hpp>

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
  bool ends_mask(std::size_t input) const;
  /// Keras' order: by depth from the outputs, then by first use.
  const std::vector<LayerRef>& layers() const { return layers_; }
  /// The same with the arithmetic between them.
  const std::vector<LayerRef>& operations() const { return operations_; }
  std::vector<std::shared_ptr<GraphNode>> nodes() const;

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  /// What alone uses the result of a batch normalisation, so that it can be left to it in training: an activation,
  /// perhaps after the sum with something that is known by then.
  struct Fusion {
    std::size_t activation, sum;  // steps; no sum: none
    std::size_t residual;         // place of its other term
    bool capped;                  // relu6 instead of relu
  };
  struct Step {
    std::shared_ptr<GraphNode> node;
    std::vector<std::size_t> inputs;  // places of its inputs, then of its keywords
    std::size_t first_output = 0;
    std::vector<std::size_t> last_uses;  // places that nothing needs after this step
    std::optional<Fusion> fusion = {};   // of this batch normalisation
    std::size_t fused_input = 0;         // which input is its result, where a batch normalisation did the step's work
  };
  void find_fusions();
  /// What is offered to a batch normalisation of these inputs, unless masks are about.
  static std::optional<ops::FollowUp> follow_up(const Fusion& fusion, const Tensors& arguments,
                                                const std::vector<Tensor>& values);

  std::vector<Step> steps_;
  std::vector<std::size_t> input_places_, output_places_;
  std::size_t places_ = 0;
  std::vector<LayerRef> layers_, operations_;
};

}  // namespace nyala::detail
