#pragma once

#include <optional>
#include <string>

#include <nyala/error.hpp>
#include <nyala/loss.hpp>
#include <nyala/tensor.hpp>

namespace nyala::losses {

/// Targets and predictions brought to one dtype and shape. Throws Error naming both shapes if they do not fit.
struct Pair {
  Pair(const Tensor& y_true, const Tensor& y_pred, const char* loss);
  Tensor truth, predicted;
};

/// Class numbers as int32, one per entry of y_pred's axes but the last; a trailing axis of size 1 is dropped.
Tensor class_numbers(const Tensor& y_true, const Tensor& y_pred, const char* loss);
/// One-hot labels mixed with a share `smoothing` of the uniform distribution.
Tensor smoothed(const Tensor& y_true, double smoothing);

/// Throws Error for a single class: such a loss would always be 0.
void require_classes(const Tensor& y_pred, int axis, const char* loss);
void require_smoothing(double smoothing, const char* owner);
void require_not_negative(double value, const char* owner, const char* option);

/// The entries that every loss has; what a config lacks stays as it is.
void read_common(const Config& config, std::optional<std::string>& reduction, std::string& name);
LossOptions loss_options(const Config& config);
Config axis_config(const Axes& axis);
Axes axis_from(const Config& config);

}  // namespace nyala::losses
