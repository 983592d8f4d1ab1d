#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <nyala/error.hpp>
#include <nyala/register.hpp>

#include "model/suggest.hpp"

namespace nyala::detail {

/// "my::MyLoss" of what typeid calls a class.
std::string demangled(const char* mangled);
/// "MyLoss" of a user's class my::MyLoss that has no class_name() of its own.
std::string readable_type(const char* mangled);

/// The classes of one kind, by name: Keras' own, and those that a program registered.
template <class Base>
class Registry {
 public:
  /// what: "initializer"; module: "keras.initializers".
  Registry(const char* what, const char* module, std::vector<CatalogueEntry<Base>> builtins, bool any_case = false)
      : what_(what), module_(module), builtins_(std::move(builtins)), any_case_(any_case) {}

  void add(const std::string& name, Factory<Base> make) {
    if (name.empty() || name.back() == '>') throw Error(std::string(what_) + ": a registered name must not be empty");
    const std::lock_guard lock(mutex_);
    custom_[name.find('>') == std::string::npos ? "Custom>" + name : name] = std::move(make);
  }

  /// The object called so. Throws Error, with a suggestion, for an unknown name; `owner` asked for it.
  std::shared_ptr<Base> make(const std::string& name, const Config& config, const std::string& owner) const {
    if (const CatalogueEntry<Base>* entry = builtin(name)) return entry->make(config);
    if (const Factory<Base> make = custom(name)) return make(config);
    throw Error(prefix(owner) + "no " + what_ + " is named \"" + name + "\"" + did_you_mean(name, names()));
  }

  bool is_builtin(const std::string& name) const { return builtin(name) != nullptr; }
  bool contains(const std::string& name) const { return builtin(name) != nullptr || custom(name) != nullptr; }

  /// From an object as Keras writes it, or from a name.
  std::shared_ptr<Base> from_config(const Config& config, const std::string& owner) const {
    if (config.is_string()) return make(config.as_string(), Config::object(), owner);
    if (!config.is_object() || !config.contains("class_name")) {
      throw Error(prefix(owner) + "the config of " + article() + what_ + " must be a name or an object with " +
                  "\"class_name\" and \"config\", got " + config.json());
    }
    const std::string class_name = config.at("class_name").as_string();
    const Config& registered = config.get("registered_name");
    const std::string wanted = registered.is_string() && registered.as_string().find('>') != std::string::npos
                                   ? registered.as_string()
                                   : class_name;
    if (!contains(wanted)) {
      throw Error(prefix(owner) + "no " + what_ + " is named \"" + wanted + "\"" + did_you_mean(wanted, names()) +
                  " (a class of one's own is made known by register_" + what_ + ")");
    }
    return make(wanted, config.get("config"), owner);
  }

  Config to_config(const Base& object, const std::string& class_name, Config config) const {
    const auto is_it = [&](const auto& entry) { return entry.class_name == class_name; };
    if (std::any_of(builtins_.begin(), builtins_.end(), is_it))
      return Config::keras_object(module_, class_name, std::move(config));
    const std::string name = class_name.empty() ? readable_type(typeid(object).name()) : class_name;
    Config result = Config::keras_object("", name, std::move(config));
    result["module"] = nullptr;
    result["registered_name"] = registered_name(name);
    return result;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : builtins_) {
      all.insert(all.end(), entry.aliases.begin(), entry.aliases.end());
      all.push_back(entry.class_name);
    }
    const std::lock_guard lock(mutex_);
    for (const auto& [name, make] : custom_) all.push_back(name);
    return all;
  }

 private:
  static std::string prefix(const std::string& owner) { return owner.empty() ? "" : owner + ": "; }
  std::string article() const { return std::string("aeio").find(what_[0]) == std::string::npos ? "a " : "an "; }

  std::string folded(std::string name) const {
    if (any_case_)
      std::transform(name.begin(), name.end(), name.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return name;
  }

  const CatalogueEntry<Base>* builtin(const std::string& name) const {
    const std::string wanted = folded(name);
    for (const auto& entry : builtins_) {
      if (folded(entry.class_name) == wanted) return &entry;
      for (const std::string& alias : entry.aliases) {
        if (folded(alias) == wanted) return &entry;
      }
    }
    return nullptr;
  }

  /// By "package>Name", or by Name.
  Factory<Base> custom(const std::string& name) const {
    const std::string full = registered_name(name);
    const std::lock_guard lock(mutex_);
    const auto found = custom_.find(full);
    return found == custom_.end() ? Factory<Base>() : found->second;
  }

  std::string registered_name(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [full, make] : custom_) {
      if (full == name || full.substr(full.find('>') + 1) == name) return full;
    }
    return name;
  }

  const char *what_, *module_;
  std::vector<CatalogueEntry<Base>> builtins_;
  bool any_case_;
  mutable std::mutex mutex_;
  std::map<std::string, Factory<Base>> custom_;
};

/// What Keras writes for a bare function.
inline Config function_config(const std::string& name) {
  Config result = Config::keras_object("builtins", "function", name);
  result["registered_name"] = "function";
  return result;
}

/// Whether config is what function_config wrote: Keras names its own functions so too.
inline bool is_function_config(const Config& config) {
  return config.is_object() && config.get("class_name") == Config("function") && config.get("config").is_string();
}

}  // namespace nyala::detail
