#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <iterator>
#include <string>
#include <vector>

namespace nyala {

/// A size that is not known before data arrives, as in `Input({None, 3})`.
inline constexpr std::int64_t None = -1;

/// The sizes of a tensor's axes, outermost first. Symbolic shapes may hold `None`. At most 8 axes.
class Shape {
 public:
  static constexpr std::size_t max_rank = 8;
  using value_type = std::int64_t;
  using iterator = std::int64_t*;
  using const_iterator = const std::int64_t*;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> sizes) : Shape(sizes.begin(), sizes.end()) {}
  explicit Shape(const std::vector<std::int64_t>& sizes) : Shape(sizes.begin(), sizes.end()) {}
  template <std::input_iterator It>
  Shape(It first, It last) {
    for (; first != last; ++first) push_back(static_cast<std::int64_t>(*first));
  }

  std::size_t size() const { return rank_; }
  int rank() const { return static_cast<int>(rank_); }
  bool empty() const { return rank_ == 0; }
  std::int64_t& operator[](std::size_t axis) { return sizes_[axis]; }
  std::int64_t operator[](std::size_t axis) const { return sizes_[axis]; }
  /// The size of an axis; negative axes count from the end. Throws Error when there is no such axis.
  std::int64_t at(int axis) const;
  std::int64_t front() const { return sizes_[0]; }
  std::int64_t back() const { return sizes_[rank_ - 1]; }
  std::int64_t& back() { return sizes_[rank_ - 1]; }
  iterator begin() { return sizes_.data(); }
  iterator end() { return sizes_.data() + rank_; }
  const_iterator begin() const { return sizes_.data(); }
  const_iterator end() const { return sizes_.data() + rank_; }

  /// Throws Error beyond 8 axes.
  void push_back(std::int64_t size) {
    if (rank_ == max_rank) fail_full(size);
    sizes_[rank_++] = size;
  }
  void pop_back() { --rank_; }
  void insert(std::size_t axis, std::int64_t size);
  void erase(std::size_t axis);

  /// The number of elements: the product of the sizes, 1 for a scalar. Throws Error for `None` and on overflow.
  std::int64_t elements() const;
  /// Whether no axis is `None`.
  bool known() const;
  /// As Python prints a tuple: "(2, 3)", "(5,)", "()", "(None, 8)".
  std::string str() const;

  bool operator==(const Shape& other) const {
    if (rank_ != other.rank_) return false;
    for (std::size_t axis = 0; axis < rank_; ++axis) {
      if (sizes_[axis] != other.sizes_[axis]) return false;
    }
    return true;
  }

 private:
  [[noreturn]] void fail_full(std::int64_t size) const;
  std::array<std::int64_t, max_rank> sizes_{};
  std::size_t rank_ = 0;
};

std::ostream& operator<<(std::ostream& out, const Shape& shape);

/// N sizes given as `3` (the same for all) or as `{3, 5}`; default-made: not given (Keras' None).
template <std::size_t N>
class Dims {
 public:
  Dims() = default;
  Dims(int same_for_all) : given_(true) { sizes_.fill(same_for_all); }
  template <std::convertible_to<int>... I>
    requires(N > 1 && sizeof...(I) == N)
  Dims(I... each) : sizes_{static_cast<std::int64_t>(each)...}, given_(true) {}
  explicit Dims(const std::array<std::int64_t, N>& sizes) : sizes_(sizes), given_(true) {}

  bool given() const { return given_; }
  std::int64_t operator[](std::size_t i) const { return sizes_[i]; }
  const std::array<std::int64_t, N>& values() const { return sizes_; }
  std::vector<std::int64_t> vector() const { return {sizes_.begin(), sizes_.end()}; }

 private:
  std::array<std::int64_t, N> sizes_{};
  bool given_ = false;
};

/// One axis, several, or (default-made) all of them. Negative axes count from the end.
class Axes {
 public:
  Axes() = default;
  Axes(int axis) : axes_{axis}, all_(false) {}
  Axes(std::initializer_list<int> axes) : axes_(axes), all_(false) {}
  Axes(std::vector<int> axes) : axes_(std::move(axes)), all_(false) {}

  bool all() const { return all_; }
  const std::vector<int>& values() const { return axes_; }
  /// Sorted, non-negative and distinct for a tensor of that rank. Throws Error naming `where` otherwise.
  std::vector<int> resolve(int rank, const char* where) const;

 private:
  std::vector<int> axes_;
  bool all_ = true;
};

}  // namespace nyala
