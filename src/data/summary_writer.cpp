#include <nyala/summary_writer.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include <nyala/error.hpp>
#include <nyala/ops/math.hpp>

#include "data/event_writer.hpp"
#include "data/graph_def.hpp"
#include "data/png.hpp"

namespace nyala {

using detail::ProtoMessage;

struct SummaryWriter::File {
  detail::EventWriter events;
};

namespace {

constexpr int type_float = 1, type_double = 2, type_string = 7;
enum DataClass { data_scalar = 1, data_tensor = 2, data_blobs = 3 };

ProtoMessage shape_message(const std::vector<std::int64_t>& sizes) {
  ProtoMessage shape;
  for (const std::int64_t size : sizes) shape.message(2, ProtoMessage().integer(1, size));
  return shape;
}

ProtoMessage tensor_of(int type, const std::vector<std::int64_t>& sizes) {
  return ProtoMessage().integer(1, type).message(2, shape_message(sizes));
}

std::string bytes_of(const void* data, std::size_t size) { return {static_cast<const char*>(data), size}; }

/// A Summary of one value, which the plugin of TensorBoard shows.
std::string summary(const std::string& tag, const std::string& plugin, DataClass data_class,
                    const ProtoMessage& tensor) {
  ProtoMessage metadata;
  metadata.message(1, ProtoMessage().bytes(1, plugin)).integer(4, data_class);
  return ProtoMessage().message(1, ProtoMessage().bytes(1, tag).message(8, tensor).message(9, metadata)).str();
}

/// left edge, right edge, count
std::vector<double> spread(const std::vector<double>& values, int buckets) {
  const auto count = static_cast<std::size_t>(buckets);
  std::vector<double> table(count * 3, 0.0);
  if (values.empty()) return table;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double from = *low, width = (*high - from) / buckets;
  for (std::size_t i = 0; i < count; ++i) {
    table[3 * i] = from + width * static_cast<double>(i);
    table[3 * i + 1] = i + 1 == count ? *high : from + width * static_cast<double>(i + 1);
  }
  for (const double value : values) {
    const std::size_t bucket = width > 0.0 ? static_cast<std::size_t>((value - from) / width) : count - 1;
    table[3 * std::min(bucket, count - 1) + 2] += 1.0;
  }
  return table;
}

}  // namespace

SummaryWriter::SummaryWriter(const std::string& log_dir) : file_(new File{detail::EventWriter(log_dir)}) {}
SummaryWriter::~SummaryWriter() = default;

void SummaryWriter::scalar(const std::string& tag, double value, std::int64_t step) {
  const auto single = static_cast<float>(value);
  const ProtoMessage tensor = tensor_of(type_float, {}).bytes(4, bytes_of(&single, sizeof single));
  file_->events.add(detail::event_summary, summary(tag, "scalars", data_scalar, tensor), step);
}

void SummaryWriter::histogram(const std::string& tag, const Tensor& values, std::int64_t step, int buckets) {
  if (buckets < 1) {
    throw Error("SummaryWriter::histogram: buckets must be at least 1, got " + std::to_string(buckets));
  }
  std::vector<double> finite = values.to_vector<double>();
  std::erase_if(finite, [](double value) { return !std::isfinite(value); });
  const std::vector<double> table = spread(finite, buckets);
  const ProtoMessage tensor =
      tensor_of(type_double, {buckets, 3}).bytes(4, bytes_of(table.data(), table.size() * sizeof(double)));
  file_->events.add(detail::event_summary, summary(tag, "histograms", data_tensor, tensor), step);
}

void SummaryWriter::image(const std::string& tag, const Tensor& images, std::int64_t step, int max_outputs) {
  const Shape& shape = images.shape();
  const bool fits = shape.rank() == 4 && (shape[3] == 1 || shape[3] == 3 || shape[3] == 4);
  if (!fits) {
    throw Error("SummaryWriter::image: takes (n, height, width, 1, 3 or 4 channels), got the shape " + shape.str());
  }
  const double scale = images.dtype() == DType::uint8 ? 1.0 : 255.0;
  const std::int64_t count = std::min<std::int64_t>(shape[0], max_outputs);
  ProtoMessage tensor = tensor_of(type_string, {count + 2});
  tensor.bytes(8, std::to_string(shape[2])).bytes(8, std::to_string(shape[1]));
  for (std::int64_t i = 0; i < count; ++i) {
    std::vector<std::uint8_t> pixels;
    for (const double value : images.rows(i, i + 1).to_vector<double>()) {
      const double level = std::isnan(value) ? 0.0 : std::clamp(value * scale, 0.0, 255.0);
      pixels.push_back(static_cast<std::uint8_t>(level));
    }
    tensor.bytes(8, detail::png(pixels, static_cast<std::size_t>(shape[2]), static_cast<std::size_t>(shape[1]),
                                static_cast<std::size_t>(shape[3])));
  }
  file_->events.add(detail::event_summary, summary(tag, "images", data_blobs, tensor), step);
}

void SummaryWriter::text(const std::string& tag, const std::string& text, std::int64_t step) {
  const ProtoMessage tensor = tensor_of(type_string, {}).bytes(8, text);
  file_->events.add(detail::event_summary, summary(tag, "text", data_tensor, tensor), step);
}

void SummaryWriter::graph(const Model& model) { file_->events.add(detail::event_graph, detail::graph_def(model), 0); }

void SummaryWriter::restart(std::int64_t step) {
  constexpr int status_start = 1;
  file_->events.add(detail::event_session, ProtoMessage().integer(1, status_start).str(), step);
}

void SummaryWriter::flush() { file_->events.flush(); }
const std::string& SummaryWriter::path() const { return file_->events.path(); }

}  // namespace nyala
