#include <algorithm>

#include "backend/common/blend.hpp"
#include "backend/common/image_sampling.hpp"
#include "backend/cpu/reference/nn_support.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"
#include "core/parallel.hpp"

namespace nyala::backend {
namespace {

/// Calls fn(large cell, small cell, weight) for the four sources of every cell of `out`.
template <class F>
void for_sources(const Shape& in, const Shape& out, F&& fn) {
  const std::int64_t channels = in[3];
  for (std::int64_t sample = 0; sample < out[0]; ++sample) {
    for (std::int64_t row = 0; row < out[1]; ++row) {
      const Blend down(row, in[1], out[1]);
      for (std::int64_t column = 0; column < out[2]; ++column) {
        const Blend right(column, in[2], out[2]);
        const std::int64_t target = ((sample * out[1] + row) * out[2] + column) * channels;
        const auto source = [&](std::int64_t y, std::int64_t x) {
          return ((sample * in[1] + y) * in[2] + x) * channels;
        };
        fn(target, source(down.first, right.first), (1.0 - down.weight) * (1.0 - right.weight));
        fn(target, source(down.first, right.second), (1.0 - down.weight) * right.weight);
        fn(target, source(down.second, right.first), down.weight * (1.0 - right.weight));
        fn(target, source(down.second, right.second), down.weight * right.weight);
      }
    }
  }
}

}  // namespace

void ReferenceKernels::resize_bilinear(const Tensor& x, Tensor& out) {
  if (is_half(x.dtype())) {
    Widened wide(*this);
    resize_bilinear(wide.in(x), wide.out(out));
    return wide.finish();
  }
  const bool done = for_float(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t channels = x.shape()[3];
    std::fill_n(elements_of<T>(out), out.size(), T(0));
    for_sources(x.shape(), out.shape(), [&](std::int64_t target, std::int64_t source, double weight) {
      if (weight == 0.0) return;
      const T* from = elements_of<T>(x) + source;
      T* to = elements_of<T>(out) + target;
      for (std::int64_t c = 0; c < channels; ++c) to[c] += static_cast<T>(weight) * from[c];
    });
  });
  if (!done) missing("resize_bilinear", x);
}

void ReferenceKernels::resize_bilinear_backward(const Tensor& gradient, Tensor& dx) {
  if (is_half(dx.dtype())) {
    Widened wide(*this);
    resize_bilinear_backward(wide.in(gradient), wide.out(dx));
    return wide.finish();
  }
  const bool done = for_float(dx.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t channels = dx.shape()[3];
    std::fill_n(elements_of<T>(dx), dx.size(), T(0));
    for_sources(dx.shape(), gradient.shape(), [&](std::int64_t target, std::int64_t source, double weight) {
      const T* from = elements_of<T>(gradient) + target;
      T* to = elements_of<T>(dx) + source;
      for (std::int64_t c = 0; c < channels; ++c) to[c] += static_cast<T>(weight) * from[c];
    });
  });
  if (!done) missing("resize_bilinear_backward", dx);
}

void ReferenceKernels::sample_image(const Tensor& images, const Tensor& rows, const Tensor& columns,
                                    const ImageSampling& sampling, Tensor& out) {
  Widened wide(*this);
  const Tensor from = wide.in(images);
  Tensor& to = wide.out(out);
  const bool done =
      with_sampled_places(from, rows, columns, sampling, [&]<class T, class C>(SampledPlaces<T, C> places) {
        const SampleImage<T, C> sample{places, elements_of<T>(from), elements_of<T>(to)};
        detail::parallel_for(0, rows.size(), 2048, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t place = begin; place < end; ++place) sample.read(place);
        });
      });
  if (!done) missing("sample_image", images);
  wide.finish();
}

void ReferenceKernels::sample_image_backward(const Tensor& gradient, const Tensor& rows, const Tensor& columns,
                                             const ImageSampling& sampling, Tensor& dimages) {
  Widened wide(*this);
  const Tensor incoming = wide.in(gradient);
  Tensor& to = wide.out(dimages);
  const bool done = with_sampled_places(to, rows, columns, sampling, [&]<class T, class C>(SampledPlaces<T, C> places) {
    const std::int64_t channels = places.channels;
    const T* const from = elements_of<T>(incoming);
    std::fill_n(elements_of<T>(to), to.size(), T(0));
    detail::parallel_for(0, dimages.shape()[0], 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t place = begin * places.places; place < end * places.places; ++place) {
        const auto start = places.start(place);
        T* const image = elements_of<T>(to) + places.image_of(place);
        for (int corner = 0; corner < places.corners(); ++corner) {
          const std::int64_t cell = places.cell(start, corner);
          if (cell < 0) continue;
          const T weight = places.corner_weight(start, corner);
          for (std::int64_t c = 0; c < channels; ++c) image[cell * channels + c] += weight * from[place * channels + c];
        }
      }
    });
  });
  if (!done) missing("sample_image_backward", gradient);
  wide.finish();
}

}  // namespace nyala::backend
