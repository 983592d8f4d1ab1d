#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <nyala/nyala.hpp>
#include <nyala/threads.hpp>

#include "random_network.hpp"
#include "support/build_kind.hpp"

// Networks that nobody thought of: what all fast paths together give, predicting and training, beside float64, which
// takes none of them; to the same bits with one thread and two, and again after a training that was undone.
// NYALA_NETWORKS=first:count tries others.

using namespace nyala;

namespace {

using Numbers = std::vector<std::vector<double>>;

Numbers numbers_of(const std::vector<Tensor>& tensors) {
  Numbers all;
  for (const Tensor& each : tensors) all.push_back(cast(each, DType::float64).to_vector<double>());
  return all;
}
std::vector<Tensor> tensors_of(const Tensors& tensors) { return {tensors.begin(), tensors.end()}; }

/// Weights that tell every one from its neutral value.
std::vector<Tensor> weights_for(const Model& model, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<Tensor> values;
  for (const Variable& weight : model.weights()) {
    std::vector<float> numbers = cast(weight.value(), DType::float32).to_vector<float>();
    const std::string& name = weight.name();
    for (float& each : numbers) {
      const float noise = normal(random);
      each = name.find("variance") != std::string::npos                  ? 0.5F + std::abs(noise)
             : name == "gamma"                                           ? 1.0F + 0.3F * noise
             : name == "bias" || name == "beta" || name == "moving_mean" ? 0.3F * noise
                                                                         : each + 0.01F * noise;
    }
    values.push_back(reshape(tensor(numbers), weight.shape()));
  }
  return values;
}

struct NetworkRun {
  Numbers predicted, again, before, after, trained;
  double loss = 0;
};

struct SeededNetwork {
  unsigned seed;
  double most;
  std::string text;
  std::vector<Tensor> weights, x, y;

  NetworkRun run(const std::string& policy, int threads) {
    set_num_threads(threads);
    set_random_seed(seed);
    set_dtype_policy(policy);
    testing::RandomNetwork network(seed, most);
    Model model = network.model();
    text = network.text();
    if (x.empty()) {
      weights = weights_for(model, seed);
      const auto sized = [&](Shape shape) {
        shape[0] = network.batch();
        return random::normal(shape);
      };
      for (const KerasTensor& in : model.inputs()) x.push_back(sized(in.shape()));
      for (const KerasTensor& out : model.outputs_symbolic()) y.push_back(sized(out.shape()));
    }
    NetworkRun run;
    model.set_weights(weights);
    run.predicted = numbers_of(tensors_of(model.outputs(x)));
    run.before = numbers_of(model.get_weights());
    model.compile(SGD({.learning_rate = 0.01}), "mse");
    run.loss = model.train_on_batch(x, y).at("loss");
    run.after = numbers_of(model.get_weights());
    run.trained = numbers_of(tensors_of(model.outputs(x)));
    model.set_weights(weights);
    run.again = numbers_of(tensors_of(model.outputs(x)));
    return run;
  }
};

bool all_calm(const NetworkRun& run) {
  for (const Numbers* const all : {&run.predicted, &run.after, &run.trained})
    for (const std::vector<double>& each : *all)
      for (const double value : each)
        if (!(std::abs(value) < 1e4)) return false;
  return true;
}

/// The largest distance beside the largest number.
double network_distance(const Numbers& found, const Numbers& expected) {
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    double largest = 1e-3, far = 0;
    for (std::size_t k = 0; k < expected[i].size(); ++k) {
      largest = std::max(largest, std::abs(expected[i][k]));
      far = std::max(far, std::abs(found[i][k] - expected[i][k]));
    }
    worst = std::max(worst, far / largest);
  }
  return worst;
}

/// The least cosine between the changes of a weight and those in float64, of weights that changed as others did. A few
/// numbers differ by much where a maximum or a relu is decided by a last digit.
double changes_alike(const NetworkRun& run, const NetworkRun& exact) {
  std::vector<double> lengths;
  double longest = 0, least = 1;
  const auto change = [](const NetworkRun& r, std::size_t i, std::size_t k) { return r.after[i][k] - r.before[i][k]; };
  for (std::size_t i = 0; i < exact.after.size(); ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < exact.after[i].size(); ++k) sum += std::pow(change(exact, i, k), 2);
    lengths.push_back(std::sqrt(sum));
    longest = std::max(longest, lengths.back());
  }
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    double product = 0, own = 0;
    for (std::size_t k = 0; k < exact.after[i].size(); ++k) {
      product += change(run, i, k) * change(exact, i, k);
      own += std::pow(change(run, i, k), 2);
    }
    if (lengths[i] > 0.02 * longest && lengths[i] > 1e-4)
      least = std::min(least, product / (std::sqrt(own) * lengths[i]));
  }
  return least;
}

std::pair<unsigned, unsigned> networks() {
  const char* const asked = std::getenv("NYALA_NETWORKS");
  if (asked == nullptr) return {1, build_kind::slow ? 12 : 400};
  const std::string text = asked;
  return {static_cast<unsigned>(std::stoul(text)), static_cast<unsigned>(std::stoul(text.substr(text.find(':') + 1)))};
}

}  // namespace

TEST_CASE("random networks give what they give in float64, with any number of threads") {
  const int threads = num_threads();
  const DTypePolicy policy = dtype_policy();
  const auto [first, count] = networks();
  unsigned compared = 0;
  for (unsigned seed = first; seed < first + count; ++seed)
    for (const std::string name : {"float32", "mixed_bfloat16"}) {
      const bool half = name != "float32";
      if (half && seed % 3 != 0) continue;
      SeededNetwork c{seed, half ? 1e7 : 3e7, {}, {}, {}, {}};
      const NetworkRun exact = c.run("float64", 2), found = c.run(name, 2), alone = c.run(name, 1);
      CAPTURE(seed);
      CAPTURE(name);
      CAPTURE(c.text);
      if (!all_calm(exact) || !all_calm(found)) continue;
      ++compared;
      CHECK(found.predicted == found.again);
      CHECK(found.predicted == alone.predicted);
      CHECK(found.after == alone.after);
      CHECK(found.trained == alone.trained);
      CHECK(found.loss == alone.loss);
      CHECK(network_distance(found.predicted, exact.predicted) < (half ? 0.25 : 5e-5));
      CHECK(found.loss == doctest::Approx(exact.loss).epsilon(half ? 0.1 : 1e-4));
      // Normalised over two or three samples, bfloat16 numbers lead anywhere.
      if (!half || c.x.front().shape()[0] >= 7) CHECK(changes_alike(found, exact) > (half ? 0.75 : 0.9999));
    }
  CHECK(compared > count / 2);
  set_num_threads(threads);
  set_dtype_policy(policy);
}
