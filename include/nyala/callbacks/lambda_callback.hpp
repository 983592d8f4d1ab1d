#pragma once

#include <functional>

#include <nyala/callback.hpp>

namespace nyala {

struct LambdaCallbackOptions {
  using OfIndex = std::function<void(int, const Logs&)>;
  using OfRun = std::function<void(const Logs&)>;

  OfIndex on_epoch_begin = {}, on_epoch_end = {};
  OfRun on_train_begin = {}, on_train_end = {};
  OfIndex on_train_batch_begin = {}, on_train_batch_end = {};
  OfRun on_test_begin = {}, on_test_end = {};
  OfIndex on_test_batch_begin = {}, on_test_batch_end = {};
  OfRun on_predict_begin = {}, on_predict_end = {};
  OfIndex on_predict_batch_begin = {}, on_predict_batch_end = {};
};

/// A callback made of functions. https://keras.io/api/callbacks/lambda_callback/
class LambdaCallback : public Callback {
 public:
  explicit LambdaCallback(LambdaCallbackOptions options);
  void on_train_begin(const Logs& logs) override;
  void on_train_end(const Logs& logs) override;
  void on_epoch_begin(int epoch, const Logs& logs) override;
  void on_epoch_end(int epoch, const Logs& logs) override;
  void on_train_batch_begin(int batch, const Logs& logs) override;
  void on_train_batch_end(int batch, const Logs& logs) override;
  void on_test_begin(const Logs& logs) override;
  void on_test_end(const Logs& logs) override;
  void on_test_batch_begin(int batch, const Logs& logs) override;
  void on_test_batch_end(int batch, const Logs& logs) override;
  void on_predict_begin(const Logs& logs) override;
  void on_predict_end(const Logs& logs) override;
  void on_predict_batch_begin(int batch, const Logs& logs) override;
  void on_predict_batch_end(int batch, const Logs& logs) override;

 private:
  LambdaCallbackOptions options_;
};

}  // namespace nyala
