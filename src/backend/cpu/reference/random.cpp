#include "core/random_fill.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "backend/common/dispatch.hpp"
#include "backend/common/widened.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"
#include "core/parallel.hpp"

namespace nyala::backend {
namespace {

philox::Stream stream_of(RandomKey key) { return {key.seed, key.stream}; }

/// fill(elements, how many, number of the first) for parts of a tensor, on all threads.
template <class T, class F>
void fill_parts(Tensor& out, F&& fill) {
  T* to = out.data<T>();
  detail::parallel_for(0, out.size(), 4096, [&](std::int64_t begin, std::int64_t end) {
    fill(to + begin, static_cast<std::size_t>(end - begin), static_cast<std::uint64_t>(begin));
  });
}

}  // namespace

void ReferenceKernels::random_uniform(RandomKey key, double low, double high, Tensor& out) {
  Widened widened(*this);
  Tensor& result = widened.out(out);
  visit_floating(result.dtype(), "random_uniform", [&]<class T>(std::type_identity<T>) {
    fill_parts<T>(result, [&](T* to, std::size_t count, std::uint64_t first) {
      philox::fill_uniform(to, count, stream_of(key), first, static_cast<T>(low), static_cast<T>(high));
    });
  });
  widened.finish();
}

void ReferenceKernels::random_normal(RandomKey key, double mean, double deviation, Tensor& out) {
  Widened widened(*this);
  Tensor& result = widened.out(out);
  visit_floating(result.dtype(), "random_normal", [&]<class T>(std::type_identity<T>) {
    fill_parts<T>(result, [&](T* to, std::size_t count, std::uint64_t first) {
      philox::fill_normal(to, count, stream_of(key), first, static_cast<T>(mean), static_cast<T>(deviation));
    });
  });
  widened.finish();
}

void ReferenceKernels::random_truncated_normal(RandomKey key, double mean, double deviation, Tensor& out) {
  Widened widened(*this);
  Tensor& result = widened.out(out);
  visit_floating(result.dtype(), "random_truncated_normal", [&]<class T>(std::type_identity<T>) {
    fill_parts<T>(result, [&](T* to, std::size_t count, std::uint64_t first) {
      philox::fill_truncated_normal(to, count, stream_of(key), first, static_cast<T>(mean), static_cast<T>(deviation));
    });
  });
  widened.finish();
}

void ReferenceKernels::random_integers(RandomKey key, std::int64_t low, std::int64_t high, Tensor& out) {
  Tensor result = out.dtype() == DType::int64 ? out : Tensor::empty(out.shape(), DType::int64, out.device());
  fill_parts<std::int64_t>(result, [&](std::int64_t* to, std::size_t count, std::uint64_t first) {
    philox::fill_integers(to, count, stream_of(key), first, low, high);
  });
  if (!result.is(out)) cast(result, out);
}

void ReferenceKernels::dropout(RandomKey key, double rate, const Tensor& x, Tensor& out) {
  Widened widened(*this);
  const Tensor wide = widened.in(x);
  Tensor& result = widened.out(out);
  visit_floating(wide.dtype(), "dropout", [&]<class T>(std::type_identity<T>) {
    const T* from = wide.data<T>();
    const T scale = static_cast<T>(1 / (1 - rate));
    // The uniform number of an element is the upper 24 bits of its word.
    const auto limit = static_cast<std::uint32_t>(std::ceil(rate * 0x1p24));
    fill_parts<T>(result, [&](T* to, std::size_t count, std::uint64_t first) {
      std::array<std::uint32_t, 1024> words;
      for (std::size_t done = 0; done < count; done += words.size()) {
        const std::size_t n = std::min(count - done, words.size());
        philox::fill_uniform_bits(words.data(), n, stream_of(key), first + done);
        for (std::size_t i = 0; i < n; ++i) {
          to[done + i] = words[i] >> 8 >= limit ? from[first + done + i] * scale : T(0);
        }
      }
    });
  });
  widened.finish();
}

}  // namespace nyala::backend
