// Keras' operations as layers of graphs, by their table.
#include "model/operation.hpp"

#include <algorithm>
#include <map>
#include <sstream>

#include <nyala/error.hpp>

#include "model/layer_state.hpp"
#include "model/suggest.hpp"

namespace nyala::detail {

std::vector<std::string> split_words(const char* text) {
  std::istringstream stream(text);
  std::vector<std::string> result;
  for (std::string word; stream >> word;) result.push_back(word);
  return result;
}

namespace {

const Config no_config = Config::object();

const std::map<std::string, OperationEntry>& table() {
  static const auto* all = [] {
    auto* entries = new std::map<std::string, OperationEntry>;
    for (const auto& part : {math_operations(), shape_operations(), reduction_operations(), nn_operations(),
                             order_operations(), rare_operations(), statistics_operations(), image_operations(),
                             sample_operations(), special_operations(), sequence_operations()}) {
      for (const OperationEntry& entry : part) entries->emplace(entry.name, entry);
    }
    return entries;
  }();
  return *all;
}

class Operation : public Layer {
 public:
  Operation(const OperationEntry& entry, Config config) : entry_(entry), config_(std::move(config)) {
    state_->is_operation = true;
    state_->custom_backward = CustomBackward::no;
    state_->built = true;
    state_->name = config_.get("name", "");
    state_->name_given = !state_->name.empty();
    config_["name"] = name();
  }

  Tensors call_with(const Tensors& inputs, const CallContext& context) override {
    return entry_.run(OperationArguments(entry_, config_, context, inputs));
  }
  std::string class_name() const override { return entry_.name; }
  Config config() const override { return config_; }
  const OperationEntry& entry() const { return entry_; }

 private:
  const OperationEntry& entry_;
  Config config_;
};

}  // namespace

const OperationEntry* find_operation(const std::string& name) {
  const auto found = table().find(name);
  return found == table().end() ? nullptr : &found->second;
}

std::vector<std::string> operation_names() {
  std::vector<std::string> names;
  for (const auto& [name, entry] : table()) names.push_back(name);
  return names;
}

LayerRef make_operation(const std::string& class_name, const Config& config) {
  const OperationEntry* entry = find_operation(class_name);
  if (entry == nullptr) {
    if (const char* reason = why_refused(class_name)) throw Error("the operation " + class_name + ": " + reason);
    throw Error("no operation \"" + class_name + "\" is known" + did_you_mean(class_name, operation_names()));
  }
  std::vector<std::string> known = split_words(entry->construction);
  known.insert(known.end(), {"name", "trainable", "dtype"});
  for (const auto& [key, value] : config.is_null() ? no_config.entries() : config.entries()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      throw Error("operation " + class_name + ": there is no key \"" + key + "\"" + did_you_mean(key, known));
    }
  }
  return LayerRef(std::shared_ptr<Layer>(std::make_shared<Operation>(*entry, config.is_null() ? no_config : config)));
}

const OperationEntry* operation_of(const Layer& layer) {
  const auto* operation = dynamic_cast<const Operation*>(&layer);
  return operation == nullptr ? nullptr : &operation->entry();
}

}  // namespace nyala::detail
