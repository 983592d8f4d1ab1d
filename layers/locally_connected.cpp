#include <algorithm>
#include <tuple>

#include <nyala/error.hpp>
#include <nyala/layers/locally_connected.hpp>
#include <nyala/ops.hpp>

#include "spatial.hpp"
#include "weight_options.hpp"

namespace nyala {

namespace {

constexpr std::int64_t most_weights = std::int64_t{1} << 30;

template <std::size_t N>
std::string locally_connected_name() {
  return "LocallyConnected" + std::to_string(N) + "D";
}

/// Counts through all places of a box, the last axis fastest.
template <class Visit>
void each_place(const std::vector<std::int64_t>& low, const std::vector<std::int64_t>& high, const Visit& visit) {
  std::vector<std::int64_t> place = low;
  for (std::size_t i = 0; i < low.size(); ++i) {
    if (low[i] >= high[i]) return;
  }
  while (true) {
    visit(place);
    std::size_t axis = place.size();
    while (axis > 0 && ++place[axis - 1] == high[axis - 1]) {
      place[axis - 1] = low[axis - 1];
      --axis;
    }
    if (axis == 0) return;
  }
}

/// Sizes of a tensor without its batch, taken apart into places and channels.
struct Grid {
  std::vector<std::int64_t> sizes;
  std::int64_t channels = 0;
  bool channels_first = false;

  Grid(const Shape& shape, const std::string& data_format) : channels_first(data_format == "channels_first") {
    const std::size_t axis = spatial::channel_axis(data_format, shape.size());
    for (std::size_t i = 1; i < shape.size(); ++i) {
      if (i != axis) sizes.push_back(shape[i]);
    }
    channels = shape[axis];
  }
  std::int64_t places() const {
    std::int64_t product = 1;
    for (const std::int64_t size : sizes) product *= size;
    return product;
  }
  std::int64_t at(const std::vector<std::int64_t>& place, std::int64_t channel) const {
    std::int64_t index = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) index = index * sizes[i] + place[i];
    return channels_first ? channel * places() + index : index * channels + channel;
  }
  std::int64_t size() const { return places() * channels; }
};

/// What an output place's window covers along an axis.
template <std::size_t N>
std::pair<std::int64_t, std::int64_t> reach(const Dims<N>& kernel, const LocallyConnectedOptions<N>& options,
                                            std::size_t axis, std::int64_t size, std::int64_t place) {
  const std::int64_t before = kernel[axis] / 2;
  const std::int64_t middle = place * options.strides[axis] + (options.padding == "valid" ? before : 0);
  return {std::max<std::int64_t>(0, middle - before), std::min(size, middle + kernel[axis] - before)};
}

/// How many weights connect an input to an output. Throws Error, beginning with `owner`, if there are too many.
template <std::size_t N>
std::int64_t count_connections(const Grid& from, const Grid& to, const Dims<N>& kernel,
                               const LocallyConnectedOptions<N>& options, const std::string& owner) {
  std::int64_t count = 1;
  const auto times = [&](std::int64_t factor) {
    if (factor > most_weights || count * factor > most_weights)
      throw Error(owner + ": inputs of that size would need more weights than can be counted");
    count *= factor;
  };
  times(to.channels);
  times(from.channels);
  for (std::size_t i = 0; i < N; ++i) {
    if (to.sizes[i] > most_weights) times(to.sizes[i]);
    std::int64_t along = 0;
    for (std::int64_t place = 0; place < to.sizes[i]; ++place) {
      const auto [begin, end] = reach(kernel, options, i, from.sizes[i], place);
      along += std::max<std::int64_t>(0, end - begin);
    }
    times(along);
  }
  return count;
}

}  // namespace

