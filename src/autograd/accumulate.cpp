#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <unordered_map>

#include <nyala/error.hpp>
#include <nyala/ops/math.hpp>

#include "autograd/tape_state.hpp"

namespace nyala::autograd {

namespace {

struct Visit {
  std::shared_ptr<Node> node;
  bool needed = false;
  bool is_source = false;
  std::vector<Tensor> gradients;  // one per output
};

/// Every node that leads to `root`, the youngest first; a node's inputs are older than itself.
std::vector<Visit> reachable(const std::shared_ptr<Node>& root) {
  std::vector<Visit> visits;
  std::unordered_map<const Node*, bool> seen;
  std::vector<std::shared_ptr<Node>> stack{root};
  seen.emplace(root.get(), true);
  while (!stack.empty()) {
    std::shared_ptr<Node> node = std::move(stack.back());
    stack.pop_back();
    for (const Edge& edge : node->inputs) {
      if (edge.node != nullptr && seen.emplace(edge.node.get(), true).second) stack.push_back(edge.node);
    }
    visits.push_back({std::move(node), false, false, {}});
  }
  std::sort(visits.begin(), visits.end(),
            [](const Visit& a, const Visit& b) { return a.node->sequence > b.node->sequence; });
  return visits;
}

}  // namespace

std::vector<Tensor> accumulate(const Tensor& target, const Tensor& seed, const std::vector<Edge>& sources,
                               bool let_go) {
  std::vector<Tensor> results(sources.size());
  if (!tracked(target)) return results;
  std::vector<Visit> visits = reachable(target.impl()->node);
  std::unordered_map<const Node*, std::size_t> place;
  place.reserve(visits.size());
  for (std::size_t i = 0; i < visits.size(); ++i) place.emplace(visits[i].node.get(), i);
  for (const Edge& source : sources) {
    const auto found = place.find(source.node.get());
    if (found != place.end()) visits[found->second].needed = visits[found->second].is_source = true;
  }
  for (std::size_t i = visits.size(); i-- > 0;) {
    Visit& visit = visits[i];
    visit.gradients.resize(static_cast<std::size_t>(visit.node->outputs));
    for (const Edge& edge : visit.node->inputs) {
      if (edge.node != nullptr) visit.needed = visit.needed || visits[place.at(edge.node.get())].needed;
    }
  }
  visits.front().gradients[static_cast<std::size_t>(target.impl()->output)] = seed;

  std::vector<Tensor> input_gradients;
  std::vector<std::size_t> input_places;
  std::array<bool, 64> few{};
  for (Visit& visit : visits) {
    Node& node = *visit.node;
    const bool has_gradient = std::any_of(visit.gradients.begin(), visit.gradients.end(),
                                          [](const Tensor& gradient) { return gradient.defined(); });
    if (!visit.needed || !has_gradient || node.inputs.empty()) continue;
    if (node.released) {
      throw Error(std::string("GradientTape: the operation \"") + node.op +
                  "\" was differentiated before and let go of what it kept; make the tape persistent");
    }
    const std::size_t count = node.inputs.size();
    input_gradients.assign(count, Tensor());
    input_places.assign(count, 0);
    std::unique_ptr<bool[]> many(count > few.size() ? new bool[count] : nullptr);
    bool* needed = many ? many.get() : few.data();
    bool any = false;
    for (std::size_t i = 0; i < count; ++i) {
      needed[i] = false;
      if (node.inputs[i].node == nullptr) continue;
      input_places[i] = place.at(node.inputs[i].node.get());
      needed[i] = visits[input_places[i]].needed;
      any = any || needed[i];
    }
    if (!any) continue;
    Backward backward(node, visit.gradients, input_gradients, std::span<const bool>(needed, count));
    node.backward(backward);
    for (std::size_t i = 0; i < count; ++i) {
      if (!needed[i] || !input_gradients[i].defined()) continue;
      Tensor& sum = visits[input_places[i]].gradients[static_cast<std::size_t>(node.inputs[i].output)];
      sum = sum.defined() ? add(sum, input_gradients[i]) : std::move(input_gradients[i]);
    }
    if (let_go) node.release();
    if (!visit.is_source) visit.gradients.assign(visit.gradients.size(), Tensor());
  }
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto found = place.find(sources[i].node.get());
    if (found != place.end()) results[i] = visits[found->second].gradients[static_cast<std::size_t>(sources[i].output)];
  }
  return results;
}

}  // namespace nyala::autograd
