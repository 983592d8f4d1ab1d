#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nyala/metric.hpp>

namespace nyala::metrics {

struct IoUOptions {
  /// Pixels of this class do not count.
  std::optional<int> ignore_class = {};
  /// Whether class numbers are given, or scores along `axis`.
  bool sparse_y_true = true, sparse_y_pred = true;
  int axis = -1;
  /// Of the counts. With a dtype of whole numbers, sample weights lose what follows the point.
  DType dtype = DType::int32;
  std::string name = {};
};
/// Intersection over union, averaged over the target classes that occur. Copies share the counts.
/// https://keras.io/api/metrics/segmentation_metrics/
class IoU : public Metric {
 public:
  IoU(int num_classes, std::vector<int> target_class_ids, IoUOptions options = {});
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) override;
  Tensor result() override;
  void reset_state() override;
  SavedState state() const override;
  void restore(const SavedState& state) override;
  std::string class_name() const override { return "IoU"; }
  std::string direction() const override { return "max"; }
  Config config() const override;
  static IoU from_config(const Config& config);

 protected:
  IoU(int num_classes, std::vector<int> target_class_ids, IoUOptions options, const char* default_name);
  /// {name, dtype, …} of which each class writes its own part.
  Config iou_config() const;
  static IoUOptions iou_options(const Config& config, bool one_hot);

  int num_classes_;
  std::vector<int> targets_;
  IoUOptions own_;

 private:
  std::shared_ptr<Tensor> matrix_;  // (num_classes, num_classes), rows: y_true
};

struct BinaryIoUOptions {
  std::vector<int> target_class_ids = {0, 1};
  double threshold = 0.5;
  DType dtype = DType::int32;
  std::string name = {};
};
/// Of two classes; predictions from the threshold on are class 1.
class BinaryIoU : public IoU {
 public:
  explicit BinaryIoU(BinaryIoUOptions options = {});
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) override;
  std::string class_name() const override { return "BinaryIoU"; }
  Config config() const override;
  static BinaryIoU from_config(const Config& config);

 private:
  double threshold_;
};

/// Of all classes.
class MeanIoU : public IoU {
 public:
  explicit MeanIoU(int num_classes, IoUOptions options = {});
  std::string class_name() const override { return "MeanIoU"; }
  Config config() const override;
  static MeanIoU from_config(const Config& config);
};

struct OneHotIoUOptions {
  std::optional<int> ignore_class = {};
  bool sparse_y_pred = false;
  int axis = -1;
  DType dtype = DType::int32;
  std::string name = {};
};
/// IoU with one-hot labels.
class OneHotIoU : public IoU {
 public:
  OneHotIoU(int num_classes, std::vector<int> target_class_ids, OneHotIoUOptions options = {});
  std::string class_name() const override { return "OneHotIoU"; }
  Config config() const override;
  static OneHotIoU from_config(const Config& config);
};
/// MeanIoU with one-hot labels.
class OneHotMeanIoU : public IoU {
 public:
  explicit OneHotMeanIoU(int num_classes, OneHotIoUOptions options = {});
  std::string class_name() const override { return "OneHotMeanIoU"; }
  Config config() const override;
  static OneHotMeanIoU from_config(const Config& config);
};

}  // namespace nyala::metrics

namespace nyala {
using metrics::BinaryIoU;
using metrics::IoU;
using metrics::MeanIoU;
using metrics::OneHotIoU;
using metrics::OneHotMeanIoU;
}  // namespace nyala
