// What crash_training.py starts and kills: a small training whose end is written to FOLDER/result, weights, optimizer
// and history to the last bit. usage: train_program FOLDER arrays|dataset|lazy BACKUP
// BACKUP: none, epoch or a number of batches; followed by "d": the previous backup is kept too.
#include <nyala/nyala.hpp>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

using namespace nyala;

namespace {

std::string bits(double value) {
  std::uint64_t word = 0;
  std::memcpy(&word, &value, sizeof word);
  return std::to_string(word);
}

void write_result(const std::string& path, const Model& model, const History& history) {
  std::ofstream out(path + ".part", std::ios::binary);
  for (const int epoch : history.epoch) out << "epoch " << epoch << '\n';
  for (const auto& [name, values] : history.history) {
    out << name;
    for (const double value : values) out << ' ' << bits(value);
    out << '\n';
  }
  std::vector<Variable> variables = model.weights();
  const std::vector<Variable> slots = model.optimizer().variables();
  variables.insert(variables.end(), slots.begin(), slots.end());
  for (const Variable& variable : variables) {
    out << variable.path();
    for (const double value : variable.value().to_vector<double>()) out << ' ' << bits(value);
    out << '\n';
  }
  out << "random " << bits(random::uniform({1}).to_vector<double>()[0]) << '\n';
  out.close();
  std::filesystem::rename(path + ".part", path);
}

/// A callback of one's own that keeps a sum, and a learning rate that depends on the one before.
class LossSum : public Callback {
 public:
  void on_train_batch_end(int, const Logs& logs) override { sum_ += logs.at("loss"); }
  void on_epoch_end(int, const Logs&) override { add_log("sum", sum_); }
  SavedState state() const override { return {Config::object({{"sum", sum_}}), {}}; }
  void restore(const SavedState& state) override { sum_ = state.values.at("sum").as_double(); }

 private:
  double sum_ = 0.0;
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) return 2;
  const std::string folder = argv[1], data = argv[2], backup = argv[3];
  set_random_seed(7);
  SeedGenerator drawn(11);
  const Tensor x = random::normal({90, 6}, 0.0, 1.0, DType::float32, drawn);
  const Tensor y = random::randint({90}, 0, 3, DType::int32, drawn);
  const bool lazy = data == "lazy";  // a model that is built by its first batch
  std::vector<LayerRef> layers;
  if (!lazy) layers.push_back(Input({6}));
  for (const LayerRef& layer :
       std::vector<LayerRef>{Dense(12, {.activation = "relu"}), BatchNormalization(), Dropout(0.3), GaussianNoise(0.1),
                             Dense(3, {.activation = "softmax"})}) {
    layers.push_back(layer);
  }
  Sequential model(layers);
  model.compile(Adam({.learning_rate = 0.02}), "sparse_categorical_crossentropy",
                {.metrics = {"accuracy", "sparse_categorical_crossentropy"}});

  FitOptions options{.epochs = 3, .verbose = 0};
  options.callbacks = {
      EarlyStopping({.monitor = "val_loss", .patience = 2, .restore_best_weights = true}),
      ReduceLROnPlateau({.monitor = "loss", .factor = 0.5, .patience = 1, .min_delta = 0.2}),
      LearningRateScheduler([](int, double rate) { return rate * 0.9; }),
      ModelCheckpoint(folder + "/best.weights.h5",
                      {.monitor = "val_loss", .save_best_only = true, .save_weights_only = true}),
      CSVLogger(folder + "/log.csv"),
      LossSum(),
  };
  if (backup != "none") {
    const bool twice = backup.ends_with('d');
    const std::string often = twice ? backup.substr(0, backup.size() - 1) : backup;
    const BackupAndRestore callback(
        folder + "/backup",
        {.save_freq = often == "epoch" ? Frequency("epoch") : Frequency(std::stoi(often)), .double_checkpoint = twice});
    options.callbacks.insert(options.callbacks.begin() + 1, callback);
  }
  std::cout << "ready" << std::endl;
  History history;
  if (data == "dataset") {
    const Dataset rows = Dataset::from_tensor_slices(x, y);
    options.validation_data = rows.take(18).batch(9);
    options.steps_per_epoch = 10;
    history = model.fit(rows.skip(18).shuffle(30).repeat().map([](const Batch& b) { return b; }).batch(7).prefetch(2),
                        options);
  } else {
    options.validation_split = 0.2;
    options.batch_size = 7;
    history = model.fit(x, y, options);
  }
  write_result(folder + "/result", model, history);
  std::cout << "done" << std::endl;
  return 0;
} catch (const nyala::Error& error) {
  std::cout << error.what() << std::endl;
  return 1;
}
