#include <doctest/doctest.h>

#include <cmath>

#include <nyala/autograd.hpp>
#include <nyala/error.hpp>
#include <nyala/metrics.hpp>
#include <nyala/ops.hpp>
#include <nyala/register.hpp>

using namespace nyala;

namespace {

doctest::Approx near(double x) { return doctest::Approx(x).epsilon(1e-5); }

double result(Metric& metric) { return metric.result().item<double>(); }

template <class M>
double once(M metric, const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) {
  metric.update_state(y_true, y_pred, sample_weight);
  return metric.result().template item<double>();
}

std::shared_ptr<Metric> named(const std::string& name, const Tensor& y_true, const Tensor& y_pred) {
  return resolve(MetricRef(name), y_true, y_pred, "compile");
}

}  // namespace

TEST_CASE("a mean counts samples, not batches") {
  Mean metric;
  CHECK(result(metric) == 0.0);
  metric.update_state(tensor({1.0, 1.0, 1.0}));
  metric.update_state(tensor({5.0}));
  CHECK(result(metric) == near(2.0));
  metric.update_state(2.0);
  CHECK(result(metric) == near(2.0));
  metric.reset_state();
  metric.update_state(tensor({1.0, 3.0}), tensor({3.0, 1.0}));
  CHECK(result(metric) == near(1.5));
  metric.update_state(tensor({5.0, 7.0}));
  CHECK(result(metric) == near((6.0 + 12.0) / 6.0));
  metric.reset_state();
  metric.update_state(tensor({{1.0, 3.0}, {5.0, 7.0}}), tensor({1.0, 0.0}));
  CHECK(result(metric) == near(2.0));
  metric.reset_state();
  metric.update_state(tensor({{1.0, 3.0}, {5.0, 7.0}}), tensor({{1.0, 0.0}, {0.0, 1.0}}));
  CHECK(result(metric) == near(4.0));
  metric.reset_state();
  metric.update_state(zeros({2}), zeros({2}));
  CHECK(result(metric) == 0.0);
  CHECK_THROWS_AS(metric.update_state(zeros({2}), zeros({3})), Error);
}

TEST_CASE("the count of samples is exact beyond float32") {
  Mean metric;
  metric.update_state(ones({(1 << 24) + 2}));
  metric.update_state(zeros({1}));
  metric.update_state(ones({1}));
  CHECK(result(metric) == doctest::Approx(((1 << 24) + 3.0) / ((1 << 24) + 4.0)).epsilon(1e-6));
}

TEST_CASE("copies share their state; sums add up") {
  Mean metric({.name = "loss"});
  Mean copy = metric;
  copy.update_state(tensor({4.0}));
  CHECK(result(metric) == 4.0);
  CHECK(copy.name() == "loss");
  Sum sum;
  sum.update_state(tensor({{1.0, 2.0}, {3.0, 4.0}}), tensor({1.0, 0.5}));
  CHECK(result(sum) == near(6.5));
}

TEST_CASE("updates are not recorded") {
  const Variable w(ones({2}));
  Mean metric;
  GradientTape tape({.persistent = true});
  metric.update_state(Tensor(w) * 2.0);
  CHECK_FALSE(tape.gradient(metric.result(), w).defined());
}

TEST_CASE("\"accuracy\" is what the shapes say") {
  const Tensor scores = zeros({4, 3});
  CHECK(named("accuracy", tensor({0, 1, 2, 0}), scores)->class_name() == "SparseCategoricalAccuracy");
  CHECK(named("acc", zeros({4, 1}), scores)->class_name() == "SparseCategoricalAccuracy");
  CHECK(named("acc", zeros({4, 3}), scores)->class_name() == "CategoricalAccuracy");
  CHECK(named("acc", zeros({4}), zeros({4, 1}))->class_name() == "BinaryAccuracy");
  CHECK(named("acc", zeros({4}), zeros({4, 1}))->name() == "acc");
  CHECK(named("crossentropy", zeros({4}), scores)->class_name() == "SparseCategoricalCrossentropy");
  CHECK(named("mse", zeros({4}), zeros({4}))->name() == "mse");
  check_metric_name("accuracy", "compile");
  check_metric_name("mae", "compile");
  CHECK_THROWS_WITH_AS(check_metric_name("acuracy", "compile"),
                       "compile: no metric is named \"acuracy\"; did you mean \"accuracy\"?", Error);
  CHECK_THROWS_AS(named("accurracyy", zeros({4}), zeros({4})), Error);
}

