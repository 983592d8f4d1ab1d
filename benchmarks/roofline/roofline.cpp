// How near a training step comes to the bare primitives that it needs, on one thread: the products, convolutions,
// normalizations and activations of oneDNN, called directly one after the other, and one pass over memory for the
// optimizer. Nyala's convolutions of 3 x 3 take fewer multiplications than oneDNN's direct ones, and its float32
// products run on the tile unit where there is one: a step may be above 1.
#include <nyala/nyala.hpp>

#include <cstdio>
#include <string>
#include <utility>

#include "bare.hpp"

// From the OpenMP runtime that oneDNN uses.
extern "C" void omp_set_num_threads(int count) noexcept;

using namespace nyala;

namespace {

struct Work {
  Model model;
  Tensor x, y;
  double roof;  // seconds a step
};

std::int64_t weights_of(Model& model) {
  std::int64_t count = 0;
  for (const auto& weight : model.trainable_variables()) count += weight.value().size();
  return count;
}

/// A dense layer on `rows` rows: the product and its two gradients, or one where the input's is not needed.
double dense(std::int64_t rows, std::int64_t in, std::int64_t out, bool first = false) {
  return roofline::product(rows, out, in) + roofline::product(in, out, rows) +
         (first ? 0.0 : roofline::product(rows, in, out));
}

Work mlp() {
  constexpr std::int64_t batch = 128;
  Model model = Sequential{Input({784}), Dense(512, {.activation = "relu"}), Dense(512, {.activation = "relu"}),
                           Dense(10, {.activation = "softmax"})};
  return {model, random::uniform({batch, 784}), random::randint({batch}, 0, 10),
          dense(batch, 784, 512, true) + dense(batch, 512, 512) + dense(batch, 512, 10)};
}

Work resnet() {
  constexpr std::int64_t batch = 64;
  auto in = Input({32, 32, 3});
  auto h = ReLU()(BatchNormalization()(Conv2D(16, 3, {.padding = "same", .use_bias = false})(in)));
  double roof = roofline::convolution({batch, 32, 3, 16, 3, 1, true}) + roofline::batch_norm(batch, 32, 16, true);
  int channels = 16, size = 32;
  for (const int width : {16, 32, 64}) {
    for (int block = 0; block < 3; ++block) {
      const int stride = width != 16 && block == 0 ? 2 : 1;
      auto skip = h;
      if (stride != 1 || channels != width) {
        skip = Conv2D(width, 1, {.strides = stride, .use_bias = false})(h);
        roof += roofline::convolution({batch, size, channels, width, 1, stride});
      }
      auto z = Conv2D(width, 3, {.strides = stride, .padding = "same", .use_bias = false})(h);
      z = ReLU()(BatchNormalization()(z));
      z = BatchNormalization()(Conv2D(width, 3, {.padding = "same", .use_bias = false})(z));
      h = ReLU()(Add()({skip, z}));
      roof += roofline::convolution({batch, size, channels, width, 3, stride});
      size /= stride;
      roof += roofline::convolution({batch, size, width, width, 3, 1}) +
              roofline::batch_norm(batch, size, width, true) + roofline::batch_norm(batch, size, width, true);
      channels = width;
    }
  }
  return {Model(in, Dense(10, {.activation = "softmax"})(GlobalAveragePooling2D()(h))),
          random::uniform({batch, 32, 32, 3}), random::randint({batch}, 0, 10), roof};
}

Work transformer() {
  constexpr std::int64_t batch = 32, length = 64, heads = 4, width = 32, size = heads * width, rows = batch * length;
  double roof = 0.0;
  auto in = Input({length}, {.dtype = DType::int32});
  auto h = Embedding(20000, size)(in);
  for (int block = 0; block < 2; ++block) {
    h = LayerNormalization()(Add()(
        {h, MultiHeadAttention({.num_heads = static_cast<int>(heads), .key_dim = static_cast<int>(width)})({h, h})}));
    auto f = Dense(size)(Dense(4 * size, {.activation = "gelu"})(h));
    h = LayerNormalization()(Add()({h, f}));
    const double head = dense(length, width, length);  // two of a kind: scores, and their sums of values
    roof += 4 * dense(rows, size, size) + 2 * static_cast<double>(batch * heads) * head +
            roofline::softmax(batch * heads * length, length) + dense(rows, size, 4 * size) +
            roofline::gelu(rows * 4 * size) + dense(rows, 4 * size, size) + 2 * roofline::layer_norm(rows, size);
  }
  return {Model(in, Dense(1, {.activation = "sigmoid"})(GlobalAveragePooling1D()(h))),
          random::randint({batch, length}, 0, 20000), cast(random::randint({batch, 1}, 0, 2), DType::float32), roof};
}

void show(const std::string& name, Work work, const char* loss) {
  const double roof = work.roof + roofline::sweep(weights_of(work.model));
  work.model.compile(Adam(), loss);
  const double step = roofline::seconds([&] { work.model.train_on_batch(work.x, work.y); });
  std::printf("{\"work\": \"%s\", \"step_ms\": %.3f, \"bare_ms\": %.3f, \"share_of_the_roof\": %.2f}\n", name.c_str(),
              step * 1e3, roof * 1e3, roof / step);
}

}  // namespace

int main() {
  set_num_threads(1);  // one core against one core
  omp_set_num_threads(1);
  show("mlp", mlp(), "sparse_categorical_crossentropy");
  show("resnet", resnet(), "sparse_categorical_crossentropy");
  show("transformer", transformer(), "binary_crossentropy");
}
