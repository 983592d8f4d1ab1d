#include <nyala/config.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <nyala/error.hpp>

namespace nyala {

namespace {

const char* name_of(Config::Kind kind) {
  switch (kind) {
    case Config::Kind::null: return "null";
    case Config::Kind::boolean: return "a boolean";
    case Config::Kind::integer: return "a whole number";
    case Config::Kind::real: return "a number";
    case Config::Kind::string: return "a string";
    case Config::Kind::array: return "an array";
    case Config::Kind::object: return "an object";
  }
  return "nothing";
}

constexpr std::size_t shown_length = 80;

/// The key that was looked up last, for messages about the value found there.
struct LastLookup {
  std::string key;
  const Config* value = nullptr;
};
thread_local LastLookup last_lookup;

const Config& looked_up(const Config::Entry& entry) {
  last_lookup.key = entry.first;
  last_lookup.value = &entry.second;
  return entry.second;
}

std::string place_of(const Config& value) {
  return last_lookup.value == &value ? "the key \"" + last_lookup.key + "\": " : "";
}

[[noreturn]] void refuse(const char* wanted, const Config& received) {
  std::string text = received.json();
  if (text.size() > shown_length) text = text.substr(0, shown_length) + "...";
  throw Error("config: " + place_of(received) + "expected " + wanted + ", got " + name_of(received.kind()) + ": " +
              text);
}

void require(Config::Kind kind, const Config& value) {
  if (value.kind() != kind) refuse(name_of(kind), value);
}

const Config none;

}  // namespace

Config::Config() = default;
Config::Config(const Config& other) = default;
Config::Config(Config&& other) noexcept = default;
Config& Config::operator=(const Config& other) = default;
Config& Config::operator=(Config&& other) noexcept = default;
Config::~Config() = default;
Config::Config(Kind kind, std::int64_t integer) : kind_(kind), integer_(integer) {}
Config::Config(double value) : kind_(Kind::real), real_(value) {}
Config::Config(const char* text) : kind_(Kind::string), text_(text) {}
Config::Config(std::string text) : kind_(Kind::string), text_(std::move(text)) {}

Config::Config(const Shape& shape) : kind_(Kind::array) {
  for (const std::int64_t size : shape) items_.push_back(size == None ? Config() : Config(size));
}

Config Config::array(std::vector<Config> items) {
  Config result;
  result.kind_ = Kind::array;
  result.items_ = std::move(items);
  return result;
}

Config Config::object(std::vector<Entry> entries) {
  Config result;
  result.kind_ = Kind::object;
  result.entries_ = std::move(entries);
  return result;
}

Config Config::keras_object(const std::string& module, const std::string& class_name, Config config) {
  return object(
      {{"module", module}, {"class_name", class_name}, {"config", std::move(config)}, {"registered_name", nullptr}});
}

bool Config::as_bool() const {
  require(Kind::boolean, *this);
  return integer_ != 0;
}

std::int64_t Config::as_integer() const {
  require(Kind::integer, *this);
  return integer_;
}

int Config::as_int() const {
  const std::int64_t value = as_integer();
  if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max()) {
    throw Error("config: " + place_of(*this) + std::to_string(value) + " is too large for a number of 32 bits");
  }
  return static_cast<int>(value);
}

double Config::as_double() const {
  if (kind_ == Kind::integer) return static_cast<double>(integer_);
  require(Kind::real, *this);
  return real_;
}

const std::string& Config::as_string() const {
  require(Kind::string, *this);
  return text_;
}

std::vector<std::int64_t> Config::as_integers() const {
  if (kind_ == Kind::integer) return {integer_};
  require(Kind::array, *this);
  std::vector<std::int64_t> numbers;
  for (const Config& item : items_) {
    if (!item.is_integer()) refuse("whole numbers", *this);
    numbers.push_back(item.integer_);
  }
  return numbers;
}