template <std::size_t N>
LocallyConnected<N>::LocallyConnected(int filters, Dims<N> kernel_size, LocallyConnectedOptions<N> options)
    : LayerOf<LocallyConnected<N>>(options),
      filters_(filters),
      kernel_size_(kernel_size),
      options_(options),
      activation_(options.activation, locally_connected_name<N>()) {
  this->track(activation_);
  const std::string name = locally_connected_name<N>();
  if (filters < 1) throw Error(name + ": filters must be positive, got " + std::to_string(filters));
  spatial::require_positive(kernel_size.vector(), name + ": kernel_size");
  spatial::require_positive(options.strides.vector(), name + ": strides");
  if (options.implementation < 1 || options.implementation > 3)
    throw Error(name + ": implementation must be 1, 2 or 3, got " + std::to_string(options.implementation));
  options_.padding = spatial::padding(options.padding, false, name);
  options_.data_format = spatial::data_format(options.data_format, name);
  if (options_.padding != "valid" && options.implementation == 1)
    throw Error(name + ": implementation 1 has padding \"valid\" alone, got \"" + options_.padding + "\"");
  this->set_input_spec({{.rank = static_cast<int>(N) + 2}});
}

template <std::size_t N>
LocallyConnected<N> LocallyConnected<N>::from_config(const Config& config) {
  return LocallyConnected(
      Config(config.at("filters")).as_int(), spatial::dims<N>(config.at("kernel_size"), 1),
      weight_options::from_config(LocallyConnectedOptions<N>{.strides = spatial::dims<N>(config.get("strides"), 1),
                                                             .padding = config.get("padding", "valid"),
                                                             .data_format = config.get("data_format", ""),
                                                             .implementation = config.get("implementation", 1)},
                                  config));
}

template <std::size_t N>
void LocallyConnected<N>::find_connections(const Shape& input, const Shape& output) {
  const Grid from(input, options_.data_format), to(output, options_.data_format);
  const std::int64_t channels = from.channels, filters = filters_;
  const std::vector<std::int64_t> none(N, 0);
  const auto window_of = [&](const std::vector<std::int64_t>& place) {
    std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>> window{none, none};
    for (std::size_t i = 0; i < N; ++i)
      std::tie(window.first[i], window.second[i]) = reach(kernel_size_, options_, i, from.sizes[i], place[i]);
    return window;
  };
  if (options_.implementation == 1) {
    std::vector<std::int64_t> places;
    each_place(none, to.sizes, [&](const auto& place) {
      const auto window = window_of(place);
      for (std::int64_t outer = 0; outer < (from.channels_first ? channels : 1); ++outer) {
        each_place(window.first, window.second, [&](const auto& inside) {
          for (std::int64_t inner = 0; inner < (from.channels_first ? 1 : channels); ++inner)
            places.push_back(from.at(inside, outer + inner));
        });
      }
    });
    connections_ = tensor(places, Shape{to.places(), static_cast<std::int64_t>(places.size()) / to.places()});
    return;
  }
  std::vector<std::int64_t> all;
  std::vector<float> reached;
  if (options_.implementation == 2) reached.assign(static_cast<std::size_t>(from.size() * to.size()), 0.0F);
  each_place(none, to.sizes, [&](const auto& place) {
    const auto window = window_of(place);
    for (std::int64_t filter = 0; filter < filters; ++filter) {
      for (std::int64_t channel = 0; channel < channels; ++channel) {
        each_place(window.first, window.second, [&](const auto& inside) {
          const std::int64_t source = from.at(inside, channel), target = to.at(place, filter);
          if (options_.implementation == 2)
            reached[static_cast<std::size_t>(source * to.size() + target)] = 1.0F;
          else
            all.push_back(target * from.size() + source);
        });
      }
    }
  });
  if (options_.implementation == 2) {
    connections_ = tensor(reached, Shape{from.size(), to.size()});
    return;
  }
  std::sort(all.begin(), all.end());
  connections_ = tensor(all, Shape{static_cast<std::int64_t>(all.size()), 1});
}

