#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nyala/dataset.hpp>
#include <nyala/dtype.hpp>

/// From raw data to what models take. https://keras.io/api/utils/
namespace nyala::utils {

/// Class numbers 0 … num_classes - 1 as float32 rows with a single 1: (…, num_classes); a last axis of 1 is dropped
/// first. Without num_classes: the largest number + 1. Throws Error for a number out of range, or for values that are
/// not whole.
Tensor to_categorical(const Tensor& x, std::optional<int> num_classes = {});

/// x divided by its norm of that order along the axis; what has norm 0 stays 0.
Tensor normalize(const Tensor& x, int axis = -1, double order = 2.0);

struct PadSequencesOptions {
  std::optional<std::int64_t> maxlen = {};  // left out: the longest sequence
  DType dtype = DType::int32;
  std::string padding = "pre";     // or "post": where the value is put
  std::string truncating = "pre";  // or "post": which end is cut off
  double value = 0.0;
};

/// Sequences of tensors (length, …) that agree but for their length, as one (sequences, maxlen, …).
/// https://keras.io/api/data_loading/timeseries/#pad_sequences-function
Tensor pad_sequences(const std::vector<Tensor>& sequences, const PadSequencesOptions& options = {});
Tensor pad_sequences(const std::vector<std::vector<int>>& sequences, const PadSequencesOptions& options = {});
Tensor pad_sequences(const std::vector<std::vector<float>>& sequences, const PadSequencesOptions& options = {});

struct TimeseriesOptions {
  std::int64_t sequence_stride = 1;     // steps between the begins of two windows
  std::int64_t sampling_rate = 1;       // steps between two entries of a window
  std::optional<int> batch_size = 128;  // std::nullopt: no batches
  bool shuffle = false;
  std::optional<std::uint64_t> seed = {};
  std::optional<std::int64_t> start_index = {}, end_index = {};  // of the data that is used; the end is not part of it
};

/// Windows of data (time, …) as elements (sequence_length, …); the target of a window is targets[its begin]; null
/// targets: windows only. https://keras.io/api/data_loading/timeseries/#timeseries_dataset_from_array-function
Dataset timeseries_dataset_from_array(const Tensor& data, const Tensor& targets, std::int64_t sequence_length,
                                      const TimeseriesOptions& options = {});

/// The first part and the rest, or, with right_size, the last part. A size below 1 is a share, else a number of
/// elements; with `shuffle` one order is drawn for both. Throws Error if the number of elements is not known.
/// https://keras.io/api/utils/python_utils/#split_dataset-function
std::pair<Dataset, Dataset> split_dataset(const Dataset& data, double left_size, std::optional<double> right_size = {},
                                          bool shuffle = false, std::optional<std::uint64_t> seed = {});

}  // namespace nyala::utils