Shape Config::as_shape() const {
  require(Kind::array, *this);
  Shape shape;
  for (const Config& item : items_) {
    if (!item.is_null() && !item.is_integer()) refuse("sizes", *this);
    shape.push_back(item.is_null() ? None : item.integer_);
  }
  return shape;
}

std::size_t Config::size() const {
  if (kind_ == Kind::object) return entries_.size();
  require(Kind::array, *this);
  return items_.size();
}

const std::vector<Config>& Config::items() const {
  require(Kind::array, *this);
  return items_;
}

const std::vector<Config::Entry>& Config::entries() const {
  require(Kind::object, *this);
  return entries_;
}

const Config& Config::operator[](std::size_t i) const {
  require(Kind::array, *this);
  if (i >= items_.size()) {
    throw Error("config: there is no entry " + std::to_string(i) + " in an array of " + std::to_string(items_.size()));
  }
  return items_[i];
}

void Config::push_back(Config item) {
  if (is_null()) kind_ = Kind::array;
  require(Kind::array, *this);
  items_.push_back(std::move(item));
}

bool Config::contains(const std::string& key) const {
  return kind_ == Kind::object &&
         std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.first == key; });
}

const Config& Config::at(const std::string& key) const {
  require(Kind::object, *this);
  for (const Entry& entry : entries_) {
    if (entry.first == key) return looked_up(entry);
  }
  std::string present;
  for (const Entry& entry : entries_) present += (present.empty() ? "" : ", ") + entry.first;
  throw Error("config: the key \"" + key + "\" is missing; there are: " + (present.empty() ? "none" : present));
}

const Config& Config::get(const std::string& key) const {
  if (kind_ == Kind::null) return none;
  require(Kind::object, *this);
  for (const Entry& entry : entries_) {
    if (entry.first == key) return looked_up(entry);
  }
  return none;
}

Config& Config::entry(std::string_view key) {
  if (is_null()) kind_ = Kind::object;
  require(Kind::object, *this);
  for (Entry& entry : entries_) {
    if (entry.first == key) return entry.second;
  }
  return entries_.emplace_back(std::string(key), Config()).second;
}

void Config::erase(const std::string& key) {
  require(Kind::object, *this);
  std::erase_if(entries_, [&](const Entry& entry) { return entry.first == key; });
}

bool Config::get(const std::string& key, bool otherwise) const {
  const Config& value = get(key);
  return value.is_null() ? otherwise : value.as_bool();
}

int Config::get(const std::string& key, int otherwise) const {
  const Config& value = get(key);
  return value.is_null() ? otherwise : value.as_int();
}

double Config::get(const std::string& key, double otherwise) const {
  const Config& value = get(key);
  return value.is_null() ? otherwise : value.as_double();
}

std::string Config::get(const std::string& key, const char* otherwise) const {
  const Config& value = get(key);
  return value.is_null() ? otherwise : value.as_string();
}

std::optional<double> Config::optional_double(const std::string& key) const {
  const Config& value = get(key);
  return value.is_null() ? std::optional<double>() : value.as_double();
}

std::optional<int> Config::optional_int(const std::string& key) const {
  const Config& value = get(key);
  return value.is_null() ? std::optional<int>() : value.as_int();
}

std::optional<std::int64_t> Config::optional_integer(const std::string& key) const {
  const Config& value = get(key);
  return value.is_null() ? std::optional<std::int64_t>() : value.as_integer();
}

bool Config::operator==(const Config& other) const {
  if (is_number() && other.is_number()) {
    if (is_integer() && other.is_integer()) return integer_ == other.integer_;
    return as_double() == other.as_double();
  }
  if (kind_ != other.kind_) return false;
  if (kind_ != Kind::object) return integer_ == other.integer_ && text_ == other.text_ && items_ == other.items_;
  return entries_.size() == other.entries_.size() &&
         std::all_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
           return other.contains(entry.first) && other.at(entry.first) == entry.second;
         });
}

}  // namespace nyala