template <std::size_t N>
void LocallyConnected<N>::build(const Shape& input) {
  const auto [axis, channels] = spatial::known_channels(input, options_.data_format, this->label());
  const Shape output = compute_output_shape(input);
  for (std::size_t i = 1; i < input.size(); ++i) {
    if (input[i] == None) throw Error(this->label() + ": all sizes but the batch's must be known, got " + input.str());
  }
  const Grid to(output, options_.data_format);
  if (to.places() < 1) throw Error(this->label() + ": no window fits into inputs of " + input.str());
  connection_count_ = count_connections(Grid(input, options_.data_format), to, kernel_size_, options_, this->label());
  Shape shape;
  if (options_.implementation == 1) {
    shape = {to.places(), connection_count_ / to.places() / filters_, filters_};
  } else if (options_.implementation == 2) {
    for (std::size_t i = 1; i < input.size(); ++i) shape.push_back(input[i]);
    for (std::size_t i = 1; i < output.size(); ++i) shape.push_back(output[i]);
  } else {
    shape = {connection_count_};
  }
  kernel_ = this->add_weight("kernel", shape, options_.kernel_initializer,
                             {.regularizer = options_.kernel_regularizer, .constraint = options_.kernel_constraint});
  if (options_.use_bias) {
    Shape places(to.sizes.begin(), to.sizes.end());
    places.push_back(filters_);
    bias_ = this->add_weight("bias", places, options_.bias_initializer,
                             {.regularizer = options_.bias_regularizer, .constraint = options_.bias_constraint});
  }
  find_connections(input, output);  // as many as weights, for which there has been room
  this->set_input_spec({{.rank = static_cast<int>(N) + 2, .axes = {{static_cast<int>(axis), channels}}}});
}

template <std::size_t N>
Tensor LocallyConnected<N>::forward(const Tensor& x, bool) {
  Shape output = compute_output_shape(x.shape());
  const Grid from(x.shape(), options_.data_format), to(output, options_.data_format);
  const std::int64_t batch = x.shape()[0];
  const Tensor flat = reshape(x, {batch, from.size()}), kernel = kernel_;
  Tensor y;
  if (options_.implementation == 1) {
    const Tensor windows = take(flat, connections_.to(x.device()), 1);
    y = einsum("bpf,pfo->bpo", {windows, kernel});
    if (to.channels_first) y = transpose(y, {0, 2, 1});
  } else if (options_.implementation == 2) {
    y = matmul(flat, reshape(kernel, {from.size(), to.size()}) * cast(connections_.to(x.device()), kernel.dtype()));
  } else {
    const Tensor weights = scatter(connections_.to(x.device()), kernel, {to.size() * from.size()});
    y = matmul(flat, transpose(reshape(weights, {to.size(), from.size()}), {1, 0}));
  }
  y = reshape(y, output);
  if (options_.use_bias) {
    Shape places = output;
    places[0] = 1;
    y = y + reshape(Tensor(bias_), places);  // Keras too reads (places, filters) as (filters, places) there
  }
  return activation_(y);
}

template <std::size_t N>
Shape LocallyConnected<N>::compute_output_shape(const Shape& input) const {
  Shape output = spatial::window_shape(input, kernel_size_, options_, this->label());
  std::int64_t& channels = output[spatial::channel_axis(options_.data_format, input.size())];
  channels = filters_;
  return output;
}

template <std::size_t N>
std::string LocallyConnected<N>::class_name() const {
  return locally_connected_name<N>();
}

template <std::size_t N>
Config LocallyConnected<N>::config() const {
  Config config = this->base_config();
  config["filters"] = filters_;
  config["kernel_size"] = kernel_size_.vector();
  config["strides"] = options_.strides.vector();
  config["padding"] = options_.padding;
  config["data_format"] = options_.data_format;
  config["activation"] = activation_.config();
  config["use_bias"] = options_.use_bias;
  weight_options::write(config, options_);
  config["implementation"] = options_.implementation;
  return config;
}

template class LocallyConnected<1>;
template class LocallyConnected<2>;

}  // namespace nyala
