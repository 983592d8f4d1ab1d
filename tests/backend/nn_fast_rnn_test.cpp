#include <nyala/threads.hpp>

#include "backend/cpu/reference/reference_kernels.hpp"
#include "nn_check.hpp"
#include "nn_rnn_cases.hpp"

using namespace nn_check;
using nyala::backend::ReferenceKernels;

namespace {

std::vector<RnnCase> all_cases() {
  auto cases = rnn_cases();
  for (const RnnCell cell : {RnnCell::simple, RnnCell::lstm, RnnCell::gru_reset_after})
    for (const bool masked : {false, true}) {
      RnnCase c;
      c.rnn.cell = cell;
      c.name = "large";
      c.batch = 37;
      c.time = cell == RnnCell::simple ? 4 : 9;  // without gates rounding grows fourfold at each step
      c.in = 19;
      c.units = 45;
      c.masked = masked;
      cases.push_back(c);
    }
  return cases;
}

std::vector<std::pair<std::string, Tensor>> results(const RnnRun& run) {
  std::vector<std::pair<std::string, Tensor>> all{{"sequence", run.sequence},
                                                  {"h", run.h},
                                                  {"c", run.cell},
                                                  {"dx", run.gradients.dx},
                                                  {"dh0", run.gradients.dh0},
                                                  {"dc0", run.gradients.dc0},
                                                  {"dkernel", run.gradients.dkernel},
                                                  {"drecurrent", run.gradients.drecurrent_kernel},
                                                  {"dbias", run.gradients.dbias}};
  std::erase_if(all, [](const auto& result) { return !result.second.defined(); });
  return all;
}

}  // namespace

TEST_CASE("fast: recurrent cells are the reference's, for any number of threads") {
  auto& fast = nyala::backend::kernels_for(nyala::Device());
  ReferenceKernels reference;
  const int before = nyala::num_threads();
  for (const RnnCase& c : all_cases()) {
    CAPTURE(c.name);
    RnnRun expected(c, DType::float32), one(c, DType::float32), two(c, DType::float32);
    expected.forward(reference, true);
    expected.backward(reference);
    nyala::set_num_threads(1);
    one.forward(fast, true);
    one.backward(fast);
    nyala::set_num_threads(2);
    two.forward(fast, false);
    two.forward(fast, true);
    two.backward(fast);
    const auto wanted = results(expected), found = results(one), again = results(two);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      CAPTURE(wanted[i].first);
      CHECK(difference(found[i].second, wanted[i].second) < 2e-5);
      CHECK(same_bits(again[i].second, found[i].second));
    }
    one.forward(fast, false);
    CHECK(difference(one.sequence, expected.sequence) < 1e-5);
    // The last state alone, as a layer that returns no sequences asks for.
    expected.gradient_sequence = one.gradient_sequence = {};
    expected.backward(reference);
    one.forward(fast, true);
    one.backward(fast);
    CHECK(difference(one.gradients.dx, expected.gradients.dx) < 2e-5);
  }
  nyala::set_num_threads(before);
}
