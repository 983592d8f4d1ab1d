// How the time of a training step grows: with threads, batch, width, sequence, depth and samples. One JSON line a row;
// "relative" is the time per unit of work beside the row's first, which stays near 1 where growth is linear.
#include <nyala/nyala.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

using namespace nyala;

namespace {

/// The shortest of several runs, in seconds, after one to warm up.
double seconds(const std::function<void()>& work) {
  work();
  double best = 1e30;
  for (int i = 0; i < 3; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

double epoch(Model model, const Tensor& x, const Tensor& y, int batch) {
  model.compile("adam", "mse");
  return seconds([&] { model.fit(x, y, {.epochs = 1, .batch_size = batch, .verbose = 0}); });
}

/// `time_per_unit` at each size, beside the first.
void row(const char* name, const std::vector<int>& sizes, const std::function<double(int)>& time_per_unit) {
  std::printf("{\"growth\": \"%s\"", name);
  double first = 0.0;
  for (const int size : sizes) {
    const double time = time_per_unit(size);
    first = first == 0.0 ? time : first;
    std::printf(", \"%d\": %.3f", size, time / first);
    std::fflush(stdout);
  }
  std::printf("}\n");
}

Model dense_stack(int inputs, int width, int depth) {
  std::vector<LayerRef> layers{Input({inputs})};
  for (int i = 0; i < depth; ++i) layers.push_back(Dense(width, {.activation = "relu"}));
  layers.push_back(Dense(1));
  return Sequential(layers);
}

double convolution_epoch() {
  auto in = Input({32, 32, 3});
  auto h = Conv2D(32, 3, {.padding = "same", .activation = "relu"})(in);
  for (int i = 0; i < 4; ++i) h = ReLU()(BatchNormalization()(Conv2D(32, 3, {.padding = "same"})(h)));
  return epoch(Model(in, Dense(1)(GlobalAveragePooling2D()(h))), random::uniform({64, 32, 32, 3}),
               random::uniform({64, 1}), 32);
}

double attention_epoch(int steps) {
  auto in = Input({steps, 64});
  auto h = LayerNormalization()(Add()({in, MultiHeadAttention({.num_heads = 4, .key_dim = 16})({in, in})}));
  h = LayerNormalization()(Add()({h, Dense(64)(Dense(256, {.activation = "gelu"})(h))}));
  return epoch(Model(in, Dense(1)(GlobalAveragePooling1D()(h))), random::uniform({64, steps, 64}),
               random::uniform({64, 1}), 32);
}

}  // namespace

int main() {
  set_random_seed(0);
  row("threads, convolutions (ideal 1, 0.5)", {1, 2}, [](int threads) {
    set_num_threads(threads);
    return convolution_epoch();
  });
  row("threads, transformer (ideal 1, 0.5)", {1, 2}, [](int threads) {
    set_num_threads(threads);
    return attention_epoch(64);
  });
  row("batch, per sample", {32, 128, 1024}, [](int batch) {
    return epoch(dense_stack(256, 512, 2), random::uniform({4096, 256}), random::uniform({4096, 1}), batch) / 4096;
  });
  row("width, per weight", {64, 256, 1024, 4096}, [](int width) {
    const double weights = static_cast<double>(width) * width + 65.0 * width;
    return epoch(dense_stack(64, width, 2), random::uniform({512, 64}), random::uniform({512, 1}), 128) / weights;
  });
  row("sequence of an LSTM, per step", {16, 128, 512}, [](int steps) {
    const Model model = Sequential{Input({steps, 32}), LSTM(64), Dense(1)};
    return epoch(model, random::uniform({64, steps, 32}), random::uniform({64, 1}), 32) / steps;
  });
  row("depth, per layer", {2, 16, 64}, [](int depth) {
    return epoch(dense_stack(128, 128, depth), random::uniform({512, 128}), random::uniform({512, 1}), 64) / depth;
  });
  row("samples, per sample", {100'000, 1'000'000}, [](int samples) {
    return epoch(dense_stack(8, 16, 1), random::uniform({samples, 8}), random::uniform({samples, 1}), 256) / samples;
  });
}
