#include "support/golden_models.hpp"

#include <vector>

#include <nyala/layers.hpp>
#include <nyala/losses.hpp>
#include <nyala/metrics.hpp>
#include <nyala/optimizers.hpp>
#include <nyala/regularizers.hpp>
#include <nyala/schedules.hpp>

namespace nyala::golden {

namespace {

Model dense_regression() { return Sequential{Input({3}), Dense(8, {.activation = "tanh"}), Dense(1)}; }

Model softmax_classifier() {
  return Sequential{
      Input({4}),
      Dense(9, {.activation = "relu", .kernel_regularizer = L2(0.01)}),
      Dense(3, {.activation = "softmax", .kernel_regularizer = "l2"}),
  };
}

Model convolution() {
  return Sequential{
      Input({6, 6, 2}),
      Conv2D(4, 3, {.padding = "same", .use_bias = false}),
      BatchNormalization(),
      Activation("relu"),
      MaxPooling2D(2),
      Conv2D(3, 2, {.activation = "relu"}),
      Flatten(),
      Dense(3),
  };
}

Model recurrent() {
  return Sequential{Input({5}, {.dtype = DType::int32}), Embedding(9, 4, {.mask_zero = true}), LSTM(5),
                    Dense(1, {.activation = "sigmoid"})};
}

Model two_inputs() {
  auto a = Input({3}, {.name = "a"}), b = Input({2}, {.name = "b"});
  auto shared = layer(Dense(4, {.activation = "elu", .name = "shared"}));
  auto left = shared(a), right = shared(Dense(3, {.name = "widen"})(b));
  auto product = Multiply({.name = "product"})({left, right});
  auto both = Concatenate({.name = "both"})({left, product});
  auto price = Dense(1, {.name = "price"})(both);
  auto kind = Dense(3, {.activation = "softmax", .name = "kind"})(Add({.name = "sum"})({left, right}));
  return Model({a, b}, {price, kind}, {.name = "two_inputs"});
}

Model attention() {
  auto x = Input({4, 6}, {.name = "x"});
  auto mixed = MultiHeadAttention({.num_heads = 2, .key_dim = 3, .name = "attention"})({x, x});
  auto h = LayerNormalization({.name = "norm"})(Add({.name = "residual"})({x, mixed}));
  h = Dense(5, {.activation = "gelu", .name = "feed"})(h);
  auto y = Dense(2, {.name = "head"})(GlobalAveragePooling1D({.name = "pool"})(h));
  return Model(x, y, {.name = "attention_model"});
}

Model nested() {
  auto inner_in = Input({4}, {.name = "inner_in"});
  Model inner(inner_in, Dense(3, {.activation = "tanh", .name = "inner_dense"})(inner_in), {.name = "inner"});
  Sequential block({Input({3}), Dense(3, {.activation = "relu"}), Dense(3)}, {.name = "block"});
  auto x = Input({4}, {.name = "x"});
  auto h = inner(x);
  auto first = block(h);
  auto second = block(inner(Dense(4, {.name = "twist"})(x)));
  return Model(x, Dense(2, {.name = "head"})(Add({.name = "sum"})({first, second})), {.name = "nested"});
}

Model sequences() {
  return Sequential{
      Input({4, 3}),
      Bidirectional(LSTM(2, {.return_sequences = true})),
      TimeDistributed(Dense(3, {.activation = "relu"})),
      Bidirectional(GRU(2, {.return_sequences = true, .reset_after = false}), {.merge_mode = "sum"}),
      SimpleRNN(3, {.return_sequences = true}),
      LayerNormalization(),
      GRU(2),
      Dense(1),
  };
}

Model images() {
  return Sequential{
      Input({5, 6, 2}),
      SeparableConv2D(3, 2),
      BatchNormalization({.scale = false}),
      PReLU(),
      DepthwiseConv2D(2, {.depth_multiplier = 2}),
      GroupNormalization(3),
      Dropout(0.5),
      Conv2DTranspose(2, 2, {.strides = 2}),
      GlobalAveragePooling2D(),
      Dense(2),
  };
}

Model many_dense() {
  std::vector<LayerRef> layers{Input({2})};
  for (int i = 0; i < 12; ++i) layers.emplace_back(Dense(2, {.activation = "softsign"}));
  return Sequential(layers);
}

class Subclassed : public Model {
 public:
  Tensor forward(const Tensor& x, bool training) override {
    Tensor h = encoder_(x, training);
    for (const LayerRef& block : blocks_) h = h + block(h, training);
    return head_(h, training);
  }

 private:
  LayerRef encoder_ = track(Dense(3, {.activation = "relu"}), "encoder"), head_ = track(Dense(2), "head");
  std::vector<LayerRef> blocks_{track(Dense(3), "blocks/dense"), track(Dense(3), "blocks/dense_1")};
};

Model subclassed() { return Subclassed(); }

}  // namespace

const std::map<std::string, std::function<Model()>>& models() {
  static const std::map<std::string, std::function<Model()>> all = {
      {"dense_regression", dense_regression},
      {"softmax_classifier", softmax_classifier},
      {"convolution", convolution},
      {"recurrent", recurrent},
      {"two_inputs", two_inputs},
      {"attention", attention},
      {"nested", nested},
      {"sequences", sequences},
      {"images", images},
      {"many_dense", many_dense},
      {"subclassed", subclassed},
  };
  return all;
}

void compile_model(const std::string& name, Model& model) {
  if (name == "dense_regression") {
    model.compile(Adam({.learning_rate = 0.02}), "mse", {.metrics = {"mae"}});
  } else if (name == "softmax_classifier") {
    model.compile(SGD({.learning_rate = 0.1, .momentum = 0.9}), "sparse_categorical_crossentropy",
                  {.metrics = {"accuracy"}});
  } else if (name == "convolution") {
    model.compile(RMSprop({.learning_rate = 0.003}), CategoricalCrossentropy({.from_logits = true}),
                  {.metrics = {"accuracy"}});
  } else if (name == "recurrent") {
    model.compile(AdamW({.learning_rate = 0.01, .weight_decay = 0.02}), "binary_crossentropy",
                  {.metrics = {"accuracy"}});
  } else if (name == "two_inputs") {
    model.compile(Adam({.learning_rate = 0.02}), {"huber", "sparse_categorical_crossentropy"},
                  {.metrics = {{"price", {"mae"}}, {"kind", {"accuracy"}}}, .loss_weights = {1.0, 0.4}});
  } else if (name == "attention") {
    const CosineDecay schedule(0.005, 15, {.alpha = 0.1, .warmup_target = 0.03, .warmup_steps = 4});
    model.compile(Adam({.learning_rate = schedule, .clipnorm = 0.5}), "mse",
                  {.metrics = {"mse", RootMeanSquaredError()}});
  }
}

}  // namespace nyala::golden