TEST_CASE("accuracies") {
  const Tensor p = tensor({{0.1, 0.9, 0.0}, {0.6, 0.3, 0.1}, {0.2, 0.3, 0.5}});
  CHECK(once(SparseCategoricalAccuracy(), tensor({1, 0, 0}), p) == near(2 / 3.0));
  CHECK(once(SparseCategoricalAccuracy(), tensor({{1}, {0}, {0}}), p) == near(2 / 3.0));
  CHECK(once(SparseCategoricalAccuracy(), tensor({1, 0, 0}, DType::uint8), p, tensor({1.0, 1.0, 2.0})) == near(0.5));
  CHECK(once(CategoricalAccuracy(), one_hot(tensor({1, 0, 0}), 3), p) == near(2 / 3.0));
  CHECK(once(SparseTopKCategoricalAccuracy(2), tensor({1, 1, 0}), p) == near(2 / 3.0));
  CHECK(once(SparseTopKCategoricalAccuracy(9), tensor({1, 1, 0}), p) == 1.0);
  CHECK(once(TopKCategoricalAccuracy(1), one_hot(tensor({1, 0, 0}), 3), p) == near(2 / 3.0));
  CHECK(once(SparseTopKCategoricalAccuracy(1, {.from_sorted_ids = true}), tensor({7, 3}), tensor({{7, 1}, {1, 3}})) ==
        0.5);
  CHECK(once(BinaryAccuracy(), tensor({1, 0, 1}), tensor({{0.5}, {0.5}, {0.6}})) == near(2 / 3.0));
  CHECK(once(BinaryAccuracy({.threshold = 0.4}), tensor({1, 0, 1}), tensor({{0.5}, {0.5}, {0.6}})) == near(2 / 3.0));
  CHECK(once(Accuracy(), tensor({1, 2, 3}), tensor({1, 2, 4})) == near(2 / 3.0));
  // per step: labels (batch, time), scores (batch, time, classes)
  CHECK(once(SparseCategoricalAccuracy(), tensor({{1, 0, 0}}), expand_dims(p, 0)) == near(2 / 3.0));
  const Tensor masked = expand_dims(p, 0).with_mask(tensor({{true, true, false}}));
  CHECK(once(SparseCategoricalAccuracy(), tensor({{1, 0, 0}}), masked) == 1.0);
  CHECK_THROWS_WITH_AS(once(SparseCategoricalAccuracy(), tensor({1, 0}), p),
                       "sparse_categorical_accuracy: y_true must hold one class number for each prediction, got y_true "
                       "(2,) and y_pred (3, 3)",
                       Error);
  CHECK_THROWS_AS(once(CategoricalAccuracy(), tensor({1, 0, 0}), p), Error);
  CHECK_THROWS_AS(once(BinaryAccuracy(), tensor({1, 0, 0}), p), Error);
  CHECK_THROWS_AS(SparseTopKCategoricalAccuracy(0), Error);
  CHECK_THROWS_AS(BinaryAccuracy({.threshold = 1.5}), Error);
}

TEST_CASE("errors of regression") {
  const Tensor y = tensor({1.0, 2.0, 3.0}), p = tensor({{1.0}, {4.0}, {3.0}});
  CHECK(once(metrics::MeanSquaredError(), y, p) == near(4 / 3.0));
  CHECK(once(metrics::MeanAbsoluteError(), y, p) == near(2 / 3.0));
  CHECK(once(RootMeanSquaredError(), y, p) == near(std::sqrt(4 / 3.0)));
  CHECK(once(metrics::CosineSimilarity(), tensor({{1.0, 0.0}}), tensor({{2.0, 2.0}})) == near(std::sqrt(0.5)));
  CHECK(once(R2Score(), expand_dims(y, 1), p) == near(1 - 4 / 2.0));
  CHECK_THROWS_AS(once(R2Score(), y, tensor({1.0, 2.0, 3.0})), Error);
  CHECK_THROWS_AS(R2Score({.class_aggregation = "mean"}), Error);
}

