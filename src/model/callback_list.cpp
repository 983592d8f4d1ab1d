#include "model/callback_list.hpp"

#include <algorithm>

#include <nyala/error.hpp>
#include <nyala/model.hpp>

#include "model/log_entries.hpp"
#include "model/suggest.hpp"

namespace nyala {

namespace {

/// How many numbers a metric of that name gives; 0 if it is none that gives several.
template <class Entries>
std::size_t numbers_of(const std::string& name, const Entries& entries) {
  std::size_t count = 0;
  while (entries.count(detail::entry_of(name, count)) != 0) ++count;
  return count;
}

template <class Entries>
[[noreturn]] void refuse_name(const std::string& where, const std::string& name, const Entries& entries) {
  if (const std::size_t count = numbers_of(name, entries); count != 0) {
    throw Error(where + ": \"" + name + "\" is " + std::to_string(count) + " numbers; values(\"" + name +
                "\") gives them all, the entry \"" + detail::entry_of(name, 0) + "\" the first");
  }
  std::vector<std::string> names;
  std::string listed;
  for (const auto& [key, values] : entries) {
    names.push_back(key);
    listed += (listed.empty() ? "" : ", ") + key;
  }
  throw Error(where + ": there is no \"" + name + "\"" + detail::did_you_mean(name, names) +
              "; it has: " + (listed.empty() ? "nothing" : listed));
}

}  // namespace

void Callback::on_train_begin(const Logs&) {}
void Callback::on_train_end(const Logs&) {}
void Callback::on_epoch_begin(int, const Logs&) {}
void Callback::on_epoch_end(int, const Logs&) {}
void Callback::on_train_batch_begin(int, const Logs&) {}
void Callback::on_train_batch_end(int, const Logs&) {}
void Callback::on_test_begin(const Logs&) {}
void Callback::on_test_end(const Logs&) {}
void Callback::on_test_batch_begin(int, const Logs&) {}
void Callback::on_test_batch_end(int, const Logs&) {}
void Callback::on_predict_begin(const Logs&) {}
void Callback::on_predict_end(const Logs&) {}
void Callback::on_predict_batch_begin(int, const Logs&) {}
void Callback::on_predict_batch_end(int, const Logs&) {}
void Callback::set_model(Model& model) { model_ = &model; }
void Callback::set_params(const Params& params) { params_ = params; }
void Callback::prepare(TrainingRun&) {}
SavedState Callback::state() const { return {}; }
void Callback::restore(const SavedState&) {}

Model& Callback::model() const {
  if (model_ == nullptr) throw Error("Callback: there is no model outside of fit, evaluate and predict");
  return *model_;
}

TrainingRun& Callback::training_run() const {
  if (run_ == nullptr) throw Error("Callback: no fit is under way");
  return *run_;
}

void Callback::add_log(const std::string& name, double value) {
  if (logs_ == nullptr) throw Error("Callback: add_log(\"" + name + "\") was called outside of a hook");
  logs_->insert_or_assign(name, value);
}

double Logs::at(const std::string& name) const {
  const auto found = find(name);
  if (found == end()) refuse_name("Logs", name, *this);
  return found->second;
}

std::vector<double> Logs::values(const std::string& name) const {
  const std::size_t count = numbers_of(name, *this);
  if (count == 0) return {at(name)};
  std::vector<double> numbers;
  for (std::size_t i = 0; i < count; ++i) numbers.push_back(at(detail::entry_of(name, i)));
  return numbers;
}

std::vector<std::vector<double>> History::values(const std::string& name) const {
  const std::size_t count = numbers_of(name, history);
  std::vector<std::vector<double>> epochs;
  const auto add = [&](const std::vector<double>& each) {
    epochs.resize(std::max(epochs.size(), each.size()));
    for (std::size_t i = 0; i < each.size(); ++i) epochs[i].push_back(each[i]);
  };
  if (count == 0) add((*this)[name]);
  for (std::size_t i = 0; i < count; ++i) add((*this)[detail::entry_of(name, i)]);
  return epochs;
}

const std::vector<double>& History::operator[](const std::string& name) const {
  const auto found = history.find(name);
  if (found == history.end()) refuse_name("History", name, history);
  return found->second;
}

CallbackList::CallbackList(const std::vector<CallbackRef>& callbacks, Model& model, const Callback::Params& params) {
  for (const CallbackRef& callback : callbacks) {
    if (callback.object() == nullptr) throw Error("callbacks: an entry holds no callback");
    callbacks_.push_back(callback.object());
  }
  for (const auto& callback : callbacks_) {
    callback->set_model(model);
    callback->set_params(params);
  }
}

void CallbackList::lend(TrainingRun& run) {
  for (const auto& callback : callbacks_) callback->run_ = &run;
  for (const auto& callback : callbacks_) callback->prepare(run);
}

void CallbackList::set_params(const Callback::Params& params) {
  for (const auto& callback : callbacks_) callback->set_params(params);
}

CallbackList::~CallbackList() {
  for (const auto& callback : callbacks_) {
    callback->model_ = nullptr;
    callback->run_ = nullptr;
  }
}

}  // namespace nyala
