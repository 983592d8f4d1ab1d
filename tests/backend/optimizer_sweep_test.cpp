#include <nyala/threads.hpp>

#include "nn_check.hpp"

using namespace nn_check;
using nyala::backend::AdamStep;
using nyala::backend::StepVariable;

namespace {

/// Variables of a step with their gradients and slots.
struct Variables {
  std::vector<Tensor> gradients, values, momenta, velocities;
  std::vector<StepVariable> step;

  explicit Variables(const std::vector<std::int64_t>& sizes) {
    std::uint64_t seed = 1;
    for (const std::int64_t size : sizes) {
      for (auto* each : {&gradients, &values, &momenta}) each->push_back(random({size}, ++seed, DType::float32));
      velocities.push_back(zeros({size}, DType::float32));
    }
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      StepVariable one{};
      one.gradient = gradients[i];
      one.variable = &values[i];
      one.slots = {&momenta[i], &velocities[i], nullptr};
      one.decay = 0.01 * static_cast<double>(i % 3);
      step.push_back(one);
    }
  }
};

}  // namespace

TEST_CASE("an optimizer's sweep over all variables gives each what it would get alone, for any number of threads") {
  const std::vector<std::int64_t> sizes{3, 17, 1, 8192, 8191, 16, 0, 33333, 5, 40000, 7};
  const AdamStep how{.learning_rate = 0.01, .beta_1 = 0.9, .beta_2 = 0.999, .epsilon = 1e-7};
  nyala::backend::Kernels& kernels = nyala::backend::kernels_for(nyala::Device());
  Variables alone(sizes);
  for (const StepVariable& each : alone.step) kernels.adam_step(how, std::span(&each, 1));
  const int before = nyala::num_threads();
  for (const int threads : {1, 2, 3}) {
    nyala::set_num_threads(threads);
    Variables together(sizes);
    kernels.adam_step(how, together.step);
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      INFO("variable " << i << ", threads " << threads);
      CHECK(together.values[i].to_vector<float>() == alone.values[i].to_vector<float>());
      CHECK(together.momenta[i].to_vector<float>() == alone.momenta[i].to_vector<float>());
      CHECK(together.velocities[i].to_vector<float>() == alone.velocities[i].to_vector<float>());
    }
  }
  nyala::set_num_threads(before);
  CHECK(alone.values[3].to_vector<float>() != Variables(sizes).values[3].to_vector<float>());
}
