#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include <nyala/nyala.hpp>
#include <nyala/training_run.hpp>

using namespace nyala;

namespace {

struct BackupFolder {
  BackupFolder() {
    static int number = 0;
    path = std::filesystem::temp_directory_path() /
           ("nyala_backup_" + std::to_string(::getpid()) + "_" + std::to_string(number++));
    std::filesystem::create_directories(path);
  }
  ~BackupFolder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name) const { return (path / name).string(); }
  std::filesystem::path path;
};

Tensor inputs() {
  SeedGenerator seed(3);
  return random::normal({24, 4}, 0.0, 1.0, DType::float32, seed);
}
Tensor targets() {
  SeedGenerator seed(4);
  return random::normal({24, 1}, 0.0, 1.0, DType::float32, seed);
}

struct Interruption : std::runtime_error {
  Interruption() : std::runtime_error("interrupted") {}
};

/// Throws after so many batches: what a kill is to another process.
class Interrupt : public Callback {
 public:
  explicit Interrupt(int after) : left_(after) {}
  void on_train_batch_begin(int, const Logs&) override {
    if (left_-- == 0) throw Interruption();
  }

 private:
  int left_;
};

struct Setup {
  std::function<Sequential()> model;
  std::function<History(Sequential&, const std::vector<CallbackRef>&)> fit;
};

/// Trains without a break, and with one after each number of batches: weights, slots and history must be the same.
void same_after_each_break(const Setup& setup, int batches, const BackupAndRestoreOptions& options) {
  set_random_seed(5);
  Sequential straight = setup.model();
  const History expected = setup.fit(straight, {});
  for (int broken = 0; broken < batches; ++broken) {
    CAPTURE(broken);
    const BackupFolder folder;
    set_random_seed(5);
    Sequential first = setup.model();
    CHECK_THROWS_AS(setup.fit(first, {BackupAndRestore(folder.file("b"), options), Interrupt(broken)}), Interruption);
    set_random_seed(5);
    Sequential second = setup.model();
    const History history = setup.fit(second, {BackupAndRestore(folder.file("b"), options)});
    CHECK(history.history == expected.history);
    CHECK(history.epoch == expected.epoch);
    const std::vector<Variable> slots = second.optimizer().variables(), wanted = straight.optimizer().variables();
    REQUIRE(slots.size() == wanted.size());
    for (std::size_t i = 0; i < slots.size(); ++i) {
      CHECK(slots[i].value().to_vector<double>() == wanted[i].value().to_vector<double>());
    }
    for (std::size_t i = 0; i < straight.weights().size(); ++i) {
      CHECK(second.weights()[i].value().to_vector<double>() == straight.weights()[i].value().to_vector<double>());
    }
    CHECK(!std::filesystem::exists(folder.file("b")));
  }
}

Sequential plain(const OptimizerRef& optimizer) {
  Sequential model{Input({4}), Dense(5, {.activation = "tanh"}), Dropout(0.4), BatchNormalization(), Dense(1)};
  model.compile(optimizer, "mse", {.metrics = {"mae", metrics::R2Score(), RootMeanSquaredError()}});
  return model;
}

History fit_arrays(Model& model, const std::vector<CallbackRef>& callbacks, const Tensors& y) {
  return model.fit(inputs(), y,
                   {.epochs = 2, .batch_size = 5, .verbose = 0, .validation_split = 0.2, .callbacks = callbacks});
}

std::vector<char> bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A backup in the folder, of a training broken off after 3 batches.
void make_backup(const BackupFolder& folder, bool twice = false) {
  Sequential model = plain(Adam());
  CHECK_THROWS_AS(
      fit_arrays(model,
                 {BackupAndRestore(folder.file("b"), {.save_freq = 1, .double_checkpoint = twice}), Interrupt(3)},
                 targets()),
      Interruption);
}

}  // namespace

TEST_CASE("a training that is broken off goes on as if it had not been") {
  const auto fit = [](Sequential& model, const std::vector<CallbackRef>& callbacks) {
    return fit_arrays(model, callbacks, targets());
  };
  SUBCASE("Adam") {
    same_after_each_break({[] { return plain(Adam()); }, fit}, 8, {.save_freq = 1});
  }
  SUBCASE("a schedule, accumulated gradients, moving averages") {
    same_after_each_break({[] {
                             return plain(SGD({.learning_rate = ExponentialDecay(0.1, 3, 0.5),
                                               .momentum = 0.9,
                                               .use_ema = true,
                                               .gradient_accumulation_steps = 2}));
                           },
                           fit},
                          8, {.save_freq = 2});
  }
  SUBCASE("loss scaling, backups of epochs") {
    same_after_each_break({[] { return plain(LossScaleOptimizer("rmsprop", {.dynamic_growth_steps = 3})); }, fit}, 8,
                          {});
  }
}

