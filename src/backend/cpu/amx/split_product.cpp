#include "backend/cpu/amx/split_product.hpp"

#include <algorithm>
#include <atomic>
#include <bit>

#include <nyala/threads.hpp>

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backend/cpu/amx/depth_parts.hpp"
#include "backend/cpu/amx/split_blocks.hpp"
#include "backend/cpu/scratch.hpp"
#include "backend/cpu/simd/table.hpp"
#include "core/parallel.hpp"
#include "core/weight_forms.hpp"

namespace nyala::backend::amx {
namespace {

constexpr std::int64_t worth_a_chunk = 1'500'000;  // multiplications: some 9 µs
constexpr std::int64_t worth_a_result = 48;        // what follows the sum, in multiplications
constexpr std::int64_t most_chunks = 16;
constexpr std::int64_t most_lines = 512;  // of the operand that is cut first
constexpr std::int64_t least_depth = 256, most_depth = 1024;
constexpr std::int64_t shared_bytes = 1'200'000;  // a good half of a core's second cache

bool ask_for_tiles() {
  constexpr unsigned bfloat16_tiles = 1U << 22, tiles = 1U << 24;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__builtin_cpu_supports("avx512bf16") || __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 ||
      (d & bfloat16_tiles) == 0 || (d & tiles) == 0)
    return false;
  constexpr long request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, see Linux' x86/xstate
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

/// Lengths of equal steps, multiples of 32 but for the last.
struct Steps {
  std::int64_t length, size, count;
  Steps(std::int64_t whole, std::int64_t most)
      : length(whole),
        size(round_up((whole - 1) / ((whole - 1) / most + 1) + 1, block_side)),
        count((whole - 1) / size + 1) {}
  std::int64_t begin(std::int64_t i) const { return i * size; }
  std::int64_t at(std::int64_t i) const { return std::min(size, length - i * size); }
};

std::atomic<std::uint64_t> passes = 0;

class Product {
 public:
  Product(const Gemm& sizes, const float* a, const float* b, const Packer* packed_b, float* c, PlainProduct plain,
          detail::FunctionRef<void(const Block&)> finish)
      : g_(sizes),
        a_(a),
        b_(b),
        packed_b_(packed_b),
        c_(c),
        plain_(plain),
        finish_(finish),
        rows_cut_(sizes.m >= sizes.n) {}

  void run() {
    const Steps lines(rows_cut_ ? g_.n : g_.m, most_lines);
    const std::int64_t deep = shared_bytes / (6 * lines.size);
    const Steps depths(g_.k, std::clamp(deep / block_side * block_side, least_depth, most_depth));
    copy_bytes_ = shares_packed() ? 0 : packed_bytes(lines.size, depths.size);
    const Scratch memory(static_cast<std::size_t>(std::min<std::int64_t>(num_threads(), most_chunks) * copy_bytes_));
    copies_ = static_cast<char*>(memory.get());
    for (std::int64_t i = 0; i < lines.count; ++i)
      for (std::int64_t j = 0; j < depths.count; ++j) {
        pass_ = {lines.begin(i), lines.at(i), depths.begin(j), depths.at(j), g_.add || j > 0, j + 1 == depths.count};
        number_ = passes.fetch_add(1, std::memory_order_relaxed) + 1;
        next_copy_.store(0, std::memory_order_relaxed);
        if (shares_packed()) take_part(packed_part_, *packed_b_, pass_.line, pass_.lines, pass_.depth, pass_.depths);
        multiply_strips();
      }
  }

 private:
  /// The part of the shared operand that is multiplied now.
  struct Pass {
    std::int64_t line, lines, depth, depths;
    bool add, last;
  };

  Source source(bool left, std::int64_t line, std::int64_t lines) const {
    const bool along = left ? !g_.transpose_a : g_.transpose_b;
    const std::int64_t stride = left ? g_.stride_a : g_.stride_b;
    const float* const from = (left ? a_ : b_) + line * (along ? stride : 1) + pass_.depth * (along ? 1 : stride);
    return {from, stride, along, lines, pass_.depths};
  }

