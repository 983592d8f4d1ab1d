// What users get wrong, and what they are told. Every message names the layer or call, the rule and what was received.
#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <nyala/nyala.hpp>

#include "support/device.hpp"

using namespace nyala;

namespace {

struct Mistake {
  const char* what;
  std::function<void()> make;
  std::vector<std::string> said;
  std::string value = {};  // said too, but by a GPU that finds it later
};

Sequential small(const char* loss = "mse", const char* optimizer = "sgd") {
  Sequential model{Input({4}), Dense(3), Dense(2)};
  model.compile(optimizer, loss);
  return model;
}

Tensor x() { return ones({8, 4}); }
Tensor y() { return ones({8, 2}); }

Model classifier() {
  Sequential model{Input({4}), Dense(3, {.activation = "softmax"})};
  model.compile("sgd", "sparse_categorical_crossentropy");
  return model;
}

class Throwing : public Callback {
  void on_epoch_begin(int, const Logs&) override { throw std::runtime_error("the callback's own"); }
};

void call(const LayerRef& layer, const Shape& shape) { layer(ones(shape)); }

const std::vector<Mistake>& mistakes() {
  static const std::vector<Mistake> all = {
      // results
      {"a metric that was not measured",
       [] {
         Logs result = small().evaluate(x(), y(), {.verbose = 0});
         static_cast<void>(result["los"]);
       },
       {"Logs", "los", "did you mean", "\"loss\""}},
      {"a metric's history that there is not",
       [] { static_cast<void>(small().fit(x(), y(), {.verbose = 0})["val_loss"]); },
       {"History", "val_loss", "it has: loss"}},
      // layers
      {"negative units", [] { Dense(-3); }, {"Dense", "units", "-3"}},
      {"zero units", [] { LSTM(0); }, {"LSTM", "units", "0"}},
      {"huge padding",
       [] {
         ZeroPadding1D(SpatialPadding<1>(std::array<Padding, 1>{{{std::int64_t{1} << 62, 0}}}));
       },
       {"padding", "2147483647", "4611686018427387904"}},
      {"units that overflow with their gates",
       [] {
         LSTM(1000000000)(Input({3, 2}));
       },
       {"LSTM"}},
      {"huge strides",
       [] {
         Conv1D::from_config(Config::object({{"filters", 2}, {"kernel_size", 3}, {"strides", std::int64_t{1} << 62}}));
       },
       {"Conv1D", "strides", "2147483647"}},
      {"negative filters", [] { Conv2D(-1, 3); }, {"Conv2D", "filters", "-1"}},
      {"kernel of zero", [] { Conv2D(4, 0); }, {"Conv2D", "kernel_size", "0"}},
      {"strides and dilation", [] { Conv2D(4, 3, {.strides = 2, .dilation_rate = 2}); }, {"strides", "dilation_rate"}},
      {"groups that do not divide filters", [] { Conv2D(5, 3, {.groups = 2}); }, {"filters", "groups", "5", "2"}},
      {"unknown padding", [] { Conv2D(4, 3, {.padding = "sam"}); }, {"Conv2D", "padding", "sam"}},
      {"causal in two dimensions", [] { Conv2D(4, 3, {.padding = "causal"}); }, {"padding", "causal"}},
      {"unknown data format", [] { MaxPooling2D(2, {.data_format = "nhwc"}); }, {"data_format", "nhwc"}},
      {"unknown activation",
       [] { Dense(3, {.activation = "relux"}); },
       {"activation", "relux", "did you mean", "relu"}},
      {"unknown initializer",
       [] {
         call(Dense(3, {.kernel_initializer = "glorot_unifrm"}), {2, 4});
       },
       {"glorot_unifrm", "did you mean", "glorot_uniform"}},
      {"unknown regularizer",
       [] {
         call(Dense(3, {.kernel_regularizer = "l3"}), {2, 4});
       },
       {"l3"}},
      {"dropout rate above 1", [] { Dropout(1.5); }, {"Dropout", "rate", "1.5"}},
      {"a name with a slash", [] { Dense(3, {.name = "a/b"}); }, {"name", "a/b"}},
      {"wrong rank",
       [] {
         call(Conv2D(4, 3), {2, 28, 28});
       },
       {"conv2d", "rank 4", "(2, 28, 28)"}},
      {"a window larger than the picture",
       [] {
         call(Conv2D(4, 5), {1, 3, 3, 1});
       },
       {"window of 5", "axis of 3"}},
      {"other features than before",
       [] {
         auto layer = nyala::layer(Dense(3, {.name = "head"}));
         layer(ones({2, 4}));
         layer(ones({2, 5}));
       },
       {"head", "axis -1", "4", "(2, 5)"}},
      {"reshape that does not fit",
       [] {
         call(Reshape({5}), {2, 4});
       },
       {"reshape", "(2, 4)", "5"}},
      {"permute with a repeated axis",
       [] {
         Permute({1, 1});
       },
       {"Permute", "dims"}},
      {"add of shapes that do not broadcast",
       [] {
         nyala::layer(Add())({ones({2, 3}), ones({2, 4})});
       },
       {"add", "(2, 3)", "(2, 4)"}},
      {"subtract of three",
       [] {
         nyala::layer(Subtract())({ones({2}), ones({2}), ones({2})});
       },
       {"two inputs", "3"}},
      {"embedding out of range",
       [] {
         nyala::layer(Embedding(10, 4))(tensor({{1, 12}}));
       },
       {"embedding", "10"},
       "12 is out of range for an axis of size 10 (input_dim is 10)"},
      {"embedding of a negative number",
       [] {
         nyala::layer(Embedding(10, 4))(tensor({{-1, 2}}));
       },
       {"embedding"},
       "-1"},
      {"heads of zero", [] { MultiHeadAttention({.num_heads = 0, .key_dim = 4}); }, {"num_heads", "0"}},
      {"unknown merge mode", [] { Bidirectional(LSTM(3), {.merge_mode = "add"}); }, {"merge_mode", "add"}},
      {"bidirectional around Dense", [] { Bidirectional(Dense(3)); }, {"Bidirectional", "recurrent", "Dense"}},
      {"stateful without a batch size",
       [] {
         Sequential({Input({5, 3}), LSTM(4, {.stateful = true})});
       },
       {"lstm", "batch size"}},
      {"a mask for another layer's reader",
       [] {
         Masking(0.0)(Input({3})).shape(), call(GroupNormalization(3), {2, 4});
       },
       {"group_normalization", "4", "3"}},
      {"no layers", [] { Sequential()(x()); }, {"Sequential", "there are no layers", "add"}},
      {"a value and a key of different lengths",
       [] {
         MultiHeadAttention({.num_heads = 2, .key_dim = 4})({Input({8, 6}), Input({8, 6}), Input({7, 6})});
       },
       {"MultiHeadAttention", "value and key must agree", "(None, 8, 6)", "(None, 7, 6)"}},
      {"a query and a value of different sizes",
       [] {
         Attention()({Input({8, 6}), Input({8, 5})});
       },
       {"Attention", "as many features", "(None, 8, 6)", "(None, 8, 5)"}},
      // graphs
      {"a shared layer of another input",
       [] {
         const auto shared = layer(Dense(2));
         shared(Input({4}));
         shared(Input({5}));
       },
       {"Dense", "axis -1 to have size 4", "(None, 5)"}},
      {"two layers of one name",
       [] {
         Sequential({Dense(3, {.name = "twin"}), Dense(3, {.name = "twin"})});
       },
       {"twin", "two layers"}},
      {"a disconnected graph",
       [] {
         auto a = Input({3}), b = Input({3}, {.name = "forgotten"});
         Model(a, Dense(2)(b));
       },
       {"not connected", "forgotten"}},
      {"an unknown layer's name", [] { small().get_layer("dens"); }, {"no layer", "dens"}},
      {"another number of inputs",
       [] {
         auto a = Input({3}), b = Input({3});
         Model model({a, b}, Dense(2)(Concatenate()({a, b})));
         model.predict(ones({2, 3}));
       },
       {"2 inputs", "got 1"}},
      // compile
      {"unknown loss", [] { small("mean_squared_eror"); }, {"loss", "mean_squared_eror", "did you mean"}},
      {"unknown optimizer", [] { small("mse", "adan"); }, {"optimizer", "adan", "did you mean"}},
      {"unknown metric",
       [] { small().compile("sgd", "mse", {.metrics = {"acuracy"}}); },
       {"metric", "acuracy", "did you mean", "accuracy"}},
      {"negative learning rate", [] { Adam({.learning_rate = -0.1}); }, {"learning_rate", "-0.1"}},
      {"two ways of clipping", [] { Adam({.clipnorm = 1.0, .clipvalue = 1.0}); }, {"clipnorm", "clipvalue"}},
      {"a loss for an output that is not there",
       [] {
         auto a = Input({3});
         Model model(a, {Dense(1, {.name = "left"})(a), Dense(1, {.name = "right"})(a)});
         model.compile("sgd", {{"left", "mse"}, {"rigth", "mse"}});
       },
       {"rigth", "did you mean", "right"}},
      // fit
      {"fit before compile",
       [] {
         Sequential({Input({4}), Dense(2)}).fit(x(), y());
       },
       {"not compiled", "compile(optimizer, loss)"}},
      {"y of another length",
       [] {
         small().fit(x(), ones({7, 2}));
       },
       {"8", "7"}},
      {"empty data",
       [] {
         small().fit(zeros({0, 4}), zeros({0, 2}));
       },
       {"empty"}},
      {"batch size 0", [] { small().fit(x(), y(), {.batch_size = 0}); }, {"batch_size", "0"}},
      {"validation split 1.0", [] { small().fit(x(), y(), {.validation_split = 1.0}); }, {"validation_split", "1.0"}},
      {"a split that leaves nothing",
       [] {
         small().fit(ones({1, 4}), ones({1, 2}), {.validation_split = 0.5});
       },
       {"validation_split", "nothing"}},
      {"negative epochs", [] { small().fit(x(), y(), {.epochs = -1}); }, {"epochs", "-1"}},
      {"labels out of range", [] { classifier().fit(x(), tensor(std::vector<int>(8, 3)), {.verbose = 0}); }, {"3"}},
      {"label -1", [] { classifier().fit(x(), tensor(std::vector<int>(8, -1)), {.verbose = 0}); }, {"labels"}, "-1"},
      {"targets of another shape",
       [] {
         small().fit(x(), ones({8, 3}), {.verbose = 0});
       },
       {"(8, 3)", "(8, 2)"}},
      {"input of other features",
       [] {
         small().fit(ones({8, 5}), y(), {.verbose = 0});
       },
       {"(None, 4)", "(8, 5)"}},
      {"class and sample weights",
       [] {
         small().fit(x(), y(), {.class_weight = {{0, 1.0}}, .sample_weight = ones({8})});
       },
       {"class_weight", "sample_weight"}},
      {"verbose 3", [] { small().fit(x(), y(), {.verbose = 3}); }, {"verbose", "3"}},
      {"an endless dataset without steps",
       [] { small().fit(Dataset::from_tensor_slices(x(), y()).batch(2).repeat()); },
       {"steps_per_epoch"}},
      {"a batch size with a dataset",
       [] { small().fit(Dataset::from_tensor_slices(x(), y()).batch(2), {.batch_size = 4}); },
       {"batch_size"}},
      {"set_weights of another shape",
       [] {
         small().set_weights({ones({4, 3}), ones({3}), ones({3, 3}), ones({2})});
       },
       {"(3, 2)", "(3, 3)"}},
      {"set_weights of too few",
       [] {
         small().set_weights({ones({4, 3})});
       },
       {"4 weights", "got 1"}},
      {"strings for labels",
       [] { small().fit(x(), tensor(std::vector<std::string>(8, "cat")), {.verbose = 0}); },
       {"mean_squared_error", "y_true must hold numbers", "strings of shape (8,)"}},
      // files
      {"weights of another suffix", [] { small().save_weights("weights.bin"); }, {".weights.h5", "weights.bin"}},
      {"weights from nowhere", [] { small().load_weights("/nowhere/x.weights.h5"); }, {"/nowhere/x.weights.h5"}},
      {"weights into a folder that is not there",
       [] { small().save_weights("/nowhere/x.weights.h5"); },
       {"/nowhere/x.weights.h5"}},
      {"saving before building", [] { Sequential({Dense(2)}).save_weights("/tmp/x.weights.h5"); }, {"no weights yet"}},
      // tensors and tapes
      {"another dtype", [] { zeros({2}).data<std::int32_t>(); }, {"float32", "int32"}},
      {"a product of shapes that do not fit",
       [] {
         matmul(ones({2, 3}), ones({4, 5}));
       },
       {"(2, 3)", "(4, 5)"}},
      {"shapes that do not broadcast",
       [] {
         ones({2, 3}) + ones({4});
       },
       {"(2, 3)", "(4,)"}},
      {"a tape asked twice",
       [] {
         Variable v(ones({2}));
         GradientTape tape;
         const Tensor loss = sum(square(v));
         tape.gradient(loss, v);
         tape.gradient(loss, v);
       },
       {"persistent"}},
      {"watching whole numbers",
       [] {
         GradientTape().watch(tensor({1, 2}));
       },
       {"int32"}},
      {"a device that is not there", [] { set_default_device("gpu:63"); }, {"gpu:63", "cannot be used"}},
      {"an unknown policy", [] { set_dtype_policy("mixed_float8"); }, {"mixed_float8"}},
  };
  return all;
}

}  // namespace

