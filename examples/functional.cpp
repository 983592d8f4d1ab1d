// A graph with two inputs, a shared layer, a residual connection and two outputs, each with a loss of its own.
#include <nyala/nyala.hpp>

#include <iostream>

using namespace nyala;

int main() {
  set_random_seed(3);
  auto image = Input({16, 16, 3}, {.name = "image"});
  auto meta = Input({8}, {.name = "meta"});

  auto x = Conv2D(8, 3, {.padding = "same", .activation = "relu"})(image);
  auto y = BatchNormalization()(Conv2D(8, 3, {.padding = "same"})(x));
  x = GlobalAveragePooling2D()(Add()({x, y}));

  auto embed = layer(Dense(16, {.activation = "gelu"}));  // one layer, called twice: shared weights
  auto joined = Concatenate()({x, embed(meta), embed(Dense(8)(meta))});
  auto label = Dense(4, {.activation = "softmax", .name = "label"})(joined);
  auto score = Dense(1, {.name = "score"})(joined);

  Model model({image, meta}, {label, score});
  model.compile(AdamW({.learning_rate = ExponentialDecay(1e-2, 100, 0.9)}),
                {{"label", SparseCategoricalCrossentropy()}, {"score", "huber"}},
                {.metrics = {{"label", {"accuracy"}}}, .loss_weights = {{"label", 1.0}, {"score", 0.2}}});
  model.summary();

  // The class is the strongest of four of the meta values; the score is the image's mean.
  Tensor images = random::uniform({256, 16, 16, 3});
  Tensor metas = random::normal({256, 8});
  Tensor classes = argmax(metas(Slice{}, Slice{0, 4}), -1);
  Tensor scores = mean(images, {1, 2, 3});
  History history = model.fit({images, metas}, {classes, scores}, {.epochs = 12, .batch_size = 32, .verbose = 2});

  auto outputs = model.predict({images, metas});
  std::cout << "outputs " << outputs[0].shape() << " and " << outputs[1].shape() << '\n';
  return history["loss"].back() < 0.6 * history["loss"].front() ? 0 : 1;
}
