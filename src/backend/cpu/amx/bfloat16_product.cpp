#include "backend/cpu/amx/bfloat16_product.hpp"

#include <algorithm>
#include <atomic>
#include <bit>

#include <nyala/threads.hpp>

#include "backend/cpu/amx/bfloat16_blocks.hpp"
#include "backend/cpu/amx/depth_parts.hpp"
#include "backend/cpu/amx/split_product.hpp"
#include "backend/cpu/scratch.hpp"
#include "backend/cpu/simd/nn_loops.hpp"
#include "core/half.hpp"
#include "core/parallel.hpp"

namespace nyala::backend::amx {
namespace {

constexpr std::int64_t worth_chunk = 6'000'000;  // multiplications: some 8 µs
constexpr std::uint64_t finest_cut = 16;
constexpr std::int64_t shared_size = 1'000'000;  // bytes: half of a core's second cache
constexpr std::int64_t deepest = 2048, deep_enough = 1024, widest_share = 1024;
constexpr std::int64_t group_size = 500'000, most_together = 4;  // panels that are packed at once

std::atomic<std::uint64_t> shares = 0;

class HalvesProduct {
 public:
  /// Of the summed axis only [first, end).
  HalvesProduct(const HalfProduct& product, std::int64_t first, std::int64_t end)
      : p_(product), first_(first), end_(end), rows_cut_(product.m >= product.n) {}

  void run() {
    const Scratch widened(p_.bias == nullptr ? 0 : float_bytes(p_.n));
    if (p_.bias != nullptr) {
      bias_ = static_cast<float*>(widened.get());
      detail::convert(reinterpret_cast<const bfloat16*>(p_.bias), bias_, static_cast<std::size_t>(p_.n));
    }
    const std::int64_t length = rows_cut_ ? p_.n : p_.m, whole = end_ - first_;
    // Sums of float32 results may be cut: they wait where they belong.
    const std::int64_t deep = p_.wide ? round_up((whole - 1) / ((whole - 1) / deep_enough + 1) + 1, block_side) : whole;
    const std::int64_t most = std::clamp(shared_size / (2 * deep) / block_side * block_side, block_side, widest_share);
    const std::int64_t each = round_up((length - 1) / ((length - 1) / most + 1) + 1, block_side);
    copy_bytes_ = blocks_of(each) * blocks_of(deep) * half_block_bytes;
    const auto copies = std::min<std::int64_t>(num_threads(), static_cast<std::int64_t>(finest_cut));
    const Scratch memory(static_cast<std::size_t>(copies * copy_bytes_));
    copies_ = static_cast<char*>(memory.get());
    for (line_ = 0; line_ < length; line_ += each)
      for (from_ = first_; from_ < end_; from_ += deep) {
        lines_ = std::min(each, length - line_);
        depth_ = std::min(deep, end_ - from_);
        number_ = shares.fetch_add(1, std::memory_order_relaxed) + 1;
        next_copy_.store(0, std::memory_order_relaxed);
        multiply_panels();
      }
  }

 private:
  HalfSource source(bool left, std::int64_t line, std::int64_t lines) const {
    const bool along = left ? !p_.transpose_a : p_.transpose_b;
    const std::int64_t stride = along ? p_.k : left ? p_.m : p_.n;
    return {(left ? p_.a : p_.b) + line * (along ? stride : 1) + from_ * (along ? 1 : stride), stride, along, lines,
            depth_};
  }

  /// The lines that all panels meet, packed: each thread has its own, as reading what another one wrote takes longer.
  const char* shared() {
    struct Copy {
      std::uint64_t number = 0;
      const char* memory = nullptr;
    };
    thread_local Copy copy;
    if (copy.number != number_) {
      char* const to = copies_ + next_copy_.fetch_add(1, std::memory_order_relaxed) * copy_bytes_;
      pack_bfloat16(source(!rows_cut_, line_, lines_), !rows_cut_, to);
      copy = {number_, to};
    }
    return copy.memory;
  }