  /// The shared operand in parts: each thread has its own, as reading what another one wrote is slower than packing.
  struct Copy {
    std::uint64_t pass = 0;
    Packer packer;
  };

  bool shares_packed() const { return packed_b_ != nullptr && rows_cut_; }

  const Packer& shared() {
    if (shares_packed()) return packed_part_;
    thread_local Copy copy;
    if (copy.pass != number_) {
      copy.pass = number_;
      begin(copy.packer, source(!rows_cut_, pass_.line, pass_.lines), !rows_cut_,
            copies_ + next_copy_.fetch_add(1, std::memory_order_relaxed) * copy_bytes_);
      finish(copy.packer);
    }
    return copy.packer;
  }

  void multiply_strips() {
    const std::int64_t length = rows_cut_ ? g_.m : g_.n, panels = (length - 1) / block_side + 1;
    const std::int64_t work = length * pass_.lines * (pass_.depths + (pass_.last ? worth_a_result : 0));
    const std::int64_t chunks = std::clamp<std::int64_t>(work / worth_a_chunk, 1, most_chunks);
    const std::int64_t each = std::max<std::int64_t>((panels - 1) / chunks + 1, 1);
    detail::parallel_chunks(0, (panels - 1) / each + 1, 1, [&](std::int64_t, std::int64_t first, std::int64_t last) {
      strip(first * each, std::min(last * each, panels), length);
    });
  }

  /// Panels [first, end) of the operand that is not shared.
  void strip(std::int64_t first, std::int64_t end, std::int64_t length) {
    const std::int64_t bytes = packed_bytes(block_side, pass_.depths);
    const Scratch memory(static_cast<std::size_t>(2 * bytes));
    Packer packers[2];
    const bool packed = packed_b_ != nullptr && !rows_cut_;
    const auto start = [&](std::int64_t panel) -> Packer& {
      const std::int64_t line = panel * block_side, turn = panel % 2;
      if (packed) {
        take_part(packers[turn], *packed_b_, line, std::min(block_side, length - line), pass_.depth, pass_.depths);
        return packers[turn];
      }
      begin(packers[turn], source(rows_cut_, line, std::min(block_side, length - line)), rows_cut_,
            static_cast<char*>(memory.get()) + turn * bytes);
      return packers[turn];
    };
    start(first);
    const Packer& others = shared();
    open_tiles();
    for (std::int64_t panel = first; panel < end; ++panel) {
      Packer* const next = panel + 1 < end ? &start(panel + 1) : nullptr;
      multiply_one(panel * block_side, packers[panel % 2], others, packed ? nullptr : next);
    }
    close_tiles();
    if (pass_.last) finish_(block(first * block_side, std::min(end * block_side, length) - first * block_side));
  }

  Block block(std::int64_t line, std::int64_t lines) const {
    return rows_cut_ ? Block{line, lines, pass_.line, pass_.lines} : Block{pass_.line, pass_.lines, line, lines};
  }

  void multiply_one(std::int64_t line, Packer& panel, const Packer& others, Packer* next) {
    const Block here = block(line, panel.source.lines);
    float* const c = c_ + here.row * g_.stride_c + here.column;
    if (g_.add) finish(panel);  // what is added to must not be spoilt before it is known that the numbers fit
    const bool known = is_done(panel);
    const auto fit = [&] { return fits(panel.top, others.top, pass_.depths); };
    if (!known || fit()) {
      multiply({c, g_.stride_c, pass_.add}, panel, others, next);
      if (known || fit()) return;
    }
    close_tiles();
    // What was spoilt are sums of this product: they are made anew, from the first depth on.
    const std::int64_t from = g_.add ? pass_.depth : 0;
    Gemm part = g_;
    part.m = here.rows;
    part.n = here.columns;
    part.k = pass_.depth + pass_.depths - from;
    plain_(part, a_ + (g_.transpose_a ? here.row + from * g_.stride_a : here.row * g_.stride_a + from),
           b_ + (g_.transpose_b ? here.column * g_.stride_b + from : here.column + from * g_.stride_b), c);
    open_tiles();
  }

