#pragma once

#include <concepts>
#include <initializer_list>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <nyala/tensor.hpp>

namespace nyala {

/// What a model is given or trained on: a tensor, a list in the order of its inputs or outputs, or tensors by name,
/// {{"title", titles}, {"body", bodies}}, where the names are Model::input_names() or Model::output_names().
class ModelData {
 public:
  ModelData() = default;
  ModelData(Tensors in_order) : tensors_(std::move(in_order)) {}
  template <class T>
    requires(!std::same_as<std::remove_cvref_t<T>, ModelData> && !std::same_as<std::remove_cvref_t<T>, Tensors> &&
             std::convertible_to<T, Tensors>)
  ModelData(T&& in_order) : tensors_(std::forward<T>(in_order)) {}
  ModelData(std::initializer_list<Tensor> in_order) : tensors_(in_order) {}
  ModelData(std::initializer_list<std::pair<const std::string, Tensor>> by_name);
  ModelData(const std::map<std::string, Tensor>& by_name);

  bool empty() const { return tensors_.empty(); }
  /// In the order given, or, by name, in that of names().
  const Tensors& tensors() const { return tensors_; }
  /// Empty unless given by name.
  const std::vector<std::string>& names() const { return names_; }

 private:
  Tensors tensors_;
  std::vector<std::string> names_;
};

}  // namespace nyala
