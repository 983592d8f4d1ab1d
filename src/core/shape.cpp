#include <nyala/shape.hpp>

#include <algorithm>
#include <ostream>
#include <string>

#include <nyala/error.hpp>

namespace nyala {

std::int64_t Shape::at(int axis) const {
  const int wanted = axis < 0 ? axis + rank() : axis;
  if (wanted < 0 || wanted >= rank()) {
    throw Error("Shape: axis " + std::to_string(axis) + " is out of range for " + str());
  }
  return sizes_[static_cast<std::size_t>(wanted)];
}

void Shape::fail_full(std::int64_t size) const {
  throw Error("Shape: at most 8 axes are supported; " + std::to_string(size) + " was added to " + str());
}

void Shape::insert(std::size_t axis, std::int64_t size) {
  push_back(size);
  std::rotate(begin() + axis, end() - 1, end());
}

void Shape::erase(std::size_t axis) {
  std::rotate(begin() + axis, begin() + axis + 1, end());
  --rank_;
}

std::int64_t Shape::elements() const {
  std::int64_t product = 1;
  bool overflow = false, zero = false;
  for (const std::int64_t size : *this) {
    if (size < 0) throw Error("Shape: " + str() + " has a size that is not known yet");
    if (size == 0) zero = true;
    overflow = __builtin_mul_overflow(product, size, &product) || overflow;
  }
  if (zero) return 0;
  if (overflow) throw Error("Shape: " + str() + " has more elements than 64 bits count");
  return product;
}

bool Shape::known() const {
  return std::none_of(begin(), end(), [](std::int64_t size) { return size < 0; });
}

std::string Shape::str() const {
  std::string text = "(";
  for (std::size_t i = 0; i < rank_; ++i) {
    if (i > 0) text += ", ";
    text += sizes_[i] == None ? "None" : std::to_string(sizes_[i]);
  }
  return text + (rank_ == 1 ? ",)" : ")");
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << shape.str(); }

std::vector<int> Axes::resolve(int rank, const char* where) const {
  std::vector<int> axes;
  if (all_) {
    for (int axis = 0; axis < rank; ++axis) axes.push_back(axis);
    return axes;
  }
  for (const int axis : axes_) {
    const int wanted = axis < 0 ? axis + rank : axis;
    if (wanted < 0 || wanted >= rank) {
      throw Error(std::string(where) + ": axis " + std::to_string(axis) + " is out of range for a tensor of rank " +
                  std::to_string(rank));
    }
    axes.push_back(wanted);
  }
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) {
    throw Error(std::string(where) + ": an axis is named twice");
  }
  return axes;
}

}  // namespace nyala