TEST_CASE("every mistake is told, with its rule and what was received") {
  CHECK(mistakes().size() >= 40);
  for (const Mistake& mistake : mistakes()) {
    clear_session();
    INFO(mistake.what);
    const std::string message = testing::told(mistake.make);
    INFO("message: ", message);
    CHECK_FALSE(message.empty());
    for (const std::string& part : mistake.said) {
      INFO("should say: ", part);
      CHECK(message.find(part) != std::string::npos);
    }
    if (message.find("(found on device") == std::string::npos) CHECK(message.find(mistake.value) != std::string::npos);
  }
}

TEST_CASE("a Sequential is built by build, as in Keras") {
  Sequential model{Dense(3), Dense(2)};
  model.build({None, 4});
  CHECK(model.built());
  CHECK(model.count_params() == 4 * 3 + 3 + 3 * 2 + 2);
  const std::vector<Tensor> made = model.get_weights();
  model.build({None, 4});
  CHECK(model(x()).shape() == Shape{8, 2});
  CHECK(model.get_weights().size() == made.size());
}

TEST_CASE("an exception of a callback reaches the caller, and the model can go on") {
  Sequential model = small();
  CHECK_THROWS_WITH_AS(model.fit(x(), y(), {.verbose = 0, .callbacks = {Throwing()}}), "the callback's own",
                       std::runtime_error);
  CHECK(model.fit(x(), y(), {.verbose = 0}).epoch.size() == 1);
}

TEST_CASE("an error names the way to the layer") {
  Sequential inner({Embedding(5, 3, {.name = "deep"})}, {.name = "inner"});
  Sequential outer({inner}, {.name = "outer"});
  outer(tensor({{1, 4}}));
  CHECK(testing::told([&] { outer(tensor({{1, 5}})); }).find("layer \"outer/inner/deep\" (Embedding): ") == 0);
}
