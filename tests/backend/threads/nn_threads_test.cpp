#include <thread>

#include <nyala/backend.hpp>

#include "backend/nn_check.hpp"
#include "backend/nn_rnn_cases.hpp"
#include "backend/nn_windows.hpp"

using namespace nn_check;
using nyala::FusedActivation;

// One model may predict from many threads at once: the kernels share primitives, a pool and scratch memory.

TEST_CASE("kernels give the same results when many threads call them at once") {
  constexpr DType f32 = DType::float32;
  const std::vector<ConvCase> convolutions{conv_case("small", {2, 6, 6, 3}, {3, 3, 3, 8}, 1, 1, 1, 1),
                                           conv_case("large", {9, 20, 20, 16}, {3, 3, 16, 24}, 1, 1, 1, 1)};
  RnnCase sequence;
  sequence.batch = 17;
  const auto run_all = [&] {
    std::vector<Tensor> results;
    Tensor none;
    for (const ConvCase& c : convolutions) {
      const Tensor x = random(c.x, 1, f32), kernel = random(c.kernel, 2, f32);
      Tensor out = zeros(c.out(), f32), dx = zeros(c.x, f32), dkernel = zeros(c.kernel, f32);
      auto& kernels = nyala::backend::kernels(x);
      kernels.conv(x, kernel, none, c.window, FusedActivation::relu, none, out);
      kernels.conv_backward_data(out, kernel, c.window, dx);
      kernels.conv_backward_filter(x, out, c.window, dkernel);
      results.insert(results.end(), {out, dx, dkernel});
    }
    const Tensor x = random({130, 90}, 1, f32), kernel = random({90, 200}, 2, f32);
    Tensor y = zeros({130, 200}, f32);
    nyala::backend::kernels(x).dense(x, kernel, none, FusedActivation::tanh, none, y);
    results.push_back(y);
    RnnRun run(sequence, f32);
    run.forward(nyala::backend::kernels(x), true);
    run.backward(nyala::backend::kernels(x));
    results.insert(results.end(), {run.sequence, run.gradients.dkernel});
    return results;
  };
  const std::vector<Tensor> expected = run_all();
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (int& count : wrong)
    threads.emplace_back([&] {
      for (int round = 0; round < 3; ++round) {
        const std::vector<Tensor> found = run_all();
        for (std::size_t i = 0; i < expected.size(); ++i) count += !same_bits(found[i], expected[i]);
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const int count : wrong) CHECK(count == 0);
}
