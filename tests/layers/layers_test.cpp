#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <nyala/autograd.hpp>
#include <nyala/error.hpp>
#include <nyala/layers.hpp>
#include <nyala/model.hpp>
#include <nyala/ops.hpp>

#include "support/gradcheck.hpp"

using namespace nyala;
using testing::scattered;

namespace {

/// What differs between the tape's gradients and float64 differences, for every input.
std::string input_gradients(const LayerRef& layer, const std::vector<Shape>& shapes, const CallContext& context) {
  std::vector<Tensor> inputs;
  unsigned seed = 1;
  for (const Shape& shape : shapes) inputs.push_back(scattered(shape, -1.0, 1.0, seed++));
  return testing::gradcheck(
      [&](const std::vector<Tensor>& given) { return Tensor(layer->outputs(Tensors(given), context)[0]); }, inputs);
}

/// d loss / d weights by the tape against differences in float64.
std::string weight_gradients(const LayerRef& layer, const std::vector<Shape>& shapes, const CallContext& context) {
  const testing::ReferenceKernelsScope reference;
  std::vector<Tensor> inputs;
  unsigned seed = 1;
  for (const Shape& shape : shapes) inputs.push_back(scattered(shape, -1.0, 1.0, seed++));
  layer->build_now(shapes);
  const std::vector<Variable> weights = layer->trainable_variables();
  for (const Variable& weight : weights) weight.assign(scattered(weight.shape(), 0.2, 1.0, seed++));
  const auto loss = [&] {
    const Tensor y = layer->outputs(inputs, context)[0];
    return sum(y * scattered(y.shape(), -1.0, 1.0, 77));
  };
  GradientTape tape;
  const Tensor value = loss();
  const std::vector<Tensor> gradients = tape.gradient(value, weights, {}, UnconnectedGradients::zero);
  constexpr double step = 1e-5;
  for (std::size_t w = 0; w < weights.size(); ++w) {
    const std::vector<double> start = weights[w].value().to_vector<double>(), got = gradients[w].to_vector<double>();
    for (std::size_t i = 0; i < start.size(); ++i) {
      const auto at = [&](double change) {
        std::vector<double> moved = start;
        moved[i] += change;
        weights[w].assign(tensor(moved, weights[w].shape()));
        return loss().to_vector<double>().front();
      };
      const double expected = (at(step) - at(-step)) / (2.0 * step);
      weights[w].assign(tensor(start, weights[w].shape()));
      if (!(std::abs(got[i] - expected) <= 1e-6 * std::max(std::abs(expected), 1.0))) {
        return weights[w].path() + "[" + std::to_string(i) + "]: " + std::to_string(got[i]) + " for " +
               std::to_string(expected);
      }
    }
  }
  return {};
}

void check(const LayerRef& layer, const std::vector<Shape>& shapes, const CallContext& context = {}) {
  CAPTURE(layer->class_name());
  CHECK_EQ(input_gradients(layer, shapes, context), "");
  CHECK_EQ(weight_gradients(layer, shapes, context), "");
}

constexpr const char* wide = "float64";

}  // namespace

TEST_CASE("gradients of normalisation layers") {
  check(RMSNormalization({.dtype = wide}), {{3, 4}});
  check(RMSNormalization({.axis = {1, 2}, .dtype = wide}), {{2, 3, 4}});
  check(UnitNormalization(-1, {.dtype = wide}), {{3, 4}});
  check(LayerNormalization({.rms_scaling = true, .dtype = wide}), {{3, 4}});
  check(SpectralNormalization(Dense(3, {.dtype = wide}), {.dtype = wide}), {{2, 4}});
}

TEST_CASE("gradients of batch renormalisation hold its corrections fixed") {
  const LayerRef plain = BatchNormalization({.dtype = wide});
  const LayerRef renorm = BatchNormalization({.renorm = true, .renorm_clipping = {1.0, 1.0, 0.0}, .dtype = wide});
  const Tensor x = scattered({6, 3});
  // Corrections clipped to 1 and 0 leave plain batch normalisation.
  const Tensor expected = plain->outputs(x, {.training = true})[0], got = renorm->outputs(x, {.training = true})[0];
  CHECK(max(abs(expected - got)).to_vector<double>().front() < 1e-12);
  CHECK_EQ(renorm->weights().size(), 7);
}

TEST_CASE("gradients of adaptive pooling") {
  check(AdaptiveAveragePooling1D(3, {.dtype = wide}), {{2, 7, 2}});
  check(AdaptiveMaxPooling1D(3, {.dtype = wide}), {{2, 7, 2}});
  check(AdaptiveAveragePooling2D({2, 3}, {.data_format = "channels_first", .dtype = wide}), {{1, 2, 4, 5}});
  check(AdaptiveMaxPooling2D({2, 3}, {.dtype = wide}), {{1, 4, 5, 2}});
  check(AdaptiveAveragePooling3D(2, {.dtype = wide}), {{1, 3, 4, 2, 2}});
}

TEST_CASE("gradients of recurrent layers") {
  const std::vector<LayerRef> cells{LSTMCell(2, {.dtype = wide}), GRUCell(3, {.dtype = wide})};
  check(RNN(StackedRNNCells(cells, {.dtype = wide}), {.return_sequences = true, .dtype = wide}), {{2, 3, 2}});
  check(ConvLSTM1D(2, 2, {.dtype = wide}), {{1, 2, 4, 2}});
  check(ConvLSTM2D(1, 2, {.padding = "same", .return_sequences = true, .dtype = wide}), {{1, 2, 3, 3, 1}});
  check(ConvLSTM2D(1, 2, {.strides = 2, .data_format = "channels_first", .dtype = wide}), {{1, 2, 1, 4, 4}});
}

