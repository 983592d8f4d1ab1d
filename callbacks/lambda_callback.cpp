#include <nyala/callbacks/lambda_callback.hpp>

namespace nyala {

namespace {

void run(const LambdaCallbackOptions::OfRun& function, const Logs& logs) {
  if (function) function(logs);
}

void run(const LambdaCallbackOptions::OfIndex& function, int index, const Logs& logs) {
  if (function) function(index, logs);
}

}  // namespace

LambdaCallback::LambdaCallback(LambdaCallbackOptions options) : options_(std::move(options)) {}

void LambdaCallback::on_train_begin(const Logs& logs) { run(options_.on_train_begin, logs); }
void LambdaCallback::on_train_end(const Logs& logs) { run(options_.on_train_end, logs); }
void LambdaCallback::on_epoch_begin(int epoch, const Logs& logs) { run(options_.on_epoch_begin, epoch, logs); }
void LambdaCallback::on_epoch_end(int epoch, const Logs& logs) { run(options_.on_epoch_end, epoch, logs); }
void LambdaCallback::on_train_batch_begin(int batch, const Logs& logs) {
  run(options_.on_train_batch_begin, batch, logs);
}
void LambdaCallback::on_train_batch_end(int batch, const Logs& logs) { run(options_.on_train_batch_end, batch, logs); }
void LambdaCallback::on_test_begin(const Logs& logs) { run(options_.on_test_begin, logs); }
void LambdaCallback::on_test_end(const Logs& logs) { run(options_.on_test_end, logs); }
void LambdaCallback::on_test_batch_begin(int batch, const Logs& logs) {
  run(options_.on_test_batch_begin, batch, logs);
}
void LambdaCallback::on_test_batch_end(int batch, const Logs& logs) { run(options_.on_test_batch_end, batch, logs); }
void LambdaCallback::on_predict_begin(const Logs& logs) { run(options_.on_predict_begin, logs); }
void LambdaCallback::on_predict_end(const Logs& logs) { run(options_.on_predict_end, logs); }
void LambdaCallback::on_predict_batch_begin(int batch, const Logs& logs) {
  run(options_.on_predict_batch_begin, batch, logs);
}
void LambdaCallback::on_predict_batch_end(int batch, const Logs& logs) {
  run(options_.on_predict_batch_end, batch, logs);
}

}  // namespace nyala
