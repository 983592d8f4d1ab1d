#include <nyala/losses.hpp>
#include <nyala/register.hpp>

namespace nyala::detail {

std::vector<CatalogueEntry<Loss>> builtin_losses() {
  using L = Loss;
  using namespace losses;
  return {
      catalogue_entry<L, MeanSquaredError>("MeanSquaredError", {"mean_squared_error", "mse", "MSE"}),
      catalogue_entry<L, MeanAbsoluteError>("MeanAbsoluteError", {"mean_absolute_error", "mae", "MAE"}),
      catalogue_entry<L, MeanAbsolutePercentageError>("MeanAbsolutePercentageError",
                                                      {"mean_absolute_percentage_error", "mape", "MAPE"}),
      catalogue_entry<L, MeanSquaredLogarithmicError>("MeanSquaredLogarithmicError",
                                                      {"mean_squared_logarithmic_error", "msle", "MSLE"}),
      catalogue_entry<L, LogCosh>("LogCosh", {"log_cosh", "logcosh"}),
      catalogue_entry<L, Huber>("Huber", {"huber"}),
      catalogue_entry<L, CosineSimilarity>("CosineSimilarity", {"cosine_similarity"}),
      catalogue_entry<L, BinaryCrossentropy>("BinaryCrossentropy", {"binary_crossentropy", "bce", "BCE"}),
      catalogue_entry<L, CategoricalCrossentropy>("CategoricalCrossentropy", {"categorical_crossentropy"}),
      catalogue_entry<L, SparseCategoricalCrossentropy>("SparseCategoricalCrossentropy",
                                                        {"sparse_categorical_crossentropy"}),
      catalogue_entry<L, BinaryFocalCrossentropy>("BinaryFocalCrossentropy", {"binary_focal_crossentropy"}),
      catalogue_entry<L, CategoricalFocalCrossentropy>("CategoricalFocalCrossentropy",
                                                       {"categorical_focal_crossentropy"}),
      catalogue_entry<L, CategoricalGeneralizedCrossEntropy>("CategoricalGeneralizedCrossEntropy",
                                                             {"categorical_generalized_cross_entropy"}),
      catalogue_entry<L, Hinge>("Hinge", {"hinge"}),
      catalogue_entry<L, SquaredHinge>("SquaredHinge", {"squared_hinge"}),
      catalogue_entry<L, CategoricalHinge>("CategoricalHinge", {"categorical_hinge"}),
      catalogue_entry<L, KLDivergence>("KLDivergence", {"kl_divergence", "kld", "KLD"}),
      catalogue_entry<L, Poisson>("Poisson", {"poisson"}),
      catalogue_entry<L, Dice>("Dice", {"dice"}),
      catalogue_entry<L, Tversky>("Tversky", {"tversky"}),
      catalogue_entry<L, Circle>("Circle", {"circle"}),
      catalogue_entry<L, CTC>("CTC", {"ctc"}),
  };
}

}  // namespace nyala::detail
