#include <nyala/metrics.hpp>
#include <nyala/register.hpp>

namespace nyala::detail {

std::shared_ptr<Metric> metric_of_function(std::function<Tensor(const Tensor&, const Tensor&)> function,
                                           const std::string& name) {
  return std::make_shared<metrics::MeanMetricWrapper>(std::move(function), MetricOptions{name});
}

std::shared_ptr<Metric> metric_of_loss(std::shared_ptr<Loss> loss, const std::string& function) {
  return std::make_shared<metrics::MeanMetricWrapper>(std::move(loss), function);
}

std::vector<CatalogueEntry<Metric>> builtin_metrics() {
  using M = Metric;
  return {
      catalogue_entry<M, metrics::Mean>("Mean", {"mean"}),
      catalogue_entry<M, metrics::Sum>("Sum", {"sum"}),
      catalogue_entry<M, metrics::Accuracy>("Accuracy"),
      catalogue_entry<M, metrics::BinaryAccuracy>("BinaryAccuracy", {"binary_accuracy"}),
      catalogue_entry<M, metrics::CategoricalAccuracy>("CategoricalAccuracy", {"categorical_accuracy"}),
      catalogue_entry<M, metrics::SparseCategoricalAccuracy>("SparseCategoricalAccuracy",
                                                             {"sparse_categorical_accuracy"}),
      catalogue_entry<M, metrics::TopKCategoricalAccuracy>("TopKCategoricalAccuracy", {"top_k_categorical_accuracy"}),
      catalogue_entry<M, metrics::SparseTopKCategoricalAccuracy>("SparseTopKCategoricalAccuracy",
                                                                 {"sparse_top_k_categorical_accuracy"}),
      catalogue_entry<M, metrics::MeanSquaredError>("MeanSquaredError", {"mean_squared_error", "mse", "MSE"}),
      catalogue_entry<M, metrics::RootMeanSquaredError>("RootMeanSquaredError", {"root_mean_squared_error"}),
      catalogue_entry<M, metrics::MeanAbsoluteError>("MeanAbsoluteError", {"mean_absolute_error", "mae", "MAE"}),
      catalogue_entry<M, metrics::MeanAbsolutePercentageError>("MeanAbsolutePercentageError",
                                                               {"mean_absolute_percentage_error", "mape", "MAPE"}),
      catalogue_entry<M, metrics::MeanSquaredLogarithmicError>("MeanSquaredLogarithmicError",
                                                               {"mean_squared_logarithmic_error", "msle", "MSLE"}),
      catalogue_entry<M, metrics::LogCoshError>("LogCoshError", {"log_cosh_error"}),
      catalogue_entry<M, metrics::CosineSimilarity>("CosineSimilarity", {"cosine_similarity"}),
      catalogue_entry<M, metrics::R2Score>("R2Score", {"r2_score"}),
      catalogue_entry<M, metrics::PearsonCorrelation>("PearsonCorrelation", {"pearson_correlation"}),
      catalogue_entry<M, metrics::ConcordanceCorrelation>("ConcordanceCorrelation", {"concordance_correlation"}),
      catalogue_entry<M, metrics::BinaryCrossentropy>("BinaryCrossentropy", {"binary_crossentropy", "bce", "BCE"}),
      catalogue_entry<M, metrics::CategoricalCrossentropy>("CategoricalCrossentropy", {"categorical_crossentropy"}),
      catalogue_entry<M, metrics::SparseCategoricalCrossentropy>("SparseCategoricalCrossentropy",
                                                                 {"sparse_categorical_crossentropy"}),
      catalogue_entry<M, metrics::KLDivergence>("KLDivergence", {"kl_divergence"}),
      catalogue_entry<M, metrics::Poisson>("Poisson", {"poisson"}),
      catalogue_entry<M, metrics::Hinge>("Hinge", {"hinge"}),
      catalogue_entry<M, metrics::SquaredHinge>("SquaredHinge", {"squared_hinge"}),
      catalogue_entry<M, metrics::CategoricalHinge>("CategoricalHinge", {"categorical_hinge"}),
      catalogue_entry<M, metrics::AUC>("AUC", {"auc"}),
      catalogue_entry<M, metrics::Precision>("Precision", {"precision"}),
      catalogue_entry<M, metrics::Recall>("Recall", {"recall"}),
      catalogue_entry<M, metrics::TruePositives>("TruePositives", {"true_positives"}),
      catalogue_entry<M, metrics::FalsePositives>("FalsePositives", {"false_positives"}),
      catalogue_entry<M, metrics::TrueNegatives>("TrueNegatives", {"true_negatives"}),
      catalogue_entry<M, metrics::FalseNegatives>("FalseNegatives", {"false_negatives"}),
      catalogue_entry<M, metrics::SensitivityAtSpecificity>("SensitivityAtSpecificity", {"sensitivity_at_specificity"}),
      catalogue_entry<M, metrics::SpecificityAtSensitivity>("SpecificityAtSensitivity", {"specificity_at_sensitivity"}),
      catalogue_entry<M, metrics::PrecisionAtRecall>("PrecisionAtRecall", {"precision_at_recall"}),
      catalogue_entry<M, metrics::RecallAtPrecision>("RecallAtPrecision", {"recall_at_precision"}),
      catalogue_entry<M, metrics::F1Score>("F1Score", {"f1_score"}),
      catalogue_entry<M, metrics::FBetaScore>("FBetaScore", {"f_beta_score"}),
      catalogue_entry<M, metrics::IoU>("IoU", {"io_u"}),
      catalogue_entry<M, metrics::BinaryIoU>("BinaryIoU", {"binary_io_u"}),
      catalogue_entry<M, metrics::MeanIoU>("MeanIoU", {"mean_io_u"}),
      catalogue_entry<M, metrics::OneHotIoU>("OneHotIoU", {"one_hot_io_u"}),
      catalogue_entry<M, metrics::OneHotMeanIoU>("OneHotMeanIoU", {"one_hot_mean_io_u"}),
  };
}

}  // namespace nyala::detail
