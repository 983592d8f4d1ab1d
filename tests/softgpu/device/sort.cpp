#include "device/sort.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "device/launch.hpp"

namespace nyala::backend::cuda {
namespace {

template <class Key>
struct Pointers {
  const Key* keys_in;
  Key* keys_out;
  const std::int32_t* values_in;
  std::int32_t* values_out;
};

template <class Key>
void sort(Context& context, std::int64_t rows, std::int64_t n, const Pointers<Key>& all, int bits) {
  if (rows <= 0 || n <= 0) return;
  // As the radix sort: upper bits are not looked at.
  const Key looked_at = bits >= static_cast<int>(8 * sizeof(Key)) ? ~Key{0} : (Key{1} << bits) - 1;
  kernel::enqueue(context.stream(), "sort", all, [=](const Pointers<Key>& p, std::uint32_t turn) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(n));
    kernel::for_each(rows, turn, [&](std::int64_t row) {
      const Key* keys = p.keys_in + row * n;
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(),
                       [&](std::int64_t a, std::int64_t b) { return (keys[a] & looked_at) < (keys[b] & looked_at); });
      for (std::size_t i = 0; i < order.size(); ++i) {
        p.keys_out[row * n + static_cast<std::int64_t>(i)] = keys[order[i]];
        p.values_out[row * n + static_cast<std::int64_t>(i)] = p.values_in[row * n + order[i]];
      }
    });
  });
}

}  // namespace

void sort_rows(Context& context, std::int64_t rows, std::int64_t n, const std::uint32_t* keys_in,
               std::uint32_t* keys_out, const std::int32_t* values_in, std::int32_t* values_out, int bits) {
  sort<std::uint32_t>(context, rows, n, {keys_in, keys_out, values_in, values_out}, bits);
}

void sort_rows(Context& context, std::int64_t rows, std::int64_t n, const std::uint64_t* keys_in,
               std::uint64_t* keys_out, const std::int32_t* values_in, std::int32_t* values_out, int bits) {
  sort<std::uint64_t>(context, rows, n, {keys_in, keys_out, values_in, values_out}, bits);
}

}  // namespace nyala::backend::cuda
