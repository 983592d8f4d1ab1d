#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nyala/error.hpp>
#include <nyala/ops/math.hpp>

#include "autograd/tape_state.hpp"
#include "backend/kernels.hpp"

namespace nyala::autograd {

/// What a pass knows of a node.
struct Visit {
  Node* node = nullptr;
  int users = 0;  // inputs of visited nodes that its outputs are
  bool needed = false, is_source = false;
  bool before_activation = false;  // the gradient is that before the node's last activation
  Tensor gradient;                 // of the only output
  std::vector<Tensor> many;        // or of each
  Tensor sums;                     // of a gradient before the activation

  std::span<Tensor> gradients() { return many.empty() ? std::span<Tensor>(&gradient, 1) : std::span<Tensor>(many); }
};

namespace {

/// What a pass works with, kept by each thread from one pass to the next, so that small graphs cost no allocation.
struct Scratch {
  /// A hash table from nodes to places in `nodes`; a thread of its own may walk the same nodes, so they bear no marks.
  struct Entry {
    const Node* node = nullptr;
    std::size_t place = 0;
  };
  std::vector<Entry> table;
  std::vector<Node*> nodes;  // that lead to the root, the youngest first; a node's inputs are older than itself
  std::vector<Visit> visits;
  std::vector<Tensor> input_gradients;
  std::vector<Visit*> makers;  // of a node's inputs

  void find_nodes(Node* root) {
    nodes.clear();
    table.assign(std::max<std::size_t>(64, table.size()), Entry());
    insert(root);
    for (std::size_t next = 0; next < nodes.size(); ++next) {
      for (const Edge& edge : nodes[next]->inputs) {
        if (edge.node != nullptr) insert(edge.node.get());
      }
    }
    std::sort(nodes.begin(), nodes.end(), [](const Node* a, const Node* b) { return a->sequence > b->sequence; });
    for (std::size_t i = 0; i < nodes.size(); ++i) slot(nodes[i]).place = i;
    visits.resize(nodes.size());
  }

  /// The place of a node, or the number of nodes for one that is not among them.
  std::size_t place_of(const Node* node) {
    const Entry& entry = slot(node);
    return entry.node == nullptr ? nodes.size() : entry.place;
  }

 private:
  Entry& slot(const Node* node) {
    const std::size_t mask = table.size() - 1;
    std::size_t at = (reinterpret_cast<std::uintptr_t>(node) * 0x9e3779b97f4a7c15) >> 32 & mask;
    while (table[at].node != nullptr && table[at].node != node) at = (at + 1) & mask;
    return table[at];
  }

  void insert(Node* node) {
    Entry& entry = slot(node);
    if (entry.node != nullptr) return;
    entry.node = node;
    nodes.push_back(node);
    if (2 * nodes.size() < table.size()) return;
    table.assign(2 * table.size(), Entry());
    for (const Node* known : nodes) slot(known).node = known;
  }
};

/// This thread's scratch, taken so that a pass within a gradient function gets one of its own.
class TakenScratch {
 public:
  TakenScratch() : scratch_(std::move(kept())) {
    if (scratch_ == nullptr) scratch_ = std::make_unique<Scratch>();
  }
  ~TakenScratch() {
    scratch_->visits.clear();
    scratch_->input_gradients.clear();
    scratch_->makers.clear();
    constexpr std::size_t most_kept = 1 << 16;
    if (scratch_->table.size() <= most_kept) kept() = std::move(scratch_);
  }
  TakenScratch(const TakenScratch&) = delete;
  TakenScratch& operator=(const TakenScratch&) = delete;
  Scratch& operator*() const { return *scratch_; }

