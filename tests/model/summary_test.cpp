#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include <nyala/error.hpp>
#include <nyala/layers.hpp>
#include <nyala/losses.hpp>
#include <nyala/model.hpp>
#include <nyala/optimizers.hpp>
#include <nyala/session.hpp>

using namespace nyala;

namespace {

/// A terminal of 130 columns with that locale.
struct Terminal {
  explicit Terminal(const char* locale) {
    setenv("COLUMNS", "130", 1);
    setenv("LC_ALL", locale, 1);
    clear_session();
  }
  ~Terminal() {
    unsetenv("COLUMNS");
    unsetenv("LC_ALL");
  }
};

Sequential convnet() {
  return Sequential{
      Input({28, 28, 1}), Conv2D(32, 3, {.activation = "relu"}), MaxPooling2D(2), BatchNormalization(), Flatten(),
      Dropout(0.5),       Dense(10, {.activation = "softmax"})};
}

}  // namespace

// The tables are what Keras 3.15 printed for the same models.

TEST_CASE("summary of a Sequential") {
  const Terminal terminal("C.UTF-8");
  CHECK(convnet().summary_text() == R"(Model: "sequential"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┓
┃ Layer (type)                         ┃ Output Shape                ┃         Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━┩
│ conv2d (Conv2D)                      │ (None, 26, 26, 32)          │             320 │
├──────────────────────────────────────┼─────────────────────────────┼─────────────────┤
│ max_pooling2d (MaxPooling2D)         │ (None, 13, 13, 32)          │               0 │
├──────────────────────────────────────┼─────────────────────────────┼─────────────────┤
│ batch_normalization                  │ (None, 13, 13, 32)          │             128 │
│ (BatchNormalization)                 │                             │                 │
├──────────────────────────────────────┼─────────────────────────────┼─────────────────┤
│ flatten (Flatten)                    │ (None, 5408)                │               0 │
├──────────────────────────────────────┼─────────────────────────────┼─────────────────┤
│ dropout (Dropout)                    │ (None, 5408)                │               0 │
├──────────────────────────────────────┼─────────────────────────────┼─────────────────┤
│ dense (Dense)                        │ (None, 10)                  │          54,090 │
└──────────────────────────────────────┴─────────────────────────────┴─────────────────┘
 Total params: 54,538 (213.04 KB)
 Trainable params: 54,474 (212.79 KB)
 Non-trainable params: 64 (256.00 B)
)");
}