TEST_CASE("counts of classes, class weights and regularisation go on within an epoch") {
  const Tensor labels = cast(targets() > 0.0, DType::float32);
  same_after_each_break({[] {
                           Sequential model{Input({4}), Dense(4, {.kernel_regularizer = L2(0.01)}),
                                            GaussianDropout(0.2), Dense(1, {.activation = "sigmoid"})};
                           model.compile(
                               "nadam", "binary_crossentropy",
                               {.metrics = {AUC(), Precision(), F1Score({.threshold = 0.5}), BinaryIoU(), "accuracy"}});
                           return model;
                         },
                         [&](Sequential& model, const std::vector<CallbackRef>& callbacks) {
                           return model.fit(inputs(), labels,
                                            {.epochs = 2,
                                             .batch_size = 7,
                                             .verbose = 0,
                                             .callbacks = callbacks,
                                             .class_weight = {{0, 1.0}, {1, 2.0}}});
                         }},
                        8, {.save_freq = 1});
}

TEST_CASE("datasets go on where they were, across epochs of a fixed length") {
  const Dataset rows = Dataset::from_tensor_slices(inputs(), targets());
  same_after_each_break({[] { return plain("adam"); },
                         [&](Sequential& model, const std::vector<CallbackRef>& callbacks) {
                           return model.fit(rows.shuffle(6, 9).repeat().batch(5).prefetch(2),
                                            {.epochs = 2,
                                             .verbose = 0,
                                             .validation_data = rows.shuffle(24, 1).take(6).batch(3),
                                             .callbacks = callbacks,
                                             .steps_per_epoch = 3});
                         }},
                        6, {.save_freq = 1});
}

TEST_CASE("a stateful layer keeps its state") {
  SeedGenerator seed(3);
  const Tensor x = random::normal({16, 3, 2}, 0.0, 1.0, DType::float32, seed);
  same_after_each_break({[] {
                           Sequential model{Input({3, 2}, {.batch_size = 4}),
                                            LSTM(3, {.recurrent_dropout = 0.2, .stateful = true}), Dense(1)};
                           model.compile("adam", "mse");
                           return model;
                         },
                         [&](Sequential& model, const std::vector<CallbackRef>& callbacks) {
                           return model.fit(
                               x, reshape(mean(x, {1, 2}), {16, 1}),
                               {.epochs = 2, .batch_size = 4, .verbose = 0, .callbacks = callbacks, .shuffle = false});
                         }},
                        8, {.save_freq = 1});
}

TEST_CASE("a backup that does not fit changes nothing and says why") {
  const BackupFolder folder;
  make_backup(folder);
  const std::vector<char> before = bytes_of(folder.file("b/latest.run"));
  const auto refused = [&](Sequential model, const std::string& why, int batch_size = 5) {
    const std::vector<Tensor> weights = model.get_weights();
    CHECK_THROWS_WITH_AS(model.fit(inputs(), targets(),
                                   {.epochs = 2,
                                    .batch_size = batch_size,
                                    .verbose = 0,
                                    .validation_split = 0.2,
                                    .callbacks = {BackupAndRestore(folder.file("b"))}}),
                         doctest::Contains(why.c_str()), Error);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      CHECK(model.get_weights()[i].to_vector<float>() == weights[i].to_vector<float>());
    }
    CHECK(bytes_of(folder.file("b/latest.run")) == before);
  };
  Sequential wider{Input({4}), Dense(6, {.activation = "tanh"}), Dropout(0.4), BatchNormalization(), Dense(1)};
  wider.compile(Adam(), "mse");
  refused(wider, "(4, 6), the backup as float32 (4, 5)");
  Sequential deeper{Input({4}), Dense(5), Dropout(0.4), BatchNormalization(), Dense(1), Dense(1)};
  deeper.compile(Adam(), "mse");
  refused(deeper, "has 10 variables (weights), the backup 8");
  Sequential certain{Input({4}), Dense(5), BatchNormalization(), Dense(1)};
  certain.compile(Adam(), "mse");
  refused(certain, "has 0 random streams, the backup 1");
  refused(plain(SGD()), "the optimizer is \"SGD\" and was \"Adam\"");
  Sequential unmeasured = plain(Adam());
  unmeasured.compile(Adam(), "mse");
  refused(unmeasured, "the metrics are [] and were");
  refused(plain(Adam()), "batch_size is 6 and was 5", 6);
}

