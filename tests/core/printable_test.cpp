#include <doctest/doctest.h>

#include <string>

#include <nyala/error.hpp>

using nyala::Error;

TEST_CASE("an error's message holds no control characters but line ends and tabs") {
  using namespace std::string_literals;
  CHECK(std::string(Error("dense: \x1b[2J\x07\r\x7f\0 end"s).what()) == "dense: \\x1b[2J\\x07\\x0d\\x7f\\x00 end");
  CHECK(std::string(Error("one\n\ttwo").what()) == "one\n\ttwo");
  CHECK(std::string(Error("Größe, 大きさ").what()) == "Größe, 大きさ");
  CHECK(std::string(Error("\xc2\x9b"
                          "31m \xc2")
                        .what()) == "\\u009b31m \xc2");
}
