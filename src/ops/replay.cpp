#include "ops/replay.hpp"

#include <nyala/ops/creation.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

#include "autograd/tape_state.hpp"

namespace nyala::ops {

void differentiate_again(autograd::Backward& g, const std::vector<Tensor>& inputs,
                         const std::function<std::vector<Tensor>(const std::vector<Tensor>& inputs)>& forward) {
  // Stand-ins are sources of their own: what is reached through them is the operation and nothing before it.
  std::vector<Tensor> stand_ins = inputs;
  std::vector<autograd::Edge> sources(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined() || !g.needs(i)) continue;
    stand_ins[i] = detail::alias(inputs[i]);
    autograd::attach(stand_ins[i], "identity", {inputs[i]}, [](autograd::Backward& b) { b.set(0, b.grad()); });
    sources[i] = {stand_ins[i].impl()->node, 0};
  }
  const std::vector<Tensor> outputs = forward(stand_ins);
  Tensor target;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].defined() || !g.grad(i).defined()) continue;
    const Tensor term = sum(outputs[i] * g.grad(i));
    target = target.defined() ? target + term : term;
  }
  if (!target.defined()) return;
  const std::vector<Tensor> gradients = autograd::accumulate(target, ones_like(target), sources, false);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    if (gradients[i].defined()) g.set(i, gradients[i]);
  }
}

}  // namespace nyala::ops
