#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <nyala/error.hpp>
#include <nyala/losses.hpp>
#include <nyala/ops.hpp>

#include "support/gradcheck.hpp"

using namespace nyala;

namespace {

/// Minus the logarithm of the sum over all paths that read as `labels`, one by one.
double by_enumeration(const std::vector<double>& chances, int steps, int classes, const std::vector<int>& labels) {
  int paths = 1;
  for (int t = 0; t < steps; ++t) paths *= classes;
  double sum = 0.0;
  for (int path = 0; path < paths; ++path) {
    std::vector<int> read;
    double chance = 0.0;
    for (int t = 0, rest = path, last = 0; t < steps; ++t, rest /= classes) {
      const int here = rest % classes;
      chance += chances[static_cast<std::size_t>(t * classes + here)];
      if (here != 0 && here != last) read.push_back(here);
      last = here;
    }
    if (read == labels) sum += std::exp(chance);
  }
  return -std::log(sum);
}

}  // namespace

TEST_CASE("ctc is the sum over all paths") {
  constexpr int steps = 5, classes = 4;
  const Tensor logits = testing::scattered({3, steps, classes}, -1.5, 1.5);
  const Tensor labels = tensor({{1, 2, 0}, {3, 3, 0}, {2, 1, 2}});
  const std::vector<std::vector<int>> read{{1, 2}, {3, 3}, {2, 1, 2}};
  const std::vector<double> got = losses::ctc(labels, logits).to_vector<double>();
  const std::vector<double> chances = log_softmax(logits).to_vector<double>();
  for (std::size_t i = 0; i < 3; ++i) {
    const auto begin = chances.begin() + static_cast<std::ptrdiff_t>(i * steps * classes);
    const std::vector<double> own(begin, begin + steps * classes);
    CHECK(got[i] == doctest::Approx(by_enumeration(own, steps, classes, read[i])).epsilon(1e-9));
  }
  CHECK_EQ(testing::gradcheck([&](const std::vector<Tensor>& in) { return losses::ctc(labels, in[0]); }, {logits}), "");
  losses::CTC loss;
  CHECK(loss(labels, cast(logits, DType::float32)).item<double>() ==
        doctest::Approx((got[0] + got[1] + got[2]) / 3.0).epsilon(1e-5));
  CHECK_EQ(loss.config().json(), losses::CTC::from_config(loss.config()).config().json());
  CHECK_THROWS_AS(losses::ctc(tensor({1, 2}), logits), Error);
}
