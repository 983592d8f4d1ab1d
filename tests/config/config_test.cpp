#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <nyala/config.hpp>
#include <nyala/error.hpp>

#include "model/suggest.hpp"

using namespace nyala;

namespace {

std::string message_of(const std::string& json) {
  try {
    Config::parse(json);
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
}

}  // namespace

TEST_CASE("numbers are written as Python's repr writes them") {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  const Config numbers(std::vector<double>{0.1, 1e-7, 1e16, 1e15, 123456789.0, 0.0001, 0.00001, -0.0, 1e22, 2.5e-5,
                                           0.009999999776482582, 1e100, 5e-324, nan, infinity, 1.0, 1.0 / 3});
  CHECK(numbers.json() ==
        "[0.1, 1e-07, 1e+16, 1000000000000000.0, 123456789.0, 0.0001, 1e-05, -0.0, 1e+22, 2.5e-05, "
        "0.009999999776482582, 1e+100, 5e-324, NaN, Infinity, 1.0, 0.3333333333333333]");
  CHECK(Config(-7).json() == "-7");
  CHECK(Config(std::numeric_limits<std::int64_t>::min()).json() == "-9223372036854775808");
}

TEST_CASE("text is escaped as json.dumps escapes it") {
  Config config = Config::object();
  config["a"] = Config::array({1, 2.0, nullptr, true});
  config["b"]["ü"] = "x\n\"\\\u0007é😀\x7f/";
  config["c"] = Config::array();
  config["d"] = Config::object();
  CHECK(config.json() ==
        "{\"a\": [1, 2.0, null, true], \"b\": {\"\\u00fc\": \"x\\n\\\"\\\\\\u0007\\u00e9\\ud83d\\ude00\\u007f/\"}, "
        "\"c\": [], \"d\": {}}");
  CHECK(Config::parse(config.json()) == config);
}

TEST_CASE("bytes that are no UTF-8 survive") {
  const std::string broken = "a\xff\xc0\xaf\xed\xa0\x80z";
  CHECK(Config::parse(Config(broken).json()).as_string() == broken);
  CHECK(Config::parse("\"\\ud800\"").as_string() == "\xef\xbf\xbd");
}

TEST_CASE("indentation is Python's") {
  const Config config = Config::parse(R"({"a": [1, {"b": []}], "c": {}})");
  CHECK(config.json(4) == R"({
    "a": [
        1,
        {
            "b": []
        }
    ],
    "c": {}
})");
}

TEST_CASE("parsing keeps kinds and order") {
  const Config config = Config::parse(" {\"z\": 1, \"a\": 1.0, \"z\": -2e3, \"big\": 12345678901234567890} ");
  REQUIRE(config.size() == 3);
  CHECK(config.entries()[0].first == "z");
  CHECK(config.at("z").json() == "-2000.0");
  CHECK(config.at("a").kind() == Config::Kind::real);
  CHECK(config.at("big").as_double() == 12345678901234567890.0);
  CHECK(std::isnan(Config::parse("NaN").as_double()));
  CHECK(Config::parse("-Infinity").as_double() == -std::numeric_limits<double>::infinity());
  CHECK(Config::parse("1e400").as_double() == std::numeric_limits<double>::infinity());
  CHECK(Config::parse("-1e-400").as_double() == 0.0);
  CHECK(Config::parse("[null, 3]").as_shape() == Shape{None, 3});
}

TEST_CASE("text that is no JSON names the place") {
  for (const char* bad :
       {"",  "{",  "[1,", "[1,]", "{\"a\" 1}", "{a: 1}",   "\"x",        "\"\\q\"", "\"\\u12g4\"", "01", "1.",
        "-", "1e", "tru", "nul",  "[1] 2",     "\"a\nb\"", "{\"a\":1,}", "+1",      ".5",          "'x'"}) {
    CAPTURE(bad);
    CHECK(contains(message_of(bad), "JSON: line "));
  }
  CHECK(contains(message_of("{\n  \"a\": tru\n}"), "line 2, column 8"));
  CHECK(message_of(nested(100)) == "accepted");
  CHECK(contains(message_of(nested(102)), "100 levels"));
  CHECK(contains(message_of(nested(100000)), "100 levels"));
}

TEST_CASE("asking for another kind is an error that shows the value") {
  CHECK_THROWS_WITH_AS(Config("x").as_int(), "config: expected a whole number, got a string: \"x\"", Error);
  CHECK_THROWS_AS(Config(1.5).as_integer(), Error);
  CHECK_THROWS_AS(Config(std::int64_t{1} << 40).as_int(), Error);
  CHECK_THROWS_WITH_AS(Config::object({{"units", 3}}).at("unit"),
                       "config: the key \"unit\" is missing; there are: units", Error);
  CHECK(Config::object({{"rate", nullptr}}).get("rate", 0.5) == 0.5);
  CHECK(Config::object({{"rate", 1}}).get("rate", 0.5) == 1.0);
}

TEST_CASE("equality: 1 is 1.0, order of keys does not count") {
  CHECK(Config::parse(R"({"a": 1, "b": [true]})") == Config::parse(R"({"b": [true], "a": 1.0})"));
  CHECK_FALSE(Config(true) == Config(1));
  CHECK_FALSE(Config::parse("{\"a\": 1}") == Config::parse("{\"a\": 1, \"b\": null}"));
}

TEST_CASE("suggestions") {
  const std::vector<std::string> names{"adam", "adamw", "rmsprop", "sgd", "glorot_uniform", "Custom>Mine"};
  CHECK(detail::did_you_mean("adma", names) == "; did you mean \"adam\"?");
  CHECK(detail::did_you_mean("RMSProp", names) == "; did you mean \"rmsprop\"?");
  CHECK(detail::did_you_mean("glorot-unifrom", names) == "; did you mean \"glorot_uniform\"?");
  CHECK(detail::did_you_mean("lbfgs", names).empty());
  CHECK(detail::did_you_mean("", names).empty());
}