  const Gemm g_;
  const float *const a_, *const b_;
  const Packer* const packed_b_;  ///< b in parts, or null
  float* const c_;
  const PlainProduct plain_;
  const detail::FunctionRef<void(const Block&)> finish_;
  const bool rows_cut_;  ///< strips are of the left operand, the right one is shared
  char* copies_ = nullptr;
  std::int64_t copy_bytes_ = 0;
  std::uint64_t number_ = 0;
  std::atomic<std::int64_t> next_copy_ = 0;
  Pass pass_{};
  Packer packed_part_;
};

float magnitude(std::uint32_t top) { return std::bit_cast<float>(top / 2); }

}  // namespace

bool fits(std::uint32_t top_a, std::uint32_t top_b, std::int64_t depth) {
  constexpr std::uint32_t infinite = 0xff000000;
  constexpr double largest = 0x1p126, smallest = 0x1p-80;
  if (top_a >= infinite || top_b >= infinite) return false;
  const double a = magnitude(top_a), b = magnitude(top_b);
  if (a == 0 || b == 0) return true;
  return a * b * static_cast<double>(depth) < largest && std::max(a, b) < largest && a > smallest && b > smallest &&
         a * b > smallest;
}

bool has_tiles() {
  static const bool found = allows_tiles() && simd_table("avx512") != nullptr && ask_for_tiles();
  return found;
}

bool worth_tiles(const Gemm& g, bool packed_b) {
  constexpr std::int64_t least = 64, worth = 500'000;  // below, packing takes longer than is won
  if (g.m < (packed_b ? block_side * 3 / 4 : least) || g.n < least || g.k < least || g.m * g.n * g.k < worth ||
      !has_tiles())
    return false;
  const std::int64_t padded = round_up(g.m, block_side) * round_up(g.n, block_side) * round_up(g.k, block_side);
  return g.m * g.n * g.k * 10 > padded * 7;
}

SplitFactors::SplitFactors(const Gemm& sizes, const float* b)
    : bytes_(static_cast<std::size_t>(packed_bytes(sizes.n, sizes.k))),
      memory_(bytes_),
      packed_(detail::make_pooled<Packer>()) {
  begin(*packed_, {b, sizes.stride_b, sizes.transpose_b, sizes.n, sizes.k}, false, static_cast<char*>(memory_.get()));
  finish(*packed_);
}

void multiply_split(const Gemm& sizes, const float* a, const float* b, const SplitFactors* split_b, float* c,
                    PlainProduct plain, detail::FunctionRef<void(const Block&)> finish) {
  const bool may_cut = split_b == nullptr && !sizes.add;
  const std::int64_t parts = may_cut ? depth_parts(sizes.m, sizes.n, sizes.k, worth_a_chunk) : 1;
  if (parts == 1) {
    Product(sizes, a, b, split_b == nullptr ? nullptr : &split_b->packed(), c, plain, finish).run();
    return;
  }
  const auto nothing = [](const Block&) {};
  const auto multiply_part = [&](const DepthPart& part) {
    Gemm piece = sizes;
    piece.k = part.depth;
    piece.stride_c = part.stride;
    Product(piece, a + part.first * (sizes.transpose_a ? sizes.stride_a : 1),
            b + part.first * (sizes.transpose_b ? 1 : sizes.stride_b), nullptr, part.out, plain, nothing)
        .run();
  };
  sum_parts(sizes, parts, c, multiply_part, finish);
}

}  // namespace nyala::backend::amx
