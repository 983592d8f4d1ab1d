#include <nyala/callbacks/swap_ema_weights.hpp>

#include <nyala/error.hpp>
#include <nyala/model.hpp>

namespace nyala {

namespace {

/// The averages of the model's trainable variables, in their order.
std::vector<Variable> averages_of(const Model& model) {
  std::vector<Variable> averages;
  const std::string ending = "_average";
  const std::size_t count = model.trainable_variables().size();
  for (const Variable& variable : model.optimizer().variables()) {
    const std::string& path = variable.path();
    const bool is_average =
        path.size() > ending.size() && path.compare(path.size() - ending.size(), ending.size(), ending) == 0;
    if (is_average && averages.size() < count) averages.push_back(variable);
  }
  if (averages.size() != count || !model.optimizer().options().use_ema) {
    throw Error("SwapEMAWeights: the optimizer keeps no moving averages; give it use_ema");
  }
  return averages;
}

}  // namespace

SwapEMAWeights::SwapEMAWeights(SwapEMAWeightsOptions options) : options_(options) {}

void SwapEMAWeights::show(bool averages) {
  if (averages == averages_in_model_) return;
  const std::vector<Variable> kept = averages_of(model()), trained = model().trainable_variables();
  for (std::size_t i = 0; i < trained.size(); ++i) {
    const Tensor value = trained[i].value().clone();
    trained[i].assign(kept[i].value().clone());
    kept[i].assign(value);
  }
  averages_in_model_ = averages;
}

void SwapEMAWeights::on_epoch_begin(int, const Logs&) { show(false); }

void SwapEMAWeights::on_epoch_end(int epoch, const Logs&) {
  if (!options_.swap_on_epoch) return;
  show(true);
  if (epoch != params().epochs - 1) return;
  const std::vector<Variable> kept = averages_of(model()), trained = model().trainable_variables();
  for (std::size_t i = 0; i < trained.size(); ++i) kept[i].assign(trained[i].value().clone());
  averages_in_model_ = false;
}

void SwapEMAWeights::on_test_begin(const Logs&) { show(true); }
void SwapEMAWeights::on_test_end(const Logs&) { show(false); }
void SwapEMAWeights::on_predict_begin(const Logs&) { show(true); }
void SwapEMAWeights::on_predict_end(const Logs&) { show(false); }

SavedState SwapEMAWeights::state() const { return {Config::object({{"averages_in_model", averages_in_model_}}), {}}; }
void SwapEMAWeights::restore(const SavedState& state) {
  averages_in_model_ = state.values.at("averages_in_model").as_bool();
}

}  // namespace nyala
