#include "backend/cpu/amx/tile_filter.hpp"

#include <algorithm>
#include <vector>

#include "backend/cpu/amx/split_blocks.hpp"
#include "core/parallel.hpp"

namespace nyala::backend::amx {
namespace {

constexpr std::int64_t positions = 16;

}  // namespace

TileFilter::TileFilter(std::int64_t in, std::int64_t out, const float* filter)
    : memory_(static_cast<std::size_t>(positions * packed_bytes(out, in))),
      packed_{{multiply_tiles, 2 * packed_bytes(block_side, in) / static_cast<std::int64_t>(sizeof(float))},
              in,
              out,
              static_cast<const char*>(memory_.get()),
              0} {
  char* const to = static_cast<char*>(memory_.get());
  std::vector<std::uint32_t> tops(static_cast<std::size_t>(positions * out / block_side));
  detail::parallel_for(0, positions * out / block_side, 65'536 / (block_side * in) + 1,
                       [&](std::int64_t first, std::int64_t last) {
                         Packer packer;
                         for (std::int64_t panel = first; panel < last; ++panel) {
                           begin(packer, {filter + panel * block_side * in, block_side, false, block_side, in}, false,
                                 to + panel * packed_bytes(block_side, in));
                           finish(packer);
                           tops[static_cast<std::size_t>(panel)] = packer.top;
                         }
                       });
  packed_.top = *std::max_element(tops.begin(), tops.end());
}

std::size_t TileFilter::bytes() const {
  return static_cast<std::size_t>(positions * packed_bytes(packed_.out, packed_.in));
}

}  // namespace nyala::backend::amx
