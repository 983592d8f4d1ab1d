#include "backend/cuda/sorted_sum.hpp"

#include <string>

#include <nyala/error.hpp>

#include "backend/common/scalar_math.hpp"
#include "backend/cuda/dispatch.hpp"

namespace nyala::backend::cuda {
namespace {

template <class A>
struct JoinSorted {
  Join join;
  std::int64_t count;
  const std::uint64_t* keys;
  const std::int32_t* positions;
  SortedLayout layout;
  Numbers<A> values, out;
  std::int64_t start;

  constexpr A joined(A total, A value) const {
    switch (join) {
      case Join::last: return value;
      case Join::maximum: return scalar::maximum(total, value);
      default: return scalar::add(total, value);
    }
  }
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t k = i % layout.inner, rest = i / layout.inner, outer = rest / count, first = rest % count;
    const std::uint64_t key = keys[first];
    if (first > 0 && keys[first - 1] == key) return;
    const std::int64_t place = start + (outer * layout.out_rows + static_cast<std::int64_t>(key)) * layout.inner + k;
    A total = out.get(place);
    for (std::int64_t at = first; at < count && keys[at] == key; ++at)
      total = joined(total, values.get((outer * count + positions[at]) * layout.inner + k));
    out.set(place, total);
  }
};

}  // namespace

void SortedKeys::refuse(std::int64_t count) {
  throw Error("a sum over indices on a GPU takes fewer than 2^31 of them, got " + std::to_string(count));
}

void join_sorted(Context& context, Join join, const SortedKeys& sorted, const SortedLayout& layout,
                 const Tensor& values, Tensor& out, std::int64_t first) {
  visit_wide(out.dtype(), "additions at indices", [&]<class A>(std::type_identity<A>) {
    launch(context.stream(), layout.outer * sorted.count() * layout.inner,
           JoinSorted<A>{join, sorted.count(), sorted.keys(), sorted.positions(), layout, Numbers<A>(values),
                         Numbers<A>(out), first});
  });
}

}  // namespace nyala::backend::cuda
