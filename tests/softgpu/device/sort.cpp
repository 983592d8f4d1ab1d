#include "device/sort.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "device/launch.hpp"

namespace nyala::backend::cuda {
namespace {

struct Pairs {
  const std::uint64_t* keys_in;
  std::uint64_t* keys_out;
  const std::int32_t* values_in;
  std::int32_t* values_out;
};

}  // namespace

void sort_pairs(Context& context, std::int64_t count, const std::uint64_t* keys_in, std::uint64_t* keys_out,
                const std::int32_t* values_in, std::int32_t* values_out, int bits) {
  if (count <= 0) return;
  // As the radix sort: upper bits are not looked at.
  const std::uint64_t looked_at = bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  const Pairs pairs{keys_in, keys_out, values_in, values_out};
  kernel::enqueue(context.stream(), "sort", pairs, [=](const Pairs& p, std::uint32_t) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return (p.keys_in[a] & looked_at) < (p.keys_in[b] & looked_at);
    });
    for (std::size_t i = 0; i < order.size(); ++i) {
      p.keys_out[i] = p.keys_in[order[i]];
      p.values_out[i] = p.values_in[order[i]];
    }
  });
}

}  // namespace nyala::backend::cuda
