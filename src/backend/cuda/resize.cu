#include "backend/common/blend.hpp"
#include "backend/common/dispatch.hpp"
#include "backend/common/image_sampling.hpp"
#include "backend/common/widened.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/sorted_sum.hpp"
#include "device/launch.hpp"

namespace nyala::backend::cuda {
namespace {

struct Pictures {
  std::int64_t in_rows, in_columns, out_rows, out_columns, channels;

  Pictures(const Shape& in, const Shape& out)
      : in_rows(in[1]), in_columns(in[2]), out_rows(out[1]), out_columns(out[2]), channels(in[3]) {}
};

template <class T>
struct Resize {
  Pictures p;
  const T* x;
  T* out;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t channel = i % p.channels, cell = i / p.channels;
    const std::int64_t column = cell % p.out_columns, row = cell / p.out_columns % p.out_rows;
    const T* in = x + cell / (p.out_columns * p.out_rows) * p.in_rows * p.in_columns * p.channels + channel;
    const Blend down(row, p.in_rows, p.out_rows), right(column, p.in_columns, p.out_columns);
    T sum(0);
    add(sum, in, down.first, right.first, (1.0 - down.weight) * (1.0 - right.weight));
    add(sum, in, down.first, right.second, (1.0 - down.weight) * right.weight);
    add(sum, in, down.second, right.first, down.weight * (1.0 - right.weight));
    add(sum, in, down.second, right.second, down.weight * right.weight);
    out[i] = sum;
  }
  constexpr void add(T& sum, const T* in, std::int64_t row, std::int64_t column, double weight) const {
    if (weight != 0.0) sum += static_cast<T>(weight) * in[(row * p.in_columns + column) * p.channels];
  }
};

/// The first output place whose sources can reach input place `place` is near (place - 1) · out / in.
constexpr std::int64_t first_reach(std::int64_t place, std::int64_t in, std::int64_t out) {
  const double edge = (static_cast<double>(place) - 0.5) * static_cast<double>(out) / static_cast<double>(in) - 2.0;
  return edge < 0.0 || place == 0 ? 0 : static_cast<std::int64_t>(edge);
}
constexpr std::int64_t last_reach(std::int64_t place, std::int64_t in, std::int64_t out) {
  const double edge = (static_cast<double>(place) + 1.5) * static_cast<double>(out) / static_cast<double>(in) + 2.0;
  return edge > static_cast<double>(out - 1) || place == in - 1 ? out - 1 : static_cast<std::int64_t>(edge);
}

/// What an output place gives to input place `place` along one axis.
constexpr double share(const Blend& blend, std::int64_t place) {
  return (blend.first == place ? 1.0 - blend.weight : 0.0) + (blend.second == place ? blend.weight : 0.0);
}

/// One cell of the input's gradient gathers from all outputs that it takes part in, in their order.
template <class T>
struct ResizeBackward {
  Pictures p;
  const T* gradient;
  T* dx;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t channel = i % p.channels, cell = i / p.channels;
    const std::int64_t column = cell % p.in_columns, row = cell / p.in_columns % p.in_rows;
    const std::int64_t first = cell / (p.in_columns * p.in_rows) * p.out_rows * p.out_columns;
    T sum(0);
    for (std::int64_t y = first_reach(row, p.in_rows, p.out_rows); y <= last_reach(row, p.in_rows, p.out_rows); ++y) {
      const double down = share(Blend(y, p.in_rows, p.out_rows), row);
      if (down == 0.0) continue;
      const std::int64_t until = last_reach(column, p.in_columns, p.out_columns);
      for (std::int64_t z = first_reach(column, p.in_columns, p.out_columns); z <= until; ++z) {
        const double right = share(Blend(z, p.in_columns, p.out_columns), column);
        if (right != 0.0)
          sum += static_cast<T>(down * right) * gradient[(first + y * p.out_columns + z) * p.channels + channel];
      }
    }
    dx[i] = sum;
  }
};

/// What each corner of each place gives to its cell; outside, nothing to any.
template <class T, class C>
struct CornerTerms {
  SampledPlaces<T, C> places;
  const T* gradient;
  T* terms;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t channel = i % places.channels, part = i / places.channels, place = part / places.corners();
    const int corner = static_cast<int>(part % places.corners());
    const auto start = places.start(place);
    terms[i] = places.cell(start, corner) < 0
                   ? T(0)
                   : places.corner_weight(start, corner) * gradient[place * places.channels + channel];
  }
};

template <class T, class C>
struct CornerKey {
  SampledPlaces<T, C> places;
  constexpr std::uint64_t operator()(std::int64_t part) const {
    const std::int64_t place = part / places.corners();
    const std::int64_t cell = places.cell(places.start(place), static_cast<int>(part % places.corners()));
    return static_cast<std::uint64_t>(places.image_of(place) / places.channels + (cell < 0 ? 0 : cell));
  }
};

}  // namespace

void CudaKernels::resize_bilinear(const Tensor& x, Tensor& out) {
  Widened wide(*this);
  const Tensor in = wide.in(x);
  Tensor& to = wide.out(out);
  visit_floating(in.dtype(), "resize_bilinear", [&](auto type) {
    using T = typename decltype(type)::type;
    launch(context_.stream(), to.size(), Resize<T>{Pictures(x.shape(), out.shape()), elements<T>(in), elements<T>(to)});
  });
  wide.finish();
}

void CudaKernels::resize_bilinear_backward(const Tensor& gradient, Tensor& dx) {
  Widened wide(*this);
  const Tensor incoming = wide.in(gradient);
  Tensor& to = wide.out(dx);
  visit_floating(to.dtype(), "resize_bilinear_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    launch(context_.stream(), to.size(),
           ResizeBackward<T>{Pictures(dx.shape(), gradient.shape()), elements<T>(incoming), elements<T>(to)});
  });
  wide.finish();
}

void CudaKernels::sample_image(const Tensor& images, const Tensor& rows, const Tensor& columns,
                               const ImageSampling& sampling, Tensor& out) {
  Widened wide(*this);
  const Tensor from = wide.in(images);
  Tensor& to = wide.out(out);
  const bool done = with_sampled_places(from, rows, columns, sampling, [&]<class T, class C>(SampledPlaces<T, C> at) {
    launch(context_.stream(), to.size(), SampleImage<T, C>{at, elements<T>(from), elements<T>(to)});
  });
  if (!done) missing("sample_image", images);
  wide.finish();
}

void CudaKernels::sample_image_backward(const Tensor& gradient, const Tensor& rows, const Tensor& columns,
                                        const ImageSampling& sampling, Tensor& dimages) {
  Widened wide(*this);
  const Tensor incoming = wide.in(gradient);
  Tensor& to = wide.out(dimages);
  fill(to, 0.0);
  const bool done = with_sampled_places(to, rows, columns, sampling, [&]<class T, class C>(SampledPlaces<T, C> at) {
    const std::int64_t parts = rows.size() * at.corners(), cells = to.size() / at.channels;
    Tensor terms = Tensor::empty({parts, at.channels}, to.dtype(), to.device());
    launch(context_.stream(), terms.size(), CornerTerms<T, C>{at, elements<T>(incoming), elements<T>(terms)});
    const SortedKeys sorted(context_, parts, cells, CornerKey<T, C>{at});
    join_sorted(context_, Join::sum, sorted, {1, at.channels, cells}, terms, to);
  });
  if (!done) missing("sample_image_backward", gradient);
  wide.finish();
}

}  // namespace nyala::backend::cuda