TEST_CASE("summary of a graph with two inputs, a shared layer and arithmetic") {
  const Terminal terminal("C.UTF-8");
  auto image = Input({32, 32, 3}, {.name = "image"}), meta = Input({8}, {.name = "meta"});
  auto x = Conv2D(16, 3, {.padding = "same", .use_bias = false, .name = "conv2d_1"})(image);
  x = BatchNormalization({.name = "batch_normalization_1"})(x);
  x = ReLU()(x);
  auto y = Conv2D(16, 3, {.padding = "same", .name = "conv2d_2"})(x);
  x = Add()({x, y});
  x = GlobalAveragePooling2D()(x);
  auto embed = layer(Dense(16, {.activation = "gelu", .name = "dense_1"}));
  auto a = embed(meta);
  auto b = embed(Dense(8, {.name = "dense_2"})(meta));
  auto joined = Concatenate()({x, a, b});
  auto mixed = joined * 2.0 + joined;
  const Model model({image, meta}, {Dense(5, {.name = "label"})(mixed), Dense(1, {.name = "score"})(joined)},
                    {.name = "functional_1"});
  CHECK(model.summary_text() == R"(Model: "functional_1"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃ Layer (type)                  ┃ Output Shape              ┃         Param # ┃ Connected to               ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━━┩
│ image (InputLayer)            │ (None, 32, 32, 3)         │               0 │ -                          │
├───────────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────────┤
│ conv2d_1 (Conv2D)             │ (None, 32, 32, 16)        │             432 │ image[0][0]                │
├───────────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────────┤
│ batch_normalization_1         │ (None, 32, 32, 16)        │              64 │ conv2d_1[0][0]             │
│ (BatchNormalization)          │                           │                 │                            │
├───────────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────────┤
│ re_lu (ReLU)                  │ (None, 32, 32, 16)        │               0 │ batch_normalization_1[0][… │
├───────────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────────┤
│ conv2d_2 (Conv2D)             │ (None, 32, 32, 16)        │           2,320 │ re_lu[0][0]                │
├───────────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────────┤
│ meta (InputLayer)             │ (None, 8)                 │               0 │ -                          │
├───────────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────────┤
│ add (Add)                     │ (None, 32, 32, 16)        │               0 │ re_lu[0][0],               │
│                               │                           │                 │ conv2d_2[0][0]             │
├───────────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────────┤
│ dense_2 (Dense)               │ (None, 8)                 │              72 │ meta[0][0]                 │
├───────────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────────┤
│ global_average_pooling2d      │ (None, 16)                │               0 │ add[0][0]                  │
│ (GlobalAveragePooling2D)      │                           │                 │                            │
├───────────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────────┤
│ dense_1 (Dense)               │ (None, 16)                │             144 │ meta[0][0], dense_2[0][0]  │
├───────────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────────┤
│ concatenate (Concatenate)     │ (None, 48)                │               0 │ global_average_pooling2d[… │
│                               │                           │                 │ dense_1[0][0],             │
│                               │                           │                 │ dense_1[1][0]              │
├───────────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────────┤
│ multiply (Multiply)           │ (None, 48)                │               0 │ concatenate[0][0]          │
├───────────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────────┤
│ add_1 (Add)                   │ (None, 48)                │               0 │ multiply[0][0],            │
│                               │                           │                 │ concatenate[0][0]          │
├───────────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────────┤
│ label (Dense)                 │ (None, 5)                 │             245 │ add_1[0][0]                │
├───────────────────────────────┼───────────────────────────┼─────────────────┼────────────────────────────┤
│ score (Dense)                 │ (None, 1)                 │              49 │ concatenate[0][0]          │
└───────────────────────────────┴───────────────────────────┴─────────────────┴────────────────────────────┘
 Total params: 3,326 (12.99 KB)
 Trainable params: 3,294 (12.87 KB)
 Non-trainable params: 32 (128.00 B)
)");
}

TEST_CASE("summary of trained and nested models, by width, trainable or not") {
  const Terminal terminal("C.UTF-8");
  Sequential model = convnet();
  model.compile("adam", "mse");
  model.train_on_batch(zeros({2, 28, 28, 1}), zeros({2, 10}));
  CHECK(model.summary_text({.show_trainable = true}) == R"(Model: "sequential"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━┳━━━━━━━━━┓
┃ Layer (type)                          ┃ Output Shape                  ┃        Param # ┃ Traina… ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━╇━━━━━━━━━┩
│ conv2d (Conv2D)                       │ (None, 26, 26, 32)            │            320 │    Y    │
├───────────────────────────────────────┼───────────────────────────────┼────────────────┼─────────┤
│ max_pooling2d (MaxPooling2D)          │ (None, 13, 13, 32)            │              0 │    -    │
├───────────────────────────────────────┼───────────────────────────────┼────────────────┼─────────┤
│ batch_normalization                   │ (None, 13, 13, 32)            │            128 │    Y    │
│ (BatchNormalization)                  │                               │                │         │
├───────────────────────────────────────┼───────────────────────────────┼────────────────┼─────────┤
│ flatten (Flatten)                     │ (None, 5408)                  │              0 │    -    │
├───────────────────────────────────────┼───────────────────────────────┼────────────────┼─────────┤
│ dropout (Dropout)                     │ (None, 5408)                  │              0 │    -    │
├───────────────────────────────────────┼───────────────────────────────┼────────────────┼─────────┤
│ dense (Dense)                         │ (None, 10)                    │         54,090 │    Y    │
└───────────────────────────────────────┴───────────────────────────────┴────────────────┴─────────┘
 Total params: 163,488 (638.62 KB)
 Trainable params: 54,474 (212.79 KB)
 Non-trainable params: 64 (256.00 B)
 Optimizer params: 108,950 (425.59 KB)
)");
  clear_session();
  const Sequential outer{Input({4}),
                         Sequential({Dense(3, {.name = "dense_6"}), Dense(2, {.name = "dense_7"})}, {.name = "inner"}),
                         Dense(1, {.name = "dense_8"})};
  const std::string nested = outer.summary_text({.expand_nested = true});
  CHECK(nested.find("│    └ dense_6 (Dense)                 │ (None, 3)                   │              15 │") !=
        std::string::npos);
  CHECK(outer.summary_text().find("dense_6") == std::string::npos);
}

TEST_CASE("summary of a model that is not built, in ASCII where the locale is not UTF-8") {
  const Terminal terminal("C");
  CHECK(Sequential{Dense(3), LSTM(4)}.summary_text({.line_length = 60}) == R"(Model: "sequential"
+--------------------------+-------------------+-----------+
| Layer (type)             | Output Shape      |   Param # |
+==========================+===================+===========+
| dense (Dense)            | ?                 |         0 |
|                          |                   | (unbuilt) |
+--------------------------+-------------------+-----------+
| lstm (LSTM)              | ?                 |         0 |
|                          |                   | (unbuilt) |
+--------------------------+-------------------+-----------+
 Total params: 0 (0.00 B)
 Trainable params: 0 (0.00 B)
 Non-trainable params: 0 (0.00 B)
)");
}

TEST_CASE("summary of several outputs, and of a width that is too small") {
  const Terminal terminal("C.UTF-8");
  auto input = Input({4, 3});
  const Model model(input, layer(LSTM(4, {.return_state = true})).outputs({input}));
  const std::string text = model.summary_text();
  CHECK(text.find("│ [(None, 4), (None, 4),      │") != std::string::npos);
  CHECK_THROWS_WITH_AS(model.summary_text({.line_length = 9}), "summary: 9 columns are too few for the table", Error);
}
