// Callbacks on scripted metrics: what they do at which epoch, as real Keras does it.
#include <doctest/doctest.h>

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <nyala/nyala.hpp>

using namespace nyala;

namespace {

/// Stands before the callback under test and says what val_loss is.
class Scripted : public Callback {
 public:
  explicit Scripted(std::vector<double> values) : values_(std::move(values)) {}
  void on_epoch_end(int epoch, const Logs&) override {
    add_log("val_loss", values_[std::min(static_cast<std::size_t>(epoch), values_.size() - 1)]);
  }

 private:
  std::vector<double> values_;
};

Sequential model_of(double learning_rate = 0.1) {
  set_random_seed(3);
  Sequential model{Input({2}), Dense(1)};
  model.compile(SGD({.learning_rate = learning_rate}), "mse");
  return model;
}

Tensor x() { return tensor({{1.0, 2.0}, {3.0, -1.0}, {0.5, 0.25}}); }
Tensor y() { return tensor({{1.0}, {2.0}, {3.0}}); }

History run(Sequential& model, const std::vector<double>& values, CallbackRef callback, int epochs = 8) {
  return model.fit(x(), y(), {.epochs = epochs, .verbose = 0, .callbacks = {Scripted(values), std::move(callback)}});
}

struct Folder {
  Folder() : path(std::filesystem::temp_directory_path() / ("nyala_callbacks_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name) const { return (path / name).string(); }
  std::filesystem::path path;
};

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace

TEST_CASE("EarlyStopping waits, stops and restores the best weights") {
  Sequential model = model_of();
  std::vector<std::vector<Tensor>> weights;
  const LambdaCallback remember({.on_epoch_end = [&](int, const Logs&) { weights.push_back(model.get_weights()); }});
  const History history = model.fit(x(), y(),
                                    {.epochs = 10,
                                     .verbose = 0,
                                     .callbacks = {Scripted({3, 2, 1, 1.5, 1.25, 1.75}), remember,
                                                   EarlyStopping({.patience = 3, .restore_best_weights = true})}});
  CHECK(history.epoch.size() == 6);  // the best was epoch 3; three more without improvement
  CHECK(model.get_weights()[0].to_vector<float>() == weights[2][0].to_vector<float>());

  Sequential other = model_of();
  CHECK(run(other, {1, 2}, EarlyStopping()).epoch.size() == 2);  // patience 0: the first epoch that is no better
  Sequential late = model_of();
  CHECK(run(late, {1, 2}, EarlyStopping({.start_from_epoch = 4})).epoch.size() == 6);
  Sequential never = model_of();
  CHECK(run(never, {5, 4, 3, 2, 1, 0.5, 0.25, 0.125}, EarlyStopping()).epoch.size() == 8);
  Sequential rising = model_of();
  CHECK(run(rising, {1, 2, 3, 2.5}, EarlyStopping({.mode = "max"})).epoch.size() == 4);
}

TEST_CASE("ReduceLROnPlateau lowers the rate, waits and stops at min_lr") {
  Sequential model = model_of(0.1);
  const History history = run(model, {1, 1, 1, 1, 1, 1, 1, 1},
                              ReduceLROnPlateau({.factor = 0.5, .patience = 2, .cooldown = 1, .min_lr = 0.04}), 8);
  std::vector<double> rates = history["learning_rate"];
  const std::vector<double> expected{0.1, 0.1, 0.1, 0.05, 0.05, 0.04, 0.04, 0.04};
  REQUIRE(rates.size() == expected.size());
  for (std::size_t i = 0; i < rates.size(); ++i) CHECK(rates[i] == doctest::Approx(expected[i]).epsilon(1e-6));
  CHECK_THROWS_AS(ReduceLROnPlateau({.factor = 1.0}), Error);
}

TEST_CASE("LearningRateScheduler sets the rate at each epoch's beginning") {
  Sequential model = model_of(0.1);
  const History history =
      run(model, {1}, LearningRateScheduler([](int epoch, double rate) { return epoch < 2 ? rate : rate * 0.5; }), 4);
  const std::vector<double> expected{0.1, 0.1, 0.05, 0.025};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(history["learning_rate"][i] == doctest::Approx(expected[i]).epsilon(1e-6));
  }
}

TEST_CASE("TerminateOnNaN ends the training") {
  Sequential model = model_of();
  const Tensor bad = tensor({{std::numeric_limits<float>::quiet_NaN(), 1.0f}, {1.0f, 1.0f}, {2.0f, 1.0f}});
  const History history = model.fit(bad, y(), {.epochs = 5, .verbose = 0, .callbacks = {TerminateOnNaN()}});
  CHECK(history.epoch.size() == 1);
  CHECK(std::isnan(history["loss"].front()));
}

TEST_CASE("CSVLogger writes a header and one row per epoch, and appends") {
  const Folder folder;
  Sequential model = model_of();
  const std::string path = folder.file("log.csv");
  run(model, {0.5, 0.25}, CSVLogger(path), 2);
  std::string text = text_of(path);
  std::erase(text, '\r');  // lines end as Python's csv module ends them
  std::istringstream lines(text);
  std::string header, first, second, more;
  std::getline(lines, header);
  std::getline(lines, first);
  std::getline(lines, second);
  CHECK(header == "epoch,loss,val_loss");
  CHECK(first.rfind("0,", 0) == 0);
  CHECK(first.substr(first.rfind(',') + 1) == "0.5");
  CHECK(second.substr(second.rfind(',') + 1) == "0.25");
  CHECK_FALSE(std::getline(lines, more));
  run(model, {0.125}, CSVLogger(path, {.append = true}), 1);
  const std::string all = text_of(path);
  CHECK(all.find("epoch", 5) == std::string::npos);
  CHECK(std::count(all.begin(), all.end(), '\n') == 4);
}

TEST_CASE("ModelCheckpoint names files, and keeps the best only") {
  const Folder folder;
  Sequential model = model_of();
  run(model, {0.5, 0.75, 0.25},
      ModelCheckpoint(folder.file("{epoch:02d}-{val_loss:.2f}.weights.h5"), {.save_weights_only = true}), 3);
  CHECK(std::filesystem::exists(folder.file("01-0.50.weights.h5")));
  CHECK(std::filesystem::exists(folder.file("02-0.75.weights.h5")));
  CHECK(std::filesystem::exists(folder.file("03-0.25.weights.h5")));

  Sequential other = model_of();
  std::vector<std::vector<Tensor>> weights;
  const LambdaCallback remember({.on_epoch_end = [&](int, const Logs&) { weights.push_back(other.get_weights()); }});
  const std::string best = folder.file("best.weights.h5");
  other.fit(x(), y(),
            {.epochs = 3,
             .verbose = 0,
             .callbacks = {Scripted({0.5, 0.25, 0.75}), remember,
                           ModelCheckpoint(best, {.save_best_only = true, .save_weights_only = true})}});
  other.load_weights(best);
  CHECK(other.get_weights()[0].to_vector<float>() == weights[1][0].to_vector<float>());
  CHECK_THROWS_AS(ModelCheckpoint("model.bin"), Error);
}

TEST_CASE("hooks are called in order, with the model at hand") {
  std::vector<std::string> called;
  class Recorder : public Callback {
   public:
    explicit Recorder(std::vector<std::string>& list) : list_(&list) {}
    void on_train_begin(const Logs&) override { list_->push_back("train begin " + model().name()); }
    void on_epoch_begin(int epoch, const Logs&) override { list_->push_back("epoch " + std::to_string(epoch)); }
    void on_train_batch_end(int batch, const Logs& logs) override {
      list_->push_back("batch " + std::to_string(batch) + (logs.count("loss") != 0 ? " loss" : ""));
    }
    void on_test_begin(const Logs&) override { list_->push_back("test"); }
    void on_train_end(const Logs&) override { list_->push_back("train end"); }

   private:
    std::vector<std::string>* list_;
  };
  Sequential model({Input({2}), Dense(1)}, {.name = "recorded"});
  model.compile("sgd", "mse");
  model.fit(
      x(), y(),
      {.epochs = 1, .batch_size = 2, .verbose = 0, .validation_data = {x(), y()}, .callbacks = {Recorder(called)}});
  CHECK(called == std::vector<std::string>{"train begin recorded", "epoch 0", "batch 0 loss", "batch 1 loss", "test",
                                           "train end"});
}

TEST_CASE("TensorBoard writes event files") {
  const Folder folder;
  const char* kept = std::getenv("NYALA_KEEP_LOGS");
  const std::string logs = kept != nullptr ? kept : folder.file("logs");
  std::filesystem::create_directories(logs);
  set_random_seed(1);
  Sequential model({Input({4}), Dense(8, {.activation = "relu"}), Dense(2)});
  model.compile("adam", "mse", {.metrics = {"mae"}});
  const History history =
      model.fit(random::normal({64, 4}), random::normal({64, 2}),
                {.epochs = 3,
                 .verbose = 0,
                 .validation_split = 0.25,
                 .callbacks = {TensorBoard({.log_dir = logs, .histogram_freq = 1}), CSVLogger(logs + "/log.csv")}});
  std::size_t bytes = 0;
  for (const char* part : {"train", "validation"}) {
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(logs) / part)) {
      bytes += entry.file_size();
      CHECK(entry.path().filename().string().rfind("events.out.tfevents.", 0) == 0);
    }
  }
  CHECK(bytes > 1000);
  CHECK(history.epoch.size() == 3);
}
