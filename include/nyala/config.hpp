#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nyala/shape.hpp>

namespace nyala {

/// A JSON value: what layers, losses and so on describe themselves with, in Keras' own keys and in their order.
/// Numbers keep whether they are whole.
class Config {
 public:
  enum class Kind { null, boolean, integer, real, string, array, object };
  using Entry = std::pair<std::string, Config>;

  // All of these are out of line: a list of Config in a Config is dear to compile.
  Config();
  Config(const Config& other);
  Config(Config&& other) noexcept;
  Config& operator=(const Config& other);
  Config& operator=(Config&& other) noexcept;
  ~Config();
  Config(std::nullptr_t) : Config() {}
  Config(bool value) : Config(Kind::boolean, value) {}
  template <std::integral I>
    requires(!std::same_as<I, bool>)
  Config(I value) : Config(Kind::integer, static_cast<std::int64_t>(value)) {}
  Config(double value);
  Config(const char* text);
  Config(std::string text);
  /// An array; unknown sizes become null.
  Config(const Shape& shape);
  template <class T>
    requires(!std::same_as<T, Config>)
  Config(const std::vector<T>& values) : Config(Kind::array, 0) {
    for (const T& value : values) push_back(Config(value));
  }
  template <class T>
  Config(const std::optional<T>& value) : Config(value ? Config(*value) : Config()) {}

  static Config array(std::vector<Config> items = {});
  static Config object(std::vector<Entry> entries = {});
  /// {module, class_name, config, registered_name: null}: how Keras writes an object.
  static Config keras_object(const std::string& module, const std::string& class_name, Config config);

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::null; }
  bool is_bool() const { return kind_ == Kind::boolean; }
  bool is_integer() const { return kind_ == Kind::integer; }
  bool is_number() const { return kind_ == Kind::integer || kind_ == Kind::real; }
  bool is_string() const { return kind_ == Kind::string; }
  bool is_array() const { return kind_ == Kind::array; }
  bool is_object() const { return kind_ == Kind::object; }

  // Each throws Error for a value of another kind; as_double takes whole numbers too.
  bool as_bool() const;
  std::int64_t as_integer() const;
  int as_int() const;
  double as_double() const;
  const std::string& as_string() const;
  /// Numbers of an array; a single number gives a list of one.
  std::vector<std::int64_t> as_integers() const;
  /// An array of sizes; null entries become None.
  Shape as_shape() const;

  /// Of an array or object.
  std::size_t size() const;
  const std::vector<Config>& items() const;
  const std::vector<Entry>& entries() const;
  const Config& operator[](std::size_t i) const;
  void push_back(Config item);

  bool contains(const std::string& key) const;
  /// Throws Error naming the key if it is missing.
  const Config& at(const std::string& key) const;
  /// A null value if the key is missing.
  const Config& get(const std::string& key) const;
  /// The entry, added if it is missing. A template, since a plain overload would also catch config[0].
  template <class Key>
    requires std::constructible_from<std::string_view, const Key&>
  Config& operator[](const Key& key) {
    return entry(std::string_view(key));
  }
  void erase(const std::string& key);
  // With a default for a key that is missing or null.
  bool get(const std::string& key, bool otherwise) const;
  int get(const std::string& key, int otherwise) const;
  double get(const std::string& key, double otherwise) const;
  std::string get(const std::string& key, const char* otherwise) const;
  std::optional<double> optional_double(const std::string& key) const;
  std::optional<int> optional_int(const std::string& key) const;
  /// A seed: whole number or null.
  std::optional<std::int64_t> optional_integer(const std::string& key) const;

  /// Equal kinds and values; 1 and 1.0 are equal; the order of keys does not count.
  bool operator==(const Config& other) const;
  /// JSON as Python's json.dumps writes it; indent < 0: on one line.
  std::string json(int indent = -1) const;
  /// Throws Error naming the place for text that is no JSON. NaN and Infinity are taken as Python writes them.
  static Config parse(const std::string& json);

 private:
  Config(Kind kind, std::int64_t integer);

  Config& entry(std::string_view key);

  Kind kind_ = Kind::null;
  std::int64_t integer_ = 0;
  double real_ = 0.0;
  std::string text_;
  std::vector<Config> items_;
  std::vector<Entry> entries_;
};

}  // namespace nyala
