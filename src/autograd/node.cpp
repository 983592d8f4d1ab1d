#include "autograd/node.hpp"

#include <array>
#include <atomic>

#include <nyala/ops/math.hpp>

namespace nyala::autograd {

namespace {
std::atomic<std::uint64_t> next_sequence{0};
}

Node::Node(const char* name, int output_count) : op(name), sequence(++next_sequence), outputs(output_count) {}

namespace {

/// Nodes whose last holder is gone, in place for the few that usually wait at once.
class Orphans {
 public:
  void push(std::shared_ptr<Node> node) {
    if (count_ < few_.size())
      few_[count_++] = std::move(node);
    else
      many_.push_back(std::move(node));
  }
  bool empty() const { return count_ == 0; }
  std::shared_ptr<Node> pop() {
    if (many_.empty()) return std::move(few_[--count_]);
    std::shared_ptr<Node> node = std::move(many_.back());
    many_.pop_back();
    return node;
  }

 private:
  std::size_t count_ = 0;
  std::array<std::shared_ptr<Node>, 8> few_;
  std::vector<std::shared_ptr<Node>> many_;
};

constinit thread_local Orphans* orphans = nullptr;

}  // namespace

// A chain of a million operations must not be destroyed by a million nested destructor calls.
Node::~Node() {
  if (orphans != nullptr) {
    for (Edge& edge : inputs) {
      if (edge.node != nullptr) orphans->push(std::move(edge.node));
    }
    return;
  }
  bool any = false;
  for (const Edge& edge : inputs) any = any || (edge.node != nullptr && edge.node.use_count() == 1);
  if (!any) return;
  Orphans mine;
  orphans = &mine;
  for (Edge& edge : inputs) {
    if (edge.node != nullptr) mine.push(std::move(edge.node));
  }
  while (!mine.empty()) mine.pop();
  orphans = nullptr;
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

namespace {

struct CastGradient {
  DType from;
  std::optional<DType> cast_from() const { return from; }
  void operator()(Backward& g) const { g.set(0, cast(g.grad(), from)); }
};

}  // namespace

void record_cast(Tensor& y, const Tensor& x) { attach(y, "cast", {x}, CastGradient{x.dtype()}); }

}  // namespace nyala::autograd
