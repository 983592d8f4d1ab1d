#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <nyala/tensor.hpp>

namespace nyala {

class Model;

/// Writes an event file that TensorBoard reads: TFRecords of Event messages, by their public wire format.
/// https://www.tensorflow.org/api_docs/python/tf/summary
class SummaryWriter {
 public:
  /// Makes the folder and a new file events.out.tfevents.… in it. Throws Error if that fails.
  explicit SummaryWriter(const std::string& log_dir);
  ~SummaryWriter();
  SummaryWriter(const SummaryWriter&) = delete;
  SummaryWriter& operator=(const SummaryWriter&) = delete;

  void scalar(const std::string& tag, double value, std::int64_t step);
  /// How the finite values of a numeric tensor are spread, in `buckets` parts of equal width.
  void histogram(const std::string& tag, const Tensor& values, std::int64_t step, int buckets = 30);
  /// Images (n, height, width, channels) of 1, 3 or 4 channels: uint8, or floats from 0 to 1. The first max_outputs.
  void image(const std::string& tag, const Tensor& images, std::int64_t step, int max_outputs = 3);
  void text(const std::string& tag, const std::string& text, std::int64_t step);
  /// The model's layers and what flows between them, for the page "Graphs".
  void graph(const Model& model);
  /// Tells TensorBoard to forget what an earlier run logged here at this step or later, since it is logged again.
  void restart(std::int64_t step);
  /// All that was written is in the file afterwards; Error if it could not be written.
  void flush();

  const std::string& path() const;

 private:
  struct File;
  std::shared_ptr<File> file_;
};

}  // namespace nyala