 private:
  static std::unique_ptr<Scratch>& kept() {
    thread_local std::unique_ptr<Scratch> mine;
    return mine;
  }
  std::unique_ptr<Scratch> scratch_;
};

bool held_alone(const Tensor& tensor) {
  return tensor.impl().use_count() == 1 && tensor.impl()->storage.use_count() == 1;
}

/// sum += gradient, in the sum's own memory where nobody else sees it.
void accumulate_into(Tensor& sum, Tensor& gradient) {
  if (!sum.defined()) {
    sum = std::move(gradient);
    return;
  }
  const bool alike = sum.shape() == gradient.shape() && sum.dtype() == gradient.dtype();
  if (!alike || !held_alone(sum) || recording(sum, gradient)) {
    sum = add(sum, gradient);
  } else {
    backend::kernels(sum, gradient).binary(backend::Binary::add, sum, gradient, sum);
  }
}

}  // namespace

const Tensor& Backward::grad(std::size_t output) const { return visit_.gradients()[output]; }

Tensor Backward::place_like_grad() const {
  const Tensor& gradient = visit_.gradients()[0];
  if (!visit_.is_source && held_alone(gradient)) return gradient;
  return Tensor::empty(gradient.shape(), gradient.dtype(), gradient.device());
}

const backend::AppliedActivation* Backward::activation_before(std::size_t input) const {
  const Visit* maker = makers_[input];
  if (recording() || maker == nullptr || maker->users != 1 || maker->is_source || node_.inputs[input].output != 0)
    return nullptr;
  return maker->node->applied_activation();
}

bool Backward::takes_float32(std::size_t input) const {
  const Visit* maker = makers_[input];
  return !recording() && maker != nullptr && maker->users == 1 && !maker->is_source &&
         maker->node->cast_from() == DType::float32;
}

RowGradient* Backward::row_gradient(std::size_t input) const {
  const Visit* maker = makers_[input];
  if (recording() || maker == nullptr) return nullptr;
  Node* const node = takes_float32(input) ? maker->node->inputs[0].node.get() : maker->node;
  return node == nullptr ? nullptr : node->row_gradient();
}

void Backward::set_before_activation(std::size_t input, Tensor gradient, Tensor sums) {
  makers_[input]->before_activation = true;
  makers_[input]->sums = std::move(sums);
  set(input, std::move(gradient));
}

bool Backward::is_before_activation() const { return visit_.before_activation; }
const Tensor& Backward::sums_before_activation() const { return visit_.sums; }

std::vector<Tensor> accumulate(const Tensor& target, const Tensor& seed, const std::vector<Edge>& sources,
                               bool let_go) {
  std::vector<Tensor> results(sources.size());
  if (!tracked(target)) return results;
  const TakenScratch taken;
  Scratch& scratch = *taken;
  const std::shared_ptr<Node> root = target.impl()->node;  // holds every other node
  scratch.find_nodes(root.get());
  const std::vector<Node*>& nodes = scratch.nodes;
  std::vector<Visit>& visits = scratch.visits;
  for (const Edge& source : sources) {
    const std::size_t place = scratch.place_of(source.node.get());
    if (place < nodes.size()) visits[place].needed = visits[place].is_source = true;
  }
  for (std::size_t i = visits.size(); i-- > 0;) {
    Visit& visit = visits[i];
    visit.node = nodes[i];
    if (nodes[i]->outputs != 1) visit.many.resize(static_cast<std::size_t>(nodes[i]->outputs));
    for (const Edge& edge : nodes[i]->inputs) {
      if (edge.node == nullptr) continue;
      Visit& maker = visits[scratch.place_of(edge.node.get())];
      ++maker.users;
      visit.needed = visit.needed || maker.needed;
    }
  }
  visits.front().gradients()[static_cast<std::size_t>(target.impl()->output)] = seed;

  std::vector<Tensor>& input_gradients = scratch.input_gradients;
  std::vector<Visit*>& makers = scratch.makers;
  std::array<bool, 64> few{};
  for (std::size_t at = 0; at < visits.size(); ++at) {
    Visit& visit = visits[at];
    Node& node = *nodes[at];
    const std::span<Tensor> gradients = visit.gradients();
    const bool has_gradient =
        std::any_of(gradients.begin(), gradients.end(), [](const Tensor& gradient) { return gradient.defined(); });
    if (!visit.needed || !has_gradient || node.inputs.empty()) continue;
    if (node.released) {
      throw Error(std::string("GradientTape: the operation \"") + node.op +
                  "\" was differentiated before and let go of what it kept; make the tape persistent");
    }
    const std::size_t count = node.inputs.size();
    input_gradients.assign(count, Tensor());
    makers.assign(count, nullptr);
    std::unique_ptr<bool[]> many(count > few.size() ? new bool[count] : nullptr);
    bool* needed = many ? many.get() : few.data();
    bool any = false;
    for (std::size_t i = 0; i < count; ++i) {
      needed[i] = false;
      if (node.inputs[i].node == nullptr) continue;
      makers[i] = &visits[scratch.place_of(node.inputs[i].node.get())];
      needed[i] = makers[i]->needed;
      any = any || needed[i];
    }
    if (!any) continue;
    Backward backward(node, visit, input_gradients, std::span<const bool>(needed, count), makers);
    node.backward(backward);
    // What the operation kept and the gradients of its outputs go before the sums are made, which may then be made in
    // their memory.
    if (let_go) node.release();
    if (!visit.is_source) std::fill(gradients.begin(), gradients.end(), Tensor());
    visit.sums = Tensor();
    for (std::size_t i = 0; i < count; ++i) {
      if (!needed[i] || !input_gradients[i].defined()) continue;
      accumulate_into(makers[i]->gradients()[static_cast<std::size_t>(node.inputs[i].output)], input_gradients[i]);
    }
  }
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::size_t place = scratch.place_of(sources[i].node.get());
    if (place < nodes.size()) results[i] = visits[place].gradients()[static_cast<std::size_t>(sources[i].output)];
  }
  return results;
}

}  // namespace nyala::autograd