TEST_CASE("gradients of grouped attention") {
  const GroupQueryAttentionOptions options{
      .head_dim = 2, .num_query_heads = 4, .num_key_value_heads = 2, .use_gate = true, .dtype = wide};
  CallContext causal;
  causal.arguments = Config::object({{"use_causal_mask", true}});
  check(GroupQueryAttention(options), {{2, 3, 4}, {2, 3, 4}});
  check(GroupQueryAttention(options), {{2, 3, 4}, {2, 3, 4}}, causal);
}

TEST_CASE("an embedding and its way back") {
  const LayerRef tied = ReversibleEmbedding(5, 3, {.dtype = wide});
  const Tensor vectors = tied->outputs(tensor(std::vector<std::int32_t>{4, 0}, {1, 2}))[0];
  CallContext reverse;
  reverse.arguments = Config::object({{"reverse", true}});
  const Tensor logits = tied->outputs(vectors, reverse)[0];
  CHECK_EQ(logits.shape(), Shape{1, 2, 5});
  const Tensor table = tied->get_weights()[0].to(default_device());
  CHECK(max(abs(logits - matmul(vectors, table, false, true))).to_vector<double>().front() < 1e-12);
  check(ReversibleEmbedding(4, 3, {.tie_weights = false, .logit_soft_cap = 2.0, .dtype = wide}), {{2, 3}}, reverse);
}

TEST_CASE("wrong arguments of the newer layers") {
  CHECK_THROWS_AS(AdaptiveMaxPooling1D(0), Error);
  CHECK_THROWS_AS(ConvLSTM2D(0, 3), Error);
  CHECK_THROWS_AS(ConvLSTM2D(2, 3, {.strides = 2, .dilation_rate = 2}), Error);
  CHECK_THROWS_AS(StackedRNNCells(std::vector<LayerRef>()), Error);
  CHECK_THROWS_AS(StackedRNNCells({Dense(2)}), Error);
  CHECK_THROWS_AS(LayerRef(SpectralNormalization(LayerRef(ReLU(ReLUOptions{}))))(ones({2, 3})), Error);
  CHECK_THROWS_AS(SpectralNormalization(Dense(2), {.power_iterations = 0}), Error);
  CHECK_THROWS_AS(GroupQueryAttention({.head_dim = 2, .num_query_heads = 3, .num_key_value_heads = 2}), Error);
  CHECK_THROWS_AS(BatchNormalization({.renorm = true, .renorm_clipping = {.rmax = 0.5, .rmin = 1.0}}), Error);
  CHECK_THROWS_AS(RMSNormalization({.epsilon = 0.0}), Error);
}

TEST_CASE("attention scores are outputs of a graph") {
  const KerasTensor x = Input({4, 6});
  CallContext scores;
  scores.arguments = Config::object({{"return_attention_scores", true}});
  const LayerRef attention = MultiHeadAttention({.num_heads = 2, .key_dim = 3});
  const std::vector<KerasTensor> outputs = attention.outputs({x, x}, scores);
  REQUIRE_EQ(outputs.size(), 2);
  CHECK_EQ(outputs[1].shape(), Shape{None, 2, 4, 4});
  const Model model(x, outputs);
  CHECK_EQ(model.predict(ones({3, 4, 6}))[1].shape(), Shape{3, 2, 4, 4});
}

TEST_CASE("a model forgets the states of its stateful layers, inside wrappers too") {
  const KerasTensor x = Input({3, 2}, {.batch_size = 2});
  const LayerRef inner = LSTM(2, {.stateful = true});
  const Model plain(x, inner(x));
  const KerasTensor z = Input({3, 2}, {.batch_size = 2});
  const Model wrapped(z, LayerRef(Bidirectional(GRU(2, {.stateful = true})))(z));
  const Tensor data = scattered({2, 3, 2});
  for (Model model : {plain, wrapped}) {
    const Tensor first = model(cast(data, DType::float32)), second = model(cast(data, DType::float32));
    CHECK(max(abs(first - second)).to_vector<float>().front() > 1e-4F);
    model.reset_states();
    CHECK_EQ(max(abs(first - model(cast(data, DType::float32)))).to_vector<float>().front(), 0.0F);
  }
}

TEST_CASE("build() called by hand, as in Python, makes the weights that the first call uses") {
  Sequential model{Dense(4), Dense(2)};
  model.build({None, 6});
  REQUIRE(model.weights().size() == 4);
  CHECK(model.count_params() == 38);
  const Tensor first = model.weights()[0].value();
  model(ones({2, 6}));
  CHECK(model.weights()[0].value().is(first));
  const Tensor x = random::normal({3, 8, 8, 5});
  Dense dense(4, {});
  Conv2D conv(6, 3, {});
  BatchNormalization norm;
  LSTM lstm(7, {});
  for (Layer* layer : {static_cast<Layer*>(&dense), static_cast<Layer*>(&conv), static_cast<Layer*>(&norm),
                       static_cast<Layer*>(&lstm)}) {
    CAPTURE(layer->class_name());
    const Tensor input = layer == &lstm ? reshape(x, {3, 64, 5}) : x;
    layer->build(input.shape());
    const std::vector<Variable> made = layer->weights();
    std::vector<Tensor> values;
    for (const Variable& weight : made) values.push_back(random::uniform(weight.shape(), 0.5, 1.5));
    layer->set_weights(values);
    (*layer)(input);
    const std::vector<Variable> used = layer->weights();
    REQUIRE(used.size() == made.size());
    for (std::size_t i = 0; i < used.size(); ++i) {
      CHECK(used[i].is(made[i]));
      CHECK(max(abs(used[i].value() - values[i])).item<float>() == 0.0F);
    }
  }
}
