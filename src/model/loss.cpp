#include <nyala/loss.hpp>

#include <algorithm>
#include <utility>

#include <nyala/error.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>
#include <nyala/register.hpp>

#include "model/class_registry.hpp"
#include "model/label_kind.hpp"

namespace nyala {

namespace {

const std::vector<std::string>& reductions() {
  static const std::vector<std::string> names{"sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"};
  return names;
}

/// One rank for targets and predictions where one of them only lacks, or adds, a trailing axis of size 1.
void match_ranks(Tensor& a, Tensor& b) {
  if (a.rank() == b.rank() + 1 && a.shape().back() == 1) {
    if (b.rank() == 1)
      b = expand_dims(b, -1);
    else
      a = squeeze(a, -1);
  } else if (b.rank() == a.rank() + 1 && b.shape().back() == 1) {
    match_ranks(b, a);
  }
}

/// Whether the axes of both, counted from the first (or from the last), are equal or 1 as far as both have them.
bool axes_agree(const Shape& a, const Shape& b, bool from_the_last) {
  const int common = std::min(a.rank(), b.rank());
  for (int i = 0; i < common; ++i) {
    const int axis = from_the_last ? -1 - i : i;
    if (a.at(axis) != b.at(axis) && a.at(axis) != 1 && (!from_the_last || b.at(axis) != 1)) return false;
  }
  return true;
}

/// Weights or a mask that broadcast with `values`: of its shape, of its leading axes, with axes of size 1, or of more
/// axes, as NumPy broadcasts them.
Tensor fitted(const Tensor& weights, const Tensor& values, const char* what) {
  Tensor result = weights;
  if (result.rank() > values.rank() && result.shape().back() == 1) result = squeeze(result, -1);
  const bool more_axes = result.rank() > values.rank();
  if (!axes_agree(result.shape(), values.shape(), more_axes)) {
    throw Error(std::string("loss: ") + what + " of shape " + weights.shape().str() +
                " do not fit to losses of shape " + values.shape().str());
  }
  if (result.rank() >= values.rank() || result.rank() == 0) return result;
  Shape shape = result.shape();
  while (shape.size() < values.shape().size()) shape.push_back(1);
  return reshape(result, shape);
}

class CallableLoss : public Loss {
 public:
  explicit CallableLoss(std::function<Tensor(const Tensor&, const Tensor&)> function)
      : function_(std::move(function)) {}
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override { return function_(y_true, y_pred); }

 private:
  std::function<Tensor(const Tensor&, const Tensor&)> function_;
};

detail::Registry<Loss>& loss_registry() {
  static detail::Registry<Loss> instance("loss", "keras.losses", detail::builtin_losses());
  return instance;
}

/// "crossentropy": the one that suits the shapes that it meets first.
class CrossentropyByShape : public Loss {
 public:
  CrossentropyByShape() : Loss("crossentropy") {}
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override {
    if (chosen_ == nullptr) {
      const detail::LabelKind kind = detail::label_kind(y_true.shape(), y_pred.shape());
      const char* name = kind == detail::LabelKind::binary   ? "binary_crossentropy"
                         : kind == detail::LabelKind::sparse ? "sparse_categorical_crossentropy"
                                                             : "categorical_crossentropy";
      chosen_ = loss_registry().make(name, Config::object(), "compile");
    }
    return chosen_->call(y_true, y_pred);
  }

