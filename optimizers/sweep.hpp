#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include <nyala/ops/update.hpp>
#include <nyala/optimizer.hpp>

namespace nyala {

/// What a step's sweep takes of each variable: gradients[i] is that of trained(indices[i]), whose slots (null ones
/// where there is none of that kind) and weight decay have the same index.
template <class Trained, class Decay>
std::vector<VariableUpdate> swept(std::span<const Tensor> gradients, std::span<const std::size_t> indices,
                                  std::initializer_list<const Slots*> slots, Trained&& trained, Decay&& decay) {
  std::vector<VariableUpdate> all;
  all.reserve(gradients.size());
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    VariableUpdate each{gradients[i], trained(indices[i])};
    each.weight_decay = decay(indices[i]);
    std::size_t kind = 0;
    for (const Slots* of_kind : slots) each.slots[kind++] = &(*of_kind)[indices[i]];
    all.push_back(each);
  }
  return all;
}

/// The same for optimizers whose weights decay before the sweep.
template <class Trained>
std::vector<VariableUpdate> swept(std::span<const Tensor> gradients, std::span<const std::size_t> indices,
                                  std::initializer_list<const Slots*> slots, Trained&& trained) {
  return swept(gradients, indices, slots, trained, [](std::size_t) { return 0.0; });
}

}  // namespace nyala
