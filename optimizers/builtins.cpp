#include <nyala/optimizers.hpp>
#include <nyala/register.hpp>

namespace nyala::detail {

std::vector<CatalogueEntry<Optimizer>> builtin_optimizers() {
  using O = Optimizer;
  return {catalogue_entry<O, SGD>("SGD", {"sgd"}),
          catalogue_entry<O, RMSprop>("RMSprop", {"rmsprop"}),
          catalogue_entry<O, Adam>("Adam", {"adam"}),
          catalogue_entry<O, AdamW>("AdamW", {"adamw"}),
          catalogue_entry<O, Adadelta>("Adadelta", {"adadelta"}),
          catalogue_entry<O, Adagrad>("Adagrad", {"adagrad"}),
          catalogue_entry<O, Adamax>("Adamax", {"adamax"}),
          catalogue_entry<O, Adafactor>("Adafactor", {"adafactor"}),
          catalogue_entry<O, Nadam>("Nadam", {"nadam"}),
          catalogue_entry<O, Ftrl>("Ftrl", {"ftrl"}),
          catalogue_entry<O, Lion>("Lion", {"lion"}),
          catalogue_entry<O, Lamb>("Lamb", {"lamb"}),
          catalogue_entry<O, Muon>("Muon", {"muon"}),
          catalogue_entry<O, LossScaleOptimizer>("LossScaleOptimizer", {"lossscaleoptimizer"}),
          catalogue_entry<O, MultiOptimizer>("MultiOptimizer", {"multioptimizer"}),
          catalogue_entry<O, ScheduleFreeAdamW>("ScheduleFreeAdamW", {"schedulefreeadamw"})};
}

std::vector<CatalogueEntry<LearningRateSchedule>> builtin_learning_rate_schedules() {
  using S = LearningRateSchedule;
  return {catalogue_entry<S, ExponentialDecay>("ExponentialDecay"),
          catalogue_entry<S, InverseTimeDecay>("InverseTimeDecay"),
          catalogue_entry<S, PiecewiseConstantDecay>("PiecewiseConstantDecay"),
          catalogue_entry<S, PolynomialDecay>("PolynomialDecay"),
          catalogue_entry<S, CosineDecay>("CosineDecay"),
          catalogue_entry<S, CosineDecayRestarts>("CosineDecayRestarts")};
}

}  // namespace nyala::detail