 private:
  std::shared_ptr<Loss> chosen_;
};

bool is_crossentropy(const std::string& name) { return name == "crossentropy" || name == "ce"; }

}  // namespace

Loss::Loss(std::string name, std::optional<std::string> given_reduction)
    : name_(std::move(name)), reduction_(std::move(given_reduction)) {
  if (std::find(reductions().begin(), reductions().end(), reduction()) == reductions().end()) {
    throw Error(name_ +
                ": reduction must be one of sum_over_batch_size, sum, mean, mean_with_sample_weight and none, " +
                "got \"" + reduction() + "\"" + detail::did_you_mean(reduction(), reductions()));
  }
}

Loss::Loss(const char* default_name, LossOptions options)
    : Loss(options.name.empty() ? std::string(default_name) : std::move(options.name), std::move(options.reduction)) {}

Config Loss::config() const { return Config::object({{"name", name_}, {"reduction", reduction_}}); }

Tensor Loss::operator()(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  if (!y_true.defined()) throw Error(name_ + ": there is no y_true");
  if (!y_pred.defined()) throw Error(name_ + ": there is no y_pred");
  for (const auto& [tensor, role] : {std::pair{&y_true, "y_true"}, std::pair{&y_pred, "y_pred"}})
    if (tensor->dtype() == DType::string)
      throw Error(name_ + ": " + role + " must hold numbers, got strings of shape " + tensor->shape().str());
  const Tensor mask = y_pred.mask();
  Tensor predicted = y_pred, truth = y_true;
  // As in Keras losses are computed in floatx, but for float64, which would lose.
  if (predicted.dtype() != DType::float64 && predicted.dtype() != floatx()) predicted = cast(predicted, floatx());
  if (is_floating(truth.dtype()) && truth.dtype() != predicted.dtype()) truth = cast(truth, predicted.dtype());
  match_ranks(truth, predicted);
  const Tensor values = call(truth, predicted);
  const Tensor own_mask = values.mask();
  const Tensor both = mask.defined() && own_mask.defined() ? logical_and(fitted(mask, values, "the mask"), own_mask)
                      : mask.defined()                     ? mask
                                                           : own_mask;
  return reduce_weighted(values, sample_weight, both, reduction());
}

Tensor reduce_weighted(const Tensor& values, const Tensor& sample_weight, const Tensor& mask,
                       const std::string& reduction) {
  const bool over_count = reduction == "sum_over_batch_size" || reduction == "mean";
  Tensor weights;
  if (sample_weight.defined()) {
    // A single number may stand anywhere.
    const Tensor given = sample_weight.size() == 1 ? sample_weight.to(values.device()) : sample_weight;
    weights = fitted(cast(given, values.dtype()), values, "sample weights");
  }
  if (!weights.defined() && !mask.defined()) {
    if (reduction == "none" || values.rank() == 0) return values;
    if (reduction == "sum" || values.size() == 0) return sum(values);
    return mean(values);
  }
  Tensor weighted = weights.defined() ? values * weights : values, valid;
  if (mask.defined()) {
    valid = fitted(cast(mask, DType::boolean), weighted, "the mask");
    weighted = where(valid, weighted, 0.0);
  }
  if (reduction == "none") return weighted;
  const Tensor total = sum(weighted);
  if (reduction == "sum" || weighted.size() == 0) return total;
  // Masked: the mean over what is left, as Keras' weights of total / valid make it.
  if (over_count && !mask.defined()) return total / static_cast<double>(weighted.size());
  if (over_count) {
    const double repeats = static_cast<double>(weighted.size()) / static_cast<double>(valid.size());
    return divide_no_nan(total, sum(cast(valid, values.dtype())) * repeats);
  }
  Tensor divisor = weights.defined() ? weights : cast(valid, values.dtype());
  if (weights.defined() && mask.defined()) divisor = where(valid, weights, 0.0);
  return divide_no_nan(total, sum(divisor));
}

void register_loss(const std::string& name, Factory<Loss> make) { loss_registry().add(name, std::move(make)); }

std::shared_ptr<Loss> resolve(const LossRef& ref, const std::string& owner) {
  if (ref.is_name()) {
    if (is_crossentropy(ref.name())) return std::make_shared<CrossentropyByShape>();
    return loss_registry().make(ref.name(), Config::object(), owner);
  }
  if (ref.callable()) return std::make_shared<CallableLoss>(ref.callable());
  return ref.object();
}

Config to_config(const LossRef& loss) {
  if (loss.is_none()) return {};
  if (loss.is_name()) return loss.name();
  if (loss.callable()) return detail::function_config("<lambda>");
  return loss_registry().to_config(*loss.object(), loss.object()->class_name(), loss.object()->config());
}

LossRef loss_from_config(const Config& config) {
  if (config.is_null()) return {};
  if (config.is_string() || detail::is_function_config(config)) {
    const std::string& name = config.is_string() ? config.as_string() : config.at("config").as_string();
    if (!is_crossentropy(name)) loss_registry().make(name, Config::object(), "config");
    return name;
  }
  return loss_registry().from_config(config, "config");
}

}  // namespace nyala
