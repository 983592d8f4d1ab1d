#include "core/dtype_lattice.hpp"

#include <array>
#include <bit>
#include <string>

#include <nyala/error.hpp>

namespace nyala::detail {

namespace {

// The lattice's nodes are the dtypes up to float64 and the two weak kinds.
constexpr int weak_int = 13, weak_float = 14, node_count = 15;
using Set = std::uint32_t;

constexpr Set bit(int node) { return Set{1} << node; }
constexpr Set bit(DType dtype) { return bit(static_cast<int>(dtype)); }

constexpr std::array<Set, node_count> next_higher = [] {
  std::array<Set, node_count> next{};
  const auto above = [&next](DType dtype) -> Set& { return next[static_cast<std::size_t>(dtype)]; };
  above(DType::boolean) = bit(weak_int);
  above(DType::uint8) = bit(DType::int16) | bit(DType::uint16);
  above(DType::uint16) = bit(DType::int32) | bit(DType::uint32);
  above(DType::uint32) = bit(DType::int64) | bit(DType::uint64);
  above(DType::uint64) = bit(weak_float);
  above(DType::int8) = bit(DType::int16);
  above(DType::int16) = bit(DType::int32);
  above(DType::int32) = bit(DType::int64);
  above(DType::int64) = bit(weak_float);
  above(DType::float16) = bit(DType::float32);
  above(DType::bfloat16) = bit(DType::float32);
  above(DType::float32) = bit(DType::float64);
  next[weak_int] = bit(DType::uint8) | bit(DType::int8);
  next[weak_float] = bit(DType::float16) | bit(DType::bfloat16);
  return next;
}();

constexpr std::array<Set, node_count> upper_bounds = [] {
  std::array<Set, node_count> bounds{};
  for (int node = 0; node < node_count; ++node) bounds[static_cast<std::size_t>(node)] = bit(node);
  for (int round = 0; round < node_count; ++round) {
    for (auto& bound : bounds) {
      for (int node = 0; node < node_count; ++node) {
        if (bound & bit(node)) bound |= next_higher[static_cast<std::size_t>(node)];
      }
    }
  }
  return bounds;
}();

constexpr int least_upper_bound(Set nodes) {
  Set common = ~Set{0};
  for (int node = 0; node < node_count; ++node) {
    if (nodes & bit(node)) common &= upper_bounds[static_cast<std::size_t>(node)];
  }
  for (int node = 0; node < node_count; ++node) {
    if ((common & bit(node)) && (common & ~upper_bounds[static_cast<std::size_t>(node)]) == 0) return node;
  }
  return weak_float;
}

constexpr std::array<std::array<std::uint8_t, 13>, 13> pairs = [] {
  std::array<std::array<std::uint8_t, 13>, 13> table{};
  for (int a = 0; a < 13; ++a) {
    for (int b = 0; b < 13; ++b) {
      table[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)] =
          static_cast<std::uint8_t>(least_upper_bound(bit(a) | bit(b)));
    }
  }
  return table;
}();

DType weak_integer() { return floatx() == DType::float64 ? DType::int64 : DType::int32; }

DType resolve(int node) {
  if (node == weak_float) return floatx();
  if (node == weak_int) return weak_integer();
  return static_cast<DType>(node);
}

[[noreturn]] void refuse_string() { throw Error("result_type: strings take part in no arithmetic, got dtype string"); }

}  // namespace

void Promotion::include(DType dtype, bool weak) {
  if (dtype == DType::string) refuse_string();
  (weak ? weak_ : strong_) |= bit(dtype);
}

DType Promotion::result() const {
  if ((strong_ | weak_) == 0) return floatx();
  if (strong_ == 0) {
    const DType bound = static_cast<DType>(least_upper_bound(weak_));
    if (is_floating(bound)) return floatx();
    return bound == DType::int32 ? weak_integer() : bound;
  }
  Set nodes = strong_;
  for (int node = 0; node < weak_int; ++node) {
    if (!(weak_ & bit(node))) continue;
    const auto dtype = static_cast<DType>(node);
    nodes |= is_floating(dtype) ? bit(weak_float) : is_integer(dtype) ? bit(weak_int) : bit(node);
  }
  // A bare integer beyond 32 bits beside booleans alone stays what it is.
  const int node = least_upper_bound(nodes);
  return node == weak_int && (weak_ & bit(DType::int64)) ? DType::int64 : resolve(node);
}

DType result_type(DType a, bool a_weak, DType b, bool b_weak) {
  if (!a_weak && !b_weak && a != DType::string && b != DType::string) {
    return resolve(pairs[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)]);
  }
  Promotion promotion;
  promotion.include(a, a_weak);
  promotion.include(b, b_weak);
  return promotion.result();
}

}  // namespace nyala::detail
