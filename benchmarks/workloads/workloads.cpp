// Networks of other shapes than the contract's (../contract): what one tunes to must not be all that is fast. One
// workload a process, one JSON line; peers.py beside this file is the same for PyTorch and Keras.
// usage: nyala_workloads NAME   NYALA_POLICY=mixed_bfloat16 chooses the dtype policy.
#include <nyala/nyala.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

using namespace nyala;

namespace {

struct Work {
  Tensor x, y;
  int batch = 0;
  Model model;
  std::string loss;
};

Tensor tokens(std::int64_t samples, std::int64_t steps) { return random::randint({samples, steps}, 0, 20000); }
Tensor classes(std::int64_t samples) { return random::randint({samples}, 0, 10); }
Tensor answers(std::int64_t samples) { return cast(random::randint({samples, 1}, 0, 2), DType::float32); }
DenseOptions last(const std::string& activation) { return {.activation = activation, .dtype = "float32"}; }

const std::string of_classes = "sparse_categorical_crossentropy", of_answers = "binary_crossentropy";

/// Two GRU layers over a measured series.
Work gru() {
  return {random::uniform({640, 64, 16}), classes(640), 32,
          Sequential{Input({64, 16}), GRU(96, {.return_sequences = true}), GRU(96), Dense(10, last("softmax"))},
          of_classes};
}

Work bilstm() {
  return {tokens(320, 80), answers(320), 32,
          Sequential{Input({80}, {.dtype = DType::int32}), Embedding(20000, 64), Bidirectional(LSTM(64)),
                     Dense(1, last("sigmoid"))},
          of_answers};
}

Work conv1d() {
  return {random::uniform({1280, 128, 9}), classes(1280), 64,
          Sequential{Input({128, 9}), Conv1D(64, 5, {.padding = "same", .activation = "relu"}), BatchNormalization(),
                     MaxPooling1D(2), Conv1D(128, 5, {.padding = "same", .activation = "relu"}), BatchNormalization(),
                     GlobalAveragePooling1D(), Dense(10, last("softmax"))},
          of_classes};
}

/// Depthwise separable blocks, as in MobileNet.
Work mobile() {
  auto in = Input({64, 64, 3});
  auto block = [](const KerasTensor& x, int filters, int strides) {
    auto h = DepthwiseConv2D(3, {.strides = strides, .padding = "same", .use_bias = false})(x);
    h = ReLU({.max_value = 6.0})(BatchNormalization()(h));
    h = Conv2D(filters, 1, {.use_bias = false})(h);
    return ReLU({.max_value = 6.0})(BatchNormalization()(h));
  };
  auto h = Conv2D(32, 3, {.strides = 2, .padding = "same", .use_bias = false})(in);
  h = ReLU({.max_value = 6.0})(BatchNormalization()(h));
  h = block(block(block(block(block(h, 64, 1), 128, 2), 128, 1), 256, 2), 256, 1);
  return {random::uniform({256, 64, 64, 3}), classes(256), 32,
          Model(in, Dense(10, last("softmax"))(GlobalAveragePooling2D()(h))), of_classes};
}

Work unet() {
  auto in = Input({64, 64, 3});
  auto pair = [](const KerasTensor& x, int filters) {
    const ConvOptions<2> options{.padding = "same", .activation = "relu"};
    return Conv2D(filters, 3, options)(Conv2D(filters, 3, options)(x));
  };
  auto a = pair(in, 16);
  auto b = pair(MaxPooling2D(2)(a), 32);
  auto c = pair(MaxPooling2D(2)(b), 64);
  auto up = pair(Concatenate()({Conv2DTranspose(32, 2, {.strides = 2, .padding = "same"})(c), b}), 32);
  up = pair(Concatenate()({Conv2DTranspose(16, 2, {.strides = 2, .padding = "same"})(up), a}), 16);
  return {random::uniform({128, 64, 64, 3}), cast(random::randint({128, 64, 64, 1}, 0, 2), DType::float32), 16,
          Model(in, Conv2D(1, 1, {.activation = "sigmoid"})(up)), of_answers};
}

/// Four blocks with longer sequences and dropout.
Work encoder() {
  auto in = Input({128}, {.dtype = DType::int32});
  auto h = Embedding(20000, 192)(in);
  for (int block = 0; block < 4; ++block) {
    auto attended = MultiHeadAttention({.num_heads = 6, .key_dim = 32})({h, h});
    h = LayerNormalization()(Add()({h, Dropout(0.1)(attended)}));
    auto f = Dense(192)(Dense(768, {.activation = "relu"})(h));
    h = LayerNormalization()(Add()({h, Dropout(0.1)(f)}));
  }
  return {tokens(256, 128), answers(256), 16, Model(in, Dense(1, last("sigmoid"))(GlobalAveragePooling1D()(h))),
          of_answers};
}

Work text() {
  return {tokens(5120, 200), answers(5120), 128,
          Sequential{Input({200}, {.dtype = DType::int32}), Embedding(20000, 32), GlobalAveragePooling1D(),
                     Dense(64, {.activation = "relu"}), Dense(1, last("sigmoid"))},
          of_answers};
}

/// Many small layers: overhead and batch normalisation.
Work deep() {
  auto in = Input({32});
  auto h = Dense(64, {.activation = "relu"})(in);
  for (int i = 0; i < 16; ++i) h = Dropout(0.2)(BatchNormalization()(Dense(64, {.activation = "relu"})(h)));
  return {random::uniform({6400, 32}), classes(6400), 64, Model(in, Dense(10, last("softmax"))(h)), of_classes};
}

Work wide() {
  return {random::uniform({5120, 256}), classes(5120), 256,
          Sequential{Input({256}), Dense(2048, {.activation = "relu"}), Dense(2048, {.activation = "relu"}),
                     Dense(10, last("softmax"))},
          of_classes};
}

Work autoencoder() {
  Tensor x = random::uniform({12800, 784});
  return {x, x, 256,
          Sequential{Input({784}), Dense(256, {.activation = "relu"}), Dense(64, {.activation = "relu"}),
                     Dense(256, {.activation = "relu"}), Dense(784, last("sigmoid"))},
          "mse"};
}

const std::map<std::string, Work (*)()> works{
    {"gru", gru},         {"bilstm", bilstm}, {"conv1d", conv1d}, {"mobile", mobile}, {"unet", unet},
    {"encoder", encoder}, {"text", text},     {"deep", deep},     {"wide", wide},     {"autoencoder", autoencoder}};

double seconds_of_cpu() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
  const auto found = argc == 2 ? works.find(argv[1]) : works.end();
  if (found == works.end()) {
    std::fprintf(stderr, "usage: nyala_workloads NAME, one of");
    for (const auto& [name, make] : works) std::fprintf(stderr, " %s", name.c_str());
    std::fprintf(stderr, "\n");
    return 2;
  }
  if (const char* policy = std::getenv("NYALA_POLICY")) set_dtype_policy(policy);
  set_random_seed(0);
  Work work = found->second();
  work.model.compile(Adam({.learning_rate = 1e-3}), work.loss);
  const auto epoch = [&] { work.model.fit(work.x, work.y, {.epochs = 1, .batch_size = work.batch, .verbose = 0}); };
  epoch();
  epoch();
  std::vector<double> times, cpu;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const double cpu_start = seconds_of_cpu();
    epoch();
    cpu.push_back(seconds_of_cpu() - cpu_start);
    times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  std::sort(cpu.begin(), cpu.end());
  const double samples = static_cast<double>(work.x.shape()[0]);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "{\"peer\": \"nyala\", \"work\": \"%s\", \"samples_per_s\": %.0f, \"best\": %.0f, \"cpu_us\": %.1f, \"rss_mb\": "
      "%ld}\n",
      argv[1], samples / times[times.size() / 2], samples / times[0], cpu[0] / samples * 1e6, usage.ru_maxrss / 1024);
}
