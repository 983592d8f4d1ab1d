#pragma once

#include <map>
#include <string>
#include <vector>

#include <nyala/ref.hpp>
#include <nyala/saved_state.hpp>

namespace nyala {

class Model;
class TrainingRun;

/// Metric name -> value, sorted by name as Keras sorts them. To be read: a name that is not there is an Error, and
/// never becomes an entry.
class Logs : public std::map<std::string, double> {
 public:
  using std::map<std::string, double>::map;
  /// Both throw Error naming the metrics that there are.
  double operator[](const std::string& name) const { return at(name); }
  double at(const std::string& name) const;
  /// The numbers of a metric that gives several (F1Score with average = ""), in the order of its result(): the entries
  /// "f1_score[0]", "f1_score[1]", …, which Keras has as one array; of any other metric its one number.
  std::vector<double> values(const std::string& name) const;
};

/// What happens during fit, evaluate and predict. https://keras.io/api/callbacks/base_callback/
class Callback {
 public:
  virtual ~Callback() = default;

  virtual void on_train_begin(const Logs& logs);
  virtual void on_train_end(const Logs& logs);
  virtual void on_epoch_begin(int epoch, const Logs& logs);
  virtual void on_epoch_end(int epoch, const Logs& logs);
  virtual void on_train_batch_begin(int batch, const Logs& logs);
  virtual void on_train_batch_end(int batch, const Logs& logs);
  virtual void on_test_begin(const Logs& logs);
  virtual void on_test_end(const Logs& logs);
  virtual void on_test_batch_begin(int batch, const Logs& logs);
  virtual void on_test_batch_end(int batch, const Logs& logs);
  virtual void on_predict_begin(const Logs& logs);
  virtual void on_predict_end(const Logs& logs);
  virtual void on_predict_batch_begin(int batch, const Logs& logs);
  virtual void on_predict_batch_end(int batch, const Logs& logs);

  struct Params {
    int epochs = 1;
    int steps = 0;  // batches in an epoch; 0: not known
    int verbose = 1;
    bool resumed = false;  // whether fit goes on from a backup: restore() follows on_train_begin
  };
  /// Called before the first hook.
  virtual void set_model(Model& model);
  virtual void set_params(const Params& params);
  /// Called by fit before everything else: here a callback may make the run go on from a file.
  virtual void prepare(TrainingRun& run);

  /// What the callback must find again when training goes on in another process, asked for after a hook; a callback
  /// that overrides neither starts anew there. Batches and epochs that were done are not announced again, an epoch that
  /// was begun is not begun again.
  virtual SavedState state() const;
  /// Called after on_train_begin with what state() gave. Throws Error if it makes no sense.
  virtual void restore(const SavedState& state);

 protected:
  /// The model that is being trained. Error outside of a run.
  Model& model() const;
  const Params& params() const { return params_; }
  /// The fit that is under way. Error outside of one.
  TrainingRun& training_run() const;
  /// Adds an entry to the logs of the event at hand: later callbacks, History and the progress bar see it.
  void add_log(const std::string& name, double value);

 private:
  friend class CallbackList;
  Model* model_ = nullptr;
  Logs* logs_ = nullptr;
  TrainingRun* run_ = nullptr;
  Params params_;
};

/// Epochs and their metrics: what fit returns. `history["loss"]` is one value per epoch.
class History {
 public:
  /// Throws Error naming the metrics that there are.
  const std::vector<double>& operator[](const std::string& name) const;
  bool contains(const std::string& name) const { return history.count(name) != 0; }
  /// Of a metric that gives several numbers: all of them, for each epoch; see Logs::values.
  std::vector<std::vector<double>> values(const std::string& name) const;

  std::map<std::string, std::vector<double>> history;
  /// Epoch numbers, from 0.
  std::vector<int> epoch;
};

}  // namespace nyala
