// What checkpoint_live.py and resume_live.py have Nyala do.
// usage: training_tool resume X.npy Y.npy [FROM STEPS TO]...   loads a model, trains, prints losses, saves ("-": does
// not)
//        training_tool checkpoints FOLDER                      a fit with every kind of ModelCheckpoint
#include <nyala/npy.hpp>
#include <nyala/nyala.hpp>

#include <cstdio>
#include <iostream>
#include <string>

using namespace nyala;

namespace {

void resume(const std::string& from, const Tensor& x, const Tensor& y, int steps, const std::string& to) {
  Model model = load_model(from);
  for (int step = 0; step < steps; ++step) {
    std::printf("%.9g ", model.train_on_batch(x, y).at("loss"));
  }
  std::printf("\n");
  if (to != "-") model.save(to);
}

void checkpoints(const std::string& folder) {
  const auto in = [&](const char* name) { return folder + "/" + name; };
  set_random_seed(1);
  Sequential model{Input({8, 8, 1}), Conv2D(4, 3, {.activation = "relu"}), BatchNormalization(), Dropout(0.2),
                   Flatten(),        Dense(3, {.activation = "softmax"})};
  model.compile(AdamW({.learning_rate = CosineDecay(0.01, 100)}), "sparse_categorical_crossentropy",
                {.metrics = {"accuracy"}});
  const Tensor x = random::normal({60, 8, 8, 1}), y = random::randint({60}, 0, 3);
  model.fit(x, y,
            {.epochs = 3,
             .batch_size = 12,
             .verbose = 0,
             .callbacks = {ModelCheckpoint(in("{epoch:02d}.keras")), ModelCheckpoint(in("{epoch:02d}.h5")),
                           ModelCheckpoint(in("{epoch:02d}-{batch:d}.weights.h5"),
                                           {.save_weights_only = true, .save_freq = 5})}});
  save_npy(in("x.npy"), x);
  save_npy(in("predicted.npy"), model.predict(x).only());
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "checkpoints" && argc == 3) {
    checkpoints(argv[2]);
    return 0;
  }
  if (mode != "resume" || argc < 7 || (argc - 4) % 3 != 0) return 2;
  const Tensor x = load_npy(argv[2]), y = load_npy(argv[3]);
  for (int i = 4; i < argc; i += 3) resume(argv[i], x, y, std::stoi(argv[i + 1]), argv[i + 2]);
  return 0;
} catch (const nyala::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