TEST_CASE("a damaged backup is an Error, or the one before it is taken") {
  const BackupFolder folder;
  make_backup(folder, true);
  const std::string path = folder.file("b/latest.run");
  const std::vector<char> whole = bytes_of(path);
  REQUIRE(whole.size() > 400);
  const auto put = [&](const std::vector<char>& bytes) {
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  };
  const auto go_on = [&] {
    Sequential model = plain(Adam());
    return fit_arrays(model, {BackupAndRestore(folder.file("b"), {.delete_checkpoint = false})}, targets());
  };
  std::filesystem::rename(path + ".bkp", folder.file("kept"));
  for (std::size_t length = 0; length < whole.size(); length += whole.size() / 23) {
    put({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
    CHECK_THROWS_WITH_AS(go_on(), doctest::Contains("latest.run"), Error);
  }
  for (std::size_t place = 0; place < whole.size(); place += whole.size() / 37) {
    std::vector<char> flipped = whole;
    flipped[place] = static_cast<char>(flipped[place] ^ 0x20);
    put(flipped);
    CHECK_THROWS_WITH_AS(go_on(), doctest::Contains("latest.run"), Error);
  }
  std::filesystem::rename(folder.file("kept"), path + ".bkp");
  CHECK(go_on().epoch.size() == 2);
  CHECK(go_on().epoch.size() == 2);
}

TEST_CASE("BackupAndRestore's own mistakes") {
  CHECK_THROWS_WITH_AS(BackupAndRestore(""), doctest::Contains("backup_dir"), Error);
  CHECK_THROWS_AS(BackupAndRestore("b", {.save_freq = 0}), Error);
  const BackupFolder folder;
  std::ofstream(folder.file("file")) << "no folder";
  Sequential model = plain(Adam());
  CHECK_THROWS_WITH_AS(fit_arrays(model, {BackupAndRestore(folder.file("file"))}, targets()),
                       doctest::Contains("cannot be made"), Error);
}

TEST_CASE("a CSV file goes on without lines twice") {
  const BackupFolder folder;
  const std::string path = folder.file("log.csv");
  const auto run = [&](int interrupted) {
    set_random_seed(2);
    Sequential model = plain(Adam());
    std::vector<CallbackRef> callbacks{CSVLogger(path), BackupAndRestore(folder.file("b"), {.save_freq = 3})};
    if (interrupted > 0) callbacks.push_back(Interrupt(interrupted));
    fit_arrays(model, callbacks, targets());
  };
  run(0);
  const std::vector<char> expected = bytes_of(path);
  CHECK_THROWS_AS(run(5), Interruption);  // the line of the first epoch is there, the backup is of its third batch
  CHECK(bytes_of(path).size() > 10);
  run(0);
  CHECK(bytes_of(path) == expected);
}

TEST_CASE("a run can only be saved where it stands still") {
  class Eager : public Callback {
    void on_train_batch_begin(int, const Logs&) override { training_run().save("never.run"); }
  };
  Sequential model = plain(Adam());
  CHECK_THROWS_WITH_AS(fit_arrays(model, {Eager()}, targets()), doctest::Contains("afterwards"), Error);
}

TEST_CASE("ModelCheckpoint saves whole models that train on") {
  const BackupFolder folder;
  Sequential model = plain(Adam());
  fit_arrays(model,
             {ModelCheckpoint(folder.file("{epoch}.keras"), {.save_freq = 4}), ModelCheckpoint(folder.file("last.h5")),
              ModelCheckpoint(folder.file("whole.weights.h5"))},
             targets());
  const std::vector<float> predicted = model.predict(inputs()).only().to_vector<float>();
  // Without save_weights_only Keras too puts a whole model under the last name.
  for (const char* name : {"2.keras", "last.h5", "whole.weights.h5"}) {
    Model loaded = load_model(folder.file(name));
    CHECK(loaded.predict(inputs()).only().to_vector<float>() == predicted);
    CHECK(loaded.optimizer().iterations() == 8);
    CHECK(loaded.train_on_batch(inputs(), targets()).count("mae") == 1);
  }
  CHECK(std::filesystem::exists(folder.file("1.keras")));
  Sequential other = plain(Adam());
  other.load_weights(folder.file("whole.weights.h5"));
  CHECK(other.predict(inputs()).only().to_vector<float>() == predicted);
  const auto refused = [](const char* path, bool weights) {
    CHECK_THROWS_WITH_AS(ModelCheckpoint(path, {.save_weights_only = weights}), doctest::Contains(path), Error);
  };
  refused("a.h5", true);
  refused("a.keras", true);
  refused("a.pt", false);
  refused("a", false);
}
