#include "autograd/node.hpp"

#include <atomic>
#include <deque>

namespace nyala::autograd {

namespace {
std::atomic<std::uint64_t> next_sequence{0};
}

Node::Node(const char* name, int output_count) : op(name), sequence(++next_sequence), outputs(output_count) {}

// A chain of a million operations must not be destroyed by a million nested destructor calls.
Node::~Node() {
  thread_local std::deque<std::shared_ptr<Node>>* pending = nullptr;
  if (pending != nullptr) {
    for (Edge& edge : inputs) {
      if (edge.node != nullptr) pending->push_back(std::move(edge.node));
    }
    return;
  }
  bool any = false;
  for (const Edge& edge : inputs) any = any || (edge.node != nullptr && edge.node.use_count() == 1);
  if (!any) return;
  std::deque<std::shared_ptr<Node>> queue;
  pending = &queue;
  for (Edge& edge : inputs) {
    if (edge.node != nullptr) queue.push_back(std::move(edge.node));
  }
  while (!queue.empty()) {
    const std::shared_ptr<Node> next = std::move(queue.front());
    queue.pop_front();
  }
  pending = nullptr;
}

Tensor Backward::restore(const Tensor& saved, int output) const {
  if (!recording()) return saved;
  Tensor restored = detail::alias(saved);
  restored.impl()->node = node_.shared_from_this();
  restored.impl()->output = output;
  return restored;
}

bool recording(const std::vector<Tensor>& tensors) {
  if (!recording()) return false;
  for (const Tensor& tensor : tensors) {
    if (tracked(tensor)) return true;
  }
  return false;
}

void connect(Node& node, std::span<const Tensor> inputs) {
  node.inputs.reserve(inputs.size());
  for (const Tensor& input : inputs) {
    if (tracked(input))
      node.inputs.push_back({input.impl()->node, input.impl()->output});
    else
      node.inputs.push_back({});
  }
}

void adopt(const std::shared_ptr<Node>& node, Tensor& output, int index) {
  if (!output.defined() || !is_floating(output.dtype())) return;
  output.impl()->node = node;
  output.impl()->output = index;
}

}  // namespace nyala::autograd
