#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <nyala/error.hpp>
#include <nyala/metric.hpp>
#include <nyala/metrics/confusion.hpp>
#include <nyala/tensor.hpp>

namespace nyala::metrics {

inline std::string named(const std::string& given, const char* otherwise) { return given.empty() ? otherwise : given; }
MetricOptions metric_options(const Config& config);

/// What a metric has gathered; sums that were never begun are left out.
SavedState gathered(std::initializer_list<std::pair<const char*, Tensor>> sums, Config values = Config::object());
/// Such a sum, where metrics are computed; null if it was never begun.
Tensor sum_of(const SavedState& state, const std::string& name);

/// Targets and predictions of one shape; a trailing axis of size 1 that only one of them has is dropped or added.
/// Throws Error naming both shapes if they do not fit.
struct Aligned {
  Aligned(const Tensor& y_true, const Tensor& y_pred, const char* metric);
  Tensor truth, predicted;
};

/// Throws Error naming both shapes unless they are equal.
void require_same_shape(const Tensor& y_true, const Tensor& y_pred, const char* metric);
/// Class numbers of the shape of y_pred without its last axis. Throws Error naming both shapes otherwise.
Tensor class_labels(const Tensor& y_true, const Tensor& y_pred, const char* metric);

void require_positive(int value, const char* owner, const char* option);
/// Throws Error unless 0 <= value <= 1.
void require_share(double value, const char* owner, const char* option);
/// The thresholds that the user gave, each a share; `otherwise` where none was.
std::vector<double> checked_thresholds(const Thresholds& thresholds, double otherwise, const char* owner);

}  // namespace nyala::metrics
