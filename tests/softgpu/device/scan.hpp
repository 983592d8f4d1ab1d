#pragma once

#include <cstdint>

#include "backend/cuda/context.hpp"
#include "device/launch.hpp"

namespace nyala::backend::cuda {

namespace kernel {

template <class A, class Load, class Combine, class Store>
struct ScanParameters {
  A identity;
  Load load;
  Combine combine;
  Store store;
};

}  // namespace kernel

/// store(r, i, load(r, 0) + … + load(r, i)) for every r in [0, rows) and i in [0, n), where + is combine, associative
/// but for rounding. store may write what load has read at the same place.
template <class A, class Load, class Combine, class Store>
void scan(Context& context, std::int64_t rows, std::int64_t n, A identity, const Load& load, const Combine& combine,
          const Store& store) {
  if (rows <= 0 || n <= 0) return;
  using Parameters = kernel::ScanParameters<A, Load, Combine, Store>;
  kernel::enqueue(context.stream(), "scan", Parameters{identity, load, combine, store},
                  [rows, n](const Parameters& p, std::uint32_t turn) {
                    kernel::for_each(rows, turn, [&](std::int64_t row) {
                      A total = p.identity;
                      for (std::int64_t i = 0; i < n; ++i) {
                        total = p.combine(total, p.load(row, i));
                        p.store(row, i, total);
                      }
                    });
                  });
}

}  // namespace nyala::backend::cuda
