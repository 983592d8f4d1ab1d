// Kernels one by one, each with its rate: multiplications count 2 a piece, memory what must be read and written at
// least. The roofs to hold them against are the first two rows: a large product, and a copy.
#include <benchmark/benchmark.h>
#include <nyala/nyala.hpp>

using namespace nyala;

namespace {

void flops(benchmark::State& state, double each) {
  state.counters["FLOP"] =
      benchmark::Counter(each * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
void bytes(benchmark::State& state, double each) {
  state.SetBytesProcessed(static_cast<std::int64_t>(each) * state.iterations());
}

void product(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  const Tensor a = random::uniform({n, n}), b = random::uniform({n, n});
  for (auto _ : state) benchmark::DoNotOptimize(matmul(a, b));
  flops(state, 2.0 * static_cast<double>(n * n * n));
}
BENCHMARK(product)->Arg(1024)->Arg(128)->Arg(32)->Arg(8)->UseRealTime();

void copy(benchmark::State& state) {
  const Tensor x = random::uniform({1 << 22});
  for (auto _ : state) benchmark::DoNotOptimize(x.clone());
  bytes(state, 2.0 * 4 * (1 << 22));
}
BENCHMARK(copy)->UseRealTime();

void one_row(benchmark::State& state) {
  const Tensor x = random::uniform({1, 1024}), kernel = random::uniform({1024, 1024});
  for (auto _ : state) benchmark::DoNotOptimize(matmul(x, kernel));
  bytes(state, 4.0 * 1024 * 1024);
}
BENCHMARK(one_row)->UseRealTime();

void convolution(benchmark::State& state) {
  const std::int64_t batch = state.range(0), size = state.range(1), channels = state.range(2);
  const Tensor x = random::uniform({batch, size, size, channels}), kernel = random::uniform({3, 3, channels, channels});
  for (auto _ : state) benchmark::DoNotOptimize(conv(x, kernel, Tensor(), {.padding = "same"}));
  flops(state, 18.0 * static_cast<double>(batch * size * size * channels * channels));
}
BENCHMARK(convolution)->Args({32, 32, 16})->Args({32, 16, 32})->Args({32, 8, 64})->Args({1, 28, 32})->UseRealTime();

void elementwise(benchmark::State& state) {
  const Tensor a = random::uniform({state.range(0)}), b = random::uniform({state.range(0)});
  for (auto _ : state) benchmark::DoNotOptimize(a + b);
  bytes(state, 12.0 * static_cast<double>(state.range(0)));
}
BENCHMARK(elementwise)->Arg(8)->Arg(4096)->Arg(1 << 20)->UseRealTime();

void softmax_rows(benchmark::State& state) {
  const Tensor x = random::uniform({4096, state.range(0)});
  for (auto _ : state) benchmark::DoNotOptimize(softmax(x));
  bytes(state, 8.0 * 4096 * static_cast<double>(state.range(0)));
}
BENCHMARK(softmax_rows)->Arg(10)->Arg(64)->Arg(512)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
