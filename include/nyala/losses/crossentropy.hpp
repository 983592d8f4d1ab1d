#pragma once

#include <optional>
#include <string>

#include <nyala/loss.hpp>

namespace nyala::losses {

// Crossentropies. https://keras.io/api/losses/probabilistic_losses/ The functions give one loss per entry of all axes
// but `axis`. (Those whose name an operation of <nyala/ops/nn.hpp> has are to be written nyala::losses::…)
Tensor binary_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits = false,
                           double label_smoothing = 0.0, int axis = -1);
Tensor categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits = false,
                                double label_smoothing = 0.0, int axis = -1);
/// y_true: class numbers. Entries of ignore_class cost nothing, and a mask leaves them out of means.
Tensor sparse_categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits = false,
                                       std::optional<int> ignore_class = {}, int axis = -1);
/// Lin et al. 2017.
Tensor binary_focal_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool apply_class_balancing = false,
                                 double alpha = 0.25, double gamma = 2.0, bool from_logits = false,
                                 double label_smoothing = 0.0, int axis = -1);
Tensor categorical_focal_crossentropy(const Tensor& y_true, const Tensor& y_pred, double alpha = 0.25,
                                      double gamma = 2.0, bool from_logits = false, double label_smoothing = 0.0,
                                      int axis = -1);
/// y_true: class numbers. Zhang & Sabuncu 2018.
Tensor categorical_generalized_cross_entropy(const Tensor& y_true, const Tensor& y_pred, double q = 0.5);

struct BinaryCrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0.0;
  int axis = -1;
  std::optional<std::string> reduction = "sum_over_batch_size";
  std::string name = {};
};
/// Of independent yes-no answers; y_true between 0 and 1.
class BinaryCrossentropy : public Loss {
 public:
  explicit BinaryCrossentropy(BinaryCrossentropyOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "BinaryCrossentropy"; }
  Config config() const override;
  static BinaryCrossentropy from_config(const Config& config);

 private:
  BinaryCrossentropyOptions own_;
};

struct CategoricalCrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0.0;
  int axis = -1;
  std::optional<std::string> reduction = "sum_over_batch_size";
  std::string name = {};
};
/// Of one class out of several; y_true one-hot, or probabilities.
class CategoricalCrossentropy : public Loss {
 public:
  explicit CategoricalCrossentropy(CategoricalCrossentropyOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "CategoricalCrossentropy"; }
  Config config() const override;
  static CategoricalCrossentropy from_config(const Config& config);

 private:
  CategoricalCrossentropyOptions own_;
};

struct SparseCategoricalCrossentropyOptions {
  bool from_logits = false;
  std::optional<int> ignore_class = {};
  std::optional<std::string> reduction = "sum_over_batch_size";
  int axis = -1;
  std::string name = {};
};
/// Of one class out of several; y_true class numbers.
class SparseCategoricalCrossentropy : public Loss {
 public:
  explicit SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "SparseCategoricalCrossentropy"; }
  Config config() const override;
  static SparseCategoricalCrossentropy from_config(const Config& config);

 private:
  SparseCategoricalCrossentropyOptions own_;
};

struct BinaryFocalCrossentropyOptions {
  bool apply_class_balancing = false;
  double alpha = 0.25, gamma = 2.0;
  bool from_logits = false;
  double label_smoothing = 0.0;
  int axis = -1;
  std::optional<std::string> reduction = "sum_over_batch_size";
  std::string name = {};
};
/// Binary crossentropy that looks at hard examples (Lin et al. 2017).
class BinaryFocalCrossentropy : public Loss {
 public:
  explicit BinaryFocalCrossentropy(BinaryFocalCrossentropyOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "BinaryFocalCrossentropy"; }
  Config config() const override;
  static BinaryFocalCrossentropy from_config(const Config& config);

 private:
  BinaryFocalCrossentropyOptions own_;
};

struct CategoricalFocalCrossentropyOptions {
  double alpha = 0.25, gamma = 2.0;
  bool from_logits = false;
  double label_smoothing = 0.0;
  int axis = -1;
  std::optional<std::string> reduction = "sum_over_batch_size";
  std::string name = {};
};
/// Categorical crossentropy that looks at hard examples (Lin et al. 2017).
class CategoricalFocalCrossentropy : public Loss {
 public:
  explicit CategoricalFocalCrossentropy(CategoricalFocalCrossentropyOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "CategoricalFocalCrossentropy"; }
  Config config() const override;
  static CategoricalFocalCrossentropy from_config(const Config& config);

 private:
  CategoricalFocalCrossentropyOptions own_;
};

struct CategoricalGeneralizedCrossEntropyOptions {
  double q = 0.5;
  std::optional<std::string> reduction = "sum_over_batch_size";
  std::string name = {};
};
/// For noisy labels, between crossentropy and mean absolute error (Zhang & Sabuncu 2018).
class CategoricalGeneralizedCrossEntropy : public Loss {
 public:
  explicit CategoricalGeneralizedCrossEntropy(CategoricalGeneralizedCrossEntropyOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "CategoricalGeneralizedCrossEntropy"; }
  Config config() const override;
  static CategoricalGeneralizedCrossEntropy from_config(const Config& config);

 private:
  CategoricalGeneralizedCrossEntropyOptions own_;
};

}  // namespace nyala::losses

namespace nyala {
using losses::binary_focal_crossentropy;
using losses::BinaryCrossentropy;
using losses::BinaryFocalCrossentropy;
using losses::categorical_focal_crossentropy;
using losses::categorical_generalized_cross_entropy;
using losses::CategoricalCrossentropy;
using losses::CategoricalFocalCrossentropy;
using losses::CategoricalGeneralizedCrossEntropy;
using losses::SparseCategoricalCrossentropy;
}  // namespace nyala
