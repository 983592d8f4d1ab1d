#pragma once

#include <array>
#include <cstdint>

#include "backend/cuda/context.hpp"
#include "device/launch.hpp"

namespace nyala::backend::cuda {

/// Which elements of a reduction are neighbours in memory: load(r, i) and load(r, i + 1), or load(r, i) and
/// load(r + 1, i). Only speed depends on it.
enum class Neighbours { within_row, across_rows };

namespace kernel {

template <class A, class Load, class Combine, class Store>
struct ReduceParameters {
  A identity;
  Load load;
  Combine combine;
  Store store;
};

}  // namespace kernel

/// store(r, load(r, 0) + … + load(r, n - 1)) for every r in [0, rows), where + is combine, associative and commutative
/// but for rounding, and A a trivially copyable type; store(r, identity) if n is 0. Here 32 lanes take every 32nd
/// element each and are joined as a tree.
template <class A, class Load, class Combine, class Store>
void reduce(Context& context, std::int64_t rows, std::int64_t n, Neighbours, A identity, const Load& load,
            const Combine& combine, const Store& store) {
  static_assert(sizeof(A) * 256 <= 32768);
  if (rows <= 0) return;
  using Parameters = kernel::ReduceParameters<A, Load, Combine, Store>;
  kernel::enqueue(context.stream(), "reduce", Parameters{identity, load, combine, store},
                  [rows, n](const Parameters& p, std::uint32_t turn) {
                    kernel::for_each(rows, turn, [&](std::int64_t row) {
                      std::array<A, 32> lanes;
                      lanes.fill(p.identity);
                      for (std::int64_t i = 0; i < n; ++i) {
                        A& lane = lanes[static_cast<std::size_t>(i % 32)];
                        lane = p.combine(lane, p.load(row, i));
                      }
                      for (std::size_t width = 16; width > 0; width /= 2)
                        for (std::size_t i = 0; i < width; ++i) lanes[i] = p.combine(lanes[i], lanes[i + width]);
                      p.store(row, lanes[0]);
                    });
                  });
}

}  // namespace nyala::backend::cuda