  void multiply_panels() {
    const std::int64_t length = rows_cut_ ? p_.m : p_.n, panels = blocks_of(length);
    const auto worth = static_cast<std::uint64_t>(length * lines_ * depth_ / worth_chunk + 1);
    const auto wanted = static_cast<std::int64_t>(std::min(std::bit_ceil(worth), finest_cut));
    const std::int64_t each = (panels - 1) / wanted + 1;
    detail::parallel_chunks(0, (panels - 1) / each + 1, 1, [&](std::int64_t, std::int64_t first, std::int64_t last) {
      const std::int64_t panel_bytes = blocks_of(depth_) * half_block_bytes;
      const std::int64_t group = std::clamp<std::int64_t>(group_size / panel_bytes, 1, std::min(each, most_together));
      const Scratch memory(static_cast<std::size_t>(group * panel_bytes));
      char* const packed = static_cast<char*>(memory.get());
      const char* const others = shared();
      open_tiles();
      const std::int64_t end = std::min(last * each, panels);
      for (std::int64_t i = first * each; i < end; i += group) {
        const std::int64_t line = i * block_side,
                           lines = std::min(std::min(group, end - i) * block_side, length - line);
        pack_bfloat16(source(rows_cut_, line, lines), rows_cut_, packed);
        multiply_group(line, lines, packed, others);
      }
      close_tiles();
    });
  }

  void multiply_group(std::int64_t line, std::int64_t lines, const char* packed, const char* others) const {
    const std::int64_t panel_bytes = blocks_of(depth_) * half_block_bytes;
    for (std::int64_t i = 0; i < lines; i += block_side, packed += panel_bytes)
      for (std::int64_t j = 0; j < lines_; j += block_side) {
        const char* const other = others + j / block_side * panel_bytes;
        const std::int64_t here = std::min(block_side, lines - i), there = std::min(block_side, lines_ - j);
        if (rows_cut_)
          multiply_block(packed, other, {line + i, here, line_ + j, there});
        else
          multiply_block(other, packed, {line_ + j, there, line + i, here});
      }
  }

  bool adds() const { return from_ > first_; }

  void multiply_block(const char* a, const char* b, const Block& block) const {
    const std::int64_t steps = blocks_of(depth_);
    const std::int64_t start = block.row * p_.n + block.column;
    if (p_.wide && block.rows == block_side && block.columns == block_side)
      return multiply_bfloat16(a, b, steps, static_cast<float*>(p_.out) + start, p_.n, adds());
    alignas(64) float sums[block_side * block_side];
    multiply_bfloat16(a, b, steps, sums, block_side, false);
    if (p_.wide) {
      for (std::int64_t row = 0; row < block.rows; ++row) {
        const float* const from = sums + row * block_side;
        float* const to = static_cast<float*>(p_.out) + start + row * p_.n;
        for (std::int64_t j = 0; j < block.columns; ++j) to[j] = adds() ? to[j] + from[j] : from[j];
      }
      return;
    }
    const float* bias = bias_ == nullptr ? nullptr : bias_ + block.column;
    if (p_.before != nullptr) round_block(sums, {p_.before + start, p_.n, block.rows, block.columns, bias, false});
    const bool relu = p_.activation == FusedActivation::relu;
    if (!relu && p_.activation != FusedActivation::none) {
      simd::nn_loops().finish({block.rows, block.columns, block_side, block_side, p_.activation}, sums, bias, nullptr,
                              sums);
      bias = nullptr;
    }
    round_block(sums, {static_cast<std::uint16_t*>(p_.out) + start, p_.n, block.rows, block.columns, bias, relu});
  }

  const HalfProduct p_;
  const std::int64_t first_, end_;
  const bool rows_cut_;  ///< panels are of the left operand, the right one is shared
  float* bias_ = nullptr;
  char* copies_ = nullptr;
  std::int64_t copy_bytes_ = 0, line_ = 0, lines_ = 0, from_ = 0, depth_ = 0;
  std::uint64_t number_ = 0;
  std::atomic<std::int64_t> next_copy_ = 0;
};

}  // namespace

bool multiply_halves(const HalfProduct& p) {
  constexpr std::int64_t least = 32, worth = 500'000, in_cache = 30'000'000;
  if (p.m < least || p.n < least || p.k < least || (p.k > deepest && !p.wide) || p.m * p.n * p.k < worth ||
      !has_tiles())
    return false;
  // Packing much for few lines takes as long as multiplying.
  if (std::min(p.m, p.n) < 2 * least && p.m * p.n * p.k > in_cache) return false;
  const std::int64_t parts = p.wide ? depth_parts(p.m, p.n, p.k, worth_chunk) : 1;
  if (parts == 1) {
    HalvesProduct(p, 0, p.k).run();
    return true;
  }
  Gemm sizes;
  sizes.m = p.m;
  sizes.n = sizes.stride_c = p.n;
  sizes.k = p.k;
  const auto multiply = [&](const DepthPart& part) {
    HalfProduct piece = p;
    piece.out = part.out;
    HalvesProduct(piece, part.first, part.first + part.depth).run();
  };
  sum_parts(sizes, parts, static_cast<float*>(p.out), multiply, [](const Block&) {});
  return true;
}

}  // namespace nyala::backend::amx