TEST_CASE("counts by threshold") {
  const Tensor y = tensor({1, 1, 0, 0}), p = tensor({0.9, 0.4, 0.6, 0.1});
  CHECK(once(TruePositives(), y, p) == 1.0);
  CHECK(once(FalseNegatives(), y, p) == 1.0);
  CHECK(once(FalsePositives(), y, p, tensor({1.0, 1.0, 3.0, 1.0})) == 3.0);
  CHECK(once(TrueNegatives(), y, p) == 1.0);
  CHECK(once(Precision(), y, p) == near(0.5));
  CHECK(once(Recall({.thresholds = 0.3}), y, p) == 1.0);
  CHECK(once(Precision({.thresholds = 0.95}), y, p) == 0.0);
  Precision several({.thresholds = {0.5, 0.2, 0.8}});
  several.update_state(y, p);
  several.update_state(y, p);
  const std::vector<float> found = several.result().to_vector<float>();
  CHECK(found[0] == near(0.5));
  CHECK(found[1] == near(2 / 3.0));
  CHECK(found[2] == near(1.0));
  const Tensor scores = tensor({{0.2, 0.5, 0.3}, {0.6, 0.3, 0.1}}), labels = tensor({{0, 1, 0}, {0, 1, 0}});
  CHECK(once(Precision({.top_k = 1}), labels, scores) == near(0.5));
  CHECK(once(Recall({.top_k = 2}), labels, scores) == 1.0);
  CHECK(once(Recall({.class_id = 1}), labels, scores) == 0.0);
  CHECK(once(TruePositives(), y, tensor({0.5, 0.50001, 0.0, 1.0})) == 1.0);
  CHECK_THROWS_AS(Precision({.thresholds = 1.5}), Error);
  CHECK_THROWS_AS(once(Precision({.class_id = 3}), labels, scores), Error);
  CHECK_THROWS_AS(once(Precision(), y, p, ones({3})), Error);
  CHECK_THROWS_AS(once(Precision(), y, scores), Error);
}

TEST_CASE("areas under curves") {
  const Tensor y = tensor({0, 0, 1, 1}), p = tensor({0.0, 0.5, 0.3, 0.9});
  CHECK(once(AUC(), y, p) == near(0.75));
  CHECK(once(AUC({.num_thresholds = 3}), y, p) == near(0.75));
  CHECK(once(AUC(), y, p, tensor({1.0, 0.0, 0.0, 1.0})) == near(1.0));
  CHECK(once(AUC({.from_logits = true}), y, tensor({-9.0, 0.0, -1.0, 3.0})) == near(0.75));
  CHECK(once(AUC({.multi_label = true}), tensor({{0, 1}, {1, 0}}), tensor({{0.1, 0.2}, {0.8, 0.9}})) == near(0.5));
  AUC empty;
  CHECK(result(empty) == 0.0);
  CHECK(once(AUC(), ones({3}), ones({3})) == 0.0);
  CHECK_THROWS_WITH_AS(AUC({.curve = "RCO"}), "AUC: curve must be \"ROC\", \"PR\" or \"PRGAIN\", got \"RCO\"", Error);
  CHECK_THROWS_AS(AUC({.num_thresholds = 1}), Error);
  CHECK_THROWS_AS(AUC({.summation_method = "riemann"}), Error);
  CHECK_THROWS_AS(AUC({.num_labels = 3}), Error);
  CHECK_THROWS_AS(once(AUC({.multi_label = true}), y, p), Error);
}

TEST_CASE("a NaN prediction breaks nothing") {
  const Tensor y = tensor({0, 1}), p = tensor({std::nan(""), 0.9});
  CHECK(once(AUC(), y, p) >= 0.0);
  CHECK(std::isnan(once(metrics::MeanSquaredError(), y, p)));
}

