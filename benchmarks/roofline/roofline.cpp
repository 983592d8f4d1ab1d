// How near a training step comes to the bare primitives that it needs: for the mlp workload the products of oneDNN,
// called directly, and one pass over memory for the optimizer (reads 4 and writes 3 numbers a weight).
#include <nyala/nyala.hpp>

#include <oneapi/dnnl/dnnl.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <vector>

// From the OpenMP runtime that oneDNN uses.
extern "C" void omp_set_num_threads(int count) noexcept;

using namespace nyala;

namespace {

double seconds(const std::function<void()>& work) {
  double best = 1e30;
  for (int i = 0; i < 12; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    if (i > 1) best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

struct Sizes {
  std::int64_t m, n, k;
};

double bare_product(const Sizes& s) {
  const auto count = [](std::int64_t a, std::int64_t b) { return static_cast<std::size_t>(a * b); };
  std::vector<float> a(count(s.m, s.k), 1.0f), b(count(s.k, s.n), 1.0f), c(count(s.m, s.n));
  return seconds(
      [&] { dnnl::sgemm('N', 'N', s.m, s.n, s.k, 1.0f, a.data(), s.k, b.data(), s.n, 0.0f, c.data(), s.n); });
}

/// As many bytes as the optimizer's pass, by the C library's copy.
double bare_sweep(std::size_t weights) {
  const std::vector<float> from(weights * 7 / 2, 1.0f);
  std::vector<float> to(from.size());
  return seconds([&] { std::memcpy(to.data(), from.data(), from.size() * sizeof(float)); });
}

}  // namespace

int main() {
  set_num_threads(1);  // one core against one core
  omp_set_num_threads(1);
  constexpr std::int64_t batch = 128;
  double roof = 0.0;
  std::size_t weights = 0;
  bool first = true;
  for (const auto& [in, out] : {std::pair<std::int64_t, std::int64_t>{784, 512}, {512, 512}, {512, 10}}) {
    roof += bare_product({batch, out, in}) + bare_product({in, out, batch});
    if (!first) roof += bare_product({batch, in, out});  // the data's own gradient is not needed
    first = false;
    weights += static_cast<std::size_t>(in * out + out);
  }
  roof += bare_sweep(weights);
  Model model = Sequential{Input({784}), Dense(512, {.activation = "relu"}), Dense(512, {.activation = "relu"}),
                           Dense(10, {.activation = "softmax"})};
  model.compile(Adam(), "sparse_categorical_crossentropy");
  const Tensor x = random::uniform({batch, 784}), y = random::randint({batch}, 0, 10);
  const double step = seconds([&] { model.train_on_batch(x, y); });
  std::printf("{\"work\": \"mlp\", \"step_ms\": %.3f, \"bare_ms\": %.3f, \"share_of_the_roof\": %.2f}\n", step * 1e3,
              roof * 1e3, roof / step);
}
