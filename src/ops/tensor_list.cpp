// The factories that read nested lists and strings.
#include <algorithm>

#include <nyala/error.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/tensor.hpp>

#include "core/tensor_impl.hpp"

namespace nyala {

NestedList::NestedList(double number, std::int64_t integer, DType dtype)
    : leaf_(true), number_(number), integer_(integer), dtype_(dtype) {}
NestedList::NestedList(const std::string& text) : leaf_(true), dtype_(DType::string), text_(text) {}
NestedList::NestedList(std::initializer_list<NestedList> rows) : rows_(rows) {}
NestedList::NestedList(const NestedList& other) = default;
NestedList::~NestedList() = default;

struct NestedListReader {
  Shape shape;
  std::vector<const NestedList*> leaves;
  DType dtype = DType::boolean;

  void read(const NestedList& list, std::size_t depth) {
    if (list.leaf_) {
      if (!leaves.empty() && depth != shape.size()) ragged();
      const bool text = list.dtype_ == DType::string;
      if (!leaves.empty() && text != (dtype == DType::string)) {
        throw Error("tensor: numbers and strings stand in one list");
      }
      if (text)
        dtype = DType::string;
      else if (list.dtype_ == DType::float32)
        dtype = DType::float32;
      else if (list.dtype_ == DType::int32 && dtype == DType::boolean)
        dtype = DType::int32;
      if (dtype == DType::int32 && (list.integer_ > INT32_MAX || list.integer_ < INT32_MIN)) wide = true;
      leaves.push_back(&list);
      return;
    }
    const auto length = static_cast<std::int64_t>(list.rows_.size());
    if (depth == shape.size()) {
      if (!leaves.empty()) ragged();
      shape.push_back(length);
    } else if (shape[depth] != length) {
      ragged();
    }
    for (const NestedList& row : list.rows_) read(row, depth + 1);
  }

  [[noreturn]] static void ragged() { throw Error("tensor: the nested lists are not of equal lengths and depths"); }

  bool wide = false;

  Tensor make() const {
    const DType as = leaves.empty() ? floatx() : dtype == DType::int32 && wide ? DType::int64 : dtype;
    Tensor result = Tensor::empty(shape, as, Device());
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      if (as == DType::string)
        result.impl()->storage->strings[i] = leaves[i]->text_;
      else if (as == DType::boolean)
        result.data<bool>()[i] = leaves[i]->integer_ != 0;
      else if (as == DType::int32)
        result.data<std::int32_t>()[i] = static_cast<std::int32_t>(leaves[i]->integer_);
      else if (as == DType::int64)
        result.data<std::int64_t>()[i] = leaves[i]->integer_;
      else
        result.data<float>()[i] = static_cast<float>(leaves[i]->number_);
    }
    return detail_to_default_device(result);
  }

  Tensor make_double() const {
    Tensor result = Tensor::empty(shape, DType::float64, Device());
    for (std::size_t i = 0; i < leaves.size(); ++i) result.data<double>()[i] = leaves[i]->number_;
    return detail_to_default_device(result);
  }
};

Tensor tensor(const NestedList& values) {
  NestedListReader reader;
  reader.read(values, 0);
  return reader.make();
}

Tensor tensor(const NestedList& values, DType dtype) {
  NestedListReader reader;
  reader.read(values, 0);
  const bool text = !reader.leaves.empty() && reader.dtype == DType::string;
  if (text != (dtype == DType::string)) {
    throw Error(std::string("tensor: the list cannot be read as ") + name_of(dtype));
  }
  if (text) return reader.make();
  return is_floating(dtype) ? cast(reader.make_double(), dtype) : cast(reader.make(), dtype);
}

Tensor detail_of_strings(const std::vector<std::string>& values, const Shape& shape) {
  Tensor result = detail_empty_for(shape, DType::string, values.size());
  std::copy(values.begin(), values.end(), result.impl()->storage->strings.begin());
  return result;
}

}  // namespace nyala