TEST_CASE("F-scores and intersection over union") {
  const Tensor y = tensor({{1, 0, 0}, {0, 1, 0}, {0, 1, 0}}),
               p = tensor({{0.9, 0.1, 0.0}, {0.8, 0.2, 0.0}, {0.1, 0.9, 0.0}});
  CHECK(once(F1Score({.average = "micro"}), y, p) == near(2 / 3.0));
  CHECK(once(F1Score({.average = "macro"}), y, p) == doctest::Approx((2 / 3.0 + 2 / 3.0) / 3).epsilon(1e-4));
  CHECK_THROWS_AS(F1Score({.average = "mean"}), Error);
  CHECK_THROWS_AS(once(F1Score(), tensor({1, 0}), tensor({1, 0})), Error);
  CHECK(once(MeanIoU(2), tensor({0, 0, 1, 1}), tensor({0, 1, 0, 1})) == near(1 / 3.0));
  CHECK(once(IoU(3, {2}), tensor({2, 2, 1}), tensor({2, 1, 1})) == near(0.5));
  CHECK(once(BinaryIoU({.target_class_ids = {1}}), tensor({1, 1}), tensor({0.6, 0.1})) == near(0.5));
  CHECK(once(OneHotMeanIoU(2), tensor({{1, 0}, {0, 1}}), tensor({{0.9, 0.1}, {0.8, 0.2}})) == near(0.25));
  // Weights lose what follows the point unless the counts have it.
  const Tensor truth = tensor({0, 0, 1, 1}), guess = tensor({0, 1, 0, 1}), weights = tensor({0.2, 0.3, 0.4, 0.1});
  CHECK(once(IoU(2, {0, 1}, {.dtype = DType::float32}), truth, guess, weights) == near(0.1736111));
  CHECK(once(IoU(2, {0, 1}), truth, guess, weights) == 0.0);
  const IoU floating = IoU::from_config(IoU(2, {0, 1}, {.dtype = DType::float32}).config());
  CHECK(once(floating, truth, guess, weights) == near(0.1736111));
  CHECK_THROWS_AS(IoU(2, {2}), Error);
  CHECK_THROWS_AS(MeanIoU(0), Error);
}

TEST_CASE("a class that is ignored counts as 0, and not at all where samples are weighted") {
  const Tensor y = tensor({0, 1, 2}), p = tensor({{0.8, 0.1, 0.1}, {0.05, 0.95, 0.0}, {0.1, 0.8, 0.1}});
  CHECK(once(metrics::SparseCategoricalCrossentropy({.ignore_class = 0}), y, p) == near(0.784626));
  CHECK(once(metrics::SparseCategoricalCrossentropy({.ignore_class = 0}), y, p, tensor({0.5, 1.5, 2.0})) ==
        near(1.3377464));
}

TEST_CASE("any function is a metric") {
  MeanMetricWrapper metric([](const Tensor& t, const Tensor& p) { return max(abs(t - p), -1); }, {.name = "worst"});
  metric.update_state(tensor({{0.0, 0.0}, {0.0, 0.0}}), tensor({{1.0, 2.0}, {3.0, 4.0}}));
  CHECK(result(metric) == near(3.0));
  CHECK(metric.name() == "worst");
  const MetricRef function = [](const Tensor& t, const Tensor& p) { return mean(t - p); };
  const auto wrapped = resolve(function, {}, {}, "compile");
  wrapped->update_state(ones({4}), zeros({4}));
  CHECK(result(*wrapped) == 1.0);
}

TEST_CASE("configs come back") {
  for (const auto& entry : detail::builtin_metrics()) {
    Config arguments = Config::object();
    if (entry.class_name.find("IoU") != std::string::npos) {
      if (entry.class_name != "BinaryIoU") arguments["num_classes"] = 3;
      if (entry.class_name.find("Mean") == std::string::npos) arguments["target_class_ids"] = Config::array({0, 1});
    }
    for (const char* needed : {"specificity", "sensitivity", "precision", "recall"}) arguments[needed] = 0.5;
    const MetricRef metric = entry.make(arguments);
    const Config config = to_config(metric);
    CAPTURE(config.json());
    CHECK(config.at("class_name") == Config(entry.class_name));
    CHECK(to_config(metric_from_config(config)) == config);
  }
  CHECK(
      AUC().config().json() ==
      "{\"name\": \"auc\", \"dtype\": \"float32\", \"num_thresholds\": 200, \"curve\": \"ROC\", \"summation_method\": "
      "\"interpolation\", \"multi_label\": false, \"num_labels\": null, \"label_weights\": null, \"from_logits\": "
      "false}");
  CHECK(to_config(MetricRef("accuracy")) == Config("accuracy"));
  CHECK_THROWS_AS(metric_from_config("acuracy"), Error);
}
