#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include <nyala/ops/update.hpp>
#include <nyala/optimizer.hpp>

namespace nyala {

/// What a step's sweep takes of each variable; trained(i) is the variable of gradients[i], whose slots are at
/// indices[i].
template <class Trained>
std::vector<VariableUpdate> swept(std::span<const Tensor> gradients, std::span<const std::size_t> indices,
                                  std::initializer_list<const Slots*> slots, Trained&& trained) {
  std::vector<VariableUpdate> all;
  all.reserve(gradients.size());
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    VariableUpdate each{gradients[i], trained(i)};
    std::size_t kind = 0;
    for (const Slots* of_kind : slots) each.slots[kind++] = &(*of_kind)[indices[i]];
    all.push_back(each);
  }
  return all;
}

}  // namespace nyala
